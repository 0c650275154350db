#!/usr/bin/env python3
"""Whatever users do to their own homes affects only their own mail: that recipient gets a 4xx, the
other recipients get the message, and their files do not change."""
import contextlib
import json
import os
import select
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dead_fuse
import disk_quota
import mounts
from control import ctl, status, until
from lmtp import Lmtp, deliver
from owners import Owners
from tap import done, is_, ok, skip, skip_all

if os.geteuid() != 0:
    skip_all("only root can become others")
private = mounts.private()
MESSAGE = b"Subject: x\r\n\r\n" + b"x" * 40 + b"\r\n"

owners = Owners()
kim = owners.add("kim", 61001)
# The home of this victim is open to everybody, so only handoff keeps mail for others out of it.
victim = owners.add("victim", 61002)
victim.make("Maildir", 0o777)
for part in ("tmp", "new", "cur"):
    victim.make(f"Maildir/{part}", 0o777)
for path, _, _ in os.walk(victim.home):
    os.chmod(path, 0o777)
secret = os.path.join(victim.home, "secret")
with open(secret, "w", encoding="ascii") as file:
    file.write("1000S\n10 1\n")
os.chmod(secret, 0o666)


def maildir_is_a_link(owner):
    os.symlink(victim.maildir, owner.maildir)


def new_is_a_link(owner):
    owner.make("Maildir/tmp"), owner.make("Maildir/cur")
    os.symlink(victim.maildir + "/new", owner.maildir + "/new")


def tmp_is_a_link(owner):
    owner.make("Maildir/new"), owner.make("Maildir/cur")
    os.symlink(victim.maildir + "/tmp", owner.maildir + "/tmp")


def tmp_is_a_fifo(owner):
    owner.make("Maildir/new"), owner.make("Maildir/cur")
    os.mkfifo(owner.maildir + "/tmp", 0o600)
    os.chown(owner.maildir + "/tmp", owner.uid, owner.uid)


def new_is_a_file(owner):
    owner.make("Maildir/tmp"), owner.make("Maildir/cur")
    with open(owner.maildir + "/new", "w", encoding="ascii"):
        pass


def new_is_a_device(owner):
    owner.make("Maildir/tmp"), owner.make("Maildir/cur")
    os.mknod(owner.maildir + "/new", 0o20666, os.makedev(1, 3))


def home_is_closed(owner):
    os.chmod(owner.home, 0)


def new_is_closed(owner):
    for part in ("tmp", "new", "cur"):
        owner.make(f"Maildir/{part}")
    os.chmod(owner.maildir + "/new", 0)


def home_is_missing(owner):
    os.rmdir(owner.home)


def home_is_anothers(owner):
    os.chown(owner.home, kim.uid, kim.uid)


HOSTILE = {maildir_is_a_link: 451, new_is_a_link: 451, tmp_is_a_link: 451, tmp_is_a_fifo: 451,
           new_is_a_file: 451, new_is_a_device: 451, home_is_closed: 451, new_is_closed: 451,
           home_is_missing: 451, home_is_anothers: 451}
people = {attack: owners.add(attack.__name__, 61100 + number)
          for number, attack in enumerate(HOSTILE)}
for attack, owner in people.items():
    attack(owner)
linked = owners.add("linked", 61200, fields="quota=1M")
linked.make("Maildir")
os.link(secret, linked.maildir + "/maildirsize")
system = owners.add("system", 999)
group = owners.add("group", 61201)
owners.lines[-1] = owners.lines[-1].replace("gid=61201", "gid=0")
owners.scratch.file("recipients", "".join(owners.lines))
hung, full = owners.add("hung", 61300), owners.add("full", 61301)
limited = owners.add("limited", 61302, fields="quota=1G")


def tree(folder):
    """Returns everything in that directory, with attributes that reveal a change."""
    return sorted((path, name, status.st_ino, status.st_size, status.st_mtime_ns, status.st_nlink)
                  for path, folders, files in os.walk(folder) for name in folders + files
                  for status in [os.lstat(os.path.join(path, name))])


