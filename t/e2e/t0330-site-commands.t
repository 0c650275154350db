#!/usr/bin/env python3
"""Programs of the site create mailboxes and warn about full ones."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd
from lmtp import Lmtp, deliver
from scratch import Scratch
from tap import done, empty, is_, ok

MESSAGE = b"Subject: hello\r\n\r\n" + (b"x" * 60 + b"\r\n") * 5


def to(daemon, user):
    """Delivers; returns the code and enhanced status code of the reply."""
    result = deliver(daemon.unix, "", [user], MESSAGE)
    reply = result.final.get(user) or result.rcpt[user]
    return f"{reply.code} {reply.enhanced}"


def program(scratch, name, text):
    path = scratch.file(name, f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path


def have_counted(daemon, user):
    """Repeats RCPT until maildirsize exists, because another process counts the mailbox."""
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
    is_(to(daemon, "pat@good.test"), "250 2.0.0", "the_program_creates_the_mailbox")
    box = os.path.join(daemon.spool, "good.test", "p", "pat")
    with open(os.path.join(box, "made"), encoding="ascii") as file:
        is_(file.read(), "2:pat@good.test\n", "the_program_gets_the_directory_and_the_address")
    is_(sorted(os.listdir(box)), ["cur", "made", "new", "tmp"], "directories_that_the_program_omitted_are_created")
    os.truncate(os.path.join(box, "made"), 0)
    is_(to(daemon, "pat@good.test"), "250 2.0.0", "the_next_message_is_accepted")
    is_(os.path.getsize(os.path.join(box, "made")), 0, "the_program_does_not_run_again")
    is_(to(daemon, "-x@good.test"), "250 2.0.0", "an_address_that_begins_with_a_hyphen_gets_its_mailbox")
    with open(os.path.join(daemon.spool, "good.test", "-", "-x", "made"), encoding="ascii") as file:
        is_(file.read(), "2:<-x@good.test>\n", "such_an_address_is_passed_in_angle_brackets")
    is_(to(daemon, "no@good.test"), "451 4.3.0", "a_program_that_fails_defers_the_message_R1")
    ok("not no@good.test" in daemon.wait_for("mailbox not created"), "the_log_has_the_output_of_the_program")
    is_(to(daemon, "yes@good.test"), "451 4.2.0", "a_program_that_creates_nothing_defers_the_message_R1")
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
           f"the_owner_of_a_mailbox_is_warned_at_{percent}_percent_R4")
    empty((line for line in daemon.log if "warning of" in line and "at 40" not in line
           and "at 80" not in line), "the_owner_of_a_mailbox_is_warned_at_no_other_percentage_R4")
    is_(sum("warning of" in line for line in daemon.log), 2, "the_owner_of_a_mailbox_is_warned_once_at_each_percentage_R4")
    ok(deliver(daemon.unix, "", ["pat@good.test"], MESSAGE).rcpt["pat@good.test"].code == 452,
       "a_full_mailbox_is_refused_at_rcpt_R4")

done()
