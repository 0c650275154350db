#!/usr/bin/env python3
"""handoffctl doctor and explain check the mailboxes: they find the errors that a delivery would
meet."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import mounts
import tap
from control import ctl, until
from handoffd import Configuration, Handoffd, program
from lmtp import deliver
from owners import Owners
from tap import diag, done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"

if not mounts.private():
    tap.skip_all("not root: nothing can belong to another user")


def found(daemon, sentence, says, fix):
    """Tests that doctor finds a problem and says how to fix it."""
    said = ctl(daemon, "doctor")
    lines = said.stdout.splitlines()
    at = [n for n, line in enumerate(lines) if line.startswith("PROBLEM") and says in line]
    if not ok(said.returncode == 1 and at and fix in lines[at[0] + 1], f"doctor_finds_{sentence}"):
        diag(said.stdout)


def deferred(daemon, sentence, cause, who=PAT):
    """Tests that the verdict of explain equals the reply to a delivery, and names the cause."""
    told = ctl(daemon, "explain", "--json", who)
    answer = json.loads(told.stdout)
    got = deliver(daemon.unix, "", [who], MESSAGE)
    reply = got.final.get(who) or got.rcpt[who]
    is_((told.returncode, answer["code"], answer["verdict"].split()[1]),
        (75, reply.code, reply.enhanced), f"explain_and_delivery_give_the_same_reply_for_{sentence}")
    if not ok(cause in (answer["cause"] or ""), f"explain_has_the_cause_for_{sentence}"):
        diag(answer)


with Handoffd() as daemon:
    box = daemon.mailbox(PAT)
    daemon.mailbox("lee@good.test")
    said = ctl(daemon, "doctor")
    if not is_(said.returncode, 0, "doctor_finds_no_problem_in_a_valid_spool"):
        diag(said.stdout)
    os.rename(box, box + ".away")
    folder = os.path.dirname(box)

    os.mkdir(box, 0o755)  # owned by root
    found(daemon, "a_mailbox_of_root", f"mailbox {box}: belongs to uid 0", f"chown -R nobody {box}")
    deferred(daemon, "a_mailbox_of_root", "Permission denied")
    os.rmdir(box)

    with open(box, "wb"):
        pass
    found(daemon, "a_file", f"mailbox {box}: is a file", "move it away")
    deferred(daemon, "a_file", "Not a directory")
    os.unlink(box)

    os.symlink(box + ".away", box)
    found(daemon, "a_symbolic_link", f"mailbox {box}: is a symbolic link", "mount --bind")
    told = ctl(daemon, "explain", PAT)
    ok(told.returncode == 75 and "verdict     451" in told.stdout, "explain_reports_451_for_a_symbolic_link")
    os.unlink(box)

    # The advice works: links across a mount fail, so the message is copied.
    os.mkdir(box, 0o700)
    os.chown(box, *daemon.owner)
    subprocess.run(["mount", "--bind", box + ".away", box], check=True)
    try:
        is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
            "a_mailbox_that_is_a_mount_point_gets_mail")
        (message,) = maildir.files(box)
        ok(b"hello" in maildir.messages(box)[0] and os.stat(message).st_nlink == 1, "a_copy")
        is_(maildir.leftovers(box), [], "nothing_is_left_in_tmp_of_a_mounted_mailbox")
        os.unlink(message)
    finally:
        mounts.unmount(box)
    os.rmdir(box)

    os.rename(box + ".away", box)
    os.chmod(f"{box}/new", 0o500)
    found(daemon, "a_read_only_new", f"{box}: ", f"chown -R nobody {box}")
    deferred(daemon, "a_read_only_new", "new: Permission denied")
    os.chmod(f"{box}/new", 0o700)

    staging = f"{daemon.spool}/.handoff/staging"
    os.chmod(staging, 0o500)
    found(daemon, "a_read_only_staging", f"probe in {staging}: ", "let user write")
    told = json.loads(ctl(daemon, "explain", "--json", PAT).stdout)
    ok(told["code"] == 451 and "staging: Permission denied" in told["cause"],
       "explain_reports_451_if_staging_cannot_be_written")
    os.chmod(staging, 0o700)
    # The server's last examination is valid for two seconds.
    until(lambda: ctl(daemon, "doctor").returncode == 0, "doctor finds nothing")
    is_(ctl(daemon, "explain", PAT).returncode, 0,
        "doctor_and_explain_find_nothing_when_all_is_corrected")

    # The folder of a domain whose mail is all deferred.
    domain = os.path.dirname(box)
    os.rename(domain, domain + ".away")
    os.symlink(domain + ".away", domain)
    found(daemon, "a_domain_that_is_a_symbolic_link", f"{domain}: is a symbolic link", "mount --bind")
    deferred(daemon, "a_domain_that_is_a_symbolic_link", "symbolic link")
    checked = subprocess.run([program("HANDOFFD"), "-c", daemon.path, "--check"], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if not ok(f"{domain}: is a symbolic link" in checked.stdout, "check_finds_a_domain_that_is_a_symbolic_link"):
        diag(checked.stdout)
    os.unlink(domain)
    os.rename(domain + ".away", domain)

# --- A mailbox of another user, which the delivery process of that user writes.
owners = Owners()
kim = owners.add("kim", 61002)
for name in ("new", "cur", "tmp"):
    kim.make(f"Maildir/{name}")
with owners.handoffd() as daemon:
    is_(json.loads(ctl(daemon, "explain", "--json", kim.address).stdout)["code"], 250,
        "explain_accepts_the_mailbox_of_another_user")
    for name in ("new", "tmp"):
        os.chmod(f"{kim.maildir}/{name}", 0o500)
        deferred(daemon, f"another_users_{name}_that_cannot_be_written",
                 f"{name}: Permission denied", kim.address)
        os.chmod(f"{kim.maildir}/{name}", 0o700)

# --- A full disk, and a spool that should be a mount and is not.
with Handoffd({"spool.min-free": "512K"}, start=False) as daemon:
    mounts.tmpfs(daemon.spool, "size=1m,mode=0755")
    try:
        os.chown(daemon.spool, *daemon.owner)
        daemon.mailbox(PAT)
        daemon.start()
        said = ctl(daemon, "doctor").stdout
        ok("warning  sync in" in said and "the spool is in memory" in said,
           "doctor_warns_of_a_spool_in_memory")
        with open(f"{daemon.spool}/fill", "wb") as file:
            file.write(b"x" * (700 << 10))
        found(daemon, "a_full_disk", "less than ", "free space")
        told = json.loads(ctl(daemon, "explain", "--json", PAT).stdout)
        ok(told["verdict"].startswith("452 4.3.1") and "min-free" in told["cause"],
           "explain_reports_452_on_a_full_disk")
    finally:
        daemon.stop()
        mounts.unmount(daemon.spool)
    fstab = daemon.scratch.file("fstab", f"# one\n/dev/sdz1 {daemon.spool} ext4 defaults 0 2\n")
    subprocess.run(["mount", "--bind", fstab, "/etc/fstab"], check=True)
    found(daemon, "a_spool_that_is_not_mounted", f"nothing is mounted at {daemon.spool}",
          f"mount {daemon.spool}")
    mounts.unmount("/etc/fstab")

# --- Mounted so that a sync does not reach the disk.
config = Configuration()
mounts.image(config.spool, config.scratch.file("disk.img"), 16, ["mkfs.ext4", "-q"])
try:
    os.chown(config.spool, *config.owner)
    ok("mounted with" not in ctl(config, "doctor").stdout, "a_mount_with_barriers_is_in_order")
    subprocess.run(["mount", "-o", "remount,nobarrier", config.spool], check=True)
    ok("mounted with nobarrier" in ctl(config, "doctor").stdout,
       "doctor_warns_of_a_mount_without_barriers")
finally:
    mounts.unmount(config.spool)
done()
