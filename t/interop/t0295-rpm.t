#!/usr/bin/env python3
"""RPM packages: built by rpmbuild from the tarball, installed, and upgraded in place under load.

TEST_TIMEOUT: 1800"""
import os
import re
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import maildir
import packaging
import peer
from daemon import Daemon
from lmtp import Lmtp, deliver
from load import Load
from mta import until
from scratch import Scratch
from syslogd import Syslog
from tap import diag, done, empty, is_, ok

peer.enter("packaging")
MODULES = ["handoff-ldap", "handoff-mysql", "handoff-pgsql", "handoff-sieve",
           "handoff-sqlite"]
SPOOL, PAT = "/var/spool/handoff", "pat@good.test"
SOCKET = "unix:/run/handoff/lmtp.sock"

scratch = Scratch()
work = "/tmp/packages"  # as in t0290-debian.t, for the compiler cache
os.makedirs(work, exist_ok=True)


def run(*command):
    """The output of the command goes to a file, because a daemon that it starts may keep it open."""
    with open(os.path.join(scratch.path, "said"), "w+", encoding="utf-8") as said:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said,
                              stderr=subprocess.STDOUT, timeout=250, check=False).returncode
        said.seek(0)
        return code, said.read()


def rpm(*arguments):
    """Debian's rpm needs an option for this; no real system is affected here."""
    return run("rpm", "--force-debian", *arguments)


def does(sentence, *command):
    code, said = run(*command)
    if not ok(code == 0, sentence):
        diag(said[-3000:])
    return said


name = packaging.tarball(work)
version = name.rpartition("-")[2]
packages = packaging.rpm(work, name)
is_([os.path.basename(path).rsplit("-", 2)[0] for path in packages], ["handoff", *MODULES],
    "rpmbuild_makes_five_packages")
library = rpm("--eval", "%{_libdir}")[1].strip()
listed = rpm("-qlp", packages[0])[1].splitlines()
for path in ("/etc/handoffd.conf", "/etc/logrotate.d/handoff", "/usr/sbin/handoffd",
             "/usr/sbin/handoffctl", "/usr/lib/systemd/system/handoffd.service",
             "/usr/lib/systemd/system/handoffd.socket", "/usr/share/doc/handoff/README.md",
             "/usr/share/doc/handoff/doc/operations.md",
             "/usr/share/doc/handoff/examples/handoffd.conf",
             "/usr/share/bash-completion/completions/handoffctl",
             "/usr/share/fish/vendor_completions.d/handoffd.fish",
             "/usr/share/zsh/site-functions/_handoffd", SPOOL):
    ok(path in listed, f"the_package_has_{path}")
for page in ("man5/handoff-log.5", "man5/handoff-maildir.5", "man5/handoff-metrics.5",
             "man5/handoffd.conf.5", "man7/handoff-sieve.7", "man8/handoffctl.8", "man8/handoffd.8"):
    ok(any(each.startswith(f"/usr/share/man/{page}") for each in listed), f"the_package_has_{page}")
empty([each for each in listed if each.endswith(".so") or "/local/" in each],
      "the_package_has_no_module_and_nothing_below_/usr/local")
for package, module in zip(packages[1:], ("ldap", "mysql", "postgresql", "sieve", "sqlite")):
    is_(rpm("-qlp", package)[1].split(), [f"{library}/handoff/handoff-{module}.so"],
        f"the_module_{module}_is_in_a_package_of_its_own")
    ok(re.search(rf"^handoff(\(\S+\))? = {re.escape(version)}-", rpm("-qp", "--requires", package)[1],
                 re.M), "the_module_requires_handoff_of_the_same_version")
is_(rpm("-qpc", packages[0])[1].split(), ["/etc/handoffd.conf", "/etc/logrotate.d/handoff"],
    "rpm_knows_the_configuration_file_as_configuration")

