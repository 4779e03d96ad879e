"""Who may read the statistics beyond loopback (SEMANTICS H1), and that readers cannot hold up a stop (N6)."""

import json

import pytest
from support import net, stats
from support.server import echo_config

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def open_server(start_server):
    """Bound to every address, and reached by loopback."""
    server = start_server(f"[stats]\nlisten=0.0.0.0:0\ntoken={TOKEN}\n" + echo_config())
    server.stats_host = "127.0.0.1"
    server.stats = lambda: json.loads(server.get("/stats", headers=bearer(TOKEN))[2])
    return server


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_token_is_needed_for_all_but_health(open_server):
    for path in ("/", "/stats", "/missing"):
        status, headers, body = open_server.get(path)
        assert status == 401
        assert headers["www-authenticate"].startswith("Bearer")
        assert b"listeners" not in body
    assert open_server.get("/health")[0] == 200
    assert open_server.get("/stats", headers=bearer(TOKEN))[0] == 200
    assert open_server.get("/missing", headers=bearer(TOKEN))[0] == 404


@pytest.mark.parametrize(
    "authorization",
    [TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}0", f"Bearer {TOKEN[:-1]}x"],
)
def test_wrong_tokens_are_refused(open_server, authorization):
    assert open_server.get("/stats", headers={"Authorization": authorization})[0] == 401


def test_names_are_checked_beyond_loopback_too(open_server):
    for host in ("evil.example", f"evil.example:{open_server.stats_port}"):
        assert open_server.get("/health", headers={"Host": host})[0] == 421
        assert open_server.get("/stats", headers={"Host": host, **bearer(TOKEN)})[0] == 421
    assert open_server.get("/health", headers={"Host": f"192.0.2.7:{open_server.stats_port}"})[0] == 200


def test_token_is_not_asked_for_on_loopback(start_server):
    server = start_server(f"[stats]\nlisten=127.0.0.1:0\ntoken={TOKEN}\n" + echo_config())
    assert stats.listener(server.stats(), "echo")["sessions"]["active"] == 0


def test_stop_does_not_wait_for_one_who_does_not_read(start_server):
    server = start_server(echo_config())
    request = f"GET /stats HTTP/1.1\r\nHost: localhost:{server.stats_port}\r\n\r\n".encode()
    with net.connect(server.stats_port, receive_buffer=4096) as deaf:
        deaf.settimeout(1)
        try:
            while True:
                deaf.sendall(request * 1000)
        except TimeoutError:
            pass  # its answers fill the buffers on the way, and the server does not read on meanwhile
        assert server.get("/health")[0] == 200
        assert server.stop() == 0
