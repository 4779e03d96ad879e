"""Whole measurements with stand-ins: small native programs instead of Wine, the peers and the load generator."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from harness import cells, contestants, machine, measure, network, proc, report_text, results, rounds
from harness.running import Failed, Running, Target, free_port

PYTHON = [sys.executable, "-B", "-S"]

# Serves everybody in a thread of its own. With a target it passes on, else it sends back; CHANGE is what it does to the data.
SERVER = """
    import socket, sys, threading
    def serve(client):
        far = socket.create_connection(("127.0.0.1", int(sys.argv[2]))) if len(sys.argv) > 2 else None
        while data := client.recv(65536):
            if far:
                far.sendall(data)
                data = far.recv(65536)
            client.sendall(CHANGE)
    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""

# As build/bench/load: some round trips on each connection, and a report.
LOAD = """
    import json, socket, sys
    mode, options = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))
    count, size = int(options["--connections"]), int(options["--bytes"])
    def trip(connection):
        sent = bytes(range(97, 123)) * (size // 26 + 1)
        connection.sendall(sent[:size])
        got = b""
        while len(got) < size:
            got += connection.recv(size) or sys.exit("closed")
        return got == sent[:size]
    connections = [socket.create_connection(("127.0.0.1", int(options["--port"]))) for _ in range(count)]
    right = [trip(each) for each in connections]
    if mode == "idle":
        print("ready", flush=True)
        sys.stdin.readline()
    right += [trip(each) for each in connections]
    failures = right.count(False)
    print(json.dumps({"mode": mode, "seconds": 0.1, "operations": len(right), "operations_per_second": 1000.0, "p99_us": 5.0,
                      "megabytes_per_second": 1.0, "bytes_verified": size * right.count(True), "failures": failures}))
    sys.exit(failures > 0)
"""

