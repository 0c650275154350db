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
from handoffd import Configuration, Handoffd, program
from lmtp import Lmtp, deliver, stuffed
from lookups import rcpt
from owners import Owner, Owners
from tap import done, is_, ok, skip, skip_all

MESSAGE = b"Subject: x\r\n\r\nx\r\n"

if os.geteuid() != 0:
    skip_all("only root can become others")
private = mounts.private()


def code(daemon, address, message=MESSAGE):
    """The last reply that this one recipient gets."""
    result = deliver(daemon.unix, "a@example.org", [address], message)
    return (result.final or result.rcpt)[address].code


def rights(*owners):
    """Whose the files and folders of the mailboxes are, and with which mode: one of each kind."""
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
            f"all_of_{owner.name}s_mailbox_is_the_users_alone")
        ok(owner.messages()[0].endswith(b"\nSubject: x\n\nx\n"), "it_is_whole")
    is_(maildir.leftovers(pat.maildir), [], "nothing_is_left_in_tmp")
    deliver(daemon.unix, "", [pat.address, f"pat+lists.c@{pat.address.split('@')[1]}"], MESSAGE)
    is_([len(maildir.files(os.path.join(pat.maildir, folder))) for folder in ("", ".lists.c")],
        [2, 1], "a_folder_is_looked_for_and_made_as_the_user")
    is_({line[0] for line in rights(pat)}, {pat.uid}, "and_is_the_users")
    code(daemon, kim.address)
    ok(b"\nDelivered-To: kim@example.org\n" in kim.messages()[-1], "a_line_of_its_own_is_written")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", f"MAIL FROM:<> SIZE={2 << 20}")
        is_(str(client.command(f"RCPT TO:<{small.address}>"))[:9], "452 4.2.2",
            "a_message_that_says_that_it_is_too_large_is_refused_with_RCPT")
        client.session("RSET", "MAIL FROM:<>")
        is_(client.command(f"RCPT TO:<{small.address}>").code, 250, "and_another_is_not")
    is_(code(daemon, small.address), 250, "what_has_room_is_taken")
    until(lambda: rcpt(daemon, small.address) == 452, "its message is counted")
    full = deliver(daemon.unix, "", [small.address, pat.address], MESSAGE)
    is_([full.rcpt[small.address].code, full.final[pat.address].code], [452, 250],
        "the_quota_that_the_lookup_says_holds_with_RCPT_and_for_nobody_else")
    is_(os.stat(os.path.join(small.maildir, "maildirsize")).st_uid, small.uid,
        "and_is_kept_in_a_file_of_the_users")
    ok(until(lambda: rcpt(daemon, many.address) == 452, "it is full"),
       "however_many_folders_the_mailbox_has")
    is_(code(daemon, '"j..d"@example.org'), 250, "a_name_that_needs_quotes_is_known_to_both_ends")
    explained = json.loads(ctl(daemon, "explain", "--json", "pat+lists.c@example.org").stdout)
    mailbox = explained["mailbox"]
    is_([mailbox[key] for key in ("path", "there", "folder", "uid", "filesystem", "error")],
        [pat.maildir, True, "lists.c", pat.uid, pat.maildir, None],
        "explain_looks_into_it_as_its_owner")
    ok(mailbox["free"] > 0 and explained["code"] == 250, "and_tells_the_room")
    explained = json.loads(ctl(daemon, "explain", "--json", small.address).stdout)
    is_((explained["mailbox"]["used_messages"], explained["verdict"][:9]), (1, "452 4.2.2"),
        "and_a_full_mailbox_as_rcpt_does")

    # Never twice: the replies are not read, and the message comes again.
    before = len(kim.messages())
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", "MAIL FROM:<>", f"RCPT TO:<{kim.address}>", "DATA")
        client.send(stuffed(b"Subject: once\r\n\r\nonce\r\n"))
        daemon.wait_for(r"delivered .*to=<kim@example.org>.* code=250 .*")
        until(lambda: len(kim.messages()) == before + 1, "the message is delivered")
    daemon.wait_for(r"replies unread")
    is_(code(daemon, kim.address, b"Subject: once\r\n\r\nonce\r\n"), 250, "a_retry_is_told_yes")
    ok(daemon.wait_for(r"delivered .*status=already-delivered"), "it_is_recognised")
    is_(len(kim.messages()), before + 1, "and_not_delivered_again")

# A delivery that is killed behind its link: nobody knows, so the retry looks.
if not shim.missing():
    fifo = os.path.join(owners.scratch.path, "fifo")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o666)
    before = len(pat.messages())
    shimmed = shim.preload("t/e2e/fsync_shim.c", owners.scratch, SHIM_HOLD="/pat/Maildir/new",
                           SHIM_FIFO=fifo)
    with owners.handoffd({"delivery.timeout": "8s"}, environment=shimmed) as daemon:
        is_(code(daemon, pat.address, b"Subject: late\r\n\r\nlate\r\n"), 451,
            "a_delivery_that_takes_too_long_is_given_up")
        is_(len(pat.messages()), before + 1, "though_its_file_is_there_already")
    with owners.handoffd() as daemon:
        is_(code(daemon, pat.address, b"Subject: late\r\n\r\nlate\r\n"), 250,
            "the_retry_is_told_that_it_is_there")
        is_(len(pat.messages()), before + 1, "and_finds_it")
