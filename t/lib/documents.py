"""Runs what a document of doc/ tells an administrator to type. In a root of its own (peer.enter).

    documents.install()              # handoff, as README has it installed
    documents.follow("postfix.md")   # each fenced sh block, in order; says which of them failed

A fence `sh` is run by `sh -eu`, in the top folder of the source. What stands in a fence behind
`<!-- file: PATH -->` is written there, behind `<!-- append: PATH -->` is added. Others are not run.
"""
import grp
import os
import re
import subprocess

import maildir
from handoffd import program
from mta import TOP, until
from syslogd import Syslog
from tap import diag, ok

SPOOL = "/var/spool/handoff"
_FENCE = re.compile(r"(?:<!-- (file|append): (\S+) -->\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)


def install():
    """handoffd and handoffctl where README puts them, a syslog, and README's own steps."""
    for name in ("handoffd", "handoffctl"):
        link = f"/usr/local/sbin/{name}"
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(program(name.upper()), link)
    os.environ["PATH"] = f"/usr/local/sbin:/usr/sbin:/sbin:{os.environ['PATH']}"
    # Where this build looks; README has it built to look in /etc.
    said = subprocess.run(["handoffd", "--help"], stdout=subprocess.PIPE, text=True, check=True)
    default = re.search(r"instead of (/\S+/handoffd\.conf)", said.stdout)[1]
    if default != "/etc/handoffd.conf":
        os.makedirs(os.path.dirname(default), exist_ok=True)
        os.symlink("/etc/handoffd.conf", default)
    try:
        grp.getgrnam("postfix")
    except KeyError:
        with open("/etc/group", "a", encoding="ascii") as file:
            file.write("postfix:x:61098:\n")
    os.makedirs("/run/handoff", exist_ok=True)
    return Syslog()


def follow(path):
    """path: of the document, from the top of the source."""
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        text = file.read()
    for number, (mode, where, language, block) in enumerate(_FENCE.findall(text), 1):
        if mode:
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "a" if mode == "append" else "w", encoding="utf-8") as file:
                file.write(block)
        elif language == "sh":
            run = subprocess.run(["sh", "-eux", "-c", block], cwd=TOP, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                 timeout=120)
            first = block.splitlines()[0]
            if not ok(run.returncode == 0, f"{path}_block_{number}_works: {first}"):
                diag(run.stdout.decode("utf-8", "replace")[-3000:])


def arrives(user, since=0):
    """Waits until a mailbox of README's spool has more messages than `since`."""
    name, _, domain = user.partition("@")
    box = os.path.join(SPOOL, domain, name)
    try:
        until(lambda: len(maildir.files(box)) > since, f"a message for {user}")
        return ok(True, f"the_message_for_{user}_arrives")
    except TimeoutError:
        return ok(False, f"the_message_for_{user}_arrives")
