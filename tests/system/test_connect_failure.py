"""Upstreams that refuse, hang or come late (SEMANTICS S7, S8)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support import runtime
from support.net import (
    Pattern,
    exchange,
    how_it_ends,
    is_quiet,
    receive_exactly,
    receive_to_end,
    reset,
    send_fin,
)
from support.peers import Hanging, Listening, Refusing
from support.server import proxy_config
from support.wait import wait_stable, wait_until


def test_refused_resets_the_client_and_is_counted(start_server):
    with Refusing() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0}))
        assert server.turned_away("proxy", say=b"nobody will read this") == ("reset", b"")
        server.wait_closed("proxy", "connect_failed")
        seen = server.upstream_server()
        assert seen["errors"]["connect_refused"] == 1
        assert seen["bytes"]["out"] == 0


@pytest.mark.parametrize("retries", [1, 3])
def test_refused_is_retried_as_often_as_configured(start_server, retries):
    with Refusing() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": retries}))
        assert server.turned_away("proxy") == ("reset", b"")
        server.wait_closed("proxy", "connect_failed")
        assert server.upstream_server()["errors"]["connect_refused"] == 1 + retries


def test_many_refused_clients_are_all_counted(start_server):
    with Refusing() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0}))
        with ThreadPoolExecutor(20) as pool:
            ends = set(pool.map(lambda _: server.turned_away("proxy"), range(100)))
        assert ends == {("reset", b"")}
        server.wait_closed("proxy", "connect_failed", 100)
        assert server.upstream_server()["errors"]["connect_refused"] == 100


def test_client_bytes_arrive_once_after_retries(start_server):
    """The upstream starts late: what the client sent meanwhile comes exactly once, nothing is replayed."""
    with Refusing() as upstream:
        server = start_server(
            proxy_config(upstream.port, upstream={"retries": 100, "connect_timeout": "10m"})
        )
        client = server.connect("proxy")
        data = Pattern("late").bytes(500_000)
        client.sendall(data[:100])
        wait_until(lambda: server.upstream_server()["errors"]["connect_refused"] >= 2, "two refused attempts")
        upstream.listen()
        behind = upstream.accept()
        assert receive_exactly(behind, 100) == data[:100]
        client.sendall(data[100:])
        send_fin(client)
        assert receive_to_end(behind) == data[100:]
        behind.sendall(b"done")
        send_fin(behind)
        assert receive_to_end(client) == b"done"
        server.wait_closed("proxy", "finished")
        assert upstream.nobody_comes(0.5)


def test_client_waits_quietly_while_attempts_go_on(start_server):
    with Refusing() as upstream:
        server = start_server(
            proxy_config(upstream.port, upstream={"retries": 100, "connect_timeout": "10m"})
        )
        client = server.connect("proxy")
        assert is_quiet(client, 1)
        upstream.listen()
        upstream.accept().sendall(b"hello")
        assert receive_exactly(client, 5) == b"hello"


def test_hanging_connect_ends_at_the_timeout(start_server):
    with Hanging() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0, "connect_timeout": "1s"}))
        client = server.connect("proxy")
        client.sendall(b"hello?")
        assert how_it_ends(client) == ("reset", b"")
        server.wait_closed("proxy", "connect_failed")
        assert server.upstream_server()["errors"]["connect_timeout"] == 1


def test_connect_that_timed_out_is_tried_again(start_server):
    with Hanging() as upstream:
        server = start_server(
            proxy_config(upstream.port, upstream={"retries": 2, "connect_timeout": "500ms"})
        )
        assert server.turned_away("proxy") == ("reset", b"")
        server.wait_closed("proxy", "connect_failed")
        assert server.upstream_server()["errors"]["connect_timeout"] == 3


def test_fin_while_connecting_is_delivered_after_the_connect(start_server):
    """SEMANTICS S8."""
    with Hanging() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0, "connect_timeout": "1m"}))
        client = server.connect("proxy")
        client.sendall(b"question")
        send_fin(client)
        server.wait_active(1)
        assert is_quiet(client, 1)  # FIN is no reason to give up
        upstream.open()
        behind = upstream.accept()
        assert receive_to_end(behind) == b"question"
        behind.sendall(b"answer")
        send_fin(behind)
        assert how_it_ends(client) == ("fin", b"answer")
        server.wait_closed("proxy", "finished")


def test_fin_without_a_byte_while_connecting_is_delivered(start_server):
    with Hanging() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0, "connect_timeout": "1m"}))
        client = server.connect("proxy")
        send_fin(client)
        assert is_quiet(client, 1)
        upstream.open()
        behind = upstream.accept()
        assert receive_to_end(behind) == b""
        behind.sendall(b"answer")
        behind.close()
        assert how_it_ends(client) == ("fin", b"answer")


def test_much_data_while_connecting_waits_in_the_client(start_server):
    """More than one buffer: the rest stays in the kernel until the connect succeeds."""
    with Hanging() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0, "connect_timeout": "1m"}))
        client = server.connect("proxy")
        data = Pattern("much").bytes(120_000)
        client.sendall(data)
        send_fin(client)
        wait_until(lambda: server.listener("proxy")["bytes"]["in"] > 0, "the first bytes to be read ahead")
        assert server.listener("proxy")["bytes"]["in"] <= 16 * 1024
        if not runtime.WINDOWS:
            wait_stable(lambda: runtime.cpu_seconds(server.pid), "the processor time to come to rest", 10)
        upstream.open()
        assert receive_to_end(upstream.accept()) == data


def test_client_reset_while_connecting_cancels_at_once(start_server):
    """SEMANTICS S8. The connect alone would hang for an hour; the byte shows when the client is being
    watched."""
    with Hanging() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0, "connect_timeout": "1h"}))
        client = server.connect("proxy")
        client.sendall(b"x")
        wait_until(lambda: server.listener("proxy")["bytes"]["in"] == 1, "the byte to be read ahead")
        reset(client)
        server.wait_closed("proxy", "client_reset")
        assert server.upstream_server()["sessions"]["active"] == 0
        assert server.stats()["totals"]["bytes"]["discarded"] == 1
        upstream.open()
        assert upstream.nobody_comes(2)


def test_upstream_that_closes_at_once(start_server):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        for _ in range(30):
            client = server.connect("proxy")
            upstream.accept().close()
            assert how_it_ends(client)[1] == b""
            client.close()
        server.wait_active(0)


def test_upstream_that_resets_at_once(start_server):
    """A reset may come so early that the system calls the connect itself failed; no retries, so that it
    counts."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0}))
        for _ in range(30):
            client = server.connect("proxy")
            reset(upstream.accept())
            assert how_it_ends(client)[1] == b""
            client.close()
        server.wait_active(0)


