#!/usr/bin/env python3
"""While the server runs, a disk is mounted over the spool, the spool is moved (with or without
another directory in its place), or .handoff is removed. No message is acknowledged if it is stored
in a directory other than the one at spool.path, and new workers open the one at spool.path."""
import http.client
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import mounts
import tap
from control import ctl, status, until
from handoffd import Handoffd, free_port
from lmtp import Lmtp, deliver, stuffed
from tap import done, is_, ok

PAT, LEE = "pat@good.test", "lee@good.test"
REPLACED = "the directory of the mail spool was replaced, try again"
MISSING = "the directory of the mail spool is missing, try again"
REMOVED = "the folder .handoff of the mail spool was removed, try again"
IDLE = 3  # seconds after which a worker and healthz check the spool again

if not mounts.private():
    tap.skip_all("not root: nothing can be mounted")


def message(name):
    return f"Subject: {name}\r\n\r\nbody of {name}\r\n".encode()


def send(client, name, who=PAT):
    """Makes a transaction on an open connection; returns the final reply."""
    codes = [each.code for each in client.session("MAIL FROM:<a@client.test>", f"RCPT TO:<{who}>",
                                                  "DATA")]
    if codes != [250, 250, 354]:
        raise RuntimeError(f"{name}: {codes}")
    client.send(stuffed(message(name)))
    return client.reply()


def names(messages):
    return sorted(each.split(b"body of ")[1].split()[0].decode() for each in messages)


def settled(daemon, changes):
    """Waits until all workers have been replaced."""
    def is_so():
        now = status(daemon)
        newest = {now["generation"] + changes}
        return now["spool_changes"] == changes and now["pool"]["idle"] \
            and {each["generation"] for each in now["workers"]} == newest
    until(is_so, "new workers have replaced the old ones")


def deferred_then_closed(client, reply, text, how):
    is_((reply.code, reply.enhanced, reply.lines[0].partition(" ")[2]), (451, "4.3.0", text),
        f"{how}: the message is answered with 451, with the reason")
    is_(client.command("MAIL FROM:<b@client.test>").code, 421, f"{how}: then the worker ends")


# --- A disk that is mounted late. lookup = any: each recipient exists in any directory.
port = free_port()
with Handoffd({"recipients.lookup": "any", "http.listen": f"127.0.0.1:{port}",
               "spool.min-free": "0", "spool.min-free-inodes": "0"}) as daemon:
    client = Lmtp(daemon.unix)
    client.command("LHLO client.test")
    is_(send(client, "before").code, 250, "before the mount a message is delivered")
    before = len(daemon.log)
    mounts.tmpfs(daemon.spool, "size=8m,mode=0755")
    try:
        os.chown(daemon.spool, *daemon.owner)
        deferred_then_closed(client, send(client, "hidden"), REPLACED, "mounted between two messages")
        client.close()
        daemon.wait_for(r"deferred .*cause=.*another directory was mounted", before)
        daemon.wait_for(r"spool gone .*cause=.*another directory was mounted or moved here", before)
        daemon.wait_for(r"workers open the spool again .*spool=", before)
        settled(daemon, 1)
        is_(deliver(daemon.unix, "", [PAT], message("after")).final[PAT].code, 250,
            "the next connection is served, without a reload")
        is_(names(daemon.messages(PAT)), ["after"], "the next message is on the disk that was mounted")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/healthz")
        is_(connection.getresponse().status, 200, "healthz is 200 when the workers have opened the mounted disk")
        ok("1 spool changes" in " ".join(ctl(daemon, "status").stdout.split()),
           "status counts the change of the spool")
        said = ctl(daemon, "doctor").stdout
        ok("once since its start the server found another directory here" in said,
           "doctor says where messages may have been left")
        is_(ctl(daemon, "reload").stdout, "reloaded, configuration 2\n",
            "a change of the spool does not count as a reload")
        settled(daemon, 1)
    finally:
        # Workers have the disk open.
        subprocess.run(["umount", "--lazy", daemon.spool], check=True)
    is_(names(daemon.messages(PAT)), ["before"], "no message was acknowledged for the hidden directory")
    # Then the disk is unmounted. Workers that were idle notice this before they accept a
    # connection.
    start = time.monotonic()
    until(lambda: time.monotonic() - start > IDLE, "the workers were idle")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/healthz")
    is_(connection.getresponse().status, 200, "healthz waits for a worker that has opened the spool")
    settled(daemon, 2)
    is_(deliver(daemon.unix, "", [PAT], message("last")).final[PAT].code, 250,
        "after the disk was unmounted a message is delivered")
    is_(names(daemon.messages(PAT)), ["before", "last"], "the message is in the directory that is now at spool.path")

