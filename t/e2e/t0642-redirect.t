#!/usr/bin/env python3
"""Scripts that redirect, reply and notify: sieve.sendmail gets each message once, even if the client
loses its reply and the script changes meanwhile, and a failed delivery sends nothing."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from fake_sendmail import Sendmail, outgoing, wait
from handoffd import Handoffd, program
from lmtp import Lmtp, deliver, stuffed
from scratch import Scratch
from tap import done, empty, is_, ok

MODULE = os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")
PAT, ALIAS = "pat@example.org", "info@example.org"

if not os.path.exists(MODULE):
    ok(True, "a_build_without_sieve_has_nothing_to_send")
    done()
    sys.exit(0)


def script(daemon, text):
    path = os.path.join(daemon.mailbox_path(PAT), ".dovecot.sieve")
    with open(path + ".tmp", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".tmp", path)


def message(name):
    return (f"From: sender@example.net\r\nTo: {PAT}\r\nSubject: {name}\r\n"
            f"Message-ID: <{name}@example.net>\r\n\r\nbody of {name}\r\n").encode()


def send(daemon, name):
    return deliver(daemon.unix, "sender@example.net", [PAT], message(name)).final[PAT].code


def lose_reply(daemon, name):
    """Sends a message and disconnects before it has read the reply."""
    before = len(daemon.log)
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<sender@example.net>", f"RCPT TO:<{PAT}>",
                       "DATA")
        client.send(stuffed(message(name)))
        daemon.wait_for(r"(delivered|discarded) .*to=<pat@example.org>", before)
    daemon.wait_for("replies unread", before)


def subjects(octets):
    return re.findall(r"^Subject: (.*)$", octets, re.M)


scratch = Scratch()
mail = Sendmail(scratch)
with Handoffd({"sieve.enabled": "yes", "sieve.sendmail": mail.path}, scratch=scratch) as daemon:
    daemon.mailbox(PAT)
    script(daemon, 'require ["copy"];\n# rule:[Away]\nredirect :copy "kim@example.com";\n')
    is_(send(daemon, "one"), 250, "a_message_is_redirected")
    [(arguments, text)] = mail.wait_for(1)
    is_(arguments, ["-oi", "-f", "sender@example.net", "--", "kim@example.com"],
        "a_redirected_message_keeps_its_sender")
    ok("\nbody of one\n" in text and not text.startswith("Return-Path"), "a_redirected_message_keeps_its_content")
    is_(len(daemon.messages(PAT)), 1, "redirect_copy_also_stores_the_message")
    ok(wait(lambda: outgoing(daemon.spool) == []), "the_queue_is_empty_after_the_message_was_sent")

    # L12: nothing is stored, so only the record shows that the message is a retry.
    script(daemon, 'redirect "kim@example.com";\n')
    lose_reply(daemon, "two")
    script(daemon, 'require "fileinto";\nredirect "lee@example.com";\nkeep;\n')
    is_(send(daemon, "two"), 250, "the_retry_of_a_client_that_lost_its_reply_is_accepted")
    ok("already-delivered" in daemon.wait_for("status=already-delivered"), "the_retry_of_a_client_that_lost_its_reply_is_recognised_L12")
    mail.wait_for(2)
    script(daemon, 'discard;\n')
    lose_reply(daemon, "three")
    script(daemon, 'keep;\n')
    is_(send(daemon, "three"), 250, "a_retry_of_a_discarded_message_is_accepted_L12")
    is_(len(daemon.messages(PAT)), 1, "a_retry_of_a_discarded_message_is_not_stored")

    script(daemon, 'redirect "ann@example.com";\n')
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<sender@example.net>", f"RCPT TO:<{PAT}>",
                       f"RCPT TO:<{PAT}>", "DATA")
        client.send(stuffed(message("named")))
        is_([client.reply().code for _ in range(2)], [250, 250],
            "an_address_that_is_named_twice_gets_two_replies")
    mail.wait_for(3)
    ok(wait(lambda: outgoing(daemon.spool) == []), "the_queue_is_empty_again")
    is_(len(mail.sent()), 3, "the_script_of_an_address_that_is_named_twice_runs_once")

    # One outcome.
    script(daemon, 'require ["fileinto", "mailbox", "vacation", "duplicate"];\n'
           'vacation :handle "a" "I am away.";\nredirect "kim@example.com";\n'
           'if duplicate { discard; stop; }\nfileinto :create "Full";\n')
    full = os.path.join(daemon.mailbox_path(PAT), ".Full")
    owner = os.stat(daemon.mailbox_path(PAT))
    parts = [full] + [os.path.join(full, part) for part in ("new", "cur", "tmp")]
    for part in parts:
        os.mkdir(part, 0o700)
    for part in parts[1:]:
        os.chmod(part, 0)
    os.chown(full, owner.st_uid, owner.st_gid)
    ok(send(daemon, "four") // 100 == 4, "if_a_copy_cannot_be_stored_the_message_is_deferred")
    is_(outgoing(daemon.spool), [], "if_a_copy_cannot_be_stored_nothing_is_sent")
    for part in parts[1:]:
        os.chmod(part, 0o700)
        os.chown(part, owner.st_uid, owner.st_gid)
    is_(send(daemon, "four"), 250, "the_next_attempt_succeeds_because_no_mark_was_set")
    sent = mail.wait_for(5)[3:]
    is_(sorted(arguments[-1] for arguments, _ in sent), ["kim@example.com", "sender@example.net"],
        "the_next_attempt_redirects_and_replies")
    reply = next(text for arguments, text in sent if arguments[-1] == "sender@example.net")
    ok("I am away." in reply, "the_reply_has_the_text_of_the_script")
    is_(next(arguments[2] for arguments, _ in sent if arguments[-1] == "sender@example.net"), "<>",
        "the_reply_has_the_null_sender")
    is_(send(daemon, "four"), 250, "a_message_with_the_same_id_is_accepted")
    is_(send(daemon, "five"), 250, "another_message_is_accepted")
    mail.wait_for(7)
    ok(wait(lambda: outgoing(daemon.spool) == []), "all_messages_in_the_queue_are_sent")
    is_([arguments[-1] for arguments, _ in mail.sent()[5:]], ["kim@example.com"] * 2,
        "vacation_replies_once_to_a_sender")
    stored = [name for part in ("new", "cur") for name in os.listdir(os.path.join(full, part))]
    is_(len(stored), 2, "duplicate_knows_the_message_of_the_attempt_that_succeeded")
    is_([subjects(text) for _, text in mail.sent()[1:2]], [["two"]], "each_redirected_message_was_sent_once")
    empty([name for name in os.listdir(os.path.join(daemon.spool, ".handoff", "staging"))],
          "nothing_stays_in_staging")

done()
