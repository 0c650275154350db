#!/usr/bin/env python3
"""Reload, by handoffctl and by SIGHUP: it is applied completely or not at all, and interrupts no
session."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from control import ctl, status, until
from handoffd import Handoffd, free_port, program
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

    # --- A valid configuration.
    port = free_port()
    second = f"unix:{daemon.scratch.path}/second.sock"
    tcp = f"tcp:127.0.0.1:{port}"
    daemon.write({"hostname": "other.test", "listen": [daemon.unix, second, tcp]})
    done_reload = ctl(daemon, "reload")
    is_((done_reload.returncode, done_reload.stdout), (0, "reloaded, configuration 2\n"),
        "handoffctl_reload_reports_the_new_configuration")
    for address in (daemon.unix, second, tcp):
        with Lmtp(address) as client:
            ok("other.test" in client.greeting.lines[0],
               f"old_and_new_{address.partition(':')[0]}_listeners_serve_with_the_new_settings")
    old.send(MESSAGE + b".\r\n")
    is_(old.reply().code, 250, "data_that_had_begun_before_the_reload_is_delivered")
    reply = old.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"), "after_that_message_the_old_worker_sends_421_S11")
    reply = between.reply()
    is_((reply.code, reply.enhanced), (421, "4.3.2"),
        "a_client_between_transactions_gets_421_too_S11")
    codes = greeted.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
    is_([each.code for each in codes], [250, 250, 250, 354],
        "a_client_that_was_only_greeted_may_still_send_a_message")
    greeted.send(MESSAGE + b".\r\n")
    is_([each.code for each in greeted.replies(2)], [250, 421],
        "the_first_message_of_a_greeted_client_is_delivered_S11")

    # --- Invalid configurations.
    before = len(daemon.log)
    daemon.write({"spool.newline": "unix"})
    refused = ctl(daemon, "reload")
    is_(refused.returncode, 78, "a_bad_file_is_refused_with_exit_78")
    ok("spool.newline" in refused.stderr, "the_caller_gets_the_reason_why_a_file_is_refused")
    ok("spool.newline" in daemon.wait_for("reload refused, nothing has changed", before),
       "the_log_has_the_reason_why_a_file_is_refused")
    with Lmtp(second) as client:
        is_(client.greeting.code, 220, "a_refused_reload_changes_nothing")
    daemon.write({"spool.newline": None, "spool.path": daemon.spool + "/nowhere"})
    refused = ctl(daemon, "reload")
    ok(refused.returncode == 78 and "nowhere" in refused.stderr,
       "a_spool_that_cannot_be_opened_is_refused")
    daemon.write({"spool.path": daemon.spool, "listen": [daemon.unix, "tcp:192.0.2.1:2424"]})
    refused = ctl(daemon, "reload")
    ok(refused.returncode == 78 and "192.0.2.1" in refused.stderr,
       "a_listener_that_cannot_be_bound_is_refused")
    is_(status(daemon)["reloads_refused"], 3, "refusals_are_counted")
    ok(os.path.exists(second.partition(":")[2]), "all_listeners_work_after_refused_reloads")

    # --- A listener is removed; clients that had connected to it are served.
    daemon.signal(signal.SIGSTOP)  # so that it does not react yet
    daemon.write({"listen": [daemon.unix]})
    queued = connect(second)
    daemon.signal(signal.SIGHUP)
    daemon.signal(signal.SIGCONT)
    daemon.wait_for("reloaded", before)
    with Lmtp(queued) as client:
        is_(client.greeting.code, 220, "a_connection_to_a_removed_listener_is_served")
    ok(not os.path.exists(second.partition(":")[2]), "sighup_removes_a_listener")
    for address in (second, tcp):
        until(lambda where=address: not listens(where), "the listener is silent")
        ok(True, f"nobody_can_connect_to_a_removed_{address.partition(':')[0]}_listener")

    # --- Settings that need more than a reload.
    before = len(daemon.log)
    daemon.write({"socket.mode": "0600"})
    said = ctl(daemon, "reload")
    is_(said.returncode, 0, "a_reload_succeeds_although_one_setting_needs_a_restart")
    ok("not in force until an upgrade or a restart: socket.mode\n" in said.stdout,
       "handoffctl_names_the_setting_that_needs_a_restart")
    ok("setting=socket.mode" in daemon.wait_for("this setting takes effect only at an upgrade", before),
       "the_log_names_the_setting_that_needs_a_restart")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "the_server_continues_to_serve")

    if daemon.owner:
        denied = subprocess.run([program("HANDOFFCTL"), "-c", daemon.path, "status"], check=False,
                                user=daemon.owner[0], group=daemon.owner[1], extra_groups=[],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ok(denied.returncode == 77 and "Permission denied\n            fix: run it as root" in
           denied.stderr, "if_handoffctl_may_not_connect_it_says_what_to_do")
    is_(ctl(daemon, "stop").stdout, "stopped\n", "handoffctl_stop_returns_when_the_server_has_ended")
    is_(daemon.wait(), 0, "the_server_has_exited_with_0")
    gone = ctl(daemon, "status")
    ok(gone.returncode == 69 and "no server is running" in gone.stderr,
       "handoffctl_reports_that_no_server_runs")
    daemon.start()

# --- The only listener is replaced: workers that can no longer be reached end.
with Handoffd() as daemon:
    daemon.mailbox(PAT)
    first = daemon.unix
    for place in (f"unix:{daemon.scratch.path}/moved.sock", f"tcp:127.0.0.1:{free_port()}",
                  f"tcp:127.0.0.1:{free_port()}", first):
        daemon.write({"listen": [place]})
        is_(ctl(daemon, "reload").returncode, 0, "the_only_listener_moves")
        is_(deliver(place, "", [PAT], MESSAGE).final[PAT].code, 250, "the_moved_listener_serves_at_its_new_address")
        until(lambda: status(daemon)["pool"]["departing"] == 0, "the workers of before have gone")
        ok(True, "after_the_move_no_old_worker_is_left")
    is_([line for line in daemon.log if "accept failed" in line], [], "no_worker_failed_to_accept_a_connection")

done()
