"""The statistics port as an HTTP server: exact answers to right, wrong and hostile requests (SEMANTICS H1,
H2, H4 to H6)."""

import json
import re
import socket

import pytest
from support import net, stats
from support.net import exchange, is_quiet, receive_to_end, reset
from support.server import echo_config
from support.wait import wait_until


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def read_answer(reader, head=False):
    """One response of a stream, or None at its end."""
    line = reader.readline()
    if not line:
        return None
    found = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [ -~]+\r\n", line)
    assert found, line
    headers = {}
    while (line := reader.readline()) != b"\r\n":
        name, colon, value = line.partition(b":")
        assert colon and line.endswith(b"\r\n"), line
        key = name.decode().lower()
        assert key not in headers, f"{key} twice"
        headers[key] = value.strip().decode()
    status = int(found.group(1))
    length = int(headers.get("content-length", 0))
    assert "transfer-encoding" not in headers
    body = b"" if head else reader.read(length)
    assert head or len(body) == length
    return Answer(status, headers, body)


def ask(server, request, head=False):
    """All responses to the bytes, until the server closes; the client does not close first."""
    with net.connect(server.stats_port) as sock:
        sock.sendall(request)
        reader = sock.makefile("rb")
        answers = []
        while (answer := read_answer(reader, head)) is not None:
            answers.append(answer)
        return answers


def ask_one(server, request, head=False):
    (answer,) = ask(server, request, head)
    return answer


def get(path, server, *lines, version="1.1", host=None, method="GET"):
    host = host or f"127.0.0.1:{server.stats_port}"
    head = [f"{method} {path} HTTP/{version}", f"Host: {host}", *lines]
    return "".join(line + "\r\n" for line in [*head, ""]).encode()


CLOSE = "Connection: close"


@pytest.fixture
def server(start_server):
    return start_server(echo_config())


def test_routes(server):
    answer = ask_one(server, get("/stats", server, CLOSE))
    assert answer.status == 200
    assert json.loads(answer.body)["server"]["state"] == "serving"
    assert answer.headers["content-type"].startswith("application/json")
    answer = ask_one(server, get("/health", server, CLOSE))
    assert answer.status == 200


def test_headers_that_protect(server):
    for path in ("/stats", "/health", "/missing"):
        answer = ask_one(server, get(path, server, CLOSE))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "/missing",
        "/stats/",
        "/Stats",
        "/../server.ini",
        "/%2e%2e/server.ini",
        "/stats/..",
        "/..\\server.ini",
        "//stats",
        "/C:/",
    ],
)
def test_everything_else_is_not_found(server, path):
    assert ask_one(server, get(path, server, CLOSE)).status == 404


def test_query_is_ignored_or_not_found_but_never_an_error(server):
    assert ask_one(server, get("/stats?x=1", server, CLOSE)).status in (200, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "BREW"])
def test_other_methods_are_not_allowed(server, method):
    answer = ask_one(server, get("/stats", server, CLOSE, method=method))
    assert answer.status in (405, 501)
    if answer.status == 405:
        assert {word.strip() for word in answer.headers["allow"].split(",")} == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/stats", "/health", "/missing"])
def test_head_is_get_without_a_body(server, path):
    with_body = ask_one(server, get(path, server, CLOSE))
    head = ask_one(server, get(path, server, CLOSE, method="HEAD"), head=True)
    assert head.status == with_body.status
    assert head.headers["content-type"] == with_body.headers["content-type"]
    assert int(head.headers["content-length"]) > 0


def test_connection_stays_open_for_more_requests(server):
    with net.connect(server.stats_port) as sock:
        reader = sock.makefile("rb")
        for _ in range(10):
            sock.sendall(get("/health", server))
            assert read_answer(reader).status == 200
        sock.sendall(get("/health", server, CLOSE))
        assert read_answer(reader).headers["connection"].lower() == "close"
        assert reader.read() == b""


def test_http_1_0_closes(server):
    assert ask_one(server, get("/health", server, version="1.0")).status == 200


def test_pipelined_requests_are_answered_in_order(server):
    paths = ["/health", "/missing", "/stats", "/health"] * 4
    requests = b"".join(get(path, server) for path in paths) + get("/missing", server, CLOSE)
    answers = ask(server, requests)
    wanted = {"/health": 200, "/missing": 404, "/stats": 200}
    assert [answer.status for answer in answers] == [wanted[path] for path in paths] + [404]
    json.loads(answers[2].body)


def test_many_pipelined_requests_without_reading(server):
    """More answers than buffers hold: the server waits for the reader, and answers all."""
    count = 2000
    with net.connect(server.stats_port, receive_buffer=4096) as sock:
        sent = 0
        sock.settimeout(1)
        one = get("/stats", server)
        try:
            while sent < count:
                sock.sendall(one)
                sent += 1
        except TimeoutError:
            pass  # it does not read on, which is right too
        sock.settimeout(net.DEADLINE)
        reader = sock.makefile("rb")
        for _ in range(sent):
            assert read_answer(reader).status == 200


def test_request_split_at_every_byte(server):
    request = get("/health", server, CLOSE)
    with net.connect(server.stats_port) as sock:
        for place in range(len(request)):
            sock.sendall(request[place : place + 1])
        assert read_answer(sock.makefile("rb")).status == 200


def test_request_split_at_each_place(server):
    request = get("/health", server, CLOSE)
    for place in range(1, len(request), 5):
        with net.connect(server.stats_port) as sock:
            sock.sendall(request[:place])
            server.get("/health")  # something else is served meanwhile
            sock.sendall(request[place:])
            assert read_answer(sock.makefile("rb")).status == 200


GET = b"GET /stats HTTP/1.1\r\n"
HOST = b"Host: 127.0.0.1\r\n"

