#!/usr/bin/env python3
"""A spool on two filesystems: --check and the doctor find the mount, however deep it is."""
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
    is_(checked(daemon)[0], 0, "check_has_no_complaint_about_a_single_filesystem")
    said = ctl(daemon, "doctor")
    ok("a single filesystem, 2 mailboxes checked" in said.stdout,
       "the_doctor_has_no_complaint_about_a_single_filesystem")

    for place in ("good.test", "good.test/pat", "good.test/pat/cur"):
        where = os.path.join(daemon.spool, place)
        mounts.tmpfs(where, "size=1m,mode=777")
        fault = f"spool {daemon.spool}: {place} is on another filesystem\n         fix: mount one"
        code, said = checked(daemon)
        ok(code == 78 and fault in said, f"check_finds_a_mount_at_{place}")
        said = ctl(daemon, "doctor")
        ok(said.returncode == 1 and fault in said.stdout, f"the_doctor_finds_a_mount_at_{place}")
        mounts.unmount(where)

    # A message is linked from tmp/ into new/.
    mounts.tmpfs(os.path.join(box, "new"), "size=1m,mode=777")
    said = ctl(daemon, "doctor")
    ok(said.returncode == 1 and "good.test/pat/new is on another filesystem\n" in said.stdout,
       "the_doctor_finds_a_mailbox_with_folders_on_two_filesystems")
    mounts.unmount(os.path.join(box, "new"))
    is_((checked(daemon)[0], ctl(daemon, "doctor").returncode), (0, 0), "check_and_doctor_accept_the_spool_without_mounts")
done()
