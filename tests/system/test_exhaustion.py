"""Out of handles: serve on, spend no processor time, resume unaided (SEMANTICS S14).

`ulimit -n 400` for the program and for a Wine server of its own, and 600 clients.
"""

import resource
import select
import socket
import time

import pytest
from support import net, runtime
from support.net import exchange
from support.peers import Echo
from support.server import echo_config, proxy_config
from support.wait import wait_until

pytestmark = pytest.mark.linux

FILES = 400
CLIENTS = 600


def few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


@pytest.fixture
def starved(tmp_path, make_server):
    """starved(config): a Server under `ulimit -n 400`, with a Wine server that has the same limit."""
    twin = runtime.twin_prefix(tmp_path)
    with runtime.WineServer(twin, preexec=few_files) as wine_server:

        def start(config):
            server = make_server(config, env=runtime.environment(twin), preexec=few_files).start()
            server.wine_server = wine_server
            return server

        yield start


class Crowd:
    """Clients that each say one line and wait for it to come back."""

    def __init__(self, server, name, count):
        self.waiting, self.served, self.refused = {}, [], []
        for number in range(count):
            line = b"client %06d\n" % number
            try:
                sock = net.connect(server.port(name))
                sock.sendall(line)
            except (ConnectionResetError, BrokenPipeError):
                self.refused.append(number)
                continue
            self.waiting[sock] = line

    def poll(self, seconds):
        """Takes the answers that come within the time; True when there was one."""
        poller = select.poll()
        by_number = {sock.fileno(): sock for sock in self.waiting}
        for number in by_number:
            poller.register(number, select.POLLIN)
        ready = poller.poll(seconds * 1000)
        for number, _ in ready:
            sock = by_number[number]
            line = self.waiting.pop(sock)
            try:
                data = sock.recv(len(line), socket.MSG_WAITALL)
            except ConnectionResetError:
                self.refused.append(sock)
                sock.close()
                continue
            assert data == line, data
            self.served.append(sock)
        return bool(ready)

    def settle(self, quiet, deadline):
        """Polls until nobody was answered for `quiet` seconds."""
        end = time.monotonic() + deadline
        while self.waiting and self.poll(quiet):
            assert time.monotonic() < end, "the crowd does not come to rest"

    def close(self):
        for sock in [*self.waiting, *self.served]:
            sock.close()


def cpu_of_both(server):
    return runtime.cpu_seconds(server.pid) + runtime.cpu_seconds(server.wine_server.pid())


def endure(server, name, record_property):
    crowd = Crowd(server, name, CLIENTS)
    try:
        crowd.settle(quiet=3, deadline=90)
        record_property("served_at_once", len(crowd.served))
        record_property("refused", len(crowd.refused))
        assert crowd.served, "nobody was served"
        if crowd.waiting:
            # Exhausted now, with a full backlog. A server that spins uses whole processors, its own or those
            # of the Wine server that it asks in vain.
            before, start = cpu_of_both(server), time.monotonic()
            crowd.poll(3)
            spent, passed = cpu_of_both(server) - before, time.monotonic() - start
            record_property("cpu_share_while_exhausted", round(spent / passed, 3))
            assert spent < 0.2 * passed, f"{spent:.2f} s of processor time in {passed:.2f} s"
            # Who is served stays served.
            for client in crowd.served[:5]:
                assert exchange(client, b"still there?") == b"still there?"
        # The served leave one by one, and everybody else gets a turn, unaided.
        end = time.monotonic() + 120
        while crowd.waiting:
            assert time.monotonic() < end, f"{len(crowd.waiting)} clients are never served"
            for sock in crowd.served[:50]:
                sock.close()
            del crowd.served[:50]
            crowd.poll(2)
        record_property("refused_in_all", len(crowd.refused))
    finally:
        crowd.close()


def check_recovered(server, name, start):
    stats = server.wait_active(0, 60)
    for _ in range(50):
        with net.connect(server.port(name)) as sock:
            assert exchange(sock, b"fine again") == b"fine again"
    troubles = [line for line in server.log().splitlines() if " warn" in line or " error" in line]
    # One line per place and interval of 5 s; there are three such places.
    assert len(troubles) <= 3 * (1 + (time.monotonic() - start) / 5), troubles
    return stats


def test_echo_survives_a_lack_of_handles(starved, record_property):
    start = time.monotonic()
    server = starved(echo_config())
    endure(server, "echo", record_property)
    check_recovered(server, "echo", start)
    server.check_end()


def test_proxy_survives_a_lack_of_handles(starved, record_property):
    start = time.monotonic()
    with Echo() as upstream:
        server = starved(proxy_config(upstream.port))
        endure(server, "proxy", record_property)
        wait_until(lambda: upstream.active == 0, "the upstream's connections to end")
        check_recovered(server, "proxy", start)
        server.check_end()
