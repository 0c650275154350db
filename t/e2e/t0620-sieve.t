#!/usr/bin/env python3
"""handoffctl sieve: a script is checked, and tested with a message, without a server (F2, F19)."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import program
from scratch import Scratch
from tap import done, is_, ok

MODULE = os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")
MESSAGE = "From: Pat <pat@example.com>\nTo: lee@example.org\nSubject: lunch\n\nHello.\n"
SCRIPT = """require ["fileinto", "vacation", "include", "imap4flags"];
# rule:[Lists]
if header :contains ["list-id", "subject"] "lunch" {
  fileinto :flags "\\\\Seen" "Food";
}
include "more";
vacation "I am away.";
"""


def sieve(*arguments, message=MESSAGE):
    ran = subprocess.run([program("HANDOFFCTL"), "sieve", *arguments], input=message, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    return ran.returncode, ran.stdout, ran.stderr


scratch = Scratch()
good = scratch.file("good.sieve", SCRIPT)
os.mkdir(os.path.join(scratch.path, "sieve"))
scratch.file("sieve/more.sieve", "redirect \"kim@example.net\";\n")
bad = scratch.file("bad.sieve", "keep;\nfileinto \"a\";\nnonsense;\n")

if not os.path.exists(MODULE):
    code, _, error = sieve("check", good)
    ok(code == 69 and "not installed" in error, "a_build_without_sieve_says_what_is_missing")
    done()
    sys.exit(0)

code, said, _ = sieve("check", good)
is_((code, said), (0, f"{good}: no errors\n"), "a_script_without_errors_is_accepted_F2")
code, said, _ = sieve("check", bad)
is_((code, said), (65, f"{bad}:2: command 'fileinto' needs: require \"fileinto\"\n"
                   f"{bad}:3: unknown command 'nonsense'\n"), "each_fault_has_its_line_F2")

code, said, _ = sieve("test", good, "--from", "pat@example.com", "--to", "lee@example.org")
lines = said.splitlines()
is_(code, 0, "a_test_of_a_good_script_succeeds")
ok(f'{good}:3: header :contains: "lunch" against "lunch": true' in lines,
   "a_test_shows_its_line_and_the_values_compared_F19")
plan = lines[lines.index("plan:") + 1:]
is_(plan[0], '  store in "Food", flags \\\\Seen (line 4, rule "Lists")',
    "the_plan_names_line_and_rule_F19")
ok(plan[1].startswith("  redirect to kim@example.net (more, line 1"),
   "an_included_script_is_found_beside_the_script_F18")
ok(plan[2].startswith("  vacation reply to pat@example.com (line 7"), "a_reply_is_part_of_the_plan")
_, said, _ = sieve("test", good, "--from", "<>", "--to", "lee@example.org")
ok("no vacation reply: the message has the null sender" in said, "the_plan_says_why_no_reply_is_sent_F16")

# The configuration of the server.
conf = scratch.file("handoffd.conf", f"""hostname = mx.example.org
recipients.delimiter = -
sieve.include-directory = {scratch.path}/%d/%n
sieve.global-directory = {scratch.path}/global
sieve.max-redirects = 1
""")
for path in "example.org/lee", "global":
    os.makedirs(os.path.join(scratch.path, path))
scratch.file("example.org/lee/own.sieve", 'require "fileinto"; fileinto "Own";\n')
scratch.file("global/site.sieve", 'require "fileinto"; fileinto "Site";\n')
site = scratch.file("site.sieve", """require ["include", "environment", "envelope", "subaddress", "vacation",
"copy"];
include "own"; include :global "site";
if allof (environment "host" "mx.example.org", envelope :detail "to" "list") { keep; }
vacation "Away.";
redirect :copy "a@example.net"; redirect :copy "b@example.net";
""")


def planned(*arguments):
    ran = subprocess.run([program("HANDOFFCTL"), "-c", conf, "sieve", "test", site, *arguments],
                         input=MESSAGE, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False, timeout=60)
    return ran.returncode, ran.stdout


code, said = planned("--to", "lee-list@example.org")
ok(code == 65 and f"{site}:6: the number of redirect actions exceeds policy limit" in said,
   "the_limits_are_those_of_the_configuration_F19")
scratch.file("handoffd.conf", open(conf, encoding="utf-8").read().replace("redirects = 1", "redirects = 2"))
code, said = planned("--to", "lee-list@example.org")
is_([re.sub(r" \(.*", "", line.strip()) for line in said.partition("plan:\n")[2].splitlines()],
    ['store in "Own"', 'store in "Site"', "keep", "vacation reply to sender@example.org",
     "redirect to a@example.net", "redirect to b@example.net"],
    "so_are_directories_delimiters_and_the_own_addresses_F19")
is_(subprocess.run([program("HANDOFFCTL"), "-c", "/nonexistent", "sieve", "check", good],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode, 78,
    "a_configuration_that_is_named_must_exist")

code, said, _ = sieve("test", bad)
ok(code == 65 and "keep (implicit keep)" in said, "a_script_with_an_error_keeps_the_message_F4")
is_(sieve("check")[0], 64, "a_missing_script_is_a_usage_error")
is_(sieve("check", "/nonexistent")[0], 66, "a_script_that_cannot_be_read_is_reported")
is_(sieve("guess", good)[0], 64, "an_unknown_command_is_a_usage_error")
done()
