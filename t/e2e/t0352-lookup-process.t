#!/usr/bin/env python3
"""A lookup process beside each worker asks databases, directories and other servers. The worker has
neither their passwords nor a connection to them, and mail is deferred if the process dies or
hangs."""
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import processes
from control import status, until, workers
from handoffd import Configuration, Handoffd, is_sanitized, program
from lmtp import Lmtp, deliver
from tap import done, empty, is_, ok, skip_all

if not sys.platform.startswith("linux"):
    skip_all("which processes there are is read from Linux' /proc")

MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
PAT, SLOW = "pat@good.test", "slow@good.test"
TWO = {"workers.max": 2, "workers.min-idle": 2, "workers.max-idle": 2, "log.level": "debug"}
ONE = {"workers.max": 1, "workers.min-idle": 1, "log.level": "debug"}


class Map(socketserver.StreamRequestHandler):
    """A socketmap server: everybody has a mailbox; `slow` gets no answer until the test is over."""
    over = threading.Event()
    asked = threading.Event()

    def handle(self):
        while length := self._until(b":"):
            question = self.rfile.read(int(length) + 1).rstrip(b",")
            address = question.partition(b" ")[2]
            if address.startswith(b"slow@"):
                self.asked.set()
                self.over.wait(60)
            answer = b"OK mailbox=people/" + address.partition(b"@")[0]
            self.wfile.write(b"%d:%s," % (len(answer), answer))

    def _until(self, end):
        octets = b""
        while (octet := self.rfile.read(1)) not in (b"", end):
            octets += octet
        return octets


class Maps(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


def is_running(pid):
    return processes.status(pid).get("State", "Z")[0] != "Z"


def lookup_processes(daemon):
    """Returns the lookup processes of workers; an examination has one too, as its own child."""
    return [pid for pid in processes.children(daemon.pid)
            if daemon.confined().get(pid) == "lookup" and is_running(pid)]


def code(daemon, address):
    return deliver(daemon.unix, "", [address], MESSAGE).final[address].code


def sockets(pid):
    links = processes.descriptors(pid).values()
    return {link[8:-1] for link in links if link.startswith("socket:")}


def tcp_sockets(pid):
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
        return sockets(pid) & {line.split()[9] for line in file}


with Maps(("127.0.0.1", 0), Map) as maps:
    threading.Thread(target=maps.serve_forever, daemon=True).start()
    lookup = f"socketmap:tcp:127.0.0.1:{maps.server_address[1]}:mail"
    with Handoffd({**ONE, "recipients.lookup": lookup, "recipients.lookup-timeout": "1s",
                   "recipients.cache-ttl": 0}) as daemon:
        is_(code(daemon, PAT), 250, "a_recipient_found_by_a_server_gets_mail")
        worker, = workers(daemon)
        process, = lookup_processes(daemon)
        is_((len(tcp_sockets(worker)), len(tcp_sockets(process))), (0, 1),
            "the_lookup_process_has_the_connection_and_the_worker_has_none")
        ok(is_sanitized() or "no path" not in daemon.wait_for("confined process=lookup"),
           "the_lookup_process_is_confined")

        # The lookup process dies: mail is deferred, and a new worker with a new lookup process
        # replaces both.
        with Lmtp(daemon.unix) as client:
            client.session("LHLO me", "MAIL FROM:<>")
            os.kill(process, signal.SIGKILL)
            reply = client.command(f"RCPT TO:<{PAT}>")
            is_(reply.code, 451, "a_recipient_is_deferred_if_the_lookup_process_has_died")
            client.command("RSET")
            is_(client.command("NOOP").code, 421, "the_worker_of_a_dead_lookup_process_ends_after_the_transaction")
        until(lambda: workers(daemon) not in ([worker], []), "another worker")
        is_(code(daemon, PAT), 250, "a_new_worker_finds_the_recipient_again")
        ok(daemon.wait_for("lookup process died"), "the_log_reports_the_death_of_the_lookup_process")

        # The lookup process hangs: the same happens after a bounded time, and the hanging process
        # is killed.
        hanging, = lookup_processes(daemon)
        os.kill(hanging, signal.SIGSTOP)
        begin = time.monotonic()
        with Lmtp(daemon.unix) as client:
            client.session("LHLO me", "MAIL FROM:<>")
            is_(client.command(f"RCPT TO:<{PAT}>").code, 451, "a_recipient_is_deferred_if_the_lookup_process_hangs")
        ok(time.monotonic() - begin < 15, "the_wait_for_a_hanging_lookup_process_is_bounded")
        until(lambda: not is_running(hanging), "the end of the process that hangs")
        is_(code(daemon, PAT), 250, "another_worker_finds_the_recipient")

    # With two workers, a slow query does not delay the queries of the other worker.
    with Handoffd({**TWO, "recipients.lookup": lookup, "recipients.lookup-timeout": "30s"}) as daemon:
        until(lambda: len(lookup_processes(daemon)) == 2, "a lookup process for each worker")
        with Lmtp(daemon.unix, timeout=90) as client:
            client.session("LHLO me", "MAIL FROM:<>")
            client.send(f"RCPT TO:<{SLOW}>\r\n".encode())
            ok(Map.asked.wait(20), "a_slow_lookup_is_in_progress")
            is_(code(daemon, PAT), 250, "another_worker_delivers_during_a_slow_lookup")
            Map.over.set()
            is_(client.reply().code, 250, "the_slow_lookup_is_answered_in_the_end")

    # A session on standard input has a lookup process too.
    single = Configuration({"recipients.lookup": lookup})
    session = f"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<{PAT}>\r\nDATA\r\n".encode() + MESSAGE
    said = subprocess.run([program("HANDOFFD"), "--stdin", "-c", single.path],
                          input=session + b".\r\nQUIT\r\n", stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=60, check=False)
    is_((said.returncode, said.stdout.count(b"\r\n250 2.")), (0, 3),
        "a_session_on_standard_input_asks_its_lookup_process")
    maps.shutdown()

with Handoffd({**ONE, "recipients.lookup": "mailbox"}) as daemon:
    daemon.mailbox(PAT)
    is_(code(daemon, PAT), 250, "a_recipient_with_a_directory_gets_mail")
    empty(lookup_processes(daemon), "no_lookup_process_runs_without_such_a_lookup")
    is_(status(daemon)["pool"]["idle"], 1, "the_worker_is_idle")
done()
