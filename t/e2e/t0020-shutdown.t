#!/usr/bin/env python3
"""SIGTERM: sessions between transactions end soon, data that has begun is finished."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd
from lmtp import Lmtp
from tap import done, is_, ok

PAT = "pat@good.test"


def begin(daemon, *commands):
    client = Lmtp(daemon.unix, timeout=20)
    client.session("LHLO client.test", *commands)
    return client


with Handoffd() as daemon:
    daemon.mailbox(PAT)
    greeted = Lmtp(daemon.unix)
    between = begin(daemon)
    quitting = begin(daemon)
    opened = begin(daemon, "MAIL FROM:<>", f"RCPT TO:<{PAT}>")
    silent = begin(daemon, "MAIL FROM:<>", f"RCPT TO:<{PAT}>")
    in_data = begin(daemon, "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    in_data.send(b"Subject: begun\r\n\r\nfirst half\r\n")
    stopped = time.monotonic()
    daemon.signal(signal.SIGTERM)
    reply = quitting.command("QUIT")
    # It has a second: a machine that takes longer than that says nothing of it.
    ok(reply.code == 221 or time.monotonic() - stopped >= 1,
       "a_client_that_quits_meanwhile_is_told_that_all_is_well_S11")
    daemon.wait_for("draining")

    for client, who in ((greeted, "that_only_was_greeted"), (between, "between_transactions")):
        reply = client.reply()
        is_((reply.code, reply.enhanced), (421, "4.3.2"), f"a_client_{who}_gets_421_S11")
        ok(client.at_end(), f"a_client_{who}_is_closed_S11")
    ok(not os.path.exists(daemon.unix.partition(":")[2]), "nobody_can_connect_any_more")

    in_data.send(b"second half\r\n.\r\n")
    is_(in_data.reply().code, 250, "a_message_whose_data_had_begun_is_delivered_S11")
    reply = in_data.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"), "and_then_its_client_gets_421_S11")
    ok(in_data.at_end(), "and_is_closed_S11")
    is_([b"first half\nsecond half\n" in each for each in daemon.messages(PAT)], [True],
        "and_the_message_is_whole_S11")

    is_(opened.command("DATA").code, 354, "a_transaction_that_was_open_may_still_go_on_S11")
    opened.send(b"Subject: opened\r\n\r\n.\r\n")
    is_([each.code for each in opened.replies(2)], [250, 421], "and_is_finished_too_S11")

    reply = silent.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"), "one_that_stays_silent_gets_421_S11")
    ok(time.monotonic() - stopped >= 5, "but_not_at_once_S11")
    is_(daemon.wait(), 0, "the_daemon_exits_with_0_S11")
    is_(len(daemon.messages(PAT)), 2, "and_what_was_answered_with_250_is_there_L5")

    # --- A second SIGTERM does not wait.
    daemon.start()
    before = len(daemon.log)
    client = begin(daemon, "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    client.send(b"Subject: cut\r\n\r\nhalf")
    daemon.signal(signal.SIGTERM)
    daemon.wait_for("draining", before)
    daemon.signal(signal.SIGTERM)
    is_(daemon.wait(), 0, "a_second_sigterm_ends_it_at_once")
    try:
        ended = client.at_end()
    except ConnectionResetError:  # so a unix socket says that what was sent had not all been read
        ended = True
    ok(ended, "its_clients_are_closed_without_a_reply")
    is_(len(daemon.messages(PAT)), 2, "and_nothing_half_is_delivered_R5")

    daemon.start()
    is_(daemon.staged(), [], "what_it_left_in_staging_is_swept_at_the_next_start")
    daemon.signal(signal.SIGINT)
    is_(daemon.wait(), 0, "sigint_ends_it_as_well")

done()
