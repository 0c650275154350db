#!/usr/bin/env python3
"""recipients.lookup = passwd, where the users of the system are in a directory: SSSD and slapd."""
import os
import pwd
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import peer
from control import until
from handoffd import Handoffd
from lmtp import deliver
from lookups import rcpt, wait_for
from scratch import Scratch
from slapd import start_slapd
from tap import done, is_, ok

peer.enter("sssd")

LDIF = """dn: dc=example,dc=org
objectClass: domain
dc: example

dn: uid=handoffpat,dc=example,dc=org
objectClass: account
objectClass: posixAccount
uid: handoffpat
cn: Pat
uidNumber: 62001
gidNumber: 62001
homeDirectory: {home}
"""
SSSD = """
[sssd]
services = nss
domains = example

[domain/example]
id_provider = ldap
ldap_uri = {url}
ldap_search_base = dc=example,dc=org
entry_cache_timeout = 1
offline_timeout = 1

[nss]
memcache_timeout = 0
entry_negative_timeout = 0
"""
MESSAGE = b"Subject: x\r\n\r\nx\r\n"
PAT, KIM = "handoffpat@example.org", "handoffkim@example.org"


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


def known(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


scratch = Scratch()
home = os.path.join(scratch.path, "pat")
os.mkdir(home, 0o700)
os.chown(home, 62001, 62001)
directory = start_slapd(scratch, LDIF.format(home=home))
write("/etc/nsswitch.conf", "passwd: files sss\ngroup: files sss\n")
write("/etc/sssd/sssd.conf", SSSD.format(url=directory.url), 0o600)
for folder in ("pipes/private", "db", "mc", "pubconf/krb5.include.d"):
    os.makedirs(f"/var/lib/sss/{folder}", exist_ok=True)
os.makedirs("/var/log/sssd", exist_ok=True)


class Sssd:
    """In the test's own process namespace: what is called so is this one's."""

    def __init__(self):
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["sssd", "-i", "--logger=files"])

    def signal(self, number):
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    with open(f"{entry.path}/comm", encoding="ascii") as comm:
                        if comm.read().startswith("sssd"):
                            os.kill(int(entry.name), number)
                except (FileNotFoundError, ProcessLookupError):
                    pass  # it has ended meanwhile

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        os.unlink("/run/sssd.pid")


sssd = Sssd()
sssd.start()
until(lambda: known("handoffpat"), "SSSD knows the user", 60)
with Handoffd({"recipients.lookup": "passwd", "spool.layout": "%h/Maildir",
               "recipients.cache-ttl": "0s", "recipients.lookup-timeout": "2s"}) as daemon:
    is_(rcpt(daemon, PAT, KIM), [250, 550], "a_user_of_the_directorys_is_a_recipient")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "and_gets_mail")
    box = os.path.join(home, "Maildir")
    is_([os.stat(path).st_uid for path in maildir.files(box)], [62001], "which_is_the_users")
    sssd.signal(signal.SIGSTOP)
    is_(rcpt(daemon, PAT, KIM), [451, 451], "sssd_that_stands_still_defers_R1")
    sssd.signal(signal.SIGCONT)
    is_(wait_for(daemon, PAT, 250), 250, "and_comes_back")
    sssd.kill()
    # While it dies it may say that there is no such user, which handoffd.conf(5) tells; and a worker
    # that has waited in vain before does not ask for a moment.
    until(lambda: rcpt(daemon, PAT, KIM) == [451, 451]
          and any("Connection refused" in line for line in daemon.log), "mail waits for SSSD")
    ok(daemon.wait_for("Connection refused"), "sssd_that_is_down_defers_R1")
    sssd.start()
    is_(wait_for(daemon, PAT, 250), 250, "and_comes_back_without_a_restart_of_ours")
    is_(rcpt(daemon, PAT, KIM), [250, 550], "with_all_that_it_knows")
    directory.kill()
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "a_user_whom_sssd_has_kept_gets_mail_while_the_directory_is_down")
    is_(len(maildir.files(box)), 2, "it_is_there")
sssd.kill()
done()
