"""A plain LMTP client: bytes out, replies in. It checks nothing and hides nothing.

    with Lmtp(daemon.unix) as client:                # or 'tcp:127.0.0.1:PORT', or a socket
        client.greeting                              # Reply(220, ...)
        client.command('LHLO me').lines              # one reply of several lines
        client.session('MAIL FROM:<>', 'RCPT TO:<a@b>', 'DATA')      # lock-step: their replies
        client.send(b'Subject: x\r\n\r\n.\r\n')      # raw
        client.replies(1)                            # as many as there were recipients

    client.start_tls(ssl.SSLContext(...))            # STARTTLS and the handshake

    deliver(daemon.unix, 'a@b', ['c@d'], message)    # a whole transaction: Delivery(...)
"""
import collections
import socket


class Reply(collections.namedtuple("Reply", "code lines")):
    """One reply: its code as an int, and the text of each of its lines."""

    @property
    def enhanced(self):
        """Returns the enhanced status code (RFC 2034) as text; '' if there is none."""
        first = self.lines[0].split(" ")[0]
        return first if first.count(".") == 2 and first.replace(".", "").isdigit() else ""

    def __str__(self):
        return "\n".join(f"{self.code} {line}" for line in self.lines)


class Closed(Exception):
    """The server closed the connection instead of replying."""


def connect(address, timeout=30):
    """Returns a socket connected to unix:PATH, tcp:HOST:PORT or tcp:[V6]:PORT."""
    kind, _, where = address.partition(":")
    if kind == "unix":
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(timeout)
        stream.connect(where)
        return stream
    host, _, port = where.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


class Lmtp:
    """One connection. Every wait ends after `timeout` seconds with an exception."""

    def __init__(self, address, timeout=30):
        """address: as for connect(), or a connected socket, which is closed with this object."""
        self.socket = connect(address, timeout) if isinstance(address, str) else address
        self.socket.settimeout(timeout)
        self._input = self.socket.makefile("rb")
        self.greeting = self.reply()

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        """Returns the next line, without its CRLF."""
        line = self._input.readline()
        if not line.endswith(b"\r\n"):
            raise Closed(f"the connection ended at {line!r}")
        return line[:-2].decode("utf-8", "replace")

    def reply(self):
        """Returns the next reply. RFC 5321 4.2.1: each line but the last has '-' after the code."""
        lines = []
        while True:
            line = self.line()
            if not line[:3].isdigit() or line[3:4] not in ("", " ", "-"):
                raise ValueError(f"this is no reply: {line!r}")
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), lines)

    def replies(self, count):
        return [self.reply() for _ in range(count)]

    def command(self, line):
        """Sends one command (text or bytes, without CRLF); returns its one reply."""
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.reply()

    def session(self, *commands):
        """Sends each command after the reply to the previous one; returns the replies."""
        return [self.command(command) for command in commands]

    def start_tls(self, context):
        """Sends STARTTLS and does the handshake; returns the reply. Without 220 there is no
        handshake."""
        reply = self.command("STARTTLS")
        if reply.code == 220:
            self.wrap(context)
        return reply

    def wrap(self, context):
        """Does the handshake with an ssl.SSLContext; everything after it is encrypted."""
        self._input.close()
        self.socket = context.wrap_socket(self.socket)
        self._input = self.socket.makefile("rb")

    def at_end(self):
        """Waits until the server closes; returns whether it sent nothing more."""
        return self._input.read() == b""

    def close(self):
        self._input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def stuffed(message):
    """Returns a message (CRLF lines) as it goes after DATA: dots doubled, and the final dot."""
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    message = message.replace(b"\r\n.", b"\r\n..")
    return (b"." if message.startswith(b".") else b"") + message + b".\r\n"


Delivery = collections.namedtuple("Delivery", "mail rcpt data final")


def deliver(address, sender, recipients, message, timeout=30):
    """Hands over one message. Returns Delivery: the reply to MAIL, {recipient: reply to RCPT}, the
    reply to DATA (None if no recipient was accepted), {accepted recipient: final reply}."""
    with Lmtp(address, timeout) as client:
        client.command("LHLO client.test")
        mail = client.command(f"MAIL FROM:<{sender}>")
        rcpt = {each: client.command(f"RCPT TO:<{each}>") for each in recipients}
        accepted = [each for each, reply in rcpt.items() if reply.code // 100 == 2]
        data, final = None, {}
        if accepted:
            data = client.command("DATA")
            if data.code == 354:
                client.send(stuffed(message))
                final = {each: client.reply() for each in accepted}
        client.command("QUIT")
        return Delivery(mail, rcpt, data, final)
