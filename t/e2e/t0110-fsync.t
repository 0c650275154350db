#!/usr/bin/env python3
"""A slow or broken disk: known replies are sent first (L10), and no message is acknowledged whose
fsync failed (L5, R5)."""
import os
import select
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import shim
import tap
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from scratch import Scratch
from tap import done, is_, ok

PAT, KIM, SAM = USERS = [f"{name}@good.test" for name in ("pat", "kim", "sam")]
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"

if why := shim.missing():
    tap.skip_all(why)
scratch = Scratch()


def shimmed(**variables):
    """Returns a daemon whose workers use the shim."""
    return Handoffd(scratch=scratch,
                    environment=shim.preload("t/e2e/fsync_shim.c", scratch, **variables))


def begun(daemon):
    """Returns a client that has sent a complete message to the three recipients."""
    client = Lmtp(daemon.unix, timeout=20)
    client.session("LHLO client.test", "MAIL FROM:<>", *(f"RCPT TO:<{each}>" for each in USERS),
                   "DATA")
    client.send(stuffed(MESSAGE))
    return client


def visible(daemon):
    return ([len(daemon.messages(each)) for each in USERS],
            sum((maildir.leftovers(daemon.mailbox_path(each)) for each in USERS), []),
            daemon.staged())


fifo = os.path.join(scratch.path, "fifo")
os.mkfifo(fifo)
os.chmod(fifo, 0o666)
daemon = shimmed(SHIM_HOLD="good.test/kim/new", SHIM_FIFO=fifo)
for user in USERS:
    daemon.mailbox(user)
with begun(daemon) as client:
    is_(str(client.reply()), "250 2.0.0 <pat@good.test> delivered",
        "a_reply_leaves_before_the_next_recipient_is_done_L10")
    is_(len(daemon.messages(PAT)), 1, "the_recipients_with_early_replies_have_the_message_L5")
    # Opening the fifo for writing succeeds exactly when the worker waits for it.
    release = os.open(fifo, os.O_WRONLY)
    ok(not select.select([client.socket], [], [], 0)[0],
       "there_is_no_reply_for_a_recipient_whose_fsync_has_not_returned_L5")
    os.write(release, b"x")
    os.close(release)
    is_([reply.code for reply in client.replies(2)], [250, 250], "the_other_replies_follow_L10")
is_(daemon.stop(), 0, "the_server_exits_with_0")
shutil.rmtree(daemon.spool)

daemon = shimmed(SHIM_FAIL="good.test/kim/new")
for user in USERS:
    daemon.mailbox(user)
with begun(daemon) as client:
    is_([f"{each.code} {each.enhanced}" for each in client.replies(3)],
        ["250 2.0.0", "451 4.3.0", "250 2.0.0"], "if_fsync_of_new_fails_its_mailbox_gets_451_R5")
is_(daemon.stop(), 0, "the_server_exits_with_0_after_a_failed_fsync_of_new")
is_(visible(daemon), ([1, 0, 1], [], []), "after_a_failed_fsync_of_new_no_file_is_visible_R5")
shutil.rmtree(daemon.spool)

daemon = shimmed(SHIM_FAIL=".handoff/staging/")
for user in USERS:
    daemon.mailbox(user)
with begun(daemon) as client:
    is_([f"{each.code} {each.enhanced}" for each in client.replies(3)], ["451 4.3.0"] * 3,
        "if_fsync_of_the_message_fails_all_get_451_R5")
    is_(client.command("NOOP").code, 250, "the_session_continues_after_a_failed_fsync")
is_(visible(daemon), ([0, 0, 0], [], []), "after_a_failed_fsync_of_the_message_no_file_is_kept_R5")
is_(daemon.stop(), 0, "the_server_exits_with_0_after_a_failed_fsync_of_the_message")

done()
