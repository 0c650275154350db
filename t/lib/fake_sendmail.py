"""A program that takes the place of sendmail(1), and the queue of outgoing messages.

    mail = Sendmail(scratch)
    Handoffd({"sieve.enabled": "yes", "sieve.sendmail": mail.path}, scratch=scratch)
    mail.fail()                      # from now on it fails; hang(), work(), refuse(recipient)
    mail.wait_for(2)                 # [(arguments, input), ...] of the successful runs, at least two
    queue(daemon.spool, "X", sender, [recipients], head, message)
"""
import json
import os
import time

PROGRAM = """#!/usr/bin/env python3
import json, os, sys, time
base = {base!r}
octets = sys.stdin.buffer.read()
number = len(os.listdir(base + "/runs"))
open(base + "/runs/%d.%d" % (number, os.getpid()), "w").close()
while os.path.exists(base + "/hang"):
    time.sleep(0.05)
if os.path.exists(base + "/refuse") and open(base + "/refuse").read() in sys.argv:
    print("no such user")
    sys.exit(67)
if os.path.exists(base + "/fail"):
    print("no relay")
    sys.exit(75)
name = base + "/sent/%f.%d" % (time.time(), os.getpid())
with open(name + ".new", "w") as file:
    json.dump([sys.argv[1:], octets.decode("latin-1")], file)
os.rename(name + ".new", name)
"""


class Sendmail:
    def __init__(self, scratch):
        self.base = os.path.join(scratch.path, "sendmail")
        for name in "", "runs", "sent":
            os.mkdir(os.path.join(self.base, name))
            os.chmod(os.path.join(self.base, name), 0o777)
        self.path = os.path.join(self.base, "sendmail")
        with open(self.path, "w", encoding="ascii") as file:
            file.write(PROGRAM.format(base=self.base))
        os.chmod(self.path, 0o755)

    def _set(self, name, on):
        path = os.path.join(self.base, name)
        if on:
            with open(path, "w", encoding="ascii"):
                pass
        elif os.path.exists(path):
            os.unlink(path)

    def fail(self):
        self._set("fail", True)
        self._set("hang", False)

    def hang(self):
        self._set("hang", True)

    def work(self):
        self._set("fail", False)
        self._set("hang", False)

    def refuse(self, recipient):
        """From now on it refuses mail for that recipient (EX_NOUSER); None: for nobody."""
        path = os.path.join(self.base, "refuse")
        if recipient:
            with open(path + ".new", "w", encoding="ascii") as file:
                file.write(recipient)
            os.chmod(path + ".new", 0o644)
            os.rename(path + ".new", path)
        elif os.path.exists(path):
            os.unlink(path)

    def runs(self):
        return len(os.listdir(os.path.join(self.base, "runs")))

    def sent(self):
        folder = os.path.join(self.base, "sent")
        out = []
        for name in sorted(name for name in os.listdir(folder) if not name.endswith(".new")):
            with open(os.path.join(folder, name), encoding="ascii") as file:
                out.append(tuple(json.load(file)))
        return out

    def wait_for_runs(self, number, seconds=120):
        return wait(lambda: self.runs() >= number, seconds)

    def wait_for(self, number, seconds=120):
        wait(lambda: len(self.sent()) >= number, seconds)
        return self.sent()


def wait(condition, seconds=120):
    """Waits until condition() is true; returns whether it became true."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def outgoing(spool):
    """Returns the files in the queue."""
    folder = os.path.join(spool, ".handoff", "outgoing")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def netstrings(*parts):
    octets = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"".join(b"%d:%s," % (len(part), part) for part in octets)


def queue(spool, name, sender, recipients, *, kind="redirect", head="", message=None, text=None,
          state="ready", record="X,P=0", created=None):
    """Puts a message into the queue, as a delivery does. message: a redirected message; text: a
    message that the envelope contains."""
    folder = os.path.join(spool, ".handoff", "outgoing")
    owner = os.stat(spool)
    for path in os.path.dirname(folder), folder:
        if not os.path.isdir(path):
            os.mkdir(path, 0o700)
            os.chown(path, owner.st_uid, owner.st_gid)
    rest = ["text", text] if text is not None else ["link"]
    envelope = netstrings("handoff outgoing 1", kind, int(created or time.time()), record, sender,
                          len(recipients), *recipients, head, *rest)
    # The sender deletes what a process that has ended has not queued completely: names that it does
    # not know, and a message without an envelope. So files are written elsewhere, and the envelope is
    # first that of a message that was given up.
    files = [(f"{name},failed", envelope)]
    if message is not None:
        files.append((name, message))
    for file, octets in files:
        begun = os.path.join(spool, file)
        with open(begun, "wb") as out:
            out.write(octets)
        os.chmod(begun, 0o600)
        os.chown(begun, owner.st_uid, owner.st_gid)
        os.rename(begun, os.path.join(folder, file))
    os.rename(os.path.join(folder, f"{name},failed"), os.path.join(folder, f"{name},{state}"))
