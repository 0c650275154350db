"""RRVS (RFC 7293, X12), asked of a handoffd whose lookup says since when pat has had the mailbox: since the
first second of 2020. Of kim it says nothing.

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
    """What a lookup that knows comes to. unknown: whom it tells nothing of; None where it always does."""
    ok(offers(daemon), f"X12_{what}_that_has_since_offers_rrvs")
    with Lmtp(daemon.unix) as client:
        client.session("LHLO me", "MAIL FROM:<>")
        is_(_rcpt(client, "pat", BEFORE), (550, "5.7.17"), f"X12_{what}_a_newer_owner_gets_nothing")
        is_([_rcpt(client, "pat", since)[0] for since in (SAME, AFTER)], [250, 250],
            f"X12_{what}_the_same_owner_is_a_recipient")
        taken = 3
        if unknown:
            is_(_rcpt(client, unknown, BEFORE)[0], 250,
                f"X12_{what}_nor_is_one_refused_who_is_not_known")
            taken += 1
        is_(_rcpt(client, "pat", "yesterday"), (501, "5.5.4"), f"X12_{what}_no_time_is_malformed")
        is_(client.command("RCPT TO:<pat@example.org>").code, 250,
            f"X12_{what}_who_does_not_ask_is_not_refused")
        client.command("DATA")
        client.send(stuffed(b"Subject: x\r\n\r\n"))
        is_([reply.code for reply in client.replies(taken)], [250] * taken,
            f"X12_{what}_and_mail_comes")
    is_(len(maildir.files(daemon.mailbox_path("pat@example.org"))), 1, f"X12_{what}_once")
