#!/usr/bin/env python3
"""Debian packages: built by dpkg-buildpackage, checked by lintian, installed on a fresh system,
upgraded in place under load, removed and purged.

TEST_TIMEOUT: 1800"""
import os
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
MODULES = ["handoff-ldap", "handoff-mysql", "handoff-pgsql", "handoff-sieve",
           "handoff-sqlite"]
CONFIG, SPOOL, DATABASE = "/etc/handoffd.conf", "/var/spool/handoff", "/etc/handoff-users.db"
PAT, KIM = "pat@good.test", "kim@good.test"

scratch = Scratch()
# Not the scratch folder: the compiler cache needs the same path each time.
work = "/tmp/packages"
os.makedirs(work, exist_ok=True)


def apt(sentence, *arguments):
    """Runs apt as an administrator and tests that it succeeds; returns its output."""
    run = system.apt(*arguments)
    if not ok(run.returncode == 0, sentence):
        diag(run.stdout[-3000:])
    return run.stdout


def configure(*lines):
    """Writes the package's configuration and additional lines."""
    with open(system.path(CONFIG), "w", encoding="utf-8") as file:
        file.write("\n".join([shipped, *lines, ""]))


def said(*command):
    return system.run(*command).stdout.strip()


def mode(path):
    found = os.stat(system.path(path))
    return stat.filemode(found.st_mode), said("stat", "-c", "%U:%G", path)


def left():
    """Returns the files with handoff's name, except the records of apt and dpkg."""
    found = said("find", "/", "-xdev", "-name", "*handoff*", "!", "-path", "/srv/*",
                 "!", "-path", "/var/lib/dpkg/*", "!", "-path", "/var/lib/apt/*",
                 "!", "-path", "/proc/*", "!", "-path", "/dev/*", "!", "-path", "/var/cache/*")
    return found.splitlines()


def log_of(text, word):
    return [line for line in text.splitlines() if word in line]


# --- Build and lintian.
name = packaging.tarball(work)
first = packaging.deb(work, name)
version = name.rpartition("-")[2]
is_([os.path.basename(path).split("_")[0] for path in first], ["handoff", *MODULES],
    "dpkg-buildpackage_makes_five_packages")
# Debian's bug tracker has no request for this package.
verdict = packaging.call(work, "sh", "-c", "lintian --allow-root --fail-on none --display-info "
                         "--suppress-tags initial-upload-closes-no-bugs deb/*.changes")
empty([line for line in verdict.splitlines() if line[:2] in ("E:", "W:")],
      "lintian_has_no_error_and_no_warning")
# lintian reports most of these only as information.
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

# --- Installation on a fresh system.
system = CleanSystem(scratch)
system.offer(first)
apt("the_package_installs_on_a_clean_system", "install", "handoff")
is_(said("sh", "-c", "dpkg-query -W -f '${Package} ' libpq5 libmariadb3 'libldap*' 2>/dev/null"), "",
    "no_libraries_of_other_lookups_are_installed")
ok(said("getent", "passwd", "handoff").endswith(f":{SPOOL}:/usr/sbin/nologin"), "the_user_of_the_package_exists")
is_(mode(SPOOL), ("drwx------", "handoff:handoff"), "the_spool_belongs_to_that_user_alone")
is_(said("handoffd", "--version").split()[1:2], [version], "the_installed_program_runs")
run = system.run("handoffd", "--check")
ok(run.returncode == 0, "the_configuration_of_the_package_is_valid") or diag(run.stdout)
apt("a_lookup_package_can_be_installed", "install", "handoff-sqlite")

# --- Service: started with the command of the unit, because systemd does not run there.
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
is_(re.findall("/usr/local/.*", unit), [], "the_unit_contains_the_paths_of_the_package")
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
    is_(final[recipient].code, 250, f"the_installed_server_delivers_to_{recipient.partition('@')[0]}")
