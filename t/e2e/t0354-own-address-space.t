#!/usr/bin/env python3
"""The fork server of the workers and the status processes are programs of their own: their addresses
reveal nothing about another process, their memory contains no password, and they use the settings
that the master has read, even if the files have changed."""
import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from certificates import Certificates
from control import ctl, until, workers
from handoffd import Handoffd, is_sanitized, program
from lmtp import Lmtp, deliver
from lookups import rcpt
from processes import children, command_line, descendants, titled
from scratch import Scratch
from tap import done, empty, is_, ok, skip, skip_all

if not sys.platform.startswith("linux") or os.geteuid() != 0:
    skip_all("only root of Linux can read the memory of other processes")

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
TWO = {"workers.max": 2, "workers.min-idle": 2, "workers.max-idle": 2, "log.level": "debug"}
ONE = {"workers.max": 1, "workers.min-idle": 1, "log.level": "debug"}
# A build without the Linux extras forks its processes, which then share addresses and memory.
EXECUTES = parts.has("linux-extras")
# With Sieve there are filter processes and a sender.
MODULE = os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")
SIEVE = {"sieve.enabled": "yes"} if os.path.exists(MODULE) else {}
SECRET = b"un" + b"guessable-7391"


def addresses(pid):
    """Returns where the program, its C library and its heap begin."""
    found = {}
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            name = line.split()[-1]
            if name.endswith(("/handoffd", "[heap]")) or re.search(r"/libc[.-]", name):
                found.setdefault(os.path.basename(name), line.partition("-")[0])
    return found


def plain(name):
    return re.sub(r"[\[\]]", "", name).replace(".", "_")


def has_in_memory(pid, octets):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            # Skips [vvar], [vsyscall] and the scoreboard, most of whose pages were never used.
            if not rights.startswith("r") or "[v" in line or "memfd:" in line or "/dev/zero" in line:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            if end - begin > 1 << 30:  # the shadow memory of AddressSanitizer
                continue
            try:
                memory.seek(begin)
                if octets in memory.read(end - begin):
                    return True
            except OSError:
                continue
    return False


def kinds(daemon):
    """Returns {kind: [process id]} of the processes that the log names as confined and that are
    running."""
    found = {}
    for pid, kind in daemon.confined().items():
        if os.path.exists(f"/proc/{pid}/exe"):
            found.setdefault(kind, []).append(pid)
    return found


def next_worker(daemon):
    """Kills the only worker and returns the one that takes its place."""
    before = workers(daemon)
    os.kill(before[0], signal.SIGKILL)
    return until(lambda: workers(daemon) if workers(daemon) not in (before, []) else None,
                 "another worker")[0]


def code(daemon, address=PAT):
    return deliver(daemon.unix, "", [address], MESSAGE).final[address].code


def title(pid):
    return command_line(pid).removeprefix("handoffd: ").partition(",")[0]


def look_for_secret(pids, seen):
    """Adds {title: {whether a process with that title has the password in its memory}}."""
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            kind, found = title(pid), has_in_memory(pid, SECRET)
            seen.setdefault(kind, set()).add(found)


@contextlib.contextmanager
def database_that_hangs(folder):
    """Accepts connections and never answers."""
    path = f"{folder}/.s.PGSQL.5432"
    with socket.socket(socket.AF_UNIX) as database:
        database.bind(path)
        os.chmod(path, 0o666)
        database.listen(16)
        yield
    os.unlink(path)


def only_lookups_know(daemon, kinds_, when):
    """Looks for the password in every process, while examinations wait for the database."""
    seen, asking = {}, None

    def look():
        nonlocal asking
        if asking is None or asking.poll() is not None:
            asking = subprocess.Popen([program("HANDOFFCTL"), "-c", daemon.path, "status"],
                                      stdout=subprocess.DEVNULL)
            until(lambda: asking.poll() is not None
                  or titled(descendants(daemon.pid), "examination"), "an examination")
        all_ = descendants(daemon.pid)
        # Examinations end soon, and reading the memory of a process takes a second in some builds.
        look_for_secret(titled(all_, "examination") + all_, seen)
        return kinds_ <= set(seen)

    with database_that_hangs(daemon.scratch.path):
        until(look, f"all of {kinds_}")
        asking.wait()
    is_({kind for kind, found in seen.items() if True in found}, {"master", "lookup"},
        f"{when}_only_the_master_and_lookup_processes_have_the_password")


