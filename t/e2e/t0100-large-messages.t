#!/usr/bin/env python3
"""A message of 1 GiB, by DATA and in chunks of all sizes, and one line of 200 MB: all are stored
completely, and no worker grows (S8, X5, X6)."""
import hashlib
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import tap
from lmtp import Lmtp
from tap import done, is_, ok

PAT = "pat@good.test"
MIB = 1 << 20
LIMIT = 12 * MIB  # octets of resident memory of a worker; most of it is pages of shared libraries
NEEDED = 1400 * MIB


def room(path):
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


# The fastest place that is large enough, because this test measures memory and not the disk.
places = [place for place in ("/dev/shm", tempfile.gettempdir())
          if os.path.isdir(place) and room(place) > NEEDED]
if not places:
    tap.skip_all("no folder with room for 1.4 GiB")
os.environ["TMPDIR"] = tempfile.tempdir = places[0]
from control import workers  # noqa: E402
from handoffd import Handoffd, is_sanitized  # noqa: E402: creates its folder in TMPDIR
from processes import status  # noqa: E402


def worker_of(daemon):
    [worker] = workers(daemon)
    return worker


def resident(pid):
    """Returns the maximum resident memory of a process in octets."""
    return int(status(pid)["VmHWM"].split()[0]) * 1024


def send(daemon, header, piece, count, tail):
    """Sends a message of header, piece * count, tail; returns the reply and the digest of the
    expected file. `piece` has no dot at the start of a line."""
    stored = hashlib.blake2b()
    stored.update(header.replace(b"\r\n", b"\n"))
    with Lmtp(daemon.unix, timeout=50) as client:
        client.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
        client.send(header)
        in_file = piece.replace(b"\r\n", b"\n")
        for _ in range(count):
            client.send(piece)
            stored.update(in_file)
        client.send(tail + b".\r\n")
        stored.update(tail.replace(b"\r\n", b"\n"))
        return client.reply(), stored.hexdigest()


# Sizes of chunks in octets: smaller than a read, larger than a read, and most of a GiB. Each
# consists of copies of the block below.
BLOCK = bytes(range(256)) * 4096 + b"\r\n.\r\n\n.\n\r"
CHUNKS = [0, 1, 2, 511, 4096, 65535, 65536, 65537, 10 * MIB + 3] * 5 + [700 * MIB, 1, 280 * MIB]


def send_chunks(daemon):
    """Sends a binary message in CHUNKS; returns the last reply and the digest, like `send`."""
    stored = hashlib.blake2b()
    view = memoryview(BLOCK)
    with Lmtp(daemon.unix, timeout=50) as client:
        client.session("LHLO client.test", "MAIL FROM:<> BODY=BINARYMIME", f"RCPT TO:<{PAT}>")
        for size in CHUNKS:
            client.send(b"BDAT %d\r\n" % size)
            for at in range(0, size, len(BLOCK)):
                piece = view[:min(size - at, len(BLOCK))]
                client.send(piece)
                stored.update(piece)
            assert client.reply().code == 250
        client.send(b"BDAT 0 LAST\r\n")
        return client.reply(), stored.hexdigest(), sum(CHUNKS)


def tail_digest(path, octets):
    """Returns the digest of the last `octets` of a file."""
    digest = hashlib.blake2b()
    with open(path, "rb") as file:
        file.seek(-octets, os.SEEK_END)
        while piece := file.read(MIB):
            digest.update(piece)
    return digest.hexdigest()


def stored_digest(path, first):
    """Returns the digest of a stored message from its line `first` on."""
    digest = hashlib.blake2b()
    with open(path, "rb") as file:
        head = file.read(4096)
        file.seek(head.index(b"\n" + first) + 1)
        while octets := file.read(MIB):
            digest.update(octets)
    return digest.hexdigest()


with Handoffd({"session.max-message-size": "2G", "workers.max": 1, "workers.min-idle": 1,
               "workers.max-idle": 1}) as daemon:
    daemon.mailbox(PAT)
    worker = worker_of(daemon)
    line = bytes(range(33, 127)) * 10 + b" and some more\r\n"
    lines = line * (MIB // len(line))
    cases = {
        "a_message_of_1_gib": (b"X-First: lines\r\n\r\n", lines, 1 + (1 << 30) // len(lines), b""),
        "a_line_of_200_mb": (b"X-First: line\r\n\r\n", b"x" * 1000000, 200, b"\r\n"),
        "a_header_line_of_20_mb": (b"X-First: header\r\nReceived: ", b"y" * 1000000, 20,
                                   b"\r\n\r\n"),
    }
    for name, (header, piece, count, tail) in cases.items():
        reply, want = send(daemon, header, piece, count, tail)
        is_(reply.code, 250, f"{name}_is_accepted_S8")
        [path] = maildir.files(daemon.mailbox_path(PAT))
        ok(os.path.getsize(path) == maildir.size_in_name(path), f"{name}_has_its_size_in_the_file_name")
        first, _, _ = header.partition(b"\r\n")
        is_(stored_digest(path, first + b"\n"), want, f"{name}_is_stored_as_sent_S8")
        os.unlink(path)
    reply, want, octets = send_chunks(daemon)
    is_(reply.code, 250, "chunks_of_1_gib_are_accepted_X5_S8")
    [path] = maildir.files(daemon.mailbox_path(PAT))
    is_(tail_digest(path, octets), want, "chunks_of_1_gib_are_stored_exactly_X6_S8")
    os.unlink(path)
    is_(worker_of(daemon), worker, "one_worker_received_all_large_messages")
    most = resident(worker)
    tap.diag(f"a worker had at most {most / MIB:.1f} MiB resident")
    ok(most < LIMIT or is_sanitized(), "the_worker_never_had_more_than_12_mib_resident_S8")

done()
