#!/usr/bin/env python3
"""Sendmail hands over by the mailer that README tells of: a handoffd --stdin for each delivery."""
import os
import random
import re
import socket
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "t", "lib"))
import maildir
import peer
from handoffd import Configuration, program
from tap import diag, done, empty, is_, ok

peer.enter("sendmail")

SENDMAIL = "/usr/libexec/sendmail/sendmail"
CF = "/usr/share/sendmail/cf"
SENDER = "sender@good.test"     # has a mailbox: bounces come back there
USERS = [f"user{number}@good.test" for number in range(30)]
MESSAGES = 40

SENDMAIL_MC = """
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `sendmail.test')dnl
define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_RULE_0
R$+ < @ good.test > $*\t$#handoff $@ good.test $: $1 < @ good.test >
R$+ < @ good.test . > $*\t$#handoff $@ good.test $: $1 < @ good.test >
"""


def mailer(configuration):
    """README's mailer, with this program and this configuration."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        found = re.search(r"^ *MAILER_DEFINITIONS\n *(Mhandoff,.*?\n)\n", file.read(), re.S | re.M)
    if not found:
        raise RuntimeError("README.md has no mailer for sendmail")
    lines = [line.strip() for line in found[1].splitlines()]
    text = "\n\t\t".join(lines)
    text = re.sub(r"P=[^,]*", lambda _: "P=" + program("HANDOFFD"), text)
    return text.replace("--stdin", f"-c {configuration.path} --stdin")


def install(configuration):
    with open("/etc/mail/service.switch", "w", encoding="ascii") as file:
        file.write("hosts\tfiles\naliases\tfiles\n")
    # Without a qualified name for this machine, sendmail waits a minute for one.
    name = socket.gethostname().partition(".")[0]
    with open("/etc/hosts", "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n127.0.1.1 {name}.test {name}\n")
    source = SENDMAIL_MC + "MAILER_DEFINITIONS\n" + mailer(configuration) + "\n"
    made = subprocess.run(["m4", f"-D_CF_DIR_={CF}/", f"{CF}/m4/cf.m4", "-"], input=source,
                          stdout=subprocess.PIPE, text=True, check=True)
    with open("/etc/mail/sendmail.cf", "w", encoding="ascii") as file:
        file.write(made.stdout)


def sendmail(recipients, octets):
    """Delivers as it is called, in the foreground. Returns what it says."""
    run = subprocess.run([SENDMAIL, "-Am", "-i", "-odi", "-B8BITMIME", "-f", SENDER, *recipients],
                         input=octets, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=60, check=False)
    return run.stdout.decode("utf-8", "replace")


def body(number):
    return [b"Hello, this is number %d.\n" % number, b".\n..\n.dot\nlast\n.\n", b"",
            "Grüße, 日本語\n".encode() + bytes(range(0xa0, 0x100)) + b"\n",
            b"From here\n>From there\n" * 500][number % 5]


configuration = Configuration({"log.to": "syslog"})
for user in USERS + [SENDER]:
    configuration.mailbox(user)
install(configuration)

chance = random.Random(2033)
wanted = {user: [] for user in USERS}
bounced = 0
for number in range(MESSAGES):
    good = chance.sample(USERS, chance.randint(1, 20))
    unknown = ["unknown@good.test"] if number % 4 == 0 else []
    octets = (b"X-Number: %d\nFrom: <%s>\nTo: list:;\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n"
              b"Message-ID: <%d@good.test>\n\n" % (number, SENDER.encode(), number)) + body(number)
    for line in sendmail(good + unknown, octets).splitlines():
        diag(line)
    bounced += len(unknown)
    for user in good:
        wanted[user].append(octets)

wrong = []
for user in USERS:
    got = [maildir.without_trace(octets, b"X-Number: ") for octets in configuration.messages(user)]
    if sorted(map(repr, got)) != sorted(map(repr, wanted[user])):
        wrong.append((user, len(got), len(wanted[user])))
empty(wrong, "each_mailbox_has_its_messages_once_byte_for_byte")
bounces = configuration.messages(SENDER)
is_(len(bounces), bounced, "each_message_with_an_unknown_recipient_bounced_once")
ok(all(b"550 5.1.1" in octets for octets in bounces), "each_bounce_has_the_reply_550_5.1.1")
ok(not os.path.exists(configuration.mailbox_path("unknown@good.test")),
   "no_mailbox_appeared_for_the_unknown_recipient")
queue = subprocess.run([SENDMAIL, "-Am", "-bp"], stdout=subprocess.PIPE, text=True, check=False)
ok("is empty" in queue.stdout, "the_queue_of_sendmail_is_empty") or diag(queue.stdout)
is_(configuration.staged(), [], "nothing_stays_in_staging")
done()
