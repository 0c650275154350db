#!/usr/bin/env python3
"""Postfix writes X-Original-To: with the two settings of doc/postfix.md: each mailbox learns the
address that the sender used, although DSN is not offered."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from mta import snippet
from postfix import Postfix
from scenarios import Server
from tap import done, is_, ok

peer.enter("postfix")

DOMAIN = "unix.test"
PAT, KIM = f"pat@{DOMAIN}", f"kim@{DOMAIN}"
ALIASES = (f"virtual_alias_maps = inline:{{ {{ info@{DOMAIN} = {PAT} }}, "
           f"{{ all@{DOMAIN} = {PAT}, {KIM} }} }}\n")


def original_to(octets):
    header = octets.partition(b"\n\n")[0].decode().splitlines()
    return [line.partition(": ")[2] for line in header if line.startswith("X-Original-To: ")]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "postfix.md"),
          encoding="utf-8") as file:
    guide = file.read()
ok("lmtp/unix/command=lmtp flags=O" in guide and "lmtp_destination_recipient_limit = 1" in guide,
   "the_guide_names_both_settings")

daemon = Server({"socket.group": "postfix"})
for each in (PAT, KIM):
    daemon.mailbox(each)
postfix = Postfix(daemon.scratch, snippet("postfix/main.cf", domain=DOMAIN) + ALIASES
                  + "lmtp_destination_recipient_limit = 1\n", lmtp_arguments="flags=O")
for number, recipients in enumerate(([f"info@{DOMAIN}"], [f"all@{DOMAIN}"], [PAT, KIM])):
    postfix.inject(f"sender@{DOMAIN}", recipients, b"Subject: %d\n\nhello\n" % number)
daemon.wait_for(r"\bdelivered\b", count=5, deadline=120)

for user, expected in ((PAT, {b"0": f"info@{DOMAIN}", b"1": f"all@{DOMAIN}", b"2": PAT}),
                       (KIM, {b"1": f"all@{DOMAIN}", b"2": KIM})):
    found = {octets.partition(b"Subject: ")[2][:1]: original_to(octets)
             for octets in daemon.messages(user)}
    is_(found, {number: [address] for number, address in expected.items()},
        f"each_message_of_{user}_has_the_original_recipient")
postfix.stop()
is_(daemon.stop(), 0, "the_server_exits_with_0")
done()
