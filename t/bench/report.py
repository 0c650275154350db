"""The page that a benchmark prints: Markdown that contains only measurements of this run."""
import shlex
import sys
import time

from rounds import Spread


BEFORE = "handoffd before"  # the name of the other build that --before adds


def _ratio(cell, other=None):
    if cell is None:
        return "–"
    spread = cell.ratio(other)
    return spread.text() if spread else "failed"


def _table(heads, lines):
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads),
                      *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


class Page:
    def __init__(self):
        self.parts = []
        self.notes = []
        self.plots = []
        self.cost = {}

    def text(self):
        notes = "".join(f"- {note}\n" for note in dict.fromkeys(self.notes))
        if notes:
            self._add(f"## Notes\n\n{notes}")
        return "\n".join(self.parts)

    def _add(self, text):
        """The text is printed immediately, so that progress is visible."""
        self.parts.append(text)
        print(text, flush=True)

    def note(self, text):
        self.notes.append(text)

    def machine(self, title, kernel, processor, processors, memory, versions):
        peers = ", ".join(f"{name} {version}" for name, version in versions.items())
        self._add(f"""# {title}

Printed by `make bench BENCH='{shlex.join(sys.argv[1:])}'`
on {time.strftime('%Y-%m-%d')}: {processor}, {processors} processors, {memory} GiB, Linux {kernel}.
Peers: {peers or 'none'}.

The filesystems are images on this machine's disk, mounted through loop devices. NAME-flush-2ms is NAME on
a disk in memory that performs one flush at a time, in 2 ms each: there the disk is the bottleneck, not the
processors.
""")

    def floor(self):
        self._add("""Throughput is given as a share of the *floor*: the bare system calls that make a message durable
(create, write, fsync, rename, fsync directory; as many processes as there are connections; no
protocol), on the same filesystem in the same round. Each cell is the median of the rounds (lowest to
highest). Unless the row says otherwise, 8 connections, pipelined and kept open, send messages of 4 KiB to
one recipient each, in 200 mailboxes. `least` is the least LMTP server that can exist: the same octets over the
same socket, fixed replies, the sequence of system calls that handoffd uses on the filesystem, and nothing else.
""")

    def scripts(self, disk, table):
        lines = []
        for row, cells in table.items():
            plain, ours, theirs = (cells.get(name) for name in
                                   ("handoffd", "handoffd-scripts", "dovecot-pigeonhole"))
            rates = [cell and cell.spread("rate") for cell in (plain, ours, theirs)]
            lines.append([row.title, *(rate.text("{:.0f}") if rate else "–" for rate in rates),
                          _ratio(ours, plain) if plain else "–", _ratio(ours, theirs) if theirs else "–"])
            for name, cell in cells.items():
                for failure in dict.fromkeys(cell.failures):
                    self.note(f"{name} on {disk}, {row.title}: {failure}")
        self._add(f"## Sieve scripts, {disk}\n\nEvery recipient has the script `t/bench/typical.sieve` with 20 rules, "
                  "none of which applies. Messages per second, and in the last two columns the ratio of both in the "
                  "same round.\n\n" +
                  _table(["", "handoffd", "handoffd with the script", "Dovecot with the script",
                          "with / without", "handoffd / Dovecot"], lines))

    def rows(self, disk, servers, table):
        names = [each.name for each in servers if each.kind != "floor"]
        lines = []
        for row, cells in table.items():
            floor = cells["floor"].spread("rate")
            lines.append([row.title, floor.text("{:.0f}") if floor else "failed",
                          *(_ratio(cells.get(name)) for name in names)])
            for name, cell in cells.items():
                self.cost.setdefault(row.title, {})[disk, name] = cell
                for failure in dict.fromkeys(cell.failures):
                    self.note(f"{name} on {disk}, {row.title}: {failure}")
        self._add(f"## {disk}\n\n" + _table(["", "floor, messages/s", *names], lines))
        if {"handoffd", "least"} <= set(names):
            lines = [[row.title, _ratio(cells["handoffd"], cells["least"])]
                     for row, cells in table.items()]
            self._add(f"handoffd as a share of `least`, on {disk}:\n\n" + _table(["", "share"], lines))
        if BEFORE in names:
            lines = [[row.title, _ratio(cells["handoffd"], cells[BEFORE])]
                     for row, cells in table.items()]
            self._add(f"handoffd relative to {BEFORE} on {disk}:\n\n" + _table(["", "ratio"], lines))
        self._costs(disk, ["floor", *names], table)

    def _costs(self, disk, names, table):
        lines = []
        for row, cells in table.items():
            cpu = []
            for name in names:
                spread = cells[name].per_message("cpu") if name in cells else None
                cpu.append(f"{spread.median * 1000:.2f}" if spread else "–")
            lines.append([row.title, *cpu])
        self._add(f"Seconds of processor time for 1,000 messages on {disk} (user and system, "
                          "the server's processes):\n\n" + _table(["", *names], lines))
        self._disk_work(disk, names, table)
        lines = []
        for row, cells in table.items():
            line = [row.title]
            for name in names:
                cell = cells.get(name)
                middle = cell.spread("p50") if cell else None
                high = cell.spread("p99") if cell else None
                line.append(f"{middle.median:.1f} / {high.median:.1f}" if middle else "–")
            lines.append(line)
        self._add(f"Milliseconds from the final dot to the last reply on {disk}, p50 / p99 (of "
                          "the floor: the whole sequence):\n\n" + _table(["", *names], lines))

    def _disk_work(self, disk, names, table):
        lines = []
        for row, cells in table.items():
            line = [row.title]
            for name in names:
                cell = cells.get(name)
                flushes = cell.per_message("flushes") if cell else None
                writes = cell.per_message("writes") if cell else None
                octets = cell.per_message("written") if cell else None
                line.append(f"{flushes.median:.2f} / {writes.median:.1f} / "
                            f"{octets.median / 1024:.0f}" if flushes else "–")
            lines.append(line)
        if any(cell.results and any(each and each["writes"] for each in cell.results)
               for cells in table.values() for cell in cells.values()):
            self._add(f"Requests to the disk per message on {disk}: flushes / writes / "
                              "KiB written:\n\n" + _table(["", *names], lines))

    def sequences(self, disk, floors, says, table):
        names = [each.name for each in floors]
        heads = ["sequence", *(row.title for row in table), "flushes / writes per message, 8 x 1"]
        lines = []
        for floor in floors:
            line = [f"`{floor.sequence}`: {says[floor.sequence]}"]
            for cells in table.values():
                cell = cells[floor.name]
                rate = cell.spread("rate")
                line.append(f"{rate.text('{:.0f}')}/s" if rate and floor.name == "floor"
                            else _ratio(cell))
            for row, cells in table.items():
                if row.connections == 8 and row.recipients == 1:
                    flushes = cells[floor.name].per_message("flushes")
                    writes = cells[floor.name].per_message("writes")
                    line.append(f"{flushes.median:.2f} / {writes.median:.1f}" if flushes else "–")
            lines.append(line)
        assert names
        self._add(f"## Sequences on {disk}\n\nWays to make a message durable, as shares of the "
                          "plain one:\n\n" + _table(heads, lines))

    def sizes(self, disk, table):
        lines = []
        for row, cells in table.items():
            line = [row.title]
            for name in ("handoffd", "floor"):
                cell = cells.get(name)
                for key in ("p50", "p99"):
                    spread = cell.spread(key) if cell else None
                    line.append(spread.text("{:.1f}") if spread else "–")
            lines.append(line)
        self._add(
            f"## From dot to reply on {disk}\n\nMilliseconds, by size, with one connection (of the "
            "floor: the whole sequence, including writing):\n\n" + _table(
                ["", "handoffd p50", "p99", "floor p50", "p99"], lines))

    def calls(self, counts):
        lines = []
        for (name, recipients), calls in counts.items():
            most = sorted(calls.items(), key=lambda each: -each[1])
            syncs = sum(number for call, number in calls.items()
                        if "sync" in call and call != "rt_sigprocmask")
            lines.append([name, str(recipients), f"{sum(calls.values()):.1f}", f"{syncs:.1f}",
                          " ".join(f"{call} {number:.3g}" for call, number in most if number > 0.05)])
        self._add("## System calls per message\n\nMeasured by strace, on a kept connection with pipelining:\n\n"
                          + _table(["server", "recipients", "calls", "syncs", "which"], lines))

    def memory(self, sizes, many):
        lines = []
        for name, each in sizes.items():
            lines.append([name, str(len(each)),
                          f"{sum(each) / len(each) / 2**20:.2f}" if each else "–",
                          f"{max(each) / 2**20:.2f}" if each else "–"])
        self._add("## Memory\n\nPSS of a worker, in MiB, with 8 busy connections:\n\n" +
                          _table(["server", "workers", "mean", "most"], lines))
        self._add(f"handoffd with {len(many) - 1} idle workers: {sum(many) / 2**20:.0f} MiB "
                          f"PSS in all, {sum(many) / len(many) / 2**20:.2f} MiB each.\n")

    def tables(self, lines, octets, loads, costs):
        """costs: {lines: (seconds of a reload, PSS of the workers, their private memory)}"""
        rows = [[f"{each:,} line{'s' if each > 1 else ''}", reload.text(),
                 *(Spread([value / 1024 for value in (size.low, size.median, size.high)]).text("{:.0f}")
                   for size in sizes)] for each, (reload, *sizes) in costs.items()]
        self._add(f"""## A table of {lines:,} recipients

A file for `recipients.lookup = file:` with {lines:,} lines, {octets / 2**20:.0f} MiB, is read, checked and
converted to a table in {loads[0].text()} seconds, of which {loads[1].text()} are processor time. Compared
with a file of one line, with 20 idle workers:

""" + _table(["", "reload, s", "PSS of a worker, KiB", "private, KiB"], rows))

    def scan(self, buffer, speeds):
        """speeds: {octets of a line: (Spread of the reader, Spread of the conversion)}"""
        self._add(f"""## Scanning content

The speed of the code that finds the end of DATA and undoes dot-stuffing, and of the code that converts CRLF to
LF, each separately, in memory, {buffer} KiB at a time, in 10^9 octets per second.

""" + _table(["octets of a line", "dots and the end", "line ends"],
             [[str(line), *(spread.text() for spread in each)] for line, each in speeds.items()]))

    def herd(self, idle, each):
        self._add(f"With {idle} idle workers, a connection causes {each:.1f} context switches of all workers together.\n")

    def plot(self, title, path, heads, lines):
        """path: the path of the picture, or None."""
        picture = ""
        if path:
            self.plots.append(path)
            picture = f"![{title}]({path.rpartition('/')[2]})\n\n"
        self._add(f"### {title}\n\n{picture}" + _table(heads, lines))

    def heading(self, text):
        self._add(text)
