#!/usr/bin/env python3
"""handoffctl deliver sends a message to a daemon, or to handoffd --stdin as started by inetd,
prints the reply for each recipient on standard error, and exits with a code of sysexits.h."""
import os
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from daemon import DEADLINE
from handoffd import Handoffd, program
from lmtp import Lmtp, stuffed
from tap import diag, done, is_, ok

EX_OK, EX_USAGE, EX_NOUSER, EX_TEMPFAIL = 0, 64, 67, 75
USERS = ["one@good.test", "two@good.test", "three@good.test"]


def ctl(configuration, *arguments, message=b""):
    """Runs handoffctl deliver; returns (exit code, lines of standard error)."""
    run = subprocess.run([program("HANDOFFCTL"), "-c", configuration.path, "deliver", *arguments],
                         input=message, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         timeout=DEADLINE, check=False)
    return run.returncode, run.stderr.decode("utf-8", "replace").splitlines()


def reply_for(lines, recipient, code):
    """Returns whether one line names the recipient and that reply code."""
    return sum(bool(recipient in line and re.search(rf"\b{code}\b", line)) for line in lines) == 1


def found(configuration, user, first):
    texts = (maildir.without_trace(octets, first) for octets in configuration.messages(user))
    return [text for text in texts if text is not None]


def check(daemon, kind, *to):
    for title, body in {"plain": b"Hello\n", "dots": b".\n..\n.a\n.\n", "empty": b"",
                        "8_bit": bytes(range(0x80, 0x100)) + b"\n",
                        "a_megabyte": b"0123456789abcde\n" * 65536,
                        "a_long_line": b"x" * 100000 + b"\n"}.items():
        first = f"X-Test: {kind} {title}".encode()
        message = first + b"\n\n" + body
        code, lines = ctl(daemon, *to, *USERS, message=message)
        is_(code, EX_OK, f"a_message_{title}_over_{kind}_exits_with_0")
        if not ok(all(reply_for(lines, user, 250) for user in USERS),
                  f"a_message_{title}_over_{kind}_gets_250_for_each_recipient"):
            diag("\n".join(lines))
        is_([found(daemon, user, first) == [message] for user in USERS], [True] * len(USERS),
            f"a_message_{title}_over_{kind}_is_stored_once_and_unchanged_in_each_mailbox")

    code, lines = ctl(daemon, *to, "no1@good.test", "no2@good.test", message=b"Subject: x\n\n")
    is_(code, EX_NOUSER, f"only_unknown_recipients_over_{kind}_exit_with_67")
    ok(reply_for(lines, "no1@good.test", 550) and reply_for(lines, "no2@good.test", 550),
       f"only_unknown_recipients_over_{kind}_get_550_each")

    first = f"X-Test: {kind} mixed".encode()
    code, lines = ctl(daemon, *to, USERS[0], "no1@good.test", USERS[1], message=first + b"\n\n")
    ok(reply_for(lines, USERS[0], 250) and reply_for(lines, "no1@good.test", 550)
       and reply_for(lines, USERS[1], 250),
       f"an_unknown_recipient_among_others_over_{kind}_gets_its_own_reply")
    is_([len(found(daemon, user, first)) for user in USERS[:2]], [1, 1],
        f"an_unknown_recipient_among_others_over_{kind}_does_not_affect_them")

    for sender, arguments in (("", []), ("me@client.test", ["--from", "me@client.test"])):
        first = f"X-Test: {kind} from {sender}.".encode()
        ctl(daemon, *to, *arguments, USERS[0], message=first + b"\n\n")
        texts = [octets for octets in daemon.messages(USERS[0]) if first in octets]
        is_([text.split(b"\n")[0] for text in texts], [f"Return-Path: <{sender}>".encode()],
            f"the_sender_over_{kind}_is_<{sender}>")

    code, lines = ctl(daemon, *to, "locked@good.test", message=b"Subject: x\n\n")
    is_(code, EX_TEMPFAIL, f"a_mailbox_that_cannot_be_written_over_{kind}_exits_with_75")


def start_as_inetd(configuration, connection, error=None):
    """Starts handoffd --stdin with the connection as its descriptors 0, 1 and, by default, 2."""
    process = subprocess.Popen([program("HANDOFFD"), "-c", configuration.path, "--stdin"],
                               stdin=connection, stdout=connection, stderr=error or connection,
                               start_new_session=True)
    configuration.scratch.guard(process.pid)
    return process


