"""One measurement: one contestant in one cell, once."""

import json
import os
import resource
import select
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from support.wait import wait_stable

from . import machine, proc
from .cells import PROXY
from .running import Failed, Running, Target, excerpt

WARMUP_SHARE = 0.2
"""Of the seconds of a cell, before them."""

# What the load generator may need beyond its seconds: to connect, and to close.
LOAD_DEADLINE = 60.0

# Memory has come to rest when it stayed the same for this many readings of a tenth of a second. A connection that has just been served is not
# idle yet: buffers may go back only when it has said nothing for some seconds.
SETTLED_BEFORE = 4
SETTLED_READINGS = 30
SETTLE_DEADLINE = 15.0
PAGES = 16 * 4096

FROM_LOAD = (
    "operations_per_second", "megabytes_per_second", "p50_us", "p90_us", "p99_us", "p999_us", "max_us", "mean_us",
    "operations_min", "operations_max",
)  # fmt: skip


@dataclass
class Bench:
    """What all measurements of a run have in common."""

    load: list
    """The command of the load generator; `target` likewise."""
    target: list
    folder: Path
    wine: object = None
    seconds: float = 3.0

    @property
    def warmup(self):
        return round(self.seconds * WARMUP_SHARE, 2)


class Clock:
    """Processor time of everybody who takes part, between two moments."""

    def __init__(self, bench, running, target):
        self.bench, self.running, self.target = bench, running, target
        self.before = self._read()
        self.processors = machine.read_processors()

    def _read(self):
        server = [self.bench.wine.server_pid] if self.running.windows else []
        own = os.times()
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "contestant": proc.cpu_seconds(self.running.pids),
            "wineserver": proc.cpu_seconds(server),
            "target": proc.cpu_seconds(self.target.pids if self.target else []),
            "load": ended.ru_utime + ended.ru_stime,
            "harness": own.user + own.system,
        }

    def stop(self):
        """(seconds by participant, machine.Busy)"""
        after = self._read()
        cpu = {name: after[name] - self.before[name] for name in after}
        busy = machine.busy_between(
            self.processors, machine.read_processors(), sum(cpu.values()), machine.load_average()
        )
        return cpu, busy


def measure(bench, cell, contestant, round_number):
    """A record for results.json. A contestant that fails has an error in it, and no values."""
    record = {"cell": cell.name, "contestant": contestant.name, "round": round_number, "error": None, "values": {}}
    try:
        with ExitStack() as stack:
            target = stack.enter_context(Target(bench.target, bench.folder)) if cell.service == PROXY else None
            running = stack.enter_context(start(bench, cell, contestant, target))
            act = measure_idle if cell.mode == "idle" else measure_load
            record.update(act(bench, cell, running, target))
            running.check_alive()
    except Failed as failure:
        record["error"] = str(failure)
        record["values"] = {}
    return record


def start(bench, cell, contestant, target, debug=None):
    port = 0
    if target:
        port = target.ports["source" if cell.mode == "stream" else "echo"]
    folder = bench.folder / contestant.name
    source = cell.mode == "stream"
    return Running(contestant, cell.service, port, folder, bench.wine, debug, source)


def load_command(bench, cell, port, seconds, warmup):
    words = [*map(str, bench.load), cell.mode, "--port", port, "--connections", cell.connections]
    words += ["--bytes", cell.bytes, "--seconds", seconds, "--warmup", warmup]
    return [str(word) for word in words]


def run_load(bench, cell, port, seconds, warmup):
    """The load generator's report."""
    log = bench.folder / "load.log"
    command = load_command(bench, cell, port, seconds, warmup)
    with log.open("wb") as errors:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=seconds + warmup + LOAD_DEADLINE,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            raise Failed(f"the load did not end within {LOAD_DEADLINE:g} s of its time") from problem
    return verified(done.stdout, done.returncode, log)


