#!/usr/bin/env python3
"""recipients.lookup = ldap: with a real slapd, which is also stopped and killed, and which denies
access."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parts
import peer
import rrvs
from control import ctl
from handoffd import Handoffd
from lookups import defers_while_server_is_down, rcpt, stopped, wait_for
from scratch import Scratch
from slapd import start_slapd
from tap import done, is_, ok

parts.need("ldap")
peer.enter("openldap")

ACCESS = """
rootdn "cn=admin,dc=example,dc=org"
rootpw secret
access to dn.subtree="ou=closed,dc=example,dc=org" by * none
access to * by anonymous auth by users read
"""
LDIF = """dn: dc=example,dc=org
objectClass: domain
dc: example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: uid=reader,dc=example,dc=org
objectClass: account
objectClass: simpleSecurityObject
uid: reader
userPassword: pass word
"""
PERSON = """
dn: cn={cn},ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: {cn}
sn: x
mail: {mail}
{more}
"""

scratch = Scratch()
people = [("pat", "pat@example.org", "employeeType: people/p\ncreateTimestamp: 20200101000000Z"),
          ("star", "x*x@example.org", ""),
          ("two1", "two@example.org", ""), ("two2", "two@example.org", ""),
          ("two3", "two@example.org", ""),
          ("odd", "odd@example.org", "employeeType: ../x"),
          ("many", "many@example.org", "employeeType: a\nemployeeType: b")]
server = start_slapd(
    scratch, LDIF + "".join(PERSON.format(cn=cn, mail=mail, more=more).rstrip("\n") + "\n"
                            for cn, mail, more in people), ACCESS)
url = server.url
password = scratch.file("password", "pass word\n")


def lookup(base="ou=people,dc=example,dc=org", who="uid=reader%2cdc=example%2cdc=org",
           scheme="ldap:"):
    return (f"{scheme}{url}/{base}?mailbox=employeeType?sub?(&(objectClass=inetOrgPerson)(mail=%u))"
            f"?bindname={who},password-file={password}")


settings = {"recipients.lookup": lookup(), "recipients.cache-ttl": "0s",
            "recipients.lookup-timeout": "2s"}
with Handoffd(settings) as daemon:
    is_(rcpt(daemon, "pat@example.org", "kim@example.org", "pat@example.net"), [250, 550, 550],
        "an_address_with_an_entry_is_a_recipient")
    is_(rcpt(daemon, "*@example.org", "p*t@example.org", "x*x@example.org", "xyx@example.org",
             '"pat@example.org)(cn=*"@example.org'), [550, 550, 250, 550, 550],
        "an_address_is_escaped_and_never_part_of_the_filter")
    is_(rcpt(daemon, *[f"{each}@example.org" for each in ("two", "two", "odd", "many", "pat")]),
        [451, 451, 451, 451, 250], "an_invalid_entry_defers_only_that_recipient_R1")
    told = ctl(daemon, "explain", "pat@example.org")
    ok(told.returncode == 0 and "ldap of pat@example.org knows the mailbox people/p" in told.stdout
       and "verdict     250 2.1.5" in told.stdout, "explain_shows_the_entry_of_a_recipient")
    told = ctl(daemon, "explain", "kim@example.org")
    ok(told.returncode == 67 and "ldap of kim@example.org knows nobody: no entry for "
       "(&(objectClass=inetOrgPerson)(mail=kim@example.org)) below ou=people,dc=example,dc=org ("
       in told.stdout and "verdict     550 5.1.1" in told.stdout,
       "explain_shows_the_search_that_found_nobody")
    defers_while_server_is_down(daemon, "pat@example.org", "kim@example.org", server, "slapd")
    with stopped(server.pid):
        is_(rcpt(daemon, "pat@example.org"), 451, "a_slow_server_defers_recipients_R1")
    is_(wait_for(daemon, "pat@example.org", 250), 250, "after_a_slow_search_recipients_are_found_again")
    server.stop()
    told = ctl(daemon, "explain", "pat@example.org")
    ok(told.returncode == 75 and "ldap of pat@example.org failed: bind: Can't contact LDAP server"
       in told.stdout and "verdict     451 4.3.0" in told.stdout,
       "explain_says_that_the_directory_is_down")
    ok("pass word" not in told.stdout + told.stderr and password not in told.stdout,
       "explain_shows_no_password")
    server.start()
# The directory itself records when an entry was created.
owners = lookup().replace("?mailbox=employeeType?", "?since=createTimestamp?")
with Handoffd({**settings, "recipients.lookup": owners}) as daemon:
    rrvs.holds(daemon, "an_entry", unknown=None)
for what, setting, codes in (
        ("a_missing_base_defers_recipients_R1", lookup(base="ou=nothing,dc=example,dc=org"), [451]),
        ("a_bind_without_read_access_defers_recipients_R1", lookup(who="").replace("bindname=,", ""), [451]),
        ("a_bind_with_an_unknown_name_defers_recipients_R1", lookup(who="uid=nobody%2cdc=example%2cdc=org"), [451]),
        ("a_bind_name_without_a_password_defers_recipients_R1",
         lookup().replace(f",password-file={password}", ""), [451]),
        ("a_url_without_the_kind_of_lookup_is_accepted", lookup(scheme=""), [250])):
    with Handoffd({**settings, "recipients.lookup": setting}) as daemon:
        is_([rcpt(daemon, "pat@example.org")], codes, what)
server.stop()
done()
