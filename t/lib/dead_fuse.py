"""A mounted filesystem whose server reads requests and never answers. A process that accesses it
hangs and cannot be killed until the filesystem is unmounted.

    if dead_fuse.can():                  # Linux, root, FUSE; in a mount namespace (mounts.private)
        with dead_fuse.mounted(path):
            ...                          # do not access path
"""
import contextlib
import ctypes
import os
import struct
import subprocess
import threading

_INIT = 26
_READ = 1 << 16  # octets; the kernel requires room for its largest request


def can():
    return os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)


def _serve(device):
    """Answers the first request, INIT, which the kernel needs before it sends others. It only reads
    the others."""
    try:
        while True:
            request = os.read(device, _READ * 4)
            _, opcode, unique = struct.unpack_from("=IIQ", request)
            if opcode == _INIT:
                # Version 7.31, with limits that are never reached.
                body = struct.pack("=IIIIHHIIHHI7I", 7, 31, _READ, 0, 1, 1, _READ, 1, 1, 0, 0,
                                   *[0] * 7)
                os.write(device, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)
    except OSError:
        pass  # unmounted


@contextlib.contextmanager
def mounted(path):
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"dead", path.encode(), b"fuse", 2 | 4, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount", path)
    thread = threading.Thread(target=_serve, args=(device,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        # A forced unmount: hanging accesses fail, and the server's read ends.
        subprocess.run(["umount", "-f", "-l", path], check=True)
        thread.join(10)
        os.close(device)
