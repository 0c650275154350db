"""Rounds: in each round every server does the same work for a short time, and its result is
compared with the floor of the same round. Other load on the machine then affects all alike.

    cells = measure(servers, row, rounds, seconds, say)      # {server name: Cell}
    cells['handoffd'].ratio()                                # Spread(median, low, high)
"""
import statistics
import time

from servers import Failed

# Messages are deleted after this many octets on a disk, so that neither the disk (an ext4 of 2 GiB
# has 131,072 inodes) nor the mailboxes fill up.
CLEAN_AFTER = 96 << 20


class Spread:
    def __init__(self, values):
        self.median, self.low, self.high = statistics.median(values), min(values), max(values)

    def text(self, form="{:.2f}"):
        low, middle, high = (form.format(each) for each in (self.low, self.median, self.high))
        return f"{middle} ({low} to {high})"


class Cell:
    """The results of one server in one row: one for each round, None after a failure."""

    def __init__(self, floor=None):
        self.results = []
        self.failures = []
        self.floor = floor or self

    def spread(self, key):
        """Returns the Spread of a figure over the successful rounds."""
        values = [each[key] for each in self.results if each]
        return Spread(values) if values else None

    def ratio(self, other=None):
        """Returns messages per second relative to another cell (the floor) in the same round."""
        ratios = [own["rate"] / theirs["rate"]
                  for own, theirs in zip(self.results, (other or self.floor).results)
                  if own and theirs and theirs["rate"]]
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
