#!/usr/bin/env python3
"""recipients.lookup = passwd, with system users in a directory: SSSD and slapd."""
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
    """All processes with this name are the test's, because it has its own process namespace."""

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
                    pass  # it has ended

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        os.unlink("/run/sssd.pid")


sssd = Sssd()
sssd.start()
until(lambda: known("handoffpat"), "SSSD knows the user", 60)
with Handoffd({"recipients.lookup": "passwd", "spool.layout": "%h/Maildir",
               "recipients.cache-ttl": "0s", "recipients.lookup-timeout": "2s"}) as daemon:
    is_(rcpt(daemon, PAT, KIM), [250, 550], "a_user_in_the_directory_is_a_recipient")
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250, "a_user_in_the_directory_gets_mail")
    box = os.path.join(home, "Maildir")
    is_([os.stat(path).st_uid for path in maildir.files(box)], [62001], "the_files_of_the_mailbox_belong_to_the_user")
    sssd.signal(signal.SIGSTOP)
    is_(rcpt(daemon, PAT, KIM), [451, 451], "a_stopped_sssd_defers_recipients_R1")
    sssd.signal(signal.SIGCONT)
    is_(wait_for(daemon, PAT, 250), 250, "a_resumed_sssd_answers_again")
    sssd.kill()
    # While sssd shuts down it may report that there is no such user, as handoffd.conf(5) explains;
    # and after a timeout a worker pauses before it asks again.
    until(lambda: rcpt(daemon, PAT, KIM) == [451, 451]
          and any("Connection refused" in line for line in daemon.log), "mail waits for SSSD")
    ok(daemon.wait_for("Connection refused"), "sssd_that_is_down_defers_recipients_R1")
    sssd.start()
    is_(wait_for(daemon, PAT, 250), 250, "sssd_is_used_again_without_a_restart_of_handoff")
    is_(rcpt(daemon, PAT, KIM), [250, 550], "after_its_restart_sssd_answers_for_known_and_unknown_names")
    directory.kill()
    is_(deliver(daemon.unix, "", [PAT], MESSAGE).final[PAT].code, 250,
        "a_user_that_sssd_has_cached_gets_mail_while_the_directory_is_down")
    is_(len(maildir.files(box)), 2, "the_mail_for_the_cached_user_is_stored")
sssd.kill()
done()
