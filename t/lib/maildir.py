"""Reads Maildirs.

    maildir.messages(path)       # the messages' octets, in order of their names
    maildir.without_trace(octets, b'X-Test: 1')   # what the sender wrote, from that line on
"""
import os
import re


def create(path, owner=None):
    """Creates an empty Maildir. owner: (uid, gid), including that of new parent directories."""
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
    """Returns the number after `,S=` in a file name, which is the size in octets for Dovecot, or
    None."""
    match = re.search(r",S=(\d+)", name)
    return int(match.group(1)) if match else None


def leftovers(path):
    """Returns the names in tmp/."""
    return os.listdir(os.path.join(path, "tmp")) if os.path.isdir(os.path.join(path, "tmp")) else []


def without_trace(octets, first):
    """Returns the part of a message that begins with the line `first`, that is, without the lines
    that servers added (Return-Path, Received). None if it has no such line."""
    if octets.startswith(first):
        return octets
    at = octets.find(b"\n" + first)
    return None if at < 0 else octets[at + 1:]
