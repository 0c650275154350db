#!/usr/bin/env python3
"""Exim hands over by its lmtp transport (unix socket) and its smtp transport (TCP)."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import Handoffd
from mailing import Mailing
from tap import diag, done, empty, is_, ok

peer.enter("exim4")

SENDER = "sender@unix.test"
LOG = "/var/log/exim4/mainlog"

EXIM_CONF = """
primary_hostname = exim.test
log_file_path = /var/log/exim4/%slog
trusted_users = root
begin routers
unix:
  driver = accept
  domains = unix.test
  transport = handoff_unix
tcp:
  driver = manualroute
  domains = tcp.test
  route_list = * {host} byname
  self = send
  transport = handoff_tcp
begin transports
handoff_unix:
  driver = lmtp
  socket = {socket}
  batch_max = 100
  user = Debian-exim
handoff_tcp:
  driver = smtp
  protocol = lmtp
  port = {port}
  hosts_try_fastopen =
begin retry
* * F,1h,1m
"""


def inject(sender, recipients, octets):
    """Delivers in the foreground."""
    run = subprocess.run(["/usr/sbin/exim4", "-i", "-odi", "-f", sender, *recipients],
                         input=octets, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=60, check=False)
    for line in run.stdout.decode("utf-8", "replace").splitlines()[:3]:
        diag(line)


with Handoffd(tcp=True) as daemon:
    host, _, port = daemon.tcp.removeprefix("tcp:").rpartition(":")
    with open("/etc/exim4/exim4.conf", "w", encoding="ascii") as file:
        file.write(EXIM_CONF.format(socket=daemon.unix.removeprefix("unix:"), host=host, port=port))
    mailings = [Mailing(daemon, domain, 40, sender=SENDER) for domain in ("unix.test", "tcp.test")]
    for mailing in mailings:
        for each in mailing.messages:
            inject(SENDER, each.good + each.unknown, each.octets)
    # A bounce is a message of its own, whose delivery may outlast the command.
    subprocess.run(["/usr/sbin/exim4", "-qf"], check=True, timeout=60)
    for mailing in mailings:
        mailing.check()
    mailings[0].check_bounces(sum(mailing.bounces for mailing in mailings))
    queue = subprocess.run(["/usr/sbin/exim4", "-bp"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout
    is_(queue.strip(), "", "the_queue_of_exim_is_empty")
    with open(LOG, encoding="utf-8", errors="replace") as file:
        log = file.read().splitlines()
    is_(sum(" == " in line for line in log), 0, "exim_deferred_nothing")
    is_(sum(bool(re.search(r" [-=]> .* T=handoff_", line)) for line in log),
        sum(len(each.good) for mailing in mailings for each in mailing.messages)
        + sum(mailing.bounces for mailing in mailings), "exim_logs_each_delivery_once")
    is_(sum(" ** " in line for line in log),
        sum(len(each.unknown) for mailing in mailings for each in mailing.messages),
        "exim_logs_each_unknown_recipient_once")
    is_(daemon.staged(), [], "nothing_stays_in_staging")
    is_(daemon.stop(), 0, "it_ends_well")

done()
