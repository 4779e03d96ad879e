"""A reset of one side resets the other, after what was received has been delivered (SEMANTICS S2).

Wine 8 shows a reset to a program only while a receive is posted; one posted later answers like FIN. So most
sessions here are busy when they break, and the rest is watched from the Linux side or left to Wine 10 and
Windows.
"""

import random
import select
from contextlib import suppress

import pytest
from support import net, runtime
from support.net import Pattern, exchange, how_it_ends, receive_exactly, reset, send_fin
from support.peers import Echo, Listening, pair_through
from support.server import echo_config, proxy_config
from support.wait import wait_until

SEES_EVERY_RESET = runtime.wine_major() is None or runtime.wine_major() >= 10
sees_every_reset = pytest.mark.skipif(
    not SEES_EVERY_RESET, reason="Wine 8 answers a receive after a reset like FIN; needs Wine 10 or Windows"
)


def busy_pair(server, upstream):
    """A session that just moved a byte each way: its receives are posted."""
    client, behind = pair_through(server, "proxy", upstream)
    client.sendall(b"c")
    assert receive_exactly(behind, 1) == b"c"
    behind.sendall(b"u")
    assert receive_exactly(client, 1) == b"u"
    wait_receiving(server)
    return client, behind


def wait_receiving(server):
    """A pipe counts what it sent just before it posts the next receive; a request of the statistics takes
    far longer than what is between."""
    wait_until(lambda: server.stats()["totals"]["bytes"]["buffered"] == 0, "all bytes to be counted as sent")
    server.get("/health")


@pytest.mark.parametrize("broken, reason", [("client", "client_reset"), ("upstream", "server_reset")])
def test_reset_of_one_side_resets_the_other(start_server, broken, reason):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = busy_pair(server, upstream)
        first, second = (client, behind) if broken == "client" else (behind, client)
        reset(first)
        assert how_it_ends(second) == ("reset", b"")
        server.wait_closed("proxy", reason)
        assert server.closed("proxy") == {reason: 1}


@pytest.mark.parametrize("broken, reason", [("client", "client_reset"), ("upstream", "server_reset")])
def test_bytes_before_a_reset_are_delivered(start_server, broken, reason):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = busy_pair(server, upstream)
        first, second = (client, behind) if broken == "client" else (behind, client)
        data = Pattern(broken).bytes(200_000)
        first.sendall(data)

        def received():
            scope = server.listener("proxy") if broken == "client" else server.upstream_server()
            return scope["bytes"]["in"] == len(data) + 1

        wait_until(received, "fairlead to receive what was sent before the reset")
        reset(first)
        how, arrived = how_it_ends(second)
        assert arrived == data
        assert how == "reset"
        server.wait_closed("proxy", reason)


@pytest.mark.parametrize("broken", ["client", "upstream"])
def test_a_reset_waits_for_bytes_that_the_reader_takes_late(start_server, broken):
    """The reader's window is small, so most of what fairlead has sent is still on its side when the reset
    comes; the reader is busy with something else for half a second."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream, receive_buffer=4096)
        first, second = (client, behind) if broken == "client" else (behind, client)
        data = Pattern(broken).bytes(300_000)
        first.sendall(data)
        wait_until(lambda: received_in_all(server) == len(data), "fairlead to receive everything")
        wait_receiving(server)
        reset(first)
        select.select([], [], [], 0.5)
        assert how_it_ends(second) == ("reset", data)


def received_in_all(server):
    totals = server.stats()["totals"]["bytes"]
    return totals["in"] + totals["from_servers"]


@pytest.mark.parametrize("broken", ["client", "upstream"])
def test_fin_before_a_reset_is_delivered(start_server, broken):
    """A sent bytes and FIN and is then broken by what still comes from B: B has got A's bytes and FIN."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = busy_pair(server, upstream)
        first, second = (client, behind) if broken == "client" else (behind, client)
        first.sendall(b"all of it")
        send_fin(first)
        assert how_it_ends(second) == ("fin", b"all of it")
        reset(first)
        # Who writes to the dead side learns of it; how soon depends on when the kernel is asked.
        with suppress(OSError):
            wait_until(lambda: second.send(b"x") == 0, "never true", deadline=20)
        server.wait_active(0)


