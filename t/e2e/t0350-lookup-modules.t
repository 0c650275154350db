#!/usr/bin/env python3
"""Lookups that need a library are modules: they are loaded if recipients.lookup names them, and
reported if they are missing or of another release. A copy of handoffd in a temporary folder
searches for them there."""
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
from processes import children
from scratch import Scratch
from tap import done, is_, ok

# Servers that do not listen and files that do not exist.
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
    """Returns the exit code and the output of --check for a configuration."""
    ended = subprocess.run([program("HANDOFFD"), "--check", "-c", config.path], check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    return ended.returncode, ended.stderr


def libraries(daemon):
    """Returns the names of the shared objects that the workers and the master have mapped."""
    found = set()
    for pid in [daemon.pid, *children(daemon.pid)]:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open(f"/proc/{pid}/maps", encoding="utf-8") as maps:  # it may have ended
            found.update(os.path.basename(line.split()[-1]) for line in maps if ".so" in line)
    return found


# --- All built modules can be loaded by both programs.
for kind in KINDS:
    config = Configuration({"recipients.lookup": NOWHERE[kind]})
    code, said = check(config)
    ok(code == 0 and said.startswith(f"warning  lookup {kind}: "),
       f"handoffd_can_use_the_module_{kind} ({said})")
    asked = ctl(config, "explain", "pat@example.org")
    ok(asked.returncode == 75 and f"{kind} of pat@example.org failed" in asked.stdout,
       f"handoffctl_can_use_the_module_{kind}")
    config.scratch.remove()

# --- They are loaded only if they are named.
if os.path.exists("/proc/self/maps"):
    with Handoffd({"recipients.lookup": "any"}) as daemon:
        found = libraries(daemon)
        ok("libc.so.6" in found or len(found) > 1, "the_libraries_of_a_process_can_be_listed")
        is_([name for name in found if name.startswith(
            ("handoff-", "libldap", "libpq", "libmariadb", "libmysql", "libsqlite", "libgnutls"))], [],
            "a_process_loads_no_libraries_of_lookups_that_are_not_configured")
        daemon.write({"recipients.lookup": NOWHERE[KIND]})
        is_(ctl(daemon, "reload").returncode, 0, "a_reload_can_add_a_lookup_module")
        ok(MODULE in libraries(daemon), "the_opened_module_is_in_memory")
        is_(rcpt(daemon, "pat@example.org"), 451, "a_lookup_by_the_opened_module_defers_if_its_server_is_down_R1")

# --- A missing module.
scratch = Scratch()
folder = os.path.join(scratch.path, "built")
os.makedirs(os.path.join(folder, "lookups"))
os.environ["HANDOFFD"] = shutil.copy(program("HANDOFFD"), folder)
missing = os.path.join(folder, "lookups", MODULE)
with Handoffd({"recipients.lookup": "any"}, scratch=scratch) as daemon:
    is_(check(daemon), (0, ""), "without_modules_other_lookups_work")
    daemon.write({"recipients.lookup": NOWHERE[KIND], "hostname": "other.test"})
    code, said = check(daemon)
    is_(code, 78, "check_exits_with_78_if_a_module_is_missing")
    ok(f"recipients.lookup = {KIND}: " in said and missing in said and f"--with-{KIND}" in said,
       "the_error_names_the_setting_the_file_and_its_package")
    start = subprocess.run([program("HANDOFFD"), "-f", "-c", daemon.path, "--control.socket",
                            f"{scratch.path}/c", "--listen", f"unix:{scratch.path}/s"], check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    # --check also reports problems of the spool.
    is_((start.returncode, start.stderr), (78, said.splitlines(keepends=True)[0]), "a_start_reports_the_missing_module")
    reload = ctl(daemon, "reload")
    ok(reload.returncode != 0 and missing in reload.stdout + reload.stderr, "a_reload_reports_the_missing_module")
    ok(daemon.wait_for(rf"reload refused.*{MODULE}"), "the_log_names_the_missing_module")
    is_(rcpt(daemon, "pat@example.org"), 250, "a_refused_reload_changes_nothing")

    # --- A file that is not a module, and a module of another release.
    scratch.file(f"built/lookups/{MODULE}", b"this is no shared object\n")
    code, said = check(daemon)
    ok(code == 78 and MODULE in said, "a_file_that_is_not_a_module_exits_with_78")
    version = subprocess.run([program("HANDOFFD"), "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()[1]
    with open(os.path.join(BUILT, MODULE), "rb") as file:
        octets = file.read()
    other = "9" * len(version)
    scratch.file(f"built/lookups/{MODULE}",
                 octets.replace(b"\0" + version.encode() + b"\0", b"\0" + other.encode() + b"\0"))
    code, said = check(daemon)
    is_(code, 78, "a_module_of_another_release_exits_with_78")
    ok(f"is of handoff {other}, and this is {version}" in said, "the_error_names_both_releases")
    scratch.file(f"built/lookups/{MODULE}", octets)
    is_(check(daemon)[0], 0, "a_module_of_the_same_release_is_accepted")
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_applies_a_module_of_the_same_release")
    is_(rcpt(daemon, "pat@example.org"), 451, "after_the_reload_recipients_are_looked_up_by_the_module_R1")
done()
