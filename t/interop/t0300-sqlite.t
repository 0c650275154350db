#!/usr/bin/env python3
"""recipients.lookup = sqlite: rows are recipients, columns are fields; problems of the database
defer mail and never bounce it. The database is written with Python's SQLite."""
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from handoffd import Handoffd
from lmtp import deliver
from lookups import rcpt, wait_for
from scratch import Scratch
from tap import done, is_, ok

parts.need("sqlite")

QUERY = "SELECT mailbox, uid, gid, quota, folder, note FROM users WHERE name = %n AND domain = %d"


def make(path, *rows):
    """Replaces the database atomically by a new one with these rows."""
    database = sqlite3.connect(path + ".new")
    database.execute("CREATE TABLE users (name, domain, mailbox, uid, gid, quota, folder, note)")
    database.executemany("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


scratch = Scratch()
path = os.path.join(scratch.path, "users.db")
make(path,
     ("pat", "example.org", "people/p", None, None, "1G", None, "no field"),
     ("o'hara", "example.org", None, None, None, None, None, None),
     ("%", "example.org", None, None, None, None, None, None),
     ("two", "example.org", None, None, None, None, None, None),
     ("two", "example.org", None, None, None, None, None, None),
     ("odd", "example.org", "../../etc", None, None, None, None, None),
     ("root", "example.org", None, 0, 0, None, None, None))
with Handoffd({"recipients.lookup": f"sqlite:{path}?{QUERY}",
               "recipients.lookup-timeout": "1s"}, scratch=scratch) as daemon:
    is_(rcpt(daemon, "pat@example.org", "PAT@Example.ORG", "kim@example.org", "pat@example.net"),
        [250, 250, 550, 550], "an_address_with_a_row_is_a_recipient")
    is_(deliver(daemon.unix, "", ["pat@example.org"], b"Subject: x\r\n\r\nx\r\n").final["pat@example.org"].code, 250,
        "a_message_is_delivered")
    is_(len(os.listdir(os.path.join(daemon.spool, "people", "p", "new"))), 1,
        "the_message_is_in_the_mailbox_of_the_row")
    is_(rcpt(daemon, "o'hara@example.org", "'_or_1=1--@example.org", "%@example.org", "%at@example.org"),
        [250, 550, 250, 550], "an_address_is_bound_and_never_part_of_the_query")
    is_(rcpt(daemon, "two@example.org", "odd@example.org", "root@example.org", "pat@example.org"),
        [451, 451, 451, 250], "an_invalid_row_defers_only_that_recipient_R1")
    ok(daemon.wait_for("more than one row"), "the_log_says_why_the_recipient_is_deferred")
    make(path, ("kim", "example.org", None, None, None, None, None, None))
    is_(rcpt(daemon, "kim@example.org", "pat@example.org"), [250, 550],
        "a_replaced_database_is_read_again")
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    is_(rcpt(daemon, "kim@example.org"), 451, "a_database_that_is_locked_too_long_defers_recipients_R1")
    lock.execute("ROLLBACK")
    lock.close()
    is_(wait_for(daemon, "kim@example.org", 250), 250, "a_database_is_queried_again_when_it_is_free")
    with open(path, "wb") as file:
        file.write(b"no database at all" * 1000)
    is_(rcpt(daemon, "kim@example.org"), 451, "a_broken_database_defers_recipients_R1")
    os.remove(path)
    is_(rcpt(daemon, "kim@example.org"), 451, "a_missing_database_defers_recipients_R1")
    make(path, ("kim", "example.org", None, None, None, None, None, None))
    is_(wait_for(daemon, "kim@example.org", 250), 250, "recipients_are_found_when_the_database_is_back")
done()
