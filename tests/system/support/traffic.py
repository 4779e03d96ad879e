"""Traffic that never stops, and notices everything that goes wrong: a refused connection, a cut session, a wrong byte."""

import threading

from . import net
from .net import exchange, receive_to_end, send_fin
from .wait import wait_until

# Every session leaves a port of its client in TIME_WAIT for a minute. So that a long run takes no port from other programs, sessions
# follow each other at this distance and come from an address that nobody else uses.
PAUSE = 0.01
SOURCE = "127.0.0.77"


class Traffic:
    """For each port a thread that connects, exchanges and ends one session after another, and one thread for sessions that are held
    open from the beginning to the end. With its `with` block it ends and raises the first failure; `finished` counts new sessions,
    `rounds` the times that all held ones have been used."""

    def __init__(self, new=(), held=()):
        self.finished = dict.fromkeys(new, 0)
        self.rounds = 0
        self.failures = []
        self.done = threading.Event()
        self.held = [net.connect(port) for port in held]
        self.threads = [self._thread(self._come_and_go, port) for port in new]
        if self.held:
            self.threads.append(self._thread(self._use_held))

    def _thread(self, work, *arguments):
        def guarded():
            try:
                while not self.done.is_set():
                    work(*arguments)
                    self.done.wait(PAUSE)
            except (OSError, AssertionError) as failure:
                self.failures.append(failure)

        return threading.Thread(target=guarded, daemon=True)

    def _come_and_go(self, port):
        data = b"%d " % self.finished[port] * 100
        with net.connect(port, source=SOURCE) as sock:
            assert exchange(sock, data) == data
            send_fin(sock)
            assert receive_to_end(sock) == b""
        self.finished[port] += 1

    def _use_held(self):
        for number, sock in enumerate(self.held):
            data = b"held %d " % number * 100
            assert exchange(sock, data) == data
        self.rounds += 1

    def check(self):
        if self.failures:
            raise AssertionError(f"the traffic met {self.failures[0]!r}") from self.failures[0]

    def wait_for_more(self):
        """Until every port has served a session that began later than now, and every held session has been used."""
        sessions = {port: count + 2 for port, count in self.finished.items()}
        rounds = self.rounds + (2 if self.held else 0)

        def came():
            self.check()
            return self.rounds >= rounds and all(self.finished[port] >= count for port, count in sessions.items())

        wait_until(came, lambda: f"more traffic: {self.finished}, {self.rounds} rounds", interval=0.001)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.done.set()
        for thread in self.threads:
            thread.join(2 * net.DEADLINE)
        for sock in self.held:
            sock.close()
        if kind is None:
            self.check()
