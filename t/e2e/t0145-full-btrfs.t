#!/usr/bin/env python3
"""R5: if a full disk has no room for a second copy of a block, which btrfs needs, a worker answers
452 and survives, because its shared memory is overwritten in place."""
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
    tap.skip_all("no mkfs.btrfs (contrib/bootstrap --tests)")


def fill(path):
    """Fills the filesystem to the last block."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 16, 1 << 12):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                os.fsync(file.fileno())


def fills_up(compressed):
    """compressed: with `chattr +c` on the spool, so that files cannot be overwritten in place."""
    how = "with_compressed_files" if compressed else "with_uncompressed_files"
    with Handoffd({"spool.min-free": "0", "spool.min-free-inodes": "0", "workers.max": "2"},
                  start=False) as daemon:
        mounts.image(daemon.spool, daemon.scratch.file("btrfs.img", ""), 128, ["mkfs.btrfs", "-q"])
        try:
            os.chown(daemon.spool, *daemon.owner)
            if compressed:
                subprocess.run(["chattr", "+c", daemon.spool], check=True)
            daemon.mailbox(PAT)
            daemon.start()
            is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, f"mail_is_accepted_while_space_is_free_{how}")
            # Only blocks that are on disk need a copy.
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
            is_(codes, [[250, 250, 250, 452]] * 5, f"each_message_gets_452_on_a_full_disk_R5_{how}")
            os.unlink(filler)
            subprocess.run(["sync", "-f", daemon.spool], check=True)
            is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, f"when_there_is_room_again_mail_is_accepted_{how}")
            is_(len(daemon.messages(PAT)), 2, f"every_accepted_message_exists_{how}")
            ok(not any("worker died" in line for line in daemon.log), f"no_worker_died_on_a_full_disk_{how}")
            is_(daemon.stop(), 0, f"the_server_exits_with_0_{how}")
        finally:
            daemon.stop()
            mounts.unmount(daemon.spool)


fills_up(False)
fills_up(True)
done()
