#!/usr/bin/env python3
"""The user who starts handoffd from a shell sees why it did not start, even if the log goes to
syslog; and --check finds the same faults beforehand."""
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Configuration, Handoffd, free_port, program
from tap import diag, done, is_, ok


def run(config, *arguments, limit=None):
    """Runs handoffd to its end; returns (exit code, standard error)."""
    command = [program("HANDOFFD"), "-c", config.path, *arguments]
    if limit:
        command = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *command]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    return ended.returncode, ended.stdout


def says(code, words, sentence, got):
    """Tests that handoffd exited with that code and printed these words, and that its last line is
    its own."""
    ended, said = got
    right = ended == code and words in said and said.splitlines()[-1].startswith("handoffd: ")
    if not ok(right, sentence):
        diag(f"exit {ended}: {said}")


def refused(config, code, words, sentence):
    """Tests that it exits with a message both in the background and in the foreground."""
    for how in ([], ["-f"]):
        says(code, words, f"{sentence}{'_in_the_foreground' if how else ''}", run(config, *how))


config = Configuration({"log.to": "syslog"})
path = config.unix.partition(":")[2]
with socket.socket(socket.AF_UNIX) as taken:
    taken.bind(path)
    taken.listen(1)
    refused(config, 69, f"cannot start: bind unix:{path}: Address already in use",
            "a_socket_in_use_is_named")
    code, said = run(config, "--check")
    ok(code == 78 and f"bind unix:{path}: Address already in use" in said and "fix: " in said,
       "check_finds_a_socket_in_use")
os.unlink(path)
is_(run(config, "--check")[0], 0, "check_exits_with_0_when_the_socket_is_free")
ok(not os.path.exists(path), "check_leaves_no_socket")

with socket.create_server(("127.0.0.1", 0)) as taken:
    address = f"tcp:127.0.0.1:{taken.getsockname()[1]}"
    config.write({"listen": address})
    refused(config, 69, f"cannot start: bind {address}: Address already in use",
            "a_port_in_use_is_named")
    code, said = run(config, "--check")
    ok(code == 78 and f"bind {address}: Address already in use" in said, "check_finds_a_port_in_use")
    if sys.platform.startswith("linux"):
        ok(f", process {os.getpid()}, or change listen" in said, "check_names_the_process")
        # A process named inetd with such a socket looks to --check like inetd, which starts
        # handoffd.
        with open("/proc/self/comm", encoding="ascii") as file:
            name = file.read()
        for comm, wanted in (("inetd", 0), (name.strip(), 78)):
            with open("/proc/self/comm", "w", encoding="ascii") as file:
                file.write(comm)
            code, said = run(config, "--check")
            is_((code, f"{comm} listens there" in said), (wanted, wanted == 0),
                f"a_port_of_{'inetd' if wanted == 0 else 'others'}_is_judged_correctly")
config.write({"listen": f"tcp:127.0.0.1:{free_port()}"})

for limit in range(6, 16):
    words = f"only {limit} open files are allowed"
    says(71, words, f"{limit}_descriptors_are_too_few", run(config, limit=limit))
says(71, "ulimit -n", "check_finds_too_few_descriptors", run(config, "--check", limit=12))

if config.owner:
    os.chown(config.spool, 0, 0)
    os.chmod(config.spool, 0o700)
    refused(config, 75, f"{config.spool}: Permission denied", "a_spool_of_another_owner_is_named")
    os.chown(config.spool, *config.owner)

config.write({"spool.min-free": "99%"})
code, said = run(config, "--check")
ok(code == 78 and "less than spool.min-free" in said, "check_finds_too_little_free_space")

# --- The server starts although one mailbox cannot be delivered to.
config.write({"spool.min-free": None})
os.makedirs(f"{config.spool}/good.test")
with open(f"{config.spool}/good.test/pat", "wb"):
    pass
code, said = run(config, "--check")
ok(code == 0 and "warning  mailbox" in said and "is a file" in said, "check_warns_of_a_mailbox")

# --- A check beside a running server.
with Handoffd(tcp=True) as daemon:
    code, said = run(daemon, "--check")
    if not is_(code, 0, "check_accepts_the_sockets_of_the_running_server"):
        diag(said)
    ok(os.path.exists(daemon.unix.partition(":")[2]), "check_leaves_the_sockets_of_the_running_server")
done()