@pytest.mark.parametrize("broken", ["client", "upstream"])
def test_reset_with_a_blocked_other_direction(start_server, broken):
    """The side that breaks had stopped reading: what waits for it is discarded and counted, the other side
    reset."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream, receive_buffer=4096)
        first, second = (client, behind) if broken == "client" else (behind, client)
        second.settimeout(1)
        with pytest.raises(TimeoutError):
            second.sendall(bytes(64_000_000))
        second.settimeout(net.DEADLINE)
        reset(first)

        def writes_until_broken():
            while True:
                second.sendall(bytes(10_000))

        with pytest.raises(OSError) as broke:
            writes_until_broken()
        assert not isinstance(broke.value, TimeoutError)
        stats = server.wait_active(0)
        assert stats["totals"]["bytes"]["discarded"] > 0


@pytest.mark.parametrize("broken", ["client", "upstream"])
def test_bytes_before_a_reset_are_delivered_to_a_slow_reader(start_server, broken):
    """The reader takes nothing until the other side is gone; what fairlead had received by then still
    arrives."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream, receive_buffer=4096)
        first, second = (client, behind) if broken == "client" else (behind, client)
        data = Pattern(broken).bytes(64_000_000)
        first.settimeout(1)
        with pytest.raises(TimeoutError):
            first.sendall(data)
        scope = server.listener("proxy") if broken == "client" else server.upstream_server()
        reset(first)
        # Nothing is read from the broken side while the other is blocked: a byte for it shows that it is
        # gone.
        second.sendall(b"?")
        wait_until(lambda: server.stats()["totals"]["bytes"]["discarded"] == 1, "the reset to be noticed")
        _, arrived = how_it_ends(second)
        assert len(arrived) >= scope["bytes"]["in"] > 0
        assert data.startswith(arrived)
        second.close()
        server.wait_active(0)


@sees_every_reset
@pytest.mark.parametrize("broken, reason", [("client", "client_reset"), ("upstream", "server_reset")])
def test_reset_while_no_receive_is_posted_is_no_end(start_server, broken, reason):
    """The reader is slow, and so fairlead is not receiving when the other side breaks. It finds the reset
    behind the last byte, and the reader must not take a part for the whole."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream, receive_buffer=4096)
        first, second = (client, behind) if broken == "client" else (behind, client)
        data = Pattern(broken).bytes(64_000_000)
        first.settimeout(1)
        with pytest.raises(TimeoutError):
            first.sendall(data)
        reset(first)
        how, arrived = how_it_ends(second)
        assert data.startswith(arrived)
        assert how == "reset"
        server.wait_closed("proxy", reason)


@sees_every_reset
@pytest.mark.parametrize("broken, reason", [("client", "client_reset"), ("upstream", "server_reset")])
def test_reset_of_a_quiet_session(start_server, broken, reason):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream)
        first, second = (client, behind) if broken == "client" else (behind, client)
        assert net.is_quiet(second, 3)  # longer than PIPE_QUIET_US: it waits without a buffer now
        reset(first)
        assert how_it_ends(second) == ("reset", b"")
        server.wait_closed("proxy", reason)


def test_a_quiet_session_ends_when_both_sides_are_gone(start_server):
    """Whatever the system shows of the resets, no session stays."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        pairs = [pair_through(server, "proxy", upstream) for _ in range(10)]
        assert net.is_quiet(pairs[0][0], 3)
        for client, behind in pairs:
            reset(client)
            reset(behind)
        server.wait_active(0)


def test_echo_client_resets_while_busy(start_server):
    server = start_server(echo_config())
    for _ in range(20):
        client = server.connect("echo")
        assert exchange(client, b"x") == b"x"
        wait_receiving(server)
        reset(client)
    server.wait_closed("echo", "client_reset", 20)


def test_reset_before_accept_does_not_stop_the_listener(start_server):
    """SEMANTICS S13."""
    server = start_server(echo_config())
    for _ in range(300):
        reset(server.connect("echo"))
    assert exchange(server.connect("echo"), b"next") == b"next"
    server.wait_active(1)


def test_clients_reset_at_any_moment(start_server):
    """Each client breaks at another place of a conversation; the proxy forgets them all and serves on."""
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        data = Pattern("any").bytes(400_000)
        draw = random.Random(7)

        def converse(cut):
            sock = net.connect(server.port("proxy"))
            with suppress(OSError):
                sock.sendall(data[:cut])
                if cut % 3 == 0:
                    send_fin(sock)
                if cut and cut % 2:
                    receive_exactly(sock, draw.randrange(cut))
            reset(sock)

        cuts = [0, 1, 2, 3, 16383, 16384, 16385, 100_000, 400_000] + [
            draw.randrange(400_000) for _ in range(51)
        ]
        for cut in cuts:
            converse(cut)
        server.wait_active(0)
        wait_until(
            lambda: upstream.active == 0, lambda: f"the upstream's connections to end: {upstream.active}"
        )
        assert exchange(server.connect("proxy"), data) == data


def test_upstream_resets_at_any_moment(start_server):
    with Listening() as upstream:
        # No retries: an early reset may look like a failed connect, and nobody here accepts a second one.
        server = start_server(proxy_config(upstream.port, upstream={"retries": 0}))
        draw = random.Random(8)
        for number in range(60):
            client, behind = pair_through(server, "proxy", upstream)
            data = Pattern(number).bytes(draw.randrange(1, 200_000))
            with suppress(OSError):
                client.sendall(data)
            if number % 3:
                receive_exactly(behind, draw.randrange(len(data)))
            if number % 4 == 0:
                send_fin(client)
            behind.sendall(data[: number * 100])
            reset(behind)
            arrived = how_it_ends(client)[1]
            assert data[: number * 100].startswith(arrived)
            client.close()
        server.wait_active(0)
        client, behind = busy_pair(server, upstream)
        assert client.fileno() >= 0
