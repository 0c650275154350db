#!/usr/bin/env python3
"""SIGTERM: sessions between transactions end soon; a message that is being received is
completed."""
import os
import select
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
    # The limit is one second; if the machine takes longer, the test proves nothing.
    ok(reply.code == 221 or time.monotonic() - stopped >= 1,
       "a_client_that_quits_during_a_stop_gets_221_S11")
    daemon.wait_for("draining")

    for client, who in ((greeted, "that_was_only_greeted"), (between, "between_transactions")):
        reply = client.reply()
        is_((reply.code, reply.enhanced), (421, "4.3.2"), f"a_client_{who}_gets_421_S11")
        ok(client.at_end(), f"a_client_{who}_is_closed_S11")
    ok(not os.path.exists(daemon.unix.partition(":")[2]), "nobody_can_connect_any_more")

    in_data.send(b"second half\r\n.\r\n")
    is_(in_data.reply().code, 250, "a_message_whose_data_had_begun_is_delivered_S11")
    reply = in_data.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"), "after_its_message_the_client_gets_421_S11")
    ok(in_data.at_end(), "after_its_message_the_connection_is_closed_S11")
    is_([b"first half\nsecond half\n" in each for each in daemon.messages(PAT)], [True],
        "the_message_delivered_during_the_stop_is_complete_S11")

    is_(opened.command("DATA").code, 354, "an_open_transaction_may_continue_S11")
    opened.send(b"Subject: opened\r\n\r\n.\r\n")
    is_([each.code for each in opened.replies(2)], [250, 421], "the_open_transaction_is_finished_S11")

    reply = silent.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"), "a_client_that_stays_silent_gets_421_S11")
    ok(time.monotonic() - stopped >= 5, "the_silent_client_gets_421_only_after_ten_seconds_S11")
    is_(daemon.wait(), 0, "the_daemon_exits_with_0_S11")
    is_(len(daemon.messages(PAT)), 2, "messages_answered_with_250_are_stored_L5")

    # --- A second SIGTERM does not wait.
    daemon.start()
    before = len(daemon.log)
    client = begin(daemon, "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    client.send(b"Subject: cut\r\n\r\nhalf")
    daemon.signal(signal.SIGTERM)
    daemon.wait_for("draining", before)
    daemon.signal(signal.SIGTERM)
    is_(daemon.wait(), 0, "a_second_sigterm_ends_the_server_at_once")
    try:
        ended = client.at_end()
    except ConnectionResetError:  # a unix socket reports unread input like this
        ended = True
    ok(ended, "a_second_sigterm_closes_connections_without_a_reply")
    is_(len(daemon.messages(PAT)), 2, "a_second_sigterm_delivers_no_partial_message_R5")

    daemon.start()
    is_(daemon.staged(), [], "the_next_start_removes_files_left_in_staging")
    daemon.signal(signal.SIGINT)
    is_(daemon.wait(), 0, "sigint_ends_the_server_too")

# A client that writes and does not read: its replies fill the socket, and the worker waits.
with Handoffd({"session.max-errors": 1000000}) as daemon:
    client = Lmtp(daemon.unix, timeout=20)
    client.socket.setblocking(False)
    since = time.monotonic()
    while time.monotonic() - since < 1:     # until the server has read nothing for a second
        try:
            if client.socket.send(b"WHAT\r\n" * 100) > 0:
                since = time.monotonic()
        except BlockingIOError:
            select.select([], [client.socket], [], 0.1)
    stopped = time.monotonic()
    daemon.signal(signal.SIGTERM)
    is_(daemon.wait(), 0, "a_stop_ends_while_a_client_does_not_read_its_replies_S11")
    ok(time.monotonic() - stopped < 25, "such_a_stop_takes_ten_seconds_and_not_five_minutes_S11")

done()
