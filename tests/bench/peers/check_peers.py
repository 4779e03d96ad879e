"""Every peer serves as it must, so that a number of the benchmark is the number of something that works.

Not a test of Fairlead, and the peers take long to build: scripts/bench_peers.sh --check runs it.
"""

import hashlib
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import contestants, running, wine
from harness.cells import ECHO, PROXY
from support import runtime

PEERS = Path(__file__).resolve().parents[3] / "build/bench/peers/peers.json"
CONNECTIONS = 64
BYTES = 1 << 20
CHUNK = 64 << 10
DEADLINE = 120
LATE_ANSWER = b"after your end"


def available():
    peers, _ = contestants.read_peers(PEERS)
    return [pytest.param(peer, service, id=f"{peer.name}-{service}") for peer in peers for service in peer.commands]


@pytest.fixture(scope="module")
def prefix():
    with wine.Wine(runtime.prefix()) as kept_warm:
        yield kept_warm


class Upstream:
    """A server that handles each connection in a thread of its own."""

    def __init__(self, handle):
        self.handle = handle
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                self.handle(connection)
            except OSError:
                # The client ended it; what that means is for the test to say.
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


def echo(connection):
    while piece := connection.recv(CHUNK):
        connection.sendall(piece)


def digest_of_all(connection):
    """One byte is answered at once, as the harness asks for; the digest of everything only after the end."""
    sha = hashlib.sha256()
    first = True
    while piece := connection.recv(CHUNK):
        sha.update(piece)
        if first:
            connection.sendall(b"!")
            first = False
    connection.sendall(sha.digest() + LATE_ANSWER)


def receive_all(connection):
    pieces = []
    while piece := connection.recv(CHUNK):
        pieces.append(piece)
    return b"".join(pieces)


def exchange(port, seed):
    """Sends everything and FIN while a thread reads to the server's FIN; answers (what was sent, what came)."""
    sent = random.Random(seed).randbytes(BYTES)
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection, ThreadPoolExecutor(1) as reader:
        received = reader.submit(receive_all, connection)
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return sent, received.result()


def exchange_at_once(port):
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        yield from pool.map(lambda seed: exchange(port, seed), range(CONNECTIONS))


@pytest.mark.parametrize("peer, service", available())
def test_peer_echoes_every_byte_to_many_at_once(peer, service, prefix, tmp_path):
    with Upstream(echo) as upstream, running.Running(peer, service, upstream.port, tmp_path / "run", prefix) as serving:
        for sent, received in exchange_at_once(serving.port):
            assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()


@pytest.mark.parametrize("peer, service", [each for each in available() if each.values[1] == PROXY])
def test_proxy_passes_the_end_on_and_still_answers(peer, service, prefix, tmp_path):
    with (
        Upstream(digest_of_all) as upstream,
        running.Running(peer, service, upstream.port, tmp_path / "run", prefix) as serving,
    ):
        for sent, received in exchange_at_once(serving.port):
            assert received == b"!" + hashlib.sha256(sent).digest() + LATE_ANSWER


@pytest.mark.parametrize("peer, service", [each for each in available() if each.values[1] == ECHO])
def test_echo_waits_for_a_client_that_does_not_read(peer, service, prefix, tmp_path):
    """Backpressure: what is sent and not read must stop the client soon, and all of it must come in the end."""
    with running.Running(peer, service, 0, tmp_path / "run", prefix) as serving:
        with socket.create_connection(("127.0.0.1", serving.port), timeout=DEADLINE) as connection:
            sent = fill(connection)
            assert sent < 64 << 20
            connection.settimeout(DEADLINE)
            connection.shutdown(socket.SHUT_WR)
            assert len(receive_all(connection)) == sent


def fill(connection):
    """Sends until nothing more is taken for a second, at most 64 MiB."""
    connection.settimeout(1)
    piece = bytes(CHUNK)
    sent = 0
    while sent < 64 << 20:
        try:
            sent += connection.send(piece)
        except TimeoutError:
            break
    return sent
