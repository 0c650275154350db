#!/usr/bin/env python3
"""RFC 1047, L12: a message that is sent again because its replies were not read is recognised; the
same octets sent again after the replies were read are delivered a second time."""
import os
import re
import select
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import control
import tap
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from processes import children
from tap import is_, ok

WHO = "pat@example.org"
OTHER = "lee@example.org"


def message(name):
    return f"Subject: {name}\r\nMessage-ID: <{name}@example.org>\r\n\r\nbody of {name}\r\n".encode()


def begin(address, recipients=(WHO,)):
    """Sends everything up to the reply to DATA."""
    client = Lmtp(address)
    client.session("LHLO client.test", "MAIL FROM:<a@example.net>",
                   *[f"RCPT TO:<{each}>" for each in recipients], "DATA")
    return client


def hand_over(address, text, recipients=(WHO,)):
    """Runs a whole session and reads all replies. Returns the final replies."""
    with begin(address, recipients) as client:
        client.send(stuffed(text))
        final = client.replies(len(recipients))
        client.command("QUIT")
        client.at_end()
        return [reply.code for reply in final]


def vanish(address, text, daemon, recipients=(WHO,)):
    """Sends the message, waits until it is delivered, and disconnects without reading a reply."""
    name = re.escape(re.search(rb"Message-ID: (<.*?>)", text)[1].decode())
    client = begin(address, recipients)
    before = len(daemon.log)
    client.send(stuffed(text))
    for each in recipients:
        # Wait for the log line of this message: that of the previous message may be late.
        daemon.wait_for(rf"delivered .*to=<{each}> .*{name}", before)
    return client, before


def copies(daemon, name, who=WHO):
    return sum(f"body of {name}\n".encode() in each for each in daemon.messages(who))


