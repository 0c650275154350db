#!/usr/bin/env python3
"""X8: dsn.command sends a report for NOTIFY=SUCCESS, after the replies and never instead of them.
The command of this test stores the report; Python's parser reads it."""
import email
import email.policy
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import until, workers
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from scratch import Scratch
from tap import done, empty, is_, ok

SENDER = "sender@example.net"
PAT, KIM, LEE = "pat@example.org", "kim@example.org", "lee@example.org"
MESSAGE = (b"From: <sender@example.net>\r\nSubject: a question\r\nX-Long: a\r\n\tb\r\n"
           b"Message-ID: <1@example.net>\r\n\r\nThe body must not come back.\r\n")

scratch = Scratch()
reports = os.path.join(scratch.path, "reports")
os.mkdir(reports)
os.chmod(reports, 0o777)
command = scratch.file("store", f"""#!/bin/sh
new={reports}/.$$
mkdir $new
printf '%s\\n' "$@" >$new/arguments
cat >$new/text
id -u >$new/uid
# The shell itself blocks signals while it starts a program.
grep -E '^Sig(Blk|Ign):' /proc/self/status >$new/signals 2>/dev/null
ls -l /proc/$$/fd >$new/descriptors 2>/dev/null
mv $new {reports}/$$
""")
os.chmod(command, 0o755)


def transaction(client, sender, *recipients):
    """Returns the codes of (MAIL, RCPT..., final...). recipients: the text after TO:."""
    codes = [client.command(f"MAIL FROM:{sender}").code]
    codes += [client.command(f"RCPT TO:{each}").code for each in recipients]
    accepted = codes[1:].count(250)
    client.command("DATA")
    client.send(stuffed(MESSAGE))
    return codes + [client.reply().code for _ in range(accepted)]


def take_report(daemon, since=0):
    """Returns the only report that was sent."""
    daemon.wait_for("report sent", since)
    [name] = os.listdir(reports)
    report = {}
    for each in os.listdir(os.path.join(reports, name)):
        with open(os.path.join(reports, name, each), encoding="utf-8") as file:
            report[each] = file.read()
    shutil.rmtree(os.path.join(reports, name))
    report["arguments"] = report["arguments"].splitlines()
    return report


