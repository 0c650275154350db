"""Receives the messages that a daemon sends to its service manager, by systemd's protocol.

    manager = ServiceManager(path)         # the daemon's NOTIFY_SOCKET; "\\0..." for an abstract name
    manager.hear("READY=1")                # waits for a datagram with that line; returns its lines
"""
import os
import queue
import socket
import threading
import time


class ServiceManager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        if not path.startswith("\0"):
            os.chmod(path, 0o666)
        # Read continuously, because the queue of the socket holds few datagrams.
        self.heard = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            self.heard.put(self.socket.recv(4096).decode().split("\n"))

    def hear(self, wanted, deadline=60):
        """Waits for a datagram with that line in it; returns all its lines."""
        end = time.monotonic() + deadline
        while True:
            lines = self.heard.get(timeout=max(end - time.monotonic(), 0))
            if wanted in lines:
                return lines
