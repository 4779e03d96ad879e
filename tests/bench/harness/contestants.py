"""Who takes part: builds of Fairlead, and the peers of build/bench/peers/peers.json.

A contestant is data: how it is started for each service, and the files that it wants beside it. In commands and files
{listen} is the port to listen on, {target} the port to connect to (both on 127.0.0.1), {dir} the folder with the files, which
is the current one too.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from .cells import ECHO, PROXY

WINDOWS = "windows"
NATIVE = "native"

STATISTICS = "[stats]\nlisten=127.0.0.1:0\n"
ECHO_INI = STATISTICS + "[listener echo]\nlisten=127.0.0.1:{listen}\nmode=echo\n"
PROXY_INI = (
    STATISTICS
    + "[listener proxy]\nlisten=127.0.0.1:{listen}\nmode=proxy\nupstream=target\n"
    + "[upstream target]\nserver=one 127.0.0.1:{target}\n"
)

# The peers of --quick: the first three of these that were built.
QUICK_PEERS = ("iocp-batch", "asio", "libuv", "iocp-inline", "go", "node")
QUICK_COUNT = 3


class Unusable(Exception):
    """peers.json is missing or says something that cannot be run."""


@dataclass(frozen=True)
class Contestant:
    name: str
    kind: str
    """WINDOWS is started by Wine; NATIVE shows what the machine can do, and is not ranked."""
    version: str = ""
    commands: dict = field(default_factory=dict)
    """Service to command; a service that it lacks is one that it does not offer."""
    files: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    """Variables that it wants beside those of everybody."""
    note: str = ""
    ours: bool = False
    connections_max: int | None = None
    """More than these it is known not to hold: such cells are left out, with the note as the reason."""

    @property
    def ranked(self):
        """Whether it may be the best peer that the others are compared with."""
        return self.kind == WINDOWS and not self.ours

    def takes(self, cell):
        fits = self.connections_max is None or cell.connections <= self.connections_max
        return cell.service in self.commands and fits

    def as_dict(self):
        keys = ("name", "kind", "version", "note", "ours", "connections_max")
        return {**{key: getattr(self, key) for key in keys}, "services": sorted(self.commands)}


def expand(text, listen, target, folder):
    """Braces of a configuration file are its own, so nothing but the three names is touched."""
    values = {"{listen}": str(listen), "{target}": str(target), "{dir}": str(folder)}
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def fairlead(exe, label, server_keys=()):
    """One build of Fairlead; `server_keys` are KEY=VALUE lines for its [server] section."""
    exe = Path(exe).resolve()
    if not exe.is_file():
        raise Unusable(f"there is no {exe}")
    server = "\n".join(["[server]", "log_level=warn", *server_keys]) + "\n"
    return Contestant(
        name=label,
        kind=WINDOWS,
        # A build that is being worked on has no version that tells it from the last one.
        version="sha256 " + hashlib.sha256(exe.read_bytes()).hexdigest()[:10],
        commands={service: [str(exe), "run", "-c", f"{service}.ini"] for service in (ECHO, PROXY)},
        files={f"{ECHO}.ini": server + ECHO_INI, f"{PROXY}.ini": server + PROXY_INI},
        note=" ".join(server_keys),
        ours=True,
    )


def read_peers(path):
    """(contestants, missing): missing is a list of {"name", "reason"}."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        return [peer(entry) for entry in document["peers"]], list(document.get("missing", []))
    except OSError as problem:
        raise Unusable(f"{path}: {problem.strerror}; scripts/bench_peers.sh writes it") from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise Unusable(f"{path}: {type(problem).__name__}: {problem}") from problem


def peer(entry):
    if entry["kind"] not in (WINDOWS, NATIVE):
        raise ValueError(f"{entry['name']} is of kind {entry['kind']}")
    return Contestant(
        name=entry["name"],
        kind=entry["kind"],
        version=entry.get("version", ""),
        commands={service: list(entry[service]) for service in (ECHO, PROXY) if entry.get(service)},
        files=dict(entry.get("files") or {}),
        environment=dict(entry.get("environment") or {}),
        note=entry.get("note", ""),
        connections_max=entry.get("connections_max"),
    )


def choose_peers(peers, missing, names=None, quick=False):
    """The peers of this run. Who was asked for by name and is not there ends the run: a table that silently lacks
    it would say more than was measured."""
    if names is not None:
        known = {each.name: each for each in peers}
        reasons = {each["name"]: each["reason"] for each in missing}
        absent = [f"{name} ({reasons.get(name, 'no such peer')})" for name in names if name not in known]
        if absent:
            raise Unusable(f"not there: {', '.join(absent)}; there are {', '.join(known) or 'none'}")
        return [known[name] for name in names]
    if not quick:
        return peers
    order = {name: place for place, name in enumerate(QUICK_PEERS)}
    candidates = [each for each in peers if each.ranked]
    return sorted(candidates, key=lambda each: order.get(each.name, len(order)))[:QUICK_COUNT]
