#!/usr/bin/env python3
"""RRVS through a real daemon (X12): it is offered if a lookup can return the date of the current
owner, and mail for an earlier owner is refused."""
import os
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import rrvs
from control import ctl
from handoffd import Handoffd
from lookups import wait_for
from scratch import Scratch
from tap import done, is_, ok


def stops_to_offer(daemon, deadline=60):
    """After a reload, old workers still serve clients that have just connected."""
    end = time.monotonic() + deadline
    while rrvs.offers(daemon) and time.monotonic() < end:
        threading.Event().wait(0.05)
    return not rrvs.offers(daemon)


if parts.has("cdb"):
    scratch = Scratch()
    with_since = "pat@example.org since=2020-01-01T00:00:00Z\nkim@example.org\nsam@example.org\n"
    table = scratch.file("recipients", with_since)
    os.chmod(table, 0o644)
    with Handoffd({"recipients.lookup": f"file:{table}"}, scratch=scratch) as daemon:
        rrvs.holds(daemon, "a_file")
        scratch.file("recipients", "pat@example.org\nreloaded@example.org\n")
        ctl(daemon, "reload")
        is_(wait_for(daemon, "reloaded@example.org", 250), 250, "the_file_is_read_again")
        ok(stops_to_offer(daemon), "X12_rrvs_is_not_offered_for_a_file_without_since")
        scratch.file("recipients", "pat@example.org since=2020\nkim since=last-year\n")
        ctl(daemon, "reload")
        daemon.wait_for(r"recipients:2: since=last-year is not a since")
        ok(True, "X12_a_file_with_an_invalid_since_is_refused")

if parts.has("sqlite"):
    scratch = Scratch()
    path = os.path.join(scratch.path, "users.db")
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE users (name, created)")
        database.executemany("INSERT INTO users VALUES (?, ?)",
                             [("pat", rrvs.SINCE), ("kim", None), ("odd", "long ago")])
    database.close()
    os.chmod(path, 0o644)
    query = "SELECT created AS since FROM users WHERE name = %n"
    with Handoffd({"recipients.lookup": f"sqlite:{path}?{query}"}, scratch=scratch) as daemon:
        rrvs.holds(daemon, "a_database")
        is_(wait_for(daemon, "odd@example.org", 451), 451, "X12_R1_an_invalid_since_of_a_row_defers_the_recipient")
        daemon.write({"recipients.lookup": f"sqlite:{path}?SELECT 1 FROM users WHERE name = %n"})
        ctl(daemon, "reload")
        ok(stops_to_offer(daemon), "X12_rrvs_is_not_offered_for_a_query_without_since")

with Handoffd({"recipients.lookup": "any"}) as daemon:
    ok(not rrvs.offers(daemon), "X12_rrvs_is_not_offered_if_no_lookup_knows_owners")
done()
