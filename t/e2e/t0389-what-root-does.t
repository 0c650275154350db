#!/usr/bin/env python3
"""Everything that processes of root do in directories of other users is in the list in SECURITY.md:
strace records the calls during a start, deliveries, a reload, an upgrade and a stop."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tracing
from control import ctl, status, until
from handoffd import is_sanitized, program
from lmtp import deliver
from owners import Owners
from processes import children
from tap import diag, done, empty, is_, ok, skip_all

if os.geteuid() != 0:
    skip_all("only root acts in directories of other users")
if is_sanitized():
    ok(True, "strace_requires_a_build_without_sanitizers")
    done()
if why := tracing.missing():
    skip_all(why)

STRANGER = 61999
# Calls that open, create, rename, remove, give away or change the mode of a file.
CALLS = ("open openat openat2 creat mkdir mkdirat mknod mknodat rename renameat renameat2 unlink unlinkat rmdir "
         "link linkat symlink symlinkat chmod fchmod fchmodat chown lchown fchown fchownat truncate bind "
         "utimensat setxattr lsetxattr").split()
BECOME = "setuid setreuid setresuid".split()
FORKS = "fork vfork clone clone3".split()
LINE = re.compile(r"(\w+)\((.*)\) += (-?\d+)")
DESCRIPTOR = re.compile(r"(?:\d+|AT_FDCWD)<([^<>]*)>")
STRING = re.compile(r'"([^"]*)"')


def paths_of(call, arguments, directory):
    """Returns the paths that a call names: those of descriptors, and texts below the descriptor
    before them."""
    if call == "bind":
        named = re.search(r'sun_path="([^"]*)"', arguments)
        return [os.path.join(directory, named[1])] if named else []
    if call in ("fchmod", "fchown"):
        return DESCRIPTOR.findall(arguments)[:1]
    found, base = [], directory
    for each in re.finditer(f"{DESCRIPTOR.pattern}|{STRING.pattern}", arguments):
        if each[1] is not None:
            base = each[1]
        else:
            found.append(os.path.join(base, each[2]))
    return found


def actions_of_root(trace):
    """Returns [(call, path)] of all traced processes while they were root."""
    files = {int(name.rpartition(".")[2]): os.path.join(os.path.dirname(trace), name)
             for name in os.listdir(os.path.dirname(trace))
             if name.startswith(os.path.basename(trace) + ".")}
    found, waiting, seen = [], [(min(files), 0, "/")], set()
    while waiting:
        pid, uid, directory = waiting.pop()
        seen.add(pid)
        with open(files[pid], encoding="utf-8", errors="replace") as lines:
            for line in lines:
                match = LINE.match(line)
                if not match or match[3].startswith("-"):
                    continue
                call, arguments, result = match[1], match[2], int(match[3])
                if call in BECOME:
                    uid = int(re.findall(r"-?\d+", arguments)[-1 if call == "setuid" else 1])
                elif call in FORKS and result in files and result not in seen:
                    waiting.append((result, uid, directory))
                elif call == "fchdir":
                    directory = DESCRIPTOR.findall(arguments)[0]
                elif call in CALLS and uid == 0:
                    found += [(call, os.path.normpath(path))
                              for path in paths_of(call, arguments, directory)]
    missed = set(files) - seen
    if missed:
        diag(f"processes that no other one has started: {missed}")
    return found


# The rows of the list, as actions: calls, and the path below the directories of others.
NEW_SOCKET = r"theirs/\.lmtp\.sock\.\d+"
NEW_PLACE = r"spool(/good\.test)?/\.new\.\d+\.\d+"
ROWS = {
    "a unix socket": [
        ("openat", r"theirs"), ("mkdirat|openat|unlinkat", NEW_SOCKET),
        ("bind|fchownat|fchmodat|renameat", NEW_SOCKET + r"/lmtp\.sock"),
        ("renameat|unlinkat", r"theirs/lmtp\.sock")],
    "the pid file": [("openat|unlinkat", r"theirs/handoffd\.pid")],
    "the directory of another user's mailbox": [
        ("mkdirat|openat|unlinkat", NEW_PLACE),
        ("mkdirat|openat|fchmod|fchown|renameat2?", NEW_PLACE + "/new"),
        ("renameat2?", r"spool/good\.test(/max)?"), ("openat2?", r"spool/good\.test/max/new")],
    # Without openat2(2), each component of a path is opened.
    "directories above": [("openat2?|fchmod", r"spool/good\.test"),
                          ("openat", r"spool/\.handoff|spool/good\.test/max")],
    "the spool and what is staged": [
        ("open|openat", r"spool"), ("openat2?", r"spool/\.handoff/staging(/\w+)?")],
}

owners = Owners()
pat, lee = owners.add("pat", 61001), owners.add("lee", 61002)
owners.lines.append("max@good.test uid=61003 gid=61003 mailbox=good.test/max\n")
has_sieve = os.path.exists(os.path.join(os.path.dirname(program("HANDOFFD")), "lookups",
                                        "handoff-sieve.so"))
settings = {"workers.max": 2, "workers.min-idle": 1, "workers.max-idle": 1}
if has_sieve:
    sendmail = owners.scratch.file("sendmail", "#!/bin/sh\nexec cat >/dev/null\n")
    os.chmod(sendmail, 0o755)
    settings |= {"sieve.enabled": "yes", "sieve.sendmail": sendmail}
    for name, script in (("pat", 'require ["fileinto", "mailbox", "copy"];\n'
                                 'fileinto :create "Lists"; redirect :copy "kim@example.net";\n'),
                         ("lee", "nonsense;\n")):
        path = os.path.join(owners.homes, name, ".dovecot.sieve")
        with open(path, "w", encoding="ascii") as file:
            file.write(script)
        os.chown(path, os.stat(os.path.dirname(path)).st_uid, -1)
base = owners.scratch.path
theirs = os.path.join(base, "theirs")
os.mkdir(theirs, 0o755)
os.chown(theirs, STRANGER, STRANGER)
os.chmod(base, 0o755)
owners.scratch.file("recipients", "".join(owners.lines))
trace = os.path.join(base, "traces", "trace")
os.mkdir(os.path.dirname(trace))
settings |= {"socket.group": str(STRANGER), "pid-file": f"{theirs}/handoffd.pid"}

with owners.handoffd(settings, start=False) as daemon:
    daemon.unix = f"unix:{theirs}/lmtp.sock"
    daemon.write({"listen": daemon.unix})
    os.chmod(daemon.spool, 0o711)
    plain = daemon.command
    daemon.command = ["strace", "-ff", "-y", "-s", "4096", "-o", trace, "-e",
                      "trace=" + ",".join([*CALLS, *BECOME, *FORKS, "fchdir"]), *plain]
    daemon.start()
    master = children(daemon.pid)[0]
    people = [pat.address, lee.address, "max@good.test"]

    def send():
        final = deliver(daemon.unix, "a@client.test", people, b"Subject: x\r\n\r\nx\r\n").final
        return [final[each].code for each in people]

    is_(send(), [250] * 3, "mail_is_delivered_while_the_calls_are_recorded")
    if has_sieve:
        daemon.wait_for("outgoing message sent")
    is_(ctl(daemon, "doctor").returncode, 0, "doctor_finds_no_problem_meanwhile")
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_succeeds_meanwhile")
    is_(send(), [250] * 3, "mail_is_delivered_after_the_reload")
    is_(ctl(daemon, "upgrade").returncode, 0, "an_upgrade_succeeds_meanwhile")
    is_(send(), [250] * 3, "mail_is_delivered_after_the_upgrade")
    until(lambda: status(daemon)["upgrades"] == 1, "the upgrade is complete")
    os.kill(master, signal.SIGTERM)
    is_(daemon.wait(), 0, "the_server_exits_with_0")

found = {(call, os.path.relpath(path, base)) for call, path in actions_of_root(trace)
         if any(path == each or path.startswith(each + "/")
                for each in (theirs, daemon.spool, owners.homes))}
allowed = [(re.compile(calls), re.compile(path), row) for row, entries in ROWS.items()
           for calls, path in entries]
unknown, rows = [], set()
for call, path in sorted(found):
    row = next((row for calls, paths, row in allowed
                if calls.fullmatch(call) and paths.fullmatch(path)), None)
    rows.add(row)
    if row is None:
        unknown.append(f"{call} {path}")
empty(unknown, "root_does_nothing_in_directories_of_others_that_is_not_in_the_list")
is_(sorted(set(ROWS) - rows), [], "each_row_of_the_list_is_recorded")
done()
