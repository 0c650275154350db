#!/usr/bin/env python3
"""recipients.lookup = postgresql: with a real PostgreSQL, which is also slow, locked and killed."""
import glob
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import peer
import rrvs
from condition import Told, get
from control import ctl, status, until
from daemon import Daemon
from handoffd import Handoffd, free_port, program
from lookups import defers_while_server_is_down, rcpt, wait_for
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
port = free_port()
with Handoffd({"recipients.lookup": f"{database}?{QUERY}", "recipients.cache-ttl": "0s",
               "http.listen": str(port),
               "recipients.lookup-timeout": "2s"}) as daemon:
    is_(rcpt(daemon, "pat@example.org", "kim@example.org", "pat@example.net"), [250, 550, 550],
        "an_address_with_a_row_is_a_recipient")
    is_(rcpt(daemon, "o'hara@example.org", "'_OR_1=1--@example.org", "Jürgen@example.org"),
        [250, 550, 250], "an_address_is_bound_and_never_part_of_the_query")
    is_(rcpt(daemon, "two@example.org", "odd@example.org", "pat@example.org"), [451, 451, 250],
        "an_invalid_row_defers_only_that_recipient_R1")
    is_(rcpt(daemon, "fault@example.org", "fault@example.org", "pat@example.org"), [451, 451, 250],
        "a_row_on_which_the_query_fails_defers_that_recipient_R1")
    defers_while_server_is_down(daemon, "pat@example.org", "kim@example.org", server, "postgresql")
    before = status(daemon)["totals"]["deferred"]
    server.signal(signal.SIGINT)  # stops at once, although workers are connected
    server.wait()
    is_(rcpt(daemon, *["pat@example.org"] * 60), [451] * 60, "an_outage_defers_every_recipient")
    until(lambda: get(port, "/healthz")[0] == 503, "the outage is noticed")
    told = Told(daemon, port)
    is_(told.verdicts(), ("not delivering",) * 6, "each_report_says_that_postgresql_is_down")
    is_(told.doctor.returncode, 1, "during_the_outage_doctor_exits_with_1")
    for where, text in (("doctor", told.doctor.stdout), ("healthz", told.healthz[1]),
                        ("page", told.headline_and_reasons()),
                        ("status", " ".join(told.table.split()))):
        ok("lookup postgresql: " in text and "No such file or directory" in text,
           f"{where}_has_the_reason")
    is_(told.json["totals"]["deferred"] - before, 60, "each_refusal_is_counted")
    counted = re.search(r'^handoff_refusals_total\{at="rcpt",code="451",reason="lookup"\} (\d+)$',
                        told.metrics, re.M)
    ok(counted and int(counted[1]) >= 60, "each_refusal_is_counted_by_code_and_reason")
    explained = ctl(daemon, "explain", "pat@example.org")
    ok(explained.returncode == 75 and "verdict     451 4.3.0" in explained.stdout
       and "No such file or directory" in explained.stdout, "explain_reports_the_outage")
    checked = subprocess.run([program("HANDOFFD"), "-c", daemon.path, "--check"], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    ok("warning  lookup postgresql: " in checked.stdout, "handoffd_check_warns_of_the_outage")
    server.start()
    until(lambda: get(port, "/healthz") == (200, "ok\n"), "it is back")
    sql("REVOKE SELECT ON users FROM handoff")
    is_(rcpt(daemon, "pat@example.org", "kim@example.org"), [451, 451], "a_denied_permission_defers_recipients_R1")
    # The line may come late, because a worker writes at most a hundred lines of a kind per second.
    ok(until(lambda: rcpt(daemon, "pat@example.org") == 451
             and any("permission denied" in line for line in daemon.log), "a line of the log"),
       "the_log_says_which_permission_is_denied")
    sql("GRANT SELECT ON users TO handoff; ALTER TABLE users RENAME TO renamed")
    is_(rcpt(daemon, "pat@example.org"), 451, "a_missing_table_defers_recipients_R1")
    sql("CREATE VIEW users AS SELECT renamed.* FROM renamed, (SELECT pg_sleep(30)) AS slow; "
        "GRANT SELECT ON users TO handoff")
    is_(rcpt(daemon, "pat@example.org"), 451, "a_slow_server_defers_recipients_R1")
    sql("DROP VIEW users; ALTER TABLE renamed RENAME TO users")
    is_(wait_for(daemon, "pat@example.org", 250), 250, "after_a_slow_query_recipients_are_found_again")
server.stop()
done()
