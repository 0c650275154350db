#!/usr/bin/env python3
"""swaks, a test client for administrators, succeeds by unix socket, by TCP and through a pipe."""
import os
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from handoffd import Handoffd, program
from tap import diag, done, is_, ok

PROGRAM = os.path.join(peer.folder("swaks"), "usr", "bin", "swaks")
ENVIRONMENT = peer.environment("swaks")
USERS = ["one@good.test", "two@good.test", "three@good.test"]
NO_RECIPIENT = 24   # swaks(1), EXIT CODES: no recipients were accepted


def swaks(where, recipients, message, *more):
    """Runs swaks; returns its exit code and the lines of the session that it shows."""
    run = subprocess.run(
        ["perl", PROGRAM, "--protocol", "LMTP", *where, "--helo", "client.test",
         "--from", "sender@client.test", "--to", ",".join(recipients), "--data", "-", *more],
        # swaks adds a line end to its input.
        input=message[:-1], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=30, check=False)
    if run.returncode not in (0, NO_RECIPIENT):
        diag(run.stderr.decode("utf-8", "replace"))     # with a pipe, this includes handoffd's log
    return run.returncode, run.stdout.decode("utf-8", "replace").splitlines()


def replies(session, code):
    """Returns the replies with that code, as swaks shows them."""
    return [line for line in session if line.startswith((f"<-  {code}", f"<** {code}"))]


def check(daemon, kind, where):
    first = f"X-Test: {kind}".encode()
    message = first + b"\nFrom: <sender@client.test>\n\n.\n..\nHello \xc3\xbc\n.end\n"
    code, session = swaks(where, USERS, message)
    if not is_(code, 0, f"swaks_succeeds_with_three_recipients_over_{kind}"):
        diag("\n".join(session))
    # 250s: the last line of LHLO, MAIL, three RCPTs, three messages. RFC 2033 4.2.
    is_(len(replies(session, "250 ")), 8, f"three_recipients_over_{kind}_have_a_reply_each")
    for user in USERS:
        texts = [maildir.without_trace(octets, first) for octets in daemon.messages(user)]
        is_([text for text in texts if text], [message],
            f'{user.partition("@")[0]}_has_one_unchanged_copy_over_{kind}')

    code, session = swaks(where, ["unknown@good.test"], message)
    is_(code, NO_RECIPIENT, f"an_unknown_recipient_over_{kind}_is_refused")
    is_([line[4:13] for line in replies(session, "550")], ["550 5.1.1"],
        f"an_unknown_recipient_over_{kind}_gets_550_5.1.1")

    before = len(daemon.messages(USERS[0]))
    code, session = swaks(where, [USERS[0], "unknown@good.test", USERS[1]], message)
    is_(code, 0, f"swaks_succeeds_with_an_unknown_recipient_among_others_over_{kind}")
    is_(len(replies(session, "550 5.1.1")), 1,
        f"an_unknown_recipient_among_others_over_{kind}_gets_550")
    is_(len(daemon.messages(USERS[0])), before + 1,
        f"the_other_recipients_over_{kind}_have_the_message")

    code, session = swaks(where, USERS[:1], message, "--pipeline")
    is_(code, 0, f"swaks_succeeds_with_a_pipelined_session_over_{kind}")
    ok(replies(session, "221"), f"quit_over_{kind}_gets_221")


with Handoffd(tcp=True) as daemon:
    for user in USERS:
        daemon.mailbox(user)
    host, _, port = daemon.tcp.removeprefix("tcp:").rpartition(":")
    command = shlex.join([program("HANDOFFD"), "-c", daemon.path, "--stdin"])
    check(daemon, "unix", ["--socket", daemon.unix.removeprefix("unix:")])
    check(daemon, "tcp", ["--server", host, "--port", port])
    # A second process uses the same spool at the same time.
    check(daemon, "pipe", ["--pipe", command])
    is_(daemon.staged(), [], "nothing_stays_in_staging")
    is_(daemon.stop(), 0, "the_server_exits_with_0")

done()
