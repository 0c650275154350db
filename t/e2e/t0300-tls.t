#!/usr/bin/env python3
"""X10: STARTTLS and implicit TLS. Versions, the state after the handshake (none is kept), client
certificates, and messages about invalid certificates."""
import os
import re
import signal
import ssl
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from certificates import Certificates
from control import ctl
from handoffd import Handoffd, free_port, program
from lmtp import Closed, Lmtp, connect, deliver, stuffed
from scratch import Scratch
from tap import done, is_, ok

parts.or_says_so("openssl", "tls.certificate = /x", "STARTTLS")
warnings.simplefilter("ignore", DeprecationWarning)     # about TLS 1.1, which is refused here
scratch = Scratch()
certificates = Certificates(scratch)
server = certificates.self_signed("server", "handoff.test")
ca = certificates.self_signed("ca")
other_ca = certificates.self_signed("other-ca")
pat = certificates.signed("pat", ca)
stranger = certificates.signed("stranger", other_ca)

USER = "user@example.org"
MESSAGE = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 20000


def context(version=None, client=None, ciphers=None):
    """Returns the context of a client that accepts only the server's certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(server.certificate)
    if version:
        made.minimum_version = made.maximum_version = version
    if client:
        made.load_cert_chain(client.certificate, client.key)
    if ciphers:
        made.set_ciphers(ciphers)
    return made


def hands_shaken(address, made):
    """Returns the version that STARTTLS negotiated, or None without TLS."""
    with Lmtp(address) as client:
        client.command("LHLO me")
        try:
            client.start_tls(made)
            return client.socket.version()
        except (ssl.SSLError, ConnectionError, Closed):
            return None


def lhlo(client):
    return [line.split(" ")[0] for line in client.command("LHLO me").lines]


# The key: workers of a daemon that root started cannot read it.
os.chmod(server.key, 0o600)
tls_port = free_port()
SETTINGS = {"tls.certificate": server.certificate, "tls.key": server.key,
            "tls.client-ca": ca.certificate, "trusted": "none"}
daemon = Handoffd(SETTINGS, tcp=True, scratch=scratch, start=False)
daemon.write({"listen": [daemon.unix, daemon.tcp, f"tls:127.0.0.1:{tls_port}"]})
daemon.start()
daemon.mailbox(USER)
TLS = f"tcp:127.0.0.1:{tls_port}"

ok(f"ok       socket tls:127.0.0.1:{tls_port}: accepts connections" in ctl(daemon, "doctor").stdout,
   "doctor_accepts_a_listener_with_implicit_tls")

with Lmtp(daemon.unix) as client:
    ok("STARTTLS" not in lhlo(client), "X10_starttls_is_not_offered_on_a_unix_socket")
    is_(client.command("STARTTLS").code, 502, "X10_starttls_on_a_unix_socket_gets_502")

with Lmtp(daemon.tcp) as client:
    ok("STARTTLS" in lhlo(client), "X10_starttls_is_offered_on_tcp")
    is_(client.command("STARTTLS now").code, 501, "X10_starttls_with_an_argument_gets_501")
    client.session("MAIL FROM:<>")
    is_(client.command("STARTTLS").code, 503, "X10_starttls_in_a_transaction_gets_503")
    client.command("RSET")
    is_(client.start_tls(context()).code, 220, "X10_starttls_gets_220")
    is_(client.command("MAIL FROM:<>").code, 503, "X10_after_the_handshake_lhlo_is_required_again")
    ok("STARTTLS" not in lhlo(client), "X10_starttls_is_not_offered_inside_tls")
    is_(client.command("STARTTLS").code, 503, "X10_starttls_inside_tls_gets_503")
    client.session("MAIL FROM:<>", f"RCPT TO:<{USER}>", "DATA")
    client.send(stuffed(MESSAGE))
    is_(client.reply().code, 250, "X10_a_message_is_delivered_inside_tls")
    client.command("QUIT")
    is_(client.socket.recv(1), b"", "X10_the_server_ends_tls_with_close_notify")
message = daemon.messages(USER)[0]
ok(b" with LMTPS id " in message, "X10_received_says_lmtps")
ok(message.endswith(MESSAGE.replace(b"\r\n", b"\n")), "X10_the_message_is_unchanged")
ok("tls=TLSv1.3/TLS_" in daemon.wait_for(r"delivered .*client="), "X10_the_log_names_version_and_cipher")

is_(hands_shaken(daemon.tcp, context(ssl.TLSVersion.TLSv1_2)), "TLSv1.2", "X10_tls_1.2_is_accepted")
is_(hands_shaken(daemon.tcp, context(ssl.TLSVersion.TLSv1_3)), "TLSv1.3", "X10_tls_1.3_is_accepted")
before = len(daemon.log)
is_(hands_shaken(daemon.tcp, context(ssl.TLSVersion.TLSv1_1, ciphers="ALL:@SECLEVEL=0")), None,
    "X10_tls_1.1_is_refused")
ok("TLS handshake" in daemon.wait_for(r"TLS failed", before), "X10_a_failed_handshake_is_logged")

# RFC 3207 4.2: plaintext that follows STARTTLS may have been injected by an attacker.
with Lmtp(daemon.tcp) as client:
    client.command("LHLO me")
    client.send(b"STARTTLS\r\nLHLO evil\r\nMAIL FROM:<evil@example.org>\r\n")
    is_(client.reply().code, 220, "X10_starttls_with_pipelined_input_gets_220")
    client.wrap(context())
    client.send(b"NOOP\r\nMAIL FROM:<>\r\n")
    is_([reply.code for reply in client.replies(2)], [250, 503],
        "X10_input_pipelined_after_starttls_is_discarded")
with Lmtp(daemon.tcp) as client:
    client.command("LHLO me")
    client.send(b"STARTTLS\r\n")
    client.reply()
    client.send(b"MAIL FROM:<evil@example.org>\r\n" * 10)
    try:
        closed = b"250" not in client.socket.recv(100)
    except ConnectionError:
        closed = True
    ok(closed, "X10_a_peer_that_does_not_shake_hands_is_disconnected")

# Implicit TLS.
with Lmtp(context().wrap_socket(connect(TLS))) as client:
    is_(client.greeting.code, 220, "X10_implicit_tls_greets_inside_tls")
    ok("STARTTLS" not in lhlo(client), "X10_implicit_tls_offers_no_starttls")
    client.session("MAIL FROM:<>", f"RCPT TO:<{USER}>", "DATA")
    client.send(stuffed(b"Subject: implicit\r\n\r\n"))
    is_(client.reply().code, 250, "X10_a_message_is_delivered_over_implicit_tls")
is_([b" with LMTPS id " in each for each in daemon.messages(USER)], [True, True],
    "X10_received_says_lmtps_over_implicit_tls")
plain = connect(TLS)
plain.sendall(b"LHLO me\r\n")
try:
    answer = plain.recv(1000)
except ConnectionError:
    answer = b""
ok(b"250" not in answer and b"220" not in answer, "X10_plaintext_to_implicit_tls_gets_no_reply")
plain.close()

# A renewed certificate: SIGHUP is enough, and existing connections continue.


def served(port, *starttls):
    """Returns the common name of the certificate that openssl(1) receives, and the negotiated
    version."""
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *starttls,
                            "-brief"],
                           input="QUIT\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, timeout=60, check=False).stdout
    found = [re.search(pattern, shown) for pattern in (r"CN ?= ?(\S+)", r"Protocol version: (\S+)")]
    return tuple(match and match[1] for match in found)


BY_STARTTLS = ("-starttls", "lmtp")
tcp_port = daemon.tcp.rpartition(":")[2]
is_(served(tls_port), ("handoff.test", "TLSv1.3"), "X10_openssl_s_client_shakes_hands")
is_(served(tcp_port, *BY_STARTTLS), ("handoff.test", "TLSv1.3"), "X10_openssl_s_client_shakes_hands_by_starttls")
is_(served(tcp_port, *BY_STARTTLS, "-tls1_2")[1], "TLSv1.2", "X10_openssl_s_client_shakes_hands_with_tls_1.2")
is_(served(tcp_port, *BY_STARTTLS, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")[1], None,
    "X10_openssl_s_client_is_refused_with_tls_1.1")
connected = Lmtp(context().wrap_socket(connect(TLS)))
connected.command("LHLO me")
kept = [open(path, "rb").read() for path in server]
renewed = certificates.self_signed("renewed", "renewed.test")
for old, new in zip(server, renewed):
    os.rename(new, old)
before = len(daemon.log)
daemon.signal(signal.SIGHUP)
daemon.wait_for(r"reloaded", before)
is_(served(tls_port)[0], "renewed.test", "X10_sighup_loads_a_renewed_certificate")
is_(served(tcp_port, *BY_STARTTLS)[0], "renewed.test", "X10_starttls_uses_the_renewed_certificate")
with connected:
    ok(connected.command("NOOP").code in (250, 421), "X10_existing_connections_are_not_cut_off")
scratch.file("server.pem", "half a certificate")
before = len(daemon.log)
daemon.signal(signal.SIGHUP)
ok("server.pem" in daemon.wait_for("reload refused", before), "X10_a_broken_certificate_is_refused")
is_(served(tls_port)[0], "renewed.test", "X10_after_a_broken_certificate_the_previous_one_stays")
for path, octets in zip(server, kept):
    with open(path, "wb") as file:
        file.write(octets)
before = len(daemon.log)
daemon.signal(signal.SIGHUP)
daemon.wait_for(r"reloaded", before)
is_(served(tls_port)[0], "handoff.test", "X10_a_repaired_certificate_is_loaded")

# Client certificates.
for name, client_pair, trusted in (("pat", pat, True), ("stranger", stranger, False),
                                   ("nobody", None, False)):
    with Lmtp(daemon.tcp) as client:
        client.command("LHLO me")
        client.start_tls(context(client=client_pair))
        is_("XCLIENT" in lhlo(client), trusted,
            f"X10_{name}_is_{'' if trusted else 'not_'}trusted_by_certificate")
        is_(client.command("XFORWARD NAME=mx.example.net").code, 250 if trusted else 550,
            f"X10_{name}_is_{'allowed' if trusted else 'refused'}_xforward")
with Lmtp(context(client=pat).wrap_socket(connect(TLS))) as client:
    ok("XCLIENT" in lhlo(client), "X10_pat_is_trusted_over_implicit_tls")
is_(daemon.stop(), 0, "the_server_exits_with_0")

# Settings.
daemon.write({"tls.min-version": "1.3", "tls.trust-clients": "no", "tls.required": "yes"})
daemon.start()
is_(hands_shaken(daemon.tcp, context(ssl.TLSVersion.TLSv1_2)), None,
    "X10_tls_1.2_is_refused_if_1.3_is_the_minimum")
with Lmtp(daemon.tcp) as client:
    client.command("LHLO me")
    is_(client.command("MAIL FROM:<>").code, 530, "X10_mail_without_tls_gets_530_if_it_is_required")
    client.start_tls(context(client=pat))
    ok("XCLIENT" not in lhlo(client), "X10_without_tls.trust-clients_a_certificate_gives_no_trust")
    is_(client.command("MAIL FROM:<>").code, 250, "X10_mail_inside_tls_gets_250_if_it_is_required")
is_(deliver(daemon.unix, "", [USER], b"x\r\n").final[USER].code, 250,
    "X10_unix_sockets_need_no_tls_if_it_is_required")
is_(daemon.stop(), 0, "the_server_exits_with_0_if_tls_is_required")
daemon.write({"tls.min-version": None, "tls.ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"})
daemon.start()
with Lmtp(daemon.tcp) as client:
    client.command("LHLO me")
    client.start_tls(context(ssl.TLSVersion.TLSv1_2))
    is_(client.socket.cipher()[0], "ECDHE-ECDSA-AES128-GCM-SHA256", "X10_the_ciphers_of_tls_1.2_are_set")
is_(daemon.stop(), 0, "the_server_exits_with_0_with_configured_ciphers")


def checked(settings):
    """Returns the exit code and the output of --check."""
    daemon.write(settings)
    done_ = subprocess.run([program("HANDOFFD"), "--check", "-c", daemon.path],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done_.returncode, done_.stdout


def refused(settings, words, sentence):
    code, said = checked(settings)
    is_((code, all(word in said for word in words)), (78, True), f"X10_{sentence} ({said.strip()})")


code, said = checked({"tls.ciphers": None})
is_(code, 0, "X10_a_certificate_and_its_key_pass_the_check")
refused({"tls.key": pat.key}, ["tls.key", pat.key, "mismatch"], "check_finds_a_key_of_another_certificate")
refused({"tls.key": server.key, "tls.certificate": scratch.file("none.pem", "none")},
        ["tls.certificate", "none.pem"], "check_finds_a_file_that_is_not_a_certificate")
refused({"tls.certificate": "/nonexistent"}, ["tls.certificate", "No such file"],
        "check_finds_a_missing_certificate")
refused({"tls.certificate": None, "tls.key": None, "tls.client-ca": None, "tls.required": None},
        ["tls:127.0.0.1", "set tls.certificate"], "implicit_tls_needs_a_certificate")
refused({"listen": "tls:127.0.0.1:25"}, ["port 25"], "L8_port_25_is_refused_with_tls_too")
is_(checked({"listen": daemon.unix})[0], 0, "X10_no_certificate_is_needed_if_there_is_no_tls")
done()
