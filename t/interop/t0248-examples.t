#!/usr/bin/env python3
"""Each directory of doc/examples works: the commands of its README install it and deliver a message.

With an argument, inside a peer's root: follows the README of that example."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import documents
import peer
from certificates import Certificates
from daemon import Daemon
from scratch import Scratch
from slapd import start_slapd
from tap import diag, done, is_, ok

EXAMPLES = os.path.join(documents.TOP, "doc", "examples")
# The peer in whose root each example is tried.
PEERS = {"virtual-users": "postfix", "sql": "postgresql", "ldap": "openldap", "system-users": "postfix",
         "sendmail": "sendmail", "domains-with-quota": "postfix", "several-hosts": "postfix", "proxy": "postfix"}


def start_postfix():
    from postfix import Postfix
    return Postfix(scratch, "")


def start_postgresql():
    """Starts a PostgreSQL server on its usual socket, with root as its superuser and its programs
    in PATH."""
    programs = subprocess.run("ls -d /usr/lib/postgresql/*/bin | tail -n 1", shell=True, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()
    data = os.path.join(scratch.path, "data")
    for folder in (data, "/run/postgresql"):
        os.makedirs(folder, exist_ok=True)
        shutil.chown(folder, "postgres", "postgres")
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
    subprocess.run([*as_postgres, f"{programs}/initdb", "-D", data, "-N", "-U", "root", "-A", "peer"],
                   stdout=subprocess.DEVNULL, check=True, cwd=scratch.path)
    server = Daemon(scratch, [*as_postgres, f"{programs}/postgres", "-D", data, "-k", "/run/postgresql",
                              "-c", "listen_addresses=", "-c", "fsync=off"],
                    ready="ready to accept connections")
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
    return server


def start_directory():
    access = """
access to attrs=userPassword by anonymous auth
access to * by users read
"""
    return start_slapd(scratch, documents.text_of("doc/examples/ldap/people.ldif"), access, port=389)


def install_sendmail():
    from sendmail import SENDMAIL, prepare
    prepare()
    os.environ["PATH"] = f"{os.path.dirname(SENDMAIL)}:{os.environ['PATH']}"


def name_hosts():
    """Gives all hosts one address in the network of the example."""
    subprocess.run(["ip", "address", "add", "192.0.2.1/24", "dev", "lo"], check=True)
    with open("/etc/hosts", "a", encoding="ascii") as file:
        file.write("192.0.2.1 store1.example.org store2.example.org mx.example.org\n")


def make_store():
    """Names the hosts, and makes certificates."""
    name_hosts()
    certificates = Certificates(scratch)
    authority = certificates.self_signed("ca")
    store = certificates.signed("store", by=authority, common_name="store1.example.org")
    os.makedirs("/etc/handoff/tls")
    os.makedirs("/etc/postfix/tls")
    shutil.copy(store.certificate, "/etc/handoff/tls/cert.pem")
    shutil.copy(store.key, "/etc/handoff/tls/key.pem")
    shutil.copy(authority.certificate, "/etc/postfix/tls/ca.pem")


def start_mx():
    """Starts Postfix as the host mx. Names come from /etc/hosts and not from DNS, and clients do
    not bind to the loopback address."""
    from postfix import Postfix
    return Postfix(scratch, "lmtp_host_lookup = native\ninet_interfaces = all\n")


def start_proxy_mx():
    """Moves the sockets of the store, so that the proxy can have the usual ones on this machine."""
    os.rename("/run/handoff", "/run/handoff-store1")
    return start_mx()


HOOKS = {"Postfix runs": start_postfix, "PostgreSQL runs": start_postgresql,
         "slapd runs with people.ldif": start_directory, "Sendmail is installed": install_sendmail,
         "store1": make_store, "mx": start_mx,
         "the hosts have names": name_hosts, "mx with a proxy": start_proxy_mx}

if len(sys.argv) == 1:
    for name in sorted(set(PEERS.values())):
        peer.require(name)
    is_(sorted(each.name for each in os.scandir(EXAMPLES) if each.is_dir()), sorted(PEERS),
        "this_test_tries_each_example")
    for name in PEERS:
        ok(f"({name}/README.md)" in documents.text_of("doc/examples/README.md"),
           f"the_list_of_examples_has_{name}")
        run = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True,
                             check=False, timeout=280)
        lines = run.stdout.splitlines()
        for line in lines:
            if line.startswith(("ok ", "not ok ")):
                ok(line.startswith("ok "), line.partition(" - ")[2])
        ok(run.returncode == 0 and lines[-1].startswith("1.."), f"the_example_{name}_was_followed_to_its_end")
    done()

name = sys.argv[1]
peer.enter(PEERS[name])
scratch = Scratch()
syslog = documents.install()
subprocess.run("install -d -o handoff -g handoff -m 0700 /var/spool/handoff && "
               "install -d /usr/local/libexec", shell=True, check=True)
documents.follow(f"doc/examples/{name}/README.md", HOOKS)
if len(sys.argv) > 2:
    diag("\n".join(syslog.lines))
done()
