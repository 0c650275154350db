#!/usr/bin/env python3
"""Actions that are impossible for an attacker who runs code in a worker or in another process of
handoff: the test makes the system calls in these processes. Without confinement the same calls
succeed."""
import ctypes
import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import injected
from control import until, workers
from handoffd import Handoffd, free_port, is_sanitized, program, writes_out
from injected import Injected
from lmtp import deliver
from owners import Owners
from processes import children, send_signal, status, titled
from tap import done, empty, is_, ok, skip_all

if is_sanitized():
    ok(True, "a_build_with_sanitizers_is_not_confined")
    done()
if why := injected.missing():
    skip_all(why)

MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
AT_FDCWD = -100
READ_WRITE, WRITE_EXECUTE, READ_EXECUTE = 3, 6, 5
ONE = {"workers.max": 1, "workers.min-idle": 1, "log.level": "debug"}


def landlock():
    """Returns the version of the kernel's Landlock, 0 for none."""
    return max(0, ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def shared_memory(pid):
    """Returns the mappings that the process shares with others and can write to."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return [line for line in maps if line.split()[1].startswith("rw-s")]


def in_address(port):
    return struct.pack("<H", socket.AF_INET) + struct.pack(">H", port) + b"\x7f\0\0\1" + b"\0" * 8


def forbidden(process, master, other):
    """Returns the calls that must fail in every process that reads input from outside: {sentence:
    result}."""
    pages = process.call("mmap", 0, 4096, READ_WRITE, 0x22, -1, 0)
    found = {
        "execute_a_program": process.call("execve", b"/bin/true", 0, 0),
        "have_namespaces_of_its_own": process.call("unshare", 0x10000000),
        "have_namespaces_by_clone": process.call("clone", 0x10000000 | signal.SIGCHLD, 0),
        "have_namespaces_by_clone3": process.call("clone3", struct.pack("<8Q", 0x10000000, *[0] * 7),
                                                  64),
        "enter_a_namespace": process.call("setns", 0, 0),
        "use_netlink": process.call("socket", socket.AF_NETLINK, socket.SOCK_RAW, 0),
        "use_packet_sockets": process.call("socket", socket.AF_PACKET, socket.SOCK_RAW, 0),
        "use_vsock": process.call("socket", 40, socket.SOCK_STREAM, 0),
        "use_io_uring": process.call("io_uring_setup", 4, b"\0" * 120),
        "use_keyrings": process.call("keyctl", 0, -3, 1),
        "add_keys": process.call("add_key", b"user", b"x", b"y", 1, -3),
        "trace_a_process": process.call("ptrace", 16, other, 0, 0),
        "read_another_memory": process.call("process_vm_readv", master, 0, 0, 0, 0, 0),
        "load_bpf": process.call("bpf", 0, b"\0" * 64, 64),
        "handle_page_faults": process.call("userfaultfd", 1),
        "read_performance_counters": process.call("perf_event_open", b"\0" * 128, 0, -1, -1, 0),
        "mount": process.call("mount", b"none", b"/mnt", b"tmpfs", 0, 0),
        "change_its_root": process.call("chroot", b"/tmp"),
        "load_kernel_modules": process.call("init_module", b"x", 1, b""),
        "make_pages_writable_and_executable": process.call("mmap", 0, 4096, 7, 0x22, -1, 0),
        "make_written_pages_executable": process.call("mprotect", pages, 4096, READ_EXECUTE),
        "make_pages_both": process.call("mprotect", pages, 4096, 7),
        "change_its_personality": process.call("personality", 0x0400000),
        "end_the_master": process.call("kill", master, signal.SIGUSR1),
        "signal_other_processes": process.call("kill", other, signal.SIGTERM),
        "signal_other_threads": process.call("tgkill", other, other, signal.SIGTERM),
        "make_a_device": process.call("mknod", b"/tmp/x", 0o020600, 0x103),
        "make_itself_dumpable": process.call("prctl", 4, 1, 0, 0, 0),
    }
    return {what: result for what, result in found.items() if result >= 0}


bystander = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)  # pylint: disable=consider-using-with
with socket.create_server(("127.0.0.1", 0)) as outside, \
        Handoffd({**ONE, "http.listen": f"127.0.0.1:{(http := free_port())}"},
                 tcp=True) as daemon:
    daemon.mailbox("pat@example.org")
    secret = daemon.scratch.file("secret", "password\n")
    os.chmod(secret, 0o644)
    worker, = workers(daemon)
    line = daemon.wait_for(r"confined")
    ok("seccomp" in line, "the_log_says_that_system_calls_are_filtered")
    ok(landlock() < 2 or "landlock" in line, "the_log_says_that_files_are_restricted")
    is_(status(worker)["NoNewPrivs"], "1", "a_worker_gets_no_privilege_by_exec")
    is_(status(worker)["Seccomp"], "2", "a_worker_has_a_filter")
    with Injected(worker) as process:
        empty(forbidden(process, daemon.pid, bystander.pid), "every_forbidden_call_fails_in_a_worker")
        is_(process.call("socket", socket.AF_INET, socket.SOCK_STREAM, 0) < 0, True, "a_worker_without_lookups_makes_no_tcp_socket")
        is_(process.call("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0) < 0, True,
            "a_worker_without_lookups_makes_no_unix_socket")
        is_(process.call("fork") < 0, True, "a_worker_without_lookups_makes_no_process")
        is_(process.call("setuid", 0) < 0, True, "a_worker_does_not_become_root")
        if landlock() >= 2:
            denied = {path: process.call("openat", AT_FDCWD, path.encode(), 0)
                      for path in ("/etc/passwd", "/etc/hostname", "/proc/self/maps", secret,
                                   daemon.path, "/", "/usr/bin/true")}
            is_({path: -code for path, code in denied.items()},
                dict.fromkeys(denied, errno.EACCES), "a_worker_reads_nothing_but_the_spool")
            inside = os.path.join(daemon.spool, "x").encode()
            is_(process.call("symlink", b"/etc/passwd", inside) < 0, True,
                "a_worker_makes_no_symbolic_link_in_the_spool")
            is_(process.call("open", inside, 0o100 | 2, 0o600) >= 0, True, "a_worker_creates_files_in_the_spool")
            is_(process.call("unlink", inside), 0, "a_worker_removes_files_in_the_spool")
    is_(bystander.poll(), None, "an_unrelated_process_of_the_same_user_survives")
    both = until(lambda: two if len(two := titled(children(daemon.pid), "status")) == 2 else None,
                 "two status processes")
    for pid in both:
        is_((status(pid)["NoNewPrivs"], status(pid)["Seccomp"]), ("1", "2"),
            "a_status_process_is_confined")
        empty(shared_memory(pid), "the_process_shares_no_memory_with_the_master")
        with Injected(pid) as process:
            empty(forbidden(process, daemon.pid, bystander.pid),
                  "every_forbidden_call_fails_in_a_status_process")
            sockets = [process.call("socket", family, socket.SOCK_STREAM, 0)
                       for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)]
            empty([each for each in sockets if each >= 0], "a_status_process_makes_no_socket")
            is_((process.call("fork") < 0, process.call("setuid", 0) < 0), (True, True),
                "the_process_does_not_fork_or_become_root")
            if landlock() >= 2:
                denied = [process.call("openat", AT_FDCWD, path.encode(), 0)
                          for path in ("/etc/passwd", secret, daemon.path, daemon.spool, "/")]
                is_(denied, [-errno.EACCES] * 5, "a_status_process_reads_no_file")
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/metrics", timeout=20) as reply:
        is_(reply.status, 200, "the_status_process_answers_after_the_forbidden_calls")
    is_(deliver(daemon.unix, "", ["pat@example.org"], MESSAGE).final["pat@example.org"].code, 250,
        "the_worker_delivers_after_the_forbidden_calls")

with socket.create_server(("127.0.0.1", 0)) as map_server, \
        socket.create_server(("127.0.0.1", 0)) as outside:
    port = map_server.getsockname()[1]
    settings = {**ONE, "recipients.lookup": f"socketmap:tcp:127.0.0.1:{port}:mail"}
    with Handoffd(settings) as daemon:
        worker, = workers(daemon)
        with Injected(worker) as process:
            is_([process.call("socket", family, socket.SOCK_STREAM, 0) < 0
                 for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)], [True] * 3,
                "a_worker_makes_no_socket_even_if_its_lookup_is_in_a_server")
        asks = until(lambda: next((pid for pid, kind in daemon.confined().items()
                                   if kind == "lookup"), None), "a lookup process")
        is_((status(asks)["NoNewPrivs"], status(asks)["Seccomp"]), ("1", "2"),
            "the_lookup_process_is_confined")
        empty(shared_memory(asks), "the_process_shares_no_memory_with_the_master")
        with Injected(asks) as process:
            named, other = (process.call("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
                            for _ in range(2))
            is_(process.call("connect", named, in_address(port), 16), 0,
                "the_lookup_process_connects_to_its_server")
            refused = process.call("connect", other, in_address(outside.getsockname()[1]), 16)
            ok(landlock() < 4 or refused == -errno.EACCES, "the_lookup_process_connects_to_no_other_port")
            is_(process.call("bind", other, in_address(0), 16) < 0, True, "the_lookup_process_binds_no_address")
            is_(process.call("listen", other, 1) < 0, True, "the_lookup_process_does_not_listen")
            is_((process.call("fork") < 0, process.call("setuid", 0) < 0), (True, True),
                "the_process_does_not_fork_or_become_root")
            if landlock() >= 2:
                denied = [process.call("openat", AT_FDCWD, path.encode(), 0)
                          for path in (daemon.path, daemon.spool, "/")]
                is_(denied, [-errno.EACCES] * 3, "the_lookup_process_reads_neither_the_configuration_nor_the_spool")
            empty(forbidden(process, daemon.pid, bystander.pid), "every_forbidden_call_fails_in_a_lookup_process")

if os.path.exists(os.path.join(os.path.dirname(program("HANDOFFD")), "lookups", "handoff-sieve.so")):
    with Handoffd({**ONE, "sieve.enabled": "yes"}) as daemon:
        worker, = workers(daemon)
        runs = until(lambda: next((pid for pid, kind in daemon.confined().items()
                                   if kind == "filter"), None), "a filter process")
        is_((status(runs)["NoNewPrivs"], status(runs)["Seccomp"]), ("1", "2"),
            "the_filter_process_is_confined_F27")
        empty(shared_memory(runs), "the_filter_process_shares_no_memory_with_the_master")
        if writes_out():  # other builds fork their workers, which inherit the master's mappings
            with open(f"/proc/{worker}/maps", encoding="utf-8") as maps:
                empty([line for line in maps if "gmime" in line or "handoff-sieve" in line],
                      "a_worker_does_not_load_the_libraries_for_scripts")
        with Injected(runs) as process:
            empty(forbidden(process, daemon.pid, bystander.pid),
                  "every_forbidden_call_fails_in_a_filter_process")
            sockets = [process.call("socket", family, socket.SOCK_STREAM, 0)
                       for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)]
            empty([each for each in sockets if each >= 0], "the_filter_process_makes_no_socket")
            is_((process.call("fork") < 0, process.call("setuid", 0) < 0), (True, True),
                "the_filter_process_makes_no_process_and_does_not_become_root")
            if landlock() >= 2:
                denied = [process.call("openat", AT_FDCWD, path.encode(), 0)
                          for path in ("/etc/passwd", daemon.path, daemon.spool, "/")]
                is_(denied, [-errno.EACCES] * 4, "the_filter_process_reads_no_file_F27")

owners = Owners()
pat = owners.add("pat", 61001)
with owners.handoffd(ONE) as daemon:
    worker, = workers(daemon)
    is_(deliver(daemon.unix, "", [pat.address], MESSAGE).final[pat.address].code, 250,
        "a_mailbox_of_another_user_is_delivered_to")

    def deliverer():
        """Returns the delivery process, as soon as the master has no other child that is root."""
        more = {pid for pid in children(daemon.pid) if status(pid).get("Uid", "")[:1] == "0"}
        return more.pop() if len(more) == 1 else None
    delivery = until(deliverer, "a delivery process")
    empty(shared_memory(delivery), "the_delivery_process_shares_no_memory_with_the_master")
    facts = status(delivery)
    kept = sum(1 << each for each in (0, 1, 3, 5, 6, 7))  # chown, DAC, fowner, kill, setgid, setuid
    is_((int(facts["CapEff"], 16) & ~kept, int(facts["CapBnd"], 16) & ~kept), (0, 0),
        "the_delivery_process_has_no_other_capabilities")
    is_((facts["NoNewPrivs"], facts["Seccomp"]), ("1", "2"), "the_delivery_process_is_confined")
    with Injected(delivery) as process:
        empty(forbidden(process, daemon.pid, bystander.pid),
              "every_forbidden_call_fails_in_a_delivery_process")
    for what, pid in (("master", daemon.pid), ("worker", worker), ("delivery_process", delivery)):
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            core = next(line.split()[4] for line in file if line.startswith("Max core"))
        is_((os.stat(f"/proc/{pid}/mem").st_uid, core), (0, "0"), f"no_core_file_of_the_{what}_is_written")

# A greeting waits as long as no worker answers.
with Handoffd({"http.listen": f"127.0.0.1:{(http := free_port())}"}) as daemon:
    stopped = workers(daemon)
    send_signal(stopped, signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", http)) as client:
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        until(lambda: [pid for pid in titled(children(daemon.pid), "greeting")
                       if (status(pid).get("NoNewPrivs"), status(pid).get("Seccomp")) == ("1", "2")],
              "the process that greets the listeners is confined")
        ok(True, "the_process_that_connects_to_the_listeners_is_confined")
        send_signal(stopped, signal.SIGCONT)

bystander.kill()
bystander.wait()
done()
