#!/usr/bin/env python3
"""The example of two hosts with one spool (contrib/cluster): handoffd, HAProxy, Postfix and systemd
accept its files, which agree with each other."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import documents
import peer
from handoffd import program
from mta import TOP, snippet
from tap import diag, done, is_, ok

FOLDERS = [os.path.realpath(peer.folder(name)) for name in ("haproxy", "postfix")]
peer.enter("systemd", FOLDERS)
EXAMPLE = os.path.join(TOP, "contrib", "cluster")
UNITS = "/etc/systemd/system"
SPOOL = "/srv/mail/spool"


def run(*command, name=None):
    """Returns the exit code and all output. name: the peer to which the command belongs."""
    if name:
        command = (os.path.join(peer.folder(name), command[0]), *command[1:])
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         check=False, env=peer.environment(name) if name else None)
    return ran.returncode, ran.stdout


def setting(name):
    return re.findall(rf"^{re.escape(name)} = (.*)$", snippet("cluster/handoffd.conf"), re.M)


# HAProxy
haproxy = os.path.join(EXAMPLE, "haproxy.cfg")
is_(run("usr/sbin/haproxy", "-c", "-f", haproxy, name="haproxy")[0], 0, "haproxy_accepts_the_file")
servers = re.findall(r"^ *server \S+ (\S+)$", snippet("cluster/haproxy.cfg"), re.M)
is_(["tcp:" + servers[0], len(servers)], [*setting("listen"), 2], "it_names_the_hosts")
front = re.findall(r"^ *bind (\S+):24$", snippet("cluster/haproxy.cfg"), re.M)
is_(front, setting("proxy-protocol"), "handoffd_expects_the_header_of_haproxy")

# Postfix
os.makedirs("/etc/postfix", exist_ok=True)
with open("/etc/postfix/main.cf", "w", encoding="ascii") as file:
    file.write("compatibility_level = 3.6\n" + snippet("cluster/main.cf"))
open("/etc/postfix/master.cf", "w", encoding="ascii").close()
code, said = run("usr/sbin/postconf", "-n", name="postfix")
is_((code, re.findall(r"^.*warning.*$", said, re.M)), (0, []), "postfix_knows_each_parameter")
ok(f"virtual_transport = lmtp:inet:{front[0]}:24" in said, "postfix_delivers_to_haproxy")
with open(os.path.join(EXAMPLE, "main.cf"), encoding="ascii") as file:
    direct = re.findall(r"inet:([\d.]+:24)", re.search(r"^# (virtual_transport.*)$", file.read(), re.M)[1])
is_(direct, servers, "or_to_the_hosts")

# handoffd
subprocess.run("ip address add 192.0.2.11/24 dev lo && "
               f"install -d -o handoff -g handoff -m 0700 {SPOOL} && "
               "install -d -m 0755 /run/handoff /usr/local/sbin", shell=True, check=True)
is_(setting("spool.path"), [SPOOL], "the_spool_is_on_the_volume")
shutil.copy(os.path.join(EXAMPLE, "handoffd.conf"), "/etc/handoffd.conf")
for name in ("HANDOFFD", "HANDOFFCTL"):
    shutil.copy(program(name), f"/usr/local/sbin/{name.lower()}")
code, said = run("/usr/local/sbin/handoffd", "--check")
if not is_(code, 0, "handoffd_accepts_the_configuration"):
    diag(said)

# systemd
unit, drop_ins = "handoffd.service", os.path.join(UNITS, "handoffd.service.d")
os.makedirs(drop_ins)
shutil.copy(os.path.join(TOP, "contrib/systemd", unit), UNITS)
shutil.copy(os.path.join(EXAMPLE, "srv-mail.mount"), UNITS)
shutil.copy(os.path.join(TOP, "contrib/systemd/network.conf"), drop_ins)
shutil.copy(os.path.join(EXAMPLE, "cluster.conf"), drop_ins)
is_(run("systemd-analyze", "verify", "--man=no", unit, "srv-mail.mount"), (0, ""),
    "systemd_accepts_the_mount_and_the_drop-ins")
with open(os.path.join(UNITS, "srv-mail.mount"), encoding="utf-8") as file:
    where = re.search(r"^Where=(.*)$", file.read(), re.M)[1]
with open(os.path.join(drop_ins, "cluster.conf"), encoding="utf-8") as file:
    ok(SPOOL.startswith(where + "/") and f"mountpoint -q {where}\n" in file.read(),
       "the_service_requires_the_mount_of_the_spool")

readme = documents.text_of("contrib/cluster/README.md")
is_([name for name in sorted(os.listdir(EXAMPLE)) if name != "README.md" and f"`{name}`" not in readme], [],
    "the_readme_names_each_file")
done()
