#!/usr/bin/env python3
"""R5: while the disk is full, every client gets a greeting and 452, even from a worker that starts
meanwhile; and when there is space again, mail is delivered."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
import tap
from handoffd import Handoffd
from lmtp import Lmtp
from tap import done, is_, ok, skip

PAT = "pat@good.test"
MESSAGE = b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 100
CLIENTS = 8  # more than the workers that have started before

if not mounts.private():
    tap.skip_all("not root: nothing can be mounted")


def fill(path):
    """Leaves no free block."""
    end = 0
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 24, 1 << 20, 1 << 16, 1 << 12):
            try:
                while True:
                    os.posix_fallocate(file.fileno(), end, size)
                    end += size
            except OSError:
                os.fsync(file.fileno())


def answer(client):
    """Returns the reply of a session for which the disk has no room: to MAIL, or after the
    content."""
    for command in ("LHLO client.test", "MAIL FROM:<a@client.test>", f"RCPT TO:<{PAT}>", "DATA"):
        reply = client.command(command)
        if reply.code >= 400:
            return reply.code
    client.send(MESSAGE + b".\r\n")
    return client.reply().code


for kind, mkfs, size in (("tmpfs", None, 2), ("ext4", ["mkfs.ext4", "-q"], 32),
                         ("xfs", ["mkfs.xfs", "-q", "-f"], 320), ("btrfs", ["mkfs.btrfs", "-q"], 128)):
    if mkfs and not shutil.which(mkfs[0]):
        skip(f"no {mkfs[0]} (contrib/bootstrap --tests)")
        continue
    with Handoffd({"spool.min-free": "0", "spool.min-free-inodes": "0", "workers.max": CLIENTS},
                  start=False) as daemon:
        if mkfs:
            mounts.image(daemon.spool, daemon.scratch.file("image"), size, mkfs)
        else:
            mounts.tmpfs(daemon.spool, f"size={size}m,mode=0755")
        try:
            os.chown(daemon.spool, *daemon.owner)
            daemon.mailbox(PAT)
            daemon.start()
            filler = f"{daemon.spool}/filler"
            fill(filler)
            clients = [Lmtp(daemon.unix) for _ in range(CLIENTS)]
            is_([client.greeting.code for client in clients], [220] * CLIENTS,
                f"every_client_is_greeted_on_a_full_{kind}")
            is_([answer(client) for client in clients], [452] * CLIENTS,
                f"every_client_gets_452_R5_on_a_full_{kind}")
            os.unlink(filler)
            subprocess.run(["sync", "-f", daemon.spool], check=True)
            # Mail is delivered by the same workers, including those that started on the full disk.
            codes = []
            for client in clients:
                client.command("RSET")
                codes.append(answer(client))
                client.socket.close()
            is_(codes, [250] * CLIENTS, f"each_client_delivers_when_there_is_space_{kind}")
            ok(not any("worker died" in line for line in daemon.log), f"no_worker_dies_{kind}")
            is_(daemon.stop(), 0, f"the_server_exits_with_0_{kind}")
            # A start on a full disk.
            fill(filler)
            daemon.start()
            with Lmtp(daemon.unix) as client:
                is_(answer(client), 452, f"the_server_starts_on_a_full_disk_{kind}")
        finally:
            daemon.stop()
            mounts.unmount(daemon.spool)
done()
