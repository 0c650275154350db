"""Delivery with a Sieve script of 20 rules: handoffd with and without it, and Dovecot with
Pigeonhole and the same script."""
import os
import shutil

import servers
from rounds import measure
from servers import Failed, Row

SCRIPT = os.path.join(servers.TOP, "t", "bench", "typical.sieve")
ROWS = [Row("4 KiB, 8 connections"), Row("4 KiB, 64 connections", connections=64),
        Row("4 KiB to 10 recipients", recipients=10), Row("100 KiB", size=100 << 10)]
WITH, PIGEONHOLE = "handoffd-scripts", "dovecot-pigeonhole"


def run(bench, disk, mailboxes):
    """All figures come from one run, in interleaved rounds."""
    script = os.path.join(bench.work, "typical.sieve")
    shutil.copy(SCRIPT, script)
    os.chmod(script, 0o644)
    chosen = [servers.Floor(mailboxes, bench.work), servers.Handoffd(mailboxes, bench.work),
              with_scripts(bench.work, mailboxes)]
    peer = servers.Peer(mailboxes, bench.work, PIGEONHOLE, "managesieve", "lmtp", "maildir")
    if why := peer.missing():
        bench.page.note(f"Not measured: {PIGEONHOLE} ({why}).")
    else:
        chosen.append(peer)
    running = []
    for server in chosen:
        try:
            server.start(disk)
            server.warm_up()
            running.append(server)
        except Failed as failure:
            bench.page.note(f"Not measured on {disk.name}: {server.name} ({failure}).")
            bench.say(str(failure))
    bench.wait_until_old()
    table = {}
    for row in ROWS:
        bench.say(f"{disk.name}: scripts, {row.title}")
        table[row] = measure(running, row, bench.args.rounds, bench.args.seconds, bench.say)
    bench.page.scripts(disk.name, table)
    for server in running:
        server.stop()


def with_scripts(work, mailboxes):
    return servers.Handoffd(mailboxes, work, ("--sieve.enabled", "yes", "--sieve.script",
                                              os.path.join(work, "typical.sieve")), WITH)
