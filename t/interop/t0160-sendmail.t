#!/usr/bin/env python3
"""Sendmail hands over by the mailer that README tells of: a handoffd --stdin for each delivery."""
import os
import re
import socket
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "t", "lib"))
import peer
from handoffd import Configuration, program
from mailing import Mailing
from tap import diag, done, is_, ok

peer.enter("sendmail")

SENDMAIL = "/usr/libexec/sendmail/sendmail"
CF = "/usr/share/sendmail/cf"

SENDMAIL_MC = """
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `sendmail.test')dnl
define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_RULE_0
R$+ < @ good.test > $*\t$#handoff $@ good.test $: $1 < @ good.test >
R$+ < @ good.test . > $*\t$#handoff $@ good.test $: $1 < @ good.test >
"""


def mailer(configuration):
    """README's mailer, with this program and this configuration."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        found = re.search(r"^ *MAILER_DEFINITIONS\n *(Mhandoff,.*?\n)\n", file.read(), re.S | re.M)
    if not found:
        raise RuntimeError("README.md has no mailer for sendmail")
    lines = [line.strip() for line in found[1].splitlines()]
    text = "\n\t\t".join(lines)
    text = re.sub(r"P=[^,]*", lambda _: "P=" + program("HANDOFFD"), text)
    return text.replace("--stdin", f"-c {configuration.path} --stdin")


def install(configuration):
    with open("/etc/mail/service.switch", "w", encoding="ascii") as file:
        file.write("hosts\tfiles\naliases\tfiles\n")
    # Without a qualified name for this machine, sendmail waits a minute for one.
    name = socket.gethostname().partition(".")[0]
    with open("/etc/hosts", "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n127.0.1.1 {name}.test {name}\n")
    source = SENDMAIL_MC + "MAILER_DEFINITIONS\n" + mailer(configuration) + "\n"
    made = subprocess.run(["m4", f"-D_CF_DIR_={CF}/", f"{CF}/m4/cf.m4", "-"], input=source,
                          stdout=subprocess.PIPE, text=True, check=True)
    with open("/etc/mail/sendmail.cf", "w", encoding="ascii") as file:
        file.write(made.stdout)


def sendmail(sender, recipients, octets):
    """Delivers as it is called, in the foreground. Returns what it says."""
    run = subprocess.run([SENDMAIL, "-Am", "-i", "-odi", "-B8BITMIME", "-f", sender, *recipients],
                         input=octets, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=60, check=False)
    return run.stdout.decode("utf-8", "replace")


configuration = Configuration({"log.to": "syslog"})
mailing = Mailing(configuration, "good.test", count=40)
install(configuration)
for each in mailing.messages:
    said = sendmail(mailing.sender, each.good + each.unknown, each.octets)
    if said and not each.unknown:
        diag(said)
mailing.check()
mailing.check_bounces(mailing.bounces)
queue = subprocess.run([SENDMAIL, "-Am", "-bp"], stdout=subprocess.PIPE, text=True, check=False)
if not ok("is empty" in queue.stdout, "the_queue_of_sendmail_is_empty"):
    diag(queue.stdout)
is_(configuration.staged(), [], "nothing_stays_in_staging")
done()
