"""Names where addresses may stand: looked up, or named in the error."""

import socket

import pytest
from support import net
from support.net import exchange, how_it_ends
from support.peers import Echo
from support.server import echo_config, proxy_config


def localhost_addresses():
    return {item[4][0] for item in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}


def test_listen_on_a_name(start_server):
    port = net.free_port()
    server = start_server(echo_config(listen=f"localhost:{port}"))
    for host in localhost_addresses() & {"127.0.0.1"}:
        with net.connect(port, host) as client:
            assert exchange(client, b"named") == b"named"
    assert server.listener("echo")["addresses"]


def test_upstream_by_name(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port, host="localhost", upstream={"retries": 50}))
        assert exchange(server.connect("proxy"), b"to a name") == b"to a name"
        assert server.upstream_server()["errors"]["resolve"] == 0


def test_name_is_looked_up_again(start_server):
    """A short interval: many look-ups later it still serves."""
    with Echo() as upstream:
        server = start_server(
            proxy_config(upstream.port, host="localhost", upstream={"resolve_interval": "1s", "retries": 50})
        )
        client = server.connect("proxy")
        assert exchange(client, b"first") == b"first"
        assert net.is_quiet(client, 3.5)
        assert exchange(server.connect("proxy"), b"later") == b"later"
        assert exchange(client, b"still") == b"still"


def test_listen_on_an_unknown_name_fails(make_server):
    server = make_server(echo_config(listen="no-such-host.invalid:7777"))
    server.expected_exit = 1
    server.launch()
    assert server.wait_exit(90) == 1
    (line,) = server.log_lines("cannot resolve")
    assert "no-such-host.invalid" in line
    assert "server.ini:" in line


@pytest.mark.slow
def test_unknown_upstream_name_resets_clients_and_serves_others(start_server):
    with Echo() as upstream:
        server = start_server(
            proxy_config(
                7777, "lost", host="no-such-host.invalid", upstream={"retries": 0, "connect_timeout": "1s"}
            )
            + proxy_config(upstream.port)
        )
        assert exchange(server.connect("proxy"), b"not disturbed") == b"not disturbed"
        client = server.connect("lost")
        assert how_it_ends(client) == ("reset", b"")
        server.wait_closed("lost", "connect_failed")
        server.wait_log("cannot resolve", 60)
        assert server.upstream_server("lost")["errors"]["resolve"] >= 1
