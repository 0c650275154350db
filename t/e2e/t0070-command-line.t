#!/usr/bin/env python3
"""What handoffd says to whoever starts it: --check, --dump, and exit codes of sysexits.h."""
import os
import pwd
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from handoffd import Configuration, program
from tap import bail_out, done, is_, ok

config = Configuration()


def run(*arguments):
    ended = subprocess.run([program("HANDOFFD"), *arguments], check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=20)
    return ended.returncode, ended.stdout, ended.stderr


def refused(code, sentence, says, *arguments):
    """handoffd exits with that code, says nothing on standard output, and those words on error."""
    got, out, said = run(*arguments)
    is_((got, out), (code, ""), sentence)
    ok(says in said and said.startswith("handoffd: ") and said.count("\n") == 1,
       f"{sentence}_and_says_why")


code, out, said = run("--version")
ok((code, said) == (0, "") and out.startswith("handoff "), "version_is_0")
code, out, said = run("--help")
ok((code, said) == (0, "") and "--spool.path" in out, "help_names_the_settings")

# --- The command line: 64.
refused(64, "an_unknown_option_is_64", "no-such", "--no-such")
refused(64, "an_argument_is_64", "extra", "-c", config.path, "extra")
refused(64, "an_option_without_its_value_is_64", "--help", "-c")
refused(64, "two_actions_are_64", "--check", "--check", "--dump", "-c", config.path)

# --- The configuration: 78.
refused(78, "a_missing_file_is_78", "/none.conf", "-c", config.scratch.path + "/none.conf", "-f")
wrong = config.scratch.file("wrong.conf", "# one\nspool.newline = unix\n")
refused(78, "a_wrong_value_is_78", f"{wrong}:2: spool.newline = unix: must be lf or crlf",
        "-c", wrong, "-f")
unknown = config.scratch.file("unknown.conf", "spool.pth = /x\n")
for how in (["-f"], ["--check"], ["--dump"], ["--stdin"], []):
    refused(78, f"an_unknown_setting_is_78_{''.join(how) or 'in_the_background'}", "spool.path",
            "-c", unknown, *how)
refused(78, "port_25_is_refused_L8", "port 25", "-c", config.path, "-f", "--listen",
        "tcp:127.0.0.1:25")
refused(78, "port_25_is_refused_by_check_L8", "port 25", "-c", config.path, "--check", "--listen",
        "tcp:[::]:25")

# --- --check
code, out, said = run("--check", "-c", config.path)
is_((code, said), (0, ""), "check_is_0_where_all_is_well")
ok(config.spool in out, "and_names_the_spool")
is_(config.staged(), [], "and_leaves_nothing_in_the_spool")


def found(sentence, says, *arguments, code=78):
    """--check goes well but for that."""
    got, _, said = run("--check", "-c", config.path, *arguments)
    is_(got, code, sentence)
    ok(says in said and "cure: " in said, f"{sentence}_and_says_what_to_do")


os.chmod(config.spool, 0o777)
found("check_finds_a_spool_that_anybody_can_write_to", "anybody can write to it")
os.chmod(config.spool, 0o755)
folder = os.path.join(config.scratch.path, "closed")
os.mkdir(folder)
for mode in (0o750, 0o700):
    os.chmod(folder, mode)
    found(f"check_finds_a_socket_that_clients_cannot_get_to_{mode:o}", f"cannot enter {folder}",
          "--listen", f"unix:{folder}/lmtp.sock")
