#!/usr/bin/env python3
"""No client starves the others."""
import os
import select
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import status
from handoffd import Handoffd
from lmtp import Lmtp, connect, deliver
from tap import done, is_, ok

USER = "user@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def greeted(address, deadline=30):
    """Connects until the greeting is positive, or until the deadline has passed."""
    end = time.monotonic() + deadline
    while True:
        client = Lmtp(address)
        if client.greeting.code == 220 or time.monotonic() > end:
            return client
        client.close()


def outcome(address):
    """Returns the code of the reply to a message, or of the greeting if that is negative."""
    try:
        return deliver(address, "", [USER], MESSAGE, timeout=30).final[USER].code
    except TimeoutError:
        return "timeout"


with Handoffd(tcp=True) as daemon:
    daemon.mailbox(USER)
    # By default one client can occupy half of the 64 workers.
    idle = [Lmtp(daemon.tcp) for _ in range(64)]
    greetings = [client.greeting for client in idle]
    is_([reply.code for reply in greetings], [220] * 32 + [421] * 32,
        "a_client_can_occupy_half_of_the_workers_S14")
    is_(str(greetings[-1]),
        "421 4.7.0 [127.0.0.1] has too many connections, see workers.max-per-client",
        "further_connections_of_that_client_get_421_S14")
    ok(daemon.wait_for(r"refused client client=\[127.0.0.1\] cause=workers.max-per-client"),
       "the_log_has_the_refused_connections")
    is_(status(daemon)["totals"]["refused_clients"], 32, "the_refused_connections_are_counted")
    is_(outcome(daemon.unix), 250, "meanwhile_mail_on_the_unix_socket_is_delivered_S14")
    idle[0].close()
    with greeted(daemon.tcp) as client:
        is_(client.greeting.code, 220, "when_one_connection_has_ended_another_is_accepted_S14")
    for client in idle[1:]:
        client.close()

for attacked, other in (("tcp", "unix"), ("unix", "tcp")):
    with Handoffd({"workers.max": 16, "workers.max-per-client": 0}, tcp=True) as daemon:
        daemon.mailbox(USER)
        # With one connection more than there are workers, all workers of this listener are
        # occupied.
        idle = [connect(getattr(daemon, attacked)) for _ in range(17)]
        daemon.wait_for("all workers are busy")
        is_(outcome(getattr(daemon, other)), 250,
            f"clients_of_{attacked}_do_not_occupy_the_workers_reserved_for_{other}_S15")
        for client in idle:
            client.close()

with Handoffd({"workers.max": 2, "workers.min-idle": 1, "session.stress-timeout": "1s"}) as daemon:
    daemon.mailbox(USER)
    with Lmtp(daemon.unix) as idle, Lmtp(daemon.unix) as sending:
        idle.command("LHLO client.test")
        sending.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{USER}>", "DATA")
        sending.send(b"Subject: begun\r\n")
        daemon.wait_for("all workers are busy")
        readable, _, _ = select.select([idle.socket], [], [], 3)
        is_(readable, [], "while_no_connection_waits_an_idle_client_may_stay_S16")
        is_(outcome(daemon.unix), 250, "a_waiting_client_is_served_although_all_workers_were_busy_S16")
        is_(str(idle.reply()).split(" waited")[0], "421 4.3.2 handoff.test",
            "the_idle_client_had_to_make_room_for_it_S16")
        ok(daemon.wait_for("idle session ended for a waiting client client=local"),
           "the_log_says_that_an_idle_client_made_room")
        sending.send(b"\r\nend\r\n.\r\n")
        is_(sending.reply().code, 250, "content_is_not_interrupted_S16")

with Handoffd({"session.max-time": "2s"}, tcp=True) as daemon:
    daemon.mailbox(USER)
    with Lmtp(daemon.tcp) as client:
        replies = {client.command("NOOP").code for _ in range(100)}
        is_(replies, {250}, "a_client_may_send_noop_a_hundred_times")
        is_(str(client.command("NOOP")),
            "421 4.7.0 handoff.test got 100 commands without a message, closing",
            "the_next_noop_gets_421_S17")
        ok(client.at_end(), "after_too_many_commands_the_connection_ends_S17")
    with Lmtp(daemon.tcp) as client:
        client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{USER}>", "DATA")
        select.select([], [], [], 2.1)  # session.max-time
        client.send(b"Subject: late\r\n\r\n.\r\n")
        is_(client.reply().code, 250, "an_old_session_completes_its_message_S17")
        is_(str(client.command("MAIL FROM:<>")),
            "421 4.3.2 handoff.test session has lasted its maximum time, connect again",
            "an_old_session_begins_no_other_message_S17")


def unknown(address, number):
    """Names unknown recipients; returns how many seconds the replies took."""
    with Lmtp(address) as client:
        client.session("LHLO client.test", "MAIL FROM:<>")
        begin = time.monotonic()
        client.send(b"RCPT TO:<nobody@good.test>\r\n" * number)
        codes = {reply.code for reply in client.replies(number)}
        is_(codes, {550}, "unknown_recipients_are_refused_R1")
        return time.monotonic() - begin


with Handoffd(tcp=True) as daemon:
    daemon.mailbox(USER)
    ok(unknown(daemon.tcp, 21) >= 2, "many_unknown_recipients_are_answered_slowly_over_tcp_S18")
    ok(unknown(daemon.unix, 121) < 60, "unknown_recipients_are_answered_at_once_on_the_unix_socket_S18")
    # A client that names many recipients and disconnects does not occupy its worker.
    leaving = connect(daemon.tcp)
    leaving.sendall(b"LHLO client.test\r\nMAIL FROM:<>\r\n" +
                    b"RCPT TO:<nobody@good.test>\r\n" * 100)
    leaving.close()
    with Lmtp(daemon.tcp) as client:
        client.command("QUIT")
    begin = time.monotonic()
    is_(daemon.stop(), 0, "the_server_exits_with_0")
    ok(time.monotonic() - begin < 30, "a_client_that_leaves_does_not_occupy_its_worker_S18")

done()
