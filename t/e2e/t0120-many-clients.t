#!/usr/bin/env python3
"""64 simultaneous clients: each is served, and each message is stored once."""
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from handoffd import Handoffd
from lmtp import Lmtp, stuffed
from tap import diag, done, empty, is_, ok

CLIENTS = 64
ROUNDS = 4
USERS = [f"user{number}@good.test" for number in range(8)]
together = threading.Barrier(CLIENTS)
faults = []


def run(daemon, number):
    try:
        with Lmtp(daemon.unix, timeout=60) as client:
            client.command("LHLO client.test")
            together.wait(60)  # each client has a worker now
            for turn in range(ROUNDS):
                client.command("MAIL FROM:<>")
                to = [USERS[number % 8], USERS[(number + 1 + turn) % 8]]
                for each in to:
                    client.command(f"RCPT TO:<{each}>")
                client.command("DATA")
                client.send(stuffed(f"X-Test: {number}.{turn}\r\n\r\n".encode() +
                                    b"x" * 997 * number + b"\r\n"))
                for reply in client.replies(len(to)):
                    if reply.code != 250:
                        faults.append(f"{number}.{turn}: {reply}")
            if client.command("QUIT").code != 221:
                faults.append(f"{number}: QUIT")
    except Exception as failure:  # pylint: disable=broad-except
        faults.append(f"{number}: {failure!r}")
        together.abort()


with Handoffd({"workers.max": CLIENTS, "workers.min-idle": 1, "workers.max-idle": 4}) as daemon:
    for user in USERS:
        daemon.mailbox(user)
    threads = [threading.Thread(target=run, args=(daemon, number)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        diag("\n".join(line for line in daemon.log if "delivered id=" not in line))
    empty(faults, "64_simultaneous_clients_are_all_served")

    expected = sorted((f"{number}.{turn}", to, number)
                      for number in range(CLIENTS) for turn in range(ROUNDS)
                      for to in {USERS[number % 8], USERS[(number + 1 + turn) % 8]})
    found = []
    wrong_sizes = []
    for user in USERS:
        for path in maildir.files(daemon.mailbox_path(user)):
            with open(path, "rb") as file:
                octets = file.read()
            name = re.search(rb"^X-Test: (\S+)", octets, re.M).group(1).decode()
            found.append((name, user, octets.count(b"x" * 997)))
            if maildir.size_in_name(path) != len(octets):
                wrong_sizes.append(path)
    is_(sorted(found) == expected, True, "each_message_is_in_each_of_its_mailboxes_once_L5_R6")
    empty(wrong_sizes, "each_message_has_its_size_in_its_file_name_R6")
    is_(daemon.stop(), 0, "the_server_exits_with_0")
    is_(daemon.staged(), [], "nothing_stays_in_staging")
    folders = os.listdir(os.path.join(daemon.spool, ".handoff", "staging"))
    empty([each for each in folders if not re.fullmatch("[0-9a-f]{2}", each)],
          "only_folders_of_processes_remain_in_staging")
    ok(len(folders) > 4, "several_processes_used_their_own_folders_in_staging")
    empty([each for each in USERS if maildir.leftovers(daemon.mailbox_path(each))],
          "nothing_stays_in_tmp")

done()
