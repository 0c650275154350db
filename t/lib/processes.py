"""Reads what /proc says about processes. A process may end at any moment, even while its files are
read."""

import contextlib
import os


def status(pid):
    """Returns the fields of /proc/PID/status, none if the process has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def children(pid):
    """Returns the process ids of the children, none if the process has ended."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def open_processes(pids):
    """Returns a pidfd for each of these processes that has not ended."""
    opened = []
    for pid in pids:
        try:
            opened.append(os.pidfd_open(pid))
        except ProcessLookupError:
            pass
    return opened


def send_signal(pids, number):
    """Sends a signal to those of these processes that have not ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def cpu_seconds(pid):
    """Returns the processor time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def command_line(pid):
    """Returns the arguments or the title of a process, empty if it has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().rstrip(b"\0").replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(pid):
    """Returns the process and its children, their children and so on."""
    found = [pid]
    for each in found:
        found += children(each)
    return found


def titled(pids, title):
    """Returns those of these processes whose title is "handoffd: TITLE" or "handoffd: TITLE, ..."."""
    return [pid for pid in pids if command_line(pid).partition(",")[0] == f"handoffd: {title}"]


def descriptors(pid):
    """Returns {descriptor: what it leads to}, empty if the process has ended."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    links = {}
    for number in numbers:
        try:
            links[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
        except (FileNotFoundError, ProcessLookupError):
            pass
    return links
