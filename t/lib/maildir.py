"""Reads Maildirs: what was delivered, and whether the folder is as it should be.

    maildir.messages(path)       # the messages' octets, in order of their names
    maildir.without_trace(octets, b'X-Test: 1')   # from that line on: what the sender wrote
"""
import os
import re


def create(path, owner=None):
    """Makes an empty Maildir; owner: (uid, gid), which the folders above it get too where new."""
    made = []
    for folder in ("tmp", "new", "cur"):
        folder = os.path.join(path, folder)
        while not os.path.isdir(folder):
            made.append(folder)
            folder = os.path.dirname(folder)
        for new in reversed(made):
            os.mkdir(new, 0o700)
            if owner:
                os.chown(new, *owner)
        made.clear()
    return path


def files(path):
    """Returns the paths of the messages in new/ and cur/, in order of their names."""
    found = []
    for folder in ("new", "cur"):
        folder = os.path.join(path, folder)
        if os.path.isdir(folder):
            found += [os.path.join(folder, name) for name in os.listdir(folder)]
    return sorted(found, key=os.path.basename)


def messages(path):
    """Returns the octets of each message, in order of their names."""
    found = []
    for each in files(path):
        with open(each, "rb") as file:
            found.append(file.read())
    return found


def size_in_name(name):
    """Returns the number in a name's `,S=` (the file's octets, as Dovecot reads it), or None."""
    match = re.search(r",S=(\d+)", name)
    return int(match.group(1)) if match else None


def leftovers(path):
    """Returns what lies in tmp/."""
    return os.listdir(os.path.join(path, "tmp")) if os.path.isdir(os.path.join(path, "tmp")) else []


def without_trace(octets, first):
    """Returns a message from its line `first` on, None where it has no such line: what the sender
    wrote, after what servers on the way put in front (Return-Path, Received)."""
    if octets.startswith(first):
        return octets
    at = octets.find(b"\n" + first)
    return None if at < 0 else octets[at + 1:]
