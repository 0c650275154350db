#!/usr/bin/env python3
"""handoffctl explain: the verdict equals the reply to RCPT, and the steps are shown."""
import contextlib
import json
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from control import ctl
from handoffd import Handoffd
from lmtp import deliver
from lookups import rcpt, replies
from scratch import Scratch
from tap import done, is_, ok


def serve(path, answer, greeting=b""):
    """Starts a server that answers each read; ends with the test."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen()

    def talk(connection):
        with connection:
            connection.sendall(greeting)
            while octets := connection.recv(4096):
                with contextlib.suppress(BrokenPipeError):
                    connection.sendall(answer(octets))

    def accept():
        while True:
            threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def explained(daemon, address):
    told = ctl(daemon, "explain", "--json", address)
    return told.returncode, json.loads(told.stdout)


scratch = Scratch()
table = scratch.file("recipients", "pat@example.org mailbox=people/p quota=1G,500\n"
                     "info@example.org -> pat@example.org\n")
lookups = [f"file:{table}"] if parts.has("cdb") else []
lookups.append(f"dovecot:{scratch.path}/nothing")
settings = {"recipients.lookup": lookups, "recipients.domains": "example.org example.net",
            "recipients.domain-alias": "example.com -> example.org", "recipients.cache-ttl": "0s"}
with Handoffd(settings, scratch=scratch) as daemon:
    addresses = ["pat@example.org", "Info+x@EXAMPLE.com", "kim@example.org", "pat@example.edu",
                 "pat", "no address", "postmaster"]
    said = {each: explained(daemon, each) for each in addresses}
    codes = {}
    for each, reply in zip(addresses, replies(daemon, *addresses)):
        codes[each] = f"{reply.code} {reply.lines[0]}"
    is_({each: answer["verdict"] for each, (_, answer) in said.items()}, codes,
        "the_verdict_equals_the_reply_to_rcpt")
    if parts.has("cdb"):
        code, answer = said["Info+x@EXAMPLE.com"]
        is_((code, answer["folded"], answer["detail"]), (0, "info@example.org", "x"),
            "the_address_is_shown_folded_and_split")
        is_([(step["lookup"], step["address"]) for step in answer["lookups"]],
            [("file", "info@example.org"), ("file", "pat@example.org")],
            "each_lookup_that_is_asked_is_shown")
        ok(all(step["seconds"] >= 0 for step in answer["lookups"]), "each_lookup_has_its_duration")
        mailbox = answer["mailbox"]
        is_((mailbox["path"], mailbox["there"], mailbox["quota_size"], mailbox["quota_messages"]),
            (f"{daemon.spool}/people/p", False, 1 << 30, 500), "the_mailbox_is_shown_with_its_quota")
        ok(mailbox["filesystem"] == daemon.spool and mailbox["free"] > 0, "the_free_space_of_its_filesystem_is_shown")
        ok(mailbox["type"], "the_type_of_its_filesystem_is_shown")
        is_((mailbox["used_size"], mailbox["used_messages"]), (0, 0),
            "the_usage_of_a_missing_mailbox_is_0")
    code, answer = said["kim@example.org"]
    is_((code, answer["lookups"][-1]["lookup"]), (75, "dovecot"), "a_lookup_that_is_down_is_shown")
    ok("No such file" in answer["lookups"][-1]["answer"], "the_cause_of_a_failed_lookup_is_shown")
    is_((said["pat@example.edu"][0], said["pat@example.edu"][1]["served"]), (67, False),
        "a_domain_that_is_not_served_is_shown")
    text = ctl(daemon, "explain", "kim@example.org").stdout
    ok("verdict     451 4.3.0" in text and "lookup      dovecot of kim@example.org" in text,
       "the_text_says_that_the_domain_is_not_served")
    is_(os.listdir(os.path.join(daemon.spool, "..", "spool")), [".handoff"], "explain_creates_nothing")
with Handoffd() as daemon:
    daemon.mailbox("pat@example.org")
    ok(f"knows nobody: no directory {daemon.spool}/example.org/kim" in
       ctl(daemon, "explain", "kim@example.org").stdout, "the_path_that_was_tried_is_shown")
scratch = Scratch()
# If a socket map or Dovecot does not know the recipient, the question that it was asked is shown.
serve(f"{scratch.path}/map.sock", lambda octets: b"9:NOTFOUND ,")
serve(f"{scratch.path}/users.sock",
      lambda octets: b"NOTFOUND\t" + octets.split(b"\t")[1] + b"\n" if b"USER" in octets else b"",
      greeting=b"VERSION\t1\t0\nSPID\t1\n")
for lookup, told in ((f"socketmap:unix:{scratch.path}/map.sock:m", "asked for m kim@example.org"),
                     (f"dovecot:{scratch.path}/users.sock", "asked for the user kim@example.org")):
    with Handoffd({"recipients.lookup": lookup}) as daemon:
        shown = ctl(daemon, "explain", "kim@example.org").stdout
        ok(f"knows nobody: {told}" in shown, f"the_question_to_{lookup.split(':')[0]}_is_shown")
serve(f"{scratch.path}/odd.sock", lambda octets: b"",
      greeting=b"OUR\tturn \"now\" \x1b\xff\n")
with Handoffd({"recipients.lookup": f"dovecot:{scratch.path}/odd.sock"}) as daemon:
    words = 'it answered: OUR\\x09turn "now" \\x1b'
    ok(words in ctl(daemon, "explain", "kim@example.org").stdout,
       "control_characters_of_a_server_are_escaped_once")
    rcpt(daemon, "kim@example.org")
    ok(daemon.wait_for(r'it answered: OUR\\x09turn \\"now\\" \\x1b\\xff"'),
       "the_log_escapes_them_once")
for creates, folder in (("no", None), ("yes", "lists")):
    with Handoffd({"recipients.create-folders": creates}) as daemon:
        daemon.mailbox("pat@example.org")
        is_(explained(daemon, "pat+lists@example.org")[1]["mailbox"]["folder"], folder,
            f"the_folder_is_the_one_that_delivery_would_use_with_create_folders_{creates}")
for over, code in (("defer", 452), ("bounce", 552)):
    with Handoffd({"quota.messages": "1", "quota.over": over}) as daemon:
        daemon.mailbox("pat@example.org")
        is_([explained(daemon, "pat@example.org")[1]["code"], replies(daemon, "pat@example.org")[0].code],
            [250, 250], f"a_mailbox_with_room_is_accepted_R4_{over}")
        filled = deliver(daemon.unix, "", ["pat@example.org"], b"Subject: x\r\n\r\n")
        is_([reply.code for reply in filled.final.values()], [250], "a_message_fills_the_mailbox")
        answer = explained(daemon, "pat@example.org")[1]
        reply = replies(daemon, "pat@example.org")[0]
        is_((answer["code"], answer["verdict"]), (code, f"{reply.code} {reply.lines[0]}"),
            f"the_verdict_of_a_full_mailbox_equals_the_reply_to_rcpt_R4_{over}")
        is_((answer["mailbox"]["used_messages"], answer["mailbox"]["quota_messages"]), (1, 1),
            "the_number_of_messages_is_shown")
        ok("1 of 1 messages" in ctl(daemon, "explain", "pat@example.org").stdout, "the_text_shows_the_usage_of_the_quota")
is_(ctl(daemon, "explain").returncode, 64, "explain_without_an_address_is_a_usage_error")
done()
