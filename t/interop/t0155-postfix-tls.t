#!/usr/bin/env python3
"""X10: Postfix's lmtp client delivers with STARTTLS, which both sides require, and verifies the
certificate."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import peer
from certificates import Certificates
from handoffd import Handoffd
from postfix import Postfix
from scratch import Scratch
from tap import done, empty, is_, ok

peer.enter("postfix")
parts.need("openssl")

USER = "user@tls.test"
MAIN_CF = """
virtual_mailbox_domains = tls.test
virtual_transport = lmtp:{tcp}
lmtp_tls_security_level = verify
lmtp_tls_verify_cert_match = handoff.test
lmtp_tls_CAfile = {server.certificate}
lmtp_tls_cert_file = {client.certificate}
lmtp_tls_key_file = {client.key}
lmtp_tls_loglevel = 1
"""

scratch = Scratch()
certificates = Certificates(scratch)
server = certificates.self_signed("server", "handoff.test")
ca = certificates.self_signed("ca")
client = certificates.signed("postfix.test", ca)
daemon = Handoffd({"tls.certificate": server.certificate, "tls.key": server.key,
                   "tls.client-ca": ca.certificate, "tls.required": "yes", "trusted": "none"},
                  tcp=True, scratch=scratch)
daemon.mailbox(USER)
postfix = Postfix(daemon.scratch, MAIN_CF.format(tcp=daemon.tcp.replace("tcp:", "inet:"),
                                                 server=server, client=client)).daemon
for number in range(3):
    subprocess.run(["sendmail", "-i", "-f", "sender@tls.test", USER], check=True,
                   input=b"Subject: %d\n\nhello\n" % number)
for line in [postfix.wait_for(rf"to=<{USER}>.*status=", count=number) for number in (1, 2, 3)]:
    ok("status=sent" in line, "X10_postfix_delivers_with_starttls")
ok("Verified TLS connection established to" in postfix.wait_for("TLS connection established"),
   "X10_postfix_verifies_our_certificate")
messages = daemon.messages(USER)
is_([b"with LMTPS id " in re.sub(rb"\s+", b" ", each) for each in messages], [True] * 3,
    "X10_received_says_lmtps")
ok("tls=TLSv1" in daemon.wait_for("delivered "), "X10_the_log_of_handoff_has_the_cipher")
empty((line for line in postfix.log if re.search(r"(warning|error|fatal|panic):", line)),
      "postfix_logs_no_warning")
subprocess.run(["postfix", "stop"], check=True, stderr=subprocess.DEVNULL)
postfix.wait()
is_(daemon.stop(), 0, "the_server_exits_with_0")
done()
