"""Measures how throughput grows with connections, recipients, mailboxes and the messages that a
mailbox holds; each point is measured in interleaved rounds. gnuplot (`contrib/peers gnuplot`) draws
the curves; without it only the tables are printed."""
import os
import shutil
import subprocess
import time

import servers
from rounds import measure
from servers import Failed, Row

SLOW = "ext4-flush-2ms"  # connections wait for the disk and not for a processor
ROOMY = "xfs"  # creates inodes on demand, so 100,000 mailboxes fit
CONNECTIONS = [1, 4, 16, 64, 256, 512]
RECIPIENTS = [1, 10, 100, 1000]
MAILBOXES = [10, 1000, 100000]
FILLED = [0, 10000, 200000]
YOUNG = 61  # seconds; handoffd syncs a younger mailbox with each delivery
LINKS = 30000  # links to one file; filesystems limit their number


def run(bench):
    bench.page.heading(f"""## Growth

Messages a second, medians of {bench.args.rounds} rounds; the floor delivers to handoffd's own
mailboxes. What is not varied: 8 connections, 1 recipient, 4 KiB, 1,000 mailboxes.
""")
    disk = named(bench, SLOW) or bench.disks[0]
    taking_part = started(bench, disk, 1000)
    if dovecot := next((each for each in bench.chosen() if each.name == "dovecot-optimized"), None):
        dovecot.mailboxes = 1000
        try:
            dovecot.start(disk)
            dovecot.warm_up()
            taking_part.append(dovecot)
        except Failed as failure:
            bench.say(str(failure))
    time.sleep(YOUNG)
    plot(bench, taking_part, "connections", f"Throughput against connections, on {disk.name}",
         [(each, Row("", connections=each, mailboxes=1000)) for each in CONNECTIONS])
    plot(bench, taking_part, "recipients", f"Throughput against recipients, on {disk.name}",
         [(each, Row("", recipients=each, mailboxes=1000)) for each in RECIPIENTS])
    for server in taking_part[1:]:
        server.stop()

    disk = named(bench, ROOMY) or bench.disks[-1]
    taking_part = started(bench, disk, max(MAILBOXES))
    time.sleep(YOUNG)
    plot(bench, taking_part, "mailboxes", f"Throughput against mailboxes, on {disk.name}",
         [(each, Row("", mailboxes=each)) for each in MAILBOXES])
    plot(bench, taking_part, "filled",
         f"Throughput against messages in the one mailbox, on {disk.name}",
         [(each, Row("", mailboxes=1, connections=1)) for each in FILLED],
         before=Filling(taking_part[1]))
    for server in taking_part[1:]:
        server.stop()


def named(bench, name):
    return next((each for each in bench.disks if each.name == name), None)


def started(bench, disk, mailboxes):
    """Returns the floor and a handoffd on the same mailboxes."""
    bench.say(f"{disk.name}: making {mailboxes} mailboxes")
    handoffd = servers.Handoffd(mailboxes, bench.work, (), "grown")
    handoffd.prepare(disk)
    floor = Shared(mailboxes, bench.work, handoffd)
    for server in (floor, handoffd):
        server.start(disk)
    return [floor, handoffd]


class Shared(servers.Floor):
    """The floor in the mailboxes of a handoffd."""

    def __init__(self, mailboxes, work, owner):
        super().__init__(mailboxes, work)
        self.owner = owner

    def launch(self, disk):
        self.disk = disk
        self.folder = os.path.join(self.owner.place(disk), "load.test")


class Filling:
    """Adds messages to the mailbox u0 until it has this many."""

    def __init__(self, server):
        self.server = server
        self.have = 0

    def __call__(self, want):
        new = os.path.join(self.server.folder, "load.test", "u0", "new")
        for number in range(self.have, want):
            path = os.path.join(new, f"1.M{number}.filled")
            if number % LINKS == 0:
                with open(path, "wb") as file:
                    file.write(b"Subject: filling\n\n")
            else:
                os.link(os.path.join(new, f"1.M{number - number % LINKS}.filled"), path)
        self.have = want
        self.server.disk.settle()


def plot(bench, taking_part, name, title, points, before=lambda value: None):
    lines, middles = [], []
    for value, row in points:
        bench.say(f"curve: {title}: {value}")
        before(value)
        cells = measure(taking_part, row, bench.args.rounds, bench.args.seconds, bench.say)
        spreads = [cells[each.name].spread("rate") for each in taking_part]
        lines.append([f"{value:,}", *(spread.text("{:.1f}") if spread else "failed"
                                      for spread in spreads)])
        middles.append([max(value, 0.5), *(spread.median if spread else "?" for spread in spreads)])
    names = ["handoffd" if each.name == "grown" else each.name for each in taking_part]
    path = os.path.join(bench.work, f"performance-{name}.svg")
    try:
        draw(path, title, name, names, middles)
    except (OSError, subprocess.CalledProcessError) as error:
        bench.page.note(f"No plot of {name}: {error}.")
        path = None
    bench.page.plot(title, path, [name, *names], lines)


def draw(path, title, name, names, lines):
    program, environment = gnuplot()
    data = "\n".join(" ".join(str(each) for each in line) for line in lines)
    series = ", ".join(f"$data using 1:{number} with linespoints title '{each}'"
                       for number, each in enumerate(names, 2))
    script = f"""
set terminal svg size 720,400 background rgb 'white'
set output '{path}'
set title "{title}"
set xlabel '{name}'
set ylabel 'messages/s'
set logscale xy
set grid
set key outside right
$data << END
{data}
END
plot {series}
"""
    subprocess.run([program, "-"], input=script, text=True, check=True, env=environment)


def gnuplot():
    """Returns the program and the environment it runs in."""
    if found := shutil.which("gnuplot"):
        return found, os.environ
    root = os.path.join(servers.PEERS, "gnuplot", "usr")
    libraries = [where for where, _, names in os.walk(os.path.join(root, "lib"))
                 if any(".so" in each for each in names)]
    return (os.path.join(root, "bin", "gnuplot-nox"),
            {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)})