def reset(client):
    """Closes with a reset, as after a crash of the machine."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def delivered_by(daemon, before):
    """Returns the worker that logged the newest delivery."""
    line = next(each for each in reversed(daemon.log[before:]) if " delivered " in each)
    return int(line.split("handoffd[")[1].split("]")[0])


with Handoffd({"log.level": "debug"}, tcp=True) as daemon:
    for who in (WHO, OTHER):
        daemon.mailbox(who)
    # Disconnect before anything is committed: the workers are stopped until then.
    client = begin(daemon.unix)
    before = len(daemon.log)
    held = control.workers(daemon)
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    client.send(stuffed(message("gone")))
    client.close()
    for pid in held:
        os.kill(pid, signal.SIGCONT)
    daemon.wait_for("client gone, nothing delivered", before)
    is_(copies(daemon, "gone"), 0, "L12: if the client has gone before the commit, nothing is committed")
    is_(hand_over(daemon.unix, message("gone")), [250], "L12: a client that disconnected can send the message again")
    is_(copies(daemon, "gone"), 1, "L12: after the retry one copy exists")

    for kind, address in (("unix", daemon.unix), ("tcp", daemon.tcp)):
        name = f"{kind}-unread"
        client, before = vanish(address, message(name), daemon)
        client.close()
        daemon.wait_for(r"replies unread", before)
        is_(hand_over(address, message(name)), [250], f"{kind}: the retry is answered with 250")
        is_(copies(daemon, name), 1, f"{kind}: a retry after unread replies makes no second copy")
        daemon.wait_for(r"status=already-delivered", before)
        is_(hand_over(address, message(name)), [250], f"{kind}: after the replies were read, equal octets are accepted")
        is_(copies(daemon, name), 2, f"{kind}: these equal octets are a new message")

        name = f"{kind}-read"
        for _ in range(2):
            hand_over(address, message(name))
        is_(copies(daemon, name), 2, f"{kind}: two messages whose replies were read are stored twice")

        name = f"{kind}-mailboxes"
        client, before = vanish(address, message(name), daemon)
        client.close()
        daemon.wait_for(r"replies unread", before)
        hand_over(address, message(name), (WHO, OTHER))
        is_((copies(daemon, name), copies(daemon, name, OTHER)), (1, 1),
            f"{kind}: another recipient of the retry gets its first copy")

        name = f"{kind}-other"
        client, before = vanish(address, message(name), daemon)
        client.close()
        daemon.wait_for(r"replies unread", before)
        changed = message(name).replace(b"Subject: ", b"Subject; ")
        hand_over(address, changed)
        is_(copies(daemon, name), 2, f"{kind}: one octet more or less is another message")

        # A command after unread replies: the worker receives it and detects that the replies were
        # not read.
        name = f"{kind}-command-unread"
        client, before = vanish(address, message(name), daemon)
        worker = delivered_by(daemon, before)
        os.kill(worker, signal.SIGSTOP)
        client.send(b"QUIT\r\n")
        client.close()
        os.kill(worker, signal.SIGCONT)
        daemon.wait_for(r"replies unread", before)
        is_(hand_over(address, message(name)), [250], f"{kind}: a QUIT that came while the replies were unread does not show that they were read")
        is_(copies(daemon, name), 1, f"{kind}: after an early QUIT the retry makes no second copy")

        # If the network or the client's machine fails, the server is not notified.
        name = f"{kind}-silent"
        client, before = vanish(address, message(name), daemon)
        is_(hand_over(address, message(name)), [250], f"{kind}: a client that hangs may send the message again")
        is_(copies(daemon, name), 1, f"{kind}: a retry over another connection makes no second copy")
        client.close()
        daemon.wait_for(r"replies unread", before)
        is_(hand_over(address, message(name)), [250], f"{kind}: a third equal message is accepted")
        is_(copies(daemon, name), 2, f"{kind}: after the reply to the retry was read, the same octets are a new message")

    name = "reset"
    client, before = vanish(daemon.tcp, message(name), daemon)
    reset(client)
    daemon.wait_for(r"replies unread", before)
    hand_over(daemon.tcp, message(name))
    is_(copies(daemon, name), 1, "after a reset the replies count as unread")

    name = "pipelined-quit"
    client = begin(daemon.unix)
    before = len(daemon.log)
    client.send(stuffed(message(name)) + b"QUIT\r\n")
    daemon.wait_for(r"delivered ", before)
    client.close()
    daemon.wait_for(r"replies unread", before)
    hand_over(daemon.unix, message(name))
    is_(copies(daemon, name), 1, "a QUIT sent before the replies does not show that they were read")

    name = "worker-killed"
    client, before = vanish(daemon.unix, message(name), daemon)
    os.kill(delivered_by(daemon, before), signal.SIGKILL)
    daemon.wait_for(r"worker died", before)
    client.close()
    is_(hand_over(daemon.unix, message(name)), [250], "after kill -9 of the worker the retry gets 250")
    is_(copies(daemon, name), 1, "after kill -9 of the worker the retry makes no second copy")

    name = "all-killed"
    client, before = vanish(daemon.unix, message(name), daemon)
    family = [daemon.process.pid, *children(daemon.pid)]
    ends = [os.pidfd_open(pid) for pid in family]
    os.killpg(daemon.process.pid, signal.SIGKILL)  # including a worker that is just starting
    for end in ends:  # readable when that process has ended
        ok(select.select([end], [], [], 10)[0], "a killed process ends")
        os.close(end)
    daemon.process.wait()
    client.close()
    daemon.start()
    is_(hand_over(daemon.unix, message(name)), [250], "after kill -9 of master and workers the retry gets 250")
    is_(copies(daemon, name), 1, "after kill -9 of master and workers the retry makes no second copy")
    hand_over(daemon.unix, message(name))
    is_(copies(daemon, name), 2, "after the replies were read, equal octets are a new message")

# The client's system has received the replies, but the client has not read them, and neither of the
# two sends anything.
with Handoffd({"session.command-timeout": "1s"}, tcp=True) as daemon:
    daemon.mailbox(WHO)
    client, before = vanish(daemon.tcp, message("timeout"), daemon)
    daemon.wait_for(r"replies unread", before)
    client.close()
    hand_over(daemon.tcp, message("timeout"))
    is_(copies(daemon, "timeout"), 1, "tcp: if the client was silent until the timeout, its replies count as unread")

with Handoffd({"duplicates.guard": "off"}) as daemon:
    daemon.mailbox(WHO)
    client, before = vanish(daemon.unix, message("off"), daemon)
    client.close()
    hand_over(daemon.unix, message("off"))
    is_(copies(daemon, "off"), 2, "duplicates.guard = off delivers again")
    is_(os.listdir(os.path.join(daemon.spool, ".handoff", "unread")), [], "duplicates.guard = off records nothing")

tap.done()
