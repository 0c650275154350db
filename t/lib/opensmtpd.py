"""An OpenSMTPD with the configuration of contrib/opensmtpd: one domain by unix socket, one by
TCP."""
import re
import subprocess

from daemon import Daemon
from mta import Mta, by_class, snippet, until

SMTPD_CONF = """
listen on lo port 2525
queue ttl {ttl}
"""


class Opensmtpd(Mta):
    # If handoffd is killed while mail.lmtp writes, mail.lmtp dies of SIGPIPE, and smtpd logs
    # PermFail.
    client_died = "(exited abnormally)"
    wants_goodbye = "mail.lmtp: unexpected EOF from LMTP server"

    def __init__(self, scratch, unix=None, tcp=None, ttl="1d"):
        """unix, tcp: the domains to deliver to by that socket; without them smtpd delivers nothing to
        handoff. ttl: the lifetime in the queue."""
        # mail.lmtp turns every reply except 2xx into a temporary failure, and delivers to each
        # recipient separately.
        self.keeps_unknown = (unix, tcp)
        self.transactions = {unix: 50, tcp: 50}
        with open("/etc/smtpd.conf", "w", encoding="ascii") as file:
            file.write(SMTPD_CONF.format(ttl=ttl))
            if unix:
                file.write(snippet("opensmtpd/smtpd.conf", domain=unix)
                           + snippet("opensmtpd/smtpd.conf.tcp", domain=tcp))
            else:
                file.write('action "here" maildir\nmatch for local action "here"\n')
        self.daemon = Daemon(scratch, ["smtpd", "-d"])
        until(self.answers, "smtpd answers smtpctl")

    def answers(self):
        return self._ctl("show", "status").returncode == 0

    def inject(self, sender, recipients, octets):
        subprocess.run(["sendmail", "-i", "-f", sender, *recipients], input=octets, check=True)

    def remove(self, recipient):
        for line in self._ctl("show", "queue").stdout.splitlines():
            if f"|{recipient}|" in line:
                self._ctl("remove", line.partition("|")[0]).check_returncode()

    def flush(self):
        self._ctl("schedule", "all").check_returncode()

    def queued(self):
        return self._ctl("show", "queue").stdout.strip() != ""

    def log(self):
        return list(self.daemon.log)

    def outcomes(self, line):
        found = re.search(r"(?:mda|mta) delivery .* to=<([^>]*)> .*result=\"?(\w+)", line)
        digit = {"Ok": "2", "TempFail": "4", "PermFail": "5"}.get(found[2]) if found else None
        return [(found[1], by_class(digit))] if digit else []

    def stop(self):
        self.daemon.stop()

    def _ctl(self, *arguments):
        return subprocess.run(["smtpctl", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
