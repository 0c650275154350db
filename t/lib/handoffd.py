"""A handoffd of the test's own.

    with Handoffd({'recipients.lookup': 'any', 'session.max-errors': 3}) as daemon:
        daemon.mailbox('user@example.org')    # makes that mailbox, returns its path
        deliver(daemon.unix, '', ['user@example.org'], b'Subject: hello\r\n\r\nhello\r\n')
        daemon.messages('user@example.org')   # [b'Return-Path: ...']
        daemon.wait_for(r'sender=<>')         # a line of its log
        is_(daemon.stop(), 0, 'it_ends_well_on_sigterm')

It runs `$HANDOFFD -f -c FILE` in a folder of its own, listens on a unix socket there and, with
tcp=True, on a free loopback port, logs to the test, and is ready when the constructor returns. It
ends with the `with`, or when the test dies. As root, it runs as an unprivileged user.
$HANDOFFD and $HANDOFFCTL name the programs, if not those in build/; `make check` sets them.
"""
import grp
import os
import pwd
import select
import socket
import time

import maildir
import tap
from daemon import Daemon
from scratch import Scratch


def program(variable):
    """Returns the path of the program that an environment variable names; without it, of the one
    in the source tree's build/."""
    top = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    path = os.environ.get(variable) or os.path.join(top, "build", variable.lower())
    if not os.access(path, os.X_OK):
        tap.bail_out(f"{path} is not there; `make` builds it, or ${variable} names another")
    return path


def free_port():
    """Returns a loopback port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def account():
    """Returns (user, group) that a daemon started as root runs as, None where not root."""
    if os.geteuid() != 0:
        return None
    return ("nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name)


def _has_in_it(octets):
    with open(program("HANDOFFD"), "rb") as file:
        return octets in file.read()


def is_sanitized():
    """Whether the handoffd under test has a sanitizer's run time in it."""
    return _has_in_it(b"__asan_init")


def writes_out():
    """Whether it starts writing without a sync, an extra of Linux's. Without that there is no one
    sync for all names either: each directory is synced on every filesystem."""
    return _has_in_it(b"\0sync_file_range\0")


class Configuration:
    """A configuration file in the scratch folder, and where it says things are."""

    def __init__(self, settings=None, *, tcp=False, scratch=None):
        """settings: {name: value, or a list for one that repeats, or None to leave a default out}.
        scratch: whose folder to use; a new one without."""
        self.scratch = scratch or Scratch()
        base = self.scratch.path
        self.spool = os.path.join(base, "spool")
        self.unix = f"unix:{base}/lmtp.sock"
        self.tcp = f"tcp:127.0.0.1:{free_port()}" if tcp else None
        self.settings = {
            "hostname": "handoff.test",
            "listen": [self.unix] + ([self.tcp] if tcp else []),
            "socket.mode": "0666",
            "spool.path": self.spool,
            "recipients.lookup": "mailbox",
            "control.socket": f"{base}/control.sock",
            "log.to": "stderr",
        }
        self.owner = None
        if account():
            self.settings["user"], self.settings["group"] = account()
            self.owner = (pwd.getpwnam(account()[0]).pw_uid, grp.getgrnam(account()[1]).gr_gid)
        os.makedirs(self.spool, exist_ok=True)
        if self.owner:
            os.chown(self.spool, *self.owner)
        self.path = os.path.join(base, "handoffd.conf")
        self.write(settings or {})

    def write(self, settings):
        """Writes the file anew, with these settings in place of those of their names."""
        self.settings.update(settings)
        lines = []
        for name, value in self.settings.items():
            values = value if isinstance(value, list) else [] if value is None else [value]
            lines += [f"{name} = {each}\n" for each in values]
        self.scratch.file("handoffd.conf", "".join(lines))

    def mailbox_path(self, address):
        """Where a recipient's mailbox is, in the default layout."""
        user, _, domain = address.rpartition("@")
        return os.path.join(self.spool, domain, user)

    def mailbox(self, address):
        """Makes a recipient's mailbox; returns its path."""
        return maildir.create(self.mailbox_path(address), self.owner)

    def messages(self, address):
        """Returns the octets of each message in a recipient's mailbox."""
        return maildir.messages(self.mailbox_path(address))

    def staged(self, deadline=5):
        """Returns what lies in the staging folder. A name is taken away when the client is known to
        have read its replies, which may be just now: waits for them to go, until the deadline."""
        staging = os.path.join(self.spool, ".handoff", "staging")
        end = time.monotonic() + deadline
        while (found := [name for _, _, names in os.walk(staging) for name in names]) \
                and time.monotonic() < end:
            select.select([], [], [], 0.01)
        return found


class Handoffd(Configuration, Daemon):
    """A running daemon, with its configuration."""

    def __init__(self, settings=None, *, tcp=False, arguments=(), scratch=None, start=True,
                 environment=None):
        """arguments: more of them for the command line. start=False: start() comes later."""
        Configuration.__init__(self, settings, tcp=tcp, scratch=scratch)
        Daemon.__init__(self, self.scratch,
                        [program("HANDOFFD"), "-f", "-c", self.path, *arguments], start=False,
                        environment=environment, ready=r"\bready\b")
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *exception):
        code = self.stop()
        if kind is not None or code != 0:
            tap.diag("handoffd logged last:\n" + "\n".join(self.log[-20:]))
        self.scratch.remove()
        if kind is None and code != 0:
            raise RuntimeError(f"handoffd exited with {code}")
