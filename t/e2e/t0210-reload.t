#!/usr/bin/env python3
"""Reload, by handoffctl and by SIGHUP: whole or not at all, and no session is cut."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import ctl, status, until
from handoffd import Handoffd, free_port
from lmtp import Lmtp, connect, deliver
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def listens(address):
    try:
        connect(address).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    return True


with Handoffd() as daemon:
    daemon.mailbox(PAT)
    old = Lmtp(daemon.unix, timeout=20)
    old.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    greeted = Lmtp(daemon.unix, timeout=20)
    between = Lmtp(daemon.unix, timeout=20)
    between.session("LHLO client.test", "MAIL FROM:<>", "RSET")

    # --- A good one.
    port = free_port()
    second = f"unix:{daemon.scratch.path}/second.sock"
    tcp = f"tcp:127.0.0.1:{port}"
    daemon.write({"hostname": "other.test", "listen": [daemon.unix, second, tcp]})
    done_reload = ctl(daemon, "reload")
    is_((done_reload.returncode, done_reload.stdout), (0, "reloaded, configuration 2\n"),
        "a_reload_says_when_it_is_in_force")
    for address in (daemon.unix, second, tcp):
        with Lmtp(address) as client:
            ok("other.test" in client.greeting.lines[0],
               f"{address.partition(':')[0]}_listeners_old_and_new_serve_with_the_new_settings")
    old.send(MESSAGE + b".\r\n")
    is_(old.reply().code, 250, "data_that_had_begun_before_the_reload_is_delivered")
    reply = old.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"), "and_then_the_old_worker_says_421_S11")
    reply = between.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"),
        "so_it_does_to_a_client_between_transactions_S11")
    codes = greeted.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    is_([each.code for each in codes], [250, 250, 250, 354],
        "a_client_that_was_only_greeted_is_not_turned_away")
    greeted.send(MESSAGE + b".\r\n")
    is_([each.code for each in greeted.replies(2)], [250, 421],
        "but_has_its_first_message_delivered_S11")

    # --- Bad ones.
    before = len(daemon.log)
    daemon.write({"spool.newline": "unix"})
    refused = ctl(daemon, "reload")
    is_(refused.returncode, 78, "a_bad_file_is_refused_with_exit_78")
    ok("spool.newline" in refused.stderr, "and_the_caller_hears_why")
    ok("spool.newline" in daemon.wait_for("reload refused, nothing has changed", before),
       "and_so_does_the_log")
    with Lmtp(second) as client:
        is_(client.greeting.code, 220, "and_nothing_has_changed")
    daemon.write({"spool.newline": None, "spool.path": daemon.spool + "/nowhere"})
    refused = ctl(daemon, "reload")
    ok(refused.returncode == 78 and "nowhere" in refused.stderr,
       "a_spool_that_cannot_be_opened_is_refused")
    daemon.write({"spool.path": daemon.spool, "listen": [daemon.unix, "tcp:192.0.2.1:2424"]})
    refused = ctl(daemon, "reload")
    ok(refused.returncode == 78 and "192.0.2.1" in refused.stderr,
       "a_listener_that_cannot_be_bound_is_refused")
    is_(status(daemon)["reloads_refused"], 3, "refusals_are_counted")
    ok(os.path.exists(second.partition(":")[2]), "and_no_listener_has_gone")

    # --- A listener goes; who had connected to it is served.
    daemon.signal(signal.SIGSTOP)  # so that nobody is told yet
    daemon.write({"listen": [daemon.unix]})
    queued = connect(second)
    daemon.signal(signal.SIGHUP)
    daemon.signal(signal.SIGCONT)
    daemon.wait_for("reloaded", before)
    with Lmtp(queued) as client:
        is_(client.greeting.code, 220, "a_connection_to_a_listener_that_goes_is_served")
    ok(not os.path.exists(second.partition(":")[2]), "sighup_takes_away_a_listener")
    for address in (second, tcp):
        until(lambda where=address: not listens(where), "the listener is silent")
        ok(True, f"and_nobody_can_connect_to_it_{address.partition(':')[0]}")

    # --- What needs more than a reload.
    before = len(daemon.log)
    daemon.write({"socket.mode": "0600"})
    is_(ctl(daemon, "reload").returncode, 0, "a_setting_that_a_reload_does_not_take_is_no_fault")
    ok("setting=socket.mode" in daemon.wait_for("a reload does not take this setting", before),
       "and_the_log_names_it")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "and_it_serves_on")

    is_(ctl(daemon, "stop").stdout, "stopped\n", "handoffctl_stop_returns_when_it_has_ended")
    is_(daemon.wait(), 0, "and_it_has_ended_well")
    gone = ctl(daemon, "status")
    ok(gone.returncode == 69 and "no server runs" in gone.stderr,
       "handoffctl_says_so_where_no_server_runs")
    daemon.start()

# --- The only listener gives way to another: workers that nobody can reach any more hear that they are
# to go.
with Handoffd() as daemon:
    daemon.mailbox(PAT)
    first = daemon.unix
    for place in (f"unix:{daemon.scratch.path}/moved.sock", f"tcp:127.0.0.1:{free_port()}",
                  f"tcp:127.0.0.1:{free_port()}", first):
        daemon.write({"listen": [place]})
        is_(ctl(daemon, "reload").returncode, 0, "the_only_listener_moves")
        is_(deliver(place, "", [PAT], MESSAGE).final[PAT].code, 250, "and_serves_where_it_is_now")
        until(lambda: status(daemon)["pool"]["departing"] == 0, "the workers of before have gone")
        ok(True, "and_no_worker_of_before_is_left")
    is_([line for line in daemon.log if "accept failed" in line], [], "none_failed_to_accept")

done()