# --- Addresses.
with Handoffd(TWO) as daemon:
    daemon.mailbox(PAT)
    is_(code(daemon), 250, "a_worker_in_its_own_address_space_delivers")
    both = until(lambda: workers(daemon) if len(workers(daemon)) == 2 else None, "two workers")
    status = kinds(daemon)["status"][0]
    if not is_sanitized():
        before = [addresses(pid) for pid in (daemon.pid, status, both[0])]
        is_(addresses(both[1]), before[2], "workers_share_their_addresses")
        for name in before[0]:
            is_(len({space.get(name) for space in before}), 3 if EXECUTES else 1,
                f"the_master_a_status_process_and_a_worker_have_different_addresses_of_{plain(name)}")
    is_({open(f"/proc/{pid}/comm", encoding="ascii").read().strip() for pid in both}, {"handoffd"},
        "workers_are_called_handoffd")
    if EXECUTES:
        # The pool starts the next worker after a pause.
        os.kill(both[0], signal.SIGSEGV)
        after = until(lambda: set(workers(daemon)) - set(both), "the next worker").pop()
        until(lambda: after in daemon.confined(), "it is ready")
        if not is_sanitized():
            for name, start in addresses(after).items():
                ok(start != before[2][name], f"after_a_crash_a_worker_has_another_address_of_{plain(name)}")
        forks = titled(children(daemon.pid), "fork server")
        is_(len(forks), 1, "there_is_one_fork_server")
        with open(f"/proc/{forks[0]}/status", encoding="ascii") as facts:
            is_(re.search(r"Uid:\s+(\d+)", facts.read())[1] != "0", True, "it_is_not_root")
        os.kill(forks[0], signal.SIGKILL)
        daemon.wait_for("fork server died .*signal 9")
        os.kill(both[1], signal.SIGKILL)
        until(lambda: len(set(workers(daemon)) - set(both)) == 2, "another worker")
        is_(code(daemon), 250, "another_fork_server_takes_the_place_of_one_that_was_killed")
        forks = titled(children(daemon.pid), "fork server")
        is_(daemon.stop(), 0, "the_server_stops")
        empty([pid for pid in forks if os.path.exists(f"/proc/{pid}")], "its_fork_server_has_ended")

