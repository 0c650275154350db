#!/usr/bin/env python3
"""R5: where a full disk has no room for a second copy of a block, as btrfs wants it, a worker answers
452 and lives: the memory that it shares with the others stays where it is on the disk."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
import tap
from handoffd import Handoffd
from lmtp import Lmtp, deliver
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * 100

if not mounts.private():
    tap.skip_all("not root: nothing can be mounted")
if shutil.which("mkfs.btrfs") is None:
    tap.skip_all("no mkfs.btrfs (contrib/bootstrap)")


def fill(path):
    """Leaves no room for a block."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 16, 1 << 12):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                os.fsync(file.fileno())


def fills_up(compressed):
    """compressed: as `chattr +c` has all that is made in the spool, which cannot be in place too."""
    how = "where_files_are_compressed" if compressed else "where_they_are_not"
    with Handoffd({"spool.min-free": "0", "spool.min-free-inodes": "0", "workers.max": "2"},
                  start=False) as daemon:
        mounts.image(daemon.spool, daemon.scratch.file("btrfs.img", ""), 128, ["mkfs.btrfs", "-q"])
        try:
            os.chown(daemon.spool, *daemon.owner)
            if compressed:
                subprocess.run(["chattr", "+c", daemon.spool], check=True)
            daemon.mailbox(PAT)
            daemon.start()
            is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, f"with_room_it_is_taken_{how}")
            # What is on the disk is what has to be written elsewhere.
            subprocess.run(["sync", "-f", daemon.spool], check=True)
            filler = os.path.join(daemon.spool, ".filler")
            fill(filler)
            codes = []
            for _ in range(5):
                with Lmtp(daemon.unix) as client:
                    codes.append([client.command(line).code for line in (
                        "LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>")])
                    client.command("DATA")
                    client.send(MESSAGE + b".\r\n")
                    codes[-1].append(client.reply().code)
                subprocess.run(["sync", "-f", daemon.spool], check=True)
            is_(codes, [[250, 250, 250, 452]] * 5, f"without_room_each_message_is_452_R5_{how}")
            os.unlink(filler)
            subprocess.run(["sync", "-f", daemon.spool], check=True)
            is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, f"with_room_again_it_is_{how}")
            is_(len(daemon.messages(PAT)), 2, f"and_it_is_there_as_often_as_it_was_taken_{how}")
            ok(not any("worker died" in line for line in daemon.log), f"no_worker_died_of_it_{how}")
            is_(daemon.stop(), 0, f"it_ends_well_{how}")
        finally:
            daemon.stop()
            mounts.unmount(daemon.spool)


fills_up(False)
fills_up(True)
done()
