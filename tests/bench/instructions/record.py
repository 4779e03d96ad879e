"""instructions.json: what was counted once, with which compiler, and whether what is counted now is worse.

The values depend on the compiler, so they are compared only when it is the one that made them; the file says how much they may differ.
"""

import json
from dataclasses import dataclass, field

from .callgrind import Profile

# Of a new file; --update keeps what the file says. The percentage absorbs what a change elsewhere does to inlining and layout; the
# instructions keep a scenario that costs next to nothing from failing for one of them.
TOLERANCE = {"percent": 3, "instructions": 2, "calls": 0.05}

WORSE, SAME, BETTER = "worse", "same", "better"
FUNCTIONS_NAMED = 8


@dataclass
class Verdict:
    """Of one scenario: the outcome, the numbers, and lines that explain them."""

    scenario: str
    outcome: str
    text: str
    lines: list = field(default_factory=list)


def to_json(compiler, profiles, units, tolerance):
    scenarios = {
        name: {
            "unit": units[name],
            "total": round(profile.total, 2),
            "locks": profile.locks,
            "folders": dict(sorted(profile.folders.items())),
            "seam": dict(sorted(profile.seam.items())),
            "functions": dict(sorted(profile.functions.items(), key=lambda item: (-item[1], item[0]))),
        }
        for name, profile in profiles.items()
    }
    return {"compiler": compiler, "tolerance": tolerance, "scenarios": scenarios}


def profiles_of(record):
    return {
        name: Profile(entry["functions"], entry["folders"], entry["seam"], entry["locks"])
        for name, entry in record["scenarios"].items()
    }


def load(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def save(path, record):
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def incomparable(record, compiler):
    """Why these values say nothing about those, or None."""
    for key, what in (("name", "compiler"), ("major", "compiler's version"), ("machine", "processor")):
        if record["compiler"][key] != compiler[key]:
            return f"recorded with another {what}: {record['compiler'][key]}, not {compiler[key]}"
    return None


def _grown(now, before):
    """The functions that cost more, those that grew most first; a function that was inlined elsewhere shows as one that is gone."""
    change = {name: now.get(name, 0) - before.get(name, 0) for name in set(now) | set(before)}
    grown = sorted((item for item in change.items() if item[1] > 0.5), key=lambda item: (-item[1], item[0]))
    gone = sorted(name for name in before if name not in now)
    lines = [f"{name} {delta:+.1f}, from {before.get(name, 0):.1f}" for name, delta in grown[:FUNCTIONS_NAMED]]
    if gone:
        lines.append("not called any more: " + ", ".join(gone[:FUNCTIONS_NAMED]))
    return lines


def _more_calls(now, before, slack):
    more = [name for name in sorted(now) if now[name] > before.get(name, 0) + slack]
    return [f"{name}: {now[name]:.2f} calls, recorded {before.get(name, 0):.2f}" for name in more]


def compare_one(scenario, now, before, unit, tolerance):
    """Worse if it costs more instructions, more locks or more calls of the seam than the tolerance allows."""
    slack = max(before.total * tolerance["percent"] / 100, tolerance["instructions"])
    calls = _more_calls(now.seam, before.seam, tolerance["calls"])
    calls += _more_calls({"lock_acquire": now.locks}, {"lock_acquire": before.locks}, tolerance["calls"])
    change = now.total - before.total
    text = f"{now.total:.1f} instructions per {unit}, recorded {before.total:.1f}"
    if before.total:
        text += f" ({100 * change / before.total:+.1f}%)"
    if change > slack:
        return Verdict(scenario, WORSE, text, _grown(now.functions, before.functions) + calls)
    if calls:
        return Verdict(scenario, WORSE, text + ", but more calls", calls)
    return Verdict(scenario, BETTER if change < -slack else SAME, text)


def compare(record, profiles, units):
    """A verdict for each scenario that was counted. One that is not in the file is worse than any number."""
    before = profiles_of(record)
    verdicts = []
    for name, profile in profiles.items():
        if name in before:
            verdicts.append(compare_one(name, profile, before[name], units[name], record["tolerance"]))
        else:
            verdicts.append(Verdict(name, WORSE, "is not recorded: run scripts/instructions.sh --update"))
    return verdicts
