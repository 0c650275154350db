"""Tests RRVS (RFC 7293, X12) with a lookup that says that pat has owned the mailbox since the first
second of 2020, and says nothing about kim.

    ok(rrvs.offers(daemon), ...)
    rrvs.holds(daemon, 'a_database')
"""
import maildir
from lmtp import Lmtp, stuffed
from tap import is_, ok

SINCE = 1577836800  # seconds since 1970
BEFORE, SAME, AFTER = "2019-12-31T23:59:59Z", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:01Z"


def offers(daemon):
    with Lmtp(daemon.unix) as client:
        return "RRVS" in client.command("LHLO me").lines


def _rcpt(client, user, since):
    reply = client.command(f"RCPT TO:<{user}@example.org> RRVS={since}")
    return reply.code, reply.enhanced


def holds(daemon, what, unknown="kim"):
    """Tests a lookup that returns the field `since`. unknown: a recipient without the field; None
    if every recipient has it."""
    ok(offers(daemon), f"X12_rrvs_is_offered_with_{what}_that_has_since")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", "MAIL FROM:<>")
        is_(_rcpt(client, "pat", BEFORE), (550, "5.7.17"), f"X12_{what}_mail_for_an_earlier_owner_is_refused")
        is_([_rcpt(client, "pat", since)[0] for since in (SAME, AFTER)], [250, 250],
            f"X12_{what}_mail_for_the_same_owner_is_accepted")
        taken = 3
        if unknown:
            is_(_rcpt(client, unknown, BEFORE)[0], 250,
                f"X12_{what}_a_mailbox_without_since_is_accepted")
            taken += 1
        is_(_rcpt(client, "pat", "yesterday"), (501, "5.5.4"), f"X12_{what}_an_invalid_time_gets_501")
        is_(client.command("RCPT TO:<pat@example.org>").code, 250,
            f"X12_{what}_a_recipient_without_the_parameter_is_accepted")
        client.command("DATA")
        client.send(stuffed(b"Subject: x\r\n\r\n"))
        is_([reply.code for reply in client.replies(taken)], [250] * taken,
            f"X12_{what}_the_message_is_delivered")
    is_(len(maildir.files(daemon.mailbox_path("pat@example.org"))), 1, f"X12_{what}_the_message_is_stored_once")
