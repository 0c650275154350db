"""A temporary folder for a test, and a guard that ends the processes of the test.

    scratch = Scratch()              # scratch.path: a new folder, readable by every user
    scratch.guard(pid)               # that process (and its group) dies when the test does
    scratch.release(pid)             # that process has ended: do not kill it

A small shell, the guard, holds the reading end of a pipe from the test. However the test ends, the
pipe closes; then the guard kills the remaining guarded processes and removes the folder.
$HANDOFF_KEEP=1 keeps the folder.
"""
import atexit
import os
import subprocess
import tempfile

# Reads "+PID" and "-PID"; at the end of input, terminates the groups led by the remaining processes
# (first with SIGTERM, so that a daemon stops its children), then removes the folder $1.
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
    """One folder and its guard. The guarded processes are the leaders of their process groups."""

    def __init__(self):
        # Short, because the path of a unix socket is limited to 108 octets (104 on the BSDs).
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
        """Writes a file of that name, which may contain folders, and returns its path."""
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def remove(self):
        """Ends the guarded processes, removes the folder, and waits until this is done."""
        if self._guard.stdin.closed or os.getpid() != self._owner:
            return
        self._guard.stdin.close()
        self._guard.wait()

    def _tell(self, line):
        self._guard.stdin.write(line.encode())
        self._guard.stdin.flush()
