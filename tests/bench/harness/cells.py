"""The matrix: each cell is one kind of load on one kind of service."""

import re
from dataclasses import dataclass

KIB = 1024
BULK_BYTES = 64 * KIB

ECHO = "echo"
PROXY = "proxy"

# What a cell is ranked by: (key of the values, unit, whether more is better). The second of a ping-pong is latency.
OPERATIONS = ("operations_per_second", "op/s", True)
MEGABYTES = ("megabytes_per_second", "MB/s", True)
P99 = ("p99_us", "us", False)
MEMORY = ("private_bytes_per_connection", "B", False)


@dataclass(frozen=True)
class Cell:
    service: str
    """ECHO or PROXY."""
    mode: str
    """The load generator's: pingpong, bulk, stream, churn or idle."""
    connections: int
    bytes: int

    @property
    def name(self):
        """What --cells is matched against, and the key in results.json."""
        if self.mode == "pingpong":
            return f"{self.service}-{self.connections}x{size(self.bytes)}"
        return f"{self.service}-{self.mode}-{self.connections}"

    @property
    def title(self):
        connections = f"{self.connections:,}"
        if self.mode == "pingpong":
            return f"{connections} x {size(self.bytes, ' ')}"
        text = {"bulk": "both ways", "stream": "one way", "churn": "connect, echo, close", "idle": "idle"}
        return f"{text[self.mode]}, {connections}"

    @property
    def metrics(self):
        """The first one ranks the cell."""
        if self.mode == "idle":
            return (MEMORY,)
        if self.mode in ("bulk", "stream"):
            return (MEGABYTES,)
        return (OPERATIONS, P99)

    @property
    def timed(self):
        """Whether the result is a rate: on a busy machine it is worth less. What is none does not vary from round to round."""
        return self.mode != "idle"


def size(count, space=""):
    if count >= KIB and count % KIB == 0:
        return f"{count // KIB}{space}KiB"
    return f"{count}{space}B"


def service_cells(service):
    for connections in (1, 64, 512):
        for count in (64, 16 * KIB):
            yield Cell(service, "pingpong", connections, count)
    mode = "bulk" if service == ECHO else "stream"
    for connections in (1, 8):
        yield Cell(service, mode, connections, BULK_BYTES)
    yield Cell(service, "churn", 64, 64)
    for connections in (1000, 5000):
        yield Cell(service, "idle", connections, 64)


MATRIX = (*service_cells(ECHO), *service_cells(PROXY))

QUICK = {
    "echo-64x64B", "echo-64x16KiB", "echo-512x64B", "echo-bulk-1", "echo-churn-64", "echo-idle-1000",
    "proxy-64x64B", "proxy-64x16KiB", "proxy-512x64B", "proxy-stream-1", "proxy-churn-64", "proxy-idle-1000",
}  # fmt: skip


def choose(quick=False, services=(), pattern=None):
    """The cells of a run, in the matrix' order."""
    chosen = [cell for cell in MATRIX if not quick or cell.name in QUICK]
    if services:
        chosen = [cell for cell in chosen if cell.service in services]
    if pattern:
        chosen = [cell for cell in chosen if re.search(pattern, cell.name)]
    return chosen


def named(name):
    return next(cell for cell in MATRIX if cell.name == name)
