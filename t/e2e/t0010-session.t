#!/usr/bin/env python3
"""A session with a real daemon: replies, messages on disk, and a log line for each recipient."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from handoffd import Handoffd
from lmtp import Lmtp, deliver, stuffed
from tap import done, empty, is_, ok

MESSAGE = b"Message-ID: <1@client.test>\r\nSubject: hello\r\n\r\nhello\r\n.dot\r\n"
STORED = MESSAGE.replace(b"\r\n", b"\n")


def last_inode(daemon, address):
    return os.stat(maildir.files(daemon.mailbox_path(address))[-1]).st_ino


with Handoffd({"session.max-recipients": 100}) as daemon:
    PAT, KIM, SAM = users = [f"{name}@good.test" for name in ("pat", "kim", "sam")]
    for user in users:
        daemon.mailbox(user)

    # --- One message for one recipient.
    before = len(daemon.log)
    delivery = deliver(daemon.unix, "a@client.test", [PAT], MESSAGE)
    is_(str(delivery.final[PAT]), "250 2.0.0 <pat@good.test> delivered", "a_delivered_message_is_answered_with_250_L4")
    [stored] = daemon.messages(PAT)
    trace, _, content = stored.partition(b"Message-ID:")
    is_(b"Message-ID:" + content, STORED, "content_is_stored_as_it_was_sent_S8")
    lines = trace.decode().splitlines()
    is_(lines[0], "Return-Path: <a@client.test>", "the_return_path_comes_first_S9")
    is_(lines[1], "Delivered-To: pat@good.test", "one_recipient_has_a_delivered_to_line_S9")
    ok(re.match(r"Received: from client\.test \(local\) by handoff\.test \(handoff\) with LMTP id "
                r"\S+ for <pat@good\.test>; \w{3}, ", " ".join(line.strip() for line in lines[2:])),
       "the_received_line_has_hosts_protocol_id_and_recipient_S9")
    line = daemon.wait_for(r"\bdelivered\b", before)
    for field in ("from=<a@client.test>", "to=<pat@good.test>", "message_id=<1@client.test>",
                  "mailbox=good.test/pat", "client=local", 'reply="250 2.0.0 '):
        ok(field in line, f"the_log_line_has_{field.split('=')[0]}")
    [path] = maildir.files(daemon.mailbox_path(PAT))
    name = os.path.basename(path)
    ok(f'file="{name}"' in line and f"size={len(stored)}" in line, "the_log_line_has_file_and_size")
    ok(re.fullmatch(r"\d+\.M\d+P\d+Q\d+R[0-9a-f]{8}\.[^/:,]+,S=\d+", name),
       "the_file_name_in_new_has_the_form_that_dovecot_and_courier_read_R6")
    is_(maildir.size_in_name(name), os.path.getsize(path), "the_file_name_contains_the_size_R6")
    is_(os.path.basename(os.path.dirname(path)), "new", "the_message_is_in_new")
    is_(oct(os.stat(path).st_mode & 0o7777), oct(0o600), "only_the_owner_can_read_the_message")

    # --- Several recipients, one named twice, one unknown.
    before = len(daemon.log)
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<>")
        named = [PAT, "nobody@good.test", KIM, "PAT@Good.Test", SAM]
        is_([client.command(f"RCPT TO:<{each}>").code for each in named],
            [250, 550, 250, 250, 250], "each_recipient_has_its_own_reply_R1")
        client.command("DATA")
        client.send(stuffed(MESSAGE))
        is_([str(reply) for reply in client.replies(4)],
            [f"250 2.0.0 <{each}> delivered" for each in (PAT, KIM, PAT, SAM)],
            "each_successful_rcpt_has_a_reply_in_order_even_a_repeated_one_L4")
        is_(client.command("NOOP").code, 250, "the_session_continues_after_a_message_L4")
    is_([len(daemon.messages(each)) for each in users], [2, 1, 1],
        "a_mailbox_named_twice_gets_one_copy_L4")
    is_(len({last_inode(daemon, each) for each in users}), 1, "several_mailboxes_share_one_file")
    ok(b"Delivered-To" not in daemon.messages(KIM)[-1] and b"\n\tfor " not in
       daemon.messages(KIM)[-1], "a_file_shared_by_several_mailboxes_names_no_recipient_S9")
    daemon.wait_for(r"\bdelivered\b.*to=<sam@", before)
    logged = [line for line in daemon.log[before:] if re.search(r"\bdelivered\b", line)]
    is_(len(logged), 3, "there_is_a_log_line_for_each_mailbox")

    # --- RCPT beyond the limit.
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<>")
        codes = [client.command(f"RCPT TO:<{SAM}>") for _ in range(103)]
        is_([each.code for each in codes], [250] * 100 + [452] * 3,
            "each_recipient_beyond_the_limit_gets_452_S12")
        is_(codes[-1].enhanced, "4.5.3", "the_reply_says_that_there_are_too_many_recipients_S12")
        client.command("DATA")
        client.send(stuffed(MESSAGE))
        is_([each.code for each in client.replies(100)], [250] * 100, "recipients_within_the_limit_get_the_message_S12")
        is_(client.command("NOOP").code, 250, "surplus_recipients_get_no_reply_after_the_data_S12")

    # --- The same session in lock-step and in one write.
    def replies(pieces, at_once):
        """Returns all octets of the replies. pieces: (octets to send, number of lines to
        expect)."""
        with Lmtp(daemon.unix) as client:
            got = b""
            if at_once:
                client.send(b"".join(piece for piece, _ in pieces))
            for piece, count in pieces:
                if not at_once:
                    client.send(piece)
                for _ in range(count):
                    got += client.line().encode() + b"\r\n"
            return got if client.at_end() else b"something came after the end"

    many = [(f"RCPT TO:<{each}>\r\n".encode(), 1) for each in [PAT, "no@good.test", KIM] * 30]
    hello = sum(1 for _ in Lmtp(daemon.unix).command("LHLO x").lines)
    session = [(b"LHLO x\r\n", hello), (b"RCPT TO:<pat@good.test>\r\n", 1), (b"DATA\r\n", 1),
               (b"MAIL FROM:<a@b.test>\r\n", 1), (b"MAIL FROM:<a@b.test>\r\n", 1),
               (b"RCPT TO:<no@good.test>\r\n", 1), (b"DATA\r\n", 1), (b"RSET\r\n", 1),
               (b"MAIL FROM:<a@b.test> SIZE=100\r\n", 1), *many, (b"DATA\r\n", 1),
               (stuffed(MESSAGE), 60), (b"NONSENSE\r\n", 1), (b"noop\r\n", 1),
               (b"MAIL FROM:<>\r\n", 1), (b"RCPT TO:<sam@good.test>\r\n", 1), (b"DATA\r\n", 1),
               (stuffed(b"\r\n.\r\nQUIT\r\n"), 1), (b"QUIT\r\n", 1)]
    lock_step = replies(session, at_once=False)
    pipelined = replies(session, at_once=True)
    is_(pipelined, lock_step, "a_session_sent_in_one_write_gets_the_same_octets_as_in_lock_step_X1")
    ok(lock_step.endswith(b"221 2.0.0 handoff.test closing connection\r\n"), "the_replies_end_in_221")
    is_([len(daemon.messages(each)) for each in users], [4, 3, 4],
        "a_session_sent_in_one_write_delivers_the_same_as_in_lock_step_X1")
    is_(daemon.stop(), 0, "the_server_exits_with_0")
    empty([each for each in users if maildir.leftovers(daemon.mailbox_path(each))],
          "nothing_stays_in_any_tmp")
    is_(daemon.staged(), [], "nothing_stays_in_staging")

done()
