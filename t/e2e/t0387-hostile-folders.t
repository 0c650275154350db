#!/usr/bin/env python3
"""The owner of the folder of a socket or of the pid file gains nothing by changing its entries
while the master creates them as root. Each row of the list in SECURITY.md has a test here or in the
file that the list names."""
import os
import signal
import socket
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import tracing
from handoffd import Handoffd, is_sanitized, program
from lmtp import deliver
from processes import children
from scratch import Scratch
from tap import done, is_, ok, skip_all

if os.geteuid() != 0:
    skip_all("only root gives files away")
if is_sanitized():
    # The run-time library of a sanitizer does not work under strace.
    ok(True, "the_attacks_require_a_build_without_sanitizers")
    done()
if why := tracing.missing():
    skip_all(why)

ATTACKER = 61999
# Waits for 300 ms before and after each call that could be misled.
DELAYS = [option for call in ("bind", "chown", "chmod", "fchownat", "fchmodat", "renameat", "renameat2",
                              "unlink", "unlinkat", "mkdirat")
          for option in ("-e", f"inject=?{call}:delay_enter=300000:delay_exit=300000")]
ATTACK = r"""
import os, sys, time
folder, target, uid = sys.argv[1], sys.argv[2], int(sys.argv[3])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
os.chdir(folder)
print("begun", flush=True)
n = 0
while True:
    for entry in os.scandir("."):
        if entry.is_symlink() or entry.name.startswith("moved"):
            continue
        n += 1
        try:
            os.rename(entry.name, f"moved{n}")
            os.symlink(target, entry.name)
        except OSError:
            pass
    time.sleep(0.001)
"""


def facts(path):
    there = os.stat(path)
    return there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode), there.st_size


class Attack:
    """A folder of another user, who replaces each of its entries by a link to a file of root."""

    def __init__(self, scratch):
        self.folder = os.path.join(scratch.path, "theirs")
        os.mkdir(self.folder, 0o755)
        os.chown(self.folder, ATTACKER, ATTACKER)
        os.chmod(scratch.path, 0o755)
        self.target = scratch.file("roots", "secret\n")
        os.chmod(self.target, 0o600)
        self.before = facts(self.target)

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [sys.executable, "-c", ATTACK, self.folder, self.target, str(ATTACKER)],
            stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def start_under_attack(name, settings):
    """Starts handoffd with each call delayed; whatever the outcome, the target is unchanged."""
    scratch = Scratch()
    attack = Attack(scratch)
    daemon = Handoffd(settings(attack.folder), scratch=scratch, start=False)
    with attack:
        command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=none", *DELAYS, "timeout", "-s",
                   "KILL", "12", program("HANDOFFD"), "-f", "-c", daemon.path]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
    is_(facts(attack.target), attack.before, f"{name}_does_not_change_the_attackers_target")
    scratch.remove()


start_under_attack("a_socket_with_a_group", lambda folder: {
    "listen": f"unix:{folder}/lmtp.sock", "socket.group": str(ATTACKER), "socket.mode": "0666"})
start_under_attack("a_socket_with_an_owner", lambda folder: {
    "listen": f"unix:{folder}/lmtp.sock", "socket.owner": "nobody", "socket.mode": "0666"})
start_under_attack("the_control_socket", lambda folder: {"control.socket": f"{folder}/control.sock"})
start_under_attack("the_pid_file", lambda folder: {"pid-file": f"{folder}/handoffd.pid"})

