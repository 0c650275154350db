"""How throughput grows: curves against connections, recipients, mailboxes and the messages that a mailbox
holds, each point in interleaved rounds. Drawn by gnuplot, out of its own packages
(`contrib/peers gnuplot`); without it there are the tables alone."""
import os
import shutil
import subprocess
import time

import servers
from rounds import measure
from servers import Failed, Row

DISK = "xfs"  # makes inodes as it needs them: 100,000 mailboxes fit
CONNECTIONS = [1, 4, 16, 64, 256, 512]
RECIPIENTS = [1, 10, 100, 1000]
MAILBOXES = [10, 1000, 100000]
FILLED = [0, 10000, 200000]
YOUNG = 61  # seconds; handoffd syncs a younger mailbox with each delivery
LINKS = 30000  # to one file; filesystems have limits


def run(bench):
    disk = next((each for each in bench.disks if each.name == DISK), bench.disks[-1])
    handoffd = servers.Handoffd(max(MAILBOXES), bench.work, (), "grown")
    bench.say(f"{disk.name}: making {max(MAILBOXES)} mailboxes")
    handoffd.prepare(disk)
    floor = Shared(max(MAILBOXES), bench.work, handoffd)
    taking_part = [floor, handoffd]
    for server in taking_part:
        server.start(disk)
    old = time.monotonic() + YOUNG
    if dovecot := next((each for each in bench.chosen() if each.name == "dovecot-optimized"), None):
        dovecot.mailboxes = 1000
        try:
            dovecot.start(disk)
            dovecot.warm_up()
            taking_part.append(dovecot)
        except Failed as failure:
            bench.say(str(failure))
    time.sleep(max(0, old - time.monotonic()))
    bench.page.heading(f"""## Growth

Messages a second on {disk.name}, median of {bench.args.rounds} rounds; the floor delivers to handoffd's
own mailboxes. What is not varied: 8 connections, 1 recipient, 4 KiB, 1,000 mailboxes.
""")
    plot(bench, taking_part, "connections", "Throughput against connections",
         [(each, Row("", connections=each, mailboxes=1000)) for each in CONNECTIONS])
    plot(bench, taking_part, "recipients", "Throughput against recipients of a message",
         [(each, Row("", recipients=each, mailboxes=1000)) for each in RECIPIENTS])
    plot(bench, [floor, handoffd], "mailboxes", "Throughput against mailboxes",
         [(each, Row("", mailboxes=each)) for each in MAILBOXES])
    filled = []
    source = 0
    for number in FILLED:
        def fill(number=number):
            nonlocal source
            source = fill_mailbox(handoffd, source, number)
        filled.append((number, Row("", mailboxes=1, connections=1), fill))
    plot(bench, [floor, handoffd], "filled", "Throughput against messages in the one mailbox", filled)
    for server in taking_part[1:]:
        server.stop()


class Shared(servers.Floor):
    """The floor in the mailboxes of a handoffd."""

    def __init__(self, mailboxes, work, owner):
        super().__init__(mailboxes, work)
        self.owner = owner

    def start(self, disk):
        self.disk = disk
        self.folder = os.path.join(self.owner.place(disk), "load.test")


def fill_mailbox(server, have, want):
    """Puts `want` messages into mailbox u0, in place of those that were delivered; returns that."""
    new = os.path.join(server.folder, "load.test", "u0", "new")
    for number in range(have, want):
        path = os.path.join(new, f"1.M{number}.filled")
        if number % LINKS == 0:
            with open(path, "wb") as file:
                file.write(b"Subject: filling\n\n")
        else:
            os.link(os.path.join(new, f"1.M{number - number % LINKS}.filled"), path)
    server.disk.settle()
    return max(have, want)


def plot(bench, taking_part, name, title, points):
    lines, middles = [], []
    for value, row, *before in points:
        bench.say(f"curve: {title}: {value}")
        for each in before:
            each()
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
