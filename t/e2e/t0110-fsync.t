#!/usr/bin/env python3
"""A disk that is slow or broken: replies that are known leave first (L10), and nothing is
acknowledged whose fsync failed (L5, R5)."""
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
    """A daemon whose workers have the shim, with mailboxes that are no news to it."""
    return Handoffd(scratch=scratch,
                    environment=shim.preload("t/e2e/fsync_shim.c", scratch, **variables))


def begun(daemon):
    """A client that has sent all of a message for the three."""
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
    is_(len(daemon.messages(PAT)), 1, "and_what_it_says_is_true_L5")
    # The fifo can be opened for writing as soon as the worker waits for it: not before, not after.
    release = os.open(fifo, os.O_WRONLY)
    ok(not select.select([client.socket], [], [], 0)[0],
       "nothing_is_said_of_a_recipient_whose_fsync_has_not_returned_L5")
    os.write(release, b"x")
    os.close(release)
    is_([reply.code for reply in client.replies(2)], [250, 250], "and_then_come_the_others_L10")
is_(daemon.stop(), 0, "it_ends_well")
shutil.rmtree(daemon.spool)

daemon = shimmed(SHIM_FAIL="good.test/kim/new")
for user in USERS:
    daemon.mailbox(user)
with begun(daemon) as client:
    is_([f"{each.code} {each.enhanced}" for each in client.replies(3)],
        ["250 2.0.0", "451 4.3.0", "250 2.0.0"], "a_failed_fsync_of_new_is_451_for_its_mailbox_R5")
is_(daemon.stop(), 0, "it_ends_well_again")
is_(visible(daemon), ([1, 0, 1], [], []), "and_nothing_of_it_is_visible_R5")
shutil.rmtree(daemon.spool)

daemon = shimmed(SHIM_FAIL=".handoff/staging/")
for user in USERS:
    daemon.mailbox(user)
with begun(daemon) as client:
    is_([f"{each.code} {each.enhanced}" for each in client.replies(3)], ["451 4.3.0"] * 3,
        "a_failed_fsync_of_the_message_is_451_for_all_R5")
    is_(client.command("NOOP").code, 250, "and_the_session_goes_on")
is_(visible(daemon), ([0, 0, 0], [], []), "and_nothing_of_it_is_kept_R5")
is_(daemon.stop(), 0, "it_ends_well_at_last")

done()
