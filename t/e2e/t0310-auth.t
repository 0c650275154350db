#!/usr/bin/env python3
"""X11: AUTH by Cyrus SASL, with a real sasldb: offered mechanisms, PLAIN only under TLS,
SCRAM-SHA-256, EXTERNAL by certificate, and refusals."""
import itertools
import os
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from certificates import Certificates
from handoffd import Handoffd
from lmtp import Lmtp, deliver, stuffed
from sasl import Scram, encoded, plain, sasl_database
from scratch import Scratch
from tap import done, empty, is_, ok

parts.or_says_so("sasl", "auth.mechanisms = PLAIN", "AUTH")
HAS_TLS = parts.has("openssl")
REALM = "handoff.test"
PAT, SECRET = f"pat@{REALM}", "correct horse"
USER = "user@example.org"
numbers = itertools.count()

scratch = Scratch()
daemon = Handoffd({"auth.mechanisms": "PLAIN LOGIN SCRAM-SHA-256 EXTERNAL"}, tcp=True,
                  scratch=scratch, start=False)
folder = sasl_database(scratch, REALM, {"pat": SECRET, "kim": "other"}, daemon.owner)
daemon.write({"auth.sasl-path": folder})
if HAS_TLS:
    certificates = Certificates(scratch)
    server = certificates.self_signed("server")
    ca = certificates.self_signed("ca")
    by_certificate = certificates.signed("pat", ca, PAT)
    daemon.write({"tls.certificate": server.certificate, "tls.key": server.key,
                  "tls.client-ca": ca.certificate})
daemon.start()
daemon.mailbox(USER)


def offered(client):
    for line in client.command("LHLO me").lines:
        if line.startswith("AUTH "):
            return line.split(" ")[1:]
    return []


