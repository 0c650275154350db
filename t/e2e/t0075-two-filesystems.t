#!/usr/bin/env python3
"""A spool that is not all on one filesystem: --check and the doctor find it, however deep it lies."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mounts
import tap
from control import ctl
from handoffd import Handoffd, program
from tap import done, is_, ok

PAT = "pat@good.test"

if not mounts.private():
    tap.skip_all("not root: nothing can be mounted")


def checked(daemon):
    run = subprocess.run([program("HANDOFFD"), "--check", "-c", daemon.path], check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    return run.returncode, run.stdout


with Handoffd() as daemon:
    box = daemon.mailbox(PAT)
    daemon.mailbox("lee@good.test")
    is_(checked(daemon)[0], 0, "one_filesystem_is_in_order")
    said = ctl(daemon, "doctor")
    ok("all of it lies on one filesystem" in said.stdout
       and "tmp/ and new/ lie on one filesystem in each of the 2 looked at" in said.stdout,
       "the_doctor_says_so_too")

    for place in ("good.test", "good.test/pat", "good.test/pat/cur"):
        where = os.path.join(daemon.spool, place)
        mounts.tmpfs(where, "size=1m,mode=777")
        fault = f"spool {daemon.spool}: {place} lies on another filesystem\n         cure: mount one"
        code, said = checked(daemon)
        ok(code == 78 and fault in said, f"check_finds_a_mount_at_{place}")
        said = ctl(daemon, "doctor")
        ok(said.returncode == 1 and fault in said.stdout, f"the_doctor_finds_a_mount_at_{place}")
        mounts.unmount(where)

    # A message gets its name in new/ by a link from tmp/.
    mounts.tmpfs(os.path.join(box, "new"), "size=1m,mode=777")
    said = ctl(daemon, "doctor")
    ok(said.returncode == 1 and f"PROBLEM  {box}: tmp/ and new/ lie on different filesystems\n"
       "         cure: unmount one of the two" in said.stdout,
       "the_doctor_finds_a_mailbox_whose_folders_lie_apart")
    mounts.unmount(os.path.join(box, "new"))
    is_((checked(daemon)[0], ctl(daemon, "doctor").returncode), (0, 0), "all_is_well_when_they_are_gone")
done()
