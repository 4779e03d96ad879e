"""Clients: small functions on plain sockets, each with a deadline."""

import hashlib
import os
import select
import socket
import struct
import threading
from contextlib import suppress

from .wait import DEADLINE

CHUNK = 64 * 1024

# Each process numbers its own ports, so that two runs on one machine seldom meet; below what the kernel
# hands out.
_next_port = 20000 + (os.getpid() * 37) % 10000
_port_lock = threading.Lock()


def free_port(host="127.0.0.1"):
    """A port that nobody uses now and that the kernel never chooses for an outgoing connection."""
    global _next_port
    for _ in range(2000):
        with _port_lock:
            _next_port = 20000 + (_next_port + 1 - 20000) % 12000
            port = _next_port
        with socket.socket(family_of(host)) as probe, suppress(OSError):
            probe.bind((host, port))
            return port
    raise AssertionError("no free port")


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def connect(port, host="127.0.0.1", source=None, receive_buffer=None):
    """A connected TCP socket with a deadline on everything."""
    sock = socket.socket(family_of(host), socket.SOCK_STREAM)
    try:
        sock.settimeout(DEADLINE)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            sock.bind((source, 0))
        sock.connect((host, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def reset(sock):
    """Closes with RST: the peer loses what it has not read of the network yet."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))
    sock.close()


def send_fin(sock):
    sock.shutdown(socket.SHUT_WR)


def receive_exactly(sock, count):
    data = bytearray()
    while len(data) < count:
        part = sock.recv(min(CHUNK, count - len(data)))
        if not part:
            raise AssertionError(f"FIN after {len(data)} of {count} bytes: {bytes(data[-80:])!r}")
        data += part
    return bytes(data)


def receive_to_end(sock):
    """Everything up to FIN. A reset is ConnectionResetError, silence TimeoutError."""
    data = bytearray()
    while True:
        part = sock.recv(CHUNK)
        if not part:
            return bytes(data)
        data += part


def how_it_ends(sock):
    """("fin" or "reset", everything that arrived before)."""
    data = bytearray()
    try:
        while True:
            part = sock.recv(CHUNK)
            if not part:
                return "fin", bytes(data)
            data += part
    except (ConnectionResetError, BrokenPipeError):
        return "reset", bytes(data)


def exchange(sock, data):
    """Sends and reads as much back, at the same time, so that no buffer in between has to hold it."""
    writer = threading.Thread(target=_send_quietly, args=(sock, data), daemon=True)
    writer.start()
    answer = receive_exactly(sock, len(data))
    writer.join(DEADLINE)
    return answer


def _send_quietly(sock, data):
    with suppress(OSError):  # the reader reports what is wrong
        sock.sendall(data)


def turned_away(port, host="127.0.0.1", say=b""):
    """How a client ends that is not served, as how_it_ends tells. The reset may come so early that the
    connect itself reports it."""
    try:
        with connect(port, host) as sock:
            sock.sendall(say)
            return how_it_ends(sock)
    except (ConnectionResetError, BrokenPipeError):
        return "reset", b""


def is_quiet(sock, seconds):
    """True when neither bytes nor FIN nor a reset came within the time. Only for what must not happen."""
    return not select.select([sock], [], [], seconds)[0]


class Pattern:
    """Endless bytes that are cheap to make and differ at every place: a stream cut, doubled or shifted is
    noticed."""

    BLOCK = 1 << 20

    def __init__(self, seed):
        # One block, and in front of each copy its number, so that a lost or swapped block changes the hash.
        self.block = hashlib.shake_256(str(seed).encode()).digest(self.BLOCK - 16)

    def parts(self, total):
        number = 0
        while total > 0:
            part = (b"%016d" % number + self.block)[:total]
            total -= len(part)
            number += 1
            yield part

    def sha256(self, total):
        digest = hashlib.sha256()
        for part in self.parts(total):
            digest.update(part)
        return digest.hexdigest()

    def bytes(self, total):
        return b"".join(self.parts(total))
