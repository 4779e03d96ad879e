"""curl through the proxy: a gigabyte each way arrives as it was sent, and is counted to the byte."""

import shutil
import subprocess
import time

import pytest
from support.http_upstream import PatternServer
from support.net import Pattern
from support.server import proxy_config
from support.wait import wait_until

GIB = 1 << 30

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(
        not shutil.which("curl") or not shutil.which("sha256sum"), reason="needs curl and sha256sum"
    ),
]

# An absent deadline would hang the run; half an hour is far more than the slowest machine needs for a
# gigabyte.
CURL = ["curl", "-sS", "--fail", "--noproxy", "*", "--max-time", "1800"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [GIB])
def test_download_of_a_gibibyte(start_server, record_property, size):
    with PatternServer() as upstream:
        server = start_server(proxy_config(upstream.port))
        start = time.monotonic()
        curl = subprocess.Popen(
            [*CURL, f"http://127.0.0.1:{server.port('proxy')}/{size}"], stdout=subprocess.PIPE
        )
        digest = subprocess.run(
            ["sha256sum"], stdin=curl.stdout, capture_output=True, check=True, text=True
        ).stdout.split()[0]
        curl.stdout.close()
        assert curl.wait(60) == 0
        record_property("megabytes_per_second", round(size / 1e6 / (time.monotonic() - start)))
        assert digest == upstream.pattern.sha256(size)
        server.wait_active(0)
        assert server.listener("proxy")["bytes"]["out"] > size
        assert server.listener("proxy")["bytes"]["out"] == server.upstream_server()["bytes"]["in"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [GIB])
def test_upload_of_a_gibibyte(start_server, record_property, size):
    with PatternServer() as upstream:
        server = start_server(proxy_config(upstream.port))
        start = time.monotonic()
        curl = subprocess.Popen(
            # The length instead of chunks, although curl reads a pipe.
            [
                *CURL,
                "-H",
                f"Content-Length: {size}",
                "-H",
                "Transfer-Encoding:",
                "-H",
                "Expect:",
                "-T",
                "-",
                f"http://127.0.0.1:{server.port('proxy')}/upload",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=False,
        )
        pattern = Pattern("upload")
        for part in pattern.parts(size):
            curl.stdin.write(part)
        answer, _ = curl.communicate(timeout=1800)
        assert curl.returncode == 0
        record_property("megabytes_per_second", round(size / 1e6 / (time.monotonic() - start)))
        assert answer.decode() == pattern.sha256(size)
        server.wait_active(0)
        assert server.listener("proxy")["bytes"]["in"] > size
        assert server.listener("proxy")["bytes"]["in"] == server.upstream_server()["bytes"]["out"]


def test_parallel_downloads_do_not_mix(start_server):
    with PatternServer() as upstream:
        server = start_server(proxy_config(upstream.port))
        sizes = [1_000_000 + number * 7 for number in range(16)]
        runs = [
            subprocess.Popen(
                [*CURL, f"http://127.0.0.1:{server.port('proxy')}/{size}"], stdout=subprocess.PIPE
            )
            for size in sizes
        ]
        for size, run in zip(sizes, runs, strict=True):
            out, _ = run.communicate(timeout=120)
            assert run.returncode == 0
            assert out == upstream.pattern.bytes(size)
        wait_until(lambda: server.stats()["totals"]["sessions"]["active"] == 0, "all sessions to end")
        assert server.listener("proxy")["sessions"]["total"] == len(sizes)
