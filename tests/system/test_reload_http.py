"""POST /reload: who may ask for it (SEMANTICS H3). What a reload does is not asked here."""

import json

import pytest
from support import net
from support.server import echo_config

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def server(start_server):
    return start_server(f"[stats]\nlisten=127.0.0.1:0\ntoken={TOKEN}\n" + echo_config())


def post(server, token=TOKEN, method="POST", **headers):
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return server.get("/reload", method=method, headers=headers)


def attempts(server):
    return server.stats()["server"]["reload"]["attempts"]


@pytest.mark.parametrize("token", [None, TOKEN[:-1], TOKEN + "0", "x" * 32])
def test_reload_needs_the_token_on_loopback_too(server, token):
    status, headers, _ = post(server, token)
    assert status == 401
    assert headers["www-authenticate"].startswith("Bearer")
    assert attempts(server) == 0


def test_reload_without_a_configured_token_says_what_to_set(start_server):
    server = start_server(echo_config())
    status, _, body = post(server)
    assert status == 403
    assert b"token=SECRET" in body and b"[stats]" in body
    assert attempts(server) == 0


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_reload_refuses_pages_of_other_sites(server, origin):
    assert post(server, Origin=origin)[0] == 403
    assert attempts(server) == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_reload_is_asked_for_by_post_only(server, method):
    status, headers, _ = post(server, method=method)
    assert (status, headers["allow"]) == (405, "POST")
    assert attempts(server) == 0


def test_pipelined_requests_behind_a_reload_are_answered_in_order(server):
    host = f"Host: localhost:{server.stats_port}\r\n"
    reload = f"POST /reload HTTP/1.1\r\n{host}Authorization: Bearer {TOKEN}\r\nContent-Length: 3\r\n\r\nabc"
    with net.connect(server.stats_port) as client:
        client.sendall((reload + f"GET /health HTTP/1.1\r\n{host}Connection: close\r\n\r\n").encode())
        first, second = net.receive_to_end(client).split(b"HTTP/1.1 ")[1:]
    outcome = json.loads(first.split(b"\r\n\r\n")[1])
    assert set(outcome) == {"applied", "generation", "text"}
    assert outcome["text"].endswith("\n")
    assert (int(first[:3]) == 200) == outcome["applied"]
    assert second.startswith(b"200 ") and b"serving" in second
