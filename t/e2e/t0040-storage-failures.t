#!/usr/bin/env python3
"""A spool that is full, read-only, gone or forbidden: temporary replies, and nothing half done."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import mounts
from handoffd import Handoffd
from lmtp import Lmtp, deliver, stuffed
from tap import done, is_, ok, skip

PAT, KIM, SAM = USERS = [f"{name}@good.test" for name in ("pat", "kim", "sam")]
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 78 + b"\r\n" * 2 + (b"y" * 78 + b"\r\n") * 40000


def final(daemon, message=MESSAGE, recipients=(PAT,), meanwhile=None):
    """Delivers; does `meanwhile` between RCPT and DATA. Returns the replies that end it, as text
    without what they say in words: one to MAIL or DATA where that is refused, else one a recipient."""
    with Lmtp(daemon.unix, timeout=20) as client:
        client.command("LHLO client.test")
        mail = client.command("MAIL FROM:<>")
        if mail.code != 250:
            return [f"{mail.code} {mail.enhanced}"]
        replies = [client.command(f"RCPT TO:<{each}>") for each in recipients]
        if [each for each in replies if each.code == 250] and meanwhile:
            meanwhile()
        accepted = len([each for each in replies if each.code == 250])
        if accepted == len(replies):
            replies = [client.command("DATA")]
            if replies[0].code == 354:
                client.send(stuffed(message))
                replies = client.replies(accepted)
        assert client.command("NOOP").code == 250
        return [f"{each.code} {each.enhanced}" for each in replies]


def visible(daemon):
    """The messages in all mailboxes, and what lies in tmp and staging."""
    return ([len(daemon.messages(each)) for each in USERS],
            sum((maildir.leftovers(daemon.mailbox_path(each)) for each in USERS), []),
            daemon.staged())


with_mounts = mounts.private()

with Handoffd() as daemon:
    for user in USERS:
        daemon.mailbox(user)
    is_(final(daemon), ["250 2.0.0"], "the_spool_works")

    # --- Lookups that cannot tell.
    domain = os.path.join(daemon.spool, "good.test")
    for path, what in ((domain, "domain"), (daemon.spool, "spool")):
        mode = os.stat(path).st_mode & 0o7777
        os.chmod(path, 0)
        is_(final(daemon), ["451 4.3.0"], f"an_unreadable_{what}_is_451_at_rcpt_R1")
        is_(final(daemon, recipients=["nobody@good.test"]), ["451 4.3.0"],
            f"an_unreadable_{what}_is_451_also_for_the_unknown_R1")
        os.chmod(path, mode)
    is_(final(daemon, recipients=["nobody@good.test"]), ["550 5.1.1"],
        "the_unknown_are_550_as_long_as_it_can_be_told_R1")
    os.rename(domain, domain + ".away")
    os.mkdir(os.path.join(daemon.spool, ".hidden"))
    hidden = os.path.join(daemon.spool, ".away")
    os.rename(domain + ".away", hidden)
    is_(final(daemon), ["451 4.3.0"], "an_empty_spool_defers_R1")
    os.rename(hidden, domain)

    # --- A mailbox in which something is wrong, with others that go on.
    new = os.path.join(daemon.mailbox_path(KIM), "new")
    mode = os.stat(new).st_mode & 0o7777
    before = len(daemon.log)
    os.chmod(new, 0o500)
    is_(final(daemon, recipients=USERS), ["250 2.0.0", "451 4.3.0", "250 2.0.0"],
        "one_mailbox_without_permission_is_451_and_the_others_250_L6")
    os.chmod(new, mode)
    line = daemon.wait_for(r"\bdeferred\b.*to=<kim@", before)
    is_("Permission denied" in line and "good.test/kim" in line, True,
        "the_log_says_what_was_wrong_and_where")
    is_(visible(daemon), ([2, 0, 1], [], []), "and_nothing_of_it_is_visible_R5")

    away = daemon.mailbox_path(KIM) + ".away"
    is_(final(daemon, recipients=USERS,
              meanwhile=lambda: os.rename(daemon.mailbox_path(KIM), away)),
        ["250 2.0.0", "451 4.2.0", "250 2.0.0"], "a_mailbox_gone_after_rcpt_is_451_R1")
    os.rename(away, daemon.mailbox_path(KIM))
    is_(os.path.exists(daemon.mailbox_path(KIM)), True, "and_it_is_not_made_anew")

    shutil.rmtree(new)
    with open(new, "w", encoding="ascii"):
        pass
    is_(final(daemon, recipients=[KIM]), ["451 4.2.0"], "a_file_in_the_place_of_new_is_451_R1")
    os.unlink(new)
    os.symlink("/tmp", new)
    is_(final(daemon, recipients=[KIM]), ["451 4.2.0"], "a_link_in_the_place_of_new_is_451_R2")
    os.unlink(new)
    is_(final(daemon, recipients=[KIM]), ["250 2.0.0"], "a_new_that_is_missing_is_made")
    is_(visible(daemon), ([3, 1, 2], [], []), "and_all_is_in_its_place")

    staging = os.path.join(daemon.spool, ".handoff", "staging")
    os.chmod(staging, 0o500)
    is_(final(daemon), ["451 4.3.0"], "a_staging_area_without_permission_is_451_R5")
    os.chmod(staging, 0o700)

if with_mounts:
    with Handoffd({"spool.min-free": "0", "spool.min-free-inodes": "0"}, start=False) as daemon:
        def mount(options, *more):
            subprocess.run(["mount", *more, "-t", "tmpfs", "-o", options, "none", daemon.spool],
                           check=True)

        mount("size=1m,nr_inodes=40,mode=0755")
        os.chown(daemon.spool, *daemon.owner)
        daemon.start()
        for user in USERS:
            daemon.mailbox(user)

        is_(final(daemon), ["250 2.0.0"], "a_small_spool_works")
        is_(final(daemon, LARGE, USERS), ["452 4.3.1"] * 3,
            "a_message_larger_than_the_spool_is_452_R5")
        is_(visible(daemon), ([1, 0, 0], [], []), "and_nothing_of_it_is_visible_R5")
        with Lmtp(daemon.unix) as client:
            client.command("LHLO client.test")
            reply = client.command("MAIL FROM:<> SIZE=2000000")
            is_((reply.code, reply.enhanced), (452, "4.3.1"), "declared_and_no_room_is_452_X4")
            is_(client.command("MAIL FROM:<> SIZE=2000").code, 250, "and_a_smaller_one_is_taken_X4")
            # Its room is given back before the second reply: else the next MAIL would be refused.
            client.command("RSET")
            client.command("NOOP")

        filler = os.path.join(daemon.spool, ".filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        is_(final(daemon, recipients=USERS), ["452 4.3.1"] * 3, "a_full_disk_is_452_R5")
        is_(visible(daemon), ([1, 0, 0], [], []), "and_nothing_is_visible_when_it_is_full_R5")
        os.unlink(filler)
        is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3, "with_room_again_it_works_R5")

        fillers = []
        try:
            while True:
                fillers.append(os.path.join(daemon.spool, f".filler{len(fillers)}"))
                os.mkdir(fillers[-1])
        except OSError:
            fillers.pop()
        is_(final(daemon), ["452 4.3.1"], "a_full_inode_table_is_452_R5")
        is_(visible(daemon), ([2, 1, 1], [], []), "and_nothing_is_visible_without_inodes_R5")
        for each in fillers:
            os.rmdir(each)
        is_(final(daemon), ["250 2.0.0"], "with_inodes_again_it_works_R5")

        # What workers have open for writing keeps it writable.
        is_(daemon.stop(), 0, "it_ends_well")
        mount("ro", "-o", "remount")
        ended = subprocess.run(daemon.command, check=False, timeout=20,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        is_(ended.returncode, 75, "on_a_read_only_spool_it_does_not_start_and_mail_waits_R5")
        ok(b"Read-only file system" in ended.stderr, "and_it_says_why")
        mount("rw", "-o", "remount")
        daemon.start()
        is_(final(daemon), ["250 2.0.0"], "writable_again_it_works_R5")
        is_(visible(daemon), ([4, 1, 1], [], []), "and_every_250_is_there_once_L5")

        # --- A mailbox on a filesystem of its own.
        kim = daemon.mailbox_path(KIM)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", kim],
                       check=True)
        os.chown(kim, *daemon.owner)
        is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3,
            "a_mailbox_on_another_filesystem_gets_a_copy")
        is_(final(daemon, LARGE[:300000], USERS), ["250 2.0.0", "452 4.3.1", "250 2.0.0"],
            "one_filesystem_that_is_full_is_452_for_its_mailbox_alone_R5_L6")
        is_(visible(daemon), ([6, 1, 3], [], []), "and_nothing_of_it_is_visible_there_R5")
        is_(daemon.stop(), 0, "it_ends_well_at_last")
        subprocess.run(["umount", kim], check=True)
        subprocess.run(["umount", daemon.spool], check=True)

    # --- An ext4 that has room, and no inode for it.
    with Handoffd({"spool.min-free-inodes": "0"}, start=False) as daemon:
        mounts.image(daemon.spool, daemon.scratch.file("ext4.img"), 16,
                     ["mkfs.ext4", "-q", "-N", "64"])
        try:
            os.chown(daemon.spool, *daemon.owner)
            for each in USERS:
                daemon.mailbox(each)
            daemon.start()
            is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3, "a_small_ext4_takes_it")
            fillers = []
            try:
                while True:
                    fillers.append(os.path.join(daemon.spool, f".filler{len(fillers)}"))
                    with open(fillers[-1], "wb"):
                        pass
            except OSError:
                fillers.pop()
            ok(len(fillers) > 5, "its_inodes_are_used_up")
            is_(final(daemon, recipients=USERS), ["452 4.3.1"],
                "an_ext4_without_inodes_is_452_R5")
            is_(visible(daemon), ([1, 1, 1], [], []), "and_nothing_is_visible_on_it_R5")
            os.unlink(fillers.pop())  # for the message itself; its names need none
            is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3,
                "one_inode_is_enough_for_three_R5")
            is_(visible(daemon), ([2, 2, 2], [], []), "and_every_250_on_it_is_there_once_L5")
            is_(daemon.stop(), 0, "it_ends_well_without_inodes")
        finally:
            daemon.stop()
            mounts.unmount(daemon.spool)

    # --- A disk that fails: ext4 makes its filesystem read-only.
    with Handoffd(start=False) as daemon:
        image = daemon.scratch.file("ext4.img", "")
        os.truncate(image, 16 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, daemon.spool], check=True)
        try:
            os.chown(daemon.spool, *daemon.owner)
            for each in USERS:
                daemon.mailbox(each)
            daemon.start()
            is_(final(daemon), ["250 2.0.0"], "a_sound_disk_takes_it")
            device = subprocess.run(["findmnt", "-no", "SOURCE", daemon.spool], check=True,
                                    capture_output=True, text=True).stdout.strip()
            with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w",
                      encoding="ascii") as trigger:
                trigger.write("a test")
            is_(final(daemon), ["451 4.3.0"], "a_spool_that_became_read_only_is_451_R5")
            is_(daemon.stop(), 0, "it_ends_well_without_a_disk")
        finally:
            daemon.stop()
            subprocess.run(["umount", daemon.spool], check=True)
else:
    skip("nothing can be mounted here: no disk was full")

done()
