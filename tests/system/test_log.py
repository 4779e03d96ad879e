"""The log: levels, time stamps, a file, and no foreign byte unescaped (SEMANTICS C3)."""

import re

import pytest
from support import net
from support.net import exchange
from support.peers import Refusing
from support.server import echo_config, proxy_config, server_config
from support.wait import wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn |info |debug) \S.*")


def test_every_line_has_a_time_and_a_level(start_server):
    server = start_server(echo_config())
    assert exchange(server.connect("echo"), b"x") == b"x"
    server.check_end()
    lines = server.log().splitlines()
    assert len(lines) >= 3
    assert not [line for line in lines if not LINE.fullmatch(line)]


def test_log_goes_to_the_file_beside_the_configuration(start_server):
    server = start_server(server_config(log_file="fairlead.log") + echo_config())
    server.check_end()
    text = (server.folder / "fairlead.log").read_text()
    assert "listening on" in text
    assert "stopped" in text
    assert all(LINE.fullmatch(line) for line in text.splitlines())


def test_log_file_is_continued_after_a_restart(start_server):
    server = start_server(server_config(log_file="fairlead.log") + echo_config())
    server.check_end()
    first = (server.folder / "fairlead.log").read_bytes()
    server.process, server.checked, server.ports = None, False, {}
    server.launch()
    wait_until(lambda: server.log().count("listening on") == 2, "the second start")
    assert server.stop() == 0
    assert (server.folder / "fairlead.log").read_bytes().startswith(first)


def test_level_decides_what_is_written(make_server):
    port = net.free_port()
    server = make_server(server_config(log_level="error") + echo_config(listen=f"127.0.0.1:{port}"))
    server.launch()
    wait_until(lambda: answers(port), "the listener")
    assert server.stop() == 0
    assert server.log() == ""


def answers(port):
    try:
        with net.connect(port) as sock:
            return exchange(sock, b"x") == b"x"
    except OSError:
        return False


def test_log_file_that_cannot_be_opened_is_an_error(make_server):
    server = make_server(server_config(log_file="no/such/folder/fairlead.log") + echo_config())
    server.launch()
    code = server.wait_exit()
    server.expected_exit = code
    assert code in (1, 2)
    assert "fairlead.log" in server.log()


def test_bytes_of_a_client_do_not_reach_the_log(start_server):
    server = start_server(server_config(log_level="debug") + echo_config())
    secret = b"\x1b]0;owned\x07 s3cret-of-a-client"
    assert exchange(server.connect("echo"), secret) == secret
    with net.connect(server.stats_port) as sock:
        sock.sendall(b"GET /\x1b[31m-s3cret-of-a-client HTTP/1.1\r\nHost: x\x1b[0m\r\n\r\n")
        net.how_it_ends(sock)
    server.check_end()
    assert "\x1b" not in server.log()
    assert "\x07" not in server.log()


@pytest.mark.parametrize("clients", [200])
def test_trouble_that_repeats_is_logged_now_and_then(start_server, clients):
    """A crowd that is refused fills neither the disk nor the console."""
    with Refusing() as upstream:
        server = start_server(
            echo_config(max_sessions=1) + proxy_config(upstream.port, upstream={"retries": 0})
        )
        assert exchange(server.connect("echo"), b"x") == b"x"
        for _ in range(clients):
            assert server.turned_away("echo") == ("reset", b"")
            assert server.turned_away("proxy") == ("reset", b"")
        server.check_end()
        assert len(server.log().splitlines()) < clients / 4
