#!/usr/bin/env python3
"""Compares the needs that a process declares to OpenBSD and FreeBSD (src/sys/sandbox.hh) with the
paths that it opens and the calls that it makes when it is confined. The calls are those of Linux;
t/lib/promises.py translates them."""
import os
import re
import socketserver
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import promises
import tracing
from certificates import Certificates
from handoffd import Configuration, Handoffd, account, is_sanitized, program
from lmtp import Lmtp, deliver
from owners import Owners
from sasl import plain, sasl_database
from scratch import Scratch
from tap import done, empty, is_, ok, skip, skip_all

PAT, KIM = USERS = ["pat@good.test", "kim@good.test"]
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
LARGE = b"Subject: large\r\n\r\n" + (b"y" * 78 + b"\r\n") * 30000
ONE = {"workers.max": 1, "workers.min-idle": 1, "log.level": "debug"}

if is_sanitized():
    # The run-time library of a sanitizer makes calls of its own, and does not work under strace.
    ok(True, "the_promises_are_those_of_a_build_without_sanitizers")
    done()
if why := tracing.missing():
    skip_all(why)
needed = set()  # promises that some call needed


def traced(scratch, command):
    """Returns the command and the path of its trace."""
    out = os.path.join(scratch.path, "trace")
    return ["strace", "-f", "-yy", "-s", "4096", "-o", out, *command], out


def is_below(path, unveiled, need):
    """unveil(2): the longest matching path decides."""
    while path not in unveiled and path not in ("/", ""):
        path = os.path.dirname(path)
    return set(need) <= set(unveiled.get(path, ""))


def hold(what, out):
    """Tests that every confined process in the trace kept its promises; returns the worker (or its
    substitute) and the others."""
    confined = promises.Trace(out).confined
    [worker] = [each for each in confined if each.name in ("worker", "session")]
    others = [each for each in confined if each is not worker]
    ok(len(worker.calls) > 20, f"{what}_is_confined_before_it_works")
    faults = []
    for process in confined:
        for call in process.calls:
            # getpw and dns allow certain files regardless of unveil.
            library = call.opens and promises.NSS.match(call.opens[0][0]) and \
                process.promises & {"getpw", "dns"}
            more = call.promises - process.promises
            if more and not library:
                faults.append(f"{' '.join(more)}: {call.text}")
            needed.update(call.promises)
            for path, need in call.opens:
                needed.add({"/etc/passwd": "getpw", "/etc/hosts": "dns"}.get(path))
                if process.unveiled and not library and \
                        not is_below(path, process.unveiled, need):
                    faults.append(f"hidden: {call.text}")
            if not process.path_bound and call.is_path_bound and not LOOK.match(call.text):
                faults.append(f"not in capability mode: {call.text}")
    empty(faults, f"{what}_does_nothing_beyond_its_promises_and_paths")
    return worker, others


# The call that checks whether spool.path is still the same directory. In capability mode it fails,
# which is allowed.
LOOK = re.compile(r'(newfstatat|stat|statx)\([^"]*"[^"]*/spool", ')


class Traced(Handoffd):
    """A handoffd under strace, with one worker."""

    def __init__(self, settings, *, scratch=None, start=True, **more):
        super().__init__({**ONE, **settings}, scratch=scratch, start=False, **more)
        self.command, self.out = traced(self.scratch, self.command)
        if start:
            self.start()

    def signal(self, number):
        """strace ends when its child does."""
        listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.pid)], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        os.kill(int(listing), number)


