#!/usr/bin/env python3
"""recipients.lookup = postgresql: against a real PostgreSQL, that is slow, locked and killed too."""
import os
import glob
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import peer
import rrvs
from daemon import Daemon
from handoffd import Handoffd
from lookups import holds_the_law, rcpt, wait_for
from scratch import Scratch
from tap import done, is_, ok

parts.need("postgresql")
peer.enter("postgresql")

PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
TABLE = """
CREATE TABLE users (name text, domain text, mailbox text, uid int, gid int, quota text, note int);
INSERT INTO users VALUES ('pat', 'example.org', 'people/p', NULL, NULL, '1G,500', 1),
  ('o''hara', 'example.org', NULL, NULL, NULL, NULL, NULL),
  ('two', 'example.org', NULL, NULL, NULL, NULL, NULL),
  ('two', 'example.org', NULL, NULL, NULL, NULL, NULL),
  ('odd', 'example.org', '../x', NULL, NULL, NULL, NULL),
  ('fault', 'example.org', NULL, NULL, NULL, NULL, NULL),
  ('jürgen', 'example.org', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE owners (name text, created timestamptz);
INSERT INTO owners VALUES ('pat', '2020-01-01T00:00:00Z'), ('kim', NULL);
CREATE ROLE handoff LOGIN;
GRANT SELECT ON users, owners TO handoff;
"""
OWNERS = "SELECT extract(epoch FROM created)::bigint AS since FROM owners WHERE name = %n"
QUERY = ("SELECT *, 1 / length(replace(name, 'fault', '')) AS none FROM users "
         "WHERE name = %n AND domain = %d")


def as_postgres(*command):
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]


def sql(text):
    subprocess.run(as_postgres(f"{PROGRAMS}/psql", "-qv", "ON_ERROR_STOP=1", "-h", place, "-d",
                               "postgres"), input=text, text=True, check=True)


scratch = Scratch()
place = os.path.join(scratch.path, "postgresql")
os.mkdir(place)
os.chmod(place, 0o755)
subprocess.run(["chown", "postgres:", place], check=True)
subprocess.run(as_postgres(f"{PROGRAMS}/initdb", "-D", f"{place}/data", "-A", "trust", "-N",
                           "--no-instructions", "-E", "UTF8", "--locale=C"),
               stdout=subprocess.DEVNULL, check=True, cwd=place)
server = Daemon(scratch, as_postgres(f"{PROGRAMS}/postgres", "-D", f"{place}/data", "-k", place,
                                     "-c", "listen_addresses=", "-c", "fsync=off"),
                ready="ready to accept connections")


sql(TABLE)
database = f"postgresql:host={place} dbname=postgres user=handoff"
with Handoffd({"recipients.lookup": f"{database}?{OWNERS}"}) as daemon:
    rrvs.holds(daemon, "a_row")
with Handoffd({"recipients.lookup": f"{database}?{QUERY}", "recipients.cache-ttl": "0s",
               "recipients.lookup-timeout": "2s"}) as daemon:
    is_(rcpt(daemon, "pat@example.org", "kim@example.org", "pat@example.net"), [250, 550, 550],
        "a_row_is_a_recipient")
    is_(rcpt(daemon, "o'hara@example.org", "'_OR_1=1--@example.org", "Jürgen@example.org"),
        [250, 550, 250], "an_address_is_bound_and_never_part_of_the_query")
    is_(rcpt(daemon, "two@example.org", "odd@example.org", "pat@example.org"), [451, 451, 250],
        "a_row_that_cannot_be_defers_that_recipient_alone_R1")
    is_(rcpt(daemon, "fault@example.org", "fault@example.org", "pat@example.org"), [451, 451, 250],
        "a_row_that_the_query_fails_at_too_R1")
    holds_the_law(daemon, "pat@example.org", "kim@example.org", server, "postgresql")
    sql("REVOKE SELECT ON users FROM handoff")
    is_(rcpt(daemon, "pat@example.org", "kim@example.org"), [451, 451], "what_is_denied_defers_R1")
    ok(daemon.wait_for("permission denied"), "and_the_log_says_why")
    sql("GRANT SELECT ON users TO handoff; ALTER TABLE users RENAME TO renamed")
    is_(rcpt(daemon, "pat@example.org"), 451, "a_table_that_is_not_there_defers_R1")
    sql("CREATE VIEW users AS SELECT renamed.* FROM renamed, (SELECT pg_sleep(30)) AS slow; "
        "GRANT SELECT ON users TO handoff")
    is_(rcpt(daemon, "pat@example.org"), 451, "what_is_too_slow_defers_R1")
    sql("DROP VIEW users; ALTER TABLE renamed RENAME TO users")
    is_(wait_for(daemon, "pat@example.org", 250), 250, "and_all_is_well_when_it_is_well_again")
server.stop()
done()
