"""results.json: everything that a run found, from which each report can be made again."""

import json
from pathlib import Path

from . import cells, summary
from .contestants import Contestant

FORMAT = 1


def build(*, started_at, finished_at, machine, git_commit, settings, contestants, missing, records, calls, rounds_done):
    return {
        "format": FORMAT,
        "started_at": started_at,
        "finished_at": finished_at,
        "git_commit": git_commit,
        "machine": machine,
        "settings": settings,
        "contestants": [contestant.as_dict() for contestant in contestants],
        "missing": missing,
        "rounds_done": rounds_done,
        "measurements": records,
        "calls": calls,
        "summary": summary.summarise(cells.MATRIX, contestants, records),
        "failures": summary.failures(records) + call_failures(calls),
    }


def call_failures(calls):
    return [
        f"calls, {row['service']} {row['contestant']}, {row['connections']} connections: {row['error']}"
        for row in calls
        if row.get("error")
    ]


def write(results, folder):
    path = Path(folder) / "results.json"
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return path


def read(folder):
    """The summary is made anew: its rules may have changed since."""
    results = json.loads((Path(folder) / "results.json").read_text(encoding="utf-8"))
    if results.get("format") != FORMAT:
        raise ValueError(f"{folder}: results.json has format {results.get('format')}, not {FORMAT}")
    people = [
        Contestant(each["name"], each["kind"], ours=each["ours"], commands=dict.fromkeys(each["services"], []))
        for each in results["contestants"]
    ]
    results["summary"] = summary.summarise(cells.MATRIX, people, results["measurements"])
    return results


def newest(parent):
    """The last run's folder, or None."""
    found = [path.parent for path in Path(parent).glob("*/results.json")]
    return max(found, key=lambda path: path.name, default=None)
