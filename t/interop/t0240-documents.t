#!/usr/bin/env python3
"""Every command in README and doc/ works on a system with the software that the document names.

With an argument, inside a peer's root: follows the documents about that peer."""
import os
import re
import smtplib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import documents
import maildir
import peer
from daemon import Daemon
from mta import until
from scratch import Scratch
from tap import diag, done, empty, is_, ok

PAT = "pat@example.org"
BOX = documents.box_of(PAT)


def refuses_unknown_recipients(port=25, stranger=None):
    """Tests that during an SMTP session the unknown recipient is refused and the known one
    accepted, and that a client of the site can still send to other domains. stranger: an XCLIENT
    command that simulates a client from the Internet; without it all clients are treated alike."""
    before = maildir.files(BOX)
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=60) as client:
        client.ehlo()
        client.mail("pat@example.org")
        is_(client.rcpt("someone@elsewhere.test")[0], 250,
            "a_client_of_the_site_can_send_to_other_domains")
        client.rset()
        if stranger:
            client.docmd(stranger)
            client.ehlo()
        client.mail("sender@example.org")
        code, said = client.rcpt("unknown@example.org")
        is_(code, 550, "an_unknown_recipient_is_refused_during_the_session")
        diag(said.decode("utf-8", "replace"))
        is_(client.rcpt(PAT)[0], 250, "a_known_recipient_is_accepted")
        if stranger:
            ok(client.rcpt("someone@elsewhere.test")[0] >= 450, "a_stranger_cannot_relay")
    is_(maildir.files(BOX), before, "the_probe_delivered_nothing")


class Site:
    """A machine with one queue manager, and the documents about it."""
    documents = ()
    guide = None        # the document that says who may connect
    # These parts of README are about Postfix.
    without = ("Connect Postfix",)

    def __init__(self):
        self.hooks = {"Who may connect": self.who_may_connect,
                      "Postfix is connected": lambda: None}

    def who_may_connect(self):
        """Replaces README's line for Postfix with the line of the guide."""
        with open("/etc/handoffd.conf", encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("socket.")]
        with open("/etc/handoffd.conf", "w", encoding="utf-8") as file:
            file.writelines(lines)
        if self.guide:
            documents.follow(self.guide, section="Who may connect")

    def start(self):
        """Starts the queue manager. handoff runs already."""

    def read(self):
        documents.follow("README.md", self.hooks, without=(*self.without, "Check that it works"))
        self.start()
        self.check()
        for each in self.documents:
            documents.follow(f"doc/{each}", self.hooks, without=("Who may connect", "In Sendmail"))

    def check(self):
        """Follows README's section about checking as far as it applies."""


class PostfixSite(Site):
    guide = "doc/postfix.md"
    # postfix.md moves the socket, so it comes late.
    documents = ("operations.md", "scaling.md", "troubleshooting.md", "faq.md", "postfix.md",
                 "migrating-from-procmail-or-mail.local.md")

    def __init__(self):
        super().__init__()
        self.hooks.update({
            "lmtp is chrooted": self.chroot,
            "Postfix refuses unknown recipients":
                lambda: refuses_unknown_recipients(stranger="XCLIENT ADDR=192.0.2.7 NAME=[UNAVAILABLE]"),
            "pat has an mbox": self.mbox,
            "pat has both messages of it": self.both,
        })

    def start(self):
        from postfix import Postfix
        self.postfix = Postfix(Scratch(), "")
        # As on Debian.
        self.chroot()
        # No message is sent: the test only checks whether Postfix would accept one.
        subprocess.run(["postconf", "-e", "smtpd_authorized_xclient_hosts = 127.0.0.1",
                        "default_transport = smtp"], check=True)
        subprocess.run(["postconf", "-M", "smtp/inet=smtp inet n - n - - smtpd"], check=True)
        subprocess.run(["postfix", "reload"], check=True)

    def check(self):
        documents.follow("README.md", self.hooks, section="Connect Postfix")
        documents.follow("README.md", self.hooks, section="Check that it works")

    def chroot(self):
        subprocess.run(["postconf", "-F", "lmtp/unix/chroot = y"], check=True)

    def mbox(self):
        os.makedirs("/var/mail", exist_ok=True)
        with open("/var/mail/pat", "w", encoding="ascii") as file:
            for number in (1, 2):
                file.write("From sender@example.net Thu Jan  1 00:00:00 2026\n"
                           f"Subject: old {number}\nMessage-ID: <{number}@example.net>\n\nhello\n\n")

    def both(self):
        subjects = re.findall(rb"^Subject: (old \d)", b"".join(maildir.messages(BOX)), re.M)
        is_(sorted(subjects), [b"old 1", b"old 2"], "each_message_of_an_mbox_is_in_the_maildir")


