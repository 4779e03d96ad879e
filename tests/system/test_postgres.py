"""pgbench through the proxy: every transaction succeeds."""

import os
import re
import subprocess

import pytest
from support.programs import Postgres, postgres_programs
from support.server import proxy_config

pytestmark = [pytest.mark.linux, pytest.mark.skipif(not postgres_programs(), reason="needs PostgreSQL")]


def pgbench(port, *arguments):
    done = subprocess.run(
        [
            str(postgres_programs() / "pgbench"),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-U",
            "tester",
            *arguments,
            "postgres",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_pgbench_has_no_failed_transaction(start_server, tmp_path):
    with Postgres(tmp_path) as postgres:
        server = start_server(proxy_config(postgres.port))
        port = server.port("proxy")
        pgbench(port, "-i", "-s", "3", "-q")

        report = pgbench(port, "-c", "10", "-j", "2", "-t", "200")
        assert "number of transactions actually processed: 2000/2000" in report
        assert re.search(r"number of failed transactions: 0 ", report)

        # A connection per transaction, and extended queries.
        report = pgbench(port, "-c", "5", "-j", "2", "-t", "60", "-C", "-M", "extended", "-S")
        assert "number of transactions actually processed: 300/300" in report
        server.wait_active(0)
        assert server.listener("proxy")["sessions"]["total"] >= 300
        assert server.upstream_server()["errors"] == dict.fromkeys(server.upstream_server()["errors"], 0)