# --- Installation. peer-root has created the account handoff; remove it, so that the package
# creates it.
run("userdel", "handoff")
run("groupdel", "handoff")
does("the_package_installs", "rpm", "--force-debian", "-i", "--nodeps", *packages)
ok(run("getent", "passwd", "handoff")[1].endswith(f":{SPOOL}:/sbin/nologin\n"), "the_user_of_the_package_exists")
is_(run("stat", "-c", "%a %U:%G", SPOOL)[1].strip(), "700 handoff:handoff", "the_spool_of_the_package_exists")
does("the_configuration_of_the_package_is_valid", "/usr/sbin/handoffd", "--check")
syslog = Syslog()
os.makedirs("/run/handoff")
with open("/usr/lib/systemd/system/handoffd.service", encoding="utf-8") as unit:
    daemon = Daemon(scratch, re.search("^ExecStart=(.*)$", unit.read(), re.M)[1].split())
until(lambda: run("/usr/sbin/handoffctl", "status")[0] == 0, "handoffd serves")
run("install", "-d", "-o", "handoff", "-g", "handoff", f"{SPOOL}/good.test/pat")
is_(deliver(SOCKET, "", [PAT], b"\r\nhello\r\n", timeout=60).final[PAT].code,
    250, "the_server_delivers")
is_(len(maildir.files(f"{SPOOL}/good.test/pat")), 1, "the_message_is_in_the_mailbox")

# --- Upgrade while mail arrives: one message is half received, others come before and after.
with open("/etc/handoffd.conf", "a", encoding="utf-8") as file:
    file.write("hostname = mail.good.test\n")
later = packaging.rpm(work, packaging.raised(work, name, version + ".1"))
half = Lmtp(SOCKET, timeout=60)
is_([reply.code for reply in half.session("LHLO client.test", "MAIL FROM:<>", f"RCPT TO:<{PAT}>",
                                          "DATA")], [250, 250, 250, 354], "a_message_is_in_progress_at_the_upgrade")
half.send(b"Message-ID: <half@client.test>\r\n\r\nthe first half\r\n")
with Load(SOCKET, 2, PAT) as load:
    until(lambda: load.delivered > 0, "mail comes in")
    does("the_package_is_upgraded", "rpm", "--force-debian", "-U", "--nodeps", *later)
    before = load.delivered
    until(lambda: load.delivered > before + 1, "mail comes in still")
half.send(b"the second half\r\n.\r\n")
is_(half.reply().code, 250, "the_message_in_progress_is_completed")
half.socket.close()
is_(rpm("-q", "--queryformat", "%{VERSION} ", "handoff", *MODULES)[1].split(), [f"{version}.1"] * 6,
    "all_packages_have_the_new_version")
status = run("/usr/sbin/handoffctl", "status", "--json")[1]
ok(re.search(rf'"version": ?"{re.escape(version)}\.1"', status),
   "the_server_is_the_new_program") or diag(status)
ok(daemon.running and re.search(rf'"pid": ?{daemon.pid}\b', status)
   and re.search(r'"upgrades": ?1\b', status), "the_server_was_upgraded_in_place") or diag(status)
empty(load.faults, "no_connection_was_refused_and_no_reply_lost")
diag(f"{load.delivered} delivered, {load.postponed} told 421")
messages = maildir.messages(f"{SPOOL}/good.test/pat")
found = Counter(re.search(rb"^Message-ID: (.*?)\r?$", each, re.M)[1].decode()
                for each in messages if b"Message-ID:" in each)
empty([each for each in [*load.acknowledged, "<half@client.test>"] if found[each] != 1],
      "acknowledged_messages_are_stored_once")
ok(any(each.endswith(b"the first half\nthe second half\n") for each in messages),
   "the_message_in_progress_is_complete")
with open("/etc/handoffd.conf", encoding="utf-8") as file:
    ok("mail.good.test" in file.read(), "the_administrator_s_configuration_was_kept")

# --- Removal.
does("the_package_is_removed", "rpm", "--force-debian", "-e", "handoff", *MODULES)
is_(daemon.wait(), 0, "the_server_was_stopped_cleanly")
is_(len(maildir.files(f"{SPOOL}/good.test/pat")), len(messages), "the_mail_is_kept")
ok(not os.path.exists("/usr/sbin/handoffd"), "the_program_is_removed")
ok(os.path.exists("/etc/handoffd.conf.rpmsave"), "the_new_configuration_is_written_beside_the_old_one")

done()