BAD = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n",
    "no-version": b"GET /stats\r\n\r\n",
    "words": b"HELO example\r\nMAIL FROM: x\r\n\r\n",
    "no-host": GET + b"\r\n",
    "two-hosts": GET + HOST + HOST + b"\r\n",
    "obs-fold": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "nul": GET + HOST + b"X: a\0b\r\n\r\n",
    "nul-in-path": b"GET /st\0ats HTTP/1.1\r\n" + HOST + b"\r\n",
    "space-before-colon": GET + b"Host : 127.0.0.1\r\n\r\n",
    "both-lengths": GET + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two-lengths": GET + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "negative-length": GET + HOST + b"Content-Length: -1\r\n\r\n",
    "length-of-words": GET + HOST + b"Content-Length: ten\r\n\r\n",
    "length-overflow": GET + HOST + b"Content-Length: 99999999999999999999999\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_requests_are_refused(server, name):
    answers = ask(server, BAD[name])
    assert answers, "closed without an answer"
    assert answers[0].status in ((400, 413) if name == "length-overflow" else (400,))
    assert len(answers) == 1, "it went on after a malformed request"
    assert answers[0].headers["connection"].lower() == "close"


@pytest.mark.parametrize("version, status", [("2.0", 505), ("3.0", 505), ("0.9", 505)])
def test_other_versions_are_named(server, version, status):
    answer = ask_one(server, get("/stats", server, CLOSE, version=version))
    assert answer.status in (status, 400)


def test_head_of_the_request_has_a_limit(server):
    answer = ask_one(server, get("/stats", server, "X: " + "x" * 20_000))
    assert answer.status == 431
    answer = ask_one(server, get("/stats", server, *[f"X{number}: y" for number in range(500)]))
    assert answer.status == 431
    answer = ask_one(server, get("/" + "x" * 20_000, server))
    assert answer.status in (414, 431)


def test_body_has_a_limit(server):
    answer = ask_one(server, get("/stats", server, "Content-Length: 100000000", method="POST"))
    assert answer.status in (405, 413)
    assert answer.headers["connection"].lower() == "close"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_own_names_are_allowed(server, host):
    for suffix in ("", f":{server.stats_port}"):
        assert ask_one(server, get("/stats", server, CLOSE, host=host + suffix)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1:x",
        "a" * 300,
    ],
)
def test_foreign_names_are_refused(server, host):
    """SEMANTICS H2: a page of another site that points its name at us learns nothing."""
    answer = ask_one(server, get("/stats", server, CLOSE, host=host))
    assert answer.status in (400, 403, 421)
    assert b"listeners" not in answer.body


def test_absolute_form_is_checked_like_host(server):
    request = b"GET http://evil.example/stats HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = ask_one(server, request)
    assert answer.status >= 400
    assert b"listeners" not in answer.body


def test_request_that_never_ends_is_answered_with_408(server):
    """The deadline is for the whole head: a byte now and then does not extend it."""
    with net.connect(server.stats_port) as sock:
        sock.settimeout(60)
        sock.sendall(b"GET /stats HTTP/1.1\r\n")
        end = wait_until(lambda: not slow_byte(sock), "the server to answer", 60, 0)
        assert end
        answer = read_answer(sock.makefile("rb"))
        assert answer.status == 408


def slow_byte(sock):
    """Sends one more byte unless something came; true when the client may go on."""
    if not is_quiet(sock, 0.5):
        return False
    try:
        sock.sendall(b"X")
    except OSError:
        return False
    return True


def test_slow_clients_do_not_take_all_connections(server):
    """Connections beyond the limit are not served, but nothing breaks, and the traffic does not notice."""
    half = [net.connect(server.stats_port) for _ in range(200)]
    try:
        for sock in half:
            sock.sendall(b"GET /")
        assert exchange(server.connect("echo"), b"traffic") == b"traffic"
    finally:
        for sock in half:
            sock.close()

    # As soon as they are gone, or given up, the statistics answer again.
    def answers():
        try:
            return server.get("/health", deadline=5)[0] == 200
        except OSError:
            return False

    wait_until(answers, "the statistics to answer")


def test_reset_requests_leave_nothing_behind(server):
    for number in range(200):
        sock = net.connect(server.stats_port)
        sock.sendall(get("/stats", server)[: number % 60 + 1])
        reset(sock)
    for _ in range(100):
        sock = net.connect(server.stats_port)
        sock.sendall(get("/stats", server))
        reset(sock)
    assert server.get("/health")[0] == 200


def test_client_that_half_closes_gets_its_answer(server):
    with net.connect(server.stats_port) as sock:
        sock.sendall(get("/stats", server))
        net.send_fin(sock)
        reader = sock.makefile("rb")
        assert read_answer(reader).status == 200
        assert reader.read() == b""


def test_nothing_is_said_to_who_says_nothing(server):
    with net.connect(server.stats_port) as sock:
        net.send_fin(sock)
        assert receive_to_end(sock) == b""


def test_names_in_the_output_are_escaped(start_server):
    server = start_server(echo_config("a-b_c.d"))
    assert stats.listener(server.stats(), "a-b_c.d")["sessions"]["active"] == 0


def test_statistics_requests_are_not_sessions(server):
    for _ in range(10):
        server.stats()
    totals = server.stats()["totals"]
    assert totals["sessions"]["total"] == 0
    assert totals["bytes"]["in"] == 0


def test_many_readers_at_once(server):
    socks = [net.connect(server.stats_port) for _ in range(40)]
    for sock in socks:
        sock.sendall(get("/stats", server, CLOSE))
    for sock in socks:
        assert read_answer(sock.makefile("rb")).status == 200
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()