def verified(output, code, log):
    """The report, once it is sure that every byte was right."""
    try:
        report = json.loads(output.decode().strip().split("\n")[-1])
    except ValueError:
        report = {}
    if code != 0:
        failures = report.get("failures", "no report")
        raise Failed(f"VERIFICATION FAILED: exit code {code} of the load, failures: {failures}; {excerpt(log)}")
    if report.get("failures") != 0:
        raise Failed(f"VERIFICATION FAILED: failures: {report.get('failures', 'no report')}")
    if not report.get("bytes_verified"):
        raise Failed("VERIFICATION FAILED: not one byte came back")
    return report


def measure_load(bench, cell, running, target):
    clock = Clock(bench, running, target)
    report = run_load(bench, cell, running.port, bench.seconds, bench.warmup)
    cpu, busy = clock.stop()
    values = {name: report[name] for name in FROM_LOAD if report.get(name) is not None}
    if report.get("operations_min") is not None and report["operations"]:
        values["fairness"] = report["operations_min"] * cell.connections / report["operations"]
    # Processor time is read around the whole load; what it reports is without the warm-up.
    share = report["seconds"] / (report["seconds"] + bench.warmup)
    count = report["operations"]
    if cell.mode in ("bulk", "stream"):
        count = report["megabytes_per_second"] * report["seconds"]
    for name, key in (("contestant", "cpu_us_per_operation"), ("wineserver", "wineserver_us_per_operation")):
        values[key] = cpu[name] * share * 1e6 / max(count, 1)
    return {"values": values, "load": report, "cpu_seconds": cpu, "machine": busy.as_dict()}


def measure_idle(bench, cell, running, target):
    """Memory for each connection that was opened, did one round trip and now waits."""
    clock = Clock(bench, running, target)
    before = settled_memory(bench, running, SETTLED_BEFORE)
    log = bench.folder / "load.log"
    with log.open("wb") as errors:
        load = subprocess.Popen(
            load_command(bench, cell, running.port, bench.seconds, 0),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        wait_for_ready(load, log)
        during = settled_memory(bench, running, SETTLED_READINGS)
        output, _ = load.communicate(b"go on\n", timeout=LOAD_DEADLINE)
    except subprocess.TimeoutExpired as problem:
        raise Failed("the idle connections did not end in time") from problem
    finally:
        if load.poll() is None:
            load.kill()
            load.wait()
        load.stdout.close()
    report = verified(output, load.returncode, log)
    cpu, busy = clock.stop()
    each = {key: (during[key] - before[key]) / cell.connections for key in before}
    values = {f"{key}_bytes_per_connection": value for key, value in each.items()}
    return {"values": values, "load": report, "cpu_seconds": cpu, "machine": busy.as_dict(), "memory": [before, during]}


def wait_for_ready(load, log):
    end = time.monotonic() + LOAD_DEADLINE
    text = b""
    while not text.endswith(b"\n"):
        readable, _, _ = select.select([load.stdout], [], [], max(0.0, end - time.monotonic()))
        piece = os.read(load.stdout.fileno(), 4096) if readable else b""
        if not piece:
            why = "ended" if readable else f"was not ready after {LOAD_DEADLINE:g} s"
            raise Failed(f"VERIFICATION FAILED: the idle load {why}: {excerpt(log)}")
        text += piece
    if text != b"ready\n":
        raise Failed(f"VERIFICATION FAILED: the idle load never was ready: {excerpt(log)}")


def settled_memory(bench, running, readings):
    """Waits until it stays the same. One that never rests, as a garbage collector may not, is read as it is then."""
    server = [bench.wine.server_pid] if running.windows else []

    def read():
        private, resident = proc.memory(running.pids)
        return {"private": private, "resident": resident, "wineserver": proc.memory(server)[0]}

    try:
        wait_stable(lambda: read()["private"] // PAGES, "memory to settle", readings, SETTLE_DEADLINE)
    except AssertionError:
        pass
    return read()
