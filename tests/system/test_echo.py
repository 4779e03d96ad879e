"""An echo listener: every byte comes back, in order, and then the end."""

import socket

import pytest
from support import net
from support.net import Pattern, exchange, how_it_ends, receive_exactly, receive_to_end, send_fin
from support.server import echo_config, server_config

BUFFER = 16 * 1024


@pytest.mark.parametrize("size", [1, BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER, 1_000_003])
def test_echo_returns_every_byte(start_server, size):
    server = start_server(echo_config())
    data = Pattern(size).bytes(size)
    client = server.connect("echo")
    assert exchange(client, data) == data
    send_fin(client)
    assert receive_to_end(client) == b""
    server.wait_closed("echo", "finished")
    assert server.listener("echo")["bytes"] == {"in": size, "out": size, "discarded": 0}


@pytest.mark.parametrize("buffer_size", ["1k", "1M"])
def test_echo_works_with_every_buffer_size(start_server, buffer_size):
    server = start_server(server_config(buffer_size=buffer_size) + echo_config())
    data = Pattern(buffer_size).bytes(2_500_001)
    client = server.connect("echo")
    assert exchange(client, data) == data


def test_echo_keeps_order_of_single_bytes(start_server):
    server = start_server(echo_config())
    client = server.connect("echo")
    data = Pattern("single").bytes(500)
    for place in range(len(data)):
        client.sendall(data[place : place + 1])
    assert receive_exactly(client, len(data)) == data


def test_echo_delivers_everything_after_fin(start_server):
    """SEMANTICS S3: under Wine a careless close delivered 128,000 of 300,000 bytes."""
    server = start_server(echo_config())
    data = Pattern("fin").bytes(300_000)
    for _ in range(10):
        client = server.connect("echo")
        client.sendall(data)
        send_fin(client)
        assert receive_to_end(client) == data
    server.wait_closed("echo", "finished", 10)


def test_echo_of_nothing_ends_cleanly(start_server):
    server = start_server(echo_config())
    for _ in range(20):
        client = server.connect("echo")
        send_fin(client)
        assert how_it_ends(client) == ("fin", b"")
    server.wait_closed("echo", "finished", 20)


def test_echo_survives_instant_closes(start_server):
    server = start_server(echo_config())
    for _ in range(200):
        server.connect("echo").close()
    stats = server.wait_active(0)
    assert exchange(server.connect("echo"), b"still here") == b"still here"
    assert stats["totals"]["bytes"]["in"] == 0


def test_echo_mixes_no_bytes_of_sessions(start_server):
    server = start_server(echo_config())
    clients = [(server.connect("echo"), Pattern(number).bytes(40_000)) for number in range(100)]
    for client, data in clients:
        client.sendall(data[:20_000])
    for client, data in reversed(clients):
        client.sendall(data[20_000:])
        send_fin(client)
    for client, data in clients:
        assert receive_to_end(client) == data
    server.wait_closed("echo", "finished", 100)


def test_echo_returns_urgent_data_inline(start_server):
    """SEMANTICS S11: in order, and never a hang."""
    server = start_server(echo_config())
    client = server.connect("echo")
    client.sendall(b"before")
    assert receive_exactly(client, 6) == b"before"
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"after")
    assert receive_exactly(client, 6) == b"!after"


def test_echo_listens_on_every_address(start_server):
    ports = [net.free_port() for _ in range(3)]
    lines = "".join(f"listen=127.0.0.{place + 1}:{port}\n" for place, port in enumerate(ports))
    server = start_server(f"[listener echo]\nmode=echo\n{lines}")
    for place, port in enumerate(ports):
        with net.connect(port, f"127.0.0.{place + 1}") as client:
            assert exchange(client, b"hello") == b"hello"
    assert sorted(server.listener("echo")["addresses"]) == [
        f"127.0.0.{place + 1}:{port}" for place, port in enumerate(ports)
    ]


def test_many_listeners(start_server):
    names = [f"echo{number}" for number in range(60)]
    server = start_server("".join(echo_config(name) for name in names))
    for name in names:
        assert exchange(server.connect(name), name.encode()) == name.encode()
    assert [item["name"] for item in server.stats()["listeners"]] == names


def test_echo_listeners_count_for_themselves(start_server):
    server = start_server(echo_config("one") + echo_config("two"))
    assert exchange(server.connect("one"), b"12345") == b"12345"
    assert server.listener("one")["bytes"]["in"] == 5
    assert server.listener("two")["bytes"]["in"] == 0
    assert server.listener("two")["sessions"]["total"] == 0
