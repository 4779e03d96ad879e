"""From single measurements to what they say: medians, spread, ratios to the best peer, and what is in doubt."""

import statistics

from . import machine


FAIR_SHARE = 0.1
"""Of the mean over all connections. Where the slowest one got less, the others' latency is no latency: whoever waits all
the time is hardly in the percentiles."""


def spread(numbers):
    """None of the numbers may be missing; there is at least one."""
    return {"median": statistics.median(numbers), "min": min(numbers), "max": max(numbers), "count": len(numbers)}


def ratio(value, other, higher_is_better):
    """How many times better than the other: above 1 is better, whatever is measured. None where nothing can be said."""
    if value is None or other is None or value <= 0 or other <= 0:
        return None
    return value / other if higher_is_better else other / value


def best(candidates, higher_is_better):
    """The name with the best of {name: value}; None when there is none."""
    if not candidates:
        return None
    choose = max if higher_is_better else min
    return choose(candidates, key=candidates.get)


def summarise(cells, contestants, records):
    """{cell name: what its measurements say}, in the order of the cells; cells without a measurement are left out."""
    found = {}
    for cell in cells:
        own = [record for record in records if record["cell"] == cell.name]
        if own:
            found[cell.name] = summarise_cell(cell, contestants, own)
    return found


def summarise_cell(cell, contestants, records):
    entries = {}
    for contestant in contestants:
        own = [record for record in records if record["contestant"] == contestant.name]
        if own:
            entries[contestant.name] = summarise_entry(contestant, own, cell.timed)
    result = {
        "title": cell.title,
        "service": cell.service,
        "best_peer": {},
        "entries": entries,
        "measurements": sum(entry["measurements"] for entry in entries.values()),
        "disturbed": sum(entry["disturbed"] for entry in entries.values()),
        "foreign_share_max": max((entry["foreign_share_max"] for entry in entries.values()), default=0.0),
    }
    first = next((each.name for each in contestants if each.ours and each.name in entries), None)
    for key, _, higher in cell.metrics:
        rank(result, key, higher, first)
    return result


def summarise_entry(contestant, records, timed):
    errors = [record["error"] for record in records if record["error"]]
    # What is no rate does not suffer from others.
    surroundings = [record["machine"] for record in records if timed and "machine" in record]
    values, by_round = {}, {}
    # Who failed once has no numbers: a server that loses bytes is easily fast.
    if not errors:
        keys = sorted({key for record in records for key in record["values"]})
        for key in keys:
            by_round[key] = {str(each["round"]): each["values"][key] for each in records if key in each["values"]}
            values[key] = spread(list(by_round[key].values()))
    return {
        "values": values,
        "error": errors[0] if errors else None,
        "ranked": contestant.ranked and not errors,
        "ours": contestant.ours,
        "starves": "fairness" in values and values["fairness"]["median"] < FAIR_SHARE,
        "ratios": {},
        "ratios_to_first": {},
        "round_ratios_to_first": {},
        "by_round": by_round,
        "measurements": len(records),
        "disturbed": sum(1 for busy in surroundings if busy["disturbed"]),
        "foreign_share_max": max(
            (busy["foreign_share"] + busy["stolen_share"] for busy in surroundings), default=0.0
        ),
    }


LATENCIES = ("p50_us", "p99_us")


def median(entry, key):
    value = entry["values"].get(key)
    return value["median"] if value else None


def rank(result, key, higher, first):
    """Ratios of one metric: of everybody to the best peer, and of our builds to the first of them."""
    entries = result["entries"]
    values = {name: median(entry, key) for name, entry in entries.items()}
    for name, entry in entries.items():
        if key in LATENCIES and entry["starves"]:
            values[name] = None
    peers = {name: value for name, value in values.items() if value is not None and entries[name]["ranked"]}
    result["best_peer"][key] = leader = best(peers, higher)
    for name, entry in entries.items():
        entry["ratios"][key] = ratio(values[name], values.get(leader), higher)
        if entry["ours"] and first is not None and name != first:
            entry["ratios_to_first"][key] = ratio(values[name], values[first], higher)
            entry["round_ratios_to_first"][key] = round_ratios(entry, entries[first], key, higher)


def round_ratios(entry, first, key, higher):
    """[lowest, highest] of the ratios within each round: how far a difference between two builds can be trusted."""
    mine, theirs = entry["by_round"].get(key, {}), first["by_round"].get(key, {})
    found = [ratio(mine[turn], theirs[turn], higher) for turn in mine if turn in theirs]
    found = [value for value in found if value is not None]
    return [min(found), max(found)] if found else None


def failures(records):
    return [
        f"{record['cell']}, {record['contestant']}, round {record['round']}: {record['error']}"
        for record in records
        if record["error"]
    ]


def disturbance(summary):
    """One sentence about how quiet the machine was."""
    measurements = sum(cell["measurements"] for cell in summary.values())
    disturbed = sum(cell["disturbed"] for cell in summary.values())
    limit = f"{machine.DISTURBED_SHARE:.0%}"
    if not disturbed:
        return f"The machine was quiet: in none of {measurements} measurements did others use more than {limit} of it."
    worst = max(cell["foreign_share_max"] for cell in summary.values())
    return (
        f"The machine was not quiet: in {disturbed} of {measurements} measurements others used more than {limit} of "
        f"it, up to {worst:.0%}; cells with such measurements are marked with ~."
    )