else:
    skip("no compiler for the shim")

# Below the spool, which they may go through and not list: all is counted and made there too.
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
    is_(code(daemon, "lou@good.test"), 250, "a_mailbox_below_the_spool_is_made_as_its_user")
    ok(until(lambda: rcpt(daemon, "lou@good.test") == 452, "it is full"), "and_counted")
    is_(len(maildir.files(lou)), 3, "and_has_what_was_taken")

# Where it is not there, root makes its directory and gives it away.
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
    is_(code(daemon, "max@good.test"), 250, "a_mailbox_that_is_not_there_is_made_below_the_spool")
    user = os.stat(daemon.spool).st_uid
    made = [os.path.join(daemon.spool, path)
            for path in ("good.test", "good.test/m", "good.test/m/max", "good.test/m/max/new")]
    is_([owner_and_mode(path) for path in made],
        [(user, "0o711"), (user, "0o711"), (61411, "0o700"), (61411, "0o700")],
        "it_is_the_users_and_what_lies_above_it_can_be_passed_through")
    mel, mia = (os.path.join(made[1], name) for name in ("mel", "mia"))
    os.makedirs(os.path.join(mel, "of-roots"))
    os.mkdir(mia, 0o700)
    is_(code(daemon, "mel@good.test"), 451, "what_root_has_made_for_something_is_not_given_away")
    is_(os.stat(mel).st_uid, 0, "but_stays_roots")
    is_((code(daemon, "mia@good.test"), os.stat(mia).st_uid), (451, 0),
        "nor_where_a_disk_may_be_mounted")
    # The domain of a mailbox that is the worker's own.
    is_(code(daemon, "leo@shut.test"), 250, "a_mailbox_of_the_workers_is_made")
    is_((code(daemon, "max@shut.test"), owner_and_mode(os.path.join(daemon.spool, "shut.test"))),
        (250, (user, "0o711")), "a_user_comes_through_where_a_worker_was_first")
    # In another user's, nothing is made.
    shutil.rmtree(mia)
    os.chown(made[1], 61499, 61499)
    is_(code(daemon, "mia@good.test"), 451, "in_another_users_directory_nothing_is_made")
    ok(not os.path.exists(mia), "and_nothing_is_left_there")
    os.chown(made[1], user, user)
    mailbox = json.loads(ctl(daemon, "explain", "--json", "max@good.test").stdout)["mailbox"]
    is_((mailbox["path"], mailbox["there"], mailbox["error"]), (made[2], True, None),
        "explain_finds_it_as_its_user_too")
    daemon.write({"spool.create-command": maker})
    ctl(daemon, "reload")
    is_(code(daemon, "sam@good.test"), 250, "a_program_of_the_sites_makes_it")
    with open(os.path.join(daemon.spool, "good.test", "s", "sam", "made"), encoding="ascii") as file:
        is_(file.read(), "61414\n", "as_the_user")
new = owners.add("new", 61006)
with owners.handoffd({"spool.create-command": maker}) as daemon:
    is_(code(daemon, new.address), 250, "so_it_does_in_a_home")
    with open(os.path.join(new.maildir, "made"), encoding="ascii") as file:
        is_(file.read(), "61006\n", "as_its_user")

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

# Not root: put off, as --check says before. A copy: nobody need not reach the build tree.
configuration.write({"user": None, "group": None})
copy = shutil.copy(program("HANDOFFD"), os.path.dirname(configuration.path))
checked = subprocess.run([copy, "--check", "-c", configuration.path], user="nobody",
                         stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, check=False,
                         cwd="/")
ok(checked.returncode == 0 and "are put off with 451" in checked.stderr,
   "check_says_that_root_is_missing")
session = f"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<{kim.address}>\r\nQUIT\r\n"
said = subprocess.run([copy, "--stdin", "-c", configuration.path], input=session,
                      user="nobody", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                      timeout=60, check=False, cwd="/")
ok("\n451 4.3.0" in said.stdout.replace("\r", "") and
   "only a handoffd that root has started" in said.stderr,
   "who_cannot_become_the_user_defers_and_says_why")
configuration.write({"recipients.lookup": "mailbox"})
refused = subprocess.run([program("HANDOFFD"), "--check", "-c", configuration.path], check=False,
                         stderr=subprocess.PIPE, text=True)
ok(refused.returncode == 78 and "recipients.lookup = mailbox knows none" in refused.stderr,
   "a_layout_in_homes_needs_a_lookup_that_knows_them")

# Users of the system, in a mount namespace that has two more.
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
            "users_of_the_system_get_their_mail_at_home")
        is_({line[:2] for line in rights(*people)}, {(61101, 61101), (61102, 61102)},
            "each_with_files_of_their_own")
        is_(rcpt(daemon, "handoffsys@example.org", "root@example.org", "nobodys@example.org"),
            [451, 550, 550], "a_system_user_is_put_off_and_root_is_nobody")
        is_((code(daemon, jailed.address), len(jailed.messages())), (250, 1),
            "a_home_as_jails_write_it_is_found")
        is_(rcpt(daemon, "handoffdots@example.org", "handoffslash@example.org"), [451, 451],
            "who_has_no_home_for_mail_is_put_off_and_not_nobody_R1")
else:
    skip("no mount namespace here")
done()
