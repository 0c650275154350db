#!/usr/bin/env python3
"""Lookups that need a library are modules: opened where recipients.lookup names them, and told of
where they are missing or of another release. A copy of handoffd in a folder of the test's own looks
for them there."""
import contextlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import tap
from control import ctl
from handoffd import Configuration, Handoffd, program
from lookups import rcpt
from scratch import Scratch
from tap import done, is_, ok

# Where nothing listens and no file is.
NOWHERE = {
    "sqlite": "sqlite:/nonexistent/db?SELECT mailbox FROM users WHERE address = %u",
    "postgresql": "postgresql:host=/nonexistent?SELECT mailbox FROM users WHERE address = %u",
    "mysql": "mysql:socket=/nonexistent/socket?SELECT mailbox FROM users WHERE address = %u",
    "ldap": "ldap:ldapi://%2Fnonexistent%2Fldapi/dc=test?uid=uidNumber?sub?(mail=%u)",
}
KINDS = [kind for kind in NOWHERE if parts.has(kind)]
if not KINDS:
    tap.skip_all("this handoffd was built without any of them")
KIND = KINDS[0]
MODULE = f"handoff-{KIND}.so"
BUILT = os.path.join(os.path.dirname(program("HANDOFFD")), "lookups")


def check(config):
    """What --check says of a configuration: its exit code, and its words."""
    ended = subprocess.run([program("HANDOFFD"), "--check", "-c", config.path], check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    return ended.returncode, ended.stderr


def libraries(daemon):
    """The names of the shared objects that the daemon's workers have in memory, and the master's."""
    found = set()
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    for pid, parent in (map(int, line.split()) for line in listing.splitlines()):
        if daemon.pid in (pid, parent):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                    open(f"/proc/{pid}/maps", encoding="utf-8") as maps:  # it may be gone by now
                found.update(os.path.basename(line.split()[-1]) for line in maps if ".so" in line)
    return found


# --- All that were built bind, in both programs.
for kind in KINDS:
    config = Configuration({"recipients.lookup": NOWHERE[kind]})
    is_(check(config), (0, ""), f"handoffd_can_use_the_module_{kind}")
    asked = ctl(config, "explain", "pat@example.org")
    ok(asked.returncode == 75 and f"{kind} of pat@example.org cannot tell" in asked.stdout,
       f"handoffctl_can_use_the_module_{kind}")
    config.scratch.remove()

# --- They are in memory where they are named, and nowhere else.
if os.path.exists("/proc/self/maps"):
    with Handoffd({"recipients.lookup": "any"}) as daemon:
        found = libraries(daemon)
        ok("libc.so.6" in found or len(found) > 1, "a_process_has_libraries")
        is_([name for name in found if name.startswith(
            ("handoff-", "libldap", "libpq", "libmariadb", "libmysql", "libsqlite", "libgnutls"))], [],
            "but_none_of_a_lookup_that_is_not_named")
        daemon.write({"recipients.lookup": NOWHERE[KIND]})
        is_(ctl(daemon, "reload").returncode, 0, "a_reload_can_name_one")
        ok(MODULE in libraries(daemon), "which_is_then_in_memory")
        is_(rcpt(daemon, "pat@example.org"), 451, "and_is_asked_R1")

# --- One that is missing.
scratch = Scratch()
folder = os.path.join(scratch.path, "built")
os.makedirs(os.path.join(folder, "lookups"))
os.environ["HANDOFFD"] = shutil.copy(program("HANDOFFD"), folder)
missing = os.path.join(folder, "lookups", MODULE)
with Handoffd({"recipients.lookup": "any"}, scratch=scratch) as daemon:
    is_(check(daemon), (0, ""), "who_needs_no_module_can_do_without")
    daemon.write({"recipients.lookup": NOWHERE[KIND], "hostname": "other.test"})
    code, said = check(daemon)
    is_(code, 78, "a_module_that_is_not_there_is_78")
    ok(f"recipients.lookup = {KIND}: " in said and missing in said and f"--with-{KIND}" in said,
       "which_names_the_setting_the_file_and_what_brings_it")
    start = subprocess.run([program("HANDOFFD"), "-f", "-c", daemon.path, "--control.socket",
                            f"{scratch.path}/c", "--listen", f"unix:{scratch.path}/s"], check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    # --check goes on with what it finds of the spool.
    is_((start.returncode, start.stderr), (78, said.splitlines(keepends=True)[0]), "so_says_a_start")
    reload = ctl(daemon, "reload")
    ok(reload.returncode != 0 and missing in reload.stdout + reload.stderr, "so_says_a_reload")
    ok(daemon.wait_for(rf"reload refused.*{MODULE}"), "and_the_log")
    is_(rcpt(daemon, "pat@example.org"), 250, "and_nothing_has_changed")

    # --- One that is none, and one of another release.
    scratch.file(f"built/lookups/{MODULE}", b"this is no shared object\n")
    code, said = check(daemon)
    ok(code == 78 and MODULE in said, "a_file_that_is_no_module_is_78")
    version = subprocess.run([program("HANDOFFD"), "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()[1]
    with open(os.path.join(BUILT, MODULE), "rb") as file:
        octets = file.read()
    other = "9" * len(version)
    scratch.file(f"built/lookups/{MODULE}",
                 octets.replace(b"\0" + version.encode() + b"\0", b"\0" + other.encode() + b"\0"))
    code, said = check(daemon)
    is_(code, 78, "a_module_of_another_release_is_78")
    ok(f"is of handoff {other}, and this is {version}" in said, "and_both_are_named")
    scratch.file(f"built/lookups/{MODULE}", octets)
    is_(check(daemon), (0, ""), "the_right_one_is_well")
    is_(ctl(daemon, "reload").returncode, 0, "and_a_reload_takes_it")
    is_(rcpt(daemon, "pat@example.org"), 451, "and_asks_it_R1")
done()
