"""What scripts/bench.sh runs. Exit code 0: measured, every byte right. 1: somebody failed. 2: wrong use."""

import datetime
import os
import resource
import shlex
import sys
import tempfile
from pathlib import Path

from support import runtime

from . import calls, cells, contestants, docs_block, machine, measure, network, options, precedence
from . import report_markdown, report_svg, report_text, results, rounds, tables, wine

ROOT = Path(__file__).resolve().parents[3]
BENCH = ROOT / "build/bench"
PEERS = BENCH / "peers/peers.json"
DOCUMENT = ROOT / "docs/performance.md"
CHART = "performance.svg"


def main(arguments):
    chosen = options.parse(arguments, ROOT)
    try:
        if chosen.source:
            return report(results.read(chosen.source), Path(chosen.source), chosen.update_docs)
        return run(chosen)
    except (contestants.Unusable, ValueError) as problem:
        say(f"bench.sh: {problem}")
        return 2


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(chosen):
    people, missing = take_part(chosen)
    matrix = cells.choose(chosen.quick, chosen.only, chosen.cells)
    if chosen.list:
        show(matrix, people, missing)
        return 0
    if not matrix and not chosen.calls:
        raise contestants.Unusable("no cell has such a name; --list shows them")
    raise_limit()
    surroundings = {"niceness": precedence.take(), "own_network": network.prepare()}
    started = now()
    out = Path(chosen.out or BENCH / "results" / started.strftime("%Y-%m-%dT%H%M%SZ"))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        bench = measure.Bench(
            load=shlex.split(os.environ.get("BENCH_LOAD") or str(BENCH / "load")),
            target=shlex.split(os.environ.get("BENCH_TARGET") or str(BENCH / "target")),
            folder=Path(folder),
            seconds=chosen.seconds,
        )
        counted = count_calls(bench, chosen, people)
        budget = options.QUICK_BUDGET - (now() - started).total_seconds() if chosen.quick else None
        records, done = measure_all(bench, chosen, matrix, people, budget)
    found = results.build(
        started_at=started.isoformat(timespec="seconds"),
        finished_at=now().isoformat(timespec="seconds"),
        machine={**machine.describe(wine.version()), **surroundings},
        git_commit=machine.git_commit(ROOT),
        settings={key: getattr(chosen, key) for key in ("quick", "rounds", "seconds", "only", "cells", "calls")},
        contestants=people,
        missing=missing,
        records=records,
        calls=counted,
        rounds_done=done,
    )
    results.write(found, out)
    return report(found, out, chosen.update_docs)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def take_part(chosen):
    ours = [contestants.fairlead(build.exe, build.label, build.keys) for build in chosen.exe]
    if chosen.peers == []:
        return ours, []
    peers, missing = contestants.read_peers(PEERS)
    return ours + contestants.choose_peers(peers, missing, chosen.peers, chosen.quick), missing


def show(matrix, people, missing):
    print("cells:", *(cell.name for cell in matrix))
    print("contestants:", *(each.name for each in people))
    for each in missing:
        print(f"missing: {each['name']}: {each['reason']}")


def raise_limit():
    """Thousands of connections take thousands of descriptors in each program, and they inherit this."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_wine(trace=None):
    return wine.Wine(runtime.prefix(), trace)


def count_calls(bench, chosen, people):
    if not chosen.count:
        return []
    services = chosen.only or (cells.ECHO, cells.PROXY)
    connections = calls.QUICK_CONNECTIONS if chosen.quick else calls.CONNECTIONS
    return calls.count_all(bench, open_wine, people, services, connections, tell_calls)


def tell_calls(row):
    what = f"{row['service']} {row['contestant']}, {row['connections']} connections"
    if row.get("error"):
        say(f"calls: {what}: FAILED: {row['error']}")
    else:
        unit = "kernel calls" if row["kind"] == calls.KERNEL else "server requests"
        say(f"calls: {what}: {sum(row['per_operation'].values()):.2f} {unit} for each round trip")


def measure_all(bench, chosen, matrix, people, budget):
    if chosen.calls:
        return [], 0

    def act(cell, contestant, round_number):
        if not network.wait_for_ports():
            say("many ports of this machine are taken by connections that are over; going on all the same")
        record = measure.measure(bench, cell, contestant, round_number)
        say(f"round {round_number}/{chosen.rounds}: {progress(cell, record)}")
        return record

    with open_wine() as session:
        bench.wine = session
        records, done = rounds.run(matrix, people, chosen.rounds, act, budget, chosen.quick)
    if done < chosen.rounds:
        say(f"ended after {done} of {chosen.rounds} rounds")
    return records, done


def progress(cell, record):
    what = f"{cell.name} {record['contestant']}"
    if record["error"]:
        return f"{what}: FAILED: {record['error']}"
    shown = [f"{tables.number(record['values'].get(key))} {unit}" for key, unit, _ in cell.metrics]
    busy = record["machine"]
    others = busy["foreign_share"] + busy["stolen_share"]
    return f"{what}: {', '.join(shown)}" + (f" (others used {others:.0%})" if busy["disturbed"] else "")


def report(found, out, update_docs):
    text = report_text.render(found)
    chart = report_svg.render(found)
    (out / "report.txt").write_text(text, encoding="utf-8")
    (out / "report.md").write_text(report_markdown.render(found, CHART if chart else None), encoding="utf-8")
    if chart:
        (out / CHART).write_text(chart, encoding="utf-8")
    print(text)
    say(f"results: {out}")
    if update_docs:
        replace_in_docs(found, chart)
    if found["failures"]:
        say(f"FAILED: {len(found['failures'])} measurements, see above; who failed is not ranked")
        return 1
    return 0


def replace_in_docs(found, chart):
    block = report_markdown.render(found, CHART if chart else None)
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(docs_block.replace(document, block), encoding="utf-8")
    if chart:
        (DOCUMENT.parent / CHART).write_text(chart, encoding="utf-8")
    say(f"updated: {DOCUMENT}")
