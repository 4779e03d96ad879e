"""What /proc tells of processes. One that has ended used no more time and holds no memory."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def status_fields(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def everyone():
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def exists(pid):
    """A zombie whose exit code nobody has asked for yet is gone all the same."""
    with suppress(OSError):
        return status_fields(pid)[0] not in "ZX"
    return False


def ancestry(pid):
    """The pid, its parent, that one's parent, and so on."""
    found = []
    with suppress(OSError):
        while pid > 1:
            found.append(pid)
            pid = int(status_fields(pid)[1])
    return found


def environment(pid):
    """Its NAME=VALUE entries; none where it belongs to somebody else."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def cpu_seconds(pids):
    """User and system time of these together."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = status_fields(pid)
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def memory(pids):
    """(private, resident) bytes of these together."""
    private = resident = 0
    for pid in pids:
        with suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            private += sum(_bytes(text, name) for name in ("Private_Clean", "Private_Dirty"))
            resident += _bytes(text, "Rss")
    return private, resident


def _bytes(text, name):
    found = re.search(rf"^{name}:\s*(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def kill(pid):
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
