"""A test's folder, and the processes that must not outlive the test.

    scratch = Scratch()              # scratch.path: a new folder, readable by every user
    scratch.guard(pid)               # that process (and its group) dies when the test does
    scratch.release(pid)             # it has ended: leave that number alone

A small shell, the guard, holds the reading end of a pipe from the test. However the test ends, by
its last line, an exception or SIGKILL, the pipe closes; then the guard kills what is left of the
guarded processes and removes the folder. $HANDOFF_KEEP=1 keeps the folder.
"""
import atexit
import os
import subprocess
import tempfile

# Reads "+PID" and "-PID"; at the end of input, ends the groups led by those that remain (first
# politely, so that a daemon ends its children itself), then removes the folder $1.
_GUARD = r'''
trap '' INT TERM HUP
pids=' '
while read -r line; do
    pid=${line#?}
    case $line in
        +*) pids="$pids$pid " ;;
        -*) pids="${pids% $pid *} ${pids#* $pid }" ;;
    esac
done
for pid in $pids; do kill -TERM -"$pid" 2>/dev/null; done
for pid in $pids; do
    tries=50
    while [ $tries -gt 0 ] && kill -0 -"$pid" 2>/dev/null; do sleep 0.1; tries=$((tries - 1)); done
    kill -KILL -"$pid" 2>/dev/null
done
[ -n "${HANDOFF_KEEP-}" ] || rm -rf "$1"
'''


class Scratch:
    """One folder and its guard. The processes guarded are leaders of their process groups."""

    def __init__(self):
        # Short, because a unix socket's path has room for 108 octets (104 on the BSDs).
        self.path = tempfile.mkdtemp(prefix="handoff-")
        os.chmod(self.path, 0o755)
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", self.path], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self._owner = os.getpid()
        atexit.register(self.remove)

    def guard(self, pid):
        self._tell(f"+{pid}\n")

    def release(self, pid):
        self._tell(f"-{pid}\n")

    def file(self, name, content=""):
        """Writes a file of that name (may be in folders) and returns its path."""
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def remove(self):
        """Ends what is guarded, removes the folder, and waits until that is done."""
        if self._guard.stdin.closed or os.getpid() != self._owner:
            return
        self._guard.stdin.close()
        self._guard.wait()

    def _tell(self, line):
        self._guard.stdin.write(line.encode())
        self._guard.stdin.flush()
