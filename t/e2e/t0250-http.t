#!/usr/bin/env python3
"""Metrics, health and the status page, over HTTP."""
import contextlib
import http.client
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import ctl, status, until
from handoffd import Handoffd, free_port
from lmtp import deliver
from scratch import Scratch
from slow_disk import SlowDisk
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def get(path, accept="*/*", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={"Accept": accept})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, response.headers["Content-Type"], body


def answer(path, words):
    """Runs a socket map that gives the same answer to every request."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(BrokenPipeError):  # it no longer waits
                while connection.recv(4096):
                    connection.sendall(b"%d:%s," % (len(words), words))


def value(text, sample):
    [found] = re.findall(rf"^{re.escape(sample)} (\S+)$", text, re.M)
    return float(found)


port = free_port()
scratch = Scratch()
disk = SlowDisk(scratch)
with Handoffd({"http.listen": str(port), "recipients.max-concurrent": 20}, scratch=scratch,
              environment=disk.environment) as daemon:
    mailbox = daemon.mailbox(PAT)
    is_(get("/healthz"), (200, "text/plain", "ok\n"), "a_server_that_can_deliver_is_healthy")
    for _ in range(3):
        deliver(daemon.unix, "", [PAT], MESSAGE)
    deliver(daemon.unix, "", ["nobody@good.test"], MESSAGE)
    os.rename(mailbox + "/new", mailbox + "/away")
    with open(mailbox + "/new", "wb"):
        pass  # no directory
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 451, "a_failing_delivery_is_deferred")
    os.unlink(mailbox + "/new")
    os.rename(mailbox + "/away", mailbox + "/new")
    daemon.wait_for(r' deferred .*cause="open good\.test/pat/new: ')

    # --- Metrics.
    code, kind, text = get("/metrics", "application/openmetrics-text; version=1.0.0")
    is_((code, kind), (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "prometheus_gets_the_openmetrics_format")
    ok(text.endswith("\n# EOF\n"), "each_metric_page_ends_as_its_format_requires")
    is_(value(text, 'handoff_recipients_total{outcome="delivered"}'), 3, "deliveries_are_counted")
    is_(value(text, 'handoff_recipients_total{outcome="deferred"}'), 1, "deferrals_are_counted")
    is_(value(text, 'handoff_replies_total{code="550"}'), 1, "replies_are_counted_by_code")
    for stage, count in (("transaction", 4), ("lookup", 5), ("write", 4), ("sync", 4),
                         ("commit", 4), ("final_dot", 4)):
        is_(value(text, f"handoff_{stage}_seconds_count"), count, f"each_{stage}_is_timed")
        ok(value(text, f"handoff_{stage}_seconds_sum") > 0, f"the_time_of_{stage}_is_not_zero")
        buckets = re.findall(rf'^handoff_{stage}_seconds_bucket{{le="(\S+)"}} (\d+)$', text, re.M)
        ok(buckets[-1] == ("+Inf", str(count)) and
           [int(n) for _, n in buckets] == sorted(int(n) for _, n in buckets),
           f"the_buckets_of_{stage}_are_cumulative")
    ok(value(text, f'handoff_spool_free_bytes{{spool="{daemon.spool}"}}') > 0,
       "the_free_space_of_the_spool_is_shown")
    ok(value(text, 'handoff_workers{state="idle"}') >= 1, "workers_are_counted_by_state")
    plain = get("/metrics")
    is_(plain[1], "text/plain; version=0.0.4; charset=utf-8", "other_clients_get_the_older_text_format")
    before = value(plain[2], "handoff_sessions_total")
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_replaces_all_workers")
    ok(value(get("/metrics")[2], "handoff_sessions_total") >= before, "no_counter_decreases")

    # --- The page.
    code, kind, page = get("/")
    is_((code, kind), (200, "text/html; charset=utf-8"), "there_is_a_status_page")
    ok("<script" not in page, "the_page_has_no_scripts")
    ok("451 4.2.0" in page, "the_page_shows_the_last_failures")
    ok("pat@good.test" not in page and "good.test/" not in page, "the_page_shows_no_mail_address")
    daemon.write({"http.show-addresses": "yes"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_can_allow_addresses_on_the_page")
    ok("pat@good.test" in get("/")[2], "the_page_then_shows_addresses_of_failures")
    is_(get("/nothing")[0], 404, "other_paths_get_404")
    is_(get("/", method="POST")[0], 405, "nothing_can_be_changed_over_http_listen")
    is_(get("/", method="HEAD")[2], "", "head_has_no_body")

    # --- Messages of a lookup server may contain addresses.
    words = f"{scratch.path}/map.sock"
    threading.Thread(target=answer, args=(words, b"TEMP no shard for pat@good.test"),
                     daemon=True).start()
    daemon.write({"http.show-addresses": "no", "recipients.lookup": f"socketmap:unix:{words}:m"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_selects_another_lookup")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).rcpt[PAT].code, 451, "a_recipient_gets_451_if_the_lookup_fails")
    until(lambda: "451 4.3.0 the recipient cannot" in get("/")[2], "the page shows it")
    ok("socketmap: the map says TEMP no shard for ***" in get("/")[2],
       "the_page_shows_the_lookup_servers_error_without_the_address")
    ok(PAT not in get("/")[2], "the_address_is_nowhere_on_the_page")
    is_(status(daemon)["failures"][0]["address"], PAT, "handoffctl_status_shows_the_address")
    daemon.write({"recipients.lookup": "mailbox"})

    # --- Not healthy.
    daemon.write({"spool.min-free": "99%"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_requires_more_free_space_than_there_is")
    until(lambda: "min-free" in get("/healthz")[2], "the room is missed")
    is_(get("/healthz")[0], 503, "healthz_reports_a_lack_of_free_space")
    other = f"{scratch.path}/other.sock"
    daemon.write({"spool.min-free": "0", "listen": [daemon.unix, f"unix:{other}"]})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_adds_a_second_listener")
    until(lambda: get("/healthz")[0] == 200, "both answer")
    os.rename(other, other + ".away")
    until(lambda: "other.sock" in get("/healthz")[2], "the other is missed")
    is_(get("/healthz")[0], 503, "healthz_names_a_listener_that_does_not_answer")
    os.rename(other + ".away", other)
    disk.hold("spool")
    until(lambda: "does not answer" in get("/healthz")[2], "the disk is missed")
    told = status(daemon)
    ok("free_octets" not in told["spool"] and told["state"] == "not delivering",
       "status_works_although_the_spool_does_not_respond")
    disk.let_go()
    until(lambda: "free_octets" in status(daemon)["spool"], "the disk is back")
    os.rename(daemon.spool, daemon.spool + ".away")
    # A result is cached for two seconds.
    until(lambda: "spool: open" in get("/healthz")[2], "the spool is missed")
    is_(get("/healthz")[0], 503, "a_server_without_its_spool_is_not_healthy_and_says_why")
    os.rename(daemon.spool + ".away", daemon.spool)
    until(lambda: get("/healthz")[0] == 200, "the spool is back")
    ok(True, "a_server_is_healthy_again_when_its_spool_is_back")

done()