def processes():
    """Returns (process, parent, state) of each process."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,state="], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    return [line.split()[:3] for line in listing.splitlines()]


def children(parent):
    return [int(pid) for pid, of, state in processes() if int(of) == parent and state[0] != "Z"]


def zombies_below(master):
    ours = {master, *children(master)}
    return [pid for pid, of, state in processes() if int(of) in ours and state[0] == "Z"]


def blocks(message):
    """Returns the groups of fields in the delivery-status part of the message."""
    part = message.get_payload()[1]
    payload = part.get_payload()
    if isinstance(payload, list):
        return [dict(block.items()) for block in payload if block.items()]
    texts = part.get_payload(decode=True).decode().strip().split("\n\n")
    return [dict(email.message_from_string(text).items()) for text in texts]


daemon = Handoffd(tcp=False, scratch=scratch)
daemon.mailbox(PAT), daemon.mailbox(KIM), daemon.mailbox(LEE)
with Lmtp(daemon.unix) as client:
    ok("DSN" not in client.command("LHLO me").lines, "X8_dsn_is_not_offered_without_dsn.command")
    client.command("MAIL FROM:<>")
    is_(client.command(f"RCPT TO:<{PAT}> NOTIFY=SUCCESS").code, 555, "X8_without_dsn.command_notify_is_refused")
is_(daemon.stop(), 0, "the_server_exits_with_0_without_dsn_command")

daemon.write({"dsn.command": f"{command} -i  -f <>"})
daemon.start()
with Lmtp(daemon.unix) as client:
    ok("DSN" in client.command("LHLO me").lines, "X8_dsn_is_offered_with_dsn.command")
    before = len(daemon.log)
    is_(transaction(client, f"<{SENDER}> RET=FULL ENVID=QQ+2B314159",
                    f"<{PAT}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Pat+2Bx@example.com",
                    f"<{KIM}> NOTIFY=NEVER", "<unknown@example.org> NOTIFY=SUCCESS",
                    f"<{LEE}> NOTIFY=SUCCESS", f"<{PAT.upper()}> NOTIFY=SUCCESS"),
        [250, 250, 250, 550, 250, 250] + [250] * 4, "X8_a_requested_report_does_not_change_the_replies")
    report = take_report(daemon, before)
    is_(report["arguments"], ["-i", "-f", "<>", SENDER],
        "X8_the_command_gets_its_arguments_and_the_sender")
    empty((line for line in report["descriptors"].splitlines()
           if "socket:" in line or daemon.spool in line or "anon_inode" in line),
          "X8_the_command_has_no_descriptor_of_ours")
    empty((line for line in report["signals"].splitlines() if int(line.split()[1], 16) & 0x7FFFFFFF),
          "X8_the_command_has_default_signals")  # 32 and above belong to the C library
    ok(int(report["uid"]) != 0, "X8_the_command_is_not_root")

    text = report["text"]
    empty((line for line in text.splitlines() if len(line) > 998), "X8_no_line_of_the_report_is_too_long")
    message = email.message_from_string(text, policy=email.policy.default)
    is_(message.defects, [], "X8_the_report_has_no_defects")
    is_((message.get_content_type(), message.get_param("report-type")),
        ("multipart/report", "delivery-status"), "X8_the_report_is_a_multipart_report")
    is_(message["To"], SENDER, "X8_the_report_goes_to_the_sender")
    is_(message["Auto-Submitted"], "auto-replied", "X8_the_report_has_a_null_sender")
    is_([part.get_content_type() for part in message.iter_parts()],
        ["text/plain", "message/delivery-status", "text/rfc822-headers"], "X8_the_report_has_three_parts")
    of_message, *of_recipients = blocks(message)
    is_({key: value for key, value in of_message.items() if key != "Arrival-Date"},
        {"Reporting-MTA": "dns; handoff.test", "Original-Envelope-Id": "QQ+314159"},
        "X8_the_report_names_the_host_and_the_envelope_id")
    ok("Arrival-Date" in of_message, "X8_the_report_says_when_the_message_arrived")
    common = {"Action": "delivered", "Status": "2.0.0"}
    is_(of_recipients,
        [{"Original-Recipient": "rfc822; Pat+2Bx@example.com",
          "Final-Recipient": f"rfc822; {PAT}", **common},
         {"Final-Recipient": f"rfc822; {PAT.upper()}", **common},
         {"Final-Recipient": f"rfc822; {LEE}", **common}],
        "X8_the_report_has_each_recipient_that_requested_it_and_got_the_message")
    header = message.get_payload()[2].get_payload()
    ok("Subject: a question\n" in header and "X-Long: a\n\tb\n" in header
       and header.startswith("From: "), "X8_the_report_contains_the_header")
    ok("must not come back" not in text, "X8_the_report_omits_the_body_even_with_ret_full")

    # No report is sent if none was requested or there is no sender.
    before = len(daemon.log)
    transaction(client, "<>", f"<{PAT}> NOTIFY=SUCCESS")
    transaction(client, f"<{SENDER}>", f"<{PAT}>")
    transaction(client, f"<{SENDER}>", f"<{PAT}> NOTIFY=NEVER", f"<{KIM}> NOTIFY=FAILURE,DELAY")
    # A sender that looks like an option is not treated as one. This report comes after those that
    # were not sent.
    transaction(client, "<-oQ@example.net>", f"<{PAT}> NOTIFY=SUCCESS")
    is_(take_report(daemon, before)["arguments"][3:], ["<-oQ@example.net>"],
        "X8_a_sender_that_begins_with_a_hyphen_is_not_an_option_of_the_command")

    if "SMTPUTF8" in client.command("LHLO me").lines:
        before = len(daemon.log)
        daemon.mailbox("jörg@example.org")
        transaction(client, "<müller@example.net> SMTPUTF8",
                    "<jörg@example.org> NOTIFY=SUCCESS ORCPT=utf-8;j\\x{F6}rg@example.org")
        report = take_report(daemon, before)
        is_(report["arguments"][3:], ["müller@example.net"], "X8_X7_the_sender_may_be_utf_8")
        message = email.message_from_string(report["text"], policy=email.policy.default)
        is_([part.get_content_type() for part in message.iter_parts()],
            ["text/plain", "message/global-delivery-status", "message/global-headers"],
            "X8_X7_a_utf8_report_has_the_types_of_rfc_6533")
        ok("Original-Recipient: utf-8; j\\x{F6}rg@example.org\n"
           "Final-Recipient: utf-8; jörg@example.org\n" in report["text"],
           "X8_X7_addresses_in_a_utf8_report_are_utf_8")
is_(daemon.stop(), 0, "the_server_exits_with_0")

# One report for one delivery: a client that did not read the replies gets it after its second
# attempt.
daemon.write({"workers.max": 1, "workers.min-idle": 1, "workers.max-idle": 1})
daemon.start()


def gone_without_reading(message, killed):
    """Sends the message and closes the connection after the delivery without reading the replies.
    killed: also kills the worker, so its record of the unread replies is lost."""
    before = len(daemon.log)
    client = Lmtp(daemon.unix)
    client.session("LHLO me", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{PAT}> NOTIFY=SUCCESS", "DATA")
    client.send(stuffed(message))
    daemon.wait_for("delivered ", before)
    if killed:
        [worker] = workers(daemon)
        os.kill(worker, signal.SIGKILL)
        client.at_end()
    client.close()
    return before


def retried(message):
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{PAT}> NOTIFY=SUCCESS", "DATA")
        client.send(stuffed(message))
        return client.reply().code


for number, killed in enumerate((False, True)):
    again = MESSAGE.replace(b"a question", b"again %d" % number)
    before = gone_without_reading(again, killed)
    if not killed:
        daemon.wait_for("replies unread", before)
    how = "after_a_crash" if killed else "after_going"
    is_(retried(again), 250, f"X8_L12_the_retry_{how}_is_answered_with_250")
    ok("already-delivered" in daemon.wait_for("already-delivered", before),
       f"X8_L12_the_retry_{how}_is_recognised")
    is_(take_report(daemon, before)["arguments"][3:], [SENDER], f"X8_one_report_is_sent_{how}")
    is_(sum("report sent" in line for line in daemon.log[before:]), 1, f"X8_no_second_report_is_sent_{how}")
until(lambda: not zombies_below(daemon.pid), "nothing of ours is left to wait for")
ok(True, "X8_no_process_that_has_ended_is_left_behind")
is_(daemon.stop(), 0, "the_server_exits_with_0_with_retries")
daemon.write({"workers.max": None, "workers.min-idle": None, "workers.max-idle": None})

# A command that does not read its input, fails or is missing causes one log line and nothing else.
for settings, cause, sentence in (
        ({"dsn.command": scratch.file("fails", "#!/bin/sh\necho the queue is full >&2\nexit 75\n")},
         "exit 75 (the queue is full)", "a_command_that_fails"),
        ({"dsn.command": "/nonexistent/sendmail"}, "No such file", "a_missing_command")):
    if os.path.exists(settings["dsn.command"]):
        os.chmod(settings["dsn.command"], 0o755)
    daemon.write(settings)
    daemon.start()
    before = len(daemon.log)
    with Lmtp(daemon.unix) as client:
        client.command("LHLO me")
        is_(transaction(client, f"<{SENDER}>", f"<{PAT}> NOTIFY=SUCCESS"), [250, 250, 250],
            f"X8_{sentence}_changes_no_reply")
    ok(cause in daemon.wait_for("report not sent", before), f"X8_{sentence}_is_logged")
    is_(daemon.stop(), 0, f"the_server_exits_with_0_after_{sentence}")

# Messages arrive faster than reports are sent: the reports are queued, and each is sent.
slow = scratch.file("slow", "#!/bin/sh\ncat >/dev/null\nsleep 0.2\n")
os.chmod(slow, 0o755)
daemon.write({"dsn.command": slow})
daemon.start()
before = len(daemon.log)
with Lmtp(daemon.unix) as client:
    client.command("LHLO me")
    is_([transaction(client, f"<{SENDER}>", f"<{PAT}> NOTIFY=SUCCESS")[-1] for _ in range(20)],
        [250] * 20, "X8_many_messages_with_reports_are_delivered")
    client.command("QUIT")
ok(daemon.wait_for("report sent", before, count=20), "X8_each_of_many_is_reported")
is_(daemon.stop(), 0, "the_server_exits_with_0_after_many_reports")

# This dsn.command hangs: it opens a FIFO that has no writer.
fifo = os.path.join(scratch.path, "fifo")
os.mkfifo(fifo)
os.chmod(fifo, 0o666)
hangs = scratch.file("hangs", f"#!/bin/sh\nread -r never <{fifo}\n")
os.chmod(hangs, 0o755)
daemon.write({"dsn.command": hangs, "dsn.timeout": "1h"})
daemon.start()
before = len(daemon.log)
with Lmtp(daemon.unix) as client:
    client.command("LHLO me")
    is_([transaction(client, f"<{SENDER}>", f"<{PAT}> NOTIFY=SUCCESS") for _ in range(9)],
        [[250, 250, 250]] * 9, "X8_a_command_that_hangs_delays_no_reply")
    is_(client.command("QUIT").code, 221, "X8_a_command_that_hangs_does_not_delay_quit")
    ok(client.at_end(), "X8_a_command_that_hangs_does_not_keep_the_connection_open")
ok("too many" in daemon.wait_for("report not sent", before), "X8_the_number_of_hanging_commands_is_limited")
with open(fifo, "w", encoding="ascii") as writer:
    writer.write("go on\n" * 8)
    writer.flush()
    daemon.wait_for("report sent", before, count=8)
is_(daemon.stop(), 0, "the_server_exits_with_0_after_hanging_commands")
daemon.write({"dsn.timeout": "1s"})
daemon.start()
before = len(daemon.log)
with Lmtp(daemon.unix) as client:
    client.command("LHLO me")
    transaction(client, f"<{SENDER}>", f"<{PAT}> NOTIFY=SUCCESS")
ok("dsn.timeout" in daemon.wait_for("report not sent", before),
   "X8_a_command_that_hangs_is_killed_at_dsn.timeout")
is_(daemon.stop(), 0, "the_server_exits_with_0_after_a_killed_command")
done()
