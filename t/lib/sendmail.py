"""A Sendmail with the mailers of contrib/sendmail: one domain by handoffd --stdin, one by
socket."""
import os
import re
import shutil
import socket
import subprocess

from handoffd import program
from lmtp import Lmtp
from mta import TOP, Mta, by_class
from syslogd import Syslog

SENDMAIL = "/usr/libexec/sendmail/sendmail"
CF = "/usr/share/sendmail/cf"

SENDMAIL_MC = """
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `sendmail.test')dnl
define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`HANDOFF_PATH', `{program}')dnl
define(`HANDOFF_STDIN_ARGS', `handoffd --stdin -c {configuration}')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`mailertable')dnl
FEATURE(`handoff')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""
MAILERTABLE = """
{stdin}\thandoff-stdin:{stdin}
{unix}\thandoff:{unix}
"""


def prepare():
    """Does what the scripts of its package would have done."""
    with open("/etc/mail/service.switch", "w", encoding="ascii") as file:
        file.write("hosts\tfiles\naliases\tfiles\n")
    # If this machine has no qualified name, sendmail waits a minute.
    name = socket.gethostname().partition(".")[0]
    with open("/etc/hosts", "w", encoding="ascii") as file:
        file.write(f"127.0.0.1 localhost\n127.0.1.1 {name}.test {name}\n")


class Sendmail(Mta):
    def __init__(self, configuration, stdin, unix):
        """configuration: path of the file for `handoffd --stdin`."""
        self.bare_octets = (stdin, unix)
        self.syslog = Syslog()
        shutil.copy(os.path.join(TOP, "contrib/sendmail/handoff.m4"), f"{CF}/feature/")
        prepare()
        source = SENDMAIL_MC.format(program=program("HANDOFFD"), configuration=configuration)
        made = subprocess.run(["m4", f"-D_CF_DIR_={CF}/", f"{CF}/m4/cf.m4", "-"], input=source,
                              stdout=subprocess.PIPE, text=True, check=True)
        with open("/etc/mail/sendmail.cf", "w", encoding="ascii") as file:
            file.write(made.stdout)
        subprocess.run(["/usr/libexec/sendmail/makemap", "hash", "/etc/mail/mailertable"],
                       input=MAILERTABLE.format(stdin=stdin, unix=unix), text=True, check=True)

    def inject(self, sender, recipients, octets, background=True):
        """Returns its output."""
        run = subprocess.run([SENDMAIL, "-Am", "-i", "-odb" if background else "-odi",
                              "-B8BITMIME", "-f", sender, *recipients], input=octets,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                             check=False)
        return run.stdout.decode("utf-8", "replace")

    def smtp(self):
        """Returns an SMTP client that talks to it through a pipe."""
        ours, its = socket.socketpair()
        with its:
            subprocess.Popen([SENDMAIL, "-Am", "-bs"], stdin=its, stdout=its)
        return Lmtp(ours)

    def flush(self):
        subprocess.run([SENDMAIL, "-Am", "-q"], check=True, timeout=120)

    def queue(self):
        return subprocess.run([SENDMAIL, "-Am", "-bp"], stdout=subprocess.PIPE, text=True,
                              check=False).stdout

    def queued(self):
        return "is empty" not in self.queue()

    def log(self):
        return list(self.syslog.lines)

    def outcomes(self, line):
        # Sendmail writes non-ASCII octets as \\303\\274.
        line = re.sub(rb"\\(\d{3})", lambda each: bytes([int(each[1], 8)]), line.encode()).decode()
        found = re.search(r": to=(.*?), .*mailer=handoff.*dsn=([245])\.", line)
        return [(each.strip("<>"), by_class(found[2])) for each in found[1].split(",")] \
            if found else []