def processes_of(owner):
    """Returns pidfds of the owner's processes; each becomes readable when its process ends."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if os.stat(f"/proc/{pid}").st_uid == owner.uid:
                found.append(os.pidfd_open(int(pid)))
    return found


# For a mailbox with a quota, RCPT already looks into it.
if private and dead_fuse.can():
    with owners.handoffd({"delivery.timeout": "1m", "recipients.slow-after": "1s",
                          "recipients.slow-limit": "1"}) as daemon, \
            dead_fuse.mounted(limited.home), Lmtp(daemon.unix) as first:
        first.session("LHLO me", "MAIL FROM:<>")
        first.send(f"RCPT TO:<{limited.address}>\r\n".encode())
        until(lambda: any(worker["state"] == "commit" and worker["since"] > 1.1
                          for worker in status(daemon)["workers"]), "its RCPT hangs")
        with Lmtp(daemon.unix) as second:
            second.session("LHLO me", "MAIL FROM:<>")
            is_([str(second.command(f"RCPT TO:<{each.address}>"))[:9] for each in (limited, kim)],
                ["451 4.4.5", "250 2.1.5"],
                "a_home_that_hangs_at_RCPT_occupies_only_one_worker")
else:
    skip("no FUSE here")

with owners.handoffd({"delivery.timeout": "8s", "workers.max": 1, "workers.min-idle": 1}) as daemon:
    before = tree(victim.home)
    for attack, owner in people.items():
        result = deliver(daemon.unix, "", [owner.address, kim.address], MESSAGE)
        is_([result.final[each.address].code for each in (owner, kim)], [HOSTILE[attack], 250],
            f"{attack.__name__}_defers_that_recipient_alone")
    is_(len(kim.messages()), len(people), "other_recipients_of_these_messages_get_all_of_them")
    is_(tree(victim.home), before, "the_victims_home_is_unchanged")

    codes = deliver(daemon.unix, "", [linked.address], MESSAGE).final[linked.address].code
    with open(secret, encoding="ascii") as file:
        text = file.read()
    is_((codes, text.splitlines()[0]), (250, "1000S"),
        "a_quota_file_that_is_a_link_is_written_with_the_rights_of_the_user")
    refused = deliver(daemon.unix, "", [system.address, group.address], MESSAGE)
    is_([reply.code for reply in refused.rcpt.values()], [451, 451],
        "a_system_account_and_the_group_of_root_are_deferred_at_once")
    ok(daemon.wait_for(r"uid 999 is below delivery\.first-uid"), "the_log_says_that_the_id_is_below_first_uid")

    if private and dead_fuse.can():
        mailed = len(kim.messages())
        with dead_fuse.mounted(hung.home):
            for sentence in ("a_home_on_a_dead_disk_defers_only_its_user",
                             "the_next_delivery_does_not_wait_for_the_dead_disk"):
                result = deliver(daemon.unix, "", [hung.address, kim.address], MESSAGE)
                mailed += 1
                is_([result.final[each.address].code for each in (hung, kim)], [451, 250], sentence)
            ok(daemon.wait_for(r"delivery killed: it took too long .*uid=61300 stuck=1"),
               "a_process_that_cannot_be_killed_is_abandoned")
            ok(daemon.wait_for(r"an earlier delivery as its owner has not ended"),
               "there_is_only_one_such_process")
            explained = json.loads(ctl(daemon, "explain", "--json", hung.address).stdout)
            ok("delivery.timeout" in explained["mailbox"]["error"], "explain_does_not_wait_for_the_dead_disk")
            left_behind = processes_of(hung)
        is_(len(kim.messages()), mailed, "the_other_recipient_has_each_message_once")
        # The disk responds again, but the process hangs until it notices this.
        for process in left_behind:
            ok(select.select([process], [], [], 30)[0], "the_process_ends_when_its_disk_works_again")
            os.close(process)
        is_(deliver(daemon.unix, "", [hung.address], MESSAGE).final[hung.address].code, 250,
            "a_home_that_works_again_gets_its_mail")
    else:
        skip("no FUSE here")

    if private:
        disk_quota.mount(full.home, owners.scratch.file("disk"), full.uid, 1024)
        os.chown(full.home, full.uid, full.uid)
        full.make("Maildir")
        result = deliver(daemon.unix, "", [full.address, kim.address], MESSAGE + (b"y" * 70 + b"\r\n") * 50_000)
        is_([(reply.code, reply.enhanced) for reply in result.final.values()],
            [(452, "4.2.2"), (250, "2.0.0")], "a_full_disk_quota_defers_only_its_user")
        is_(os.listdir(full.maildir + "/tmp"), [], "a_full_disk_quota_leaves_no_file_behind")
        is_(deliver(daemon.unix, "", [full.address], MESSAGE + b"small\r\n").final[full.address].code, 250,
            "a_message_that_fits_is_delivered")
        mounts.unmount(full.home)
    else:
        skip("no mounts here")
    is_(deliver(daemon.unix, "", [kim.address], MESSAGE).final[kim.address].code, 250,
        "after_all_attacks_the_next_message_is_delivered")
done()