class Inetd:
    """Listens on a unix socket and starts handoffd --stdin for each connection."""

    def __init__(self, configuration):
        self.configuration = configuration
        path = os.path.join(configuration.scratch.path, "inetd.sock")
        self.address = f"unix:{path}"
        self.codes = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            process = start_as_inetd(self.configuration, connection)
            connection.close()
            self.codes.append(process.wait(DEADLINE))
            self.configuration.scratch.release(process.pid)

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE)
        self._listener.close()


with Handoffd(tcp=True) as daemon:
    for user in [*USERS, "locked@good.test"]:
        daemon.mailbox(user)
    locked = os.path.join(daemon.mailbox_path("locked@good.test"), "new")
    os.chmod(locked, 0o500)
    os.chown(locked, 0 if os.geteuid() == 0 else -1, -1)

    check(daemon, "the_socket_in_the_configuration")
    check(daemon, "unix", "--to", daemon.unix)
    check(daemon, "tcp", "--to", daemon.tcp)

    code, _ = ctl(daemon, message=b"Subject: x\n\n")
    is_(code, EX_USAGE, "without_a_recipient_the_exit_code_is_64")
    code, _ = ctl(daemon, "--to", f"unix:{daemon.scratch.path}/nothing.sock", USERS[0],
                  message=b"Subject: x\n\n")
    is_(code, EX_TEMPFAIL, "without_such_a_socket_the_exit_code_is_75")

    # inetd: a new handoffd for each connection, beside the daemon. It must not log to descriptor 2.
    log_to = daemon.settings["log.to"]
    daemon.write({"log.to": "syslog"})
    inetd = Inetd(daemon)
    check(daemon, "inetd", "--to", inetd.address)
    inetd.stop()
    is_(set(inetd.codes), {0}, "handoffd_under_inetd_exits_with_0")
    daemon.write({"log.to": log_to})

    ours, theirs = socket.socketpair()
    process = start_as_inetd(daemon, theirs, subprocess.DEVNULL)
    theirs.close()
    with Lmtp(ours) as client:
        is_(client.greeting.code, 220, "a_socketpair_is_greeted")
        codes = [reply.code for reply in client.session(
            "LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{USERS[0]}>", "RCPT TO:<no@good.test>",
            f"RCPT TO:<{USERS[1]}>", "DATA")]
        is_(codes, [250, 250, 250, 550, 250, 354], "commands_over_a_socketpair_get_their_replies")
        client.send(stuffed(b"X-Test: pair\r\n\r\n"))
        is_([reply.code for reply in client.replies(2)], [250, 250],
            "a_socketpair_gets_a_reply_for_each_recipient")
        is_(client.command("QUIT").code, 221, "quit_over_a_socketpair_gets_221")
        ok(client.at_end(), "a_socketpair_is_closed_after_quit")
    is_(process.wait(DEADLINE), 0, "handoffd_on_a_socketpair_exits_with_0")
    daemon.scratch.release(process.pid)
    is_([found(daemon, user, b"X-Test: pair") for user in USERS],
        [[b"X-Test: pair\n\n"], [b"X-Test: pair\n\n"], []], "the_message_from_a_socketpair_is_in_the_mailboxes")

    ours, theirs = socket.socketpair()
    process = start_as_inetd(daemon, theirs, subprocess.DEVNULL)
    theirs.close()
    with Lmtp(ours) as client:
        client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{USERS[0]}>", "DATA")
        client.send(b"X-Test: cut\r\n\r\nhalf a mess")
    process.wait(DEADLINE)
    daemon.scratch.release(process.pid)
    is_(found(daemon, USERS[0], b"X-Test: cut"), [], "a_client_that_vanishes_delivers_nothing")

    is_(maildir.leftovers(daemon.mailbox_path(USERS[0])), [], "nothing_stays_in_tmp")
    is_(daemon.staged(), [], "nothing_stays_in_staging")
    is_(daemon.stop(), 0, "the_server_exits_with_0")
    code, _ = ctl(daemon, USERS[0], message=b"Subject: x\n\n")
    is_(code, EX_TEMPFAIL, "without_a_server_the_exit_code_is_75")

done()