class EximSite(Site):
    guide = "doc/exim.md"
    documents = ("exim.md",)
    main = """
primary_hostname = exim.test
log_file_path = /var/log/exim4/%slog
trusted_users = root
hostlist relay_from_hosts = 127.0.0.1
acl_smtp_rcpt = acl_check_rcpt
"""

    def __init__(self):
        super().__init__()
        self.sections = {"acl": "acl_check_rcpt:\n  accept\n", "retry": "* * F,1h,1m\n"}
        self.hooks.update({"Exim's configuration": self.configure,
                           "Exim refuses unknown recipients": self.door})

    def start(self):
        os.symlink("/usr/sbin/exim4", "/usr/local/sbin/exim4")
        os.symlink("/usr/sbin/exim4", "/usr/local/sbin/exim")

    def configure(self, block):
        """Replaces the sections that the block contains."""
        for section in re.split(r"^begin ", block, flags=re.M)[1:]:
            name, _, lines = section.partition("\n")
            self.sections[name] = lines
        with open("/etc/exim4/exim4.conf", "w", encoding="ascii") as file:
            file.write(self.main + "".join(f"begin {name}\n{lines}\n"
                                           for name, lines in self.sections.items()))

    def door(self):
        daemon = Daemon(Scratch(), ["exim4", "-bdf", "-oX", "127.0.0.1.25"])
        until(lambda: _answers(25), "Exim listens")
        refuses_unknown_recipients()
        daemon.stop()


class SendmailSite(Site):
    guide = "doc/sendmail.md"
    documents = ("sendmail.md",)
    # Deliver at once, whatever the load of this machine.
    patience = "define(`confQUEUE_LA', `1000')dnl\n"

    def __init__(self):
        super().__init__()
        self.hooks["sendmail.mc"] = self.local

    def start(self):
        from sendmail import SENDMAIL, prepare
        prepare()
        os.environ["PATH"] = f"{os.path.dirname(SENDMAIL)}:{os.environ['PATH']}"

    def read(self):
        super().read()
        documents.follow("doc/migrating-from-procmail-or-mail.local.md", self.hooks,
                         section="In Sendmail")

    def local(self, block):
        """Configures Sendmail with the line of the guide, for mail to the account pat."""
        from sendmail import CF
        subprocess.run(["useradd", "pat"], check=True)
        source = f"OSTYPE(`linux')dnl\n{self.patience}{block}MAILER(`local')dnl\nMAILER(`smtp')dnl\n"
        made = subprocess.run(["m4", f"-D_CF_DIR_={CF}/", f"{CF}/m4/cf.m4", "-"], input=source,
                              stdout=subprocess.PIPE, text=True, check=True)
        for path, text in (("sendmail.cf", made.stdout), ("aliases", "")):
            with open(f"/etc/mail/{path}", "w", encoding="ascii") as file:
                file.write(text)
        subprocess.run(["sendmail", "-bi"], check=True, stdout=subprocess.DEVNULL)


class OpensmtpdSite(Site):
    guide = "doc/opensmtpd.md"
    documents = ("opensmtpd.md",)

    def __init__(self):
        super().__init__()
        self.hooks["smtpd is restarted"] = self.restart

    def start(self):
        from opensmtpd import Opensmtpd
        self.smtpd = Opensmtpd(Scratch())

    def restart(self):
        self.smtpd.stop()
        self.smtpd.daemon.start()
        until(self.smtpd.answers, "smtpd answers smtpctl")


class DovecotSite(Site):
    """A site that migrates from Dovecot's LMTP server and keeps its IMAP server."""
    documents = ("migrating-from-dovecot-lmtp.md",)
    conf = """
log_path = /dev/stderr
ssl = no
mail_uid = vmail
mail_gid = vmail
mail_location = maildir:/srv/vmail/%d/%n
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/srv/vmail/%d/%n
}
"""

    def start(self):
        subprocess.run(["handoffctl", "stop"], check=True)  # the guide uses another user and spool
        subprocess.run(["useradd", "--system", "vmail"], check=True)
        with open("/etc/dovecot/dovecot.conf", "w", encoding="ascii") as file:
            file.write(self.conf)
        self.dovecot = Daemon(Scratch(), ["dovecot", "-F"], ready="starting up")


SITES = {"postfix": PostfixSite, "exim4": EximSite, "sendmail": SendmailSite,
         "opensmtpd": OpensmtpdSite, "dovecot": DovecotSite}


def _answers(port):
    try:
        smtplib.SMTP("127.0.0.1", port, timeout=10).quit()
        return True
    except OSError:
        return False


if len(sys.argv) == 1:
    # prove sees one list with the results from each root.
    for name in SITES:
        peer.require(name)
    told = {each for site in SITES.values() for each in site.documents}
    # The pages that the benchmark writes contain no commands.
    there = {each for each in os.listdir(os.path.join(documents.TOP, "doc"))
             if each.endswith(".md") and not re.fullmatch(r"performance(-\w+)?\.md|requirements\.md", each)}
    is_(sorted(told), sorted(there),
        "this_test_follows_every_guide")
    empty(documents.unrun(), "every_command_of_the_guides_is_run_by_a_test")
    ok(re.search(r"^127.*--stdin$", documents.text_of("contrib/inetd/inetd.conf"), re.M)[0]
       in documents.text_of("man/handoffd.8"), "the_manual_has_the_line_of_contrib_for_inetd")
    for name in SITES:
        run = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True,
                             check=False, timeout=600)
        lines = run.stdout.splitlines()
        for line in lines:
            if line.startswith(("ok ", "not ok ")):
                ok(line.startswith("ok "), line.partition(" - ")[2])
        ok(run.returncode == 0 and lines[-1].startswith("1.."), f"all_documents_for_{name}_were_followed")
    done()

name = sys.argv[1]
peer.enter(name)
syslog = documents.install()
SITES[name]().read()
if len(sys.argv) > 2:
    diag("\n".join(syslog.lines))
done()
