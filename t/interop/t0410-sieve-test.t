#!/usr/bin/env python3
"""handoff takes the same actions as sieve-test, a program of Dovecot's Pigeonhole, for 2,000
generated scripts and messages; handoff-sieve(7) lists the differences.

SIEVE_SCRIPTS=N runs N of them; SIEVE_SEED=N begins with another one."""
import concurrent.futures
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
import tap
from handoffd import program
from scratch import Scratch
from sieve_scripts import generate
from tap import diag, done, empty, ok

if not os.path.exists(os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")):
    tap.skip_all("this handoff was built without Sieve")
peer.enter("sieve")

COUNT = int(os.environ.get("SIEVE_SCRIPTS", "2000"))
SEED = int(os.environ.get("SIEVE_SEED", "1"))
NOBODY = 65534
ENVELOPE = ("pat@example.com", "lee@example.org")

os.makedirs("/etc/dovecot", exist_ok=True)
with open("/etc/dovecot/dovecot.conf", "w", encoding="utf-8") as file:
    file.write(f"mail_uid = {NOBODY}\nmail_gid = {NOBODY}\nmail_location = maildir:/tmp/sieve-mail\n"
               "plugin {\n  sieve_extensions = +editheader\n}\n")
os.makedirs("/tmp/sieve-mail", exist_ok=True)
os.chmod("/tmp/sieve-mail", 0o777)
scratch = Scratch()
os.chmod(scratch.path, 0o755)


def flags_of(text):
    return tuple(sorted({flag.lower() for flag in text.split()}))


def of_dovecot(script, message):
    """Returns the sorted actions, or None if the script does not compile."""
    ran = subprocess.run(["sieve-test", "-f", ENVELOPE[0], "-a", ENVELOPE[1], "-r", ENVELOPE[1], script, message],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    actions = []
    for line in ran.stdout.splitlines():
        if match := re.match(r" \* store message in folder: (.*)$", line):
            actions.append(["store", match[1], ()])
        elif match := re.match(r" +\+ add IMAP flags: ?(.*)$", line):
            actions[-1][2] = flags_of(match[1])
        elif match := re.match(r" \* redirect message to: <(.*)>$", line):
            actions.append(["redirect", match[1], ()])
        elif " \\* " in line:
            actions.append([line.strip(), "", ()])
    return sorted(map(tuple, actions)) if "Performed actions" in ran.stdout else None


def of_handoff(script, message):
    with open(message, "rb") as file:
        ran = subprocess.run([program("HANDOFFCTL"), "sieve", "test", script, "--from", ENVELOPE[0], "--to", ENVELOPE[1]],
                             stdin=file, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    actions = []
    for line in ran.stdout.partition("plan:\n")[2].splitlines():
        flags = re.search(r", flags ([^,(]*)", line)
        named = flags_of(flags[1].replace("\\\\", "\\")) if flags else ()
        if match := re.match(r'  store in "([^"]*)"', line):
            actions.append(("store", match[1], named))
        elif line.startswith("  keep"):
            actions.append(("store", "INBOX", named))
        elif match := re.match(r"  redirect to ([^, ]*)", line):
            actions.append(("redirect", match[1], ()))
        elif line != "  no copy is stored":
            actions.append((line.strip(), "", ()))
    return sorted(actions) if ran.returncode in (0, 65) and "plan:" in ran.stdout else [("failed", ran.stdout[-300:], ())]


def compare(seed):
    """Returns the differences for a seed, or None."""
    text, content = generate(seed)
    script = scratch.file(f"{seed}.sieve", text)
    message = scratch.file(f"{seed}.eml", content)
    for path in (script, message):
        os.chmod(path, 0o644)
    theirs, ours = of_dovecot(script, message), of_handoff(script, message)
    for path in (script, message, script[:-len(".sieve")] + ".svbin"):
        if os.path.exists(path):
            os.unlink(path)
    return None if theirs == ours else f"seed {seed}: Pigeonhole {theirs}, handoff {ours}"


with concurrent.futures.ThreadPoolExecutor(4) as pool:
    results = list(pool.map(compare, range(SEED, SEED + COUNT)))
different = [result for result in results if result]
diag(f"{COUNT} scripts, {len(different)} differ")
ok(len(results) == COUNT, f"{COUNT}_random_scripts_were_run")
empty(different, "sieve_test_and_handoffctl_choose_the_same_actions")
done()
