#!/usr/bin/env python3
"""Users edit their scripts through Dovecot's ManageSieve server, with scripts as Roundcube writes
them. The next delivery by handoffd obeys the new script, and handoffctl says which rule applied
(F18, F19)."""
import base64
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from dovecot import SIEVE, start_dovecot
from handoffd import Handoffd, free_port, program
from lmtp import deliver
from tap import diag, done, empty, is_, ok, skip_all

if not os.path.exists(os.path.join(os.path.dirname(program("HANDOFFCTL")), "lookups", "handoff-sieve.so")):
    skip_all("this handoff was built without Sieve")
peer.enter("managesieve")

PAT, LEE = "pat@good.test", "lee@good.test"

# As the plugin managesieve of Roundcube writes them, with its line ends.
FIRST = """require ["copy","fileinto","imap4flags","mailbox"];
# rule:[Lists and more]
if header :contains "list-id" "dev.example"
{
\tfileinto "Lists";
\tstop;
}
# rule:[Disabled]
if false # anyof (header :contains "subject" "report")
{
\tdiscard;
}
# rule:[Reports: „Zahlen“]
if anyof (header :contains "subject" "report", header :is "x-kind" "report")
{
\taddflag "\\\\Seen";
\tfileinto :copy :create "INBOX/Reports";
}
""".replace("\n", "\r\n")
SECOND = """require ["fileinto","mailbox"];
# rule:[Everything]
if true
{
\tfileinto :create "Reports.Old";
}
""".replace("\n", "\r\n")


class ManageSieve:
    """A ManageSieve client (RFC 5804)."""

    def __init__(self, port, user):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")
        self.answer()
        plain = base64.b64encode(f"\0{user}\0any".encode()).decode()
        self.command(f'AUTHENTICATE "PLAIN" "{plain}"')

    def answer(self):
        """Returns the lines up to and including OK, NO or BYE."""
        lines = []
        while True:
            line = self.file.readline().decode()
            if not line:
                raise EOFError(lines)
            lines.append(line.rstrip("\r\n"))
            if line.startswith(("OK", "NO", "BYE")):
                return lines

    def command(self, line, octets=b""):
        self.socket.sendall(line.encode() + b"\r\n" + octets + (b"\r\n" if octets else b""))
        return self.answer()

    def put(self, name, script):
        octets = script.encode()
        return self.command(f'PUTSCRIPT "{name}" {{{len(octets)}+}}', octets)[-1]

    def close(self):
        self.command("LOGOUT")
        self.socket.close()


def message(subject, *more):
    return "\r\n".join([f"Subject: {subject}", *more, "", "Hello.", ""]).encode()


def send(daemon, to, text):
    return deliver(daemon.unix, "sender@example.net", [to], text).final[to].code


def subjects(daemon, folder, address=PAT):
    path = daemon.mailbox_path(address)
    found = []
    for file in maildir.files(os.path.join(path, "." + folder) if folder else path):
        with open(file, "rb") as octets:
            found.append(octets.read().partition(b"Subject: ")[2].split()[0].decode())
    return sorted(found)


with Handoffd({"sieve.enabled": "yes"}) as daemon:
    for each in (PAT, LEE):
        daemon.mailbox(each)
    port = free_port()
    dovecot = start_dovecot(daemon, SIEVE.replace("PORT", str(port)))
    is_(send(daemon, PAT, message("before")), 250, "a_recipient_without_a_script_gets_mail")
    is_(subjects(daemon, ""), ["before"], "in_the_inbox")

    client = ManageSieve(port, PAT)
    is_(client.put("roundcube", FIRST)[:2], "OK", "managesieve_stores_a_script_of_roundcube")
    is_(send(daemon, PAT, message("report")), 250, "a_script_that_is_not_active")
    is_(subjects(daemon, ""), ["before", "report"], "does_not_run")
    is_(client.command('SETACTIVE "roundcube"')[-1][:2], "OK", "managesieve_makes_the_script_active")
    path = os.path.join(daemon.mailbox_path(PAT), ".dovecot.sieve")
    ok(os.path.islink(path), "which_is_a_symbolic_link")
    is_(send(daemon, PAT, message("report")), 250, "from_then_on_the_script_runs_F18")
    is_(subjects(daemon, "Reports"), ["report"], "and_files_the_message_below_the_inbox")
    is_(subjects(daemon, ""), ["before", "report", "report"], "with_a_copy_in_the_inbox")
    ok(any(name.endswith("S") for name in maildir.files(os.path.join(daemon.mailbox_path(PAT), ".Reports"))),
       "with_the_flag_that_the_rule_adds")
    is_(send(daemon, PAT, message("other", "List-Id: <dev.example>")), 250, "another_rule_applies")
    line = daemon.wait_for(r"delivered .*rule=\"Lists and more\"")
    ok("line=4" in line or "line=5" in line, "the_log_names_the_rule_and_its_line_F19")
    identity = line.partition(" id=")[2].split()[0]
    told = subprocess.run([program("HANDOFFCTL"), "sieve", "why", identity], input="\n".join(daemon.log),
                          stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    if not ok(told.returncode == 0 and 'rule "Lists and more"' in told.stdout,
              "handoffctl_sieve_why_names_the_rule_F19"):
        diag(told.stdout)
    empty([line for line in daemon.log if "script has an error" in line],
          "no_script_of_roundcube_is_an_error")

    # The script is edited while handoffd has the compiled form of the first one.
    is_(client.put("second", SECOND)[:2], "OK", "a_second_script_is_stored")
    is_(client.command('SETACTIVE "second"')[-1][:2], "OK", "and_made_active")
    is_(send(daemon, PAT, message("third")), 250, "the_next_delivery")
    is_(subjects(daemon, "Reports.Old"), ["third"], "obeys_the_new_script_F18")
    is_(client.put("second", SECOND.replace("Reports.Old", "Reports.New"))[:2], "OK",
        "the_active_script_is_overwritten")
    is_(send(daemon, PAT, message("fourth")), 250, "the_delivery_after_that")
    is_((subjects(daemon, "Reports.Old"), subjects(daemon, "Reports.New")), (["third"], ["fourth"]),
        "obeys_the_new_text_F18")
    is_(client.command('SETACTIVE ""')[-1][:2], "OK", "no_script_is_active")
    is_(send(daemon, PAT, message("fifth")), 250, "and_mail_is_accepted")
    ok("fifth" in subjects(daemon, ""), "and_kept")
    is_(client.put("bad", "nonsense;\r\n")[:2], "NO", "managesieve_refuses_a_broken_script")
    client.close()

    # Another user, at the same server.
    client = ManageSieve(port, LEE)
    is_(client.put("roundcube", SECOND)[:2], "OK", "another_user_stores_a_script")
    is_(client.command('SETACTIVE "roundcube"')[-1][:2], "OK", "and_makes_it_active")
    is_(send(daemon, LEE, message("sixth")), 250, "which_runs_for_that_user")
    is_((subjects(daemon, "Reports.Old", LEE), "sixth" in subjects(daemon, "")), (["sixth"], False),
        "and_for_nobody_else")
    client.close()
    dovecot.stop()

done()
