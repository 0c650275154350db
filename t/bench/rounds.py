"""Rounds: every server does the same work for a moment, one after the other, again and again, and
each is compared with the floor of its own round. What the machine does besides falls on all alike.

    cells = measure(servers, row, rounds, seconds, say)      # {server name: Cell}
    cells['handoffd'].ratio()                                # Spread(median, low, high)
"""
import statistics
import time

from servers import Failed

# Octets of messages on a disk, all servers' together, after which they are deleted, so that neither
# it (an ext4 of 2 GiB has 131,072 inodes) nor mailboxes fill up.
CLEAN_AFTER = 96 << 20


class Spread:
    def __init__(self, values):
        self.median, self.low, self.high = statistics.median(values), min(values), max(values)

    def text(self, form="{:.2f}"):
        low, middle, high = (form.format(each) for each in (self.low, self.median, self.high))
        return f"{middle} ({low} to {high})"


class Cell:
    """One server's results in one row: a result per round, None where it failed."""

    def __init__(self, floor=None):
        self.results = []
        self.failures = []
        self.floor = floor or self

    def spread(self, key):
        """Of a figure per second or per message, over the rounds that went well."""
        values = [each[key] for each in self.results if each]
        return Spread(values) if values else None

    def ratio(self):
        """Messages per second as a share of the floor's in the same round."""
        ratios = [own["rate"] / floor["rate"]
                  for own, floor in zip(self.results, self.floor.results)
                  if own and floor and floor["rate"]]
        return Spread(ratios) if ratios else None

    def per_message(self, key):
        values = [each[key] / each["messages"] for each in self.results if each and each["messages"]]
        return Spread(values) if values else None


def measure(servers, row, rounds, seconds, say):
    """The first of `servers` is the floor. A server that has failed twice is left out."""
    floor = Cell()
    cells = {each.name: Cell(floor) for each in servers[1:] if each.supports(row)}
    cells = {servers[0].name: floor, **cells}
    taking_part = [each for each in servers if each.name in cells]
    for number in range(rounds):
        shift = number % len(taking_part)
        for server in taking_part[shift:] + taking_part[:shift]:
            cell = cells[server.name]
            if len(cell.failures) >= 2:
                cell.results.append(None)
                continue
            server.disk.settle()
            begun = time.monotonic()
            try:
                cell.results.append(server.load(row, seconds))
            except Failed as failure:
                cell.results.append(None)
                cell.failures.append(str(failure))
                say(f"{server.name}, {row.title}: {failure}")
            took = time.monotonic() - begun
            if took > 10 * seconds + 5:
                say(f"{server.name}, {row.title}: a run of {seconds} s took {took:.0f} s")
            if cell.results[-1]:
                server.disk.written += cell.results[-1]["messages"] * row.recipients * row.size
            if server.disk.written > CLEAN_AFTER:
                tidy(taking_part, server.disk)
    return cells


def tidy(servers, disk):
    for server in servers:
        server.clean()
    disk.settle()
    disk.written = 0
