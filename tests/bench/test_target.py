"""The source and the sink of target, and that load notices what is wrong with a stream on its way."""

import signal
import socket
import subprocess

import programs
import pytest
import wrong_servers as wrong
from programs import run_load
from streams import key_of, stream
from test_load import assert_bad, assert_good
from wrong_servers import receive_exactly

LENGTH = 300_001
PLACE = 200_000
CHANGES = [wrong.flip, wrong.lose, wrong.double, wrong.swap]


@pytest.fixture
def target():
    with programs.target() as running:
        yield running


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=programs.LIMIT)


def test_source_sends_the_stream_of_its_key_and_another_to_everybody(target):
    seen = set()
    for _ in range(3):
        with connect(target.ports["source"]) as source:
            data = receive_exactly(source, LENGTH)
        assert data == stream(key_of(data), LENGTH)
        seen.add(key_of(data))
    assert len(seen) == 3


@pytest.mark.parametrize("size", [1, 7, 4096, LENGTH])
def test_sink_counts_a_good_stream_in_pieces_of_any_size(target, size):
    data = stream(0x0123456789ABCDEF, min(LENGTH, size * 1000))
    with connect(target.ports["sink"]) as sink:
        for start in range(0, len(data), size):
            sink.sendall(data[start : start + size])
        sink.shutdown(socket.SHUT_WR)
        assert receive_exactly(sink, 100) == len(data).to_bytes(8, "little")


@pytest.mark.parametrize("change", CHANGES)
def test_sink_resets_a_wrong_stream_and_says_so(target, change):
    # The reset may come at any of these steps.
    with connect(target.ports["sink"]) as sink, pytest.raises(OSError, match="reset|pipe|not connected"):
        sink.sendall(wrong.at(PLACE, change)(stream(7, LENGTH), 0))
        sink.shutdown(socket.SHUT_WR)
        sink.recv(100)
    _, errors = target.process.communicate(timeout=programs.LIMIT)
    assert target.process.returncode == 1
    assert "of a stream arrived as 0x" in errors


@pytest.mark.parametrize("change", CHANGES)
def test_load_notices_what_a_proxy_does_to_an_upload(target, change):
    with wrong.Server(wrong.relay(target.ports["sink"], wrong.at(PLACE, change))) as server:
        assert_bad(run_load("upload", server.port))


def test_load_notices_a_sink_that_got_less():
    with wrong.Server(wrong.sink_that_answers(lambda count: (count - 1).to_bytes(8, "little"))) as server:
        assert_bad(run_load("upload", server.port), "the sink got ")


@pytest.mark.parametrize("answer, words", [(b"", "without saying"), (b"1234567", "without saying"), (b"123456789", "other")])
def test_load_notices_a_sink_that_answers_something_else(answer, words):
    with wrong.Server(wrong.sink_that_answers(lambda count: answer)) as server:
        assert_bad(run_load("upload", server.port), words)


def test_load_accepts_the_stream_of_any_source():
    with wrong.Server(wrong.sends(stream(42, LENGTH))) as server:
        assert_good(run_load("stream", server.port, seconds=0.05, warmup=0))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", [0, 8, PLACE])
def test_load_notices_a_wrong_stream(change, place):
    with wrong.Server(wrong.sends(wrong.at(place, change)(stream(42, LENGTH), 0))) as server:
        assert_bad(run_load("stream", server.port, seconds=5, warmup=0), "arrived as 0x")


def test_load_notices_a_stream_that_two_connections_have():
    with wrong.Server(wrong.sends(stream(42, LENGTH))) as server:
        assert_bad(run_load("stream", server.port, connections=2), "its stream is the one")


@pytest.mark.parametrize("count, words", [(0, "nothing"), (7, "nothing"), (LENGTH, "nothing for 0.3 s")])
def test_load_notices_a_stream_that_stops(count, words):
    with wrong.Server(wrong.sends(stream(42, count))) as server:
        assert_bad(run_load("stream", server.port, seconds=5, connect_timeout=0.3, answer_timeout=0.3), words)


def test_load_notices_a_stream_that_ends():
    with wrong.Server(lambda client, _: client.sendall(stream(42, LENGTH))) as server:
        assert_bad(run_load("stream", server.port, seconds=5), f"the server closed after {LENGTH} bytes")


def test_target_offers_what_it_was_asked_for():
    with programs.target("--source", "0") as running:
        assert running.ports["echo"] is None and running.ports["sink"] is None
        assert running.ports["source"] > 0


def test_target_says_that_a_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [programs.FOLDER / "target", "--echo", str(taken.getsockname()[1])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=programs.LIMIT, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot listen" in done.stderr


def test_target_ends_when_it_is_told(target):
    target.process.send_signal(signal.SIGTERM)
    assert target.process.wait(programs.LIMIT) == 0