# A worker under attack, which owns the directory above the mailboxes of others: it puts another
# user's mailbox in the place of each directory that root creates there.
SWAP = r"""
import os, sys, time
folder, victim, uid, gid = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.setgroups([]); os.setgid(gid); os.setuid(uid)
os.chdir(folder)
known = set(os.listdir("."))
print("begun", flush=True)
n = 0
while True:
    for name in sorted(set(os.listdir(".")) - known):
        n += 1
        known |= {name, f"moved{n}"}
        try:
            os.rename(name, f"moved{n}")
            os.rename(victim, name)
            victim = name
        except OSError:
            pass
    time.sleep(0.001)
"""
VICTIM, TAKER = 61998, 61997
with Handoffd({"workers.max": 1, "workers.min-idle": 1}, start=False) as daemon:
    shared = os.path.join(daemon.spool, "good.test")
    os.mkdir(shared, 0o711)
    theirs = maildir.create(os.path.join(shared, "victim"), (VICTIM, VICTIM))
    for path in (daemon.spool, shared):
        os.chown(path, *daemon.owner)
        os.chmod(path, 0o711)
    inode = os.stat(theirs).st_ino
    takers = [f"taker{number}@good.test" for number in range(4)]
    daemon.write({"recipients.lookup": "file:" + daemon.scratch.file("table", "".join(
        f"{taker} uid={TAKER} gid={TAKER}\n" for taker in takers))})
    daemon.command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=none", *DELAYS,
                      "-e", "inject=?fchown:delay_enter=300000", *daemon.command]
    daemon.start()
    with subprocess.Popen([sys.executable, "-c", SWAP, shared, "victim", *map(str, daemon.owner)],
                          stdout=subprocess.PIPE) as attacker:
        attacker.stdout.readline()
        codes = [deliver(daemon.unix, "", [taker], b"Subject: x\r\n\r\nx\r\n").final[taker].code
                 for taker in takers]
        attacker.kill()
    moved = next(entry for entry in os.scandir(shared) if entry.inode() == inode)
    ok(moved.name != "victim", "a_worker_under_attack_puts_anothers_mailbox_in_the_way")
    owners = {path: os.lstat(path).st_uid for folder, _, names in os.walk(moved.path)
              for path in [folder, *(os.path.join(folder, name) for name in names)]}
    is_(set(owners.values()), {VICTIM}, "root_does_not_give_away_the_mailbox_of_another_user")
    is_([code for code in codes if code not in (250, 451)], [],
        "its_mail_is_delivered_or_deferred_during_the_attack")
    os.kill(children(daemon.pid)[0], signal.SIGTERM)  # strace ends with the server
    daemon.wait()

# Without an attack, the socket is created with the configured permissions, and no other file.
with Handoffd({"socket.group": str(ATTACKER), "socket.mode": "0620"}, start=False) as daemon:
    theirs = os.path.join(daemon.scratch.path, "theirs")
    os.mkdir(theirs, 0o755)
    os.chown(theirs, ATTACKER, ATTACKER)
    path = os.path.join(theirs, "lmtp.sock")
    daemon.write({"listen": f"unix:{path}"})
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    daemon.start()
    made = os.stat(path)
    is_((stat.S_IMODE(made.st_mode), made.st_gid, os.listdir(theirs)),
        (0o620, ATTACKER, ["lmtp.sock"]), "a_socket_has_its_rights_in_another_users_folder")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        ok(client.recv(100).startswith(b"220 "), "the_socket_answers_in_that_folder")
    daemon.stop()
    is_(os.listdir(theirs), [], "the_socket_in_that_folder_is_removed_at_the_end")

# A hard link and a symbolic link at the path of the pid file.
for how in (os.link, os.symlink):
    with Handoffd({}, start=False) as daemon:
        victim = daemon.scratch.file("roots", "secret\n")
        os.chmod(victim, 0o600)
        before = facts(victim)
        pid_file = os.path.join(daemon.scratch.path, "handoffd.pid")
        how(victim, pid_file)
        daemon.write({"pid-file": pid_file})
        run = subprocess.run([program("HANDOFFD"), "-f", "-c", daemon.path], timeout=60, check=False,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        ok(run.returncode != 0, f"the_server_does_not_start_with_a_{how.__name__}_as_its_pid_file")
        is_(facts(victim), before, f"the_server_does_not_write_through_a_{how.__name__}")
        daemon.start = daemon.stop = lambda: 0
done()
