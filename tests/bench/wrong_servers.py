"""Servers that are wrong on purpose, one thread for each client."""

import select
import socket
import threading
from contextlib import suppress

from support.wait import DEADLINE

BUFFER = 65536


def receive_exactly(client, count):
    """Fewer bytes when the end comes first."""
    data = b""
    while len(data) < count and (piece := client.recv(count - len(data))):
        data += piece
    return data


class Server:
    """Serves each client with serve(client, number); both are this server's to close."""

    def __init__(self, serve):
        self._serve = serve
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listening.getsockname()[1]
        self._clients = []
        self._threads = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        # Ends when the socket is shut down.
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._clients.append(client)
                thread = threading.Thread(target=self._run, args=(client, len(self._clients) - 1), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _run(self, client, number):
        # load resets a connection that it has found wrong.
        with client, suppress(OSError, threading.BrokenBarrierError):
            self._serve(client, number)

    def count(self):
        """How many clients have come."""
        return len(self._clients)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # close alone would not wake a thread that waits in accept or recv.
        self._listening.shutdown(socket.SHUT_RDWR)
        join(self._acceptor)
        self._listening.close()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            join(thread)


def join(thread):
    thread.join(DEADLINE)
    assert not thread.is_alive()


def echo(change=None):
    """An echo whose answers go through change(data, position in the stream)."""

    def serve(client, _number):
        position = 0
        while data := client.recv(BUFFER):
            client.sendall(change(data, position) if change else data)
            position += len(data)

    return serve


def at(place, act):
    """A change that applies act(data, index) to the piece in which the byte at `place` lies."""

    def change(data, position):
        if position <= place < position + len(data):
            return act(data, place - position)
        return data

    return change


def flip(data, index):
    return data[:index] + bytes([data[index] ^ 0x10]) + data[index + 1 :]


def lose(data, index):
    return data[:index] + data[index + 1 :]


def double(data, index):
    return data[: index + 1] + data[index:]


def swap(data, index):
    return data[:index] + data[index : index + 2][::-1] + data[index + 2 :]


class Crossing:
    """An echo that gives the two clients each other's bytes, once `place` bytes are served."""

    def __init__(self, size, place):
        self._size, self._place = size, place
        self._pieces = [b"", b""]
        self._meet = threading.Barrier(2)

    def serve(self, client, number):
        try:
            client.sendall(receive_exactly(client, self._place))
            while piece := receive_exactly(client, self._size):
                self._pieces[number] = piece
                self._meet.wait()
                client.sendall(self._pieces[1 - number])
                self._meet.wait()
        finally:
            # The other one must not wait for this one any more.
            self._meet.abort()


def close_after(count):
    """A good echo of so many bytes."""

    def serve(client, _number):
        left = count
        while left and (data := client.recv(min(left, BUFFER))):
            client.sendall(data)
            left -= len(data)

    return serve


def keeps_last(client, _number):
    """A good echo but for the last byte before FIN."""
    kept = b""
    while data := client.recv(BUFFER):
        data = kept + data
        # Of what may be the greeting everything is due at once.
        kept = data[-1:] if len(data) > 8 else b""
        client.sendall(data[: len(data) - len(kept)])


def hold(client):
    """Until the connection is reset, or this server's end has shut it down. FIN alone does not count."""
    waiting = select.poll()
    waiting.register(client, 0)
    waiting.poll()


def silent_after(count):
    """Gives back no more than that."""

    def serve(client, _number):
        client.sendall(receive_exactly(client, count))
        hold(client)

    return serve


def never_closes(client, number):
    """A good echo whose FIN does not come."""
    echo()(client, number)
    hold(client)


def sends(data):
    """A source of that and nothing else."""

    def serve(client, _number):
        client.sendall(data)
        hold(client)

    return serve


def sink_that_answers(answer):
    """Takes everything and answers FIN with answer(number of bytes)."""

    def serve(client, _number):
        count = 0
        while data := client.recv(BUFFER):
            count += len(data)
        client.sendall(answer(count))

    return serve


def relay(port, change):
    """A proxy in front of `port` that changes what the client sends."""

    def serve(client, _number):
        position = 0
        with socket.create_connection(("127.0.0.1", port)) as behind:
            while data := client.recv(BUFFER):
                behind.sendall(change(data, position))
                position += len(data)
            behind.shutdown(socket.SHUT_WR)
            while data := behind.recv(BUFFER):
                client.sendall(data)

    return serve
