#!/usr/bin/env python3
"""The command line: --check, --dump, and exit codes of sysexits.h."""
import os
import pwd
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
from handoffd import Configuration, program
from tap import bail_out, done, is_, ok

config = Configuration()


def run(*arguments):
    ended = subprocess.run([program("HANDOFFD"), *arguments], check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=20)
    return ended.returncode, ended.stdout, ended.stderr


def refused(code, sentence, says, *arguments):
    """Tests that handoffd exits with this code, prints nothing on standard output, and prints these
    words on standard error."""
    got, out, said = run(*arguments)
    is_((got, out), (code, ""), sentence)
    ok(says in said and said.startswith("handoffd: ") and said.count("\n") == 1,
       f"{sentence}_and_says_why")


code, out, said = run("--version")
ok((code, said) == (0, "") and out.startswith("handoff "), "version_exits_with_0")
code, out, said = run("--help")
ok((code, said) == (0, "") and "--spool.path" in out, "help_names_the_settings")

# --- Errors of the command line exit with 64.
refused(64, "an_unknown_option_exits_with_64", "no-such", "--no-such")
refused(64, "an_argument_that_is_not_an_option_exits_with_64", "extra", "-c", config.path, "extra")
refused(64, "an_option_without_its_value_exits_with_64", "--help", "-c")
refused(64, "two_actions_at_once_exit_with_64", "--check", "--check", "--dump", "-c", config.path)

# --- Errors of the configuration exit with 78.
refused(78, "a_missing_file_exits_with_78", "/none.conf", "-c", config.scratch.path + "/none.conf", "-f")
wrong = config.scratch.file("wrong.conf", "# one\nspool.newline = unix\n")
refused(78, "a_wrong_value_exits_with_78", f"{wrong}:2: spool.newline = unix: must be lf or crlf",
        "-c", wrong, "-f")
unknown = config.scratch.file("unknown.conf", "spool.pth = /x\n")
for how in (["-f"], ["--check"], ["--dump"], ["--stdin"], []):
    refused(78, f"an_unknown_setting_is_78_{''.join(how) or 'in_the_background'}", "spool.path",
            "-c", unknown, *how)
refused(78, "port_25_is_refused_L8", "port 25", "-c", config.path, "-f", "--listen",
        "tcp:127.0.0.1:25")
refused(78, "port_25_is_refused_by_check_L8", "port 25", "-c", config.path, "--check", "--listen",
        "tcp:[::]:25")

# --- --dump
secret = config.scratch.file(
    "secret.conf", "recipients.lookup = postgresql:dbname=m password=hunter2?SELECT 1 WHERE %u\n")
code, out, said = run("--dump", "-c", secret)
is_((code, said, "hunter2" in out, "password=***" in out), (0, "", False, True),
    "a_dump_hides_passwords")
ok("hunter2" in run("--dump", "--secrets", "-c", secret)[1], "a_dump_shows_passwords_if_requested")
is_(run("--dump", "--changed", "-c", secret)[1],
    "recipients.lookup = postgresql:dbname=m password=***?SELECT 1 WHERE %u\n",
    "a_dump_of_changes_contains_only_changed_settings")
refused(64, "the_option_secrets_requires_dump", "--dump", "--secrets", "-c", config.path)
wrong = config.scratch.file("group.conf", "# one\ngroup = postfx\nuser = root\n")
code, out, said = run("--check", "-c", wrong)
ok(code == 78 and "no such group: postfx" in said and "No such file" not in said,
   "an_unknown_group_is_named_and_no_errno_follows")
is_(run("--check", "-c", secret)[2].rstrip().split("\n")[-1].split(":")[0], "handoffd",
    "the_error_that_ends_a_check_is_printed_last")
for mode, warned in ((0o644, True), (0o640, False)):
    os.chmod(secret, mode)
    said = run("--check", "-c", secret)[2]
    is_((f"{secret} contains the password of a lookup, and everybody can read it" in said,
         f"fix: chmod o-r {secret}" in said), (warned, warned),
        f"a_check_warns_if_anybody_can_read_a_password_{mode:o}")

# --- --check
maildir.create(os.path.join(config.spool, "good.test", "pat"), config.owner)
code, out, said = run("--check", "-c", config.path)
is_((code, said), (0, ""), "check_exits_with_0_if_there_is_no_problem")
ok(config.spool in out, "check_names_the_spool")
is_(config.staged(), [], "check_leaves_nothing_in_the_spool")


