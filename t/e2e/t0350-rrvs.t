#!/usr/bin/env python3
"""RRVS through a real daemon (X12): offered where a lookup can say since when a mailbox has had its
owner, and mail for the owner before is refused."""
import os
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import parts
from control import ctl
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from lookups import wait_for
from scratch import Scratch
from tap import done, is_, ok

# pat's owner is of the second when 2020 began.
BEFORE, SAME, AFTER = "2019-12-31T23:59:59Z", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:01Z"


def offers(daemon):
    with Lmtp(daemon.unix) as client:
        return "RRVS" in client.command("LHLO me").lines


def stops_to_offer(daemon, deadline=60):
    """A reload lets the old workers serve who has just connected to them."""
    end = time.monotonic() + deadline
    while offers(daemon) and time.monotonic() < end:
        threading.Event().wait(0.05)
    return not offers(daemon)


def rcpt(client, user, since):
    reply = client.command(f"RCPT TO:<{user}@example.org> RRVS={since}")
    return reply.code, reply.enhanced


def hold(daemon, what):
    """What a lookup that knows comes to."""
    ok(offers(daemon), f"X12_{what}_that_has_since_offers_rrvs")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", "MAIL FROM:<>")
        is_(rcpt(client, "pat", BEFORE), (550, "5.7.17"), f"X12_{what}_a_newer_owner_gets_nothing")
        is_([rcpt(client, "pat", since)[0] for since in (SAME, AFTER)], [250, 250],
            f"X12_{what}_the_same_owner_is_a_recipient")
        is_(rcpt(client, "kim", BEFORE)[0], 250, f"X12_{what}_nor_is_one_refused_who_is_not_known")
        is_(rcpt(client, "pat", "yesterday"), (501, "5.5.4"), f"X12_{what}_no_time_is_malformed")
        is_(client.command("RCPT TO:<pat@example.org>").code, 250,
            f"X12_{what}_who_does_not_ask_is_not_refused")
        client.command("DATA")
        client.send(stuffed(b"Subject: x\r\n\r\n"))
        is_([reply.code for reply in client.replies(4)], [250] * 4, f"X12_{what}_and_mail_comes")
    is_(len(maildir.files(daemon.mailbox_path("pat@example.org"))), 1, f"X12_{what}_once")


if parts.has("cdb"):
    scratch = Scratch()
    with_since = "pat@example.org since=2020-01-01T00:00:00Z\nkim@example.org\nsam@example.org\n"
    table = scratch.file("recipients", with_since)
    os.chmod(table, 0o644)
    with Handoffd({"recipients.lookup": f"file:{table}"}, scratch=scratch) as daemon:
        hold(daemon, "a_file")
        scratch.file("recipients", "pat@example.org\nreloaded@example.org\n")
        ctl(daemon, "reload")
        is_(wait_for(daemon, "reloaded@example.org", 250), 250, "the_file_is_read_again")
        ok(stops_to_offer(daemon), "X12_a_file_without_since_offers_nothing")
        scratch.file("recipients", "pat@example.org since=2020\nkim since=last-year\n")
        ctl(daemon, "reload")
        daemon.wait_for(r"recipients:2: since=last-year is not a since")
        ok(True, "X12_a_file_whose_since_is_no_time_is_not_taken")

if parts.has("sqlite"):
    scratch = Scratch()
    path = os.path.join(scratch.path, "users.db")
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE users (name, created)")
        database.executemany("INSERT INTO users VALUES (?, ?)",
                             [("pat", 1577836800), ("kim", None), ("odd", "long ago")])
    database.close()
    os.chmod(path, 0o644)
    query = "SELECT created AS since FROM users WHERE name = %n"
    with Handoffd({"recipients.lookup": f"sqlite:{path}?{query}"}, scratch=scratch) as daemon:
        hold(daemon, "a_database")
        is_(wait_for(daemon, "odd@example.org", 451), 451, "X12_R1_a_time_that_is_none_defers")
        daemon.write({"recipients.lookup": f"sqlite:{path}?SELECT 1 FROM users WHERE name = %n"})
        ctl(daemon, "reload")
        ok(stops_to_offer(daemon), "X12_a_query_without_since_offers_nothing")

with Handoffd({"recipients.lookup": "any"}) as daemon:
    ok(not offers(daemon), "X12_who_knows_no_owners_offers_nothing")
done()
