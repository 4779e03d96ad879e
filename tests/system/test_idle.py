"""2,000 idle connections are held, cost little, work, and are given back."""

import pytest
from support import runtime
from support.net import exchange, receive_exactly
from support.peers import Echo
from support.server import echo_config, proxy_config
from support.wait import wait_stable, wait_until

CONNECTIONS = 2000

pytestmark = [pytest.mark.linux, pytest.mark.slow]

# Generous: about a third of this is expected. A buffer of 16 KiB per idle connection would exceed it.
BYTES_PER_SESSION_MAX = 8 * 1024

LEAK_MIN = 512 * CONNECTIONS


@pytest.mark.parametrize("kind", ["echo", "proxy"])
def test_2000_idle_connections_are_held_and_released(start_server, record_property, kind):
    with Echo() as upstream:
        server = start_server(echo_config() + proxy_config(upstream.port))
        # One session of each kind, so that what is made once is not counted per connection.
        for name in ("echo", "proxy"):
            assert exchange(server.connect(name), b"x") == b"x"
        start_memory = runtime.resident_bytes(server.pid)
        held, left = [], [start_memory]
        # What is kept is kept for the next crowd, which costs nothing more, unless it came closer together
        # and needed more at one time; a leak grows with every crowd.
        while len(left) < 3 or (left[-1] - left[-2] > LEAK_MIN and len(left) < 6):
            hold_and_release(server, kind, lambda: held.append(settled_memory(server)))
            if kind == "proxy":
                wait_until(lambda: upstream.active == 1, "the upstream's connections to end")
            left.append(settled_memory(server))
        per_session = (held[0] - start_memory) // CONNECTIONS
        record_property("bytes_per_idle_session", per_session)
        record_property("kilobytes_kept_after_each_crowd", [(kept - start_memory) >> 10 for kept in left[1:]])
        assert per_session < BYTES_PER_SESSION_MAX
        assert left[-1] - left[-2] <= LEAK_MIN
        assert server.listener(kind)["sessions"]["peak"] == CONNECTIONS + 1


def settled_memory(server):
    """Buffers are given back once a connection was quiet for a while."""
    blocks = wait_stable(lambda: runtime.resident_bytes(server.pid) >> 16, "memory to settle", 15, 60, 0.2)
    return blocks << 16


def hold_and_release(server, kind, measure):
    clients = [server.connect(kind) for _ in range(CONNECTIONS)]
    server.wait_active(CONNECTIONS + 2)
    for client in clients:
        client.sendall(b"hello")
    for client in clients:
        assert receive_exactly(client, 5) == b"hello"
    measure()
    for client in (clients[0], clients[CONNECTIONS // 2], clients[-1]):
        assert exchange(client, b"awake") == b"awake"
    for client in clients:
        client.close()
    server.wait_active(2, 60)


def test_idle_connections_use_no_processor_time(start_server, record_property):
    server = start_server(echo_config())
    clients = [server.connect("echo") for _ in range(500)]
    server.wait_active(500)
    for client in clients:
        assert exchange(client, b"x") == b"x"
    # The quiet time of the pipes passes, with some work for each; after that there is none.
    wait_stable(lambda: runtime.cpu_seconds(server.pid), "the processor time to come to rest", 15, 60, 0.2)
    record_property("cpu_seconds", runtime.cpu_seconds(server.pid))
