"""build/bench/load and build/bench/target, as the tests start them."""

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build/bench"
LIMIT = 60.0
"""Seconds for one run. It only ends a run that hangs."""

NUMBERS = {
    "connections", "bytes", "seconds", "operations", "operations_per_second", "bytes_verified", "megabytes_per_second",
    "operations_min", "operations_max", "failures", "cpu_seconds",
}  # fmt: skip
LATENCIES = {"p50_us", "p90_us", "p99_us", "p999_us", "max_us", "mean_us"}


@dataclass
class Outcome:
    """What one run of load came to."""

    code: int
    report: dict
    errors: str
    before: list
    """The lines of its output before the report."""


def load_command(mode, port, **options):
    words = [str(FOLDER / "load"), mode, "--port", str(port)]
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return words


def outcome_of(code, output, errors):
    lines = output.splitlines()
    report = json.loads(lines[-1]) if lines else None
    assert report is None or set(report) == NUMBERS | LATENCIES | {"mode"}
    return Outcome(code, report, errors, lines[:-1])


def run_load(mode, port, **options):
    # Short: the tests ask what is counted, never how fast it was.
    options = {"seconds": 0.2, "warmup": 0.05} | options
    done = subprocess.run(
        load_command(mode, port, **options),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return outcome_of(done.returncode, done.stdout, done.stderr)


@dataclass
class Target:
    process: subprocess.Popen
    ports: dict


@contextmanager
def target(*words):
    """A target with the ports that it chose; it ends with its standard input."""
    words = words or ("--echo", "0", "--source", "0", "--sink", "0")
    process = subprocess.Popen(
        [str(FOLDER / "target"), *words, "--until-eof"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Target(process, json.loads(process.stdout.readline()))
    finally:
        if process.poll() is None:
            process.communicate(timeout=LIMIT)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
