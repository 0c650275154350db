"""Messages for a queue manager to deliver, and a check of the result.

    mailing = Mailing(daemon, "good.test", count=40)     # creates the mailboxes
    for each in mailing.messages:
        inject(mailing.sender, each.good + each.unknown, each.octets)
    mailing.check()      # checks that each mailbox has its messages and the bounces arrived

Each message goes to some of `users` recipients and, every few messages, to unknown ones too. The
contents include text that a program could damage. Each run has the same messages: they depend on a
fixed seed, not on the clock. """
import collections
import os
import random

import maildir
from tap import empty, is_, ok

Message = collections.namedtuple("Message", "number octets good unknown")


class Mailing:
    def __init__(self, configuration, domain, count, users=30, most=30, longest_line=990,
                 sender=None):
        """most: the maximum number of recipients of a message. sender: the address that receives
        bounces."""
        self.configuration = configuration
        self.domain = domain
        self.sender = sender or f"sender@{domain}"
        self.users = [f"user{number}@{domain}" for number in range(users)]
        self.unknown = [f"unknown{number}@{domain}" for number in range(users // 4)]
        self._chance = random.Random(2033)
        self._longest_line = longest_line
        for each in self.users + [self.sender]:
            configuration.mailbox(each)
        self.messages = [self._message(number, most) for number in range(count)]

    @property
    def bounces(self):
        """Returns the number of messages with an unknown recipient."""
        return sum(bool(each.unknown) for each in self.messages)

    def check(self):
        wanted = {user: [] for user in self.users}
        for each in self.messages:
            for user in each.good:
                wanted[user].append(each.octets)
        wrong = []
        for user in self.users:
            got = [maildir.without_trace(octets, b"X-Number: ")
                   for octets in self.configuration.messages(user)]
            if sorted(map(repr, got)) != sorted(map(repr, wanted[user])):
                wrong.append((user, len(got), len(wanted[user])))
        empty(wrong, f"each_mailbox_of_{self.domain}_has_its_messages_once_and_unchanged")
        empty((user for user in self.unknown
               if os.path.exists(self.configuration.mailbox_path(user))),
              f"no_mailbox_appeared_for_an_unknown_recipient_of_{self.domain}")

    def check_bounces(self, bounces):
        """bounces: the expected number in the sender's mailbox."""
        found = [octets for octets in self.configuration.messages(self.sender)
                 if b"\nReturn-Path: <>\n" in b"\n" + octets]
        is_(len(found), bounces, "each_message_with_an_unknown_recipient_bounced_once")
        ok(all(b"550 5.1.1" in octets for octets in found), "each_bounce_contains_the_reply_550_5.1.1")

    def _message(self, number, most):
        chosen = self._chance.sample(self.users, self._chance.randint(1, most))
        unknown = []
        if number % 3 == 0:
            unknown = self._chance.sample(self.unknown, self._chance.randint(1, 5))
            chosen = chosen[:max(1, most - len(unknown))]
        header = (f"X-Number: {self.domain} {number}\nFrom: <{self.sender}>\nTo: list:;\n"
                  f"Subject: number {number}\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n"
                  f"Message-ID: <{number}@{self.domain}>\n\n")
        return Message(number, header.encode() + self._body(number), chosen, unknown)

    def _body(self, number):
        chance = self._chance
        return [
            lambda: b"Hello, this is number %d.\n" % number,
            lambda: b".\n..\n.dot\nlast\n.\n",
            lambda: b"",
            lambda: "Grüße, 日本語\n".encode() + bytes(range(0xa0, 0x100)) + b"\n",
            lambda: b"z" * chance.randint(800, self._longest_line) + b"\n",
            lambda: b"From here\n>From there\n\n\n" * chance.randint(1, 500),
            lambda: b"".join(b"%d\n" % chance.getrandbits(200)
                             for _ in range(chance.randint(1, 3000))),
        ][number % 7]()
