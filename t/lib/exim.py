"""An Exim with the configuration of contrib/exim: one domain by unix socket, one by TCP."""
import os
import re
import subprocess

from lmtp import stuffed
from mta import BOUNCED, DEFERRED, SENT, Mta, snippet
from tap import diag

EXIM = "/usr/sbin/exim4"
LOG = "/var/log/exim4/mainlog"
EXIM_CONF = """
primary_hostname = exim.test
log_file_path = /var/log/exim4/%slog
trusted_users = root
queue_run_max = 1
acl_smtp_rcpt = accept
begin routers
{routers}
begin transports
{transports}
begin retry
* * F,1h,1m
"""


def stuffed_session(sender, recipients, octets):
    """Returns the SMTP commands of a client that sends the message."""
    lines = ["EHLO localhost", f"MAIL FROM:<{sender}> SMTPUTF8 BODY=8BITMIME",
             *[f"RCPT TO:<{each}>" for each in recipients], "DATA"]
    return ("\r\n".join(lines) + "\r\n").encode() + stuffed(octets) + b"QUIT\r\n"


class Exim(Mta):
    def __init__(self, unix, tcp):
        self.tcp = tcp
        self.bare_octets = (unix,)
        routers = (snippet("exim/router-unix", domain=unix) + snippet("exim/router-tcp", domain=tcp))
        transports = snippet("exim/transport-unix") + snippet("exim/transport-tcp")
        with open("/etc/exim4/exim4.conf", "w", encoding="ascii") as file:
            file.write(EXIM_CONF.format(routers=routers, transports=transports))

    def sends_utf8(self, domain):
        # The lmtp transport does not support SMTPUTF8.
        return domain == self.tcp

    def inject(self, sender, recipients, octets, background=True):
        how = [EXIM, "-odb" if background else "-odi"]
        if all(each.isascii() for each in recipients):
            how += ["-i", "-f", sender, *recipients]
        else:
            # Exim treats an address on the command line as octets.
            how.append("-bs")
            octets = stuffed_session(sender, recipients, octets)
        run = subprocess.run(how, input=octets, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=60, check=False)
        for line in run.stdout.decode("utf-8", "replace").splitlines()[:3]:
            diag(line)

    def flush(self):
        subprocess.run([EXIM, "-qff"], check=True, timeout=120)

    def queued(self):
        said = subprocess.run([EXIM, "-bpc"], stdout=subprocess.PIPE, text=True, check=True)
        return int(said.stdout) != 0

    def log(self):
        if not os.path.exists(LOG):
            return []
        with open(LOG, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    def outcomes(self, line):
        found = re.search(r" (=>|->|\*\*|==) (\S+)(?: <(\S+)>)? ", line)
        if not found:
            return []
        outcome = {"**": BOUNCED, "==": DEFERRED}.get(found[1], SENT)
        return [((found[3] or found[2]).rstrip(":"), outcome)]