TARGET = """
    import json, socket, sys, threading
    def serve(client):
        while data := client.recv(65536):
            client.sendall(data)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    print(json.dumps({"echo": port, "source": port, "sink": port}), flush=True)
    while True:
        threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""

PINGPONG = cells.Cell("echo", "pingpong", 4, 64)


@pytest.fixture
def bench(tmp_path):
    def program(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text))
        return [*PYTHON, str(path)]

    made = measure.Bench(program("load", LOAD), program("target", TARGET), tmp_path, seconds=0.1)
    made.program = program
    return made


def native(bench, name="honest", change="data", version=""):
    command = [*bench.program(name, SERVER.replace("CHANGE", change)), "{listen}"]
    return contestants.Contestant(
        name, contestants.NATIVE, version, commands={"echo": command, "proxy": [*command, "{target}"]}
    )


@pytest.mark.parametrize("service", ["echo", "proxy"])
def test_measurement_has_values_and_says_who_used_the_processors(bench, service):
    cell = cells.Cell(service, "pingpong", 4, 64)
    record = measure.measure(bench, cell, native(bench), 1)
    assert record["error"] is None
    assert record["values"]["operations_per_second"] == 1000.0
    assert record["values"]["cpu_us_per_operation"] >= 0
    assert record["cpu_seconds"]["load"] > 0
    assert set(record["machine"]) == {"foreign_share", "stolen_share", "own_share", "load_average", "disturbed"}
    assert record["load"]["bytes_verified"] == 8 * 64


def test_measurement_of_idle_connections_finds_their_memory(bench):
    record = measure.measure(bench, cells.Cell("echo", "idle", 40, 64), native(bench), 1)
    assert record["error"] is None
    # A thread of Python touches more than a page, and not a megabyte.
    assert 4096 <= record["values"]["private_bytes_per_connection"] < 1 << 20


@pytest.mark.parametrize("mode", ["pingpong", "idle"])
def test_contestant_that_changes_a_byte_fails_loudly_and_is_not_ranked(bench, mode):
    cell = cells.Cell("echo", mode, 4, 64)
    liar = native(bench, "liar", "data.swapcase()")
    record = measure.measure(bench, cell, liar, 1)
    assert record["error"].startswith("VERIFICATION FAILED: exit code 1")
    assert record["values"] == {}


def test_run_with_a_liar_tells_of_it(bench):
    cell = cells.named("echo-64x64B")
    people = [native(bench), native(bench, "liar", "data.swapcase()")]
    records, done = rounds.run([cell], people, 2, lambda *which: measure.measure(bench, *which))
    found = results.build(
        started_at="2026-01-02T03:04:05+00:00", finished_at="", machine=machine.describe("wine-8.0"), git_commit=None,
        settings={"seconds": 0.1}, contestants=people, missing=[], records=records, calls=[], rounds_done=done,
    )  # fmt: skip
    assert len(records) == 4 and len(found["failures"]) == 2
    assert found["summary"][cell.name]["entries"]["liar"]["error"]
    assert "FAILED, and therefore not ranked:" in report_text.render(found)


def test_load_that_reports_no_failures_but_verified_nothing_is_not_believed(bench):
    lazy = json.dumps({"failures": 0, "bytes_verified": 0, "operations": 5})
    bench.load = bench.program("lazy", f"print({lazy!r})")
    assert "not one byte" in measure.measure(bench, PINGPONG, native(bench), 1)["error"]


def test_load_that_reports_failures_is_believed_whatever_its_exit_code(bench):
    bench.load = bench.program("mild", f"print({json.dumps({'failures': 3, 'bytes_verified': 64, 'operations': 5})!r})")
    assert measure.measure(bench, PINGPONG, native(bench), 1)["error"] == "VERIFICATION FAILED: failures: 3"


def test_idle_load_that_is_never_ready_says_why(bench):
    bench.load = bench.program("refused", "import sys; print('{}'); sys.exit('connection 7 was refused')")
    error = measure.measure(bench, cells.Cell("echo", "idle", 40, 64), native(bench), 1)["error"]
    assert error == "VERIFICATION FAILED: the idle load never was ready: connection 7 was refused"


def test_load_without_a_report_is_a_failure(bench):
    bench.load = bench.program("mute", "import sys; sys.exit('no memory for this')")
    error = measure.measure(bench, PINGPONG, native(bench), 1)["error"]
    assert "exit code 1" in error and "no memory for this" in error


def test_contestant_that_does_not_start_says_why(bench):
    broken = contestants.Contestant(
        "broken", contestants.NATIVE, commands={"echo": bench.program("broken", "import sys; sys.exit('no such thing')")}
    )
    error = measure.measure(bench, PINGPONG, broken, 1)["error"]
    assert error == "it ended with exit code 1: no such thing"


def test_contestant_is_gone_afterwards_with_what_it_started(bench):
    inner = f"import subprocess, sys\nsubprocess.Popen({PYTHON!r} + sys.argv[1:]).wait()\n"
    command = [*bench.program("outer", inner), native(bench).commands["echo"][-2], "{listen}"]
    family = contestants.Contestant("family", contestants.NATIVE, commands={"echo": command})
    with Running(family, "echo", 0, bench.folder / "family") as running:
        pids = running.pids
        assert len(pids) == 2
    assert not any(proc.exists(pid) for pid in pids)


def test_files_of_a_contestant_are_written_with_its_ports(bench):
    server = native(bench)
    files = {"conf/server.conf": "http { listen {listen}; proxy {target}; }\n"}
    configured = contestants.Contestant("configured", contestants.NATIVE, commands=server.commands, files=files)
    with Running(configured, "echo", 4711, bench.folder / "configured") as running:
        text = (running.folder / "conf/server.conf").read_text()
    assert text == f"http {{ listen {running.port}; proxy 4711; }}\n"


def test_contestant_has_the_variables_that_it_wants(bench):
    told = contestants.Contestant(
        "told",
        contestants.NATIVE,
        commands={"echo": bench.program("told", "import os, sys; sys.exit(os.environ['WISH'])")},
        environment={"WISH": "granted"},
    )
    assert measure.measure(bench, PINGPONG, told, 1)["error"] == "it ended with exit code 1: granted"


def test_target_that_does_not_start_says_why(bench):
    with pytest.raises(Failed, match="the target does not start: no port left"):
        with Target(bench.program("none", "import sys; sys.exit('no port left')"), bench.folder):
            pass


def test_processor_time_of_those_that_ended_is_none():
    assert proc.cpu_seconds([os.getpid()]) > 0
    assert proc.cpu_seconds([2**22 + 1]) == 0
    assert proc.memory([2**22 + 1]) == (0, 0)
    assert free_port() > 0


SESSION = """
    import os, select, sys
    from harness import precedence
    def act():
        try:
            print(os.getpid() == os.getsid(0), flush=True)
            # Not one long read: what comes on the way into it would be noticed at its end.
            while not select.select([sys.stdin], [], [], 0.05)[0]:
                pass
        except KeyboardInterrupt:
            return 7
    sys.exit(precedence.in_own_session(act))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_leads_its_own_session_and_is_interrupted_through_its_parent(bench, number):
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "system")]
    with subprocess.Popen(
        bench.program("session", SESSION),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    ) as process:
        assert process.stdout.readline() == b"True\n"
        process.send_signal(number)
        assert process.wait(20) == 7


OWN_NETWORK = """
    import os, socket
    from harness import network
    assert network.prepare()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        for _ in range(20):
            near = socket.create_connection(listening.getsockname())
            far, _ = listening.accept()
            near.shutdown(socket.SHUT_WR)
            assert far.recv(1) == b""
            far.close()
            assert near.recv(1) == b""
            near.close()
    print(network.connections_waiting())
"""


def test_network_of_its_own_serves_loopback_and_keeps_no_port(bench):
    apart = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*apart, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "system")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), network.OWN: "yes"}
    done = subprocess.run(
        [*apart, *bench.program("network", OWN_NETWORK)], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_connections_that_keep_their_ports_are_counted():
    text = "sockets: used 199\nTCP: inuse 9 orphan 0 tw 56244 alloc 20 mem 1\nUDP: inuse 3 mem 0\n"
    assert network.connections_waiting(text) == 56244
    assert network.connections_waiting() >= 0
