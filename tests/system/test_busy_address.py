"""An address that is taken: a clear error that names it, and the first owner is not disturbed (SEMANTICS
S17)."""

import socket

import pytest
from support import net
from support.net import exchange
from support.peers import Listening
from support.server import echo_config


def fails_to_start(make_server, config):
    server = make_server(config)
    server.expected_exit = 1
    server.launch()
    assert server.wait_exit(60) == 1
    assert "listening on" not in server.log()
    return server


def test_second_process_on_the_same_address_names_it(start_server, make_server):
    first = start_server(echo_config())
    client = first.connect("echo")
    assert exchange(client, b"mine") == b"mine"

    second = fails_to_start(make_server, echo_config("other", f"127.0.0.1:{first.port('echo')}"))
    (line,) = second.log_lines("cannot listen")
    assert f"127.0.0.1:{first.port('echo')}" in line
    assert "other" in line
    assert "server.ini:4:" in line or "server.ini:5:" in line

    assert exchange(client, b"still mine") == b"still mine"
    for _ in range(20):
        assert exchange(first.connect("echo"), b"and new ones") == b"and new ones"


def test_address_of_a_foreign_program_is_not_stolen(make_server):
    with Listening() as owner:
        server = fails_to_start(make_server, echo_config(listen=f"127.0.0.1:{owner.port}"))
        assert server.log_lines(f"127.0.0.1:{owner.port}")
        with net.connect(owner.port) as client:
            sock = owner.accept()
            client.sendall(b"x")
            assert sock.recv(1) == b"x"


def test_every_busy_address_is_told_and_nothing_is_served(make_server):
    free = net.free_port()
    with Listening() as one, Listening() as two:
        server = fails_to_start(
            make_server,
            echo_config("free", f"127.0.0.1:{free}")
            + echo_config("one", f"127.0.0.1:{one.port}")
            + echo_config("two", f"127.0.0.1:{two.port}"),
        )
        lines = server.log_lines("cannot listen")
        assert len(lines) == 2
        assert f"127.0.0.1:{one.port}" in lines[0]
        assert f"127.0.0.1:{two.port}" in lines[1]
        with pytest.raises(ConnectionRefusedError):
            net.connect(free)


def test_busy_statistics_address_is_named(make_server):
    with Listening() as owner:
        server = fails_to_start(make_server, f"[stats]\nlisten=127.0.0.1:{owner.port}\n" + echo_config())
        (line,) = server.log_lines("cannot listen")
        assert f"127.0.0.1:{owner.port}" in line
        assert "statistics" in line


def test_nobody_can_take_the_port_of_a_running_server(start_server):
    """Port theft: also not with SO_REUSEADDR, nor for a part of what a wildcard covers."""
    server = start_server(echo_config(listen="0.0.0.0:0"))
    port = server.port("echo")
    for address in ("127.0.0.1", "0.0.0.0"):
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError):
                thief.bind((address, port))
                thief.listen()
    assert exchange(server.connect("echo"), b"mine") == b"mine"


def test_address_that_no_interface_has_is_named(make_server):
    server = fails_to_start(make_server, echo_config(listen="198.51.100.7:7777"))
    (line,) = server.log_lines("cannot listen")
    assert "198.51.100.7:7777" in line


def test_address_is_free_again_after_the_end(start_server, make_server):
    first = start_server(echo_config())
    port = first.port("echo")
    assert exchange(first.connect("echo"), b"one") == b"one"
    first.check_end()
    second = make_server(echo_config(listen=f"127.0.0.1:{port}")).start()
    assert exchange(second.connect("echo"), b"two") == b"two"
