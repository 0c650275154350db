#!/usr/bin/env python3
"""Service managers: systemd's notifications, watchdog and sockets, and inetd's "wait"."""
import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from control import ctl
from daemon import Daemon
from handoffd import Configuration, Handoffd, free_port, program
from lmtp import connect, deliver
from scratch import Scratch
from service_manager import ServiceManager
from tap import done, is_, ok, skip

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


# --- Notifications.
for kind, scratch in (("a_path", Scratch()), ("an_abstract_name", Scratch())):
    name = (scratch.path if kind == "a_path" else "\0" + scratch.path) + "/notify"
    manager = ServiceManager(name)
    with Handoffd(scratch=scratch, environment={"NOTIFY_SOCKET": name.replace("\0", "@"),
                                                "WATCHDOG_USEC": "200000"}) as daemon:
        ok("READY=1" in manager.hear("READY=1"), f"systemd_is_notified_of_readiness_at_{kind}")
        for _ in range(2):
            manager.hear("WATCHDOG=1")
        ok(True, f"the_watchdog_is_notified_at_{kind}")
        daemon.signal(signal.SIGHUP)
        lines = manager.hear("RELOADING=1")
        ok(any(line.startswith("MONOTONIC_USEC=") for line in lines),
           f"systemd_is_notified_of_a_reload_and_its_time_at_{kind}")
        manager.hear("READY=1")
        ok(True, f"systemd_is_notified_of_the_end_of_a_reload_at_{kind}")
        daemon.wait_for(r"reloaded generation=2")  # when the last old worker has noticed
        is_(ctl(daemon, "upgrade").returncode, 0, f"an_upgrade_succeeds_at_{kind}")
        manager.hear("READY=1")
        daemon.signal(signal.SIGTERM)
        ok("STOPPING=1" in manager.hear("STOPPING=1"), f"systemd_is_notified_of_the_stop_at_{kind}")
        daemon.wait()
        daemon.start()

# --- Sockets from inetd, "wait": descriptor 0 listens, 1 and 2 are the same.
config = Configuration({"listen": "tcp:192.0.2.1:24", "log.to": "stderr"})
config.mailbox(PAT)
with socket.create_server(("127.0.0.1", 0)) as listener:
    address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
    inetd = subprocess.Popen([program("HANDOFFD"), "-c", config.path], stdin=listener,
                             stdout=listener, stderr=listener, start_new_session=True)
config.scratch.guard(inetd.pid)
is_(deliver(address, "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
    "a_listening_descriptor_0_is_served")
is_(deliver(address, "", [PAT], MESSAGE).final[PAT].code, 250, "a_second_client_is_served_too")
is_(ctl(config, "upgrade").returncode, 0, "a_server_of_inetd_upgrades")
is_(deliver(address, "", [PAT], MESSAGE).final[PAT].code, 250, "the_upgraded_server_uses_the_same_socket")
is_(ctl(config, "stop").returncode, 0, "the_upgraded_server_can_be_stopped")
is_(inetd.wait(20), 0, "the_server_of_inetd_exits_with_0")
config.scratch.release(inetd.pid)

# --- Without clients the server stops, and the next client starts another one.
with socket.create_server(("127.0.0.1", 0)) as listener:
    address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
    for number in ("first", "next"):
        waiting = connect(address, timeout=60)
        inetd = subprocess.Popen([program("HANDOFFD"), "-c", config.path, "--idle-exit", "2s"],
                                 stdin=listener, stdout=listener, stderr=listener,
                                 start_new_session=True)
        config.scratch.guard(inetd.pid)
        is_(deliver(waiting, "", [PAT], MESSAGE, timeout=60).final[PAT].code, 250,
            f"the_{number}_server_of_inetd_serves_a_waiting_client")
        is_(inetd.wait(60), 0, f"the_{number}_server_exits_with_0_after_idle_exit")
        config.scratch.release(inetd.pid)

# --- Sockets from systemd.
# Uses the systemd of contrib/peers if the machine has none.
environment = {}
activate = shutil.which("systemd-socket-activate")
if not activate and peer.is_there("systemd"):
    activate = os.path.join(peer.folder("systemd"), "usr/bin/systemd-socket-activate")
    environment = peer.environment("systemd")
if not activate:
    skip("no systemd-socket-activate here (contrib/peers systemd)")
else:
    config = Configuration({"listen": "tcp:192.0.2.1:24"})
    config.mailbox(PAT)
    port = free_port()
    unix = f"{config.scratch.path}/given.sock"
    systemd = Daemon(config.scratch,
                     [activate, "-l", f"127.0.0.1:{port}", "-l", unix,
                      program("HANDOFFD"), "-c", config.path, "-f"],
                     environment=environment)
    systemd.wait_for("Listening on .*given.sock")
    os.chmod(unix, 0o666)
    is_(deliver(f"tcp:127.0.0.1:{port}", "", [PAT], MESSAGE, timeout=20).final[PAT].code, 250,
        "a_socket_of_systemd_is_served")
    is_(deliver(f"unix:{unix}", "", [PAT], MESSAGE).final[PAT].code, 250, "the_other_socket_of_systemd_is_served_too")
    is_(ctl(config, "reload").returncode, 0, "a_reload_keeps_the_sockets_of_systemd")
    is_(deliver(f"unix:{unix}", "", [PAT], MESSAGE).final[PAT].code, 250, "the_sockets_of_systemd_are_still_served")
    queued = connect(f"unix:{unix}")
    queued.close()
    is_(ctl(config, "stop").returncode, 0, "a_server_with_sockets_of_systemd_can_be_stopped")
    ok(os.path.exists(unix), "a_socket_file_of_systemd_is_not_removed")
    systemd.wait()

done()