# --- Secrets that their memory does not contain.
if parts.has("postgresql"):
    os.environ["PGPASSWORD"] = SECRET.decode() + "-environment"
    base = Scratch()
    os.chmod(base.path, 0o755)
    lookup = (f"postgresql:host={base.path} user=x password={SECRET.decode()}"
              "?select 1 as uid where %u is not null")
    with Handoffd({**ONE, "recipients.lookup": lookup, **SIEVE}, scratch=base) as daemon:
        is_(rcpt(daemon, PAT), 451, "a_recipient_is_deferred_while_the_database_is_down")
        found = until(lambda: all_ if {"worker", "lookup"} <= set(all_ := kinds(daemon)) else None,
                      "a worker and its lookup process")
        ok(has_in_memory(found["lookup"][0], SECRET), "the_lookup_process_has_the_password")
        if EXECUTES:
            ok(not has_in_memory(found["worker"][0], SECRET), "the_worker_does_not_have_the_password")
            empty([pid for pid in found.get("status", ()) if has_in_memory(pid, SECRET)],
                  "status_processes_do_not_have_the_password")
        if not is_sanitized():  # AddressSanitizer keeps memory that was freed
            all_kinds = {"master", "worker", "lookup", "delivery", "status", "examination"}
            all_kinds |= {"filter", "sender"} if SIEVE else set()
            all_kinds |= {"fork server"} if EXECUTES else set()
            only_lookups_know(daemon, all_kinds, "after_the_start")
            daemon.write({"hostname": "other.test"})
            is_(ctl(daemon, "reload").returncode, 0, "a_reload")
            next_worker(daemon)
            only_lookups_know(daemon, all_kinds, "after_a_reload")
            is_(ctl(daemon, "upgrade").returncode, 0, "an_upgrade")
            only_lookups_know(daemon, all_kinds, "after_an_upgrade")
            # A session of inetd, and explain: each with a delivery process of its own.
            session = subprocess.Popen([program("HANDOFFD"), "--stdin", "-c", daemon.path],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            session.stdout.readline()  # the greeting
            found = {}
            look_for_secret(descendants(session.pid), found)
            is_({kind for kind, of_it in found.items() if True in of_it}, {"lookup"},
                "only_the_lookup_process_of_a_session_of_inetd_has_the_password")
            ok({title(session.pid), "delivery"} <= set(found), "the_session_has_a_delivery_process")
            session.communicate(b"QUIT\r\n")
            with database_that_hangs(base.path):
                asking = subprocess.Popen([program("HANDOFFCTL"), "-c", daemon.path, "explain", PAT],
                                          stdout=subprocess.DEVNULL)
                delivery = until(lambda: descendants(asking.pid)[1:], "the delivery process of explain")[0]
                ok(until(lambda: not has_in_memory(delivery, SECRET), "it forgets the password"),
                   "the_delivery_process_of_explain_does_not_have_the_password")
                asking.kill()
                asking.wait()
    del os.environ["PGPASSWORD"]
else:
    skip("no lookup with a password in this build")

# --- Files that have changed.
settings = {**ONE, "recipients.lookup": "mailbox", "hostname": "before.test"}
with Handoffd(settings, tcp=True, start=False) as daemon:
    copy = os.path.join(daemon.scratch.path, "handoffd")
    shutil.copy(program("HANDOFFD"), copy)
    os.chmod(daemon.scratch.path, 0o755)
    daemon.command[0] = copy
    files = [copy]
    if parts.has("openssl"):
        server = Certificates(daemon.scratch).self_signed("server")
        daemon.write({"tls.certificate": server.certificate, "tls.key": server.key})
        files += [server.certificate, server.key]
        with open(server.key, "rb") as file:
            key = file.read().splitlines()[2]
    if parts.has("cdb"):
        table = daemon.scratch.file("table", f"kim@good.test mailbox={PAT}\n")
        daemon.write({"recipients.lookup": [f"file:{table}", "mailbox"]})
        files.append(table)
    daemon.start()
    daemon.mailbox(PAT)
    daemon.write({"hostname": "after.test"})
    for path in files:
        os.unlink(path)
    worker = next_worker(daemon)
    if parts.has("openssl"):
        ok(has_in_memory(worker, key), "a_worker_has_the_private_key")
        others = [pid for kind in ("delivery", "status") for pid in kinds(daemon).get(kind, ())]
        empty([pid for pid in others if has_in_memory(pid, key)], "no_other_process_has_the_private_key")
    is_(code(daemon), 250, "a_worker_starts_although_program_and_configuration_were_removed")
    if parts.has("cdb"):
        is_(code(daemon, "kim@good.test"), 250, "a_new_worker_has_the_table_that_the_master_read")
    with Lmtp(daemon.tcp) as client:
        ok("before.test" in str(client.greeting), "a_new_worker_has_the_settings_that_the_master_read")
        if parts.has("openssl"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client.command("LHLO me")
            client.start_tls(context)
            is_(client.command("NOOP").code, 250, "a_new_worker_has_the_certificate_and_key_that_the_master_read")
    ok(command_line(workers(daemon)[0]).startswith("handoffd: worker"),
       "the_title_of_a_process_says_that_it_is_a_worker")
done()
