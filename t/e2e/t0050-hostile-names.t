#!/usr/bin/env python3
"""Recipients that try to leave the spool, and links planted in it (R2)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Handoffd
from lmtp import Lmtp, deliver, stuffed
from tap import done, empty, is_, ok

MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
ATTACKS = {
    "dot_dot": b'".."@good.test',
    "dot": b'"."@good.test',
    "a_path_upwards": b'"../../../../../../tmp/x"@good.test',
    "a_slash": b'"a/b"@good.test',
    "an_unquoted_slash": b"pat/new@good.test",
    "an_absolute_path": b'"/etc"@good.test',
    "a_leading_dot": b'".hidden"@good.test',
    "the_staging_area": b'staging@.handoff',
    "a_domain_of_dots": b"pat@..",
    "a_domain_with_a_slash": b"pat@../good.test",
    "a_literal_with_a_slash": b"pat@[../x]",
    "an_empty_name": b'""@good.test',
    "a_quoted_path_upwards_with_backslashes": b'"\\.\\./x"@good.test',
    "nul": b'"a\0b"@good.test',
    "a_tab": b'"a\tb"@good.test',
    "escape": b'"a\x1bb"@good.test',
    "delete": b'"a\x7fb"@good.test',
    "a_quoted_control_character": b'"a\\\x01b"@good.test',
    "a_local_part_that_is_not_a_file_name": b"x" * 256 + b"@good.test",
    "a_label_of_300_octets": b"pat@" + b"x" * 300 + b".test",
    "a_very_long_local_part": b"x" * 100000 + b"@good.test",
    "dot_dot_and_a_detail": b'"..+x"@good.test',
    "a_source_route_before_a_path_upwards": b'@a.test,@b.test:"../x"@good.test',
}
# These reach the mailbox of pat, whatever the detail is.
DETAILS = {
    "a_detail_with_dot_dot": b'"pat+../kim"@good.test',
    "a_detail_of_dots": b'"pat+.."@good.test',
    "a_detail_with_a_slash": b"pat+a/b@good.test",
    "a_detail_that_is_a_link": b"pat+out@good.test",
    "a_long_detail": b"pat+" + b"x" * 60 + b"@good.test",
}


def tree(path, *skip):
    """Returns every name below a folder."""
    found = set()
    for where, folders, files in os.walk(path):
        folders[:] = [each for each in folders if os.path.join(where, each) not in skip]
        found.update(os.path.join(where, each) for each in folders + files)
    return found


def replies(daemon, path):
    with Lmtp(daemon.unix) as client:
        client.session("LHLO client.test", "MAIL FROM:<>")
        reply = client.command(b"RCPT TO:<" + path + b">")
        final = None
        if reply.code == 250:
            client.command("DATA")
            client.send(stuffed(MESSAGE))
            final = client.reply().code
        assert client.command("NOOP").code == 250
        return reply.code, final


for lookup in ("mailbox", "any"):
    with Handoffd({"recipients.lookup": lookup}) as daemon:
        pat = daemon.mailbox("pat@good.test")
        daemon.mailbox("kim@good.test")
        daemon.mailbox("out@good.test")
        outside = os.path.join(daemon.scratch.path, "outside")
        os.makedirs(os.path.join(outside, "new"))
        os.chmod(outside, 0o777)
        os.chmod(os.path.join(outside, "new"), 0o777)
        os.symlink(outside, os.path.join(pat, ".out"))
        os.symlink(outside, os.path.join(daemon.spool, "good.test", "link"))
        os.symlink(outside, os.path.join(daemon.spool, "link.test"))
        os.symlink("kim", os.path.join(daemon.spool, "good.test", "alias"))

        before = tree(daemon.scratch.path)
        wrong = {name: codes for name, codes in
                 ((name, replies(daemon, path)) for name, path in ATTACKS.items())
                 if codes[0] not in (500, 501, 550)}
        empty(wrong.items(), f"no_hostile_name_is_accepted_R2_with_{lookup}")
        empty(tree(daemon.scratch.path) ^ before, f"no_hostile_name_creates_a_file_R2_with_{lookup}")

        for name, path in DETAILS.items():
            count = len(daemon.messages("pat@good.test"))
            is_((replies(daemon, path), len(daemon.messages("pat@good.test")) - count),
                ((250, 250), 1), f"{name}_is_the_inbox_R2_R3_with_{lookup}")

        for name in ("link@good.test", "alias@good.test", "new@link.test"):
            code, final = replies(daemon, name.encode())
            ok((final or code) == 451, f"{name}_through_a_planted_link_gets_451_R2_with_{lookup}")
        is_(tree(outside), {os.path.join(outside, "new")},
            f"nothing_was_written_outside_the_spool_R2_with_{lookup}")
        is_(daemon.messages("kim@good.test"), [], f"nothing_was_written_through_a_link_to_another_mailbox_R2_with_{lookup}")

        os.makedirs(os.path.join(pat, ".lists"))
        if daemon.owner:
            os.chown(os.path.join(pat, ".lists"), *daemon.owner)
        deliver(daemon.unix, "", ["pat+Lists@good.test", "pat+lists@good.test"], MESSAGE)
        is_(len(os.listdir(os.path.join(pat, ".lists", "new"))), 1,
            f"an_existing_folder_gets_its_mail_R3_with_{lookup}")

with Handoffd({"recipients.lookup": "any"}) as daemon:
    is_([str(reply) for reply in deliver(daemon.unix, "", ["New.User@Some.Test"],
                                         MESSAGE).final.values()],
        ["250 2.0.0 <New.User@Some.Test> delivered"], "with_lookup_any_every_address_is_accepted")
    mailbox = os.path.join(daemon.spool, "some.test", "new.user")
    is_(sorted(os.listdir(mailbox)), ["cur", "new", "tmp"], "the_mailbox_of_that_address_is_created")
    is_({oct(os.stat(os.path.join(mailbox, each)).st_mode & 0o7777)
         for each in (".", "cur", "new", "tmp", "..")}, {"0o700"}, "the_mailbox_is_accessible_to_its_owner_only")
    is_(len(daemon.messages("new.user@some.test")), 1, "the_new_mailbox_has_the_message")

done()
