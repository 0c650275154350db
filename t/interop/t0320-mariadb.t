#!/usr/bin/env python3
"""recipients.lookup = mysql: with a real MariaDB, which is also slow, locked and killed."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import peer
import rrvs
from daemon import Daemon
from handoffd import Handoffd
from lookups import defers_while_server_is_down, rcpt, stopped, wait_for
from scratch import Scratch
from tap import done, is_, ok

parts.need("mysql")
peer.enter("mariadb")

TABLE = """
CREATE DATABASE mail CHARACTER SET utf8mb4;
CREATE TABLE mail.users (name varchar(64), domain varchar(255), mailbox text, uid int, gid int,
                         quota varchar(40), note bigint);
INSERT INTO mail.users VALUES ('pat', 'example.org', 'people/p', NULL, NULL, '1G,500', 1);
INSERT INTO mail.users VALUES ('o''hara', 'example.org', NULL, NULL, NULL, NULL, NULL);
INSERT INTO mail.users VALUES ('two', 'example.org', NULL, NULL, NULL, NULL, NULL);
INSERT INTO mail.users VALUES ('two', 'example.org', NULL, NULL, NULL, NULL, NULL);
INSERT INTO mail.users VALUES ('odd', 'example.org', '../x', NULL, NULL, NULL, NULL);
INSERT INTO mail.users VALUES ('root', 'example.org', NULL, 0, 0, NULL, NULL);
CREATE TABLE mail.owners (name varchar(64), created timestamp NULL);
INSERT INTO mail.owners VALUES ('pat', from_unixtime(1577836800)), ('kim', NULL);
CREATE TABLE mail.western (name varchar(64), domain varchar(255)) CHARACTER SET latin1;
INSERT INTO mail.western VALUES ('pat', 'example.org');
CREATE VIEW mail.slow AS SELECT users.* FROM mail.users WHERE sleep(30) = 0;
CREATE USER handoff@localhost IDENTIFIED BY 'se cret';
GRANT SELECT ON mail.* TO handoff@localhost;
"""

scratch = Scratch()
place = os.path.join(scratch.path, "mariadb")
os.makedirs(f"{place}/data/mysql")
os.chmod(place, 0o755)
subprocess.run(["chown", "-R", "nobody", place], check=True)
socket = f"{place}/mysqld.sock"
command = ["mariadbd", "--no-defaults", "--user=nobody", f"--datadir={place}/data",
           f"--socket={socket}", f"--pid-file={place}/pid", "--skip-networking",
           "--lc-messages-dir=/usr/share/mysql", "--innodb-buffer-pool-size=16M",
           "--innodb-log-file-size=8M",
           "--innodb-flush-log-at-trx-commit=2"]  # rows survive a kill, but not a power cut
# Does the same as mariadb-install-db without the client.
system = b"CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n"
for name in ("mysql_system_tables", "mysql_system_tables_data", "fill_help_tables",
             "maria_add_gis_sp_bootstrap"):
    path = f"/usr/share/mysql/{name}.sql"
    if name != "fill_help_tables" and os.path.exists(path):
        with open(path, "rb") as file:
            system += file.read() + b"\n"
subprocess.run([*command, "--bootstrap", "--skip-grant-tables"], input=system, check=True,
               stdout=subprocess.DEVNULL)
initial = scratch.file("init.sql", "".join(line.replace("\n", " ") + ";\n"
                                           for line in TABLE.split(";\n") if line.strip()))
server = Daemon(scratch, [*command, f"--init-file={initial}"], ready="ready for connections")

server.command = command
database = f"mysql:socket={socket} user=handoff password='se cret' dbname=mail"


def lookup(table):
    return f"{database}?SELECT * FROM {table} WHERE name = %n AND domain = %d"


settings = {"recipients.lookup": lookup("users"), "recipients.cache-ttl": "0s",
            "recipients.lookup-timeout": "2s"}
with Handoffd({**settings, "recipients.lookup": lookup("western")}) as daemon:
    is_(rcpt(daemon, "кирилл@example.org", "мария@example.org", "вера@example.org", "pat@example.org"),
        [451, 451, 451, 250], "an_address_outside_its_character_set_defers_only_that_recipient_R1")
with Handoffd(settings) as daemon:
    is_(rcpt(daemon, "pat@example.org", "kim@example.org", "pat@example.net"), [250, 550, 550],
        "an_address_with_a_row_is_a_recipient")
    is_(rcpt(daemon, "o'hara@example.org", "'_OR_1=1--@example.org", '"x\\\\\' or 1=1 -- "@example.org'),
        [250, 550, 550], "an_address_is_bound_and_never_part_of_the_query")
    is_(rcpt(daemon, "two@example.org", "odd@example.org", "root@example.org", "pat@example.org"),
        [451, 451, 451, 250], "an_invalid_row_defers_only_that_recipient_R1")
    ok(daemon.wait_for("uid=0: root has no mailbox"), "numbers_are_read_as_text")
    defers_while_server_is_down(daemon, "pat@example.org", "kim@example.org", server, "mariadb")
    with stopped(server.pid):
        is_(rcpt(daemon, "pat@example.org"), 451, "a_slow_server_defers_recipients_R1")
    is_(wait_for(daemon, "pat@example.org", 250), 250, "after_a_slow_query_recipients_are_found_again")
owners = "SELECT unix_timestamp(created) AS since FROM owners WHERE name = %n"
with Handoffd({**settings, "recipients.lookup": f"{database}?{owners}"}) as daemon:
    rrvs.holds(daemon, "a_row")
for what, setting in (("a_query_that_is_too_slow", lookup("slow")),
                      ("a_missing_table", lookup("nothing")),
                      ("a_wrong_password", lookup("users").replace("se cret", "guess"))):
    with Handoffd({**settings, "recipients.lookup": setting}) as daemon:
        is_(rcpt(daemon, "pat@example.org"), 451, f"{what}_defers_R1")
server.stop()
done()
