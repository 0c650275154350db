#!/usr/bin/env python3
"""R5, L5: for every error of every system call of a delivery, each recipient gets one correct
reply, no message is visible, no file or descriptor is left over, and the next delivery works."""
import errno
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import shim
import tap
from control import status
from handoffd import Handoffd, writes_out
from lmtp import Lmtp, stuffed
from scratch import Scratch
from tap import diag, empty, is_

PAT, KIM = USERS = [f"{name}@good.test" for name in ("pat", "kim")]
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
LARGE = b"Subject: large\r\n\r\n" + (b"y" * 78 + b"\r\n") * 40000  # large enough for writeback
                                                                   # during reception
ERRORS = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.EROFS, errno.ESTALE,
          errno.ENAMETOOLONG]
# Call, path, and the affected recipients: all, or only the second.
STAGING, NEW, TMP = ".handoff/staging", "good.test/kim/new", "good.test/kim/tmp"
CALLS = [("create", STAGING, "data"), ("write", STAGING, "all"), ("fdatasync", STAGING, "all"),
         ("close", STAGING, "all"), ("sync_file_range", STAGING, "all"),
         ("linkat", NEW, "kim"), ("fsync", NEW, "kim")]
# Separate copies, as for mailboxes on another filesystem.
COPIED = [("open", STAGING, "both"), ("create", TMP, "kim"), ("write", TMP, "kim"),
          ("fdatasync", TMP, "kim"), ("close", TMP, "kim"), ("linkat", NEW, "kim"),
          ("fsync", NEW, "kim")]
# All other errors cause 451 4.3.0.
SAID = {errno.ENOSPC: "452 4.3.1", errno.EDQUOT: "452 4.2.2"}

# Writeback during reception is a Linux extra; a build without it does not use this call.
if not writes_out():
    CALLS = [each for each in CALLS if each[0] != "sync_file_range"]

if why := shim.missing():
    tap.skip_all(why)
scratch = Scratch()
RULE = os.path.join(scratch.path, "rule")


def set_rule(text):
    with open(RULE + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(RULE + ".new", 0o644)
    os.rename(RULE + ".new", RULE)


def deliver(client, message):
    """Returns the final replies: one to DATA if that is refused, else one for each recipient."""
    client.session("RSET", "MAIL FROM:<>", *(f"RCPT TO:<{each}>" for each in USERS))
    replies = [client.command("DATA")]
    if replies[0].code == 354:
        client.send(stuffed(message))
        replies = client.replies(2)
    return [f"{each.code} {each.enhanced}" for each in replies]


def descriptors(daemon):
    [worker] = [each["pid"] for each in status(daemon)["workers"] if each["peer"]]
    return len(os.listdir(f"/proc/{worker}/fd"))


def counts(daemon):
    return [len(daemon.messages(each)) for each in USERS]


def left_behind(daemon):
    return daemon.staged() + sum((maildir.leftovers(daemon.mailbox_path(each)) for each in USERS),
                                 [])


def play(settings, calls):
    set_rule("none none 0")
    daemon = Handoffd({"workers.max": "1", "workers.min-idle": "1", "spool.sync": "plain",
                       **settings}, scratch=scratch, start=False,
                      environment=shim.preload("t/crash/call_shim.c", scratch, SHIM_RULE=RULE))
    for each in USERS:
        daemon.mailbox(each)
    daemon.start()
    wrong, tried = [], 0
    with Lmtp(daemon.unix, timeout=60) as client:
        client.command("LHLO client.test")
        deliver(client, MESSAGE)
        before, opened = counts(daemon), descriptors(daemon)
        for call, path, whom in calls:
            message = LARGE if call == "sync_file_range" else MESSAGE
            for code in ERRORS:
                what = f"{call} {path} {errno.errorcode[code]}"
                tried += 1
                said = SAID.get(code, "451 4.3.0")
                want = {"data": [said], "all": [said] * 2, "both": [said] * 2,
                        "kim": ["250 2.0.0", said]}[whom]
                set_rule(f"{call} {path} {code}")
                got = deliver(client, message)
                set_rule("none none 0")
                client.command("NOOP")
                if got != want:
                    wrong.append(f"{what}: {got}, not {want}")
                before = [n + (each == "250 2.0.0") for n, each in
                          zip(before, want if len(want) == 2 else ["", ""])]
                if counts(daemon) != before:
                    wrong.append(f"{what}: {counts(daemon)} messages, not {before}")
                    before = counts(daemon)
                if deliver(client, MESSAGE) != ["250 2.0.0"] * 2:
                    wrong.append(f"{what}: the next delivery does not work")
                before = [n + 1 for n in before]
        for call, path, _ in calls:
            if call == "write":
                tried += 1
                set_rule(f"write {path} short")
                if deliver(client, MESSAGE) != ["250 2.0.0"] * 2:
                    wrong.append(f"short writes in {path}")
                set_rule("none none 0")
                before = [n + 1 for n in before]
        client.command("NOOP")
        if descriptors(daemon) != opened:
            wrong.append(f"{opened} descriptors have become {descriptors(daemon)}")
        client.command("QUIT")
    whole = sorted({maildir.without_trace(each, b"Subject:") for user in USERS
                    for each in daemon.messages(user)})
    if whole != [MESSAGE.replace(b"\r\n", b"\n")] and whole != sorted(
            [MESSAGE.replace(b"\r\n", b"\n"), LARGE.replace(b"\r\n", b"\n")]):
        wrong.append("not every message is whole")
    wrong += [f"left behind: {each}" for each in left_behind(daemon)]
    if counts(daemon) != before:
        wrong.append(f"in the end {counts(daemon)} messages, not {before}")
    code = daemon.stop()
    shutil.rmtree(daemon.spool)
    os.mkdir(daemon.spool)
    if daemon.owner:
        os.chown(daemon.spool, *daemon.owner)
    return tried, wrong, code


for name, settings, calls in (("links", {}, CALLS),
                              ("copies", {"spool.delivered-to": "always"}, COPIED)):
    tried, wrong, code = play(settings, calls)
    diag(f"{name}: {tried} failures")
    empty(wrong, f"a_failed_call_has_the_right_reply_and_leaves_no_file_{name}_R5_L5")
    is_(code, 0, f"the_server_exits_with_0_{name}")
tap.done()
