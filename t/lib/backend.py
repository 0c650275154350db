"""An LMTP server that a test controls, as the backend of a proxy.

    with Backend() as backend:          # or Backend(chunking=False)
        backend.port
        backend.hold.clear()            # replies after the content wait until hold.set()
        backend.messages                # [content], as received
        backend.connections             # how many there were
        backend.commands                # every command line, of all connections
"""
import re
import socket
import threading


class Backend:
    def __init__(self, chunking=True, extensions=(), answers=None, port=0):
        """answers: {first words of a command: reply line}, instead of the usual replies."""
        self.chunking = chunking
        self.extensions = ["PIPELINING", "8BITMIME", "SIZE", *extensions]
        if chunking:
            self.extensions += ["CHUNKING", "BINARYMIME"]
        self.answers = answers or {}
        self.hold = threading.Event()
        self.hold.set()
        self.received = threading.Event()   # the content of a message is complete
        self.messages = []
        self.commands = []
        self.connections = 0
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Ends all connections, like a backend that is killed."""
        self.hold.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.cut()

    def cut(self):
        """Ends the connections, but accepts new ones."""
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rwb") as stream:
                self._session(stream)
        except OSError:
            pass

    def _session(self, stream):
        recipients, content = [], b""

        def say(line):
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        def finish():
            self.messages.append(content)
            self.received.set()
            self.hold.wait(60)
            for each in recipients:
                say(self.answers.get(f"final {each}", f"250 2.0.0 <{each}> taken"))

        say("220 backend.test LMTP")
        for line in stream:
            line = line.decode().rstrip("\r\n")
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            answer = next((reply for start, reply in self.answers.items()
                           if line.startswith(start)), None)
            if verb == "BDAT":
                words = line.split(" ")
                content += stream.read(int(words[1]))
                if words[-1] == "LAST":
                    finish()
                    recipients, content = [], b""
                else:
                    say("250 2.0.0 go on")
            elif answer:
                say(answer)
            elif verb == "LHLO":
                names = ["backend.test", *self.extensions]
                for i, name in enumerate(names):
                    say(("250 " if i == len(names) - 1 else "250-") + name)
            elif verb == "RCPT":
                recipients.append(re.search("<(.*?)>", line)[1])
                say("250 2.1.5 ok")
            elif verb == "DATA":
                say("354 go")
                for text in stream:
                    if text == b".\r\n":
                        break
                    content += text[1:] if text.startswith(b".") else text
                finish()
                recipients, content = [], b""
            elif verb == "QUIT":
                say("221 2.0.0 bye")
                return
            else:
                if verb == "RSET":
                    recipients, content = [], b""
                say("250 2.0.0 ok")
