"""Reads an strace(1) log and translates the actions of confined processes into the terms of
OpenBSD's pledge(2) and unveil(2).

    trace = Trace(file)                 # of `strace -f -yy -s 4096 -o file ...`
    for process in trace.confined:      # those that logged "confined", and their children
        process.name                    # "worker", "delivery", ...
        process.promises, process.unveiled          # as logged: {'stdio', ...}, {path: rights}
        for call in process.calls:
            call.promise                # the promise that it needs; "none" if none allows it
            call.opens                  # [(path, 'rwcx')]
            call.is_path_bound          # impossible in Capsicum's capability mode

An unknown call needs the promise "none".
"""
import collections
import os
import re

LINE = re.compile(r"(\d+) +(.*)")
CONFINED = re.compile(r'write\(2<.*handoffd\[\d+\]: confined process=(\w+) by=(?:\w+|\\"[^"]*")(.*)\\n"')
FIELD = re.compile(r'([\w-]+)=(?:\\"(.*?)\\"|(\S+))')
FORK = re.compile(r"(clone3?|v?fork)\b")

STDIO = set("""accept alarm brk clock_gettime clock_nanosleep close dup dup2 dup3 epoll_create1 epoll_ctl
    epoll_pwait epoll_wait exit exit_group fallocate fdatasync fstat fstatfs fsync ftruncate futex
    getdents64 getegid geteuid getgid getpeername getpgrp getpid getppid getrandom getsockname gettid
    gettimeofday getuid lseek madvise mprotect munmap nanosleep pipe2 poll ppoll pread64 pwrite64 read
    readv recvfrom rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigtimedwait
    sched_yield select sendto shutdown socketpair tgkill umask uname wait4 waitid write
    writev""".split())
# Calls of Linux and its C library that have no counterpart on a BSD.
LINUX = set("""arch_prctl close_range fadvise64 membarrier prctl restart_syscall rseq set_robust_list
    set_tid_address sync_file_range""".split())
# For calls that name a path: its position (and that of its folder), and the kind of access.
AT = {"openat": (0, "open"), "openat2": (0, "open"), "mkdirat": (0, "c"), "unlinkat": (0, "c"),
      "newfstatat": (0, "r"), "statx": (0, "r"), "faccessat": (0, "r"), "faccessat2": (0, "r"),
      "readlinkat": (0, "r"), "linkat": (0, "c", 2, "c"), "renameat": (0, "c", 2, "c"),
      "renameat2": (0, "c", 2, "c"), "fchmodat": (0, "w"), "fchownat": (0, "w")}
PLAIN = {"open": "open", "access": "r", "stat": "r", "lstat": "r", "statfs": "r", "readlink": "r",
         "mkdir": "c", "unlink": "c", "chdir": "r", "execve": "x"}
OF = {"r": "rpath", "w": "wpath", "c": "cpath", "x": "exec"}
IDS = {"setuid", "setgid", "setgroups", "setresuid", "setresgid", "setreuid", "setregid"}
# On a BSD, libc implements the name service; the promises getpw and dns cover it.
NSS = re.compile(r"(/usr)?/lib\d*/|/etc/(ld\.so|nsswitch|passwd|group|host|resolv|gai|services)|/var/run/nscd"
                 r"|/run/(nscd|systemd/userdb)")

Call = collections.namedtuple("Call", "text promises opens is_path_bound")


class Process:
    def __init__(self, pid, name, fields):
        self.pid = pid
        self.name = name  # "worker", "delivery", ...
        self.promises = set(fields.get("promises", "").split())
        self.unveiled = dict(reversed(each.split(":", 1)) for each in
                             fields.get("unveiled", "").split())
        self.path_bound = fields.get("path-bound", "")
        self.calls = []


def arguments(text):
    """Returns the arguments of a call as far as its line contains them."""
    parts, depth, quoted, begin = [], 0, False, 0
    for at, char in enumerate(text):
        if char == '"' and text[at - 1] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif char in "([{<":
            depth += 1
        elif char == ">" and text[at - 1] in "-=":
            continue
        elif char in ")]}>":
            if depth == 0:
                return [*parts, text[begin:at].strip()]
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[begin:at].strip())
            begin = at + 1
    return [*parts, text[begin:].strip()]


def text_of(argument):
    match = re.match(r'"(.*)"', argument)
    return match[1] if match else ""


def flags_need(flags):
    """Returns the promises that an open() needs."""
    need = "rw" if "O_RDWR" in flags else "w" if "O_WRONLY" in flags else "r"
    return need + ("c" if "O_CREAT" in flags else "")


