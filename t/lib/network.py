"""Hosts with networks of their own on this machine, on one bridge. For root, in a network namespace
that is the test's own (peer.enter).

    network = Network()
    command = [*network.host("one"), *command]    # the command runs with the network of this host
    network.address("one")                        # "198.18.0.1"
    network.cut("one"); network.join("one")       # pulls out its cable, and puts it in again
"""
import subprocess

_PREFIX = "198.18.0."  # RFC 2544; GlusterFS refuses 127.0.0.1


def _ip(*words):
    subprocess.run(["ip", *words], check=True)


class Network:
    own_address = _PREFIX + "254"  # that of the test

    def __init__(self):
        self._addresses = {}
        _ip("link", "add", "hosts", "type", "bridge")
        _ip("address", "add", self.own_address + "/24", "dev", "hosts")
        _ip("link", "set", "hosts", "up")

    def host(self, name):
        """Returns the first words of a command that runs on that host, which is created if it does
        not exist."""
        if name not in self._addresses:
            address = self._addresses[name] = _PREFIX + str(len(self._addresses) + 1)
            _ip("netns", "add", name)
            _ip("link", "add", "to-" + name, "type", "veth", "peer", "name", "net0", "netns", name)
            _ip("link", "set", "to-" + name, "master", "hosts", "up")
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "address", "add", address + "/24", "dev", "net0")
            _ip("-n", name, "link", "set", "net0", "up")
        return ["nsenter", "--net=/run/netns/" + name, "--"]

    def address(self, name):
        self.host(name)
        return self._addresses[name]

    @staticmethod
    def cut(name):
        _ip("link", "set", "to-" + name, "down")

    @staticmethod
    def join(name):
        _ip("link", "set", "to-" + name, "up")