# --- The spool is moved, and another one put in its place. lookup = mailbox.
with Handoffd() as daemon:
    daemon.mailbox(PAT)
    moved = daemon.spool + ".moved"
    first, second = Lmtp(daemon.unix), Lmtp(daemon.unix)
    for each in (first, second):
        each.command("LHLO client.test")
    is_(send(first, "before").code, 250, "before the move a message is delivered")
    second.session("MAIL FROM:<a@client.test>", f"RCPT TO:<{PAT}>", "DATA")
    before = len(daemon.log)
    os.rename(daemon.spool, moved)
    os.mkdir(daemon.spool)
    os.chown(daemon.spool, *daemon.owner)
    for who in (PAT, LEE):
        daemon.mailbox(who)
    replies = first.session("MAIL FROM:<a@client.test>", f"RCPT TO:<{LEE}>")
    is_((replies[1].code, replies[1].lines[0].partition(" ")[2]), (451, REPLACED),
        "a recipient that only the new directory has is deferred")
    second.send(stuffed(message("hidden")))
    deferred_then_closed(second, second.reply(), REPLACED, "moved during the data")
    first.close()
    second.close()
    settled(daemon, 1)
    is_(deliver(daemon.unix, "", [PAT, LEE], message("after")).final[LEE].code, 250,
        "after the move the next connection is served")
    is_(names(daemon.messages(PAT)), ["after"], "after the move mail is stored in the new directory")
    is_(names(maildir.messages(os.path.join(moved, "good.test", "pat"))), ["before"],
        "no message was acknowledged for the old directory")

# --- The spool is moved, and nothing is put in its place.
with Handoffd({"session.stress-timeout": "1s"}) as daemon:
    daemon.mailbox(PAT)
    moved = daemon.spool + ".moved"
    is_(deliver(daemon.unix, "", [PAT], message("before")).final[PAT].code, 250,
        "a message is delivered while the directory is there")
    start = time.monotonic()
    until(lambda: time.monotonic() - start > IDLE, "the workers were idle")
    before = len(daemon.log)
    os.rename(daemon.spool, moved)
    clients = []
    for number in range(12):  # more than there are workers, and none can start
        clients.append(Lmtp(daemon.unix))
        is_(clients[-1].greeting.code, 220, f"missing: client {number} gets a greeting")
        clients[-1].command("LHLO client.test")
        if number < 2:
            reply = send(clients[-1], f"missing-{number}")
            is_((reply.code, reply.lines[0].partition(" ")[2]), (451, MISSING),
                f"missing: the message of client {number} gets 451 with the cause")
    for each in clients:
        each.close()
    daemon.wait_for(r"deferred .*cause=.*the directory was moved or removed while", before)
    is_(deliver(daemon.unix, "", [LEE], message("x")).rcpt[LEE].code, 451,
        "missing: an unknown recipient is not bounced")
    os.rename(moved, daemon.spool)
    is_(deliver(daemon.unix, "", [PAT], message("after")).final[PAT].code, 250,
        "a message is delivered when the directory is back, without a reload")
    is_(names(daemon.messages(PAT)), ["after", "before"], "the message is in the directory that is back")
    is_(status(daemon)["spool_changes"], 0, "the workers were not replaced")
    # The directory is missing, and then another one takes its place.
    os.rename(daemon.spool, moved)
    is_(deliver(daemon.unix, "", [PAT], message("x")).final[PAT].code, 451, "missing again: a message gets 451")
    os.mkdir(daemon.spool)
    os.chown(daemon.spool, *daemon.owner)
    daemon.mailbox(PAT)
    client = Lmtp(daemon.unix)
    client.command("LHLO client.test")
    deferred_then_closed(client, send(client, "x"), REPLACED, "another directory in its place")
    client.close()
    settled(daemon, 1)
    is_(deliver(daemon.unix, "", [PAT], message("new")).final[PAT].code, 250,
        "after the replacement the next connection is served")
    is_(names(daemon.messages(PAT)), ["new"], "mail is stored in the directory that replaced the missing one")

# --- SPOOL/.handoff is removed.
with Handoffd() as daemon:
    daemon.mailbox(PAT)
    own = os.path.join(daemon.spool, ".handoff")
    client = Lmtp(daemon.unix)
    client.command("LHLO client.test")
    is_(send(client, "before").code, 250, "before .handoff is removed a message is delivered")
    before = len(daemon.log)
    shutil.rmtree(own)
    replies = client.session("MAIL FROM:<a@client.test>", f"RCPT TO:<{PAT}>", "DATA")
    is_([each.code for each in replies], [250, 250, 451], "after .handoff was removed DATA is refused with 451")
    is_(replies[2].lines[0].partition(" ")[2], REMOVED, "the reply names .handoff as the cause")
    daemon.wait_for(r"staging failed .*cause=.*folder .handoff was re(moved|placed)", before)
    client.close()
    settled(daemon, 1)
    is_(deliver(daemon.unix, "", [PAT], message("after")).final[PAT].code, 250,
        "new workers create .handoff, without a reload")
    is_(names(daemon.messages(PAT)), ["after", "before"], "new workers deliver")
    ok(os.path.isdir(os.path.join(own, "staging")), "the staging folder exists again")

    # Removed while a message arrives.
    client = Lmtp(daemon.unix)
    client.command("LHLO client.test")
    client.session("MAIL FROM:<a@client.test>", f"RCPT TO:<{PAT}>", "DATA")
    shutil.rmtree(own)
    client.send(stuffed(message("during")))
    deferred_then_closed(client, client.reply(), REMOVED, "removed during the data")
    client.close()
    settled(daemon, 2)
    is_(deliver(daemon.unix, "", [PAT], message("during")).final[PAT].code, 250, "a message that was sent again is delivered")
    is_(names(daemon.messages(PAT)), ["after", "before", "during"], "a message that was sent again is stored once")

done()
