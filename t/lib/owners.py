"""Recipients with their own uids and homes, without accounts on this host.

    owners = Owners()                        # as root: a folder for homes, a recipient table
    pat = owners.add('pat', 61001)           # Owner: address, uid, home; creates the home
    with owners.handoffd() as daemon:        # recipients.lookup = file:, spool.layout = %h/Maildir
        deliver(daemon.unix, '', [pat.address], message)
        pat.messages()                       # the octets of each
"""
import contextlib
import os

import maildir
import tap
from handoffd import Handoffd
from scratch import Scratch

DOMAIN = "example.org"


class Owner:
    """One recipient, with a home of mode 0700."""

    def __init__(self, name, uid, home, make=True):
        self.address = f"{name}@{DOMAIN}"
        self.name, self.uid, self.home = name, uid, home
        self.maildir = os.path.join(home, "Maildir")
        if make:
            os.mkdir(home, 0o700)
            os.chown(home, uid, uid)

    def make(self, path, mode=0o700):
        """Creates a folder of the owner's below the home; returns its path."""
        made = path = os.path.join(self.home, path)
        os.makedirs(path, mode)
        while path != self.home:
            os.chown(path, self.uid, self.uid)
            path = os.path.dirname(path)
        return made

    def messages(self):
        return maildir.messages(self.maildir)


class Owners:
    """A table of owners in a scratch folder."""

    def __init__(self):
        self.scratch = Scratch()
        self.homes = os.path.join(self.scratch.path, "home")
        os.mkdir(self.homes, 0o755)
        self.table = os.path.join(self.scratch.path, "recipients")
        self.lines = []

    def add(self, name, uid, *, make=True, fields=""):
        """make: whether to create the home. fields: further fields of the line."""
        owner = Owner(name, uid, os.path.join(self.homes, name), make)
        self.lines.append(f"{owner.address} home={owner.home} uid={uid} gid={uid} {fields}\n")
        self.scratch.file("recipients", "".join(self.lines))
        return owner

    @contextlib.contextmanager
    def handoffd(self, settings=None, **more):
        """Returns a daemon for these owners. The delivered files stay until the test ends."""
        daemon = Handoffd({"recipients.lookup": f"file:{self.table}",
                           "spool.layout": "%h/Maildir", **(settings or {})},
                          scratch=self.scratch, **more)
        try:
            yield daemon
        except BaseException:
            tap.diag("handoffd logged last:\n" + "\n".join(daemon.log[-20:]))
            raise
        finally:
            code = daemon.stop()
        if code != 0:
            raise RuntimeError(f"handoffd exited with {code}")
