"""A syslog for a test with its own /dev (peer.enter): receives the messages sent with syslog(3).

    log = Syslog()      # listens on /dev/log
    log.lines           # 'sendmail[12]: ...', in order of arrival
"""
import os
import re
import socket
import threading


class Syslog:
    def __init__(self, path="/dev/log"):
        self.lines = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(path)
        os.chmod(path, 0o666)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            octets = self._socket.recv(65536)
            # "<22>Nov 24 11:00:00 program[pid]: text"
            text = octets.decode("utf-8", "replace").rstrip("\n\0")
            self.lines.append(re.sub(r"^<\d+>(\w{3} [ \d]\d [\d:]{8} )?", "", text))
