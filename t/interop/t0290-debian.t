#!/usr/bin/env python3
"""Debian packages: built by dpkg-buildpackage, liked by lintian, installed on a clean system,
upgraded in place under load, removed and purged.

TEST_TIMEOUT: 1200"""
import os
import pwd
import re
import sqlite3
import stat
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import packaging
import peer
from clean_system import CleanSystem
from daemon import Daemon
from lmtp import deliver
from load import Load
from mta import until
from scratch import Scratch
from syslogd import Syslog
from tap import diag, done, empty, is_, ok

peer.enter("packaging", [peer.folder("debian")])
MODULES = ["handoff-ldap", "handoff-mysql", "handoff-pgsql", "handoff-sqlite"]
CONFIG, SPOOL, DATABASE = "/etc/handoffd.conf", "/var/spool/handoff", "/etc/handoff-users.db"
PAT, KIM = "pat@good.test", "kim@good.test"

scratch = Scratch()
# Not the scratch folder: with the same path each time, the compiler cache knows it again.
work = "/tmp/packages"
os.makedirs(work, exist_ok=True)


def apt(sentence, *arguments):
    """As an administrator: says whether it worked; returns what was said."""
    run = system.apt(*arguments)
    if not ok(run.returncode == 0, sentence):
        diag(run.stdout[-3000:])
    return run.stdout


def configure(*lines):
    """The package's configuration, and what an administrator adds."""
    with open(system.path(CONFIG), "w", encoding="utf-8") as file:
        file.write("\n".join([shipped, *lines, ""]))


def said(*command):
    return system.run(*command).stdout.strip()


def mode(path):
    found = os.stat(system.path(path))
    return stat.filemode(found.st_mode), said("stat", "-c", "%U:%G", path)


def left():
    """Files that are called by our name, but for what apt and dpkg remember."""
    found = said("find", "/", "-xdev", "-name", "*handoff*", "!", "-path", "/srv/*",
                 "!", "-path", "/var/lib/dpkg/*", "!", "-path", "/var/lib/apt/*",
                 "!", "-path", "/proc/*", "!", "-path", "/dev/*", "!", "-path", "/var/cache/*")
    return found.splitlines()


def log_of(text, word):
    return [line for line in text.splitlines() if word in line]


# --- Built, and liked.
name = packaging.tarball(work)
first = packaging.deb(work, name)
version = name.rpartition("-")[2]
is_([os.path.basename(path).split("_")[0] for path in first], ["handoff", *MODULES],
    "dpkg-buildpackage_makes_five_packages")
# There is no bug at Debian's that asks for this package.
verdict = packaging.call(work, "sh", "-c", "lintian --allow-root --fail-on none --display-info "
                         "--suppress-tags initial-upload-closes-no-bugs deb/*.changes")
empty([line for line in verdict.splitlines() if line[:2] in ("E:", "W:")],
      "lintian_has_no_error_and_no_warning")
# To lintian, most of it is information alone.
empty([line for line in verdict.splitlines() if ": hardening-" in line],
      "lintian_finds_each_program_hardened")
listed = packaging.call(work, "dpkg-deb", "-c", first[0])
for path in ("etc/handoffd.conf", "etc/logrotate.d/handoff", "lib/systemd/system/handoffd.service",
             "lib/systemd/system/handoffd.socket", "usr/sbin/handoffd", "usr/sbin/handoffctl",
             "usr/share/bash-completion/completions/handoffctl",
             "usr/share/zsh/vendor-completions/_handoffd",
             "usr/share/fish/vendor_completions.d/handoffd.fish",
             "usr/share/doc/handoff/examples/handoffd.conf", "usr/share/man/man8/handoffd.8.gz",
             "usr/share/man/man5/handoffd.conf.5.gz", "usr/share/doc/handoff/README.md"):
    ok(f" ./{path}" in listed, f"the_package_has_{path}")

# --- Installed on a clean system.
system = CleanSystem(scratch)
system.offer(first)
apt("it_installs_on_a_clean_system", "install", "handoff")
is_(said("sh", "-c", "dpkg-query -W -f '${Package} ' libpq5 libmariadb3 'libldap*' 2>/dev/null"), "",
    "without_the_libraries_of_lookups_that_nobody_asked_for")
ok(said("getent", "passwd", "handoff").endswith(f":{SPOOL}:/usr/sbin/nologin"), "its_user_is_there")
is_(mode(SPOOL), ("drwx------", "handoff:handoff"), "the_spool_belongs_to_that_user_alone")
is_(said("handoffd", "--version").split()[1:2], [version], "it_runs")
run = system.run("handoffd", "--check")
ok(run.returncode == 0, "the_configuration_that_comes_with_it_is_in_order") or diag(run.stdout)
apt("a_lookup_is_installed_beside_it", "install", "handoff-sqlite")

# --- Serves: as the unit starts it, since nobody is systemd there.
with open(system.path(CONFIG), encoding="utf-8") as file:
    shipped = file.read()
