"""A Postfix with the configuration of contrib/postfix: one domain by unix socket, one by TCP."""
import re
import subprocess

from daemon import Daemon
from mta import Mta, snippet

MAIN_CF = """
compatibility_level = 3.6
myhostname = postfix.test
mydestination =
inet_interfaces = loopback-only
maillog_file = /dev/stdout
default_transport = error:no mail leaves here
relay_transport = error:no mail leaves here
# Keep lines that are longer than RFC 5321 4.5.3.1.6 allows, so that content can be compared.
lmtp_line_length_limit = 0
# Queue ids that are unique in the whole log.
enable_long_queue_ids = yes
in_flow_delay = 0
"""

MASTER_CF = """
127.0.0.1:25 inet n -  n  -     -  smtpd
pickup    unix  n  -  n  60    1  pickup
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
verify    unix  -  -  n  -     1  verify
flush     unix  n  -  n  1000? 0  flush
proxymap  unix  -  -  n  -     -  proxymap
showq     unix  n  -  n  -     -  showq
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
scache    unix  -  -  n  -     1  scache
lmtp      unix  -  -  n  -     -  lmtp
postlog   unix-dgram n -  n  -  1  postlogd
"""


def unix_and_tcp(unix, tcp):
    """Returns the lines of contrib for one domain by unix socket and one by TCP, as one main.cf."""
    own = snippet("postfix/main.cf", domain=f"{unix}, {tcp}")
    other = snippet("postfix/main.cf.tcp", domain=tcp)
    transport = re.search(r"^virtual_transport = (\S+)$", other, re.M)[1]
    rest = re.sub(r"^virtual_.*\n", "", other, flags=re.M)
    return f"{own}transport_maps = inline:{{ {{ {tcp} = {transport} }} }}\n{rest}"


class Postfix(Mta):
    def __init__(self, scratch, main_cf, lmtp_arguments=""):
        """main_cf: lines to add to those that isolate it. lmtp_arguments: those of its lmtp client,
        in master.cf."""
        master_cf = MASTER_CF.replace("-  lmtp\n", f"-  lmtp {lmtp_arguments}\n")
        for name, text in (("main.cf", MAIN_CF + main_cf), ("master.cf", master_cf)):
            with open(f"/etc/postfix/{name}", "w", encoding="ascii") as file:
                file.write(text)
        self.daemon = Daemon(scratch, ["postfix", "start-fg"])
        self.daemon.wait_for("daemon started")

    def sends_utf8(self, domain):
        return True

    def inject(self, sender, recipients, octets):
        subprocess.run(["sendmail", "-i", "-B", "8BITMIME", "-f", sender, *recipients],
                       input=octets, check=True)

    def flush(self):
        subprocess.run(["postqueue", "-f"], check=True)

    def queued(self):
        said = subprocess.run(["postqueue", "-p"], stdout=subprocess.PIPE, text=True, check=True)
        return said.stdout.strip() != "Mail queue is empty"

    def log(self):
        return list(self.daemon.log)

    def outcomes(self, line):
        found = re.search(r" to=<([^>]*)>.* status=(sent|deferred|bounced)", line)
        return [(found[1], found[2])] if found else []

    def warnings(self):
        # On a busy machine the time of a file may be in the next second.
        return [line for line in self.log() if re.search(r"(warning|error|fatal|panic):", line)
                and not re.search(r"file system clock is|resetting file time stamps", line)]

    def stop(self):
        # Postfix's master leads a session of its own, and stops its children only after this
        # command.
        subprocess.run(["postfix", "stop"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.daemon.wait()
