"""A GlusterFS volume with three replicas on this machine: three storage hosts, each with a glusterd
and with a brick on an ext4 image of its own. Create it in the root of the peer glusterfs
(peer.enter), as root.

    volume = Volume(scratch, network, {"network.ping-timeout": 5})
    with volume.mounted(path): ...
    volume.mount(at)              # a shell command that mounts it, for the `prepare` of a host
    volume.stores[0].kill()       # one storage host; the content of its disk stays
    volume.cut_power()            # all storage hosts lose power: their disks lose what they had not
                                  # flushed
    volume.start()                # starts the storage hosts that are down
"""
import contextlib
import fcntl
import os
import subprocess
import time

import hosts
from daemon import Daemon
from processes import children, command_line, descendants

_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, linux/fs.h (EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN)
_WITHOUT_LOG = (2).to_bytes(4, "little")


def _run(*command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {ran.stdout.strip()}")
    return ran.stdout


def _until(action, what, seconds=60):
    """Repeats the action until it raises no RuntimeError; returns its result."""
    end = time.monotonic() + seconds
    while True:
        try:
            return action()
        except RuntimeError as error:
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: {error}") from error
            time.sleep(0.1)


def _require(condition, what):
    if not condition:
        raise RuntimeError(what)


class Store(Daemon):
    """A storage host."""

    def __init__(self, scratch, network, name, mebibytes):
        self.address = network.address(name)
        base = os.path.join(scratch.path, name)
        self.folder = os.path.join(base, "disk")
        self.image = scratch.file(f"{name}/image", "")
        os.truncate(self.image, mebibytes << 20)
        _run("mkfs.ext4", "-q", self.image)
        places = {"state": "/var/lib/glusterd", "log": "/var/log/glusterfs"}
        prepare = ["mount -t tmpfs run /run"]
        for own, path in places.items():
            os.makedirs(os.path.join(base, own))
            os.makedirs(path, exist_ok=True)
            prepare.append(f"mount --bind {base}/{own} {path}")
        os.makedirs(self.folder)
        # Only this host's namespace has the mount, so that it ends with the host.
        prepare.append(f"mount -o loop {self.image} {self.folder}")
        super().__init__(scratch, [*network.host(name),
                                   *hosts.command(name, ["glusterd", "--no-daemon"], prepare,
                                                  network=False)], start=False)

    def _first(self):
        found = children(self.pid)
        _require(found, "the storage host has not begun")
        return found[0]

    def gluster(self, *words):
        """Runs the command on this host."""
        return _run("nsenter", "-t", str(self._first()), "-m", "-u", "-p", "-n", "--", "gluster",
                    "--mode=script", *words)

    def require_brick(self):
        """Raises RuntimeError if its brick has no process."""
        _require(any("glusterfsd" in command_line(pid) for pid in descendants(self.pid)),
                 "no brick runs")

    def lose_unflushed(self):
        folder = os.open(f"/proc/{self._first()}/root{self.folder}", os.O_RDONLY)
        fcntl.ioctl(folder, _SHUTDOWN, _WITHOUT_LOG)
        os.close(folder)

    def kill(self):
        super().kill()
        self.scratch.release(self.pid)
        _until(lambda: _require(not _run("losetup", "-j", self.image), "it is mounted"),
               "the end of a storage host")


class Volume:
    def __init__(self, scratch, network, options=None, mebibytes=256):
        self.stores = [Store(scratch, network, f"store{number}", mebibytes)
                       for number in (1, 2, 3)]
        self._start_stores()
        first, *others = self.stores
        for other in others:
            _until(lambda other=other: first.gluster("peer", "probe", other.address), "glusterd")
        _until(lambda: _require(first.gluster("peer", "status").count("(Connected)") == 2, "peers"),
               "the storage hosts know each other")
        _until(lambda: first.gluster("volume", "create", "mail", "replica", "3",
                                     *(f"{each.address}:{each.folder}/b" for each in self.stores),
                                     "force"), "the volume")
        for name, value in (options or {}).items():
            first.gluster("volume", "set", "mail", name, str(value))
        first.gluster("volume", "start", "mail")

    def _start_stores(self):
        for store in self.stores:
            if not store.running:
                store.start()

    def mount(self, at):
        first, *others = (each.address for each in self.stores)
        return (f"i=0; until mountpoint -q {at} && ls {at} >/dev/null 2>&1; do i=$((i + 1)); "
                f"[ $i -lt 100 ] || exit 1; umount -l {at} 2>/dev/null; "
                f"mount -t glusterfs -o backup-volfile-servers={':'.join(others)} {first}:/mail {at} "
                ">/dev/null 2>&1 || sleep 0.3; done")

    @contextlib.contextmanager
    def mounted(self, at):
        os.makedirs(at, exist_ok=True)
        subprocess.run(["sh", "-c", self.mount(at)], check=True)
        try:
            yield at
        finally:
            _until(lambda: _run("umount", at), "umount", 10)

    def cut_power(self):
        for store in self.stores:
            if store.running:
                store.lose_unflushed()
        self.kill()

    def kill(self):
        for store in self.stores:
            if store.running:
                store.kill()

    def start(self):
        """Returns when all bricks are running."""
        self._start_stores()
        for store in self.stores:
            _until(store.require_brick, "a brick")
