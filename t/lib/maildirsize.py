"""Reads the file maildirsize of a mailbox (Maildir++), and delivers to such a mailbox.

    to(daemon, 'pat@good.test', octets)    # '250 2.0.0'
    lines_of(daemon, 'pat@good.test')      # ['10240S,20C', '523 1', ...]
    summed(daemon, 'pat@good.test')        # (octets, messages)
"""
import os

from lmtp import deliver

MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def to(daemon, user, message=MESSAGE):
    """Delivers; returns the code and enhanced status code of the reply."""
    result = deliver(daemon.unix, "sender@client.test", [user], message)
    reply = result.final.get(user) or result.rcpt[user]
    return f"{reply.code} {reply.enhanced}"


def lines_of(daemon, user):
    with open(os.path.join(daemon.mailbox_path(user), "maildirsize"), encoding="ascii") as file:
        return file.read().splitlines()


def summed(daemon, user):
    """Returns (octets, messages) from maildirsize."""
    return tuple(sum(int(line.split()[column]) for line in lines_of(daemon, user)[1:])
                 for column in (0, 1))
