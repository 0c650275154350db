#!/usr/bin/env python3
"""Access control: permissions of the socket, allowed networks (L11), and no port 25 (L8)."""
import ctypes
import fcntl
import grp
import os
import pwd
import socket
import stat
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Configuration, Handoffd, program
from lmtp import Lmtp, deliver
from tap import done, is_, ok, skip

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def connect_from(source, address):
    host, _, port = address.removeprefix("tcp:").rpartition(":")
    return Lmtp(socket.create_connection((host, int(port)), 10, (source, 0)))


# --- Networks.
with Handoffd(tcp=True) as daemon:
    daemon.mailbox(PAT)
    is_(deliver(daemon.tcp, "", [PAT], MESSAGE).final[PAT].code, 250,
        "loopback_may_connect_by_default_L11")
    ok(b"Received: from client.test ([127.0.0.1])" in daemon.messages(PAT)[0],
       "the_address_of_a_tcp_client_is_in_the_received_line_S9")

with Handoffd({"allow": ["127.0.0.2", "127.1.0.0/16", "2001:db8::/32"]}, tcp=True) as daemon:
    daemon.mailbox(PAT)
    for source in ("127.0.0.2", "127.1.2.3"):
        with connect_from(source, daemon.tcp) as client:
            is_(client.greeting.code, 220, f"{source}_is_in_a_configured_network_and_may_connect_L11")
    for source in ("127.0.0.1", "127.0.0.3", "127.2.0.1"):
        before = len(daemon.log)
        with connect_from(source, daemon.tcp) as client:
            is_((client.greeting.code, client.greeting.enhanced), (554, "5.7.1"),
                f"{source}_is_in_no_configured_network_and_gets_554_L11")
            ok(client.at_end(), f"{source}_is_disconnected_L11")
        ok(f"client=[{source}]" in daemon.wait_for("refused client", before),
           f"the_log_has_the_refusal_of_{source}_L11")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "networks_do_not_restrict_the_unix_socket_L11")

# --- The socket file.
for mode in ("0660", "0600", "0666"):
    with Handoffd({"socket.mode": mode}) as daemon:
        is_(oct(stat.S_IMODE(os.stat(daemon.unix.removeprefix("unix:")).st_mode)),
            oct(int(mode, 8)), f"a_socket_has_the_configured_mode_{mode}")
if os.geteuid() == 0:
    owner, group = pwd.getpwnam("daemon"), grp.getgrnam("mail")
    with Handoffd({"socket.mode": "0660", "socket.owner": "daemon",
                   "socket.group": "mail"}) as daemon:
        status = os.stat(daemon.unix.removeprefix("unix:"))
        is_((status.st_uid, status.st_gid), (owner.pw_uid, group.gr_gid),
            "a_socket_belongs_to_the_configured_owner")
        path = daemon.unix.removeprefix("unix:")
    ok(not os.path.exists(path), "a_socket_is_removed_when_its_daemon_ends")


# --- Port 25, in a network namespace.
def own_network():
    """Moves to a network namespace with a loopback interface; returns whether this is possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or not hasattr(libc, "unshare") or libc.unshare(0x40000000) != 0:
        return False
    with socket.socket() as any_socket:
        up = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, up)
    return True


def on_port(port, config):
    """Runs handoffd --stdin for a connection to that port, as inetd does; returns the octets that
    the client receives, and the exit code."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            accepted, _ = listener.accept()
            with accepted:
                process = subprocess.Popen([program("HANDOFFD"), "--stdin", "-c", config.path],
                                           stdin=accepted, stdout=accepted,
                                           stderr=subprocess.DEVNULL)
            client.sendall(b"QUIT\r\n")
            octets = b""
            try:
                while piece := client.recv(4096):
                    octets += piece
            except ConnectionResetError:
                pass
            return octets, process.wait(20)


if own_network():
    config = Configuration()
    config.mailbox(PAT)
    octets, code = on_port(24, config)
    ok(octets.startswith(b"220 ") and octets.endswith(b"closing connection\r\n"),
       "a_session_on_port_24_is_served_L8")
    is_(code, 0, "a_session_on_port_24_ends_normally_L8")
    octets, code = on_port(25, config)
    ok(octets.startswith(b"554 5.3.5 ") and octets.count(b"\r\n") == 1,
       "a_session_on_port_25_is_refused_L8")
    is_(code, 78, "a_session_on_port_25_exits_with_78_L8")
else:
    skip("no network namespace of our own: not tried behind port 25")

done()
