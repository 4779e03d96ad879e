"""20,000 connections come and go: handles and memory are back where they were."""

import threading

import pytest
from support import net, runtime
from support.net import receive_exactly, receive_to_end, reset, send_fin
from support.peers import Echo
from support.server import echo_config, proxy_config
from support.wait import wait_until

pytestmark = [pytest.mark.linux, pytest.mark.slow]

THREADS = 8


def churn(server, name, count):
    """Connections one after another on some threads, ended in every usual way."""
    failures = []

    def worker(share):
        try:
            for number in range(share):
                sock = net.connect(server.port(name))
                way = number % 4
                if way == 3:
                    sock.close()
                    continue
                sock.sendall(b"0123456789")
                assert receive_exactly(sock, 10) == b"0123456789"
                if way == 0:
                    send_fin(sock)
                    assert receive_to_end(sock) == b""
                    sock.close()
                elif way == 1:
                    reset(sock)
                else:
                    sock.close()
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=worker, args=(count // THREADS,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert not failures, failures[0]


@pytest.mark.parametrize("kind, count", [("echo", 12_000), ("proxy", 8_000)])
def test_churn_leaves_nothing_behind(start_server, wine_server, record_property, kind, count):
    with Echo() as upstream:
        server = start_server(echo_config() + proxy_config(upstream.port))
        # The first thousand fills pools and caches; growth after it would be a leak.
        churn(server, kind, 1000)
        server.wait_active(0)
        handles, memory = settled_files(wine_server), runtime.resident_bytes(server.pid)
        own_files = runtime.open_files(server.pid)
        before = server.listener(kind)["sessions"]["total"]

        churn(server, kind, count)

        stats = server.wait_active(0, 60)
        assert server.listener(kind)["sessions"]["total"] == before + count
        wait_until(
            lambda: upstream.active == 0, lambda: f"the upstream's connections to end: {upstream.active}"
        )
        # A leak of one handle in a hundred connections would be a hundred here.
        wait_until(lambda: runtime.open_files(wine_server.pid()) <= handles + 20, "handles to be given back")
        wait_until(lambda: runtime.open_files(server.pid) <= own_files + 20, "files to be given back")
        growth = runtime.resident_bytes(server.pid) - memory
        record_property("memory_growth_bytes", growth)
        record_property("handles_before_after", f"{handles} {runtime.open_files(wine_server.pid())}")
        assert growth < 4 << 20, f"{growth} bytes more after {count} connections"
        assert upstream.failure is None
        assert stats["totals"]["refused"] == dict.fromkeys(stats["totals"]["refused"], 0)


def settled_files(wine_server):
    from support.wait import wait_stable

    return wait_stable(lambda: runtime.open_files(wine_server.pid()), "the number of handles to settle")
