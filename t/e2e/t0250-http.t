#!/usr/bin/env python3
"""Metrics, health and the status page, over HTTP."""
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
    """A socket map that says the same to everybody."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection:
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
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 451, "a_delivery_fails")
    os.unlink(mailbox + "/new")
    os.rename(mailbox + "/away", mailbox + "/new")
    daemon.wait_for(r' deferred .*cause="open good\.test/pat/new: ')

    # --- Metrics.
    code, kind, text = get("/metrics", "application/openmetrics-text; version=1.0.0")
    is_((code, kind), (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "prometheus_gets_openmetrics")
    ok(text.endswith("\n# EOF\n"), "which_end_as_they_must")
    is_(value(text, 'handoff_recipients_total{outcome="delivered"}'), 3, "deliveries_are_counted")
    is_(value(text, 'handoff_recipients_total{outcome="deferred"}'), 1, "deferrals_are_counted")
    is_(value(text, 'handoff_replies_total{code="550"}'), 1, "replies_are_counted_by_code")
    for stage, count in (("transaction", 4), ("lookup", 5), ("write", 4), ("sync", 4),
                         ("commit", 4), ("final_dot", 4)):
        is_(value(text, f"handoff_{stage}_seconds_count"), count, f"each_{stage}_is_timed")
        ok(value(text, f"handoff_{stage}_seconds_sum") > 0, f"and_takes_time_{stage}")
        buckets = re.findall(rf'^handoff_{stage}_seconds_bucket{{le="(\S+)"}} (\d+)$', text, re.M)
        ok(buckets[-1] == ("+Inf", str(count)) and
           [int(n) for _, n in buckets] == sorted(int(n) for _, n in buckets),
           f"the_buckets_of_{stage}_add_up")
    ok(value(text, f'handoff_spool_free_bytes{{spool="{daemon.spool}"}}') > 0,
       "the_room_on_the_spool_is_there")
    ok(value(text, 'handoff_workers{state="idle"}') >= 1, "workers_are_counted_by_state")
    plain = get("/metrics")
    is_(plain[1], "text/plain; version=0.0.4; charset=utf-8", "others_get_the_older_text_format")
    before = value(plain[2], "handoff_sessions_total")
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_replaces_all_workers")
    ok(value(get("/metrics")[2], "handoff_sessions_total") >= before, "and_no_number_goes_back")

    # --- The page.
    code, kind, page = get("/")
    is_((code, kind), (200, "text/html; charset=utf-8"), "there_is_a_status_page")
    ok("<script" not in page, "without_scripts")
    ok("451 4.2.0" in page, "it_shows_the_last_failures")
    ok("pat@good.test" not in page and "good.test/" not in page, "and_no_address_of_mail")
    daemon.write({"http.show-addresses": "yes"})
    is_(ctl(daemon, "reload").returncode, 0, "addresses_can_be_asked_for")
    ok("pat@good.test" in get("/")[2], "and_are_shown_then")
    is_(get("/nothing")[0], 404, "there_is_nothing_else")
    is_(get("/", method="POST")[0], 405, "and_nothing_can_be_changed_there")
    is_(get("/", method="HEAD")[2], "", "head_has_no_body")

    # --- What a lookup's server says may have an address in it.
    words = f"{scratch.path}/map.sock"
    threading.Thread(target=answer, args=(words, b"TEMP no shard for pat@good.test"),
                     daemon=True).start()
    daemon.write({"http.show-addresses": "no", "recipients.lookup": f"socketmap:unix:{words}:m"})
    is_(ctl(daemon, "reload").returncode, 0, "recipients_are_looked_up_elsewhere")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).rcpt[PAT].code, 451, "a_lookup_fails")
    until(lambda: "451 4.3.0 the recipient cannot" in get("/")[2], "the page shows it")
    ok("no shard" not in get("/")[2], "the_servers_own_words_are_not_shown")
    is_(status(daemon)["failures"][0]["address"],
        f"{PAT}: socketmap: the map says TEMP no shard for {PAT}",
        "but_handoffctl_status_has_them")
    daemon.write({"recipients.lookup": "mailbox"})

    # --- Not healthy.
    daemon.write({"spool.min-free": "99%"})
    is_(ctl(daemon, "reload").returncode, 0, "there_is_not_enough_room")
    until(lambda: get("/healthz")[0] == 503, "the room is missed")
    ok("min-free" in get("/healthz")[2], "a_server_that_takes_no_message_for_want_of_room_says_so")
    other = f"{scratch.path}/other.sock"
    daemon.write({"spool.min-free": "0", "listen": [daemon.unix, f"unix:{other}"]})
    is_(ctl(daemon, "reload").returncode, 0, "there_are_two_listeners")
    until(lambda: get("/healthz")[0] == 200, "both answer")
    os.rename(other, other + ".away")
    until(lambda: get("/healthz")[0] == 503, "the other is missed")
    ok("other.sock" in get("/healthz")[2], "each_listener_has_to_answer")
    os.rename(other + ".away", other)
    disk.hold("spool")
    until(lambda: get("/healthz")[0] == 503, "the disk is missed")
    told = status(daemon)
    ok("free_octets" not in told["spool"] and told["state"] == "serving",
       "status_is_told_though_the_spool_does_not_answer")
    disk.let_go()
    until(lambda: "free_octets" in status(daemon)["spool"], "the disk is back")
    os.rename(daemon.spool, daemon.spool + ".away")
    # What was found a moment ago stands for two seconds.
    until(lambda: get("/healthz")[0] == 503, "the spool is missed")
    ok("spool" in get("/healthz")[2], "a_server_without_its_spool_is_not_healthy_and_says_why")
    os.rename(daemon.spool + ".away", daemon.spool)
    until(lambda: get("/healthz")[0] == 200, "the spool is back")
    ok(True, "and_is_again_when_it_is_back")

done()
