#!/usr/bin/env python3
"""recipients.lookup = socketmap: a map server by unix socket and TCP, with the same results as
Postfix's postmap; and servers that answer with nonsense, with an error, or not at all."""
import os
import socketserver
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import Handoffd
from lookups import rcpt, wait_for
from scratch import Scratch
from tap import done, is_, ok

peer.enter("postfix")
with open("/etc/postfix/main.cf", "w", encoding="ascii") as file:
    file.write("compatibility_level = 3.6\n")

MAP = {"pat@example.org": "OK mailbox=people/p quota=1G", "info@example.org": "OK -> pat@example.org",
       "plain@example.org": "OK yes", "odd@example.org": "OK mailbox=../x",
       "down@example.org": "TEMP later", "late@example.org": "TIMEOUT",
       "bad@example.org": "PERM no such map", "word@example.org": "MAYBE"}
RAW = {"text@example.org": b"OK no netstring at all\n", "huge@example.org": b"99999999999:",
       "cut@example.org": b"10:OK", "comma@example.org": b"3:OK ;", "mute@example.org": None}


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Answers(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            digits = b""
            while (octet := self.rfile.read(1)) not in (b":", b""):
                digits += octet
            if not digits:
                return
            name, _, key = self.rfile.read(int(digits) + 1)[:-1].decode().partition(" ")
            if key in RAW:
                if RAW[key] is None:
                    self.rfile.read(1)  # until the client gives up
                else:
                    self.wfile.write(RAW[key])
                return
            answer = MAP.get(key, "NOTFOUND ") if name == "mail" else "PERM another map"
            self.wfile.write(b"%d:%s," % (len(answer.encode()), answer.encode()))


scratch = Scratch()
path = os.path.join(scratch.path, "map.sock")
unix = Server(path, Answers)
tcp = TcpServer(("127.0.0.1", 0), Answers)
os.chmod(path, 0o666)
for each in (unix, tcp):
    threading.Thread(target=each.serve_forever, daemon=True).start()
port = tcp.server_address[1]

for key, code in (("pat@example.org", 0), ("kim@example.org", 1)):
    asked = subprocess.run(["postmap", "-q", key, f"socketmap:unix:{path}:mail"],
                           stdout=subprocess.PIPE, text=True, check=False)
    is_((asked.returncode, asked.stdout.strip()), (code, MAP.get(key, "OK ")[3:]),
        f"postmap_and_handoff_agree_about_{key.partition('@')[0]}")
# One worker, because each worker has its own pause after errors of a map.
common = {"recipients.cache-ttl": "0s", "recipients.lookup-timeout": "1s", "workers.max": "1",
          "workers.min-idle": "1"}
for where in (f"unix:{path}", f"tcp:127.0.0.1:{port}"):
    what = where.partition(":")[0]
    with Handoffd({"recipients.lookup": f"socketmap:{where}:mail", **common}) as daemon:
        is_(rcpt(daemon, "pat@example.org", "kim@example.org", "info@example.org",
                 "plain@example.org"), [250, 550, 250, 250], f"exactly_the_addresses_in_the_map_exist_by_{what}")
        is_(rcpt(daemon, "odd@example.org", "pat@example.org"), [451, 250],
            f"an_invalid_value_defers_only_that_recipient_R1_by_{what}")
        is_(rcpt(daemon, *[f"{each}@example.org" for each in ("down", "bad", "down", "pat")]),
            [451, 451, 451, 250], f"an_error_for_one_recipient_does_not_affect_the_next_R1_by_{what}")
        for each in ("down", "late", "bad", "word", "text", "huge", "cut", "comma", "mute"):
            is_(rcpt(daemon, f"{each}@example.org"), 451, f"an_invalid_answer_{each}_defers_the_recipient_R1_by_{what}")
            wait_for(daemon, "pat@example.org", 250)
        is_(rcpt(daemon, "pat@example.org", "kim@example.org"), [250, 550],
            f"after_invalid_answers_recipients_are_found_again_by_{what}")
with Handoffd({"recipients.lookup": f"socketmap:unix:{path}:other", **common}) as daemon:
    is_(rcpt(daemon, "pat@example.org"), 451, "an_unknown_map_defers_recipients_R1")
os.remove(path)
with Handoffd({"recipients.lookup": f"socketmap:unix:{path}:mail", **common}) as daemon:
    is_(rcpt(daemon, "pat@example.org"), 451, "a_missing_socket_defers_recipients_R1")
    ok(daemon.wait_for("No such file"), "the_log_says_that_the_socket_is_missing")
done()