def context(client=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(server.certificate)
    if client:
        made.load_cert_chain(client.certificate, client.key)
    return made


def scram(client, user, password):
    """Returns the last reply, and whether the server has proved that it knows the password."""
    us = Scram(user, password)
    reply = client.command(f"AUTH SCRAM-SHA-256 {us.first()}")
    if reply.code != 334:
        return reply, False
    reply = client.command(us.final(reply.lines[0]))
    if reply.code != 334:
        return reply, False
    proved = us.verify(reply.lines[0])
    return client.command(""), proved


def received_with(client):
    """Delivers a message; returns the protocol in its Received: line."""
    for each in client.session("MAIL FROM:<>", f"RCPT TO:<{USER}>", "DATA"):
        assert each.code in (250, 354), each
    subject = b"Subject: %d\n" % next(numbers)
    client.send(stuffed(subject.replace(b"\n", b"\r\n")))
    client.reply()
    [message] = [each for each in daemon.messages(USER) if each.endswith(b"\n" + subject)]
    return message.partition(b" with ")[2].split(b" ")[0].decode()


with Lmtp(daemon.unix) as client:
    is_(offered(client), [], "X11_auth_is_not_offered_on_a_unix_socket")
    is_(client.command(f"AUTH PLAIN {plain(PAT, SECRET)}").code, 502, "X11_auth_on_a_unix_socket_gets_502")

with Lmtp(daemon.tcp) as client:
    is_(offered(client), ["SCRAM-SHA-256"], "X11_without_tls_no_mechanism_sends_a_password")
    is_(client.command(f"AUTH PLAIN {plain(PAT, SECRET)}").code, 504,
        "X11_plain_without_tls_is_refused")
    is_(client.command(f"AUTH LOGIN {encoded(PAT)}").code, 504, "X11_login_without_tls_is_refused")
    is_(client.command("AUTH ANONYMOUS").code, 504, "X11_a_mechanism_that_is_not_configured_gets_504")
    is_(client.command("AUTH").code, 501, "X11_auth_without_a_mechanism_gets_501")
    before = len(daemon.log)
    reply, proved = scram(client, PAT, "wrong")
    is_((reply.code, reply.enhanced), (535, "5.7.8"), "X11_a_wrong_password_gets_535_5.7.8")
    line = daemon.wait_for("authentication failed", before)
    ok("mechanism=SCRAM-SHA-256" in line and f"auth={PAT}" in line, "X11_the_log_names_the_user_that_failed")
    reply, proved = scram(client, f"nobody@{REALM}", SECRET)
    is_(reply.code, 535, "X11_an_unknown_user_gets_535")
    client.command("AUTH SCRAM-SHA-256 " + Scram(PAT, SECRET).first())
    is_(client.command("*").code, 501, "X11_a_cancelled_exchange_gets_501")
    is_(client.command("AUTH SCRAM-SHA-256 !").code, 501, "X11_invalid_base64_gets_501")
    client.command("AUTH SCRAM-SHA-256 " + Scram(PAT, SECRET).first())
    is_(client.command("!").code, 501, "X11_invalid_base64_within_an_exchange_gets_501")
    reply, proved = scram(client, PAT, SECRET)
    is_((reply.code, reply.enhanced), (235, "2.7.0"), "X11_scram_sha_256_succeeds_after_failures")
    ok(proved, "X11_the_server_proves_that_it_knows_the_password")
    line = daemon.wait_for("authenticated ", before)
    ok(f"auth={PAT}" in line, "X11_the_log_has_the_authenticated_user")
    is_(client.command("AUTH PLAIN").code, 503, "X11_a_second_auth_gets_503")
    is_(received_with(client), "LMTPA", "X11_received_says_lmtpa")
    ok(f"auth={PAT}" in daemon.wait_for("delivered .*auth=", before), "X11_the_log_of_the_delivery_has_the_authenticated_user")

with Lmtp(daemon.tcp) as client:
    client.command("LHLO me")
    client.command("MAIL FROM:<>")
    is_(client.command("AUTH SCRAM-SHA-256").code, 503, "X11_auth_in_a_transaction_gets_503")

with Lmtp(daemon.tcp) as client:
    client.command("LHLO me")
    client.session(*["AUTH"] * 16)  # errors that are answered without delay
    codes = []
    begin = time.monotonic()
    while not codes or codes[-1] != 421:
        codes.append(scram(client, PAT, "guess")[0].code if len(codes) < 4 else client.reply().code)
    is_(codes, [535] * 4 + [421], "X11_guesses_are_limited_by_session.max-errors")
    ok(time.monotonic() - begin >= 1 + 2 + 3 + 4, "S18_each_failed_attempt_delays_the_reply_by_one_more_second")

if HAS_TLS:
    with Lmtp(daemon.tcp) as client:
        client.command("LHLO me")
        client.start_tls(context())
        is_(offered(client), ["PLAIN", "LOGIN", "SCRAM-SHA-256"], "X11_under_tls_plain_is_offered")
        is_(client.command(f"AUTH PLAIN {plain(PAT, 'wrong')}").code, 535,
            "X11_plain_with_a_wrong_password_gets_535")
        is_(client.command("AUTH PLAIN " + encoded(f"kim@{REALM}\0{PAT}\0{SECRET}")).code, 535,
            "X11_a_user_cannot_authenticate_as_another_user")
        is_(client.command("AUTH EXTERNAL =").code, 504, "X11_external_without_a_certificate_is_refused")
        reply = client.command("auth plain")
        is_(str(reply), "334 ", "X11_plain_without_initial_response_asks_for_it")
        is_(client.command(plain(PAT, SECRET)).code, 235, "X11_plain_under_tls_gets_235")
        is_(received_with(client), "LMTPSA", "X11_received_says_lmtpsa")
    with Lmtp(daemon.tcp) as client:
        client.command("LHLO me")
        scram(client, PAT, SECRET)
        client.start_tls(context())
        offered(client)
        is_(received_with(client), "LMTPS", "X11_starttls_resets_authentication")
    with Lmtp(daemon.tcp) as client:
        client.command("LHLO me")
        client.start_tls(context(by_certificate))
        ok("EXTERNAL" in offered(client), "X11_external_is_offered_with_a_certificate")
        before = len(daemon.log)
        is_(client.command("AUTH EXTERNAL =").code, 235, "X11_external_with_a_certificate_gets_235")
        ok(f"auth={PAT}" in daemon.wait_for("authenticated ", before),
           "X11_the_user_of_external_is_the_common_name_of_the_certificate")
is_(daemon.stop(), 0, "the_server_exits_with_0")
empty((line for line in daemon.log
       for word in (SECRET, encoded(SECRET), plain(PAT, SECRET)) if word in line),
      "X11_no_log_line_has_a_secret")

daemon.write({"auth.required": "yes", "auth.mechanisms": "SCRAM-SHA-256"})
daemon.start()
with Lmtp(daemon.tcp) as client:
    client.command("LHLO me")
    is_(client.command("MAIL FROM:<>").code, 530, "X11_mail_gets_530_if_auth_is_required")
    scram(client, PAT, SECRET)
    is_(client.command("MAIL FROM:<>").code, 250, "X11_after_auth_mail_gets_250")
is_(deliver(daemon.unix, "", [USER], b"x\r\n").final[USER].code, 250,
    "X11_a_unix_socket_needs_no_auth")
is_(daemon.stop(), 0, "the_server_exits_with_0_if_auth_is_required")

# A missing mechanism must not disable the requirement.
daemon.write({"auth.mechanisms": "NOSUCH"})
daemon.start()
with Lmtp(daemon.tcp) as client:
    is_(offered(client), [], "X11_a_mechanism_that_the_library_lacks_is_not_offered")
    is_(client.command("MAIL FROM:<>").code, 530, "X11_if_auth_is_required_but_impossible_no_client_is_served")
is_(daemon.stop(), 0, "the_server_exits_with_0_if_auth_is_impossible")

# The password service is unavailable, which is not the client's fault.
if HAS_TLS:
    scratch.file("sasl/handoff.conf",
                 f"pwcheck_method: saslauthd\nsaslauthd_path: {folder}/nobody-listens-there\n")
    daemon.write({"auth.mechanisms": "PLAIN"})
    daemon.start()
    with Lmtp(daemon.tcp) as client:
        client.command("LHLO me")
        client.start_tls(context())
        client.command("LHLO me")
        reply = client.command(f"AUTH PLAIN {plain(PAT, SECRET)}")
        is_((reply.code, reply.enhanced), (454, "4.7.0"), "X11_without_saslauthd_auth_gets_454_4.7.0")
    is_(daemon.stop(), 0, "the_server_exits_with_0_without_saslauthd")
done()
