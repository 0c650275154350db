"""Tests what must hold for every lookup, with a handoffd that uses the real server.

    rcpt(daemon, 'pat@example.org')       # 250, 550, 451
    defers_while_server_is_down(daemon, ...)  # the server is killed under load: 451 and no 5xx
"""
import contextlib
import os
import signal
import threading
import time

from lmtp import Lmtp
from tap import empty, is_, ok


def replies(daemon, *addresses):
    """Returns the replies to RCPT for each address, in one transaction."""
    with Lmtp(daemon.unix, timeout=60) as client:
        utf8 = "" if all(each.isascii() for each in addresses) else " SMTPUTF8"
        client.session("LHLO client.test", f"MAIL FROM:<>{utf8}")
        return [client.command(f"RCPT TO:<{each}>") for each in addresses]


def rcpt(daemon, *addresses):
    """Returns the list of reply codes of RCPT, or the code itself for one address."""
    codes = [reply.code for reply in replies(daemon, *addresses)]
    return codes[0] if len(codes) == 1 else codes


def wait_for(daemon, address, code, deadline=60):
    """Repeats RCPT until the reply has that code; returns the last code."""
    end = time.monotonic() + deadline
    while (got := rcpt(daemon, address)) != code and time.monotonic() < end:
        threading.Event().wait(0.05)
    return got


@contextlib.contextmanager
def stopped(pid):
    """Within this context the process is stopped: it accepts connections but does not respond."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def defers_while_server_is_down(daemon, known, unknown, server, what, start=None):
    """R1: the server is killed while clients send RCPT, and restarted, with start() if given.
    cache-ttl must be 0."""
    seen, halt = [], threading.Event()

    def ask():
        while not halt.is_set():
            seen.append(rcpt(daemon, known, unknown))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        end = time.monotonic() + 60
        while len(seen) < 20 and time.monotonic() < end:
            halt.wait(0.01)
        before = len(seen)
        server.kill()
        while [451, 451] not in seen[before:] and time.monotonic() < end:
            halt.wait(0.01)
        down = list(seen[before:])
        (start or server.start)()
        is_(wait_for(daemon, known, 250), 250, f"{what}_is_used_again_without_a_restart_of_handoff")
    finally:
        halt.set()
        for client in clients:
            client.join()
    ok([250, 550] in seen[:before], f"{what}_answers_under_load")
    ok([451, 451] in down, f"{what}_that_was_killed_defers_recipients_R1")
    empty((pair for pair in seen if pair[0] not in (250, 451) or pair[1] not in (550, 451)),
          f"{what}_that_was_killed_bounces_no_mail_R1")
    ok(daemon.wait_for("lookup failed"), f"the_log_has_why_{what}_failed")
