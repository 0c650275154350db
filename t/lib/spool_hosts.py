"""Several hosts with one spool.

    with Site('glusterfs') as site:          # each host mounts the spool by FUSE; None: a local one
        with site.host('one') as one:        # a handoffd, started
            deliver(one.unix, ...)
            one.freeze(); one.thaw()         # its handoffd, but not its mount
            one.messages(PAT)
"""
import os
import signal

import hosts
import mounts
from handoffd import Handoffd, program
from processes import children, command_line, send_signal
from scratch import Scratch


class Host(Handoffd):
    """A handoffd on a host of its own."""

    def __init__(self, site, name, settings, *, options=(), start=True):
        self.name = f"{name}.test"
        scratch = Scratch()
        at, prepare = site.directory, []
        if site.mount:
            at = os.path.join(scratch.path, "mounted")
            os.makedirs(at)
            prepare = [site.mount(at, options)]
        settings = {"spool.path": at, "workers.max": 8, "workers.min-idle": 1, **settings}
        super().__init__(settings, scratch=scratch, start=False)
        self.spool = site.directory  # as the test sees it
        self.mountpoint = at
        self.prepare = prepare
        self.site = site
        if self.owner:
            os.chown(site.directory, *self.owner)
        self.plain = self.command
        self.ctl = program("HANDOFFCTL")
        self.command = self.on_host(self.plain)
        if start:
            self.start()

    def on_host(self, command):
        """Returns the command that runs `command` on a host with this name."""
        return self.site.command(self.name, command, self.prepare)

    def entered(self, command):
        """Returns the command that runs `command` in the namespaces of the running host."""
        return ["nsenter", "-t", str(self._first()), "-m", "-u", "-p", "-n", "--", *command]

    def processes(self):
        """Returns the ids of the host's processes."""
        mine, found = os.stat(f"/proc/{self._first()}/ns/pid").st_ino, []
        for each in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{each}/ns/pid").st_ino == mine:
                    found.append(int(each))
            except OSError:
                pass
        return found

    def _first(self):
        return children(self.pid)[0]

    def servers(self):
        """Returns the ids of the host's handoffd processes."""
        return [pid for pid in self.processes() if "handoffd" in command_line(pid)]

    def freeze(self):
        stopped = set()
        while new := set(self.servers()) - stopped:  # a process may start others meanwhile
            send_signal(new, signal.SIGSTOP)
            stopped |= new

    def thaw(self):
        send_signal(self.servers(), signal.SIGCONT)


class Site:
    def __init__(self, kind=None, *, size=None):
        """kind: the type of the mounts after "fuse."; None: all hosts see a local directory.
        size: of the disk, as of a tmpfs; requires mounts.private()."""
        self.scratch = Scratch()
        self.directory = os.path.join(self.scratch.path, "shared")
        os.makedirs(self.directory, exist_ok=True)
        self.size = size
        if size:
            mounts.tmpfs(self.directory, f"size={size},mode=0755")
        self.mount = kind and (lambda at, options: hosts.sharedfs(self.directory, at, kind,
                                                                  *options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.size:
            mounts.unmount(self.directory)
        self.scratch.remove()

    def command(self, name, argv, prepare, network=True):
        """Returns a command that runs argv on that host. network: whether it gets a network of its
        own."""
        return hosts.command(name, argv, prepare, network)

    def host(self, name, settings=None, **more):
        return Host(self, name, settings or {}, **more)