def found(sentence, says, *arguments, code=78):
    """Tests that --check finds only this."""
    got, _, said = run("--check", "-c", config.path, *arguments)
    is_(got, code, sentence)
    ok(says in said and "fix: " in said, f"{sentence}_and_says_how_to_fix_it")


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
    # Like private/ of Postfix: only its owner can enter.
    os.chown(folder, pwd.getpwnam("daemon").pw_uid, 0)
    inside = ("--listen", f"unix:{folder}/lmtp.sock", "--socket.mode", "0660")
    is_(run("--check", "-c", config.path, *inside, "--socket.group", "daemon")[::2], (0, ""),
        "the_user_with_the_name_of_the_group_counts_as_a_client")
    is_(run("--check", "-c", config.path, *inside, "--socket.owner", "daemon")[::2], (0, ""),
        "the_owner_of_the_socket_counts_as_a_client")
    found("check_finds_that_another_group_cannot_connect", f"cannot enter {folder}", *inside, "--socket.group", "bin")
    # A user who cannot enter the directory still gets its attributes from outside.
    os.chown(folder, 0, 0)
    got = subprocess.run([program("HANDOFFD"), "--check", "-c", config.path, *inside[:2]],
                         user=config.owner[0], group=config.owner[1], extra_groups=[], check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
    is_(got.returncode, 78, "check_by_a_user_other_than_root_finds_a_socket_out_of_reach")
    ok(f"cannot enter {folder}" in got.stderr, "check_by_a_user_other_than_root_names_the_folder")
found("check_notes_a_host_name_without_a_domain", "hostname: mail is not fully qualified",
      "--hostname", "mail", code=0)
found("check_notes_a_socket_without_clients", "only root and the owner can connect",
      "--socket.mode", "0660", code=0)
missing = config.scratch.path + "/none"
found("check_finds_a_missing_spool", "No such file or directory\n         fix: install -d -m 700 -o ",
      "--spool.path", missing)
os.mkdir(missing)
if config.owner:
    found("check_finds_a_spool_that_belongs_to_another_user", f"fix: chown {config.settings['user']} {missing}",
          "--spool.path", missing)
staging = os.path.join(config.spool, ".handoff", "staging")
os.chmod(staging, 0o500)
found("check_finds_a_spool_that_cannot_be_written_to",
      "Permission denied\n         fix: let user write to spool.path")
os.chmod(staging, 0o700)
is_(run("--check", "-c", config.path)[::2], (0, ""), "check_exits_with_0_when_everything_is_fixed")

# --- Without a configuration: the message says what to write.
code, out, said = run("--help")
default = re.search(r"instead of (/\S+/handoffd\.conf)", out)[1]
if os.path.exists(default):
    bail_out(f"{default} exists, so the behaviour without it cannot be tested")
code, out, said = run()
is_((code, out), (78, ""), "handoffd_without_a_configuration_exits_with_78")
ok(f"{default}: no such file" in said, "handoffd_says_which_configuration_file_it_looked_for")
lines = re.findall(r"^    (\S+ = .*)$", said, re.M)
is_([line.split()[0] for line in lines], ["listen", "user", "spool.path"],
    "handoffd_suggests_lines_for_the_configuration_file")
advised = config.scratch.file("advised.conf", "\n".join(
    [*lines, ""]).replace("USER", config.settings.get("user", "nobody")))
code, out, said = run("--dump", "-c", advised)
is_((code, said), (0, ""), "the_suggested_lines_are_a_valid_configuration")

# --- --dump
code, out, said = run("--dump", "-c", config.path, "--session.max-errors", "7")
is_((code, said), (0, ""), "dump_exits_with_0")
for line in (f"spool.path = {config.spool}", "session.max-errors = 7", "spool.newline = lf"):
    ok(line in out.splitlines(), f"dump_says_{line.split()[0]}")
dumped = config.scratch.file("dumped.conf", out)
is_(run("--dump", "-c", dumped)[1], out, "a_dump_can_be_read_again")

# --- Root.
if os.geteuid() == 0:
    for how in (["-f"], []):
        refused(78, f"root_without_a_user_is_refused_{''.join(how) or 'in_the_background'}",
                "set user", "-c", config.path, "--user=", *how)
    code, out, said = run("--stdin", "-c", config.path, "--user=")
    is_((code, out), (78, ""), "root_without_a_user_is_refused_on_stdin")
    ok("set user" in said, "root_without_a_user_is_refused_on_stdin_and_says_why")
    found("root_without_a_user_is_refused_by_check", "set user to an unprivileged account",
          "--user=")
    for how in ("-f", "--stdin", "--check"):
        code, _, said = run("-c", config.path, how, "--user=root")
        ok(code == 78 and "must not be root" in said, f"root_as_the_user_is_refused_{how}")
        code, _, said = run("-c", config.path, how, "--user=no-such-user")
        ok(code == 78 and "no-such-user" in said, f"an_unknown_user_exits_with_78_{how}")
    ok(not os.path.exists(config.unix.partition(":")[2]), "a_refused_user_leaves_no_socket_behind")

done()
