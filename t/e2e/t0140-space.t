#!/usr/bin/env python3
"""X4, R5: MAIL is answered with 452 4.3.1, and nothing is written, if the message would leave less
than spool.min-free, or no inode. Messages of other clients are taken into account."""
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
from lmtp import Lmtp
from tap import done, is_, ok

PAT = "pat@good.test"
MEGABYTE = 1 << 20

if not mounts.private():
    tap.skip_all("not root: nothing can be mounted")


class Client(Lmtp):
    """Returns a client that has sent LHLO."""

    def __init__(self, daemon):
        super().__init__(daemon.unix)
        self.command("LHLO client.test")

    def mail(self, size=None):
        reply = self.command("MAIL FROM:<>" + (f" SIZE={size}" if size else ""))
        return f"{reply.code} {reply.enhanced}"

    def rset(self):
        self.command("RSET")
        # The reply to this command comes after the work between transactions.
        self.command("NOOP")


def at_it(daemon, many):
    """Returns the workers that wait for a client's next command, if there are this many."""
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
            is_(one.mail(int(3.5 * MEGABYTE)), "452 4.3.1", "a_message_that_would_leave_too_little_room_gets_452_X4")
            is_(one.mail(2 * MEGABYTE), "250 2.1.0", "a_message_that_leaves_enough_room_is_accepted_X4")
            is_(daemon.staged(), [], "announced_messages_write_nothing_yet")
            is_(other.mail(2 * MEGABYTE), "452 4.3.1", "messages_in_progress_are_counted_X4")
            is_(other.mail(), "250 2.1.0", "a_message_of_unknown_size_is_accepted_while_there_is_room")
            other.rset()
            one.rset()
            is_(other.mail(2 * MEGABYTE), "250 2.1.0", "an_abandoned_message_no_longer_counts")
            other.rset()

            # The workers die while space is reserved.
            is_(one.mail(2 * MEGABYTE), "250 2.1.0", "the_first_client_reserves_space_again")
            # The worker sends the reply before it waits for the next command.
            busy = until(lambda: at_it(daemon, 2), "two workers are at it")
            ok(len(busy) == 2, "two_workers_wait_for_commands")
            is_(other.mail(2 * MEGABYTE), "452 4.3.1", "the_room_of_a_message_in_progress_stays_reserved")
            one.command("NOOP")
            for pid in busy:
                os.kill(pid, signal.SIGKILL)
            daemon.wait_for(r"worker died", count=2)
        with Client(daemon) as client:
            is_(client.mail(2 * MEGABYTE), "250 2.1.0", "a_dead_worker_keeps_no_room_reserved")
            client.command(f"RCPT TO:<{PAT}>")
            client.command("DATA")
            # Written octets are counted by the filesystem and no longer by handoffd.
            client.send(b"Subject: x\r\n\r\n" + b"y" * 78 + b"\r\n" * 1000)
            client.send(b".\r\n")
            is_(client.reply().code, 250, "a_message_that_fits_again_is_delivered")
            is_(client.mail(2 * MEGABYTE), "250 2.1.0", "a_delivered_message_no_longer_counts")
            client.rset()

        # Uses --stdin beside the server; they share no memory except the ledger.
        with Client(daemon) as client:
            is_(client.mail(2 * MEGABYTE), "250 2.1.0", "a_client_of_the_server_has_announced_a_message")
            told = subprocess.run(
                [program("HANDOFFD"), "--stdin", "-c", daemon.path], check=False, timeout=30,
                input=f"LHLO x\r\nMAIL FROM:<> SIZE={2 * MEGABYTE}\r\nQUIT\r\n".encode(),
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            ok(b"\r\n452 4.3.1 not enough free space for" in told,
               "a_session_on_standard_input_counts_the_servers_reservations")

        filler = os.path.join(daemon.spool, ".filler")
        with open(filler, "wb") as file:
            file.write(b"x" * (3 * MEGABYTE))
        with Client(daemon) as client:
            is_(client.mail(), "452 4.3.1", "with_less_than_min_free_nothing_is_accepted_X4")
            is_(client.mail(100), "452 4.3.1", "even_a_small_message_is_refused_X4")
        os.unlink(filler)
        with Client(daemon) as client:
            is_(client.mail(), "250 2.1.0", "when_there_is_room_again_mail_is_accepted")

        fillers = []
        about = os.statvfs(daemon.spool)
        for number in range(about.f_favail - 10):
            fillers.append(os.path.join(daemon.spool, f".filler{number}"))
            os.mkdir(fillers[-1])
        before = len(daemon.log)
        with Client(daemon) as client:
            is_(client.mail(), "452 4.3.1", "with_less_than_min_free_inodes_nothing_is_accepted")
        line = daemon.wait_for(r"no room", before)
        is_(re.search(r"free_inodes=(\d+)", line)[1], "10", "the_log_has_the_number_of_free_inodes")
        for each in fillers:
            os.rmdir(each)
        ok(status(daemon)["totals"]["no_room"] >= 3, "refusals_are_counted")
        is_(daemon.staged(), [], "refused_messages_wrote_no_file")
        is_(daemon.stop(), 0, "the_server_exits_with_0")
    finally:
        daemon.stop()
        mounts.unmount(daemon.spool)
done()
