"""Tests what must work with every queue manager, even while handoffd is stopped, restarted or
killed.

    server = Server()
    Scenarios(mta, server, ["unix.test", "tcp.test"]).run()

Each message has a number in its header; each mailbox must contain each number once.
"""
import collections
import os
import random
import re
import signal
import stat
import threading

import maildir
from control import ctl
from handoffd import Handoffd
from mta import BOUNCED, DEFERRED, SENT, until
from tap import diag, empty, is_, ok

SOCKET = "/run/handoff/lmtp.sock"
LINES = (1, 100, 4000)  # line counts of messages while handoffd is disturbed
MOMENT = 0.02   # maximum number of seconds from a log line to a disturbance


class Server(Handoffd):
    """A handoffd that listens on the sockets named in contrib's files. Must run inside a
    peer's root directory (peer.enter)."""

    def __init__(self, settings=None, pipes=False):
        """settings: the owner or group of the socket, as in contrib's README for the queue manager,
        and others. pipes: whether the queue manager also starts `handoffd --stdin`."""
        os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
        self.pipes = pipes
        Handoffd.__init__(self, {"listen": [f"unix:{SOCKET}", "tcp:127.0.0.1:24"],
                                 "socket.mode": None, **(settings or {})})
        self.unix = f"unix:{SOCKET}"
        self.tcp = "tcp:127.0.0.1:24"

    def down(self):
        """Hides the spool from a `handoffd --stdin`."""
        self.stop()
        if self.pipes:
            os.rename(self.spool, self.spool + ".away")

    def up(self):
        if self.pipes:
            os.rename(self.spool + ".away", self.spool)
        self.start()

    def restart(self):
        self.stop()
        self.start()

    def configure(self, settings):
        """Writes these settings and reloads."""
        self.write(settings)
        done = ctl(self, "reload")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)

    def kill(self):
        """Sends SIGKILL to all processes of this name, which in this root are all processes of the
        server."""
        os.killpg(self.pid, signal.SIGKILL)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "handoffd":
                    os.kill(int(pid), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                pass
        self.wait()
        self.start()


class Scenarios:
    def __init__(self, mta, server, domains):
        self.mta = mta
        self.server = server
        self.domains = domains
        self.sender = f"sender@{domains[0]}"
        server.mailbox(self.sender)
        self._sent = collections.defaultdict(collections.Counter)   # {recipient: {number: copies}}
        seed = random.getrandbits(32)
        diag(f"seed {seed}")
        self._chance = random.Random(seed)
        self._number = 0
        self._threads = threading.Lock()

    def run(self):
        is_(stat.S_IMODE(os.stat(SOCKET).st_mode), 0o660, "other_users_cannot_connect_to_the_socket")
        self.unknown_recipients()
        self.eight_bits()
        self.beyond_ascii()
        self.fifty_recipients()
        self.full_mailboxes()
        self.down_and_up()
        self.disturbed(self.server.restart, "restart", times=2, batch=12)
        self.disturbed(self.server.kill, "kill", times=6, batch=12)
        self.nothing_is_left()

    def unknown_recipients(self):
        before = len(self._bounces())
        for domain in self.domains:
            good, unknown = self._user("good", domain), f"unknown@{domain}"
            self._send([good], refused=[unknown])
            self.mta.wait_for(good, SENT)
            kept = domain in self.mta.keeps_unknown
            line = self.mta.wait_for(unknown, DEFERRED if kept else BOUNCED)
            if kept:
                self.mta.remove(unknown)
            ok(re.search(r"5\.1\.1|no such mailbox|User unknown", line),
               f"the_log_says_why_the_unknown_recipient_of_{domain}_got_nothing")
        self.mta.drain()
        self._once("each_known_recipient_beside_an_unknown_one")
        bounces = self._bounces()[before:]
        bouncing = [each for each in self.domains if each not in self.mta.keeps_unknown]
        is_(len(bounces), len(bouncing), "the_sender_gets_a_bounce_for_each_unknown_recipient")
        for domain in bouncing:
            ok(any(f"unknown@{domain}".encode() in each and b"5.1.1" in each for each in bounces),
               f"the_bounce_names_the_unknown_recipient_of_{domain}_and_5.1.1")

    def eight_bits(self):
        body = "Grüße, 日本語\n".encode() + bytes(range(0xa0, 0x100)) + b"\n.\n..dot\n"
        users = [self._user("bits", domain) for domain in self.domains]
        number = self._send(users, body)
        self.mta.drain()
        for user in users:
            got = [maildir.without_trace(octets, b"X-Number: ")
                   for octets in self.server.messages(user)]
            is_([each and each.partition(b"\n\n")[2] for each in got], [body],
                f"octets_beyond_ascii_of_message_{number}_are_unchanged_for_{user}")

    def beyond_ascii(self):
        users = [self._user("jörg", domain) for domain in self.domains
                 if self.mta.sends_utf8(domain)]
        if users:
            self._send(users)
            self.mta.drain()
            self._once("each_message_to_an_address_beyond_ascii")
        for domain in self.mta.bare_octets:
            self._send([self._user("beside", domain), self._user("jörg", domain)])
        if self.mta.bare_octets:
            self.mta.drain()
            self._once("each_message_to_an_address_sent_as_bare_octets")

    def fifty_recipients(self):
        for domain in self.domains:
            users = [self._user(f"many{number}", domain) for number in range(50)]
            self._send(users)
            self.mta.drain()
            # Uses the trace header of each copy, because a `handoffd --stdin` logs elsewhere.
            ids = {re.search(rb"^Received: .*\n\tby handoff\.test .*\bid (\S+)", octets, re.M)[1]
                   for user in users for octets in self.server.messages(user)}
            is_(len(ids), self.mta.transactions.get(domain, 1),
                f"fifty_recipients_of_{domain}_take_the_expected_number_of_transactions")
        self._once("each_of_fifty_recipients")

    def full_mailboxes(self):
        """Tests that mail is deferred until there is room, or refused permanently if quota.over
        says so."""
        bounces = len(self._bounces())
        users = [self._user("full", domain) for domain in self.domains]
        for user in users:
            self._send([user])
        self.mta.drain()
        self.server.configure({"quota.messages": "1"})
        waiting = {}
        for user in users:
            waiting[user] = self._send([user])
            line = self.mta.wait_for(user, DEFERRED)
            ok(re.search(r"4\.2\.2|over quota", line), f"the_log_says_that_{user}_has_no_room")
            ok(self.mta.queued(), f"the_message_to_{user}_waits_for_room")
        is_(len(self._bounces()), bounces, "nothing_bounces_because_a_mailbox_is_full")
        for user in users:
            self._make_room(user, waiting[user])
        self.mta.drain()
        self._once("each_message_that_waited_for_room")

        self.server.configure({"quota.over": "bounce"})
        for number, user in enumerate(users):
            domain = user.partition("@")[2]
            kept = domain in self.mta.keeps_unknown
            # A mailbox with room for the bounce.
            sender = self._user(f"hears{number}", self.domains[0])
            self.mta.inject(sender, [user], b"Subject: too much\n\nhello\n")
            line = self.mta.wait_for(user, DEFERRED if kept else BOUNCED)
            ok(re.search(r"5\.2\.2|over quota", line), f"the_log_says_that_the_mailbox_of_{user}_is_full")
            if kept:
                self.mta.remove(user)
            self.mta.drain()
            heard = self.server.messages(sender)
            ok(kept and not heard or len(heard) == 1 and user.encode() in heard[0]
               and b"5.2.2" in heard[0],
               f"the_sender_gets_{'no_bounce_yet' if kept else 'a_bounce'}_from_{domain}")
        self._once("each_message_before_the_mailbox_was_full")
        self.server.configure({"quota.messages": "0", "quota.over": "defer"})

    def down_and_up(self):
        bounces = len(self._bounces())
        users = [self._user("patient", domain) for domain in self.domains]
        self.server.down()
        for user in users:
            self._send([user])
        for user in users:
            self.mta.wait_for(user, DEFERRED)
            ok(self.mta.queued(), f"while_handoffd_is_down_the_message_to_{user}_waits")
        self.server.up()
        self.mta.drain()
        self._once("each_message_that_waited_for_handoffd")
        is_(len(self._bounces()), bounces, "nothing_bounces_because_handoffd_was_down")

    def disturbed(self, disturb, name, times, batch):
        """Disturbs handoffd `times` times, each time while a batch of messages is being delivered,
        at a moment that is unrelated to its log."""
        bounces = len(self._bounces())
        put_off = self._count(DEFERRED, BOUNCED)
        # Deliveries of a `handoffd --stdin` are not in the log.
        logged = batch * 3 * (len(self.domains) - self.server.pipes)
        idle = []
        for turn in range(times):
            self.mta.flush()
            users = [self._user(f"{name}{turn}-{number}", domain)
                     for domain in self.domains for number in range(3)]
            delivered = rf"\bdelivered .*\b{name}{turn}-"
            since = len(self.server.log)
            threads = [threading.Thread(target=self._send_some, args=(users, batch // 2), daemon=True)
                       for _ in range(2)]
            for thread in threads:
                thread.start()
            count = self._chance.randint(1, logged * 2 // 5)
            moment = self._chance.uniform(0, MOMENT)
            diag(f"{name} {moment * 1000:.1f} ms after {count} deliveries of {logged}")
            self._wait_for(delivered, since, count)
            try:
                self.server.wait_for(delivered, since, logged * 3 // 5, deadline=moment)
            except TimeoutError:
                pass    # time for the disturbance
            over = sum(bool(re.search(delivered, line)) for line in self.server.log[since:])
            if over >= logged:
                idle.append(over)
            disturb()
            for thread in threads:
                thread.join()
            self._hear_of_victims(bounces)
        empty(idle, f"mail_was_in_progress_at_each_{name}")
        self.mta.drain()
        told = self._hear_of_victims(bounces)
        bounced = [each for each in self._bounces()[bounces:] if each not in told]
        if name == "kill":
            ok(self._count(DEFERRED, BOUNCED) > put_off, "a_kill_interrupts_deliveries")
            for bounce in told:
                self._give_up(bounce)
            if self.mta.wants_goodbye:
                self._allow_again()
        self._once(f"each_recipient_during_a_{name}_under_load")
        if not is_(len(bounced), 0, f"nothing_bounces_because_of_a_{name}"):
            diag("\n".join(said.line for said in self.mta.said() if said.outcome == BOUNCED))

    def _hear_of_victims(self, since):
        """Waits for the bounce of each message whose client died, so that a kill does not interrupt
        the bounces; returns those after the first `since`."""
        if not self.mta.client_died:
            return []
        victims = collections.Counter(said.recipient for said in self.mta.said()
                                      if self.mta.client_died in said.line)

        def told(who):
            return [each for each in self._bounces()[since:] if who.encode() in each]
        until(lambda: all(len(told(who)) >= count for who, count in victims.items()),
              "each bounce of a client that died comes", between=self.mta.flush)
        return [each for each in self._bounces()[since:]
                if any(who.encode() in each for who in victims)]

    def nothing_is_left(self):
        is_(self.server.staged(), [], "nothing_stays_in_staging")

    def _user(self, name, domain):
        self.server.mailbox(f"{name}@{domain}")
        return f"{name}@{domain}"

    def _send_some(self, recipients, count):
        for _ in range(count):
            with self._threads:
                lines = self._chance.choice(LINES)
            self._send(recipients, b"hello\n" * lines)

    def _wait_for(self, pattern, since, count):
        """Does the same as wait_for() of the server, but also flushes the queue, because a queue
        manager that recently failed to connect may delay new messages."""
        for _ in range(20):
            try:
                return self.server.wait_for(pattern, since, count, deadline=3)
            except TimeoutError as error:
                late = error
            self.mta.flush()
        raise late

    def _count(self, *outcomes):
        return sum(said.outcome in outcomes for said in self.mta.said())

    def _send(self, recipients, body=b"hello\n", refused=()):
        """refused: recipients that must not receive it."""
        with self._threads:
            self._number += 1
            number = self._number
            for each in recipients:
                self._sent[each][number] += 1
        octets = (f"X-Number: {number}\nFrom: <{self.sender}>\nTo: list:;\n"
                  f"Date: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <s{number}@{self.domains[0]}>"
                  "\n\n").encode() + body
        self.mta.inject(self.sender, [*recipients, *refused], octets)
        return number

    def _give_up(self, bounce):
        """Accepts both outcomes for a message that was bounced to the sender: its recipients may or
        may not have it."""
        number = int(re.search(rb"^X-Number: (\d+)", bounce, re.M)[1])
        line = f"X-Number: {number}\n".encode()
        diag(f"bounced: {number}")
        for user, wanted in self._sent.items():
            if user.encode() in bounce and not any(
                    line in octets for octets in self.server.messages(user)):
                del wanted[number]

    def _allow_again(self):
        """Expects two copies of messages that were sent again although their reply had been
        read."""
        for user, wanted in self._sent.items():
            again = self._got(user) - wanted
            tries = sum(self.mta.wants_goodbye in said.line for said in self.mta.said(user))
            if again and sum(again.values()) <= tries:
                diag(f"sent again to {user}: {dict(again)}")
                wanted.update(again)

    def _make_room(self, user, waiting):
        """Removes the messages, as a reader would. From then on only number `waiting` is
        expected."""
        box = self.server.mailbox_path(user)
        for path in [*maildir.files(box), os.path.join(box, "maildirsize")]:
            os.unlink(path)
        self._sent[user].clear()
        self._sent[user][waiting] = 1

    def _once(self, what):
        """Checks that each mailbox contains each message once."""
        wrong = []
        for recipient, wanted in self._sent.items():
            got = self._got(recipient)
            if got != wanted:
                wrong.append((recipient, "lost", wanted - got, "too many", got - wanted))
        if not empty(wrong, f"{what}_has_one_copy"):
            for recipient, _, lost, _, many in wrong:
                diag("\n".join(said.line for said in self.mta.said(recipient)))
                for number in lost + many:
                    diag("\n".join(line for line in self.server.log
                                   if f"message_id=<s{number}@" in line and recipient in line))

    def _got(self, recipient):
        return collections.Counter(
            int(found[1]) for octets in self.server.messages(recipient)
            if (found := re.search(rb"^X-Number: (\d+)", octets, re.M)))

    def _bounces(self):
        return [octets for octets in self.server.messages(self.sender)
                if re.search(rb"^Return-Path: <>", octets, re.M)]
