"""Measures the processes of a server.

    tree(pid)                          # the process and its descendants
    cpu_seconds(tree(pid))             # user and system time so far, including ended children
    context_switches(pids)             # so far, because they waited
    pss(pids)                          # memory of each in octets, with shared pages divided
    private(pid)                       # private dirty memory in octets
    with SystemCalls(tree(pid)) as calls: ...
    calls.counts                       # {'fsync': 200, ...}
"""
import os
import re
import signal
import subprocess
import tempfile

TICK = os.sysconf("SC_CLK_TCK")


def _read(*path):
    try:
        with open(os.path.join("/proc", *path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _stat(pid):
    """Returns the fields of /proc/PID/stat after the name."""
    return _read(str(pid), "stat").rpartition(")")[2].split()


def tree(root):
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(name)):
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def name(pid):
    return _read(str(pid), "comm").strip()


def cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        fields = _stat(pid)
        if not fields:
            continue
        total += (int(fields[13]) + int(fields[14])) / TICK  # children that were waited for
        if exact := _read(str(pid), "schedstat").split():
            total += int(exact[0]) / 1e9
        else:
            total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def context_switches(pids):
    return sum(int(line.split()[1]) for pid in pids for line in _read(str(pid), "status").splitlines()
               if line.startswith("voluntary_ctxt_switches"))


def pss(pids):
    sizes = []
    for pid in pids:
        if found := re.search(r"^Pss:\s+(\d+) kB", _read(str(pid), "smaps_rollup"), re.M):
            sizes.append(int(found[1]) * 1024)
    return sizes


def private(pid):
    found = re.search(r"^Private_Dirty:\s+(\d+) kB", _read(str(pid), "smaps_rollup"), re.M)
    return int(found[1]) * 1024 if found else 0


class SystemCalls:
    """Lets strace count the calls of processes and their children during the block."""

    def __init__(self, pids):
        self.counts = {}
        self._pids = [pid for pid in pids if _stat(pid)]

    def __enter__(self):
        self._out = tempfile.NamedTemporaryFile("r", prefix="calls-")
        command = ["strace", "-f", "-c", "-U", "calls,name", "-o", self._out.name]
        self._strace = subprocess.Popen(
            command + [word for pid in self._pids for word in ("-p", str(pid))],
            stderr=subprocess.PIPE, text=True)
        for _ in self._pids:  # a line for each attached process
            self._strace.stderr.readline()
        return self

    def __exit__(self, *exception):
        self._strace.send_signal(signal.SIGINT)
        self._strace.communicate()
        for line in self._out:
            if match := re.match(r"\s*(\d+)\s+(\w+)$", line):
                if match[2] != "total":
                    self.counts[match[2]] = int(match[1])
        self._out.close()
