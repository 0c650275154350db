"""Other hosts on this machine: processes with their own host name, machine id, process ids, network
and mounts.

    if hosts.can():                              # Linux, root
        argv = hosts.command('other.test', ['handoffd', ...], prepare=['mount ...'])
        Daemon(scratch, argv)                    # ends with SIGTERM, kills all with SIGKILL

    hosts.missing_sharedfs()                     # why it cannot mount, or None
    hosts.sharedfs(directory, mountpoint, 'glusterfs', '--direct-io')    # a command for `prepare`
"""
import ctypes
import os
import shlex
import signal
import sys


_NEWNS, _NEWUTS, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x20000000, 0x40000000
_PROGRAM = os.path.join(os.environ.get("TOP_BUILDDIR", "build"), "t", "bench", "bin", "sharedfs")


def can():
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or not hasattr(libc, "unshare"):
        return False
    pid = os.fork()
    if pid == 0:
        os._exit(libc.unshare(_NEWNS | _NEWUTS | _NEWPID | _NEWNET) != 0)
    return os.waitpid(pid, 0)[1] == 0


def missing_sharedfs():
    if not os.path.exists("/dev/fuse"):
        return "no /dev/fuse"
    return None if os.access(_PROGRAM, os.X_OK) else "built without libfuse3"


def sharedfs(directory, mountpoint, kind, *options):
    """Returns a shell command that mounts the directory."""
    words = [_PROGRAM, directory, mountpoint, kind, *options]
    return (f"{shlex.join(words)} </dev/null >/dev/null 2>&1 & "
            f"until mountpoint -q {shlex.quote(mountpoint)}; do sleep 0.02; done")


def command(name, argv, prepare=(), network=True):
    """prepare: shell commands that run before the program, as root. network=False: the host uses
    the network of this machine."""
    return [sys.executable, os.path.abspath(__file__), name, "\n".join(prepare),
            "own" if network else "shared", *argv]


def _become(name, prepare, argv):
    """Runs in the first process of the new host."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sethostname(name.encode(), len(name.encode()))
    libc.prctl(1, signal.SIGKILL)
    machine = ("import sys; open(sys.argv[1], 'w').write(sys.argv[2] + '\\n')")
    folder = os.path.join("/tmp", f"handoff-host-{os.getpid()}-{name}")
    script = "\n".join([
        "set -e", "mount --make-rprivate /", "mount -t proc proc /proc",
        f"mkdir -p {folder}", f"mount -t tmpfs none {folder}",
        f"{shlex.quote(sys.executable)} -c {shlex.quote(machine)} {folder}/id "
        f"{name.encode().hex().ljust(32, '0')[:32]}",
        f"if [ -e /etc/machine-id ]; then mount --bind {folder}/id /etc/machine-id; fi",
        "set +e", prepare, 'exec "$@"'])
    os.execvp("sh", ["sh", "-c", script, "sh", *argv])


def _main(name, prepare, network, *argv):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, signal.SIGKILL)
    flags = _NEWNS | _NEWUTS | _NEWPID | (_NEWNET if network == "own" else 0)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    pid = os.fork()
    if pid == 0:
        _become(name, prepare, argv)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    status = os.waitpid(pid, 0)[1]
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + (status & 127))


if __name__ == "__main__":
    _main(*sys.argv[1:])
