#!/usr/bin/env python3
"""X4, R5: MAIL is answered 452 4.3.1 where the message would leave less than spool.min-free, or no
inode, with the messages counted in that others are sending; and nothing is written."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
import tap
from control import status, until
from handoffd import Handoffd, program
from lmtp import Lmtp, stuffed
from tap import done, is_, ok

PAT = "pat@good.test"
MEGABYTE = 1 << 20

if not mounts.private():
    tap.skip_all("not root: nothing can be mounted")


class Client(Lmtp):
    """Has said LHLO."""

    def __init__(self, daemon):
        super().__init__(daemon.unix)
        self.command("LHLO client.test")

    def mail(self, size=None):
        reply = self.command("MAIL FROM:<>" + (f" SIZE={size}" if size else ""))
        return f"{reply.code} {reply.enhanced}"

    def rset(self):
        self.command("RSET")
        # Its answer to this comes behind what it does before it waits for the next.
        self.command("NOOP")


def at_it(daemon, many):
    """Those that have a client and wait for its next command, if they are so many."""
    busy = [worker["pid"] for worker in status(daemon)["workers"] if worker["state"] == "command"]
    return busy if len(busy) == many else None


with Handoffd({"spool.min-free": "1M", "spool.min-free-inodes": "10",
               "session.max-message-size": "50M"}, start=False) as daemon:
    mounts.tmpfs(daemon.spool, "size=4m,nr_inodes=200,mode=0755")
    try:
        os.chown(daemon.spool, *daemon.owner)
        daemon.mailbox(PAT)
        daemon.start()
        with Client(daemon) as one, Client(daemon) as other:
            is_(one.mail(int(3.5 * MEGABYTE)), "452 4.3.1", "what_would_leave_too_little_is_452_X4")
            is_(one.mail(2 * MEGABYTE), "250 2.1.0", "what_leaves_enough_is_taken_X4")
            is_(daemon.staged(), [], "and_nothing_is_written_for_either")
            is_(other.mail(2 * MEGABYTE), "452 4.3.1", "who_is_being_received_is_counted_in_X4")
            is_(other.mail(), "250 2.1.0", "and_who_announces_nothing_is_taken_as_long_as_there_is_room")
            other.rset()
            one.rset()
            is_(other.mail(2 * MEGABYTE), "250 2.1.0", "a_message_that_was_given_up_counts_no_more")
            other.rset()

            # It dies with the room that it had kept.
            is_(one.mail(2 * MEGABYTE), "250 2.1.0", "one_begins_again")
            # The reply has left before the worker waits for the next command.
            busy = until(lambda: at_it(daemon, 2), "two workers are at it")
            ok(len(busy) == 2, "two_workers_are_at_it")
            is_(other.mail(2 * MEGABYTE), "452 4.3.1", "and_its_room_is_kept")
            one.command("NOOP")
            for pid in busy:
                os.kill(pid, signal.SIGKILL)
            daemon.wait_for(r"worker died", count=2)
        with Client(daemon) as client:
            is_(client.mail(2 * MEGABYTE), "250 2.1.0", "the_dead_keep_no_room")
            client.command(f"RCPT TO:<{PAT}>")
            client.command("DATA")
            # Written octets are the filesystem's to count, not ours any more.
            client.send(b"Subject: x\r\n\r\n" + b"y" * 78 + b"\r\n" * 1000)
            client.send(b".\r\n")
            is_(client.reply().code, 250, "and_it_is_delivered")
            is_(client.mail(2 * MEGABYTE), "250 2.1.0", "what_is_delivered_counts_no_more")
            client.rset()

        # As --stdin beside the server, which shares no memory with it but the ledger.
        with Client(daemon) as client:
            is_(client.mail(2 * MEGABYTE), "250 2.1.0", "the_server_has_a_message_begun")
            told = subprocess.run(
                [program("HANDOFFD"), "--stdin", "-c", daemon.path], check=False, timeout=30,
                input=f"LHLO x\r\nMAIL FROM:<> SIZE={2 * MEGABYTE}\r\nQUIT\r\n".encode(),
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            ok(b"\r\n452 4.3.1 not enough free space for" in told,
               "a_session_on_standard_input_counts_the_servers_messages_in")

        filler = os.path.join(daemon.spool, ".filler")
        with open(filler, "wb") as file:
            file.write(b"x" * (3 * MEGABYTE))
        with Client(daemon) as client:
            is_(client.mail(), "452 4.3.1", "with_less_than_min_free_nothing_is_taken_X4")
            is_(client.mail(100), "452 4.3.1", "however_small_X4")
        os.unlink(filler)
        with Client(daemon) as client:
            is_(client.mail(), "250 2.1.0", "with_room_again_it_is")

        fillers = []
        about = os.statvfs(daemon.spool)
        for number in range(about.f_favail - 10):
            fillers.append(os.path.join(daemon.spool, f".filler{number}"))
            os.mkdir(fillers[-1])
        before = len(daemon.log)
        with Client(daemon) as client:
            is_(client.mail(), "452 4.3.1", "with_less_than_min_free_inodes_nothing_is_taken")
        line = daemon.wait_for(r"no room", before)
        is_(re.search(r"free_inodes=(\d+)", line)[1], "10", "and_the_log_says_what_is_left")
        for each in fillers:
            os.rmdir(each)
        ok(status(daemon)["totals"]["no_room"] >= 3, "what_was_refused_is_counted")
        is_(daemon.staged(), [], "nothing_was_written_for_any_of_it")
        is_(daemon.stop(), 0, "it_ends_well")
    finally:
        daemon.stop()
        mounts.unmount(daemon.spool)
done()
