#!/usr/bin/env python3
"""Every wait for a silent or deliberately slow client ends (S13)."""
import os
import re
import select
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd
from lmtp import Lmtp, deliver
from tap import done, is_, ok

PAT = "pat@good.test"
TRICKLE = 0.25  # seconds between octets


def answered(client, seconds):
    """Waits up to this time for input; returns whether there is any."""
    return bool(select.select([client.socket], [], [], seconds)[0])


def silent(_):
    pass


def trickle(octet, begin=b""):
    def one_by_one(client):
        client.send(begin)
        while not answered(client, TRICKLE):
            client.send(octet)
    return one_by_one


# The commands and the later behaviour of a client, and the seconds after which it is disconnected.
HELLO = ["LHLO client.test"]
DATA = [*HELLO, "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA"]
CASES = {
    "a_silent_client_after_the_greeting": ([], silent, 1),
    "a_silent_client_after_lhlo": (HELLO, silent, 1),
    "a_silent_client_in_a_transaction": (DATA[:-1], silent, 1),
    "a_silent_client_in_its_data": (DATA, silent, 1),
    "a_first_command_that_trickles": ([], trickle(b"L"), 1),
    "a_command_that_trickles": (HELLO, trickle(b"N"), 1),
    "data_that_trickles": (DATA, trickle(b"x"), 3),
    "a_refused_chunk_that_trickles": (HELLO, trickle(b"x", b"BDAT 1000\r\n"), 3),
}
results = {}


def closed(client):
    """Returns whether the server has closed the connection. If input arrives after the server's
    last read, the server resets the connection when it closes it."""
    try:
        return client.at_end()
    except ConnectionResetError:
        return True


def run(name, address):
    commands, act, _ = CASES[name]
    begun = time.monotonic()
    with Lmtp(address, timeout=20) as client:
        client.session(*commands)
        act(client)
        reply = client.reply()
        waited = re.search(r"waited (\d+) s", str(reply))
        results[name] = (reply.code, reply.enhanced, closed(client), time.monotonic() - begun,
                         int(waited[1]) if waited else 0)


def keep_alive(address):
    """Simulates a slow client that always sends a command before its time is over."""
    with Lmtp(address, timeout=20) as client:
        begun = time.monotonic()
        codes = set()
        while time.monotonic() - begun < 2:
            if answered(client, TRICKLE):
                break
            codes.add(client.command("NOOP").code)
        results["alive"] = codes


with Handoffd({"session.command-timeout": "1s", "session.data-timeout": "1s",
               "session.transaction-timeout": "3s"}) as daemon:
    daemon.mailbox(PAT)
    threads = [threading.Thread(target=run, args=(name, daemon.unix)) for name in CASES]
    threads.append(threading.Thread(target=keep_alive, args=(daemon.unix,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, (_, _, least) in CASES.items():
        code, enhanced, closed, took, waited = results.get(name, (None, None, None, 0, 0))
        is_((code, enhanced, closed), (421, "4.4.2", True), f"{name}_gets_421_and_is_closed_S13")
        ok(least <= took < least + 5, f"{name}_is_disconnected_at_the_limit_S13")
        ok(least <= waited < least + 5, f"the_reply_says_how_long_the_server_waited_for_{name}_S13")
    is_(results.get("alive"), {250}, "a_client_that_sends_commands_now_and_then_is_not_disconnected_S13")
    is_(daemon.messages(PAT), [], "no_part_of_an_interrupted_message_is_delivered_R5")
    is_(daemon.staged(), [], "no_part_of_an_interrupted_message_stays_in_staging")
    is_(deliver(daemon.unix, "", [PAT], b"\r\n").final[PAT].code, 250,
        "after_the_timeouts_the_workers_serve_others")

# Content may take longer than a command.
with Handoffd({"session.command-timeout": "1s", "session.data-timeout": "1h",
               "recipients.lookup": "any"}) as daemon:
    with Lmtp(daemon.unix) as client:
        client.session(*DATA)
        ok(not answered(client, 1.5), "content_has_the_time_limit_for_content_S13")
        begun = time.monotonic()
        client.send(b"\r\n.\r\n")
        is_([client.reply().code, client.reply().code], [250, 421],
            "after_the_content_the_time_limit_for_commands_applies_S13")
        ok(time.monotonic() - begun >= 1, "the_next_command_has_its_whole_time_limit_S13")
    with Lmtp(daemon.unix) as client:
        client.command("LHLO me")
        client.send(b"BDAT 1000\r\nRSET\r\n")
        ok(not answered(client, 1.5), "a_refused_chunk_has_the_time_limit_for_content_S13")
        is_(daemon.stop(), 0, "a_stop_does_not_wait_for_a_refused_chunk_S11")
        is_(client.reply().code, 421, "at_a_stop_the_client_of_a_refused_chunk_gets_421_S11")

done()
