"""What the maildirsize of a mailbox says (Maildir++), and how a delivery against it ends.

    to(daemon, 'pat@good.test', octets)    # '250 2.0.0'
    lines_of(daemon, 'pat@good.test')      # ['10240S,20C', '523 1', ...]
    summed(daemon, 'pat@good.test')        # (octets, messages)
"""
import os

from lmtp import deliver

MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


def to(daemon, user, message=MESSAGE):
    """The code and enhanced status code that the delivery ends with."""
    result = deliver(daemon.unix, "sender@client.test", [user], message)
    reply = result.final.get(user) or result.rcpt[user]
    return f"{reply.code} {reply.enhanced}"


def lines_of(daemon, user):
    with open(os.path.join(daemon.mailbox_path(user), "maildirsize"), encoding="ascii") as file:
        return file.read().splitlines()


def summed(daemon, user):
    """What maildirsize says: (octets, messages)."""
    return tuple(sum(int(line.split()[column]) for line in lines_of(daemon, user)[1:])
                 for column in (0, 1))
