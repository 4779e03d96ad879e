"""Idle, half-close and lifetime timers end sessions that are due, and no others (SEMANTICS S12). The
connect's is in test_connect_failure.py."""

from contextlib import suppress

import pytest
from support import net
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
from support.peers import Echo, Hanging, Listening, pair_through
from support.server import echo_config, proxy_config
from support.wait import wait_until


def test_idle_session_is_reset_on_both_sides(start_server):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port, idle_timeout="1s"))
        client, behind = pair_through(server, "proxy", upstream)
        client.sendall(b"x")
        assert receive_exactly(behind, 1) == b"x"
        assert how_it_ends(client) == ("reset", b"")
        assert how_it_ends(behind) == ("reset", b"")
        server.wait_closed("proxy", "idle_timeout")


def test_idle_timer_counts_from_the_start(start_server):
    """A client that never says a word."""
    server = start_server(echo_config(idle_timeout="1s"))
    assert how_it_ends(server.connect("echo")) == ("reset", b"")
    server.wait_closed("echo", "idle_timeout")


@pytest.mark.parametrize("direction", ["client", "upstream"])
def test_idle_timer_restarts_on_bytes_either_way(start_server, direction):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port, idle_timeout="4s"))
        client, behind = pair_through(server, "proxy", upstream)
        first, second = (client, behind) if direction == "client" else (behind, client)
        for _ in range(14):  # seven seconds of one-way traffic
            first.sendall(b"tick")
            assert receive_exactly(second, 4) == b"tick"
            assert is_quiet(first, 0.5)
        assert server.listener("proxy")["sessions"]["active"] == 1
        assert how_it_ends(client) == ("reset", b"")
        server.wait_closed("proxy", "idle_timeout")


def test_idle_sessions_end_one_by_one_while_others_work(start_server):
    server = start_server(echo_config(idle_timeout="2s"))
    idle = [server.connect("echo") for _ in range(200)]
    for client in idle:
        assert exchange(client, b"x") == b"x"
    busy = server.connect("echo")

    def all_idle_gone():
        assert exchange(busy, b"working") == b"working"
        return server.closed("echo").get("idle_timeout") == len(idle)

    wait_until(all_idle_gone, "the idle sessions to end")
    for client in idle:
        assert how_it_ends(client) == ("reset", b"")
    assert exchange(busy, b"still working") == b"still working"


def test_no_idle_timeout_when_it_is_zero(start_server):
    server = start_server(
        echo_config(idle_timeout="0s", name="forever") + echo_config(idle_timeout="1s", name="short")
    )
    forever, short = server.connect("forever"), server.connect("short")
    assert how_it_ends(short) == ("reset", b"")
    assert exchange(forever, b"here") == b"here"


@pytest.mark.parametrize("direction", ["client", "upstream"])
def test_half_closed_session_ends_sooner(start_server, direction):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port, idle_timeout="1h", half_close_timeout="1s"))
        client, behind = pair_through(server, "proxy", upstream)
        first, second = (client, behind) if direction == "client" else (behind, client)
        first.sendall(b"bye")
        send_fin(first)
        assert receive_to_end(second) == b"bye"
        assert how_it_ends(first) == ("reset", b"")
        server.wait_closed("proxy", "half_close_timeout")


def test_half_close_timer_restarts_on_bytes(start_server):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port, half_close_timeout="4s"))
        client, behind = pair_through(server, "proxy", upstream)
        send_fin(client)
        assert receive_to_end(behind) == b""
        for _ in range(14):
            behind.sendall(b"tick")
            assert receive_exactly(client, 4) == b"tick"
            assert is_quiet(client, 0.5)
        send_fin(behind)
        assert receive_to_end(client) == b""
        server.wait_closed("proxy", "finished")


def test_half_close_timeout_of_zero_leaves_the_idle_timeout(start_server):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port, half_close_timeout="0s", idle_timeout="2s"))
        client, behind = pair_through(server, "proxy", upstream)
        send_fin(client)
        assert receive_to_end(behind) == b""
        assert how_it_ends(client) == ("reset", b"")
        server.wait_closed("proxy", "idle_timeout")


def test_open_session_does_not_end_at_the_half_close_timeout(start_server):
    server = start_server(echo_config(half_close_timeout="1s"))
    client = server.connect("echo")
    assert exchange(client, b"a") == b"a"
    assert is_quiet(client, 2.5)
    assert exchange(client, b"b") == b"b"


def test_lifetime_ends_a_busy_session(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port, max_lifetime="2s"))
        client = server.connect("proxy")

        def cut():
            try:
                assert exchange(client, b"busy") == b"busy"
            except (AssertionError, ConnectionResetError, BrokenPipeError):
                return True
            return False

        wait_until(cut, "max_lifetime to end the session", interval=0.05)
        server.wait_closed("proxy", "lifetime")


def test_lifetime_ends_an_idle_session(start_server):
    server = start_server(echo_config(max_lifetime="1s", idle_timeout="1h"))
    assert how_it_ends(server.connect("echo")) == ("reset", b"")
    server.wait_closed("echo", "lifetime")


def test_lifetime_ends_a_session_that_connects(start_server):
    with Hanging() as upstream:
        slow = {"connect_timeout": "1h", "retries": 0}
        server = start_server(proxy_config(upstream.port, upstream=slow, max_lifetime="1s"))
        assert server.turned_away("proxy", say=b"hello?") == ("reset", b"")
        server.wait_closed("proxy", "lifetime")


def test_reader_that_stopped_is_idle_too(start_server):
    """Bytes that nobody takes do not move: the session is idle although data waits."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port, idle_timeout="2s"))
        client, behind = pair_through(server, "proxy", upstream)
        client.settimeout(net.DEADLINE)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                client.sendall(Pattern("stuck").bytes(1 << 20))
        assert server.wait_closed("proxy", "idle_timeout")["bytes"]["discarded"] > 0
        assert behind.fileno() >= 0


@pytest.mark.slow
def test_flush_after_a_reset_has_its_own_deadline(start_server):
    """The client is gone and the upstream never reads what it had sent: the session ends anyway."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port, idle_timeout="1h"))
        client, behind = pair_through(server, "proxy", upstream)
        behind.sendall(b"u")
        assert receive_exactly(client, 1) == b"u"
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64_000_000))
        reset(client)
        # Nothing is received from the client any more, so the reset shows when something is sent to it.
        behind.sendall(b"anybody?" * 100)

        def ended():
            with suppress(OSError):
                behind.send(b"?")
            return server.stats()["totals"]["sessions"]["active"] == 0

        wait_until(ended, "the flush to be given up", 60, 0.2)
        assert server.closed("proxy") == {"client_reset": 1}
        assert server.stats()["totals"]["bytes"]["discarded"] > 0
