"""Counts what one message costs in instructions of our own code, and compares with what is recorded."""

import argparse
import concurrent.futures
import os
import subprocess
from pathlib import Path

from . import callgrind, counting, record, report

RECORD = counting.ROOT / "tests/bench/instructions.json"
# Counted twice, to show that nothing but the code decides the numbers: the one with most kinds of events.
TWICE = "proxy-churn"


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/instructions.sh", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write what is counted into the record, whatever it says")
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE", help="another one than tests/bench/instructions.json")
    parser.add_argument("--only", metavar="SCENARIO", nargs="+", help="count and compare these only")
    parser.add_argument("--list", action="store_true", help="show the scenarios, and count nothing")
    options = parser.parse_args(arguments)
    if options.update and options.only:
        parser.error("--update records all scenarios")
    return options


def count_all(names, scenarios):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        counted = pool.map(lambda name: counting.count(name, *scenarios[name][1:]), names)
        profiles = dict(zip(names, counted))
    units = {name: scenarios[name][0] for name in names}
    lines = list(report.table(profiles, units))
    for name, profile in profiles.items():
        lines += ["", *report.dearest(name, profile, units[name])]
    return profiles, units, lines


def test_twice(tap, scenarios):
    count = scenarios[TWICE][1]
    same = counting.count_run(TWICE, count) == counting.count_run(TWICE, count)
    tap.test(same, f"two runs of {TWICE} {count} execute the same instructions")


def test_scenarios(tap, recorded, profiles, units):
    for verdict in record.compare(recorded, profiles, units):
        lines = verdict.lines
        if verdict.outcome == record.BETTER:
            lines = ["much less than recorded: run scripts/instructions.sh --update, so that it stays so"]
        tap.test(verdict.outcome != record.WORSE, f"{verdict.scenario}: {verdict.text}", lines)


def compare(options, recorded, names, scenarios):
    """TAP: one test for each scenario, below what was counted, and before them those that say whether the numbers mean something."""
    compiler = counting.compiler()
    why_not = recorded and record.incomparable(recorded, compiler)
    if why_not:
        report.Tap(1).test(True, "instructions", skip=why_not)
        return 0
    tap = report.Tap(2 + len(names) if recorded else 1)
    test_twice(tap, scenarios)
    profiles, units, lines = count_all(names, scenarios)
    tap.say([*lines, ""])
    if recorded is None:
        tap.say([f"there is no {options.record.name}: run scripts/instructions.sh --update"])
    else:
        same = recorded["compiler"]["flags"] == compiler["flags"]
        tap.test(same, "the flags are those recorded", [] if same else [compiler["flags"], recorded["compiler"]["flags"]])
        test_scenarios(tap, recorded, profiles, units)
    return 1 if tap.failed or recorded is None else 0


def update(options, recorded, names, scenarios):
    profiles, units, lines = count_all(names, scenarios)
    tolerance = recorded["tolerance"] if recorded else record.TOLERANCE
    record.save(options.record, record.to_json(counting.compiler(), profiles, units, tolerance))
    print("\n".join(lines))
    return 0


def work(options):
    scenarios = counting.scenarios()
    names = options.only or list(scenarios)
    if unknown := [name for name in names if name not in scenarios]:
        raise counting.Failure(f"no such scenario: {', '.join(unknown)} ({' '.join(scenarios)})")
    if options.list:
        print("\n".join(f"{name}, for each {unit}" for name, (unit, *_) in scenarios.items()))
        return 0
    recorded = record.load(options.record)
    return (update if options.update else compare)(options, recorded, names, scenarios)


def main(arguments):
    options = parse(arguments)
    try:
        return work(options)
    except (counting.Failure, callgrind.Unclear, subprocess.TimeoutExpired) as failure:
        print(f"Bail out! {failure}")
        return 1