is_(len(maildir.files(system.path(f"{SPOOL}/good.test/kim"))), 1, "the_message_is_in_the_mailbox")
run = system.run("handoffctl", "doctor")
ok(run.returncode == 0, "the_doctor_finds_nothing") or diag(run.stdout)

# --- Upgrade while mail arrives.
apt("all_lookups_can_be_installed", "install", *MODULES)
later = packaging.raised(work, name, version + ".1")
second = packaging.deb(work, later)
with Load(socket, 2, PAT) as load:
    until(lambda: load.delivered > 0, "mail comes in")
    system.offer(second)
    before = load.delivered
    upgraded = apt("the_package_is_upgraded", "upgrade")
    until(lambda: load.delivered > before + 1, "mail comes in still")
is_(log_of(upgraded, "old program continues"), [], "the_upgrade_does_not_restart_the_server")
is_(said("dpkg-query", "-W", "-f", "${Version} ", "handoff", *MODULES).split(),
    [f"{version}.1-1"] * 6, "all_packages_have_the_new_version")
status = said("handoffctl", "status", "--json")
ok(f'"version":"{version}.1"' in status.replace('": "', '":"'), "the_server_is_the_new_program") or diag(status)
ok(daemon.running and re.search(rf'"pid": ?{daemon.pid}\b', status), "the_new_program_has_the_process_id_of_the_old_one")
empty(load.faults, "no_connection_was_refused_and_no_reply_lost")
found = Counter(re.search(rb"^Message-ID: (.*?)\r?$", each, re.M)[1].decode()
                for each in maildir.messages(system.path(f"{SPOOL}/good.test/pat"))
                if b"Message-ID:" in each)
empty([each for each in load.acknowledged if found[each] != 1],
      "acknowledged_messages_are_stored_once")
diag(f"{load.delivered} delivered, {load.postponed} told 421")
is_(deliver(socket, "", [KIM], b"\r\nhello\r\n", timeout=60).final[KIM].code, 250,
    "the_new_program_has_the_new_lookup")
with open(system.path(CONFIG), encoding="utf-8") as file:
    ok("recipients.max-concurrent" in file.read(), "the_administrator_s_configuration_was_kept")

# --- After a failed upgrade the old program continues, and dpkg has no half-installed package.
configure("listen = nonsense")
run = system.run("sh", "-c", "dpkg-trigger --by-package=handoff handoff-program && dpkg --configure -a")
ok(run.returncode == 0 and log_of(run.stdout, "old program continues"),
   "a_failed_upgrade_is_reported") or diag(run.stdout)
ok(daemon.running, "a_failed_upgrade_leaves_the_old_server_running")
configure()

# --- Removal and purge.
apt("the_package_is_removed", "remove", "handoff")
is_(daemon.wait(), 0, "the_server_was_stopped_cleanly")
ok(os.path.exists(system.path(CONFIG)), "the_configuration_stays_when_the_package_is_removed")
purged = apt("the_package_is_purged", "purge", "handoff", *MODULES)
ok(log_of(purged, "contains mail, so it is kept"), "the_purge_says_that_a_spool_with_mail_is_kept") \
    or diag(purged)
ok(maildir.files(system.path(f"{SPOOL}/good.test/pat")), "the_mail_is_kept")
is_(mode(SPOOL)[1], "handoff:handoff", "the_user_of_the_spool_is_kept")
ok(not os.path.exists(system.path(f"{SPOOL}/.handoff")), "unacknowledged_messages_were_removed")
apt("the_package_is_installed_again", "install", "handoff")
said("sh", "-c", f"rm -r {SPOOL}/good.test")
said("install", "-d", f"{SPOOL}/good.test/pat/new")
apt("the_package_is_purged_again", "purge", "handoff")
is_(left(), [DATABASE], "a_purge_without_mail_leaves_nothing")
is_(said("getent", "passwd", "handoff"), "", "a_purge_without_mail_removes_the_user")

done()
