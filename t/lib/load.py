"""Clients that deliver continuously, with one connection for each message, and record failures.

    with Load(daemon.unix, 8, 'user@example.org') as load:
        ...                               # disturb the server here
    load.delivered                        # messages whose 250 was read
    load.postponed                        # 421 4.3.2 between transactions, to be sent again
    load.faults                           # everything else: refused connections, lost replies
"""
import itertools
import threading

import lmtp

MESSAGE = b"Subject: load\r\nMessage-ID: <%d.%d@client.test>\r\n\r\n" + b"x" * 70 + b"\r\n"


class Load:
    def __init__(self, address, clients, recipient):
        self.address = address
        self.recipient = recipient
        self.delivered = self.postponed = 0
        self.faults = []
        self.acknowledged = []  # Message-IDs
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(each,), daemon=True)
                         for each in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, client):
        for number in itertools.count():
            if self._stop.is_set():
                return
            where = "connect"
            try:
                with lmtp.Lmtp(self.address, 20) as session:
                    where = "greeting"
                    outcome = self._deliver(session, MESSAGE % (client, number))
            except (OSError, ValueError, lmtp.Closed) as error:
                outcome = f"{where}: {error!r}"
            with self._lock:
                if outcome is None:
                    self.delivered += 1
                    self.acknowledged.append(f"<{client}.{number}@client.test>")
                elif outcome == "postponed":
                    self.postponed += 1
                else:
                    self.faults.append(outcome)

    def _deliver(self, session, message):
        """Returns None after a delivery, 'postponed', or a description of the failure."""
        if session.greeting.code != 220:
            return self._other("greeting", session.greeting)
        for command, code in (("LHLO load", 250), ("MAIL FROM:<>", 250),
                              (f"RCPT TO:<{self.recipient}>", 250), ("DATA", 354)):
            try:
                reply = session.command(command)
            except BrokenPipeError:
                # The server sent 421 and closed before the client wrote.
                reply = session.reply()
            if reply.code != code:
                # Only between transactions.
                return self._other(command, reply, command[:4] in ("LHLO", "MAIL"))
        session.send(lmtp.stuffed(message))
        reply = session.reply()
        return None if reply.code == 250 else self._other("final dot", reply)

    @staticmethod
    def _other(where, reply, may_postpone=False):
        if may_postpone and reply.code == 421 and reply.enhanced == "4.3.2":
            return "postponed"
        return f"{where}: {reply}"