if config.owner:
    # As Postfix keeps its private/: its user's, and no group can enter.
    os.chown(folder, pwd.getpwnam("daemon").pw_uid, 0)
    inside = ("--listen", f"unix:{folder}/lmtp.sock", "--socket.mode", "0660")
    is_(run("--check", "-c", config.path, *inside, "--socket.group", "daemon")[::2], (0, ""),
        "the_user_of_the_group's_name_is_a_client")
    is_(run("--check", "-c", config.path, *inside, "--socket.owner", "daemon")[::2], (0, ""),
        "and_so_is_the_socket's_owner")
    found("and_no_other_is", f"cannot enter {folder}", *inside, "--socket.group", "bin")
    # Who is not root, and cannot look into it, sees what it is from outside all the same.
    os.chown(folder, 0, 0)
    got = subprocess.run([program("HANDOFFD"), "--check", "-c", config.path, *inside[:2]],
                         user=config.owner[0], group=config.owner[1], extra_groups=[], check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    is_(got.returncode, 78, "check_by_another_than_root_finds_that_too")
    ok(f"cannot enter {folder}" in got.stderr, "check_by_another_than_root_says_so")
found("check_notes_a_host_name_without_a_domain", "hostname: mail is no full name",
      "--hostname", "mail", code=0)
found("check_notes_a_socket_for_nobody", "only root and the owner can connect",
      "--socket.mode", "0660", code=0)
missing = config.scratch.path + "/none"
found("check_finds_a_missing_spool", "No such file or directory\n         cure: install -d -m 700 -o ",
      "--spool.path", missing)
os.mkdir(missing)
if config.owner:
    found("check_finds_a_spool_of_another", f"cure: chown {config.settings['user']} {missing}",
          "--spool.path", missing)
staging = os.path.join(config.spool, ".handoff", "staging")
os.chmod(staging, 0o500)
found("check_finds_a_spool_that_cannot_be_written_to",
      "Permission denied\n         cure: let user write to spool.path")
os.chmod(staging, 0o700)
is_(run("--check", "-c", config.path)[::2], (0, ""), "check_is_0_when_all_is_mended")

# --- Without a configuration: what to write.
code, out, said = run("--help")
default = re.search(r"instead of (/\S+/handoffd\.conf)", out)[1]
if os.path.exists(default):
    bail_out(f"{default} is there: what handoffd says without one cannot be seen")
code, out, said = run()
is_((code, out), (78, ""), "handoffd_without_a_configuration_is_78")
ok(f"{default}: no such file" in said, "it_says_which_file_it_looked_for")
lines = re.findall(r"^    (\S+ = .*)$", said, re.M)
is_([line.split()[0] for line in lines], ["listen", "user", "spool.path"],
    "it_says_which_lines_to_write")
advised = config.scratch.file("advised.conf", "\n".join(
    [*lines, ""]).replace("USER", config.settings.get("user", "nobody")))
code, out, said = run("--dump", "-c", advised)
is_((code, said), (0, ""), "and_those_lines_are_a_configuration")

# --- --dump
code, out, said = run("--dump", "-c", config.path, "--session.max-errors", "7")
is_((code, said), (0, ""), "dump_is_0")
for line in (f"spool.path = {config.spool}", "session.max-errors = 7", "spool.newline = lf"):
    ok(line in out.splitlines(), f"dump_says_{line.split()[0]}")
dumped = config.scratch.file("dumped.conf", out)
is_(run("--dump", "-c", dumped)[1], out, "what_is_dumped_can_be_read_again")

# --- Root.
if os.geteuid() == 0:
    for how in (["-f"], []):
        refused(78, f"root_without_a_user_is_refused_{''.join(how) or 'in_the_background'}",
                "set user", "-c", config.path, "--user=", *how)
    code, out, said = run("--stdin", "-c", config.path, "--user=")
    is_((code, out), (78, ""), "root_without_a_user_is_refused_on_stdin")
    ok("set user" in said, "root_without_a_user_is_refused_on_stdin_and_says_why")
    found("root_without_a_user_is_refused_by_check", "set user: handoffd started by root needs one",
          "--user=")
    for how in ("-f", "--stdin", "--check"):
        code, _, said = run("-c", config.path, how, "--user=root")
        ok(code == 78 and "must not be root" in said, f"root_as_the_user_is_refused_{how}")
        code, _, said = run("-c", config.path, how, "--user=no-such-user")
        ok(code == 78 and "no-such-user" in said, f"a_user_that_is_not_there_is_78_{how}")
    ok(not os.path.exists(config.unix.partition(":")[2]), "and_nothing_was_left_behind")

done()
