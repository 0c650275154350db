#!/usr/bin/env python3
"""handoffctl sieve why and rehearse: why a message is where it is, and where a new script would put
the messages of a mailbox (F19)."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import program
from scratch import Scratch
from tap import done, is_, ok

MODULE = os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")
ID = "1764000000.M1P2Q3R4"
OTHER = "1764000000.M1P2Q4R4"


def sieve(*arguments, log=""):
    ran = subprocess.run([program("HANDOFFCTL"), "sieve", *arguments], input=log, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    return ran.returncode, ran.stdout


TEXT = f"""\
Nov 30 10:00:00 mx handoffd[7]: delivered id={OTHER} from=<a@x> to=<kim@x> folder=Other code=250
Nov 30 10:00:00 mx handoffd[7]: delivered id={ID} queue_id=4AB from=<a@x> to=<lee@x> message_id=<1@x> \
mailbox=x/lee code=250 reply="250 2.1.5 <lee@x> delivered"
Nov 30 10:00:00 mx handoffd[7]: delivered id={ID} queue_id=4AB from=<a@x> to=<pat@x> folder=Food \
action=fileinto script=/home/pat/.dovecot.sieve line=4 rule="Our \\"lunch\\"" code=250
Nov 30 10:00:00 mx handoffd[7]: delivered id={ID} queue_id=4AB from=<a@x> to=<sam@x> folder=Food \
action=fileinto script=/home/sam/.dovecot.sieve line=4 rule=Lists code=250
Nov 30 10:00:00 mx handoffd[7]: filtered id={ID} to=<sam@x> folder=Food action=fileinto \
script=/home/sam/.dovecot.sieve line=4 rule=Lists
Nov 30 10:00:00 mx handoffd[7]: filtered id={ID} to=<sam@x> folder=kim@y action=redirect \
script=/home/sam/.dovecot.sieve line=9
Nov 30 10:00:02 mx handoffd[8]: outgoing message deferred id={ID} kind=redirect to=<kim@y> \
cause="/usr/sbin/sendmail: exit 75" tries=1
"""
STORY = f"""\
{ID} to <lee@x>: accepted
  stored in the inbox, no script decided this
{ID} to <pat@x>: accepted
  stored in the folder "Food", by line 4 of /home/pat/.dovecot.sieve, rule "Our \\"lunch\\""
{ID} to <sam@x>: accepted
  stored in the folder "Food", by line 4 of /home/sam/.dovecot.sieve, rule "Lists"
  redirected to kim@y, by line 9 of /home/sam/.dovecot.sieve
{ID} to <kim@y>: outgoing message deferred
  /usr/sbin/sendmail: exit 75
"""
is_(sieve("why", ID, log=TEXT), (0, STORY), "why_names_script_line_and_rule_of_each_decision_F19")
for name in f"new/{ID}.mx,S=500:2,S", "4AB":
    is_(sieve("why", name, log=TEXT)[0], 0, "a_message_is_found_by_its_file_and_its_queue_id_F19")
is_(sieve("why", "1@x", log=TEXT), (0, "".join(STORY.splitlines(True)[:2])),
    "a_message_is_found_by_its_message_id_F19")
is_(sieve("why", "1764000000.M9", log=TEXT)[0], 66, "a_message_that_the_log_does_not_mention_exits_with_66")
json = f'{{"level":"info","msg":"delivered","id":"{ID}","to":"<pat@x>","folder":"F\\u00fc \\"x\\"",' \
       '"action":"fileinto","script":"s","line":3,"rule":"r","code":250}\n'
is_(sieve("why", ID, log=json),
    (0, f'{ID} to <pat@x>: accepted\n'
        '  stored in the folder "F\\xfc \\"x\\"", by line 3 of s, rule "r"\n'),
    "the_log_may_be_JSON_F19")
scratch = Scratch()
is_(sieve("why", ID, "--log", scratch.file("log", TEXT)), (0, STORY), "the_log_may_be_a_file_F19")

if not os.path.exists(MODULE):
    done()
    sys.exit(0)

box = os.path.join(scratch.path, "box")
for path in "new", "cur", "tmp", ".Old.Lists/new", ".Old.Lists/cur", ".Food/cur":
    os.makedirs(os.path.join(box, path))
for path, subject in ("new/1.a", "lunch"), ("cur/2.a:2,S", "hello"), (".Old.Lists/cur/3.a:2,", "lunch"):
    scratch.file(f"box/{path}", f"Return-Path: <kim@x>\nDelivered-To: pat@y\nSubject: {subject}\n\nx\n")
good = scratch.file("good.sieve", 'require ["fileinto", "envelope"];\n'
                    'if header :contains "subject" "lunch" { fileinto "Food"; }\n'
                    'elsif envelope "from" "kim@x" { discard; }\n')
before = sorted(os.walk(box))
is_(sieve("rehearse", good, box),
    (0, 'new/1.a: store in "Food"\ncur/2.a:2,S: discard\n.Old.Lists/cur/3.a:2,: store in "Food"\n'
        'summary:\n  1: discard\n  2: store in "Food"\n'),
    "a_rehearsal_shows_the_actions_for_each_message_F19")
is_(sorted(os.walk(box)), before, "a_rehearsal_changes_nothing_F19")
os.rmdir(os.path.join(box, ".Food/cur"))
os.rmdir(os.path.join(box, ".Food"))
ok('new/1.a: store in "Food" (the folder "Food" does not exist: stored in the inbox)\n'
   in sieve("rehearse", good, box)[1], "a_folder_that_the_mailbox_does_not_have_is_noticed_F19")
is_(sieve("rehearse", scratch.file("bad.sieve", "nonsense;\n"), box)[0], 65,
    "a_script_with_a_fault_is_not_rehearsed_F2")
is_(sieve("rehearse", good, scratch.path)[0], 66, "a_directory_that_is_not_a_Maildir_exits_with_66")
ok(sieve("rehearse", good)[0] == 64, "a_missing_mailbox_is_a_usage_error")

done()
