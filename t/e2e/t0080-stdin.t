#!/usr/bin/env python3
"""handoffd --stdin: one session on inherited descriptors, as from inetd."""
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Configuration, program
from lmtp import Lmtp, stuffed
from tap import done, is_, ok

PAT = "pat@good.test"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
config = Configuration({"session.max-errors": 3, "session.command-timeout": "1s"})
config.mailbox(PAT)
COMMAND = [program("HANDOFFD"), "--stdin", "-c", config.path]


def on_socket(*arguments, stderr=subprocess.PIPE):
    """Starts handoffd on one end of a socket pair; returns it and the other end."""
    near, far = socket.socketpair()
    with far:
        where = far if stderr == "the socket" else stderr
        return subprocess.Popen([*COMMAND, *arguments], stdin=far, stdout=far, stderr=where), near


def end(process):
    """Returns (exit code, standard error)."""
    said = process.stderr.read().decode() if process.stderr else ""
    code = process.wait(20)
    if process.stderr:
        process.stderr.close()
    return code, said


def on_pipes(octets, *arguments):
    """Runs a whole session, sent in one write through pipes; returns (exit code, output)."""
    ended = subprocess.run([*COMMAND, *arguments], input=octets, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=20, check=False)
    return ended.returncode, ended.stdout


def after(*commands):
    """Returns a client on a socket that has sent LHLO and these commands."""
    process, near = on_socket()
    client = Lmtp(near)
    client.session("LHLO client.test", *commands)
    return process, client


SESSION = (b"LHLO client.test\r\nMAIL FROM:<>\r\nRCPT TO:<pat@good.test>\r\n"
           b"RCPT TO:<no@good.test>\r\nDATA\r\n" + stuffed(MESSAGE) + b"QUIT\r\n")

# --- A session that ends normally.
process, near = on_socket()
with Lmtp(near) as client:
    is_(client.greeting.code, 220, "a_socket_pair_is_greeted")
    codes = [reply.code for reply in client.session(
        "LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")]
    client.send(stuffed(MESSAGE))
    is_(codes + [client.reply().code, client.command("QUIT").code], [250, 250, 250, 354, 250, 221],
        "a_session_on_a_socket_pair_delivers")
    ok(client.at_end(), "the_socket_is_closed_after_quit")
code, said = end(process)
is_(code, 0, "after_quit_the_exit_code_is_0")
ok("delivered" in said and "client=local" in said, "the_log_has_the_delivery_on_a_socket_pair")
is_(len(config.messages(PAT)), 1, "the_message_of_a_session_on_a_socket_pair_is_stored")

code, out = on_pipes(SESSION)
is_(code, 0, "a_session_over_two_pipes_exits_with_0")
lines = out.split(b"\r\n")
is_(lines.pop(), b"", "the_output_to_a_pipe_ends_with_a_complete_line")
ok(all(line[:3].isdigit() and line[3:4] in b" -" for line in lines),
   "nothing_but_lmtp_is_on_standard_output")
is_([int(line[:3]) for line in lines if line[3:4] == b" "],
    [220, 250, 250, 250, 550, 354, 250, 221], "a_session_in_one_write_has_all_its_replies_X1")
is_(len(config.messages(PAT)), 2, "a_session_in_one_write_delivers_its_messages")

# --- Standard error is the connection too, as with inetd.
process, near = on_socket("--log.level", "debug", stderr="the socket")
with Lmtp(near) as client:
    client.send(SESSION)
    octets = b""
    while piece := client.socket.recv(65536):
        octets += piece
is_(process.wait(20), 0, "a_session_with_standard_error_on_the_socket_exits_with_0")
is_([int(line[:3]) for line in octets.split(b"\r\n")[:-1] if line[3:4] == b" "],
    [250, 250, 250, 550, 354, 250, 221], "log_lines_are_not_written_to_the_socket")

process, near = on_socket("--spool.newline", "unix", stderr="the socket")
with near:
    is_(near.recv(100), b"", "errors_of_the_configuration_are_not_written_to_the_socket")
is_(process.wait(20), 78, "a_wrong_configuration_exits_with_78")

# --- Other ways to end.
code, out = on_pipes(b"")
is_((code, out[:4]), (0, b"220 "), "an_end_of_input_between_transactions_exits_with_0")
process, client = after("MAIL FROM:<>", f"RCPT TO:<{PAT}>", "DATA")
client.send(b"Subject: cut\r\n\r\nhalf")
client.close()
is_(end(process)[0], 75, "a_client_that_disconnects_during_data_makes_the_exit_code_75")
code, _ = on_pipes(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<pat@good.test>\r\nDATA\r\nhalf")
is_(code, 75, "an_end_of_input_during_the_data_exits_with_75")
is_((len(config.messages(PAT)), config.staged()), (3, []), "no_part_of_an_interrupted_message_is_delivered_R5")

process, client = after("NONSENSE", "NONSENSE")
client.send(b"NONSENSE\r\n")
is_([(reply.code, reply.enhanced) for reply in client.replies(2)],
    [(500, "5.5.1"), (421, "4.7.0")], "too_many_errors_get_421_S11")
is_(end(process)[0], 77, "too_many_errors_exit_with_77")

process, client = after()
reply = client.reply()
is_((reply.code, reply.enhanced), (421, "4.4.2"), "a_silent_client_gets_421_S13")
is_(end(process)[0], 75, "a_silent_client_makes_the_exit_code_75")

process, client = after()
process.send_signal(signal.SIGTERM)
reply = client.reply()
is_((reply.code, reply.enhanced), (421, "4.3.2"), "at_sigterm_the_client_gets_421_S11")
is_(end(process)[0], 75, "sigterm_exits_with_75")

process, near = on_socket("--spool.path", config.scratch.path + "/none")
with near:
    ok(near.recv(100) in (b"",), "without_a_spool_no_greeting_is_sent")
code, said = end(process)
is_(code, 75, "without_a_spool_the_exit_code_is_75_so_that_mail_waits")
ok("none" in said, "the_log_names_the_missing_spool")

# --- A client that does not read its replies cannot block the process forever.
process, near = on_socket("--session.max-errors", "1000000")
near.setblocking(False)
try:
    while True:
        near.send(b"WHAT\r\n" * 1000)
except BlockingIOError:
    pass
is_(end(process)[0], 75, "a_client_that_does_not_read_is_disconnected_S13")
near.close()

done()
