"""Runs the counted program under callgrind."""

import functools
import platform
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from . import callgrind

ROOT = Path(__file__).resolve().parents[3]
BUILT = ROOT / "build/native-o2"
PROGRAM = BUILT / "instructions"
OBJECTS = BUILT / "obj"
FLAGS = BUILT / "flags"

VALGRIND = ["valgrind", "--tool=callgrind", "--cache-sim=no", "--branch-sim=no", "--dump-instr=no", "--dump-line=no"]
# A run takes about a second; a machine that is busy with other things gets far more.
RUN_SECONDS = 120


class Failure(Exception):
    """Nothing could be counted; its text says why."""


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    if done.returncode != 0:
        raise Failure(f"{Path(command[0]).name}: exit code {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def compiler():
    """Which one made the program, and with which flags; nothing of where."""
    name, *flags = FLAGS.read_text(encoding="utf-8").split()
    clang = "clang" in run([name, "--version"]).splitlines()[0]
    version = run([name, "-dumpversion" if clang else "-dumpfullversion"]).strip()
    kept = [flag for flag in flags if flag.startswith(("-std", "-O", "-f", "-m")) and "prefix-map" not in flag]
    return {
        "name": "clang" if clang else "gcc",
        "major": int(version.split(".")[0]),
        "version": version,
        "machine": platform.machine(),
        "flags": " ".join(kept),
    }


def scenarios():
    """name -> (unit, smaller count, larger count)"""
    rows = (line.split("\t") for line in run([PROGRAM, "--list"]).splitlines())
    return {name: (unit, int(few), int(many)) for name, unit, few, many in rows}


def source_of(built):
    return str(Path(built).relative_to(OBJECTS).with_suffix(".c"))


@functools.cache
def owners():
    """function -> the sources that define one of that name, of all that is linked."""
    objects = [path for path in sorted(OBJECTS.rglob("*.o")) if (ROOT / source_of(path)).is_file()]
    sources = defaultdict(set)
    for line in run(["nm", "-A", "--defined-only", *objects]).splitlines():
        path, _, symbol = line.partition(":")
        kind, name = symbol.split()[-2:]
        if kind in "tT":
            sources[name].add(source_of(path))
    return sources


def count_run(name, count):
    """Everything that the program did, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "callgrind.out"
        run([*VALGRIND, f"--callgrind-out-file={path}", PROGRAM, name, str(count)])
        return callgrind.read(path, owners())


def count(name, few, many):
    """What one unit costs: the difference of two runs, so that the start and the connects are not in it."""
    smaller = count_run(name, few)
    return count_run(name, many).per_unit(smaller, many - few)
