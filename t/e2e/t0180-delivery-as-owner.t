#!/usr/bin/env python3
"""Mailboxes that belong to their users: the delivery process becomes the user for one delivery."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import mounts
import shim
from control import ctl, until
from handoffd import Configuration, Handoffd, free_port, program
from lmtp import Lmtp, deliver, stuffed
from lookups import rcpt
from owners import Owner, Owners
from tap import done, is_, ok, skip, skip_all

MESSAGE = b"Subject: x\r\n\r\nx\r\n"

if os.geteuid() != 0:
    skip_all("only root can become others")
private = mounts.private()


def code(daemon, address, message=MESSAGE):
    """Returns the last reply for this recipient."""
    result = deliver(daemon.unix, "a@example.org", [address], message)
    return (result.final or result.rcpt)[address].code


def rights(*owners):
    """Returns the distinct owners and modes of the files and folders of the mailboxes."""
    return {(os.lstat(path).st_uid, os.lstat(path).st_gid, oct(os.lstat(path).st_mode))
            for owner in owners for folder, _, names in os.walk(owner.maildir)
            for path in [folder, *(os.path.join(folder, name) for name in names)]}


owners = Owners()
pat, kim = owners.add("pat", 61001), owners.add("kim", 61002)
owners.add("j..d", 61004)
many = owners.add("many", 61005, fields="quota=1M,1")
for number in range(40):
    folder = many.make(f"Maildir/.f{number}/cur")
with open(os.path.join(folder, "1"), "wb") as file:
    file.write(MESSAGE)
small = owners.add("small", 61003, fields="quota=1M,1")
with owners.handoffd({"recipients.create-folders": "yes"}) as daemon:
    result = deliver(daemon.unix, "a@example.org", [pat.address, kim.address], MESSAGE)
    is_([reply.code for reply in result.final.values()], [250, 250], "each_user_gets_the_message")
    for owner in (pat, kim):
        is_(rights(owner), {(owner.uid, owner.uid, "0o40700"), (owner.uid, owner.uid, "0o100600")},
            f"only_{owner.name}_has_access_to_{owner.name}s_mailbox")
        ok(owner.messages()[0].endswith(b"\nSubject: x\n\nx\n"), f"the_message_for_{owner.name}_is_complete")
    is_(maildir.leftovers(pat.maildir), [], "nothing_is_left_in_tmp")
    deliver(daemon.unix, "", [pat.address, f"pat+lists.c@{pat.address.split('@')[1]}"], MESSAGE)
    is_([len(maildir.files(os.path.join(pat.maildir, folder))) for folder in ("", ".lists.c")],
        [2, 1], "a_folder_is_found_or_created_as_the_user")
    is_({line[0] for line in rights(pat)}, {pat.uid}, "the_folder_belongs_to_the_user")
    code(daemon, kim.address)
    ok(b"\nDelivered-To: kim@example.org\n" in kim.messages()[-1], "each_copy_has_its_own_delivered_to_line")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", f"MAIL FROM:<> SIZE={2 << 20}")
        is_(str(client.command(f"RCPT TO:<{small.address}>"))[:9], "452 4.2.2",
            "a_declared_size_beyond_the_quota_is_refused_at_RCPT")
        client.session("RSET", "MAIL FROM:<>")
        is_(client.command(f"RCPT TO:<{small.address}>").code, 250, "a_message_of_unknown_size_is_accepted_at_RCPT")
    is_(code(daemon, small.address), 250, "a_message_that_fits_is_accepted")
    until(lambda: rcpt(daemon, small.address) == 452, "its message is counted")
    full = deliver(daemon.unix, "", [small.address, pat.address], MESSAGE)
    is_([full.rcpt[small.address].code, full.final[pat.address].code], [452, 250],
        "the_quota_from_the_lookup_applies_at_RCPT_and_only_to_that_recipient")
    is_(os.stat(os.path.join(small.maildir, "maildirsize")).st_uid, small.uid,
        "the_quota_is_kept_in_a_file_of_the_user")
    ok(until(lambda: rcpt(daemon, many.address) == 452, "it is full"),
       "a_mailbox_with_many_folders_is_counted_and_full")
    is_(code(daemon, '"j..d"@example.org'), 250, "a_local_part_that_needs_quotes_is_delivered_to")
    explained = json.loads(ctl(daemon, "explain", "--json", "pat+lists.c@example.org").stdout)
    mailbox = explained["mailbox"]
    is_([mailbox[key] for key in ("path", "there", "folder", "uid", "filesystem", "error")],
        [pat.maildir, True, "lists.c", pat.uid, pat.maildir, None],
        "explain_inspects_the_mailbox_as_its_owner")
    ok(mailbox["free"] > 0 and explained["code"] == 250, "explain_shows_the_free_space")
    explained = json.loads(ctl(daemon, "explain", "--json", small.address).stdout)
    is_((explained["mailbox"]["used_messages"], explained["verdict"][:9]), (1, "452 4.2.2"),
        "explain_reports_a_full_mailbox_as_rcpt_does")

    # No duplicate: the replies are not read, and the message is sent again.
    before = len(kim.messages())
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", "MAIL FROM:<>", f"RCPT TO:<{kim.address}>", "DATA")
        client.send(stuffed(b"Subject: once\r\n\r\nonce\r\n"))
        daemon.wait_for(r"delivered .*to=<kim@example.org>.* code=250 .*")
        until(lambda: len(kim.messages()) == before + 1, "the message is delivered")
    daemon.wait_for(r"replies unread")
    is_(code(daemon, kim.address, b"Subject: once\r\n\r\nonce\r\n"), 250, "the_retry_of_a_delivered_message_gets_250")
    ok(daemon.wait_for(r"delivered .*status=already-delivered"), "the_retry_is_recognised")
    is_(len(kim.messages()), before + 1, "the_retry_is_not_delivered_again")

# A delivery is killed after its link. Nothing has recorded the link, so the retry must look into
# the mailbox.
if not shim.missing():
    fifo = os.path.join(owners.scratch.path, "fifo")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o666)
    before = len(pat.messages())
    shimmed = shim.preload("t/e2e/fsync_shim.c", owners.scratch, SHIM_HOLD="/pat/Maildir/new",
                           SHIM_FIFO=fifo)
    with owners.handoffd({"delivery.timeout": "8s"}, environment=shimmed) as daemon:
        is_(code(daemon, pat.address, b"Subject: late\r\n\r\nlate\r\n"), 451,
            "a_delivery_that_takes_too_long_is_aborted")
        is_(len(pat.messages()), before + 1, "the_aborted_delivery_had_already_created_its_file")
    with owners.handoffd() as daemon:
        is_(code(daemon, pat.address, b"Subject: late\r\n\r\nlate\r\n"), 250,
            "the_retry_gets_250")
        is_(len(pat.messages()), before + 1, "the_retry_finds_the_first_copy")
else:
    skip("no compiler for the shim")

# Mailboxes below the spool, which their owners may traverse but not list, are also created and
# counted.
table = owners.scratch.file("shared", "lou@good.test uid=61401 gid=61401 quota=1M,3\n")
with Handoffd({"recipients.lookup": f"file:{table}"}, start=False) as daemon:
    lou = daemon.mailbox_path("lou@good.test")
    os.makedirs(os.path.join(lou, "cur"))
    for path in (daemon.spool, os.path.dirname(lou)):
        os.chmod(path, 0o711)
    for path in (lou, os.path.join(lou, "cur")):
        os.chown(path, 61401, 61401)
        os.chmod(path, 0o700)
    for number in range(2):
        with open(os.path.join(lou, "cur", f"{number}"), "wb") as file:
            file.write(b"x" * 10)
    daemon.start()
    is_(code(daemon, "lou@good.test"), 250, "a_mailbox_below_the_spool_is_created_as_its_user")
    ok(until(lambda: rcpt(daemon, "lou@good.test") == 452, "it is full"), "a_mailbox_below_the_spool_is_counted")
    is_(len(maildir.files(lou)), 3, "the_mailbox_has_the_accepted_messages")

# If such a mailbox is missing, root creates its directory and changes the owner.
def owner_and_mode(path):
    status = os.stat(path)
    return status.st_uid, oct(status.st_mode & 0o7777)


maker = owners.scratch.file("maker", '#!/bin/sh\nmkdir -p "$1/cur" && id -u >"$1/made"\n')
os.chmod(maker, 0o755)
names = ("max", "mel", "mia", "sam")
table = owners.scratch.file("to-be-made", "".join(
    f"{name}@good.test uid={uid} gid={uid}\n" for uid, name in enumerate(names, 61411))
    + "leo@shut.test\nmax@shut.test uid=61411 gid=61411\n")
settings = {"recipients.lookup": f"file:{table}", "spool.layout": "%d/%1n/%n"}
with Handoffd(settings, start=False) as daemon:
    os.chmod(daemon.spool, 0o711)
    daemon.start()
    is_(code(daemon, "max@good.test"), 250, "a_missing_mailbox_is_created_below_the_spool")
    user = os.stat(daemon.spool).st_uid
    made = [os.path.join(daemon.spool, path)
            for path in ("good.test", "good.test/m", "good.test/m/max", "good.test/m/max/new")]
    is_([owner_and_mode(path) for path in made],
        [(user, "0o711"), (user, "0o711"), (61411, "0o700"), (61411, "0o700")],
        "the_new_mailbox_is_its_users_and_the_directories_above_can_be_traversed")
    mel, mia = (os.path.join(made[1], name) for name in ("mel", "mia"))
    os.makedirs(os.path.join(mel, "of-roots"))
    os.mkdir(mia, 0o700)
    is_(code(daemon, "mel@good.test"), 451, "an_existing_directory_of_root_is_not_given_away")
    is_(os.stat(mel).st_uid, 0, "the_directory_still_belongs_to_root")
    is_((code(daemon, "mia@good.test"), os.stat(mia).st_uid), (451, 0),
        "a_possible_mount_point_is_not_given_away")
    # The domain of a mailbox that belongs to the worker's user.
    is_(code(daemon, "leo@shut.test"), 250, "a_mailbox_of_the_workers_user_is_created")
    is_((code(daemon, "max@shut.test"), owner_and_mode(os.path.join(daemon.spool, "shut.test"))),
        (250, (user, "0o711")), "a_users_mailbox_is_created_in_a_directory_that_a_worker_created")
    # Nothing is created in a directory of another user.
    shutil.rmtree(mia)
    os.chown(made[1], 61499, 61499)
    is_(code(daemon, "mia@good.test"), 451, "no_mailbox_is_created_in_another_users_directory")
    ok(not os.path.exists(mia), "nothing_is_left_in_another_users_directory")
    os.chown(made[1], user, user)
    mailbox = json.loads(ctl(daemon, "explain", "--json", "max@good.test").stdout)["mailbox"]
    is_((mailbox["path"], mailbox["there"], mailbox["error"]), (made[2], True, None),
        "explain_finds_such_a_mailbox_as_its_user")
    daemon.write({"spool.create-command": maker})
    ctl(daemon, "reload")
    is_(code(daemon, "sam@good.test"), 250, "a_program_of_the_site_creates_the_mailbox")
    with open(os.path.join(daemon.spool, "good.test", "s", "sam", "made"), encoding="ascii") as file:
        is_(file.read(), "61414\n", "the_program_runs_as_the_user")
new = owners.add("new", 61006)
with owners.handoffd({"spool.create-command": maker}) as daemon:
    is_(code(daemon, new.address), 250, "a_program_of_the_site_creates_a_mailbox_in_a_home")
    with open(os.path.join(new.maildir, "made"), encoding="ascii") as file:
        is_(file.read(), "61006\n", "the_program_runs_as_the_user_of_the_home")

# One session on standard input.
session = (f"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<{kim.address}>\r\nDATA\r\n"
           "Subject: stdin\r\n\r\nx\r\n.\r\nQUIT\r\n")
configuration = Configuration({"recipients.lookup": f"file:{owners.table}",
                               "spool.layout": "%h/Maildir"}, scratch=owners.scratch)
said = subprocess.run([program("HANDOFFD"), "--stdin", "-c", configuration.path], input=session,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                      check=False)
is_((said.returncode, any(b"Subject: stdin" in each for each in kim.messages())), (0, True),
    "a_session_on_standard_input_delivers_as_the_user")

# Without root such mail is deferred, as --check says. Uses a copy, because the user `nobody` may be
# unable to enter the build tree.
configuration.write({"user": None, "group": None, "listen": f"tcp:127.0.0.1:{free_port()}"})
copy = shutil.copy(program("HANDOFFD"), os.path.dirname(configuration.path))
checked = subprocess.run([copy, "--check", "-c", configuration.path], user="nobody",
                         stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, check=False,
                         cwd="/")
ok(checked.returncode == 0 and "are deferred with 451" in checked.stderr,
   "check_says_that_only_root_can_deliver_as_users")
session = f"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<{kim.address}>\r\nQUIT\r\n"
said = subprocess.run([copy, "--stdin", "-c", configuration.path], input=session,
                      user="nobody", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                      timeout=60, check=False, cwd="/")
ok("\n451 4.3.0" in said.stdout.replace("\r", "") and
   "only a handoffd that root has started" in said.stderr,
   "a_failure_to_become_the_user_defers_with_a_reason")
configuration.write({"recipients.lookup": "mailbox"})
refused = subprocess.run([program("HANDOFFD"), "--check", "-c", configuration.path], check=False,
                         stderr=subprocess.PIPE, text=True)
ok(refused.returncode == 78 and "recipients.lookup = mailbox knows none" in refused.stderr,
   "a_layout_in_homes_requires_a_lookup_that_knows_homes")

# System accounts, in a mount namespace with two additional ones.
if private:
    people = [Owner(name, uid, os.path.join(owners.homes, name)) for name, uid in
              (("handoffpat", 61101), ("handoffkim", 61102))]
    with open("/etc/passwd", encoding="utf-8") as file:
        users = file.read()
    for person in people:
        users += f"{person.name}:x:{person.uid}:{person.uid}::{person.home}:/bin/sh\n"
    jailed = Owner("handoffjail", 61103, os.path.join(owners.homes, "handoffjail"))
    users += f"{jailed.name}:x:61103:61103::{owners.homes}//.//{jailed.name}/:/bin/sh\n"
    users += f"handoffdots:x:61104:61104::{owners.homes}/../home/pat:/bin/sh\n"
    users += "handoffslash:x:61105:61105::/:/bin/sh\n"
    users += f"handoffsys:x:998:998::{owners.homes}/pat:/bin/sh\n"
    subprocess.run(["mount", "--bind", owners.scratch.file("passwd", users), "/etc/passwd"],
                   check=True)
    with owners.handoffd({"recipients.lookup": "passwd"}) as daemon:
        result = deliver(daemon.unix, "", [person.address for person in people], MESSAGE)
        is_([reply.code for reply in result.final.values()], [250, 250],
            "system_accounts_get_their_mail_at_home")
        is_({line[:2] for line in rights(*people)}, {(61101, 61101), (61102, 61102)},
            "the_files_at_home_belong_to_their_users")
        is_(rcpt(daemon, "handoffsys@example.org", "root@example.org", "nobodys@example.org"),
            [451, 550, 550], "an_account_with_a_low_id_is_deferred_and_root_is_unknown")
        is_((code(daemon, jailed.address), len(jailed.messages())), (250, 1),
            "a_home_with_a_dot_component_as_for_jails_is_found")
        is_(rcpt(daemon, "handoffdots@example.org", "handoffslash@example.org"), [451, 451],
            "a_user_without_a_usable_home_is_deferred_and_not_unknown_R1")
else:
    skip("no mount namespace here")
done()
