"""A private slapd in a peer's root (peer.py).

    server = start_slapd(scratch, ldif, more)       # Daemon; more: further lines for its database
    server.url                                      # ldap://127.0.0.1:PORT
"""
import os
import subprocess

from daemon import Daemon
from handoffd import free_port

_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {place}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=example,dc=org"
directory {place}/data
"""


def start_slapd(scratch, ldif, more="", port=None):
    place = os.path.join(scratch.path, "slapd")
    os.makedirs(f"{place}/data")
    conf = scratch.file("slapd/slapd.conf", _CONF.format(place=place) + more)
    subprocess.run(["slapadd", "-q", "-f", conf], input=ldif, text=True, check=True)
    url = f"ldap://127.0.0.1:{port or free_port()}"
    server = Daemon(scratch, ["slapd", "-d", "stats", "-f", conf, "-h", url], ready="slapd starting")
    server.url = url
    return server
