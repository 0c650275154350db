#!/usr/bin/env python3
"""Messages that scripts send: they reach sieve.sendmail, after failures and restarts too, and no
delivery waits for them."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import ctl
from handoffd import Handoffd
from lmtp import deliver
from processes import children, descendants, titled
from scratch import Scratch
from fake_sendmail import Sendmail, outgoing, queue, wait
from tap import done, is_, ok

MESSAGE = b"Return-Path: <s@example.net>\nReceived: x\nSubject: hello\n\nhello\n.\n"


def name(number, process=1):
    """Returns the name of a message as a dead process would have left it."""
    return f"{1764000000 + number}.M1P{process}Q{number}R00000000.host,N=1"


def settings(mail):
    return {"sieve.enabled": "yes", "sieve.sendmail": mail.path + " extra"}


def gone(daemon):
    return wait(lambda: outgoing(daemon.spool) == [])


scratch = Scratch()
mail = Sendmail(scratch)
with Handoffd(settings(mail), scratch=scratch) as daemon:
    queue(daemon.spool, name(1), "s@example.net", ["a@example.com"], head="X-A: b\r\nX-C: d\r\n",
          message=MESSAGE)
    sent = mail.wait_for(1)
    is_(sent[0][0], ["extra", "-oi", "-f", "s@example.net", "--", "a@example.com"],
        "the_program_gets_sender_and_recipient")
    is_(sent[0][1], "X-A: b\nX-C: d\nReceived: x\nSubject: hello\n\nhello\n.\n",
        "the_program_gets_the_message_with_LF_and_without_Return_Path")
    ok(gone(daemon), "a_message_that_was_sent_leaves_the_queue")
    ok("to=<a@example.com>" in daemon.wait_for("outgoing message sent"), "the_log_names_the_recipient_of_a_message_that_was_sent")
    queue(daemon.spool, name(2), "", ["-x@example.com", "b@example.com"], kind="vacation",
          text="Subject: away\r\n\r\nback soon\r\n")
    sent = mail.wait_for(2)
    is_(sent[1], (["extra", "-oi", "-f", "<>", "--", "-x@example.com", "b@example.com"],
                  "Subject: away\n\nback soon\n"), "a_reply_has_the_null_sender")
    ok(gone(daemon), "a_reply_leaves_the_queue_too")
    big = b"Subject: big\n\n" + b"x" * 99 + b"\n"
    big += b"0123456789" * 7 + b"\n"
    big = big * 20000
    queue(daemon.spool, name(3), "s@example.net", ["a@example.com"], message=big)
    is_(mail.wait_for(3)[2][1].encode(), big, "a_large_message_arrives_whole")

    mail.fail()
    runs = mail.runs()
    queue(daemon.spool, name(4), "s@example.net", ["c@example.com"], message=MESSAGE)
    ok("no relay" in daemon.wait_for("outgoing message deferred"),
       "the_log_says_why_a_message_was_not_sent")
    began = time.monotonic()
    ok(mail.wait_for_runs(runs + 2), "a_message_that_was_not_sent_is_tried_again")
    ok(time.monotonic() - began < 15, "the_first_retry_takes_place_within_15_seconds")
    queue(daemon.spool, name(5), "", ["d@example.com"], kind="vacation", text="a: b\r\n\r\n")
    ok("d@example.com" in daemon.wait_for("outgoing message dropped"),
       "a_reply_that_failed_is_not_tried_again")
    ok(not any(file.startswith(name(5)) for file in outgoing(daemon.spool)), "a_reply_that_failed_is_not_kept")
    mail.work()
    is_(mail.wait_for(4)[3][0][-1], "c@example.com", "a_deferred_message_is_sent_when_the_program_works_again")
    ok(gone(daemon), "nothing_is_left_when_the_program_works_again")

    # A program that hangs delays no delivery.
    mail.hang()
    runs = mail.runs()
    queue(daemon.spool, name(6), "s@example.net", ["e@example.com"], message=MESSAGE)
    ok(mail.wait_for_runs(runs + 1), "the_program_hangs")
    daemon.mailbox("pat@example.org")
    result = deliver(daemon.unix, "", ["pat@example.org"], b"Subject: x\r\n\r\nx\r\n")
    is_(result.final["pat@example.org"].code, 250, "mail_is_delivered_meanwhile")
    mail.work()
    mail.wait_for(5)
    ok(gone(daemon), "the_message_of_a_program_that_hung_is_sent_later")

    # Messages that are old or damaged.
    mail.fail()
    queue(daemon.spool, name(7), "s@example.net", ["f@example.com"], message=MESSAGE,
          created=time.time() - 6 * 86400)
    ok("f@example.com" in daemon.wait_for("outgoing message given up"),
       "a_message_is_given_up_after_five_days")
    ok(wait(lambda: name(7) + ",failed" in outgoing(daemon.spool)), "a_message_that_was_given_up_is_kept")
    mail.work()
    queue(daemon.spool, name(8), "s@example.net", ["g@example.com"])
    ok(wait(lambda: name(8) + ",failed" in outgoing(daemon.spool)),
       "a_redirect_without_its_message_is_given_up_at_once")
    is_(len(mail.sent()), 5, "nothing_else_was_sent")
    is_(daemon.stop(), 0, "the_server_exits_with_0")

# After a restart, waiting messages are tried at once. A dead process had committed one message and
# not the other.
scratch = Scratch()
mail = Sendmail(scratch)
mail.fail()
with Handoffd(settings(mail), scratch=scratch) as daemon:
    queue(daemon.spool, name(1), "s@example.net", ["a@example.com"], message=MESSAGE)
    daemon.wait_for("outgoing message deferred")
    is_(daemon.stop(), 0, "the_server_exits_with_0_while_a_message_waits")
    committed, abandoned, finished = (name(number)[:-4] for number in (2, 3, 4))
    own = os.path.join(daemon.spool, ".handoff")
    owner = os.stat(own)
    for path in f"done/{committed},P=1", f"staging/{committed}", f"staging/{abandoned}":
        os.makedirs(os.path.dirname(os.path.join(own, path)), 0o700, exist_ok=True)
        with open(os.path.join(own, path), "wb") as file:
            file.write(MESSAGE)
        for part in os.path.dirname(path), path:
            os.chown(os.path.join(own, part), owner.st_uid, owner.st_gid)
    for staged, to in (committed, "b@example.com"), (abandoned, "c@example.com"), \
            (finished, "d@example.com"):
        queue(daemon.spool, f"{staged},N=1", "s@example.net", [to], message=MESSAGE, state="new",
              record=f"{staged},P=1")
    mail.work()
    daemon.start()
    began = time.monotonic()
    sent = mail.wait_for(3)
    ok(time.monotonic() - began < 60, "within_a_minute_of_a_restart_everything_is_tried")
    is_(sorted(arguments[-1] for arguments, _ in sent),
        ["a@example.com", "b@example.com", "d@example.com"],
        "what_was_committed_before_a_crash_is_sent_and_nothing_else")
    ok(gone(daemon), "nothing_is_left_of_what_was_not_committed")

    # A reload changes the program.
    other = Sendmail(Scratch())
    daemon.write({"sieve.enabled": "yes", "sieve.sendmail": other.path})
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_succeeds")
    queue(daemon.spool, name(9), "s@example.net", ["h@example.com"], message=MESSAGE)
    ok(wait(lambda: len(mail.sent()) + len(other.sent()) == 4), "a_message_is_sent_after_a_reload")
    queue(daemon.spool, name(10), "s@example.net", ["i@example.com"], message=MESSAGE)
    ok(other.wait_for(1), "a_reload_changes_the_program")

# A launcher that has ended, and messages that are refused.
scratch = Scratch()
mail = Sendmail(scratch)
with Handoffd(settings(mail), scratch=scratch) as daemon:
    # The launcher of the program ends.
    def launchers():
        return [pid for sender in titled(children(daemon.pid), "sender")
                for pid in titled(descendants(sender), "launcher")]

    if os.path.isdir("/proc/self"):
        ok(wait(launchers), "the_sender_has_a_launcher")
        first = launchers()
        os.kill(first[0], signal.SIGKILL)
        daemon.wait_for("no sender .*launcher has ended")
        ok(wait(lambda: launchers() not in ([], first)), "a_sender_whose_launcher_has_ended_is_replaced")
        queue(daemon.spool, name(21), "", ["b@example.com"], kind="vacation",
              text="Subject: away\r\n\r\nback\r\n")
        sent = mail.wait_for(1)
        is_(sent[0][1], "Subject: away\n\nback\n", "and_no_reply_is_lost")

    # Messages that the program will never take.
    mail.refuse("refused@example.com")
    for number in range(30, 36):
        queue(daemon.spool, name(number), "s@example.net", ["refused@example.com"], message=MESSAGE)
    daemon.wait_for("outgoing message deferred .*refused@example.com.*exit 67", 0, 6)
    known = len(mail.sent())
    began = time.monotonic()
    queue(daemon.spool, name(36), "s@example.net", ["good@example.com"], message=MESSAGE)
    mail.wait_for(known + 1)
    ok(time.monotonic() - began < 30, "a_refused_message_does_not_delay_the_others")
    mail.refuse(None)
    mail.wait_for(known + 7)
    is_(len(mail.sent()), known + 7, "a_refused_message_is_tried_again")

done()
