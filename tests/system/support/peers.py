"""Upstream servers, from well-behaved to hostile. All listen on loopback and end with their `with` block."""

import selectors
import socket
import threading
from contextlib import suppress

import pytest

from . import runtime
from .net import CHUNK, DEADLINE, family_of, free_port


class Listening:
    """A listening socket whose test accepts and answers by hand: every byte and every end is the test's
    choice."""

    def __init__(self, host="127.0.0.1", backlog=128, receive_buffer=None):
        self.sock = socket.socket(family_of(host), socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.host, self.port = host, free_port(host)
        self.sock.bind((host, self.port))
        self.sock.listen(backlog)
        self.accepted = []

    def accept(self, deadline=DEADLINE):
        self.sock.settimeout(deadline)
        sock, self.peer = self.sock.accept()
        sock.settimeout(DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted.append(sock)
        return sock

    def nobody_comes(self, seconds):
        """True when no connection arrived within the time. Only for what must not happen."""
        try:
            self.accept(seconds)
        except TimeoutError:
            return True
        return False

    def close(self):
        self.sock.close()
        for sock in self.accepted:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Refusing(Listening):
    """A port that is ours and refuses, until listen() is called."""

    def __init__(self, host="127.0.0.1"):
        self.sock = socket.socket(family_of(host), socket.SOCK_STREAM)
        self.host, self.port = host, free_port(host)
        self.sock.bind((host, self.port))
        self.accepted = []

    def listen(self):
        self.sock.listen(128)


class Hanging(Listening):
    """A port that neither accepts nor refuses: its queue is full, and Linux drops further SYNs. open() makes
    room; the system that connects sends its SYN again after a second or so."""

    def __init__(self, host="127.0.0.1"):
        if runtime.WINDOWS:
            pytest.skip("Windows refuses when a queue is full; only Linux lets a connect hang")
        super().__init__(host, backlog=0)
        self.fillers = []
        for _ in range(8):
            filler = socket.socket(family_of(host), socket.SOCK_STREAM)
            filler.settimeout(0.3)
            self.fillers.append(filler)
            try:
                filler.connect((host, self.port))
            except TimeoutError:
                return
        raise AssertionError("the queue of a socket that never accepts did not fill up")

    def open(self):
        self.fillers.pop().close()  # the one that was not let in
        self.sock.listen(128)
        for filler in self.fillers:
            filler.close()
            self.accept().close()
        self.fillers.clear()

    def close(self):
        for filler in self.fillers:
            filler.close()
        super().close()


class Loop:
    """One thread with a selector; a subclass says what happens to each connection."""

    def __init__(self, host="127.0.0.1"):
        self.listening = Listening(host, backlog=4096)
        self.host, self.port = host, self.listening.port
        self.listening.sock.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.wakeup, self.waker = socket.socketpair()
        self.selector.register(self.listening.sock, selectors.EVENT_READ, None)
        self.selector.register(self.wakeup, selectors.EVENT_READ, None)
        self.connections = {}
        self.total = 0
        self.peak = 0
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def active(self):
        return len(self.connections)

    def _run(self):
        try:
            while True:
                for key, events in self.selector.select():
                    if key.fileobj is self.wakeup:
                        return
                    if key.fileobj is self.listening.sock:
                        self._accept()
                    else:
                        self._serve(key.fileobj, events)
        except BaseException as failure:
            self.failure = failure
            raise

    def _accept(self):
        for _ in range(64):
            try:
                sock, _peer = self.listening.sock.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[sock] = self.opened(sock)
            self.total += 1
            self.peak = max(self.peak, len(self.connections))
            self.selector.register(sock, selectors.EVENT_READ, None)

    def _serve(self, sock, events):
        try:
            self.ready(sock, self.connections[sock], events)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(sock)

    def opened(self, sock):
        return bytearray()

    def ready(self, sock, state, events):
        raise NotImplementedError

    def drop(self, sock):
        self.selector.unregister(sock)
        self.connections.pop(sock, None)
        sock.close()

    def close(self):
        self.waker.send(b"x")
        self.thread.join(DEADLINE)
        for sock in list(self.connections):
            sock.close()
        self.selector.close()
        self.listening.close()
        self.wakeup.close()
        self.waker.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Echo(Loop):
    """Echoes every byte, then FIN; reads no further than it can write."""

    def ready(self, sock, state, events):
        if events & selectors.EVENT_READ and not state:
            data = sock.recv(CHUNK)
            if not data:
                self.drop(sock)  # everything before was written: state is empty
                return
            state += data
        if state:
            with suppress(BlockingIOError):
                del state[: sock.send(state)]
        self.selector.modify(sock, selectors.EVENT_WRITE if state else selectors.EVENT_READ, None)


class Greeting(Loop):
    """Says `greeting` without being asked, and ends."""

    def __init__(self, greeting):
        self.greeting = greeting
        super().__init__()

    def opened(self, sock):
        sock.setblocking(True)
        sock.sendall(self.greeting)
        sock.shutdown(socket.SHUT_WR)
        sock.setblocking(False)
        return bytearray()

    def ready(self, sock, state, events):
        if not sock.recv(CHUNK):
            self.drop(sock)


def pair_through(server, listener, upstream, **options):
    """A client's socket and the upstream's socket of one session through a proxy listener."""
    client = server.connect(listener, **options)
    return client, upstream.accept()
