#!/usr/bin/env python3
"""L5, L12, F26: workers, filter processes, the sender and the whole server are killed while scripts
store several copies, set flags, redirect and reply, and clients disconnect before they have read
their replies. Each message that was answered with 250 has each of its copies once, and each of its
redirects is sent. A reply is sent at most once, and nothing is left in the queue.

KILL_ROUNDS: rounds of each kind (3)."""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import plans
import shim
import tap
from control import workers
from fake_sendmail import Sendmail, outgoing, wait
from handoffd import Handoffd, program
from processes import children, descendants, titled
from retries import Sender, cut, kill, kill_all
from scratch import Scratch
from tap import diag, empty, is_, ok

ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))
CLIENTS = 4

random.seed(5228)


def kill_worker(daemon):
    kill(random.sample(workers(daemon), 1))


def kill_filter(daemon):
    kill(random.sample(titled(descendants(daemon.pid), "filter"), 1))


def kill_sender(daemon):
    kill(titled(children(daemon.pid), "sender"))


def run(daemon, mail, kind, trouble, *, transfer=None, wanted=12, sent_once=True):
    """sent_once: the sender is not killed, so that it sends nothing again."""
    stop = threading.Event()
    senders = [Sender(daemon.tcp if n % 2 else daemon.unix, f"{kind}-{n}", plans.USERS, stop, transfer,
                      plans.text) for n in range(CLIENTS)]
    for sender in senders:
        sender.start()
    for turn in range(1, ROUNDS + 1):
        end = time.monotonic() + 30
        while sum(len(each.acknowledged) for each in senders) < turn * wanted and \
                time.monotonic() < end:
            time.sleep(0.001)
        trouble(daemon)
    stop.set()
    for sender in senders:
        sender.join(90)
    sent = wait(lambda: not outgoing(daemon.spool))
    acknowledged = [each[:2] for sender in senders for each in sender.acknowledged]
    if sent_once:  # a reply leaves the queue before the program runs
        wait(lambda: not plans.look(daemon, mail).missing(acknowledged, ("redirect", "reply")), 60)
    outcome = plans.look(daemon, mail)
    diag(f"{kind}: {ROUNDS} rounds, {sum(each.tries for each in senders)} tries, "
         f"{len(acknowledged)} acknowledged, {sum(outcome.sent.values())} sent in all")
    empty([each.fault for each in senders if each.fault], f"{kind}: every message is answered")
    ok(len(acknowledged) >= ROUNDS, f"{kind}: mail was acknowledged")
    ok(sent, f"{kind}: nothing stays in the queue")
    empty(outcome.missing(acknowledged), f"{kind}: all copies and redirects of a 250 are there L5 F26")
    empty(outcome.twice, f"{kind}: no copy exists twice L12")
    empty(outcome.sent_twice("reply"), f"{kind}: no reply is sent twice F29")
    if sent_once:
        empty(outcome.sent_twice("redirect"), f"{kind}: no redirect is sent twice L12")
        empty(outcome.missing(acknowledged, ("redirect", "reply")), f"{kind}: every reply is sent")
    empty(outcome.damaged, f"{kind}: no copy is short or has the wrong flags L5")


def run_all(daemon, mail, prefix=""):
    run(daemon, mail, prefix + "kill-worker", kill_worker)
    run(daemon, mail, prefix + "kill-filter", kill_filter)
    run(daemon, mail, prefix + "cut", lambda _: None, transfer=cut)
    run(daemon, mail, prefix + "kill-sender", kill_sender, sent_once=False)
    run(daemon, mail, prefix + "kill-all", kill_all, sent_once=False)
    is_(daemon.stop(), 0, f"{prefix}the_server_exits_with_0")
    empty(daemon.staged(), f"{prefix}nothing stays in staging")


def play(prefix, environment=None):
    scratch = Scratch()
    mail = Sendmail(scratch)
    daemon = Handoffd({"workers.min-idle": str(CLIENTS), "recipients.max-concurrent": "0",
                       "sieve.enabled": "yes", "sieve.sendmail": mail.path}, tcp=True, scratch=scratch,
                      start=False, environment=environment(scratch) if environment else None)
    try:
        for user in plans.USERS:
            daemon.mailbox(user)
        plans.write_scripts(daemon)
        daemon.start()
        run_all(daemon, mail, prefix)
    finally:
        if daemon.running:
            daemon.stop()
        scratch.remove()


def old_mailboxes(scratch):
    """The directory of an old mailbox is not synced."""
    rule = scratch.file("rule", "none none 0")
    os.chmod(rule, 0o644)
    return shim.preload("t/crash/call_shim.c", scratch, SHIM_RULE=rule, SHIM_OLD="1")


if not os.path.exists(os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")):
    ok(True, "a_build_without_sieve_runs_no_scripts")
    tap.done()
    sys.exit(0)
if not os.path.exists("/proc/self/task") or not hasattr(os, "pidfd_open"):
    tap.skip_all("needs Linux")
play("")
if not shim.missing():
    play("old-", old_mailboxes)
tap.done()
