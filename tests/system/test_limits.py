"""Limits are never exceeded by even one (SEMANTICS S15), and who is kept out is reset and counted."""

import threading

import pytest
from support import net
from support.net import exchange, receive_exactly
from support.peers import Echo
from support.server import echo_config, proxy_config, server_config


def storm(server, targets, count):
    """So many clients at the same moment, on threads; answers the served sockets and how many were
    refused."""
    gate = threading.Barrier(min(count, 50))
    served, refused, failures = [], [], []
    lock = threading.Lock()

    def worker(share):
        gate.wait(30)
        for name, options in share:
            try:
                sock = net.connect(server.port(name), **options)
            except ConnectionResetError:
                with lock:
                    refused.append(name)
                continue
            except Exception as failure:
                failures.append(failure)
                return
            try:
                sock.sendall(b"ping")
                assert receive_exactly(sock, 4) == b"ping"
                with lock:
                    served.append(sock)
                    server.sockets.append(sock)
            except (ConnectionResetError, BrokenPipeError):
                with lock:
                    refused.append(name)
                sock.close()
            except Exception as failure:
                failures.append(failure)

    jobs = [targets[number % len(targets)] for number in range(count)]
    threads = [
        threading.Thread(target=worker, args=(jobs[number :: gate.parties],))
        for number in range(gate.parties)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    return served, refused


def test_listener_limit_is_exact(start_server):
    server = start_server(echo_config(max_sessions=17))
    served, refused = storm(server, [("echo", {})], 150)
    assert (len(served), len(refused)) == (17, 133)
    scope = server.listener("echo")
    assert scope["sessions"]["active"] == scope["sessions"]["peak"] == scope["sessions"]["limit"] == 17
    assert scope["sessions"]["total"] == 17
    assert server.refused("echo") == {"listener_limit": 133}


def test_server_limit_is_exact_over_all_listeners(start_server):
    with Echo() as upstream:
        server = start_server(server_config(max_sessions=23) + echo_config() + proxy_config(upstream.port))
        served, refused = storm(server, [("echo", {}), ("proxy", {})], 150)
        assert (len(served), len(refused)) == (23, 127)
        totals = server.stats()["totals"]
        assert totals["sessions"]["peak"] == totals["sessions"]["limit"] == 23
        assert totals["refused"]["server_limit"] == 127
        assert upstream.peak <= 23


def test_limit_per_address_is_exact(start_server):
    server = start_server(echo_config(max_sessions_per_ip=3))
    sources = [f"127.0.0.{number}" for number in range(11, 21)]
    served, refused = storm(server, [("echo", {"source": source}) for source in sources], 200)
    assert (len(served), len(refused)) == (30, 170)
    from_whom = {source: sum(sock.getsockname()[0] == source for sock in served) for source in sources}
    assert from_whom == dict.fromkeys(sources, 3)
    assert server.refused("echo") == {"ip_limit": 170}


def test_upstream_server_limit_is_exact(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port, server="max_sessions=9"))
        served, refused = storm(server, [("proxy", {})], 100)
        assert (len(served), len(refused)) == (9, 91)
        assert upstream.total == upstream.peak == 9
        sessions = server.upstream_server()["sessions"]
        assert sessions["active"] == sessions["peak"] == sessions["limit"] == 9
        assert server.closed("proxy") == {"server_limit": 91}


@pytest.mark.parametrize(
    "config, reason",
    [
        (echo_config(max_sessions=2), "listener_limit"),
        (server_config(max_sessions=2) + echo_config(), "server_limit"),
        (echo_config(max_sessions_per_ip=2), "ip_limit"),
    ],
)
def test_a_place_is_free_again_after_a_session_ended(start_server, config, reason):
    server = start_server(config)
    first, second = server.connect("echo"), server.connect("echo")
    for sock in (first, second):
        assert exchange(sock, b"in") == b"in"
    assert server.turned_away("echo") == ("reset", b"")
    first.close()
    server.wait_active(1)
    assert exchange(server.connect("echo"), b"in again") == b"in again"
    assert server.turned_away("echo") == ("reset", b"")
    assert server.refused("echo") == {reason: 2}


def test_upstream_place_is_free_again_after_a_session_ended(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port, server="max_sessions=1"))
        first = server.connect("proxy")
        assert exchange(first, b"in") == b"in"
        assert server.turned_away("proxy") == ("reset", b"")
        first.close()
        server.wait_active(0)
        assert exchange(server.connect("proxy"), b"in again") == b"in again"


def test_limit_holds_while_sessions_come_and_go(start_server):
    """Many short sessions against a small limit: the highest number ever is never above it."""
    server = start_server(echo_config(max_sessions=5))
    failures, served = [], []

    def worker():
        for _ in range(60):
            try:
                with net.connect(server.port("echo")) as sock:
                    sock.sendall(b"x")
                    served.append(receive_exactly(sock, 1))
            except (ConnectionResetError, BrokenPipeError):
                continue
            except Exception as failure:
                failures.append(failure)

    threads = [threading.Thread(target=worker) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures[:3]
    assert len(served) > 0
    scope = server.listener("echo")
    assert scope["sessions"]["peak"] <= 5
    server.wait_active(0)
    scope = server.listener("echo")
    assert scope["sessions"]["total"] + sum(scope["refused"].values()) == 12 * 60


def test_refused_clients_reach_no_upstream(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port, max_sessions=1))
        assert exchange(server.connect("proxy"), b"in") == b"in"
        for _ in range(20):
            assert server.turned_away("proxy") == ("reset", b"")
        assert upstream.total == 1
