#!/usr/bin/env python3
"""The PROXY protocol: its header is required from the proxies that the setting names, and refused
from all other peers."""
import os
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from certificates import Certificates
from handoffd import Handoffd, free_port
from lmtp import Lmtp, connect
from scratch import Scratch
from tap import done, empty, is_, ok

PAT = "pat@good.test"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = b"PROXY TCP4 192.0.2.7 192.0.2.8 40000 24\r\n"
V6 = b"PROXY TCP6 2001:db8::7 2001:db8::8 40000 24\r\n"
ADDRESSES = socket.inet_aton("192.0.2.7") + socket.inet_aton("192.0.2.8") + b"\x9c\x40\x00\x18"
BINARY = SIGNATURE + b"\x21\x11\x00\x0c" + ADDRESSES
WITH_FIELDS = SIGNATURE + b"\x21\x11\x00\x10" + ADDRESSES + b"\x04\x00\x01x"
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"


def begin(address, header):
    """Returns a client that has sent this header."""
    stream = connect(address)
    stream.sendall(header)
    return Lmtp(stream)


def received(daemon, client, *more):
    """Delivers a message; returns the first line of its Received: header."""
    client.session("LHLO client.test", *more, "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    client.send(b"Subject: x\r\n\r\n.\r\n")
    client.reply()
    client.command("QUIT")
    lines = daemon.messages(PAT)[-1].decode().splitlines()
    return next(line for line in lines if line.startswith("Received: "))


def refused(address, octets):
    """Returns the server's output after these first octets, until it closes."""
    with connect(address) as stream:
        stream.sendall(octets)
        try:
            return b"".join(iter(lambda: stream.recv(4096), b"")).decode()
        except ConnectionResetError:
            return ""


with Handoffd({"proxy-protocol": "127.0.0.0/8", "allow": ["192.0.2.0/24", "2001:db8::/32"],
               "trusted": "192.0.2.7"}, tcp=True) as daemon:
    daemon.mailbox(PAT)
    for name, header, client in (("version_1", V4, "[192.0.2.7]"),
                                 ("version_1_of_ipv6", V6, "[IPv6:2001:db8::7]"),
                                 ("version_2", BINARY, "[192.0.2.7]"),
                                 ("version_2_with_more_fields", WITH_FIELDS, "[192.0.2.7]")):
        is_(received(daemon, begin(daemon.tcp, header)), f"Received: from client.test ({client})",
            f"a_header_of_{name}_names_the_client")
    ok("client=[192.0.2.7]" in daemon.wait_for("delivered"), "the_log_has_the_client_of_the_header")
    is_(received(daemon, begin(daemon.tcp, V4), "XFORWARD HELO=origin"),
        "Received: from origin ([192.0.2.7])", "the_client_of_the_header_is_compared_with_trusted")
    client = begin(daemon.tcp, b"PROXY TCP4 198.51.100.1 192.0.2.8 40000 24\r\n")
    is_(client.greeting.code, 554, "the_client_of_the_header_is_compared_with_allow_L11")

    # A header that names a client on the proxy's own host is subject to the setting allow. A health
    # check of version 1, which names its own connection, is not.
    for name, header in (("version_1", b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 24\r\n"),
                         ("version_2", SIGNATURE + b"\x21\x11\x00\x0c" +
                          2 * socket.inet_aton("127.0.0.1") + b"\x9c\x40\x00\x18")):
        is_(begin(daemon.tcp, header).greeting.code, 554,
            f"{name}: a client on the host of the proxy must be in allow too L11")
    with connect(daemon.tcp) as stream:
        (source, from_port), (destination, to_port) = stream.getsockname(), stream.getpeername()
        stream.sendall(f"PROXY TCP4 {source} {destination} {from_port} {to_port}\r\n".encode())
        is_(Lmtp(stream).greeting.code, 220, "a_proxy_header_may_describe_the_connection_of_the_proxy_itself")

    # A header that comes together with commands, and one that comes octet by octet.
    with connect(daemon.tcp) as stream:
        stream.sendall(V4 + b"LHLO x\r\nQUIT\r\n")
        said = b"".join(iter(lambda: stream.recv(4096), b"")).decode()
        ok(said.startswith("220 ") and said.endswith("closing connection\r\n")
           and "500" not in said, "commands_may_follow_in_the_same_packet")
    with connect(daemon.tcp) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in BINARY:
            stream.sendall(bytes([octet]))
        is_(Lmtp(stream).greeting.code, 220, "a_header_may_come_in_pieces")

    # Health checks.
    since = len(daemon.log)
    is_(begin(daemon.tcp, LOCAL).command("QUIT").code, 221, "a_health_check_of_a_proxy_is_served")
    is_(begin(daemon.tcp, b"PROXY UNKNOWN\r\n").command("QUIT").code, 221,
        "a_header_with_an_unknown_client_is_served")
    connect(daemon.tcp).close()
    for header in (b"", LOCAL):
        stream = connect(daemon.tcp)
        stream.sendall(header)
        # Closes with a reset, as HAProxy does.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.close()
    is_(received(daemon, begin(daemon.tcp, V4)), "Received: from client.test ([192.0.2.7])",
        "the_server_continues_after_health_checks")
    empty([line for line in daemon.log[since:] if "delivered" not in line],
          "health_checks_leave_no_line_in_the_log")

    # Anything else.
    for name, octets in (("no_header", b"LHLO client.test\r\n"),
                         ("a_malformed_header", b"PROXY TCP4 192.0.2.7 x\r\n"),
                         ("a_malformed_address", V4.replace(b"192.0.2.7", b"192.0.2.777")),
                         ("an_unknown_version", SIGNATURE + b"\x31\x11\x00\x0c" + ADDRESSES)):
        said = refused(daemon.tcp, octets)
        ok(said.startswith("421 4.7.0 ") or said == "", f"{name}_is_refused")
    ok("proxy-protocol" in daemon.wait_for("refused client.*421 4.7.0"), "the_log_says_why")
    client = Lmtp(daemon.unix)
    is_(client.command("LHLO client.test").code, 250, "unix_clients_are_proxies_only_if_so_configured")

with Handoffd(tcp=True) as daemon:
    daemon.mailbox(PAT)
    for name, header in (("version_1", V4), ("version_2", BINARY), ("a_health_check", LOCAL)):
        said = refused(daemon.tcp, header + b"LHLO x\r\n")
        ok(said.startswith("220 ") and "421 4.7.0 PROXY" in said and "250" not in said,
           f"{name}_is_refused_from_a_peer_that_is_not_a_proxy")

with Handoffd({"proxy-protocol": "unix", "allow": "192.0.2.0/24"}) as daemon:
    daemon.mailbox(PAT)
    is_(received(daemon, begin(daemon.unix, V4)), "Received: from client.test ([192.0.2.7])",
        "a_proxy_may_connect_by_a_unix_socket")
    is_(received(daemon, begin(daemon.unix, LOCAL)), "Received: from client.test (local)",
        "a_health_check_on_a_unix_socket_is_served")

# The header comes before TLS, and not an octet of the handshake is lost.
if parts.has("openssl"):
    scratch = Scratch()
    server = Certificates(scratch).self_signed("server", "handoff.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(server.certificate)
    port = free_port()
    address = f"tcp:127.0.0.1:{port}"
    with Handoffd({"listen": f"tls:127.0.0.1:{port}", "proxy-protocol": "127.0.0.1",
                   "allow": "192.0.2.0/24", "tls.certificate": server.certificate,
                   "tls.key": server.key}) as daemon:
        daemon.mailbox(PAT)
        for name, header in (("version_1", V4), ("version_2", WITH_FIELDS)):
            stream = connect(address)
            stream.sendall(header)
            client = Lmtp(context.wrap_socket(stream))
            is_(received(daemon, client), "Received: from client.test ([192.0.2.7])",
                f"tls_follows_{name}_X10")

done()