def test_listener_serves_others_while_one_upstream_hangs(start_server):
    with Hanging() as stuck, Listening() as upstream:
        server = start_server(
            proxy_config(stuck.port, "bad", upstream={"retries": 0, "connect_timeout": "1m"})
            + proxy_config(upstream.port, "good")
        )
        waiting = [server.connect("bad") for _ in range(30)]
        client = server.connect("good")
        behind = upstream.accept()
        client.sendall(b"ping")
        assert receive_exactly(behind, 4) == b"ping"
        for sock in waiting:
            sock.sendall(b"x")
        wait_until(lambda: server.listener("bad")["bytes"]["in"] == 30, "the waiting clients to be watched")
        for sock in waiting:
            reset(sock)
        server.wait_closed("bad", "client_reset", 30)


def test_recovered_upstream_serves_new_clients(start_server):
    with Refusing() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0}))
        assert server.turned_away("proxy") == ("reset", b"")
        upstream.listen()
        client = server.connect("proxy")
        behind = upstream.accept()
        behind.sendall(b"back")
        assert receive_exactly(client, 4) == b"back"
        client.sendall(b"ok")
        assert receive_exactly(behind, 2) == b"ok"


def test_exchange_helper_reports_a_reset(start_server):
    """The tests' own tool: a refused session must not look like a success."""
    with Refusing() as upstream:
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0}))
        with pytest.raises((AssertionError, ConnectionResetError)):
            exchange(server.connect("proxy"), b"data")
