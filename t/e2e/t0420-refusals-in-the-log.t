#!/usr/bin/env python3
"""Every refusal and deferral has a log line with its client, queue id, sender, recipient, reply and
cause, and is counted by command, code and reason; ps(1) shows what each process does."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from condition import get
from control import ctl, status, until
from handoffd import Handoffd, free_port
from lmtp import Lmtp
from processes import command_line
from tap import done, is_, ok

PAT = "pat@good.test"

with Handoffd({"session.max-message-size": "1M", "trusted": "unix"}) as daemon:
    daemon.mailbox(PAT)

    def logged(sentence, *words):
        line = daemon.wait_for(words[0])
        ok(all(word in line for word in (*words[1:], "client=local")), sentence)

    # Each refusal has a log line, not only the last one, although all commands come in one write.
    with Lmtp(daemon.unix) as client:
        client.send(b"LHLO client.test\r\nXFORWARD IDENT=4bVqXk1ZzZz9\r\n"
                    b"MAIL FROM:<a@client.test> SIZE=2000000\r\nRCPT TO:<pat@good.test>\r\n"
                    b"DATA\r\n")
        client.replies(5)
    logged("552_at_mail_is_logged", r"command refused .*from=<a@client\.test> .*552 5\.3\.4",
           "queue_id=4bVqXk1ZzZz9")
    logged("the_command_refused_after_552_is_logged", r"command refused .*503 5\.5\.1")
    daemon.wait_for("command refused", 0, 3)
    is_(len([line for line in daemon.log if "command refused" in line]), 3,
        "each_refused_command_has_a_log_line")

    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<b@client.test>", f"RCPT TO:<{PAT}> FOO=1",
                       "RCPT TO:<nobody@good.test>")
    logged("a_refused_parameter_of_rcpt_is_logged", r"command refused .*555 5\.5\.4",
           "from=<b@client.test>", f"to=<{PAT}>")
    logged("an_unknown_recipient_is_logged", r"refused .*to=<nobody@good\.test> .*550 5\.1\.1",
           "from=<b@client.test>", "code=550 dsn=5.1.1")

port = free_port()
MAP = "socketmap:unix:/nonexistent/map.sock:m"
with Handoffd({"http.listen": str(port), "trusted": "unix",
               "recipients.lookup": MAP}) as daemon:
    def session(*commands):
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "XFORWARD IDENT=4bVqXk1ZzZz9 ADDR=192.0.2.9",
                           "MAIL FROM:<a@client.test>", *commands)

    def logged_whole(message, sentence, *words):
        line = daemon.wait_for(f": {message} .*reply=")
        wanted = ("queue_id=4bVqXk1ZzZz9", "from=<a@client.test>", "client=local",
                  "orig_client=[192.0.2.9]", "code=4", "dsn=4.", *words)
        missing = [word for word in wanted if word not in line]
        is_(missing, [], sentence)

    def counted(sample, value):
        def right():
            return re.search(rf"^{re.escape(sample)} {value}$", get(port, "/metrics")[1], re.M)
        ok(until(right, f"{sample} {value}"), f"{sample}_is_{value}")

    # --- At RCPT: a lookup that is down.
    session(f"RCPT TO:<{PAT}>", f"RCPT TO:<{PAT}>")
    logged_whole("error: lookup failed", "a_failed_lookup_is_logged", f"to=<{PAT}>",
                 "cause=\"socketmap: connect")
    counted('handoff_refusals_total{at="rcpt",code="451",reason="lookup"}', 2)
    counted('handoff_recipients_total{outcome="deferred"}', 2)
    failure = until(lambda: status(daemon)["failures"], "the failure is told")[0]
    is_((failure["what"], failure["address"]),
        ("451 4.3.0 the recipient cannot be looked up at the moment: socketmap: connect: "
         "No such file or directory", PAT), "the_failure_in_the_status_has_the_cause_that_the_log_has")
    is_(status(daemon)["refusals"], [{"at": "rcpt", "code": 451, "reason": "lookup", "count": 2}],
        "status_counts_refusals")
    ok("451 lookup, at RCPT" in get(port, "/")[1], "the_page_counts_refusals")

    # --- At MAIL: no room.
    daemon.write({"recipients.lookup": "mailbox", "spool.min-free": "99%"})
    daemon.mailbox(PAT)
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_succeeds")
    session()
    logged_whole("warning: no room", "a_refusal_for_lack_of_space_is_logged", "free=")
    counted('handoff_refusals_total{at="mail",code="452",reason="no_room"}', 1)

    # --- After RCPT: staging cannot be written to.
    daemon.write({"spool.min-free": "0"})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_succeeds")
    staging = f"{daemon.spool}/.handoff/staging"
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "XFORWARD IDENT=4bVqXk1ZzZz9 ADDR=192.0.2.9",
                       "MAIL FROM:<a@client.test>", f"RCPT TO:<{PAT}>")
        os.chmod(staging, 0o500)
        client.session("DATA")
        os.chmod(staging, 0o700)
    logged_whole("error: staging failed", "an_unwritable_staging_is_logged", f"to=<{PAT}>",
                 "cause=\"", "Permission denied")
    counted('handoff_refusals_total{at="content",code="451",reason="storage"}', 1)

    # --- Processes.
    if os.path.exists("/proc/self/cmdline"):
        def titles():
            return {command_line(pid) for pid in
                    [daemon.pid, *(each["pid"] for each in status(daemon)["workers"])]}

        ok({f"handoffd: master, {daemon.path}", "handoffd: worker, idle"} <= titles(),
           "ps_shows_the_master_and_idle_workers")
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test")
            ok("handoffd: worker, serving local" in titles(), "ps_shows_which_client_a_worker_serves")
        until(lambda: "handoffd: worker, serving local" not in titles(), "the worker is idle again")

done()
