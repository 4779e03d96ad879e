"""The machine: what it is, and how busy it was with other things while something was measured."""

import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from .proc import TICKS

# Above this share of all processors used by strangers (or taken by the hypervisor) a measurement counts as disturbed.
DISTURBED_SHARE = 0.10


def describe(wine_version):
    information = Path("/proc/cpuinfo").read_text()
    models = re.findall(r"^model name\s*:\s*(.+)$", information, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "processor": models[0].strip() if models else platform.machine(),
        "processors": os.cpu_count(),
        "virtual": " hypervisor" in information,
        "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
        "kernel": f"{platform.system()} {platform.release()}",
        "system": operating_system(),
        "wine": wine_version,
        "python": platform.python_version(),
    }


def operating_system():
    try:
        return re.search(r'^PRETTY_NAME="?([^"\n]+)', Path("/etc/os-release").read_text(), re.MULTILINE).group(1)
    except (OSError, AttributeError):
        return None


def git_commit(root):
    """The commit, with "+" behind it when the tree differs from it; None without git."""

    def git(*words):
        command = ["git", "-c", "safe.directory=*", "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


@dataclass
class Busy:
    """One measurement's surroundings; shares are of all processors together, 0 to 1."""

    foreign_share: float
    """Used by processes that do not belong to the measurement."""
    stolen_share: float
    """Taken by the hypervisor for others."""
    own_share: float
    load_average: float

    @property
    def disturbed(self):
        return self.foreign_share + self.stolen_share > DISTURBED_SHARE

    def as_dict(self):
        return {**asdict(self), "disturbed": self.disturbed}


@dataclass(frozen=True)
class Reading:
    """/proc/stat's first line, in seconds since the machine started."""

    busy: float
    stolen: float
    total: float


def read_processors(text=None):
    """Time in interrupts counts as busy: the kernel charges it to the process in whose time it falls, too."""
    fields = (text or Path("/proc/stat").read_text()).split("\n", 1)[0].split()[1:9]
    user, nice, system, idle, iowait, irq, softirq, steal = (int(field) / TICKS for field in fields)
    busy = user + nice + system + irq + softirq
    return Reading(busy, steal, busy + idle + iowait + steal)


def busy_between(before, after, own_seconds, load_average):
    """`own_seconds` is the processor time that the measurement itself used in between."""
    total = max(after.total - before.total, 1 / TICKS)
    busy = after.busy - before.busy
    return Busy(
        foreign_share=max(0.0, busy - own_seconds) / total,
        stolen_share=max(0.0, after.stolen - before.stolen) / total,
        own_share=own_seconds / total,
        load_average=load_average,
    )


def load_average():
    return os.getloadavg()[0]
