#!/usr/bin/env python3
"""HAProxy in front of handoff: both versions of the PROXY protocol, with health checks that only
connect, that send a header, and that speak LMTP."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from daemon import Daemon
from handoffd import Handoffd, free_port
from lmtp import Lmtp
from mta import until
from tap import done, empty, is_, ok

folder = peer.folder("haproxy")
PAT = "pat@good.test"
CLIENT = "127.0.0.77"

# How HAProxy sends the header, and how it checks the server.
BACKENDS = {
    "version_1": ("send-proxy check inter 100ms", ""),
    "version_2": ("send-proxy-v2 check inter 100ms", ""),
    "version_2_with_a_checksum": ("send-proxy-v2 proxy-v2-options crc32c,unique-id check inter 100ms",
                                  ""),
    "a_check_without_a_header": ("send-proxy-v2 check inter 100ms no-check-send-proxy", ""),
    "a_check_that_speaks_lmtp": ("send-proxy-v2 check inter 100ms check-send-proxy",
                                 "option tcp-check\n  tcp-check expect rstring ^220\n"
                                 "  tcp-check send QUIT\\r\\n\n  tcp-check expect rstring ^221"),
}

GLOBAL = """
global
  stats socket {base}/haproxy.sock mode 666
  log stderr format raw local0
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
"""

PROXY = """
frontend front_{name}
  bind 127.0.0.1:{port}
  default_backend {name}
backend {name}
  {options}
  server handoff {server} {flags}
"""


def checks(base):
    """Returns the results of HAProxy's health checks: {backend: status}."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(f"{base}/haproxy.sock")
        stream.sendall(b"show stat\n")
        lines = b"".join(iter(lambda: stream.recv(65536), b"")).decode().splitlines()
    names = lines[0].lstrip("# ").split(",")
    rows = [dict(zip(names, line.split(","))) for line in lines[1:] if line]
    return {row["pxname"]: row["check_status"] for row in rows if row["svname"] == "handoff"}


with Handoffd({"proxy-protocol": ["127.0.0.1", "unix"], "allow": "127.0.0.77",
               "workers.min-idle": 4}, tcp=True) as daemon:
    daemon.mailbox(PAT)
    base = daemon.scratch.path
    ports = {name: free_port() for name in (*BACKENDS, "by_unix_socket")}
    text = GLOBAL.format(base=base)
    for name, (flags, options) in BACKENDS.items():
        text += PROXY.format(name=name, port=ports[name], options=options, flags=flags,
                             server=daemon.tcp.removeprefix("tcp:"))
    text += PROXY.format(name="by_unix_socket", port=ports["by_unix_socket"], options="",
                         flags="send-proxy-v2 check inter 100ms",
                         server="unix@" + daemon.unix.removeprefix("unix:"))
    path = daemon.scratch.file("haproxy.cfg", text)
    haproxy = Daemon(daemon.scratch, [os.path.join(folder, "usr/sbin/haproxy"), "-db", "-f", path],
                     environment=peer.environment("haproxy"))
    until(lambda: os.path.exists(f"{base}/haproxy.sock") and
          set(checks(base).values()) <= {"L4OK", "L6OK", "L7OK"}, "HAProxy finds each server up")

    for name, port in ports.items():
        with socket.create_connection(("127.0.0.1", port), source_address=(CLIENT, 0)) as stream:
            client = Lmtp(stream)
            client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
            client.send(b"Subject: x\r\n\r\n.\r\n")
            is_(client.reply().code, 250, f"a_message_passes_through_{name}")
            is_(client.command("QUIT").code, 221, "replies_through_haproxy_arrive_in_order")
        ok(f"Received: from client.test ([{CLIENT}])" in daemon.messages(PAT)[-1].decode(),
           "the_received_line_has_the_client_of_haproxy")

    is_(checks(base), {name: "L7OK" if "lmtp" in name else "L4OK" for name in ports},
        "each_health_check_succeeds")
    is_(haproxy.stop() is not None, True, "haproxy_ends")
    empty([line for line in daemon.log if "ready" not in line and "delivered" not in line
           and "serving" not in line and "listening" not in line],
          "health_checks_write_no_log_lines")

done()
