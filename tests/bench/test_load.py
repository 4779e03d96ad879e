"""load against target, where everything must be right, and against servers that are wrong on purpose."""

import os
import resource
import socket
import subprocess
import threading

import programs
import pytest
import wrong_servers as wrong
from programs import run_load
from support.wait import wait_stable, wait_until

PENDING_MAX = 64
"""Connects that load leaves unanswered at a time."""


@pytest.fixture(scope="module")
def target():
    with programs.target() as running:
        yield running
    assert running.process.returncode == 0


@pytest.fixture(scope="module")
def ports(target):
    return target.ports


def assert_good(outcome):
    assert (outcome.code, outcome.errors, outcome.report["failures"]) == (0, "", 0)


def assert_adds_up(report):
    count, each = report["connections"], (report["operations_min"], report["operations_max"])
    assert report["operations"] > 0
    # Bytes are counted exactly, so the parts of an operation that each connection has left over may make one more.
    assert each[0] * count <= report["operations"] < (each[1] + 1) * count
    assert report["bytes_verified"] >= report["operations"] * report["bytes"]
    assert report["operations_per_second"] == pytest.approx(report["operations"] / report["seconds"], rel=0.01)
    assert report["seconds"] > 0 and report["cpu_seconds"] >= 0


def assert_ordered(report):
    shown = [report[name] for name in ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")]
    assert shown == sorted(shown) and shown[0] > 0
    assert 0 < report["mean_us"] <= report["max_us"]


# ---- everything is right ----

CONVERSATIONS = [
    ("pingpong", {}),
    ("pingpong", {"connections": 64}),
    ("pingpong", {"connections": 3, "bytes": 1}),
    ("pingpong", {"connections": 8, "bytes": 16384}),
    # More than all buffers between the two hold: it must receive while it sends.
    ("pingpong", {"connections": 2, "bytes": 12_000_000, "seconds": 1}),
    ("pingpong", {"connections": 3000, "seconds": 0.5}),
    ("churn", {"connections": 16}),
    ("churn", {"connections": 3, "bytes": 100_000, "sources": 1}),
    ("churn", {"connections": 4, "close": "at-once"}),
    ("churn", {"connections": 4, "close": "reset"}),
    ("idle", {"connections": 100}),
]
TRANSFERS = [("bulk", "echo"), ("stream", "source"), ("upload", "sink")]


@pytest.mark.parametrize("mode, options", CONVERSATIONS)
def test_load_finds_a_good_echo_good(ports, mode, options):
    outcome = run_load(mode, ports["echo"], **options)
    assert_good(outcome)
    assert_adds_up(outcome.report)
    assert_ordered(outcome.report)


@pytest.mark.parametrize("options", [{}, {"connections": 8}, {"connections": 2, "bytes": 1000}])
@pytest.mark.parametrize("mode, service", TRANSFERS)
def test_load_finds_a_good_transfer_good(ports, mode, service, options):
    outcome = run_load(mode, ports[service], **options)
    assert_good(outcome)
    assert_adds_up(outcome.report)
    assert {outcome.report[name] for name in programs.LATENCIES} == {None}
    unit = outcome.report["operations"] * outcome.report["bytes"] / outcome.report["seconds"] / 1e6
    assert outcome.report["megabytes_per_second"] == pytest.approx(unit, rel=0.01)


def test_what_the_warmup_does_is_verified_but_not_counted(ports):
    short = run_load("pingpong", ports["echo"], seconds=0.05, warmup=1)
    assert_good(short)
    assert short.report["bytes_verified"] > 3 * short.report["operations"] * short.report["bytes"]


def test_latency_is_that_of_the_answer():
    wait = threading.Event()

    def slow(data, _position):
        wait.wait(0.03)
        return data

    with wrong.Server(wrong.echo(slow)) as server:
        outcome = run_load("pingpong", server.port, seconds=0.3)
    assert_good(outcome)
    assert outcome.report["p50_us"] >= 30_000 and outcome.report["mean_us"] >= 30_000


def test_idle_holds_ten_thousand_connections_until_it_is_told(target):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit < 10_100:
        pytest.skip(f"only {limit} open files are allowed here")
    command = programs.load_command("idle", target.ports["echo"], connections=10_000)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout.readline() == "ready\n"
        assert len(os.listdir(f"/proc/{target.process.pid}/fd")) > 10_000
        output, _ = load.communicate("\n", timeout=programs.LIMIT)
    outcome = programs.outcome_of(load.returncode, output, "")
    assert_good(outcome)
    assert outcome.report["operations"] == 10_000
    assert outcome.report["bytes_verified"] >= 2 * 64 * 10_000


@pytest.mark.parametrize("mode", ["pingpong", "bulk", "stream", "idle"])
def test_connects_are_bounded_while_nobody_answers(mode):
    with wrong.Server(wrong.silent_after(0)) as server:
        command = programs.load_command(mode, server.port, connections=1000)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as load:
            wait_until(lambda: server.count() >= PENDING_MAX, "the connects that are allowed")
            assert wait_stable(server.count, "connects to stop") == PENDING_MAX
            load.kill()
            load.communicate()


# ---- something is wrong ----

# Of the stream of a connection; behind what is sent as a greeting.
PLACE = 1000
CHANGES = [wrong.flip, wrong.lose, wrong.double, wrong.swap]
ECHO_MODES = [("pingpong", 64), ("pingpong", 16384), ("bulk", 65536), ("churn", 2048), ("idle", 2048)]


def assert_bad(outcome, *words):
    assert outcome.code == 1
    assert outcome.report["failures"] > 0
    for word in words:
        assert word in outcome.errors


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode, size", ECHO_MODES)
def test_one_wrong_byte_is_noticed(mode, size, change):
    with wrong.Server(wrong.echo(wrong.at(PLACE, change))) as server:
        outcome = run_load(mode, server.port, connections=2, bytes=size)
    assert_bad(outcome, "came back as 0x")
    # swap is the only one that cannot show before the byte itself, nor behind it.
    assert any(f"byte {place} " in outcome.errors for place in range(PLACE, PLACE + 8))


@pytest.mark.parametrize("place", [0, 7])
def test_a_wrong_greeting_is_noticed(place):
    with wrong.Server(wrong.echo(wrong.at(place, wrong.flip))) as server:
        assert_bad(run_load("pingpong", server.port), f"byte {place} came back")


def test_a_lost_last_byte_is_noticed():
    with wrong.Server(wrong.echo(wrong.at(8 + 63, wrong.lose))) as server:
        assert_bad(run_load("pingpong", server.port, answer_timeout=1), "72 bytes were sent and 71 received")


@pytest.mark.parametrize("mode", ["pingpong", "churn"])
def test_a_doubled_last_byte_is_noticed(mode):
    place = 63 + (8 if mode == "pingpong" else 0)
    with wrong.Server(wrong.echo(wrong.at(place, wrong.double))) as server:
        assert_bad(run_load(mode, server.port), "more came back")


@pytest.mark.parametrize("mode", ["pingpong", "bulk"])
def test_bytes_of_another_connection_are_noticed(mode):
    crossing = wrong.Crossing(64, 8)
    with wrong.Server(crossing.serve) as server:
        outcome = run_load(mode, server.port, connections=2, bytes=64)
    assert_bad(outcome, "connection 0", "connection 1", "byte 8 came back")


@pytest.mark.parametrize("mode, count", [("pingpong", 8 + 640), ("pingpong", 8 + 100), ("bulk", 100_000), ("idle", 80)])
def test_a_server_that_closes_early_is_noticed(mode, count):
    with wrong.Server(wrong.close_after(count)) as server:
        outcome = run_load(mode, server.port, connections=2, warmup=0, seconds=0.5)
    assert_bad(outcome)
    assert "the server closed" in outcome.errors or "reset" in outcome.errors or "Broken pipe" in outcome.errors


def test_a_server_that_keeps_the_last_bytes_to_itself_is_noticed():
    with wrong.Server(wrong.keeps_last) as server:
        outcome = run_load("bulk", server.port)
    assert_bad(outcome, "the server closed when")


def test_a_connection_that_is_closed_while_others_are_opened_is_noticed():
    def serve(client, number):
        (wrong.silent_after(0) if number else wrong.close_after(8))(client, number)

    with wrong.Server(serve) as server:
        outcome = run_load("pingpong", server.port, connections=2, connect_timeout=2)
    assert_bad(outcome, "connection 0: the server closed when 8 of 8 bytes")


def test_a_server_that_closes_within_a_cycle_is_noticed():
    with wrong.Server(wrong.close_after(63)) as server:
        assert_bad(run_load("churn", server.port, connections=2))


@pytest.mark.parametrize("mode", ["pingpong", "bulk", "churn", "idle"])
def test_a_server_that_never_answers_is_noticed(mode):
    with wrong.Server(wrong.silent_after(0)) as server:
        outcome = run_load(mode, server.port, connections=3, connect_timeout=0.3, answer_timeout=0.3)
    assert_bad(outcome, "and then nothing for 0.3 s")
    assert outcome.report["failures"] == 3


@pytest.mark.parametrize("mode", ["pingpong", "bulk", "idle"])
def test_a_server_that_stops_answering_is_noticed(mode):
    with wrong.Server(wrong.silent_after(8)) as server:
        outcome = run_load(mode, server.port, connections=3, answer_timeout=0.3)
    assert_bad(outcome, "8 received, and then nothing for 0.3 s")


@pytest.mark.parametrize("mode", ["pingpong", "bulk", "churn", "idle"])
def test_a_server_that_does_not_close_is_noticed(mode):
    with wrong.Server(wrong.never_closes) as server:
        assert_bad(run_load(mode, server.port, answer_timeout=1), "did not close within 1 s")


@pytest.mark.parametrize("mode", ["pingpong", "bulk", "stream", "upload", "churn", "idle"])
def test_a_closed_port_is_a_failure(mode):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = run_load(mode, port)
    assert_bad(outcome, "could not connect: Connection refused")
    assert outcome.report["operations"] == 0


def test_only_the_first_failures_are_explained():
    with wrong.Server(wrong.silent_after(8)) as server:
        outcome = run_load("pingpong", server.port, connections=25, answer_timeout=0.3)
    assert outcome.report["failures"] == 25
    assert outcome.errors.count("connection") == 10 and "15 more failed" in outcome.errors


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance", "--port", "1"],
        ["pingpong"],
        ["pingpong", "--port", "0"],
        ["pingpong", "--port", "1", "--connections", "0"],
        ["pingpong", "--port", "1", "--bytes", "64k"],
        ["pingpong", "--port", "1", "--seconds", "-1"],
        ["pingpong", "--port", "1", "--host", "localhost"],
        ["pingpong", "--port", "1", "more"],
        ["churn", "--port", "1", "--close", "softly"],
        ["churn", "--port", "1", "--host", "10.0.0.1", "--sources", "2"],
    ],
)
def test_wrong_usage_is_explained(words):
    done = subprocess.run([programs.FOLDER / "load", *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