users = sqlite3.connect(system.path(DATABASE))
users.execute("CREATE TABLE users (name, domain)")
users.execute("INSERT INTO users VALUES ('kim', 'good.test')")
users.commit()
users.close()
configure("recipients.lookup = mailbox",
          f"recipients.lookup = sqlite:{DATABASE}?SELECT name FROM users WHERE name = %n AND domain = %d",
          "recipients.max-concurrent = 0")
with open(system.path("/lib/systemd/system/handoffd.service"), encoding="utf-8") as unit:
    unit = unit.read()
is_(re.findall("/usr/local/.*", unit), [], "the_unit_knows_where_the_package_is")
started = re.search("^ExecStart=(.*)$", unit, re.M)[1].split()
runtime = re.search("^RuntimeDirectory=(.*)$", unit, re.M)[1]
os.makedirs(system.path(f"/run/{runtime}"))
said("install", "-d", "-o", "handoff", "-g", "handoff", "-m", "0700", f"{SPOOL}/good.test",
     f"{SPOOL}/good.test/pat")
syslog = Syslog()
daemon = Daemon(scratch, system.command(*started))
until(lambda: system.run("handoffctl", "status").returncode == 0, "handoffd serves")
socket = f"unix:{system.path('/run/handoff/lmtp.sock')}"
for recipient in (PAT, KIM):
    final = deliver(socket, "", [recipient], b"Subject: hello\r\n\r\nhello\r\n", timeout=60).final
    is_(final[recipient].code, 250, f"it_delivers_to_{recipient.partition('@')[0]}")
is_(len(maildir.files(system.path(f"{SPOOL}/good.test/kim"))), 1, "the_message_is_in_the_mailbox")
run = system.run("handoffctl", "doctor")
ok(run.returncode == 0, "the_doctor_finds_nothing") or diag(run.stdout)

# --- Upgraded while mail comes in.
apt("all_lookups_can_be_installed", "install", *MODULES)
later = packaging.raised(work, name, version + ".1")
second = packaging.deb(work, later)
with Load(socket, 2, PAT) as load:
    until(lambda: load.delivered > 0, "mail comes in")
    system.offer(second)
    before = load.delivered
    upgraded = apt("it_is_upgraded", "upgrade")
    until(lambda: load.delivered > before + 1, "mail comes in still")
is_(log_of(upgraded, "goes on as the program of before"), [], "in_place")
is_(said("dpkg-query", "-W", "-f", "${Version} ", "handoff", *MODULES).split(),
    [f"{version}.1-1"] * 5, "all_packages_are_of_the_new_version")
status = said("handoffctl", "status", "--json")
ok(f'"version":"{version}.1"' in status.replace('": "', '":"'), "the_server_is_the_new_program") or diag(status)
ok(daemon.running and re.search(rf'"pid": ?{daemon.pid}\b', status), "with_the_process_id_of_the_old")
empty(load.faults, "no_connection_was_refused_and_no_reply_lost")
found = Counter(re.search(rb"^Message-ID: (.*?)\r?$", each, re.M)[1].decode()
                for each in maildir.messages(system.path(f"{SPOOL}/good.test/pat"))
                if b"Message-ID:" in each)
empty([each for each in load.acknowledged if found[each] != 1],
      "what_was_acknowledged_is_there_once")
diag(f"{load.delivered} delivered, {load.postponed} told 421")
is_(deliver(socket, "", [KIM], b"\r\nhello\r\n", timeout=60).final[KIM].code, 250,
    "the_new_program_has_the_new_lookup")
with open(system.path(CONFIG), encoding="utf-8") as file:
    ok("recipients.max-concurrent" in file.read(), "the_administrator_s_configuration_was_kept")

# --- An upgrade that cannot be leaves the old program at work, and dpkg with no half-done package.
configure("listen = nonsense")
run = system.run("sh", "-c", "dpkg-trigger --by-package=handoff handoff-program && dpkg --configure -a")
ok(run.returncode == 0 and log_of(run.stdout, "goes on as the program of before"),
   "an_upgrade_that_does_not_work_is_told") or diag(run.stdout)
ok(daemon.running, "the_server_goes_on")
configure()

# --- Removed, and purged.
apt("it_is_removed", "remove", "handoff")
is_(daemon.wait(), 0, "the_server_was_stopped_well")
ok(os.path.exists(system.path(CONFIG)), "the_configuration_stays_when_it_is_removed")
purged = apt("it_is_purged", "purge", "handoff", *MODULES)
ok(log_of(purged, "has mail in it: it stays"), "a_spool_with_mail_stays_and_that_is_said") or diag(purged)
ok(maildir.files(system.path(f"{SPOOL}/good.test/pat")), "the_mail_is_there_still")
is_(mode(SPOOL)[1], "handoff:handoff", "and_its_user")
ok(not os.path.exists(system.path(f"{SPOOL}/.handoff")), "what_was_never_acknowledged_is_gone")
apt("it_is_installed_again", "install", "handoff")
said("sh", "-c", f"rm -r {SPOOL}/good.test")
said("install", "-d", f"{SPOOL}/good.test/pat/new")
apt("it_is_purged_again", "purge", "handoff")
is_(left(), [DATABASE], "nothing_of_it_is_left_then")
is_(said("getent", "passwd", "handoff"), "", "nor_its_user")

done()
