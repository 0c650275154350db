#!/usr/bin/env python3
"""ps shows what each process of the server does, including the processes beside a worker."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from control import until
from handoffd import free_port
from lmtp import Lmtp
from owners import Owners
from tap import diag, done, ok

if not os.path.exists("/proc/self/cmdline"):
    tap.skip_all("titles are tested on Linux")
if os.geteuid() != 0:
    tap.skip_all("only root delivers as other users")


def titles(daemon):
    """Returns what ps prints for the master and its descendants, without the name of the
    program."""
    listing = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    family, found = {daemon.pid}, []
    while True:
        new = {int(pid) for pid, parent, *_ in rows if int(parent) in family} - family
        if not new:
            break
        family |= new
    for pid, _, *arguments in rows:
        if int(pid) in family and arguments:
            found.append(arguments[0].partition(": ")[2].strip())
    return found


owners = Owners()
pat = owners.add("pat", 61001)
# A lookup that asks a server has a process of its own. The file is searched first and contains
# everybody.
where = f"socketmap:unix:{owners.scratch.path}/none.sock:m"
with owners.handoffd({"http.listen": str(free_port()),
                      "recipients.lookup": [f"file:{owners.table}", where]}) as daemon:
    wanted = {f"master, {daemon.path}", "status, control socket", "status, http", "lookup",
              "delivery", "worker, idle", "worker, serving local"}
    with Lmtp(daemon.unix) as client:
        client.command("LHLO client.test")
        try:
            until(lambda: wanted <= set(titles(daemon)), "a title for each")
        except TimeoutError:
            diag(titles(daemon))
        shown = set(titles(daemon))
        for title in sorted(wanted):
            ok(title in shown, f"ps shows \"{title.partition(' /')[0]}\"")
        ok(all(shown), "no process is without a title")
    ok(until(lambda: "worker, serving local" not in titles(daemon), "idle again"),
       "a worker is idle again after its client")
done()
