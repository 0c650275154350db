"""Recipients whose scripts store several copies, set flags, redirect and reply, and the results
that a 250 promises for a message.

    plans.write_scripts(daemon)                   # the mailboxes exist
    plans.text('name', 4000)                      # a message that vacation answers
    outcome = plans.look(daemon, mail)            # mail: fake_sendmail.Sendmail
    outcome.missing(acknowledged)                 # [(name, recipient)]
    outcome.twice                                 # copies that exist more than once
    outcome.damaged                               # truncated files
    outcome.sent                                  # {(name, recipient, kind): times}
"""
import collections
import os
import re

import maildir

DOMAIN = "example.org"
SENDER = "a@example.net"

_COPIES = ('fileinto :copy :create :flags "\\\\Seen" "A"; '
           'fileinto :create :flags ["\\\\Flagged", "$Label1"] "B";')
# A sender gets one reply for each handle, and here one for each message.
_VACATION = 'if header :matches "subject" "*" { vacation :handle "${1}" "I am away."; }'

# For each recipient: its script, the folders with a copy, and what is sent.
PLANS = {
    "copies": (_COPIES, ["A", "B"], []),
    "redirect": ('redirect "fwd-redirect@example.com";', [], ["redirect"]),
    "both": ('redirect :copy "fwd-both@example.com";', [""], ["redirect"]),
    "away": (_VACATION, [""], ["reply"]),
    "all": (f'{_VACATION} redirect :copy "fwd-all@example.com"; {_COPIES}', ["A", "B"],
            ["redirect", "reply"]),
    "plain": (None, [""], []),
}
USERS = [f"{name}@{DOMAIN}" for name in PLANS]
_REQUIRE = 'require ["copy", "fileinto", "imap4flags", "mailbox", "vacation", "variables"];\n'
_FLAGS = {"A": ":2,S", "B": ":2,Fa"}


def write_scripts(daemon):
    for user in USERS:
        script = PLANS[user.partition("@")[0]][0]
        if script is None:
            continue
        path = os.path.join(daemon.mailbox_path(user), ".dovecot.sieve")
        with open(path, "w", encoding="ascii") as file:
            file.write(_REQUIRE + script + "\n")
        os.chmod(path, 0o644)


def text(name, size):
    """Returns a message that contains its name and shows whether it is complete. Each message has a
    subject of its own, and therefore gets a reply."""
    filler = (name + "\r\n") * (size // (len(name) + 2))
    return (f"Subject: {name}\r\nX-Name: {name}\r\nFrom: <{SENDER}>\r\nTo: {', '.join(USERS)}\r\n"
            f"Message-ID: <{name}@example.net>\r\n\r\n{filler}end of {name}\r\n").encode()


class Outcome:
    def __init__(self):
        self.copies = collections.Counter()  # (name, recipient, folder)
        self.sent = collections.Counter()    # (name, recipient, "redirect" or "reply")
        self.damaged = []

    @property
    def twice(self):
        return [each for each, count in self.copies.items() if count > 1]

    def sent_twice(self, kind):
        return [each for each, count in self.sent.items() if count > 1 and each[2] == kind]

    def missing(self, acknowledged, kinds=("redirect",)):
        """Returns what is missing although a 250 promised it. A reply is sent at most once, so
        after a crash `kinds` does not contain it."""
        out = []
        for name, recipient in acknowledged:
            _, folders, sends = PLANS[recipient.partition("@")[0]]
            out += [(name, recipient, folder or "inbox") for folder in folders
                    if not self.copies[name, recipient, folder]]
            out += [(name, recipient, kind) for kind in sends
                    if kind in kinds and not self.sent[name, recipient, kind]]
        return out


def look(daemon, mail):
    """Counts the copies in all folders and the messages that the program has received."""
    outcome = Outcome()
    for user in USERS:
        for folder in "", "A", "B":
            path = daemon.mailbox_path(user) + (f"/.{folder}" if folder else "")
            for file in maildir.files(path) if os.path.isdir(path) else []:
                _count(outcome, user, folder, file)
    for arguments, octets in mail.sent():
        name = re.search(r"^(?:X-Name|Subject: Auto): (\S+)$", octets, re.M)
        to = arguments[-1]
        if to == SENDER:
            user = re.search(r"^From: <(.*)>$", octets, re.M)
            outcome.sent[name[1], user[1], "reply"] += 1
        else:
            user = f"{to.partition('@')[0].removeprefix('fwd-')}@{DOMAIN}"
            outcome.sent[name[1], user, "redirect"] += 1
            if f"end of {name[1]}\n" not in octets:
                outcome.damaged.append((to, name[1]))
    return outcome


def _count(outcome, user, folder, file):
    with open(file, "rb") as opened:
        octets = opened.read()
    name = re.search(rb"^X-Name: (\S+)$", octets, re.M)
    size = re.search(r",S=(\d+)(:2,\w*)?$", file)
    if not name or int(size[1]) != len(octets) or not octets.endswith(b"end of " + name[1] + b"\n") or \
            (size[2] or "") != _FLAGS.get(folder, ""):
        outcome.damaged.append(file)
        return
    outcome.copies[name[1].decode(), user, folder] += 1
