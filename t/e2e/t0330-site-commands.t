#!/usr/bin/env python3
"""Programs of the site make mailboxes and warn of full ones."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd
from lmtp import Lmtp, deliver
from scratch import Scratch
from tap import done, empty, is_, ok

MESSAGE = b"Subject: hello\r\n\r\n" + (b"x" * 60 + b"\r\n") * 5


def to(daemon, user):
    """The code and enhanced status code that the delivery ends with."""
    result = deliver(daemon.unix, "", [user], MESSAGE)
    reply = result.final.get(user) or result.rcpt[user]
    return f"{reply.code} {reply.enhanced}"


def program(scratch, name, text):
    path = scratch.file(name, f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path


def have_counted(daemon, user):
    """Asks for the mailbox until its maildirsize is there: counting is done beside the worker."""
    for _ in range(600):
        with Lmtp(daemon.unix) as client:
            client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{user}>")
        if os.path.exists(os.path.join(daemon.mailbox_path(user), "maildirsize")):
            return
    raise RuntimeError("maildirsize was not made")


scratch = Scratch()
maker = program(scratch, "maker", 'case $2 in no@*) echo "not $2" >&2; exit 3;; yes@*) exit 0;; '
                'esac\nmkdir -p "$1/cur" && echo "$#:$2" >"$1/made"')
with Handoffd({"recipients.lookup": "any", "spool.layout": "%d/%1n/%n",
               "spool.create-command": maker}, scratch=scratch) as daemon:
    is_(to(daemon, "pat@good.test"), "250 2.0.0", "a_mailbox_is_made_by_the_program")
    box = os.path.join(daemon.spool, "good.test", "p", "pat")
    with open(os.path.join(box, "made"), encoding="ascii") as file:
        is_(file.read(), "2:pat@good.test\n", "it_gets_the_directory_and_the_address")
    is_(sorted(os.listdir(box)), ["cur", "made", "new", "tmp"], "what_it_left_out_is_added")
    os.truncate(os.path.join(box, "made"), 0)
    is_(to(daemon, "pat@good.test"), "250 2.0.0", "the_next_message_is_taken")
    is_(os.path.getsize(os.path.join(box, "made")), 0, "without_asking_the_program_again")
    is_(to(daemon, "-x@good.test"), "250 2.0.0", "an_address_like_an_option_is_an_argument")
    with open(os.path.join(daemon.spool, "good.test", "-", "-x", "made"), encoding="ascii") as file:
        is_(file.read(), "2:<-x@good.test>\n", "in_angle_brackets")
    is_(to(daemon, "no@good.test"), "451 4.3.0", "a_program_that_fails_puts_mail_off_R1")
    ok("not no@good.test" in daemon.wait_for("mailbox not made"), "and_the_log_has_its_words")
    is_(to(daemon, "yes@good.test"), "451 4.2.0", "one_that_made_nothing_too_R1")
    is_(daemon.staged(), [], "nothing_stays_in_staging")

scratch = Scratch()
warner = program(scratch, "warner", 'echo "warning of $2 at $1" >&2; exit 1')
with Handoffd({"quota.messages": 5, "quota.warn-at": "40 80", "quota.warn-command": warner},
              scratch=scratch) as daemon:
    daemon.mailbox("pat@good.test")
    have_counted(daemon, "pat@good.test")
    is_([to(daemon, "pat@good.test") for _ in range(6)], ["250 2.0.0"] * 5 + ["452 4.2.2"],
        "a_mailbox_is_filled_R4")
    for percent in 40, 80:
        ok(daemon.wait_for(f"warning of pat@good.test at {percent}"),
           f"its_owner_is_warned_at_{percent}_percent_R4")
    empty((line for line in daemon.log if "warning of" in line and "at 40" not in line
           and "at 80" not in line), "and_at_no_other_R4")
    is_(sum("warning of" in line for line in daemon.log), 2, "and_once_each_R4")
    ok(deliver(daemon.unix, "", ["pat@good.test"], MESSAGE).rcpt["pat@good.test"].code == 452,
       "a_full_mailbox_is_refused_at_rcpt_R4")

done()
