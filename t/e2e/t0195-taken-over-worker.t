#!/usr/bin/env python3
"""A compromised worker asks the delivery process for forbidden operations: the test takes over the
worker's end of their socket and sends requests itself."""
import array
import contextlib
import ctypes
import os
import re
import select
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from control import until, workers
from handoffd import program
from lmtp import deliver
from owners import Owners
from processes import children, descriptors, status
from tap import done, empty, is_, ok, skip_all

MESSAGE = b"Return-Path: <>\nSubject: x\n\nx\n"
CHOOSE_FOLDER, LOOK, FIND_EARLIER, DELIVER, REMOVE = 1, 2, 3, 4, 7
PIDFD_GETFD = 438
HUGE = 60 << 20  # octets: more than session.max-message-size

if os.geteuid() != 0 or not sys.platform.startswith("linux"):
    skip_all("only Linux' root can take another process's descriptor")


def number(value):
    return struct.pack("<Q", value)


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return number(len(value)) + value


def request(owner, **changes):
    """Returns the request that the worker would send for this owner. changes: fields with other
    values."""
    field = {"verb": DELIVER, "base": owner.home, "path": "Maildir", "folder": "",
             "address": owner.address, "uid": owner.uid, "gid": owner.uid, "detail": "",
             "name": NAME, "size": len(MESSAGE), "content": 16, "earlier": "", "personal": "",
             "home": owner.home, "stored_as": "", "file": "", "script": "", "text": "", **changes}
    return b"".join((
        number(field["verb"]), text(field["base"]), text(field["path"]), text(field["folder"]),
        text(field["address"]), number(1), number(0), number(1), number(field["uid"]),
        number(field["gid"]), number(0), number(0), text(field["home"]), text(""),
        text(field["detail"]), text(field["name"]), number(field["size"]),
        number(field["content"]), text(field["earlier"]), text(field["personal"]),
        text(field["stored_as"]), text(""), number(0), text(field["file"]), text(field["script"]),
        text(field["text"])))


def inodes(pid):
    """Returns {inode: descriptor} of a process's sockets."""
    return {int(re.sub(r"\D", "", link)): fd for fd, link in descriptors(pid).items()
            if link.startswith("socket:")}


def socket_of(worker, agent):
    """Returns the worker's end as a socket of the test. The two ends of a pair have consecutive
    inodes."""
    end, = inodes(agent)
    theirs = inodes(worker)
    nearest = min(theirs, key=lambda inode: abs(inode - end))
    pidfd = os.pidfd_open(worker)
    taken = ctypes.CDLL(None).syscall(PIDFD_GETFD, pidfd, theirs[nearest], 0)
    os.close(pidfd)
    ours = socket.socket(fileno=taken)
    ours.settimeout(30)
    return ours


def agent_beside(pids):
    """Returns the delivery process, once the master has no children except this process, these
    workers and the status process (a sweep is a temporary child)."""
    def one_more():
        roots = [pid for pid in set(children(daemon.pid)) - set(pids)
                 if status(pid).get("Uid", "").split()[:1] == ["0"]]
        return roots[0] if len(roots) == 1 else None
    return until(one_more, "a delivery process")


def tree():
    """Returns everything in the homes, with attributes that reveal a change."""
    return sorted((path, name, file.st_ino, file.st_size, file.st_mtime_ns)
                  for path, folders, files in os.walk(owners.homes) for name in folders + files
                  for file in [os.lstat(os.path.join(path, name))])


