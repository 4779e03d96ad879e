"""An HTTP server for transfers of any size: nothing is stored, every byte is made or hashed as it passes.

GET /SIZE sends so many bytes of the pattern; PUT hashes what comes and answers the SHA-256.
"""

import hashlib
import threading
from contextlib import suppress

from .net import CHUNK, DEADLINE, Pattern
from .peers import Listening


class PatternServer:
    def __init__(self, seed="transfer"):
        self.pattern = Pattern(seed)
        self.listening = Listening()
        self.port = self.listening.port
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with suppress(OSError):
            while True:
                sock, _ = self.listening.sock.accept()
                sock.settimeout(DEADLINE)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock, suppress(OSError):
            reader = sock.makefile("rb", CHUNK * 4)
            method, path, _ = reader.readline().split()
            length = 0
            while line := reader.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if method == b"GET":
                size = int(path[1:])
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
                for part in self.pattern.parts(size):
                    sock.sendall(part)
            else:
                digest, left = hashlib.sha256(), length
                while left and (part := reader.read1(min(CHUNK * 4, left))):
                    digest.update(part)
                    left -= len(part)
                body = digest.hexdigest().encode()
                sock.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                    % (len(body), body)
                )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.sock.shutdown(2)
        self.listening.close()
        self.thread.join(DEADLINE)
