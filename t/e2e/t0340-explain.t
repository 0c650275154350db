#!/usr/bin/env python3
"""handoffctl explain: the verdict is what RCPT answers, and the way there is shown."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
from control import ctl
from handoffd import Handoffd
from lmtp import deliver
from lookups import replies
from scratch import Scratch
from tap import done, is_, ok


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
        "the_verdict_is_what_rcpt_answers")
    if parts.has("cdb"):
        code, answer = said["Info+x@EXAMPLE.com"]
        is_((code, answer["folded"], answer["detail"]), (0, "info@example.org", "x"),
            "the_address_is_shown_folded_and_taken_apart")
        is_([(step["lookup"], step["address"]) for step in answer["lookups"]],
            [("file", "info@example.org"), ("file", "pat@example.org")],
            "each_lookup_that_is_asked_is_shown")
        ok(all(step["seconds"] >= 0 for step in answer["lookups"]), "with_its_time")
        mailbox = answer["mailbox"]
        is_((mailbox["path"], mailbox["there"], mailbox["quota_size"], mailbox["quota_messages"]),
            (f"{daemon.spool}/people/p", False, 1 << 30, 500), "the_mailbox_is_shown_with_its_quota")
        ok(mailbox["filesystem"] == daemon.spool and mailbox["free"] > 0, "and_with_the_room_there")
        ok(mailbox["type"], "and_with_its_type")
        is_((mailbox["used_size"], mailbox["used_messages"]), (0, 0),
            "a_mailbox_that_is_not_there_holds_nothing")
    code, answer = said["kim@example.org"]
    is_((code, answer["lookups"][-1]["lookup"]), (75, "dovecot"), "a_lookup_that_is_down_is_shown")
    ok("No such file" in answer["lookups"][-1]["answer"], "with_the_cause")
    is_((said["pat@example.edu"][0], said["pat@example.edu"][1]["served"]), (67, False),
        "a_domain_that_is_not_served_is_shown")
    text = ctl(daemon, "explain", "kim@example.org").stdout
    ok("verdict     451 4.3.0" in text and "lookup      dovecot of kim@example.org" in text,
       "and_a_person_can_read_it")
    is_(os.listdir(os.path.join(daemon.spool, "..", "spool")), [".handoff"], "nothing_was_made")
for creates, folder in (("no", None), ("yes", "lists")):
    with Handoffd({"recipients.create-folders": creates}) as daemon:
        daemon.mailbox("pat@example.org")
        is_(explained(daemon, "pat+lists@example.org")[1]["mailbox"]["folder"], folder,
            f"the_folder_is_the_one_of_delivery_where_folders_are_created_{creates}")
for over, code in (("defer", 452), ("bounce", 552)):
    with Handoffd({"quota.messages": "1", "quota.over": over}) as daemon:
        daemon.mailbox("pat@example.org")
        is_([explained(daemon, "pat@example.org")[1]["code"], replies(daemon, "pat@example.org")[0].code],
            [250, 250], f"a_mailbox_with_room_is_accepted_R4_{over}")
        filled = deliver(daemon.unix, "", ["pat@example.org"], b"Subject: x\r\n\r\n")
        is_([reply.code for reply in filled.final.values()], [250], "it_is_filled")
        answer = explained(daemon, "pat@example.org")[1]
        reply = replies(daemon, "pat@example.org")[0]
        is_((answer["code"], answer["verdict"]), (code, f"{reply.code} {reply.lines[0]}"),
            f"the_verdict_of_a_full_mailbox_is_what_rcpt_answers_R4_{over}")
        is_((answer["mailbox"]["used_messages"], answer["mailbox"]["quota_messages"]), (1, 1),
            "what_it_holds_is_shown")
        ok("1 of 1 messages" in ctl(daemon, "explain", "pat@example.org").stdout, "to_a_person_too")
is_(ctl(daemon, "explain").returncode, 64, "an_address_is_needed")
done()
