#!/usr/bin/env python3
"""A spool that is full, read-only, missing or inaccessible causes temporary replies and no partial
deliveries."""
import os
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import mounts
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from tap import done, is_, ok, skip

PAT, KIM, SAM = USERS = [f"{name}@good.test" for name in ("pat", "kim", "sam")]
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 78 + b"\r\n" * 2 + (b"y" * 78 + b"\r\n") * 40000


def final(daemon, message=MESSAGE, recipients=(PAT,), meanwhile=None):
    """Delivers; calls `meanwhile` between RCPT and DATA. Returns the codes of the final replies:
    one to MAIL or DATA if that is refused, else one for each recipient."""
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
    """Returns the messages in all mailboxes, and the names in tmp and staging."""
    return ([len(daemon.messages(each)) for each in USERS],
            sum((maildir.leftovers(daemon.mailbox_path(each)) for each in USERS), []),
            daemon.staged())


with_mounts = mounts.private()

with Handoffd() as daemon:
    for user in USERS:
        daemon.mailbox(user)
    is_(final(daemon), ["250 2.0.0"], "mail_is_delivered_to_a_healthy_spool")

    # --- Failing lookups.
    domain = os.path.join(daemon.spool, "good.test")
    for path, what in ((domain, "domain"), (daemon.spool, "spool")):
        mode = os.stat(path).st_mode & 0o7777
        os.chmod(path, 0)
        is_(final(daemon), ["451 4.3.0"], f"rcpt_gets_451_if_the_{what}_cannot_be_read_R1")
        is_(final(daemon, recipients=["nobody@good.test"]), ["451 4.3.0"],
            f"unknown_recipients_get_451_too_if_the_{what}_cannot_be_read_R1")
        os.chmod(path, mode)
    is_(final(daemon, recipients=["nobody@good.test"]), ["550 5.1.1"],
        "unknown_recipients_get_550_if_this_is_certain_R1")
    os.rename(domain, domain + ".away")
    os.mkdir(os.path.join(daemon.spool, ".hidden"))
    hidden = os.path.join(daemon.spool, ".away")
    os.rename(domain + ".away", hidden)
    is_(final(daemon), ["451 4.3.0"], "an_empty_spool_defers_recipients_R1")
    os.rename(hidden, domain)

    # --- One faulty mailbox among others that work.
    new = os.path.join(daemon.mailbox_path(KIM), "new")
    mode = os.stat(new).st_mode & 0o7777
    before = len(daemon.log)
    os.chmod(new, 0o500)
    is_(final(daemon, recipients=USERS), ["250 2.0.0", "451 4.3.0", "250 2.0.0"],
        "a_mailbox_without_permission_gets_451_and_the_others_250_L6")
    os.chmod(new, mode)
    line = daemon.wait_for(r"\bdeferred\b.*to=<kim@", before)
    is_("Permission denied" in line and "good.test/kim" in line, True,
        "the_log_names_the_problem_and_its_place")
    is_(visible(daemon), ([2, 0, 1], [], []), "no_part_of_the_refused_message_is_visible_R5")

    away = daemon.mailbox_path(KIM) + ".away"
    is_(final(daemon, recipients=USERS,
              meanwhile=lambda: os.rename(daemon.mailbox_path(KIM), away)),
        ["250 2.0.0", "451 4.2.0", "250 2.0.0"], "a_mailbox_removed_after_rcpt_gets_451_R1")
    os.rename(away, daemon.mailbox_path(KIM))
    is_(os.path.exists(daemon.mailbox_path(KIM)), True, "the_removed_mailbox_is_not_created_again")

    shutil.rmtree(new)
    with open(new, "w", encoding="ascii"):
        pass
    is_(final(daemon, recipients=[KIM]), ["451 4.2.0"], "a_mailbox_with_a_file_in_the_place_of_new_gets_451_R1")
    os.unlink(new)
    os.symlink("/tmp", new)
    is_(final(daemon, recipients=[KIM]), ["451 4.2.0"], "a_mailbox_with_a_link_in_the_place_of_new_gets_451_R2")
    os.unlink(new)
    is_(final(daemon, recipients=[KIM]), ["250 2.0.0"], "a_missing_new_is_created")
    is_(visible(daemon), ([3, 1, 2], [], []), "each_mailbox_has_exactly_its_messages")

    staging = os.path.join(daemon.spool, ".handoff", "staging")
    os.chmod(staging, 0o500)
    is_(final(daemon), ["451 4.3.0"], "a_message_gets_451_if_staging_cannot_be_written_R5")
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

        is_(final(daemon), ["250 2.0.0"], "mail_is_delivered_to_a_small_spool")
        is_(final(daemon, LARGE, USERS), ["452 4.3.1"] * 3,
            "a_message_larger_than_the_spool_gets_452_R5")
        is_(visible(daemon), ([1, 0, 0], [], []), "no_part_of_the_refused_message_is_visible_R5")
        with Lmtp(daemon.unix) as client:
            client.command("LHLO client.test")
            reply = client.command("MAIL FROM:<> SIZE=2000000")
            is_((reply.code, reply.enhanced), (452, "4.3.1"), "a_declared_size_without_room_gets_452_at_mail_X4")
            is_(client.command("MAIL FROM:<> SIZE=2000").code, 250, "a_declared_size_with_room_is_accepted_X4")
            # The room that MAIL reserved is released before the second reply; otherwise the next
            # MAIL would be refused.
            client.command("RSET")
            client.command("NOOP")

        filler = os.path.join(daemon.spool, ".filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        is_(final(daemon, recipients=USERS), ["452 4.3.1"] * 3, "a_message_gets_452_on_a_full_disk_R5")
        is_(visible(daemon), ([1, 0, 0], [], []), "on_a_full_disk_no_refused_message_is_visible_R5")
        os.unlink(filler)
        is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3, "with_free_space_again_mail_is_delivered_R5")

        fillers = []
        try:
            while True:
                fillers.append(os.path.join(daemon.spool, f".filler{len(fillers)}"))
                os.mkdir(fillers[-1])
        except OSError:
            fillers.pop()
        is_(final(daemon), ["452 4.3.1"], "a_message_gets_452_if_no_inode_is_free_R5")
        is_(visible(daemon), ([2, 1, 1], [], []), "without_inodes_no_refused_message_is_visible_R5")
        for each in fillers:
            os.rmdir(each)
        is_(final(daemon), ["250 2.0.0"], "with_free_inodes_again_mail_is_delivered_R5")

        # The filesystem stays writable while workers have files open for writing.
        is_(daemon.stop(), 0, "the_server_exits_with_0")
        mount("ro", "-o", "remount")
        ended = subprocess.run(daemon.command, check=False, timeout=20,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        is_(ended.returncode, 75, "on_a_read_only_spool_the_server_does_not_start_and_mail_waits_R5")
        ok(b"Read-only file system" in ended.stderr, "the_error_message_names_the_read_only_spool")
        mount("rw", "-o", "remount")
        daemon.start()
        is_(final(daemon), ["250 2.0.0"], "when_the_spool_is_writable_again_mail_is_delivered_R5")
        is_(visible(daemon), ([4, 1, 1], [], []), "every_message_answered_with_250_is_stored_once_L5")

        # --- A mailbox on another filesystem.
        kim = daemon.mailbox_path(KIM)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", kim],
                       check=True)
        os.chown(kim, *daemon.owner)
        is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3,
            "a_mailbox_on_another_filesystem_gets_a_copy")
        is_(final(daemon, LARGE[:300000], USERS), ["250 2.0.0", "452 4.3.1", "250 2.0.0"],
            "only_the_mailbox_on_the_full_filesystem_gets_452_R5_L6")
        is_(visible(daemon), ([6, 1, 3], [], []), "no_part_of_the_message_is_visible_on_the_full_filesystem_R5")
        is_(daemon.stop(), 0, "the_server_exits_with_0_after_a_full_mailbox")
        subprocess.run(["umount", kim], check=True)
        subprocess.run(["umount", daemon.spool], check=True)

    # --- An ext4 filesystem with free blocks but no free inode.
    with Handoffd({"spool.min-free-inodes": "0"}, start=False) as daemon:
        mounts.image(daemon.spool, daemon.scratch.file("ext4.img"), 16,
                     ["mkfs.ext4", "-q", "-N", "64"])
        try:
            os.chown(daemon.spool, *daemon.owner)
            for each in USERS:
                daemon.mailbox(each)
            daemon.start()
            is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3, "mail_is_delivered_to_a_small_ext4")
            fillers = []
            try:
                while True:
                    fillers.append(os.path.join(daemon.spool, f".filler{len(fillers)}"))
                    with open(fillers[-1], "wb"):
                        pass
            except OSError:
                fillers.pop()
            ok(len(fillers) > 5, "the_inodes_of_ext4_are_used_up")
            is_(final(daemon, recipients=USERS), ["452 4.3.1"],
                "a_message_gets_452_on_ext4_without_inodes_R5")
            is_(visible(daemon), ([1, 1, 1], [], []), "no_refused_message_is_visible_on_ext4_R5")
            os.unlink(fillers.pop())  # for the file of the message; its names need no inode
            is_(final(daemon, recipients=USERS), ["250 2.0.0"] * 3,
                "one_inode_is_enough_for_a_message_to_three_mailboxes_R5")
            is_(visible(daemon), ([2, 2, 2], [], []), "every_message_on_ext4_answered_with_250_is_stored_once_L5")
            is_(daemon.stop(), 0, "the_server_exits_with_0_without_inodes")
        finally:
            daemon.stop()
            mounts.unmount(daemon.spool)

    # --- A failing disk: ext4 makes its filesystem read-only.
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
            is_(final(daemon), ["250 2.0.0"], "mail_is_delivered_to_a_healthy_disk")
            device = subprocess.run(["findmnt", "-no", "SOURCE", daemon.spool], check=True,
                                    capture_output=True, text=True).stdout.strip()
            with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w",
                      encoding="ascii") as trigger:
                trigger.write("a test")
            is_(final(daemon), ["451 4.3.0"], "a_message_gets_451_if_the_spool_has_become_read_only_R5")
            is_(daemon.stop(), 0, "the_server_exits_with_0_without_a_disk")
        finally:
            daemon.stop()
            subprocess.run(["umount", daemon.spool], check=True)
else:
    skip("nothing can be mounted here: no disk was full")

# --- A limit on the size of a file (RLIMIT_FSIZE), as a service manager sets it. The first start,
# without the limit, creates the ledger, which is larger than the limit.
with Handoffd() as daemon:
    daemon.stop()
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, unlimited[1]))
    daemon.start()
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    for user in USERS:
        daemon.mailbox(user)
    is_(final(daemon, LARGE, USERS), ["452 4.3.1"] * 3, "a_message_beyond_the_limit_on_file_size_gets_452_R5")
    is_(final(daemon), ["250 2.0.0"], "the_worker_continues_after_the_limit_on_file_size_R5")
    is_(visible(daemon), ([1, 0, 0], [], []), "no_part_of_the_message_beyond_the_limit_is_left_R5")
    ok(not any("died" in line or "signal" in line for line in daemon.log), "no_worker_died_R5")

done()
