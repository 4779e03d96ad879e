"""Calls per message: counted, not timed, so the numbers hold on any machine.

Two traces of Wine are counted: the relay of ntdll for the calls that concern completion ports, written by the contestant, and
the Wine server's own list of requests. A short load and a longer one with as many connections meet the same process;
the difference of their counts, divided by the difference of their operations, is free of start, connects and closes.
"""

import re
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.wait import wait_stable

from . import contestants, tables
from .cells import PROXY, Cell
from .measure import run_load, start
from .running import Failed, Target

RELAYED = tuple(name for group in tables.GROUPS.values() for name in group)
RELAY_KEY = r"HKCU\Software\Wine\Debug"
RELAY_CHANNELS = "-all,+relay"

KERNEL = "kernel"
SERVER = "server"

CONNECTIONS = (1, 16, 64)
QUICK_CONNECTIONS = (16,)
BYTES = 64
SHORT_SECONDS = 0.2
LONG_SECONDS = 0.8

# What a trace grows by while nobody sends: the count has come to rest.
REST_READINGS = 3

RELAY_LINE = re.compile(rb"Call ntdll\.(\w+)\(")
# A request; its answer reads "0024: name() = 0".
REQUEST_LINE = re.compile(rb"^[0-9a-f]{4}: ([a-z_0-9]+)\((?!\) = )", re.MULTILINE)


class Trace:
    """A file that grows while it is counted."""

    def __init__(self, path, pattern):
        self.path, self.pattern = Path(path), pattern
        self.offset = 0

    def skip(self):
        """What was written so far is not counted."""
        self.offset = self._rest()

    def take(self):
        """Counts by name of what was written since the last time."""
        end = self._rest()
        counts = Counter()
        with self.path.open("rb") as file:
            file.seek(self.offset)
            left = end - self.offset
            tail = b""
            while left > 0:
                piece = tail + file.read(min(left, 1 << 22))
                left -= len(piece) - len(tail)
                # A line that is not complete yet waits for the next piece.
                lines, _, tail = piece.rpartition(b"\n")
                counts.update(match.decode() for match in self.pattern.findall(lines))
        self.offset = end
        return counts

    def _rest(self):
        return wait_stable(lambda: self.path.stat().st_size, "the trace to rest", REST_READINGS)


def per_operation(short, long, operations):
    """Calls by name for one operation; `short` and `long` are their counts, `operations` the difference."""
    if operations <= 0:
        raise Failed("the longer load did no more operations than the shorter one")
    names = sorted(set(short) | set(long))
    found = {name: (long[name] - short[name]) / operations for name in names}
    # Seldom things, a timer's tick or an answer that came late, are no cost of a message.
    return {name: value for name, value in found.items() if value >= 0.005}


def count_all(bench, open_wine, contestants_, services, connections, progress):
    """Rows for results.json: {"kind", "service", "contestant", "connections", "per_operation" or "error"}."""
    rows = []
    able = [each for each in contestants_ if each.kind == contestants.WINDOWS]
    for kind in (KERNEL, SERVER):
        with tracing(bench, open_wine, kind) as trace_path:
            for service in services:
                for contestant in able:
                    for count in connections:
                        cell = Cell(service, "pingpong", count, BYTES)
                        if contestant.takes(cell):
                            row = count_one(bench, kind, cell, contestant, trace_path)
                            rows.append(row)
                            progress(row)
    return rows


@contextmanager
def tracing(bench, open_wine, kind):
    """bench.wine is one that traces; answers the file of the server's trace, or None for the relay's."""
    path = bench.folder / "wineserver.trace" if kind == SERVER else None
    with open_wine(path) as wine:
        bench.wine = wine
        if kind == KERNEL:
            include = ";".join(f"ntdll.{name}" for name in RELAYED)
            wine.run("reg.exe", "add", RELAY_KEY, "/v", "RelayInclude", "/d", include, "/f")
        try:
            yield path
        finally:
            bench.wine = None
            if path:
                path.unlink(missing_ok=True)


def count_one(bench, kind, cell, contestant, trace_path):
    row = {"kind": kind, "service": cell.service, "contestant": contestant.name, "connections": cell.connections}
    try:
        with ExitStack() as stack:
            target = stack.enter_context(Target(bench.target, bench.folder)) if cell.service == PROXY else None
            debug = RELAY_CHANNELS if kind == KERNEL else None
            running = stack.enter_context(start(bench, cell, contestant, target, debug))
            pattern = RELAY_LINE if kind == KERNEL else REQUEST_LINE
            trace = Trace(trace_path or running.log, pattern)
            trace.skip()
            reports, counts = [], []
            for seconds in (SHORT_SECONDS, LONG_SECONDS):
                reports.append(run_load(bench, cell, running.port, seconds, 0))
                counts.append(trace.take())
            operations = reports[1]["operations"] - reports[0]["operations"]
            row["operations"] = operations
            row["per_operation"] = per_operation(*counts, operations)
    except Failed as failure:
        row["error"] = str(failure)
    return row
