"""A handoffd for one test.

    with Handoffd({'recipients.lookup': 'any', 'session.max-errors': 3}) as daemon:
        daemon.mailbox('user@example.org')    # creates that mailbox, returns its path
        deliver(daemon.unix, '', ['user@example.org'], b'Subject: hello\r\n\r\nhello\r\n')
        daemon.messages('user@example.org')   # [b'Return-Path: ...']
        daemon.wait_for(r'sender=<>')         # a line of its log
        is_(daemon.stop(), 0, 'the_server_exits_with_0_on_sigterm')

It runs `$HANDOFFD -f -c FILE` in a folder of its own, listens on a unix socket there and, with
tcp=True, on a free loopback port, logs to the test, and is ready when the constructor returns. It
ends at the end of the `with` block or when the test dies. If the test runs as root, its workers run
as an unprivileged user.
$HANDOFFD and $HANDOFFCTL name the programs, if not those in build/; `make check` sets them.
"""
import grp
import os
import pwd
import select
import socket
import subprocess
import time

import maildir
import tap
from daemon import Daemon
from scratch import Scratch


def program(variable):
    """Returns the path of the program that the environment variable names or, if it is not set, of
    the one in build/ of the source tree."""
    top = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    path = os.environ.get(variable) or os.path.join(top, "build", variable.lower())
    if not os.access(path, os.X_OK):
        tap.bail_out(f"{path} is not there; `make` builds it, or ${variable} names another")
    return path


def free_port():
    """Returns a free port of the loopback address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def account():
    """Returns the (user, group) of the workers if the test runs as root, else None."""
    if os.geteuid() != 0:
        return None
    return ("nobody", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name)


def is_sanitized():
    """Returns whether the tested handoffd was built with a sanitizer."""
    with open(program("HANDOFFD"), "rb") as file:
        return b"__asan_init" in file.read()


def optional_parts():
    """Returns the optional parts that $HANDOFFD has, as its --version names them."""
    said = subprocess.run([program("HANDOFFD"), "--version"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return said.partition("optional parts:")[2].split()


def writes_out():
    """Returns whether the tested handoffd uses sync_file_range, a Linux extra. A build without it
    also syncs each directory on every filesystem instead of using one sync for all recipients."""
    return "linux-extras" in optional_parts()


class Configuration:
    """A configuration file in the scratch folder, and the paths that it contains."""

    def __init__(self, settings=None, *, tcp=False, scratch=None):
        """settings: {name: value, or a list for a repeated setting, or None to omit a default}.
        scratch: use this folder instead of a new one."""
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
        """Rewrites the file with these settings changed."""
        self.settings.update(settings)
        lines = []
        for name, value in self.settings.items():
            values = value if isinstance(value, list) else [] if value is None else [value]
            lines += [f"{name} = {each}\n" for each in values]
        self.scratch.file("handoffd.conf", "".join(lines))

    def mailbox_path(self, address):
        """Returns the path of a recipient's mailbox in the default layout."""
        user, _, domain = address.rpartition("@")
        return os.path.join(self.spool, domain, user)

    def mailbox(self, address):
        """Creates a recipient's mailbox; returns its path."""
        return maildir.create(self.mailbox_path(address), self.owner)

    def messages(self, address):
        """Returns the octets of each message in a recipient's mailbox."""
        return maildir.messages(self.mailbox_path(address))

    def staged(self, deadline=5):
        """Returns the names in the staging folder. They are removed once the client is known to
        have read its replies, so this waits until the folder is empty or the deadline has
        passed."""
        staging = os.path.join(self.spool, ".handoff", "staging")
        end = time.monotonic() + deadline
        while (found := [name for _, _, names in os.walk(staging) for name in names]) \
                and time.monotonic() < end:
            select.select([], [], [], 0.01)
        return found


class Handoffd(Configuration, Daemon):
    """A running daemon and its configuration."""

    def __init__(self, settings=None, *, tcp=False, arguments=(), scratch=None, start=True,
                 environment=None):
        """arguments: further arguments of the command line. start=False: do not start it yet."""
        Configuration.__init__(self, settings, tcp=tcp, scratch=scratch)
        Daemon.__init__(self, self.scratch,
                        [program("HANDOFFD"), "-f", "-c", self.path, *arguments], start=False,
                        environment=environment, ready=r"\bready\b")
        if start:
            self.start()

    def confined(self):
        """Returns {process id: kind} of the processes that its log names as confined."""
        return {int(line.partition("handoffd[")[2].partition("]")[0]):
                line.partition("process=")[2].split()[0]
                for line in self.log if "]: confined process=" in line}

    def __enter__(self):
        return self

    def __exit__(self, kind, *exception):
        code = self.stop()
        if kind is not None or code != 0:
            tap.diag("handoffd logged last:\n" + "\n".join(self.log[-20:]))
        self.scratch.remove()
        if kind is None and code != 0:
            raise RuntimeError(f"handoffd exited with {code}")
