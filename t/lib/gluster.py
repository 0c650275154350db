"""A GlusterFS volume with three replicas on this machine, each brick on an ext4 image of its own.
Create it in the root of the peer glusterfs (peer.enter), as root.

    volume = Volume(scratch)
    with volume.mounted() as path: ...
    volume.mount(at, ())          # the command of the shell that mounts it
    volume.cut_power()            # all bricks lose what was not flushed
    volume.start()                # after a cut
"""
import contextlib
import fcntl
import glob
import os
import signal
import socket
import struct
import subprocess
import time

from processes import send_signal

_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN, linux/fs.h (EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN)
_WITHOUT_LOG = (2).to_bytes(4, "little")


_ADDRESS = "198.18.0.1"  # GlusterFS refuses 127.0.0.1
_SIOCSIFADDR = 0x8916


def _add_address():
    """Adds the address to the loopback interface of this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFADDR, struct.pack(
            "16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(_ADDRESS)))


def _run(*command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {ran.stdout.strip()}")
    return ran.stdout


def _until(action, what, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            return action()
        except RuntimeError as error:
            if time.monotonic() > end:
                raise RuntimeError(f"{what}: {error}") from error
            time.sleep(0.1)


class Volume:
    def __init__(self, scratch, mebibytes=256):
        self.images = {}
        for number in range(1, 4):
            at = os.path.join(scratch.path, f"brick{number}")
            os.makedirs(at)
            image = scratch.file(f"image{number}", "")
            os.truncate(image, mebibytes << 20)
            _run("mkfs.ext4", "-q", image)
            _run("mount", "-o", "loop", image, at)
            self.images[at] = image
        self.daemon = None
        _add_address()
        self._start_daemon()
        bricks = [f"{_ADDRESS}:{at}/b" for at in self.images]
        _until(lambda: _run("gluster", "--mode=script", "volume", "create", "mail", "replica", "3",
                            *bricks, "force"), "glusterd")
        _run("gluster", "--mode=script", "volume", "start", "mail")

    def _start_daemon(self):
        os.makedirs("/var/lib/glusterd", exist_ok=True)
        os.makedirs("/var/log/glusterfs", exist_ok=True)
        self.daemon = subprocess.Popen(["glusterd", "--no-daemon"], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def mount(at, _options):
        return (f"i=0; until mountpoint -q {at} && ls {at} >/dev/null 2>&1; do i=$((i + 1)); "
                f"[ $i -lt 100 ] || exit 1; umount -l {at} 2>/dev/null; "
                f"mount -t glusterfs {_ADDRESS}:/mail {at} >/dev/null 2>&1 || sleep 0.3; done")

    @contextlib.contextmanager
    def mounted(self, at):
        os.makedirs(at, exist_ok=True)
        subprocess.run(["sh", "-c", self.mount(at, ())], check=True)
        try:
            yield at
        finally:
            _until(lambda: _run("umount", at), "umount", 10)

    def bricks(self):
        """Returns the processes of the bricks."""
        found = []
        for path in glob.glob("/var/run/gluster/vols/mail/*.pid"):
            with open(path, encoding="ascii") as file:
                found.append(int(file.read()))
        return found

    def cut_power(self):
        for at in self.images:
            folder = os.open(at, os.O_RDONLY)
            fcntl.ioctl(folder, _SHUTDOWN, _WITHOUT_LOG)
            os.close(folder)
        self.daemon.kill()
        self.daemon.wait()
        send_signal(self.bricks(), signal.SIGKILL)
        for at in self.images:
            _until(lambda at=at: _run("umount", at), "umount of a brick", 20)

    def stop(self):
        """Ends the volume; nothing is flushed."""
        self.cut_power()

    def start(self):
        for at, image in self.images.items():
            _run("mount", "-o", "loop", image, at)
        self._start_daemon()
        _until(lambda: _run("gluster", "--mode=script", "volume", "start", "mail", "force"),
               "glusterd")
