#!/usr/bin/env python3
"""Attacks on the master by clients of http.listen, clients of the control socket and workers that
somebody has taken over: the master uses little memory, logs little, and keeps control."""
import contextlib
import ctypes
import http.client
import os
import re
import resource
import select
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import processes
from control import ctl, status, until, workers
from handoffd import Handoffd, free_port
from lmtp import deliver
from processes import children, cpu_seconds, descriptors, titled
from tap import done, is_, ok, skip_all

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
CONNECTIONS = 300
LIMIT = 256  # descriptors for each process of the server
PIDFD_GETFD = 438

if not sys.platform.startswith("linux"):
    skip_all("what processes use is read from Linux' /proc")


def get(path, timeout=20):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sockets_of(pid):
    """Returns the inodes of a process's sockets."""
    return {link for link in descriptors(pid).values() if link.startswith("socket:")}


def status_processes(daemon):
    def two():
        found = set(titled(children(daemon.pid), "status"))
        return found if len(found) == 2 else None
    return until(two, "two status processes")


def slow_connections(address, family):
    """Makes CONNECTIONS connections and sends half a request over each."""
    made = []
    for _ in range(CONNECTIONS):
        client = socket.socket(family)
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(address)
        with contextlib.suppress(OSError):
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        made.append(client)
    return made


def cut_within(connections, seconds):
    """Returns whether the server closes all accepted connections within that time, although each of
    them continues to send."""
    end = time.monotonic() + seconds
    left = set(connections)
    while left and time.monotonic() < end:
        readable, _, _ = select.select(left, [], [], 0.2)
        for client in readable:
            with contextlib.suppress(OSError):
                if client.recv(100):
                    continue
            left.discard(client)
        for client in list(left):
            try:
                client.send(b"x")
            except BlockingIOError:
                pass
            except OSError:
                left.discard(client)
    return not left


