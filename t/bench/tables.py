"""Measures recipients.lookup = file: with a million lines: the time to load the file, and the
memory of a worker."""
import json
import os
import subprocess
import time

import processes
import servers
from rounds import Spread

LINES = 1000000
WORKERS = 20
ROUNDS = 5


def run(bench):
    tables = {lines: _table(bench.work, lines) for lines in (1, LINES)}
    loads = [_load(tables[LINES]) for _ in range(ROUNDS)]
    reloads, shares, own = {lines: [] for lines in tables}, {}, {}
    running = {lines: _started(bench, lines, path) for lines, path in tables.items()}
    try:
        for _ in range(ROUNDS):
            for lines, server in running.items():
                reloads[lines].append(_reload(server))
        for lines, server in running.items():
            workers = _when_there(server)
            shares[lines] = processes.pss(workers)
            own[lines] = [processes.private(pid) for pid in workers]
    finally:
        for server in running.values():
            server.stop()
    bench.page.tables(LINES, os.path.getsize(tables[LINES]),
                      [Spread([load[key] for load in loads]) for key in ("seconds", "cpu")],
                      {lines: (Spread(reloads[lines]), Spread(shares[lines]), Spread(own[lines]))
                       for lines in tables})


def _table(work, lines):
    path = os.path.join(work, f"recipients-{lines}")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"user{number}@example{number % 1000}.org mailbox=example/{number} quota=1G\n"
                        for number in range(lines))
    return path


def _load(path):
    """Turns the text into a table in a separate process; returns {'seconds': 1.2, 'cpu': 1.1,
    ...}"""
    done = subprocess.run([os.path.join(servers.BIN, "table"), "--file", path],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _started(bench, lines, path):
    server = servers.Handoffd(1, bench.work, ("--recipients.lookup", f"file:{path}"),
                              f"table-{lines}", WORKERS)
    server.prepare(bench.disks[-1])
    server.start(bench.disks[-1])
    with open(f"{server.socket}.conf", "w", encoding="ascii") as file:
        file.write(f"control.socket = {server.socket}.control\n")
    return server


def _reload(server):
    """Reloads; returns the seconds until the configuration is in effect."""
    begun = time.monotonic()
    subprocess.run([os.environ["HANDOFFCTL"], "-c", f"{server.socket}.conf", "reload"], check=True,
                   stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def _when_there(server):
    """Waits until all workers of the last reload run, and returns them."""
    end = time.monotonic() + servers.START
    while len(found := server.workers()) < WORKERS and time.monotonic() < end:
        time.sleep(0.1)
    return found