def family(argument):
    """Returns the promise that a socket needs. socket: a descriptor as strace shows it, or a
    family."""
    if "UNIX" in argument:
        return "unix"
    if "TCP" in argument or "UDP" in argument or "AF_INET" in argument:
        return "inet"
    return "dns" if "NETLINK" in argument else "none"


def judge(name, text):
    """text: the part after the first parenthesis of the call."""
    args = arguments(text.removesuffix(" <unfinished ...>"))
    promises, opens, bound = set(), [], False
    if name in AT:
        what = AT[name]
        for place, need in zip(what[::2], what[1::2]):
            folder = re.search(r"<(.*?)(\(deleted\))?>$", args[place])
            path = text_of(args[place + 1])
            if path == "":  # AT_EMPTY_PATH: of the descriptor
                return Call(text, {"stdio"}, [], False)
            if need == "open":
                need = flags_need(text)
            bound = bound or args[place].startswith("AT_FDCWD") or path.startswith("/")
            opens.append((os.path.normpath(os.path.join(folder[1] if folder else "/?", path)), need))
    elif name in PLAIN:
        need = PLAIN[name] if PLAIN[name] != "open" else flags_need(text)
        opens, bound = [(os.path.normpath(text_of(args[0])), need)], True
    elif name == "connect":
        promises = {family(args[1])}
        path = re.search(r'sun_path="(.*?)"', args[1])
        opens = [(path[1], "w")] if path else []
        bound = True
        if path:  # a socket's file needs the promise for sockets
            return Call(text, promises, opens, bound)
    elif name in ("bind", "listen", "accept4", "setsockopt", "getsockopt", "socket"):
        promises, bound = {family(args[0])}, name in ("bind", "listen")
    elif name in ("sendmsg", "recvmsg"):
        promises = {"stdio"}
        if "SCM_RIGHTS" in text:
            promises = {"sendfd" if name == "sendmsg" else "recvfd"}
    elif name == "fcntl":
        promises = {"flock" if "LK" in args[1] else "stdio"}
    elif name == "flock":
        promises = {"flock"}
    elif name in ("chmod", "fchmod", "utimensat"):
        promises = {"fattr"}
    elif name == "fchown":
        promises = {"chown"}
    elif name == "ioctl":
        promises = {"stdio" if args[1] in ("FIONREAD", "SIOCOUTQ", "TIOCOUTQ") else "none"}
    elif name == "mmap":
        library = "PROT_EXEC" in args[2] and re.search(r"<(.*)>", args[4])
        promises = {"stdio"}
        opens = [(library[1], "r")] if library else []
    elif FORK.match(name):
        promises = {"stdio" if "CLONE_THREAD" in text else "proc"}
    elif name in ("kill", "setpgid", "setsid"):
        promises, bound = {"proc"}, name == "kill"
    elif name in ("prlimit64", "setrlimit"):
        promises = {"stdio" if name == "prlimit64" and args[2] == "NULL" else "proc"}
    elif name in IDS:
        promises = {"id"}
    elif name in STDIO:
        promises = {"stdio"}
    elif name not in LINUX:
        promises = {"none"}
    promises |= {OF[right] for _, need in opens for right in need}
    return Call(text, promises, opens, bound)


class Trace:
    def __init__(self, path):
        with open(path, encoding="utf-8", errors="replace") as lines:
            lines = [LINE.match(line).groups() for line in lines]
        self._parents = self._who_forked(lines)
        self.confined = []
        running = {}
        confined_at = {}
        for at, (pid, text) in enumerate(lines):
            said = CONFINED.match(text)
            if said:
                fields = {key: quoted or word for key, quoted, word in FIELD.findall(said[2])}
                running[pid] = Process(pid, said[1], fields)
                confined_at[pid] = at
                self.confined.append(running[pid])
                continue
            # A child that was created before its parent was confined, such as the launcher, is not
            # confined.
            parent, forked_at = self._parents.get(pid, (None, 0))
            if pid not in running and parent in running and forked_at > confined_at.get(parent, 0):
                running[pid] = running[parent]
            call = re.match(r"(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)", text)
            if pid not in running or running[pid] is None or not call:
                continue
            # If another line interrupts a call, the result is in the second half of its line.
            if text.startswith("<...") and "SCM_RIGHTS" not in text:
                continue
            running[pid].calls.append(judge(call[1], call[2])._replace(text=text[:200]))
            if call[1] == "execve":
                running[pid] = None  # from here on, the calls of another program

    @staticmethod
    def _who_forked(lines):
        parents = {}
        for at, (pid, text) in enumerate(lines):
            child = re.match(r"(?:<\.\.\. )?(?:clone3?|v?fork)\b.*= (\d+)$", text)
            if child:
                parents[child[1]] = pid, at
        return parents
