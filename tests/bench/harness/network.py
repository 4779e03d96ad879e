"""The network of a run: loopback alone, in a namespace of its own where the machine allows it (scripts/bench.sh makes it).

A connection that is over keeps its port for a minute (TIME_WAIT). Thousands of connections per second, or five thousand idle
ones of each contestant, would leave the next one without ports. In its own namespace a run does without TIME_WAIT, from
which loopback gains nothing; elsewhere it waits until there are ports again. Nothing of the machine's own settings changes.
"""

import fcntl
import os
import re
import socket
import struct
from contextlib import suppress
from pathlib import Path

from support.wait import wait_until

OWN = "BENCH_OWN_NETWORK"

SETTINGS = {
    "net/ipv4/tcp_max_tw_buckets": "0",
    "net/ipv4/ip_local_port_range": "1025 65535",
}

# A third of Linux' usual 28,000 ports, of which one measurement may need 10,000.
WAITING_MAX = 8000
WAITING_DEADLINE = 120.0

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def prepare():
    """Answers whether the run has a network of its own, which works from now on."""
    if not os.environ.get(OWN):
        return False
    raise_loopback()
    for name, value in SETTINGS.items():
        Path("/proc/sys", name).write_text(value, encoding="ascii")
    return True


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH22x", b"lo", 0))
        (flags,) = struct.unpack_from("H", answer, 16)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))


def connections_waiting(text=None):
    """How many connections keep their ports though they are over."""
    text = text or Path("/proc/net/sockstat").read_text()
    return int(re.search(r"^TCP:.* tw (\d+)", text, re.MULTILINE).group(1))


def wait_for_ports():
    """Answers whether there are enough for any measurement. They may never be, where others use them up."""
    with suppress(AssertionError):
        return wait_until(
            lambda: connections_waiting() <= WAITING_MAX, "ports to become free", WAITING_DEADLINE, 0.5
        )
    return False