port = free_port()
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, hard))
with Handoffd({"http.listen": str(port)}) as daemon:
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    daemon.mailbox(PAT)
    is_(get("/healthz")[0], 200, "a_server_with_few_descriptors_delivers")

    # --- The privileged process parses nothing.
    http_process, control_process = sorted(status_processes(daemon), reverse=True)
    with open("/proc/net/tcp", encoding="ascii") as file:
        listening = {f"socket:[{line.split()[9]}]" for line in file
                     if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}
    ok(listening <= sockets_of(http_process), "the_status_process_of_http_listen_holds_its_socket")
    for pid in (http_process, control_process):
        facts = processes.status(pid)
        ok("0" not in facts["Uid"].split(), f"the_status_process_of_{'http' if pid == http_process else 'control'}_is_not_root")
        is_(facts["CapEff"], "0" * 16, f"the_status_process_of_{'http' if pid == http_process else 'control'}_has_no_capability")
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"GET /metrics HTTP/1.1\r\n")
    until(lambda: len(sockets_of(http_process)) == 3, "the connection is accepted")
    ok(sockets_of(http_process) & sockets_of(daemon.pid) == listening,
       "the_master_holds_no_connection_of_a_client")
    client.close()
    is_(ctl(daemon, "reload").returncode, 0, "a_reload_over_the_control_socket_succeeds")
    http_process, = status_processes(daemon) - {control_process}

    # --- 300 slow connections to http.listen, with a limit of 256 descriptors.
    lines = len(daemon.log)
    used = cpu_seconds(daemon.pid)
    begin = time.monotonic()
    attack = slow_connections(("127.0.0.1", port), socket.AF_INET)
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "mail_is_delivered_during_300_slow_connections")
    is_(ctl(daemon, "status", deadline=20).returncode, 0, "handoffctl_is_answered_during_300_slow_connections_to_http_listen")
    is_(get("/healthz")[0], 200, "another_http_client_is_answered_during_300_slow_connections")
    os.kill(workers(daemon)[0], signal.SIGKILL)
    daemon.wait_for("worker died")
    until(lambda: len(workers(daemon)) >= 2, "a new worker starts")
    ok(cut_within(attack, 25), "slow_connections_are_closed_at_a_time_limit")
    spent = (cpu_seconds(daemon.pid) - used) / (time.monotonic() - begin)
    ok(spent < 0.5, "the_master_does_not_spin")
    ok(cpu_seconds(http_process) < 0.5 * (time.monotonic() - begin) + 1,
       "the_status_process_of_http_listen_does_not_spin")
    ok(len(daemon.log) - lines < 30, "the_log_stays_short")
    for each in attack:
        each.close()

    # --- The same on the control socket.
    lines = len(daemon.log)
    attack = slow_connections(daemon.settings["control.socket"], socket.AF_UNIX)
    is_(ctl(daemon, "status", deadline=20).returncode, 0,
        "handoffctl_is_answered_during_300_slow_connections_to_the_control_socket")
    ok(cut_within(attack, 25), "slow_connections_to_the_control_socket_are_closed_too")
    ok(len(daemon.log) - lines < 10, "the_log_stays_short_during_slow_connections_to_the_control_socket")
    for each in attack:
        each.close()

    # --- An attacker controls the process of http.listen: it can query, but not command.
    if hasattr(os, "pidfd_open") and os.geteuid() == 0:
        http_process, = status_processes(daemon) - {control_process}
        [fd] = [fd for fd, link in descriptors(http_process).items()
                if link in sockets_of(http_process) - listening]
        pidfd = os.pidfd_open(http_process)
        channel = socket.socket(fileno=ctypes.CDLL(None).syscall(PIDFD_GETFD, pidfd, fd, 0))
        os.kill(http_process, signal.SIGSTOP)
        generation = status(daemon)["generation"]
        used, grown, begin = cpu_seconds(daemon.pid), resident(daemon.pid), time.monotonic()
        sent = 0
        channel.setblocking(False)
        while time.monotonic() < begin + 3:
            select.select([], [channel], [], 0.1)
            with contextlib.suppress(BlockingIOError):
                sent += channel.send(b"rudy?" * 200 + b"s" * 1000)
        now = status(daemon)
        is_((now["state"] == "draining", now["generation"], now["upgrades"]), (False, generation, 0),
            "a_status_process_of_http_listen_under_attack_cannot_command_the_master")
        ok(cpu_seconds(daemon.pid) - used < 1.5, "whatever_a_status_process_sends_the_master_uses_little_processor_time")
        ok(resident(daemon.pid) - grown < 4 << 20, "the_memory_of_the_master_does_not_grow")
        channel.close()
        os.close(pidfd)
        os.kill(http_process, signal.SIGKILL)
        until(lambda: get("/healthz")[0] == 200, "another takes its place")
        ok(True, "a_status_process_that_dies_is_replaced")

    # --- A worker writes to the wakeup pipe of the master continuously.
    if hasattr(os, "pidfd_open") and os.geteuid() == 0:
        worker = workers(daemon)[0]
        pipes = [fd for fd, link in descriptors(worker).items() if link.startswith("pipe:")]
        [wakeup] = [fd for fd in pipes if re.search(
            r"^flags:\s+0*[0-7]*1$", open(f"/proc/{worker}/fdinfo/{fd}", encoding="ascii").read(),
            re.M) and os.readlink(f"/proc/{worker}/fd/{fd}") != os.readlink("/proc/self/fd/1")
            and fd > 2]
        pidfd = os.pidfd_open(worker)
        write_end = ctypes.CDLL(None).syscall(PIDFD_GETFD, pidfd, wakeup, 0)
        grown, begin, used = resident(daemon.pid), time.monotonic(), cpu_seconds(daemon.pid)
        written = 0
        while time.monotonic() < begin + 3:
            select.select([], [write_end], [], 0.1)
            with contextlib.suppress(BlockingIOError):
                written += os.write(write_end, b"!" * 65536)
        ok(written > 1 << 20, "a_worker_writes_to_the_wakeup_pipe_without_a_pause")
        ok(resident(daemon.pid) - grown < 4 << 20, "wakeups_without_a_pause_do_not_grow_the_masters_memory")
        ok(status(daemon)["workers"], "status_answers_during_wakeups_without_a_pause")
        is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "mail_is_delivered_during_wakeups_without_a_pause")
        os.close(write_end)
        os.close(pidfd)

done()
