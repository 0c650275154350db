#!/usr/bin/env python3
"""bash, zsh and fish complete every setting with the files that contrib/completion/generate writes.

With an argument, inside that shell's root."""
import os
import pty
import re
import select
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import peer
from handoffd import program
from mta import TOP
from scratch import Scratch
from tap import done, empty, is_, ok

HANDOFFD, HANDOFFCTL = program("HANDOFFD"), program("HANDOFFCTL")


def generated(shell, name):
    made = subprocess.run([os.path.join(TOP, "contrib/completion/generate"), shell, HANDOFFD,
                           HANDOFFCTL], stdout=subprocess.PIPE, check=True)
    return Scratch.file(scratch, name, made.stdout)


def settings():
    dumped = subprocess.run([HANDOFFD, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    return sorted(set(re.findall(r"^  (?:-\w \[ )?(--[\w.-]+)", dumped.stdout, re.M)))


def bash():
    file = generated("bash", "handoffd.bash")

    def complete(*words):
        said = subprocess.run(
            ["bash", "-c", 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1"; '
             'printf "%s\\n" "${COMPREPLY[@]}"', file, *words],
            stdout=subprocess.PIPE, text=True, check=True)
        return sorted(said.stdout.split())
    is_([each for each in complete("handoffd", "--")], settings(), "bash_completes_every_setting")
    is_(complete("handoffd", "--user", "roo"), ["root"], "bash_completes_users")
    is_(complete("handoffctl", "st"), ["status", "stop"], "bash_completes_commands")
    is_(complete("handoffctl", "status", "--"), ["--json", "--watch"],
        "bash_completes_the_options_of_a_command")


def fish():
    file = generated("fish", "handoffd.fish")

    def complete(line):
        said = subprocess.run(["fish", "--no-config", "-c", f"source {file}; complete -C '{line}'"],
                              stdout=subprocess.PIPE, text=True, check=True)
        return sorted(each.partition("\t")[0] for each in said.stdout.splitlines())
    empty(sorted(set(settings()) - set(complete("handoffd --"))), "fish_completes_every_setting")
    is_(complete("handoffctl st"), ["status", "stop"], "fish_completes_commands")
    is_(complete("handoffctl status --j"), ["--json"], "fish_completes_the_options_of_a_command")


def zsh():
    """Types into a shell, as a person would."""
    folder = os.path.dirname(generated("zsh", "functions/_handoffd"))
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                             start_new_session=True, env={**os.environ, "TERM": "dumb"})
    scratch.guard(shell.pid)

    def types(text, wanted):
        os.write(ours, text.encode())
        seen, end = "", time.monotonic() + 30
        while wanted not in seen and time.monotonic() < end:
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 4096).decode("utf-8", "replace")
        return wanted in seen
    ok(types(f"fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; echo re''ady\n",
             "ready"), "zsh_loads_the_completion")
    for typed, wanted in (("handoffd --spool.pa\t", "--spool.path"),
                          ("handoffd --tls.client\t", "--tls.client-ca"),
                          ("handoffctl dra\t", "drain"), ("handoffctl status --js\t", "--json")):
        ok(types(typed, wanted), f"zsh_completes_{typed.strip()!r}_to_{wanted}")
        types("\x15echo ne''xt\n", "next")
    shell.kill()
    shell.wait()
    scratch.release(shell.pid)


SHELLS = {"fish": fish, "zsh": zsh}
if len(sys.argv) == 1:
    for name in SHELLS:
        peer.require(name)
    scratch = Scratch()
    bash()
    for name in SHELLS:
        run = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True,
                             check=False, timeout=300)
        lines = run.stdout.splitlines() or [""]
        for line in lines:
            if line.startswith(("ok ", "not ok ")):
                ok(line.startswith("ok "), line.partition(" - ")[2])
        ok(run.returncode == 0 and lines[-1].startswith("1.."), f"the_session_with_{name}_ran_to_its_end")
    done()

peer.enter(sys.argv[1])
scratch = Scratch()
SHELLS[sys.argv[1]]()
done()
