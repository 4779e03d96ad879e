"""redis-benchmark through the proxy: every request is answered."""

import csv
import io
import shutil
import subprocess

import pytest
from support.net import receive_exactly
from support.programs import Redis
from support.server import proxy_config

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(
        not shutil.which("redis-server") or not shutil.which("redis-benchmark"), reason="needs redis"
    ),
]


def benchmark(port, *arguments):
    done = subprocess.run(
        ["redis-benchmark", "-h", "127.0.0.1", "-p", str(port), "--csv", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    # redis-benchmark reports failed requests and lost connections on either stream, and some with exit code
    # 0.
    for word in ("error", "failed", "could not connect", "closed"):
        assert word not in done.stdout.lower() + done.stderr.lower(), (done.stdout, done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def commands_processed(port):
    from support.net import connect

    with connect(port) as sock:
        sock.sendall(b"INFO stats\r\n")
        length = int(sock.makefile("rb").readline()[1:])
        assert length > 0
    with connect(port) as sock:
        sock.sendall(b"INFO stats\r\n")
        text = sock.makefile("rb")
        body = text.read(int(text.readline()[1:]))
    return int(
        next(line for line in body.splitlines() if line.startswith(b"total_commands_processed")).split(b":")[
            1
        ]
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-n", "20000", "-c", "50"], id="one-at-a-time"),
        pytest.param(["-n", "150000", "-c", "50", "-P", "16"], id="pipelined"),
        pytest.param(["-n", "2000", "-c", "20", "-d", "65536"], id="64-kilobyte-values"),
        pytest.param(["-n", "1500", "-c", "20", "-k", "0"], id="a-connection-per-request"),
    ],
)
def test_redis_benchmark_has_no_failed_request(start_server, tmp_path, arguments):
    with Redis(tmp_path) as redis:
        server = start_server(proxy_config(redis.port))
        before = commands_processed(redis.port)
        rows = benchmark(server.port("proxy"), "-t", "set,get", *arguments)
        assert [row["test"] for row in rows] == ["SET", "GET"]
        wanted = 2 * int(arguments[1])
        # redis-benchmark may send a few more while it stops, and two commands of its own at the start.
        assert commands_processed(redis.port) - before >= wanted
        server.wait_active(0)
        assert server.upstream_server()["errors"] == dict.fromkeys(server.upstream_server()["errors"], 0)


def test_redis_replies_arrive_unchanged(start_server, tmp_path):
    with Redis(tmp_path) as redis:
        server = start_server(proxy_config(redis.port))
        client = server.connect("proxy")
        value = bytes(range(256)) * 400
        client.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n" % (len(value), value))
        assert receive_exactly(client, 5) == b"+OK\r\n"
        client.sendall(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        answer = b"$%d\r\n%s\r\n" % (len(value), value)
        assert receive_exactly(client, len(answer)) == answer
