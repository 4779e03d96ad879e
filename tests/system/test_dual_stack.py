"""IPv6, and [::]:port that serves IPv4 too."""

import socket

import pytest
from support import net
from support.net import exchange
from support.peers import Echo
from support.server import echo_config, proxy_config


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


pytestmark = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


def test_wildcard_serves_both_families(start_server):
    server = start_server(echo_config(listen="[::]:0"))
    for host in ("127.0.0.1", "::1"):
        assert exchange(server.connect("echo", host=host), host.encode()) == host.encode()
    assert server.listener("echo")["sessions"]["total"] == 2


def test_ipv6_loopback_serves_only_ipv6(start_server):
    server = start_server(echo_config(listen="[::1]:0"))
    assert exchange(server.connect("echo", host="::1"), b"six") == b"six"
    with pytest.raises(ConnectionRefusedError):
        net.connect(server.port("echo"), "127.0.0.1")


def test_upstream_over_ipv6(start_server):
    with Echo("::1") as upstream:
        server = start_server(proxy_config(upstream.port, host="[::1]"))
        assert exchange(server.connect("proxy"), b"four to six") == b"four to six"


def test_ipv6_client_reaches_ipv4_upstream(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port, listen="[::1]:0"))
        assert exchange(server.connect("proxy", host="::1"), b"six to four") == b"six to four"


def test_mapped_address_counts_as_ipv4(start_server):
    """One client on two listening sockets of a listener, plain and mapped, is one address."""
    port = net.free_port("::1")
    server = start_server(
        f"[listener echo]\nmode=echo\nlisten=127.0.0.1:0\nlisten=[::]:{port}\nmax_sessions_per_ip=2\n"
    )
    plain = next(text for text in server.listener("echo")["addresses"] if text.startswith("127.0.0.1:"))
    first = net.connect(int(plain.rsplit(":", 1)[1]))
    second = net.connect(port)
    with first, second:
        assert exchange(first, b"1") == b"1"
        assert exchange(second, b"2") == b"2"
        assert net.turned_away(port) == ("reset", b"")
        with net.connect(port, "::1") as other:
            assert exchange(other, b"another address") == b"another address"
    assert server.refused("echo") == {"ip_limit": 1}


def test_statistics_over_ipv6(start_server):
    server = start_server("[stats]\nlisten=[::1]:0\n" + echo_config())
    assert server.stats_host == "::1"
    assert server.stats()["server"]["state"] == "serving"


def test_second_wildcard_on_the_port_is_refused(start_server, make_server):
    server = start_server(echo_config(listen="[::]:0"))
    other = make_server(echo_config(listen=f"0.0.0.0:{server.port('echo')}"))
    other.expected_exit = 1
    other.launch()
    assert other.wait_exit() == 1
    assert other.log_lines(f"0.0.0.0:{server.port('echo')}")
    assert exchange(server.connect("echo"), b"mine") == b"mine"
