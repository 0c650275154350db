#!/usr/bin/env python3
"""openbsd-inetd and xinetd start handoffd with contrib/inetd, for each connection and as a
persistent server."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from control import ctl, until
from daemon import Daemon
from handoffd import Configuration, free_port, program
from lmtp import Lmtp, connect, deliver
from mta import TOP
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
USER = "root" if os.geteuid() == 0 else __import__("pwd").getpwuid(os.geteuid()).pw_name


def changed(text, changes):
    for old, new in changes.items():
        if old not in text:
            raise RuntimeError(f"contrib/inetd has no {old}")
        text = text.replace(old, new)
    return text


def read(name):
    with open(os.path.join(TOP, "contrib/inetd", name), encoding="ascii") as file:
        return file.read()


def inetd(config, port, wait):
    """Returns the command that runs inetd with one of the two lines of inetd.conf."""
    [line] = re.findall(rf"^#?(\S+ stream tcp {'wait' if wait else 'nowait'} .*\n)",
                        read("inetd.conf"), re.M)
    line = changed(line, {
        "127.0.0.1:24 ": f"127.0.0.1:{port} ", " root ": f" {USER} ",
        "/usr/local/sbin/handoffd handoffd": f"{program('HANDOFFD')} handoffd -c {config.path}"})
    return [os.path.join(peer.folder("inetd"), "usr/sbin/inetd"), "-d",
            config.scratch.file("inetd.conf", line)]


def xinetd(config, port, wait):
    changes = {"= 24\n": f"= {port}\n", "= root\n": f"= {USER}\n",
               "/usr/local/sbin/handoffd": program("HANDOFFD"),
               "server_args = --stdin": f"server_args = -c {config.path} --stdin"}
    if wait:
        changes.update({"= no\n": "= yes\n", " --stdin\n": "\n"})
    file = config.scratch.file("xinetd.conf", changed(read("xinetd.conf"), changes))
    return [os.path.join(peer.folder("xinetd"), "usr/sbin/xinetd"), "-dontfork", "-f", file,
            "-pidfile", f"{config.scratch.path}/xinetd.pid",
            "-filelog", f"{config.scratch.path}/xinetd.log"]


def serving(port):
    """Connects as soon as the port is open."""
    def attempt():
        try:
            connect(f"tcp:127.0.0.1:{port}").close()
            return True
        except ConnectionRefusedError:
            return False
    until(attempt, "the super-server listens")


for name, command in (("inetd", inetd), ("xinetd", xinetd)):
    for wait in (False, True):
        kind = f"{name}_{'wait' if wait else 'nowait'}"
        config = Configuration({"log.to": "syslog", "listen": None})
        config.mailbox(PAT)
        port = free_port()
        server = Daemon(config.scratch,
                        command(config, port, wait),
                        environment=peer.environment(name))
        serving(port)
        address = f"tcp:127.0.0.1:{port}"
        is_(deliver(address, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
            f"handoffd_delivers_when_started_by_{kind}")
        with Lmtp(address) as one, Lmtp(address) as other:
            is_([one.command("LHLO one").code, other.command("LHLO other").code], [250, 250],
                f"two_clients_are_served_at_a_time_under_{kind}")
        if wait:
            is_(ctl(config, "reload").returncode, 0, f"a_server_under_{kind}_can_be_reloaded")
            is_(ctl(config, "stop").returncode, 0, f"a_server_under_{kind}_can_be_stopped")
            is_(deliver(address, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
                f"the_next_connection_starts_handoffd_again_under_{kind}")
            is_(ctl(config, "stop").returncode, 0, f"a_restarted_server_under_{kind}_can_be_stopped")
        ok(len(config.messages(PAT)) == (2 if wait else 1), f"every_message_under_{kind}_was_delivered")
        server.stop()
        config.scratch.remove()

done()