def script(scratch, name, text):
    path = scratch.file(name, f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path


def converse(daemon, addresses):
    """Makes deliveries that use everything that a session can do."""
    for where in filter(None, (daemon.unix, daemon.tcp)):
        deliver(where, "a@example.org", addresses, MESSAGE)
        deliver(where, "", [*addresses, "nobody@good.test"], LARGE)
        with Lmtp(where) as client:
            client.session("LHLO me", "NOOP", "VRFY pat@good.test", "MAIL FROM:<>",
                           f"RCPT TO:<{addresses[0]}>", "RSET", "QUIT")
        with Lmtp(where) as client:
            client.session("LHLO me", "MAIL FROM:<>", f"RCPT TO:<{addresses[0]}>", "DATA")
            client.send(LARGE[:100000])  # and disconnects


# --- The default: mailboxes below the spool, and TLS. Capability mode is possible.
scratch = Scratch()
settings = {"recipients.lookup": "mailbox", "recipients.create-folders": "yes"}
if parts.has("openssl"):
    server = Certificates(scratch).self_signed("server")
    settings.update({"tls.certificate": server.certificate, "tls.key": server.key})
daemon = Traced(settings, scratch=scratch, tcp=True)
with daemon:
    for user in USERS:
        daemon.mailbox(user)
    converse(daemon, USERS)
    deliver(daemon.unix, "", ["pat+lists@good.test"], MESSAGE)
    if parts.has("openssl"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with Lmtp(daemon.tcp) as client:
            client.command("LHLO me")
            client.start_tls(context)
            client.session("LHLO me", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "QUIT")
    is_(len(daemon.messages(PAT)), 4, "mail_is_delivered_under_the_trace")
    is_(daemon.stop(), 0, "the_traced_server_exits_with_0")
    worker, _ = hold("a_worker", daemon.out)
    is_((worker.unveiled, worker.path_bound), ({daemon.spool: "rwc"}, ""),
        "a_worker_keeps_access_to_its_spool_and_no_other_path")
    ok("inet" in worker.promises and "unix" in worker.promises, "a_worker_keeps_access_to_both_kinds_of_sockets")

# --- Programs, and a quota that has to be counted.
scratch = Scratch()
maker = script(scratch, "maker", 'mkdir -p "$1/cur" "$1/new" "$1/tmp"')
warner = script(scratch, "warner", "exit 0")
sender = script(scratch, "sender", "cat >/dev/null")
with Traced({"recipients.lookup": "any", "spool.create-command": maker, "dsn.command": sender,
             "quota.size": "10M", "quota.warn-command": warner, "quota.warn-at": "1"},
            scratch=scratch) as daemon:
    converse(daemon, USERS)
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", "MAIL FROM:<a@good.test>", f"RCPT TO:<{PAT}> NOTIFY=SUCCESS",
                       "DATA")
        client.command(MESSAGE + b".")
        client.command("QUIT")
    for line in ("mailbox created", "report sent", "quota warning given"):
        daemon.wait_for(line)
    daemon.stop()
    worker, _ = hold("a_worker_with_programs", daemon.out)
    is_(("exec" in worker.promises, worker.unveiled),
        (False, {daemon.spool: "rwc", "/dev/null": "rw"}), "a_worker_executes_its_programs_through_the_launcher")
    ok("inet" not in worker.promises and worker.path_bound, "with_programs_capability_mode_is_impossible")

# --- Users' mailboxes, with a delivery process.
owners = Owners()
if os.geteuid() == 0 and parts.has("cdb"):
    pat = owners.add("pat", 61001, fields="quota=9M,100")
    kim = owners.add("kim", 61002)
    daemon = Traced({"recipients.lookup": [f"file:{owners.table}", "passwd"], "quota.size": "10M",
                     "spool.layout": "%h/Maildir", "recipients.create-folders": "yes"},
                    scratch=owners.scratch)
    with daemon:
        converse(daemon, [pat.address, kim.address])
        deliver(daemon.unix, "", ["pat+lists@example.org", "no-such-user"], MESSAGE)
        is_(len(pat.messages()), 2, "users_get_their_mail_under_the_trace")
        daemon.stop()
        worker, others = hold("a_worker_or_its_delivery_process", daemon.out)
        [delivery] = [each for each in others if each.name == "delivery"]
        is_(["id" in each.promises for each in (worker, delivery)], [False, True],
            "only_the_delivery_process_may_become_another_user")
        ok(len(delivery.calls) > 20, "the_delivery_process_made_the_expected_calls")
else:
    skip("only root can become others")

# --- A lookup in a server.


class Map(socketserver.StreamRequestHandler):
    def handle(self):
        while (length := self._until(b":")):
            self.rfile.read(int(length) + 1)
            answer = b"OK mailbox=people/p"
            self.wfile.write(b"%d:%s," % (len(answer), answer))

    def _until(self, end):
        octets = b""
        while (octet := self.rfile.read(1)) not in (b"", end):
            octets += octet
        return octets


class Maps(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


with Maps(("127.0.0.1", 0), Map) as maps:
    threading.Thread(target=maps.serve_forever, daemon=True).start()
    with Traced({"recipients.lookup": f"socketmap:tcp:localhost:{maps.server_address[1]}:map",
                 "recipients.cache-ttl": 0}) as daemon:
        converse(daemon, USERS)
        daemon.stop()
        worker, others = hold("a_worker_with_a_lookup_in_a_server", daemon.out)
        [asks] = [each for each in others if each.name == "lookup"]
        is_([(right in worker.promises, right in asks.promises) for right in ("dns", "inet", "exec")],
            [(False, True), (False, True), (False, False)],
            "only_the_lookup_process_may_connect_and_none_may_start_programs")
    maps.shutdown()

# --- AUTH.
if parts.has("sasl"):
    daemon = Traced({"auth.mechanisms": "PLAIN LOGIN SCRAM-SHA-256"}, tcp=True, start=False)
    with daemon:
        folder = sasl_database(daemon.scratch, "handoff.test", {"pat": "secret"}, daemon.owner)
        daemon.write({"auth.sasl-path": folder})
        daemon.start()
        daemon.mailbox(PAT)
        with Lmtp(daemon.tcp) as client:
            client.session("LHLO me", "AUTH PLAIN " + plain("pat@handoff.test", "secret"), "QUIT")
        converse(daemon, [PAT])
        daemon.stop()
        hold("a_worker_that_offers_auth", daemon.out)

# --- A session on standard input.
scratch = Scratch()
daemon = Configuration(ONE, scratch=scratch)
daemon.mailbox(PAT)
commands = [f"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<{PAT}>\r\nDATA\r\n".encode(), MESSAGE,
            b".\r\nQUIT\r\n"]
command, out = traced(scratch, [program("HANDOFFD"), "--stdin", "-c", daemon.path])
ended = subprocess.run(command, input=b"".join(commands), stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, timeout=60, check=False)
is_((ended.returncode, len(daemon.messages(PAT))), (0, 1), "a_session_on_standard_input_delivers")
hold("it", out)

# --- No promise is superfluous. Only a delivery process with spool.create-command needs exec; none
# is traced here.
promised = set("stdio rpath wpath cpath flock unix inet dns getpw sendfd recvfd proc id".split())
if account() and parts.has("cdb") and parts.has("sasl"):
    is_(promised - needed, set(), "no_superfluous_promise_is_requested")
done()
