"""A proxy listener: two streams, byte for byte, whoever speaks first."""

import threading

import pytest
from support.net import Pattern, exchange, how_it_ends, receive_exactly, receive_to_end, send_fin
from support.peers import Echo, Greeting, Listening, pair_through
from support.server import echo_config, proxy_config
from support.wait import wait_until


@pytest.mark.parametrize("size", [1, 16 * 1024, 16 * 1024 + 1, 1_000_003])
def test_proxy_carries_every_byte_both_ways(start_server, size):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        data = Pattern(size).bytes(size)
        client = server.connect("proxy")
        assert exchange(client, data) == data
        send_fin(client)
        assert receive_to_end(client) == b""
        server.wait_closed("proxy", "finished")
        both = {"in": size, "out": size}
        assert server.listener("proxy")["bytes"] == {**both, "discarded": 0}
        seen = server.upstream_server()
        assert {key: seen["bytes"][key] for key in both} == both
        assert seen["sessions"]["total"] == 1


def test_proxy_carries_every_byte_value(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        data = bytes(range(256)) * 16
        assert exchange(server.connect("proxy"), data) == data


def test_proxy_needs_no_byte_of_the_client(start_server):
    """SEMANTICS S9: a server that speaks first."""
    with Greeting(b"220 welcome\r\n") as upstream:
        server = start_server(proxy_config(upstream.port))
        client = server.connect("proxy")
        assert receive_to_end(client) == b"220 welcome\r\n"
        send_fin(client)
        server.wait_closed("proxy", "finished")


def test_proxy_delivers_what_was_sent_before_the_upstream_accepted(start_server):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client = server.connect("proxy")
        client.sendall(b"early")
        assert receive_exactly(upstream.accept(), 5) == b"early"


def test_proxy_directions_are_independent(start_server):
    """Full duplex: both sides send a lot before either has read everything."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream)
        up, down = Pattern("up").bytes(3_000_000), Pattern("down").bytes(3_000_000)

        def send(sock, data):
            sock.sendall(data)
            send_fin(sock)

        writers = [
            threading.Thread(target=send, args=pair, daemon=True) for pair in ((client, up), (behind, down))
        ]
        answers = {}
        readers = [
            threading.Thread(target=lambda n=n, s=s: answers.update({n: receive_to_end(s)}), daemon=True)
            for n, s in (("up", behind), ("down", client))
        ]
        for thread in writers + readers:
            thread.start()
        for thread in writers + readers:
            thread.join(60)
        assert answers.get("up") == up
        assert answers.get("down") == down
        server.wait_closed("proxy", "finished")


def test_proxy_session_without_a_byte_ends_cleanly(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        for _ in range(20):
            client = server.connect("proxy")
            send_fin(client)
            assert how_it_ends(client) == ("fin", b"")
        server.wait_closed("proxy", "finished", 20)
        assert server.upstream_server()["bytes"] == {**server.upstream_server()["bytes"], "in": 0, "out": 0}


def test_proxy_survives_instant_closes(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        for _ in range(200):
            server.connect("proxy").close()
        server.wait_active(0)
        wait_until(lambda: upstream.active == 0, lambda: f"the upstream's sessions to end: {upstream.active}")
        assert exchange(server.connect("proxy"), b"still here") == b"still here"


def test_proxy_mixes_no_bytes_of_sessions(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        clients = [(server.connect("proxy"), Pattern(number).bytes(40_000)) for number in range(100)]
        for client, data in clients:
            client.sendall(data[:20_000])
        for client, data in reversed(clients):
            client.sendall(data[20_000:])
            send_fin(client)
        for client, data in clients:
            assert receive_to_end(client) == data
        server.wait_closed("proxy", "finished", 100)
        assert upstream.total == 100


def test_proxy_listeners_go_to_their_own_upstreams(start_server):
    with Greeting(b"one") as first, Greeting(b"two") as second:
        server = start_server(proxy_config(first.port, "a") + proxy_config(second.port, "b"))
        assert receive_to_end(server.connect("b")) == b"two"
        assert receive_to_end(server.connect("a")) == b"one"


def test_two_listeners_share_an_upstream(start_server):
    with Echo() as upstream:
        config = (
            proxy_config(upstream.port, "a") + "[listener b]\nlisten=127.0.0.1:0\nmode=proxy\nupstream=a-up\n"
        )
        server = start_server(config)
        assert exchange(server.connect("a"), b"via a") == b"via a"
        assert exchange(server.connect("b"), b"via b") == b"via b"
        assert server.upstream_server("a")["sessions"]["total"] == 2


def test_proxy_in_front_of_its_own_echo(start_server):
    """The shape of the shipped server.ini: both ends of the upstream's connection are in one process."""
    from support.net import free_port

    port = free_port()
    server = start_server(echo_config(listen=f"127.0.0.1:{port}") + proxy_config(port))
    data = Pattern("self").bytes(1_000_003)
    client = server.connect("proxy")
    assert exchange(client, data) == data
    send_fin(client)
    assert receive_to_end(client) == b""
    server.wait_closed("proxy", "finished")
    server.wait_closed("echo", "finished")
