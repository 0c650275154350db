"""Runs Courier's programs on the mailboxes of a handoffd. The test has entered the peer (peer.py).

    courier.deliver(daemon, path, message)     # "", or the objection of deliverquota(8)
    courier.set_quota(daemon, path, '10240S,20C')
    with courier.imap(daemon, path) as client:      # an imaplib client of imapd(8), names in UTF-8
        courier.quota(client)                       # (KiB, messages), from GETQUOTAROOT
        courier.folders(client)                     # ['INBOX.lists', ...]
        courier.subjects(client, 'INBOX.lists')     # ['hello', ...]
"""
import contextlib
import email
import imaplib
import re
import shlex
import subprocess

# /usr/sbin/imapd is a script that starts the whole server.
IMAPD = "/usr/bin/imapd"
OVER_QUOTA = "Mail quota exceeded."


def _as_owner(daemon, *command):
    """Runs a command as the owner of the mailboxes."""
    if not daemon.owner:
        return [*command]
    uid, gid = daemon.owner
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *command]


def deliver(daemon, path, message):
    ran = subprocess.run(_as_owner(daemon, "deliverquota.courier", path), input=message,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return "" if ran.returncode == 0 else ran.stdout.decode().strip() or f"exit {ran.returncode}"


def set_quota(daemon, path, limits):
    subprocess.run(_as_owner(daemon, "maildirmake.courier", "-q", limits, path), check=True)


@contextlib.contextmanager
def imap(daemon, path):
    # imapd takes the current directory for the home, and refuses one with the sticky bit.
    settings = ["AUTHENTICATED=test", "IMAP_CAPABILITY=IMAP4rev1 QUOTA", "IMAP_USELOCKS=0"]
    command = _as_owner(daemon, "env", "-C", path, *settings, IMAPD, path)
    client = imaplib.IMAP4_stream(shlex.join(command) + " 2>/dev/null")
    try:
        client.enable("UTF8=ACCEPT")
        yield client
    finally:
        client.logout()


def quota(client):
    _, (_, lines) = client.getquotaroot("INBOX")
    found = re.search(rb"STORAGE (\d+) \d+ MESSAGE (\d+) \d+", lines[0])
    return tuple(int(each) for each in found.groups())


def _names(reply):
    """Returns the folders below the inbox that can be selected."""
    lines = [line.decode() for line in reply[1] if line]
    names = [re.search(r'"\.?" "?([^"]*)"?$', line)[1] for line in lines if "Noselect" not in line]
    return sorted(name for name in names if name != "INBOX")


def folders(client):
    return _names(client.list())


def subscribed(client):
    return _names(client.lsub())


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def subjects(client, folder):
    client.select(quoted(folder), readonly=True)
    _, parts = client.fetch("1:*", "(BODY.PEEK[HEADER])")
    return [email.message_from_bytes(part[1])["Subject"] for part in parts if isinstance(part, tuple)]
