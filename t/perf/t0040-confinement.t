#!/usr/bin/env python3
"""Confinement costs a message no system calls: a confined worker makes the same ones as a worker
that is not confined. Processor time is printed but not compared, because it varies."""
import collections
import os
import platform
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import perf
import shim
import tracing
from control import workers
from handoffd import Handoffd, is_sanitized
from lmtp import Lmtp
from scratch import Scratch
from tap import diag, done, is_, skip_all

# The process believes that its filter is in effect, and that the kernel has no Landlock. Unlike
# t/lib/no_landlock.c this needs no filter, which would slow down each system call.
UNCONFINED = r"""
#include <errno.h>
#include <stdarg.h>
int seccomp_load(void* filter) { return filter ? 0 : -1; }
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  if (number >= 444 && number <= 446) {
    errno = ENOSYS;
    return -1;
  }
  register long r10 __asm__("r10") = a[3];
  register long r8 __asm__("r8") = a[4];
  register long r9 __asm__("r9") = a[5];
  long result;
  __asm__ volatile("syscall" : "=a"(result)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}
"""
PAT = "pat@good.test"
MESSAGE = b"Subject: fixed\r\n\r\n" + perf.LINE * 50 + b"."
MESSAGES, ROUNDS = 1000, 5
TIMED = {"rt_sigprocmask", "fstatfs", "fcntl"}  # whose number depends on the time that passes

if is_sanitized():
    skip_all("a build with sanitizers is not confined")
if why := tracing.missing() or shim.missing():
    skip_all(why)
if platform.machine() != "x86_64":
    skip_all("the shim makes system calls of x86-64")
scratch = Scratch()
os.chmod(scratch.path, 0o755)
LIBRARY = os.path.join(scratch.path, "unconfined.so")
subprocess.run(["cc", "-shared", "-fPIC", "-o", LIBRARY, scratch.file("unconfined.c", UNCONFINED)],
               check=True)
unconfined = {"LD_PRELOAD": LIBRARY}


def counted(session, messages, options):
    """Returns {call: number} for the worker that serves a session of this many messages."""
    trace = os.path.join(session.scratch.path, "trace")
    session.serve(["strace", "-f", *options, "-o", trace], messages)
    with open(trace, encoding="utf-8", errors="replace") as lines:
        told = [line.split(maxsplit=1) for line in lines]
    worker = next(pid for pid, event in told if "sender@example" in event)
    calls = (re.match(r"(\w+)\(", event) for pid, event in told if pid == worker)
    return collections.Counter(call[1] for call in calls if call)


def cost(options):
    session = perf.Session()
    found = perf.per_message(lambda messages: counted(session, messages, options))
    session.remove()
    return {name: round(number) for name, number in found.items()
            if round(number) and name not in TIMED}


is_(cost([]), cost(["-E", f"LD_PRELOAD={LIBRARY}"]), "a_confined_worker_makes_the_same_system_calls")


def speak(client, messages):
    for _ in range(messages):
        client.send(f"MAIL FROM:<sender@example.org>\r\nRCPT TO:<{PAT}>\r\nDATA\r\n".encode())
        assert [reply.code for reply in client.replies(3)] == [250, 250, 354]
        assert client.command(MESSAGE).code == 250


def ticks(pid):
    """Returns the processor time of a process, in nanoseconds."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def measured(environment, by):
    """Returns the processor time of a worker for a message, in microseconds."""
    settings = {"workers.max": 1, "workers.min-idle": 1, "log.level": "debug"}
    with Handoffd(settings, environment=environment) as daemon:
        daemon.mailbox(PAT)
        daemon.wait_for(f'process=worker by="?{by}')
        worker, = workers(daemon)
        with Lmtp(daemon.unix, timeout=120) as client:
            client.command("LHLO me")
            speak(client, 20)
            before = ticks(worker)
            speak(client, MESSAGES)
            return (ticks(worker) - before) / MESSAGES / 1000


found = [[measured(*how) for how in (({}, "landlock"), (unconfined, "seccomp"))]
         for _ in range(ROUNDS)]
confined, free = zip(*found)
diag(f"processor time for a message: {min(confined):.1f} to {max(confined):.1f} us, without confinement "
     f"{min(free):.1f} to {max(free):.1f} us")
done()
