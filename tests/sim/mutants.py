#!/usr/bin/python3
"""mutants: plants one bug at a time and shows that the simulator finds it.

Each file in tests/sim/mutants/ describes one bug: a line that says what is wrong, the file it is planted in, and a piece of text that
must occur there exactly once, with what replaces it. The source itself is not touched: the changed copy is compiled
into build/mutants/ and linked before the archive that holds the original.

usage: mutants.py [--seeds N] [--from S] [--only NAME[,NAME]] [--jobs J]

Needs build/native/sim (make build/native/sim). Exits with 1 when a mutant survives or does not apply.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "mutants"
SEED_SECONDS = 300


def read_mutant(path):
    match = re.fullmatch(r"(.*)\nfile: (.*)\n<<<<\n(.*)\n====\n(.*?)\n?>>>>\n", path.read_text(), re.S)
    if match is None:
        raise ValueError(f"{path.name}: not in the form of a mutant")
    what, file, old, new = match.groups()
    return {"name": path.stem, "what": what, "file": file, "old": old, "new": new}


def flags():
    """The native compiler and its flags, as make remembers them."""
    words = shlex.split((ROOT / "build/native/flags").read_text())
    keep = [w for w in words if not w.startswith(("-W", "-l", "-L", "-M", "-I"))]
    libraries = [w for w in words if w.startswith(("-l", "-L"))]
    return keep + ["-I.", "-Iserver", "-w"], libraries


def build(mutant, compiler, libraries):
    text = (ROOT / mutant["file"]).read_text()
    if text.count(mutant["old"]) != 1:
        raise ValueError(f"the text occurs {text.count(mutant['old'])} times in {mutant['file']}")
    folder = OUT / mutant["name"]
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / pathlib.Path(mutant["file"]).name
    source.write_text(text.replace(mutant["old"], mutant["new"]))
    beside = ["-I" + str((ROOT / mutant["file"]).parent)]
    program = folder / "sim"
    objects = sorted(str(p) for p in (ROOT / "build/native/obj/tests/sim").glob("*.o"))
    archives = ["-Wl,--start-group", "build/native/libsupport.a", "build/native/libfairlead.a", "-Wl,--end-group"]
    made = subprocess.run(compiler + beside + [str(source), *objects, *archives, *libraries, "-o", str(program)],
                          cwd=ROOT, capture_output=True, text=True)
    if made.returncode != 0:
        raise ValueError("does not compile: " + made.stderr[-600:])
    return program


def hunt(mutant, options, compiler, libraries):
    try:
        program = build(mutant, compiler, libraries)
    except ValueError as error:
        return mutant, False, str(error)
    try:
        run = subprocess.run([str(program), "--from", str(options.first), "--seeds", str(options.seeds), *options.extra],
                             capture_output=True, text=True, errors="replace", timeout=SEED_SECONDS)
        text, code = run.stdout + run.stderr, run.returncode
    except subprocess.TimeoutExpired as error:
        text, code = (error.stderr or b"").decode(errors="replace"), 0
    finally:
        program.unlink()
    found = re.search(r"FAIL seed=(\d+) step=\d+ invariant=(\S+)", text)
    if code == 0 or found is None:
        return mutant, False, "survives"
    return mutant, True, f"{found.group(2)} after {int(found.group(1)) - options.first + 1} seeds"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=12000)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options, options_extra = parser.parse_known_args()
    options.extra = options_extra
    only = set(filter(None, options.only.split(",")))
    mutants = [read_mutant(p) for p in sorted((ROOT / "tests/sim/mutants").glob("*.txt"))]
    mutants = [m for m in mutants if not only or m["name"] in only]
    compiler, libraries = flags()
    caught = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutant, good, text in pool.map(lambda m: hunt(m, options, compiler, libraries), mutants):
            caught += good
            print(f"{'caught ' if good else 'MISSED '} {mutant['name']:<26} {text:<34} {mutant['what']}", flush=True)
    print(f"{caught} of {len(mutants)} mutants caught within {options.seeds} seeds")
    return 0 if caught == len(mutants) and mutants else 1


if __name__ == "__main__":
    sys.exit(main())