owners = Owners()
pat, kim = owners.add("pat", 61001), owners.add("kim", 61002)
NAME = "1764000000.M1P2Q3R4.test"
with owners.handoffd({"workers.max": 1, "workers.min-idle": 1}) as daemon:
    is_(deliver(daemon.unix, "", [pat.address], MESSAGE.replace(b"\n", b"\r\n"))
        .final[pat.address].code, 250, "the_worker_delivers_before_it_is_attacked")
    daemon.staged()
    worker, = workers(daemon)
    agent = agent_beside([worker])

    facts, own = status(agent), status(worker)
    is_((facts["Uid"].split()[0], own["Uid"].split()[0] == "0", own["CapEff"], own["CapPrm"]),
        ("0", False, "0" * 16, "0" * 16), "the_delivery_process_is_root_and_the_worker_cannot_be")
    is_(facts["NoNewPrivs"], "1", "the_delivery_process_gets_no_privilege_by_exec")
    links = descriptors(agent).values()
    with open("/proc/net/unix", encoding="ascii") as file:
        kinds = {line.split()[6]: line.split()[4] for line in list(file)[1:]}
    sockets = [kinds.get(re.sub(r"\D", "", link)) for link in links if link.startswith("socket:")]
    is_(sockets, ["0005"], "the_only_socket_of_the_delivery_process_leads_to_its_worker")

    # From here on the worker is compromised.
    os.kill(worker, signal.SIGSTOP)
    asked = socket_of(worker, agent)
    staging = os.path.join(daemon.spool, ".handoff", "staging")

    def file_of(owner, path, content=MESSAGE):
        with open(path, "wb") as made:
            made.write(content)
        os.chown(path, *owner)
        return open(path, "rb")  # pylint: disable=consider-using-with

    staged = file_of(daemon.owner, os.path.join(staging, NAME))
    not_in_staging = file_of(daemon.owner, os.path.join(daemon.spool, "elsewhere"))
    roots = file_of((0, 0), os.path.join(staging, "1764000000.M9P2Q3R4.test"))
    huge = file_of(daemon.owner, os.path.join(staging, "1764000000.M8P2Q3R4.test"))
    os.truncate(huge.name, HUGE)
    folder = os.open(staging, os.O_RDONLY)
    os.mkfifo(os.path.join(staging, "fifo"))
    fifo = os.open(os.path.join(staging, "fifo"), os.O_RDWR)

    def ask(octets, *files):
        """Returns the errno of the response, 0 for success."""
        handles = array.array("i", [each if isinstance(each, int) else each.fileno()
                                    for each in files])
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handles)] if files else []
        asked.sendmsg([octets], more)
        answer = asked.recv(65536)
        there, = struct.unpack_from("<Q", answer)
        return struct.unpack_from("<Q", answer, 8)[0] if there else 0

    good = request(pat)
    refused = {
        "root": (request(pat, uid=0), staged),
        "roots_group": (request(pat, gid=0), staged),
        "a_system_group": (request(pat, gid=999), staged),
        "a_system_account": (request(pat, uid=33, gid=33), staged),
        "a_user_who_does_not_own_the_mailbox": (request(pat, uid=kim.uid, gid=kim.uid), staged),
        "another_group": (request(pat, gid=kim.uid), staged),
        "a_recipient_that_no_lookup_knows": (request(pat, address="sam@example.org"), staged),
        "anothers_home": (request(pat, base=kim.home), staged),
        "another_folder_of_the_home": (request(pat, path=".ssh"), staged),
        "a_path_upwards": (request(pat, path="../kim/Maildir"), staged),
        "an_absolute_path": (request(pat, path="/etc"), staged),
        "a_folder_upwards": (request(pat, folder="./../../../kim/Maildir"), staged),
        "a_folder_that_is_two_dots": (request(pat, folder="."), staged),
        "a_name_with_a_slash": (request(pat, name="../staging/" + NAME), staged),
        "a_name_of_another_message": (request(pat, name="1764000000.M9P2Q3R4.test"), staged),
        "another_size": (request(pat, size=5), staged),
        "input_after_the_end": (request(pat, content=1000), staged),
        "no_file": (good,),
        "two_files": (good, staged, staged),
        "many_files": (good, *[staged] * 100),
        "a_file_that_is_not_in_staging": (good, not_in_staging),
        "a_file_of_roots": (request(pat, name="1764000000.M9P2Q3R4.test"), roots),
        "a_file_larger_than_any_message": (request(pat, name=os.path.basename(huge.name), size=HUGE),
                                           huge),
        "passwd": (good, open("/etc/passwd", "rb")),  # pylint: disable=consider-using-with
        "a_folder_for_a_file": (good, folder),
        "a_fifo_for_a_file": (request(pat, name="fifo", size=0, content=0), fifo),
        "a_choice_of_folder_with_a_file": (request(pat, verb=CHOOSE_FOLDER, detail="x"), staged),
        "an_inspection_with_a_file": (request(pat, verb=LOOK), staged),
        "an_inspection_of_another_home": (request(pat, verb=LOOK, base=kim.home),),
        "verb_0": (request(pat, verb=0), staged),
        "verb_5": (request(pat, verb=5), staged),
        "a_verb_beyond_the_table": (request(pat, verb=1 << 40), staged),
        "garbage": (bytes(range(256)),),
        "a_request_that_is_too_long": (good + b"x" * 20_000, staged),
        "a_request_with_trailing_octets": (good + b"x", staged),
        "a_request_that_is_cut": (good[:-1], staged),
        "a_length_beyond_the_end": (number(DELIVER) + number(1 << 62), staged),
        "personal_lines_beyond_the_limit": (request(pat, personal="x" * 5000), staged),
        "an_empty_request_with_a_file": (b"", staged),
    }
    before = tree()
    for what, (octets, *files) in refused.items():
        ok(ask(octets, *files) != 0, f"{what}_is_refused")
    is_(tree(), before, "no_refused_request_wrote_anything")
    # The last one is closed after its answer.
    until(lambda: len(os.listdir(f"/proc/{agent}/fd")) <= len(links), "descriptors are closed")
    is_(len(os.listdir(f"/proc/{agent}/fd")), len(links), "the_descriptors_of_refused_requests_are_closed")
    ok(daemon.wait_for(r"delivery refused .*cause=.*delivery\.first-gid"), "the_log_reports_refused_requests")
    is_(ask(good, staged), 0, "the_same_process_still_handles_valid_requests")
    is_(len(pat.messages()), 2, "the_message_of_a_valid_request_is_stored")

    def going_on():
        return [child for child in children(agent) if status(child).get("State", "Z")[0] != "Z"]

    until(lambda: not going_on(), "the last child, which has said all, ends")
    empty(going_on(), "no_child_of_the_delivery_process_survives")

    # A delivery process ends with its worker; a new worker gets a new one.
    asked.close()
    os.kill(worker, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{agent}"), "the delivery process ends with its worker")
    ok(True, "the_delivery_process_ends_with_its_worker")
    for made in ("fifo", NAME, "1764000000.M9P2Q3R4.test", os.path.basename(huge.name)):
        with contextlib.suppress(FileNotFoundError):  # the sweep after the death has removed it
            os.unlink(os.path.join(staging, made))
    again = until(lambda: [pid for pid in workers(daemon) if pid != worker], "another worker")
    is_(deliver(daemon.unix, "", [pat.address], b"Subject: y\r\n\r\ny\r\n").final[pat.address].code,
        250, "the_next_worker_has_its_own_delivery_process")

    # The reverse: a worker that has lost its delivery process is replaced.
    agent = agent_beside(again)
    end = os.pidfd_open(agent)
    os.kill(agent, signal.SIGKILL)
    select.select([end], [], [], 30)
    os.close(end)
    result = deliver(daemon.unix, "", [pat.address, kim.address], b"Subject: z\r\n\r\nz\r\n")
    is_([reply.code for reply in result.final.values()], [451, 451],
        "a_worker_whose_delivery_process_died_defers_recipients")
    until(lambda: set(workers(daemon)).isdisjoint(again), "another worker")
    is_(deliver(daemon.unix, "", [pat.address], b"Subject: z\r\n\r\nz\r\n").final[pat.address].code,
        250, "a_worker_whose_delivery_process_died_is_replaced")

# With Sieve, a worker removes the copies of a message whose other copies could not be stored.
if os.path.exists(os.path.join(os.path.dirname(program("HANDOFFD")), "lookups", "handoff-sieve.so")):
    sam = owners.add("sam", 61003)
    with owners.handoffd({"workers.max": 1, "workers.min-idle": 1, "sieve.enabled": "yes"}) as daemon:
        deliver(daemon.unix, "", [sam.address], b"Subject: kept\r\n\r\nx\r\n")
        before, = workers(daemon)
        os.kill(before, signal.SIGKILL)
        worker, = until(lambda: [pid for pid in workers(daemon) if pid != before], "another worker")
        agent = agent_beside([worker])
        os.kill(worker, signal.SIGSTOP)
        asked = socket_of(worker, agent)
        earlier, = maildir.files(sam.maildir)
        # Another name by the worker that stored the message.
        name = re.sub(r"Q\d+R", "Q999R", os.path.basename(earlier).split(",")[0])
        staged = file_of(daemon.owner, os.path.join(staging, name))
        removal = {"verb": REMOVE, "name": name}
        ok(ask(request(sam, file=os.path.basename(earlier), **removal), staged) != 0,
           "the_removal_of_a_message_that_another_worker_delivered_is_refused")
        is_(maildir.files(sam.maildir), [earlier], "the_message_of_another_worker_stays")
        ask(request(sam, name=name), staged)
        own, = {*maildir.files(sam.maildir)} - {earlier}
        is_(ask(request(sam, file=os.path.basename(own), **removal), staged), 0,
            "the_removal_of_a_copy_that_the_worker_has_delivered_is_allowed")
        is_(maildir.files(sam.maildir), [earlier], "only_that_copy_is_removed")
        asked.close()
        os.kill(worker, signal.SIGKILL)
done()
