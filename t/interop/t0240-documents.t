#!/usr/bin/env python3
"""What README and doc/ tell an administrator to type works, where the software they speak of is.

With an argument, inside a peer's root: follows that peer's documents."""
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


def door_is_shut(port=25):
    """A session of SMTP: the unknown recipient is refused while the client is there, the known one
    is not, and has nothing of it."""
    before = maildir.files(BOX)
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=60) as client:
        client.ehlo()
        client.mail("sender@example.org")
        code, said = client.rcpt("unknown@example.org")
        is_(code, 550, "an_unknown_recipient_is_refused_while_the_client_is_there")
        diag(said.decode("utf-8", "replace"))
        is_(client.rcpt(PAT)[0], 250, "and_a_known_one_is_not")
    is_(maildir.files(BOX), before, "and_has_no_message_of_being_asked_for")


class Site:
    """A machine with one queue manager: its documents, and what they find there."""
    documents = ()
    guide = None        # which says who may connect

    def __init__(self):
        self.hooks = {"Who may connect": self.who_may_connect}

    def who_may_connect(self):
        documents.follow(self.guide, section="Who may connect")

    def start(self):
        """Called when handoff runs."""

    def read(self):
        documents.follow("README.md", self.hooks)
        self.start()
        for each in self.documents:
            documents.follow(f"doc/{each}", self.hooks, without=("Who may connect", "In Sendmail"))


class PostfixSite(Site):
    guide = "doc/postfix.md"
    # The guide moves the socket.
    documents = ("operations.md", "troubleshooting.md", "postfix.md",
                 "migrating-from-procmail-or-mail.local.md")

    def __init__(self):
        super().__init__()
        self.hooks.update({
            "lmtp is chrooted": self.chroot,
            "the door is shut to unknown recipients": door_is_shut,
            "pat has an mbox": self.mbox,
            "pat has both messages of it": self.both,
        })

    def start(self):
        from postfix import Postfix
        self.postfix = Postfix(Scratch(), "")
        # As Debian has them.
        self.chroot()
        subprocess.run(["postconf", "-M", "smtp/inet=smtp inet n - n - - smtpd"], check=True)
        subprocess.run(["postfix", "reload"], check=True)

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
acl_smtp_rcpt = acl_check_rcpt
"""

    def __init__(self):
        super().__init__()
        self.sections = {"acl": "acl_check_rcpt:\n  accept\n", "retry": "* * F,1h,1m\n"}
        self.hooks.update({"Exim's configuration": self.configure,
                           "the door is shut to unknown recipients": self.door})

    def start(self):
        os.symlink("/usr/sbin/exim4", "/usr/local/sbin/exim4")
        os.symlink("/usr/sbin/exim4", "/usr/local/sbin/exim")

    def configure(self, block):
        """Its sections are the configuration's; others stay."""
        for section in re.split(r"^begin ", block, flags=re.M)[1:]:
            name, _, lines = section.partition("\n")
            self.sections[name] = lines
        with open("/etc/exim4/exim4.conf", "w", encoding="ascii") as file:
            file.write(self.main + "".join(f"begin {name}\n{lines}\n"
                                           for name, lines in self.sections.items()))

    def door(self):
        daemon = Daemon(Scratch(), ["exim4", "-bdf", "-oX", "127.0.0.1.25"])
        until(lambda: _answers(25), "Exim listens")
        door_is_shut()
        daemon.stop()


class SendmailSite(Site):
    guide = "doc/sendmail.md"
    documents = ("sendmail.md",)
    # However busy this machine is, mail is tried at once.
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
        """A machine with an account pat, whose mail goes the way of that line."""
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
    """Comes from Dovecot's LMTP, and its IMAP stays."""
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

    def who_may_connect(self):
        """Nobody but root: here is no queue manager."""

    def start(self):
        subprocess.run(["handoffctl", "stop"], check=True)  # mailboxes that are another's
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
    # As one list for prove, what each root says in its turn.
    for name in SITES:
        peer.require(name)
    told = {each for site in SITES.values() for each in site.documents}
    # What the benchmark writes has nothing to type.
    there = {each for each in os.listdir(os.path.join(documents.TOP, "doc"))
             if not re.fullmatch(r"performance(-\w+)?\.(md|svg)", each)}
    is_(sorted(told), sorted(there),
        "each_document_is_followed")
    empty(documents.unrun(), "nothing_to_type_is_run_by_no_test")
    for name in SITES:
        run = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True,
                             check=False, timeout=600)
        lines = run.stdout.splitlines()
        for line in lines:
            if line.startswith(("ok ", "not ok ")):
                ok(line.startswith("ok "), line.partition(" - ")[2])
        ok(run.returncode == 0 and lines[-1].startswith("1.."), f"{name}_got_to_its_end")
    done()

name = sys.argv[1]
peer.enter(name)
syslog = documents.install()
SITES[name]().read()
if len(sys.argv) > 2:
    diag("\n".join(syslog.lines))
done()
