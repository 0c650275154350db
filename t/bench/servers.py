"""The measured servers: the floor, handoffd, and the peers, with one interface.

    server.start(disk)             # on that filesystem; ready when it returns
    server.load(row, seconds)      # one run: Result
    server.clean()                 # removes its messages and keeps its mailboxes
    server.stop()
"""
import dataclasses
import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

import processes

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.environ.get("HANDOFF_PEERS") or os.path.join(TOP, "build", "peers")
BIN = os.path.join(os.environ.get("TOP_BUILDDIR", os.path.join(TOP, "build")), "t", "bench", "bin")
START = 120  # seconds


@dataclasses.dataclass(frozen=True)
class Row:
    """One workload."""
    title: str
    connections: int = 8
    recipients: int = 1
    size: int = 4096
    reconnect: bool = False
    chunking: bool = False
    messages: int = 0  # for each connection; 0: as many as possible
    mailboxes: int = 200
    pipelining: bool = True


class Failed(Exception):
    """A server did not do the work of the row."""


class Server:
    """Common to all; `process` is the root of the server's processes."""
    name = ""
    kind = "server"
    pipelining = True  # if it announces PIPELINING

    def __init__(self, mailboxes, work):
        self.mailboxes = mailboxes
        self.work = work
        self.process = None
        self.disk = None
        self.folder = None
        self.socket = None
        self.extensions = set()

    def supports(self, row):
        return not row.chunking or "CHUNKING" in self.extensions

    def prepare(self, disk):
        """Preparations before the start."""

    def start(self, disk):
        self.launch(disk)
        self.wait_until_it_listens()

    def launch(self, disk):
        """The first half of start(); the second is wait_until_it_listens(). A peer dies with the
        thread that launched it (prctl(2), PR_SET_PDEATHSIG)."""
        raise NotImplementedError

    def place(self, disk):
        return os.path.join(disk.path, self.name.replace(" ", "-"))

    def load(self, row, seconds):
        """Returns the result of the load, with the processor time and disk activity."""
        pids = processes.tree(self.process.pid)
        before, disk = processes.cpu_seconds(pids), self.disk.counters()
        result = self.send(row, seconds)
        # New processes count completely; ended ones are included in their parents.
        result["cpu"] = processes.cpu_seconds(processes.tree(self.process.pid)) - before
        return _with_disk(result, self.disk.counters() - disk)

    def send(self, row, seconds):
        """Runs the load; pipelined if the server offers it (RFC 2920)."""
        pipelining = row.pipelining and self.pipelining and "PIPELINING" in self.extensions
        return lmtpload(self.socket, dataclasses.replace(row, pipelining=pipelining), seconds)

    def warm_up(self):
        """Delivers a first message to every mailbox, which creates the mailbox on some servers."""
        row = Row("", connections=1, recipients=50, messages=-(-self.mailboxes // 50),
                  mailboxes=self.mailboxes)
        self.send(row, START)

    def wait_until_it_listens(self):
        end = time.monotonic() + START
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended: {self.tail()}")
            try:
                with socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(START)
                    client.connect(self.socket)
                    self.extensions = _lhlo(client)
                    return
            except OSError:
                time.sleep(0.05)
        raise Failed(f"{self.name} does not listen: {self.tail()}")

    def tail(self):
        try:
            with open(self.log, errors="replace", encoding="utf-8") as log:
                return log.read()[-500:]
        except OSError:
            return ""

    @property
    def log(self):
        return f"{self.socket}.log"

    def workers(self):
        return [pid for pid in processes.tree(self.process.pid)
                if processes.name(pid) == self.worker and pid != self.process.pid]


class Handoffd(Server):
    name = "handoffd"
    worker = "handoffd"

    def __init__(self, mailboxes, work, settings=(), name="handoffd", idle=64, program=None):
        """idle: the number of idle workers."""
        super().__init__(mailboxes, work)
        self.program = program or os.environ["HANDOFFD"]
        self.settings = settings
        self.name = name
        self.min_idle = idle

    def prepare(self, disk):
        """Creates its mailboxes, which must be older than a minute; otherwise each delivery syncs
        them."""
        owner = pwd.getpwnam("nobody")
        spool = self.place(disk)
        for number in range(self.mailboxes):
            for folder in ("new", "cur", "tmp"):
                os.makedirs(os.path.join(spool, "load.test", f"u{number}", folder), 0o700)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{owner.pw_uid}:{owner.pw_gid}", spool], check=True)
        self.socket = os.path.join(self.work, f"{self.name}-{disk.name}.sock")

    def launch(self, disk):
        self.disk, self.folder = disk, self.place(disk)
        self.socket = os.path.join(self.work, f"{self.name}-{disk.name}.sock")
        command = [self.program, "--foreground", "--config", "/dev/null",
                   "--hostname", "handoff.test", "--listen", f"unix:{self.socket}",
                   "--socket.mode", "0666", "--spool.path", self.folder,
                   "--control.socket", f"{self.socket}.control", "--log.to", "stderr",
                   "--workers.max", "600", "--workers.min-idle", str(self.min_idle), "--workers.max-idle", "600",
                   *self.settings]
        if os.geteuid() == 0:
            group = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
            command += ["--user", "nobody", "--group", group]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def clean(self):
        for number in range(self.mailboxes):
            _empty(os.path.join(self.folder, "load.test", f"u{number}", "new"))


class Peer(Server):
    """A server from build/peers, in a root of its own (t/interop/peer-root)."""
    kind = "peer"

    def __init__(self, mailboxes, work, name, package, worker, messages):
        """messages: the kind of message files below its folder: 'maildir', 'cyrus' or 'mbox'."""
        super().__init__(mailboxes, work)
        self.name, self.package, self.worker, self.messages = name, package, worker, messages

    def missing(self):
        done = subprocess.run([os.path.join(TOP, "t/interop/peer-root"), "--check", self.package],
                              stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.strip() or None

    def launch(self, disk):
        self.disk, self.folder = disk, self.place(disk)
        self.socket = os.path.join(self.work, f"{self.name}-{disk.name}.sock")
        environment = {**os.environ, "HANDOFF_BIND": f"{self.work}:{disk.path}:{BIN}"}
        with open(f"{self.socket}.out", "wb") as out:
            self.process = subprocess.Popen(
                [os.path.join(TOP, "t/interop/peer-root"), self.package,
                 os.path.join(TOP, "t/bench/serve"), self.name, self.folder, self.socket,
                 str(self.mailboxes), os.path.join(BIN, "inetd")],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
                start_new_session=True)

    def stop(self):
        self.process.send_signal(signal.SIGKILL)  # its namespace ends with it
        self.process.wait()

    def clean(self):
        for folder, _, files in os.walk(self.folder):
            for each in files:
                path = os.path.join(folder, each)
                if self.messages == "mbox":
                    os.truncate(path, 0)
                elif (os.path.basename(folder) == "new" if self.messages == "maildir"
                      else each.rstrip(".").isdigit()):
                    os.unlink(path)


class Floor(Server):
    """The bare sequence, which has processes only while it is measured."""
    name = "floor"
    kind = "floor"

    def __init__(self, mailboxes, work, sequence="plain"):
        super().__init__(mailboxes, work)
        self.sequence = sequence
        self.name = "floor" if sequence == "plain" else f"floor {sequence}"

    def supports(self, row):
        return not row.chunking and not row.reconnect

    def launch(self, disk):
        self.disk, self.folder = disk, self.place(disk)
        os.makedirs(self.folder)

    def wait_until_it_listens(self):
        pass

    def load(self, row, seconds):
        before = self.disk.counters()
        result = _json([os.path.join(BIN, "floor"), "--spool", self.folder, "--sequence",
                        self.sequence, "--processes", str(row.connections), "--recipients",
                        str(row.recipients), "--mailboxes", str(row.mailboxes), "--size",
                        str(row.size), "--messages", str(row.messages), "--seconds", str(seconds)])
        return _with_disk(result, self.disk.counters() - before)

    def warm_up(self):
        self.load(Row("", connections=1, messages=1, mailboxes=self.mailboxes), START)

    def clean(self):
        for number in range(self.mailboxes):
            _empty(os.path.join(self.folder, f"u{number}", "new"))

    def stop(self):
        shutil.rmtree(self.folder)


class Least(Server):
    """The protocol floor: the smallest possible server (least/), with the sequence that handoffd
    uses on the filesystem."""
    name = "least"
    worker = "least"

    def launch(self, disk):
        self.disk, self.folder = disk, self.place(disk)
        os.makedirs(self.folder)
        self.socket = os.path.join(self.work, f"{self.name}-{disk.name}.sock")
        sequence = {"ext4": "early-own", "xfs": "early-own", "btrfs": "file-twice"}.get(
            disk.name.partition("-")[0], "staging")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "least"), "--listen", f"unix:{self.socket}", "--spool", self.folder,
                 "--sequence", sequence, "--processes", "600", "--mailboxes", str(self.mailboxes)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def clean(self):
        for number in range(self.mailboxes):
            _empty(os.path.join(self.folder, f"u{number}", "new"))

    def stop(self):
        self.process.terminate()  # its children end with it
        self.process.wait()


def peers(mailboxes, work):
    found = [Peer(mailboxes, work, *each) for each in (
        ("dovecot-optimized", "dovecot", "lmtp", "maildir"),
        ("dovecot-always", "dovecot", "lmtp", "maildir"),
        ("cyrus", "cyrus", "lmtpd", "cyrus"),
        ("mail.local", "sendmail", "mail.local", "mbox"),
        ("mailutils", "mailutils", "lmtpd", "mbox"),
    )]
    # 3.15 offers PIPELINING but answers pipelined RCPTs "503 5.0.0 Syntax error": it works in
    # lock-step.
    found[-1].pipelining = False
    return found


def lmtpload(path, row, seconds):
    flags = {True: "yes", False: "no"}
    return _json([os.path.join(BIN, "lmtpload"), "--to", f"unix:{path}", "--connections",
                  str(row.connections), "--recipients", str(row.recipients), "--mailboxes",
                  str(row.mailboxes), "--size", str(row.size), "--messages", str(row.messages),
                  "--seconds", str(seconds), "--reconnect", flags[row.reconnect], "--chunking",
                  flags[row.chunking], "--pipelining", flags[row.pipelining]])


def _json(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=2 * START)
    except subprocess.TimeoutExpired as error:
        raise Failed("no end after four minutes") from error
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[:300])
    return json.loads(done.stdout)


def _with_disk(result, counters):
    result["flushes"], result["writes"] = counters.flushes, counters.writes
    result["written"] = counters.octets
    return result


def _lhlo(client):
    """Returns the keywords of the reply to LHLO; ends the session."""
    stream = client.makefile("rwb")
    stream.readline()
    stream.write(b"LHLO bench.test\r\n")
    stream.flush()
    words = set()
    while (line := stream.readline()):
        words.add(line[4:].split()[0].decode("ascii", "replace") if line[4:].split() else "")
        if line[3:4] != b"-":
            break
    stream.write(b"QUIT\r\n")
    stream.flush()
    stream.readline()
    return words


def _empty(folder):
    try:
        for entry in os.scandir(folder):
            os.unlink(entry.path)
    except FileNotFoundError:
        pass
