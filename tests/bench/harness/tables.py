"""The tables of a report, as rows of text; report_text.py and report_markdown.py only set them."""

from dataclasses import dataclass, field

from . import cells, summary

SERVICES = {cells.ECHO: "Echo", cells.PROXY: "Proxy, in front of a native epoll server"}
ABSENT = "-"
FAILED = "FAILED"
CONTESTANTS_TITLE = "Who took part"


STARVED_NOTE = (
    f"! is not ranked: its slowest connection got less than {summary.FAIR_SHARE:.0%} of the mean. Whoever waits all the time is "
    "hardly in the percentiles of those who are served."
)


class Strong(str):
    """The best of its row."""


@dataclass
class Table:
    title: str
    header: list
    rows: list = field(default_factory=list)
    note: str = ""


def number(value):
    """Three digits at least, and no more after the point than that takes."""
    if value is None:
        return ABSENT
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def ratio(value):
    return ABSENT if value is None else f"{value:.2f}"


def mark(cell):
    return " ~" if cell["disturbed"] else ""


def names(results):
    return [contestant["name"] for contestant in results["contestants"]]


def our_names(results):
    return [contestant["name"] for contestant in results["contestants"] if contestant["ours"]]


def metric_tables(results, key, title, only=None):
    """For each service, the medians of one metric: a row for each cell, a column for each contestant."""
    found = []
    for service, service_title in SERVICES.items():
        table = metric_table(results, key, service, only)
        if table.rows:
            table.title = f"{service_title}: {title}"
            if any(text.endswith(" !") for row in table.rows for text in row):
                table.note = STARVED_NOTE
            found.append(table)
    return found


def metric_table(results, key, service, only=None):
    everybody, ours = names(results), our_names(results)
    header = ["load", *everybody, *(f"{name} : best peer" for name in ours)]
    header += [f"{name} : {ours[0]}" for name in ours[1:]]
    table = Table("", header)
    for name, cell in results["summary"].items():
        metrics = {metric[0]: metric for metric in cells.named(name).metrics}
        wanted = key if key in metrics else None
        if cell["service"] != service or wanted is None or (only and not only(cells.named(name))):
            continue
        table.rows.append(metric_row(cell, metrics[wanted], everybody, ours))
    return table


def metric_row(cell, metric, everybody, ours):
    key, unit, higher = metric
    entries = cell["entries"]
    values = {name: summary.median(entry, key) for name, entry in entries.items()}
    starved = {name for name, entry in entries.items() if key in summary.LATENCIES and entry["starves"]}
    in_race = {
        name: value
        for name, value in values.items()
        if value is not None and name not in starved and (entries[name]["ranked"] or entries[name]["ours"])
    }
    leader = summary.best(in_race, higher)
    row = [f"{cell['title']} [{unit}]{mark(cell)}"]
    for name in everybody:
        text = FAILED if name in entries and entries[name]["error"] else number(values.get(name))
        text += " !" if name in starved else ""
        row.append(Strong(text) if name == leader else text)
    for name in ours:
        value = entries[name]["ratios"].get(key) if name in entries else None
        peer = cell["best_peer"].get(key)
        row.append(f"{ratio(value)} ({peer})" if peer and value is not None else ABSENT)
    for name in ours[1:]:
        row.append(build_ratio(entries[name], key) if name in entries else ABSENT)
    return row


def build_ratio(entry, key):
    """Of two builds: the medians', and in brackets the rounds' lowest and highest."""
    value, bounds = entry["ratios_to_first"].get(key), entry["round_ratios_to_first"].get(key)
    if value is None or not bounds:
        return ABSENT
    return f"{ratio(value)} ({ratio(bounds[0])}..{ratio(bounds[1])})"


def processor_tables(results):
    """Processor time of each operation: the contestant's own, and the Wine server's for it."""
    found = []
    for service, title in SERVICES.items():
        table = Table(f"{title}: processor time", ["load", *names(results)])
        table.note = "Microseconds for each operation (bulk: for each megabyte): own + Wine server's."
        for name, cell in results["summary"].items():
            if cell["service"] != service or not cells.named(name).timed:
                continue
            row = [cell["title"] + mark(cell)]
            for contestant in names(results):
                entry = cell["entries"].get(contestant, {"values": {}})
                own = summary.median(entry, "cpu_us_per_operation")
                server = summary.median(entry, "wineserver_us_per_operation")
                row.append(ABSENT if own is None else f"{number(own)} + {number(server)}")
            table.rows.append(row)
        if table.rows:
            found.append(table)
    return found


def detail_tables(results):
    """Everything about each cell, a row for each contestant."""
    found = []
    for name, cell in results["summary"].items():
        shape = cells.named(name)
        (key, unit, _) = shape.metrics[0]
        header = ["", unit, "min", "max", "p50 us", "p99 us", "p99.9 us", "max us", "slowest : mean", "rounds", "disturbed", "others"]
        if not shape.timed:
            header = ["", "private B", "min", "max", "resident B", "Wine server B", "rounds", "disturbed", "others"]
        table = Table(f"{shape.service}, {cell['title']}{mark(cell)}", header)
        for contestant, entry in cell["entries"].items():
            table.rows.append(detail_row(contestant, entry, shape, key))
        found.append(table)
    return found


def detail_row(name, entry, shape, key):
    more = ["p50_us", "p99_us", "p999_us", "max_us", "fairness"]
    if not shape.timed:
        more = ["resident_bytes_per_connection", "wineserver_bytes_per_connection"]
    counts = [str(entry["measurements"]), str(entry["disturbed"]), f"{entry['foreign_share_max']:.0%}"]
    if entry["error"]:
        return [name, FAILED, *[ABSENT] * (2 + len(more)), *counts]
    value = entry["values"].get(key)
    bounds = [number(value[bound]) for bound in ("median", "min", "max")] if value else [ABSENT] * 3
    return [name, *bounds, *(number(summary.median(entry, each)) for each in more), *counts]


def call_tables(results):
    """Kernel calls and requests to the Wine server of one round trip, counted."""
    calls = results.get("calls") or []
    found = []
    for kind, title, note in (
        ("kernel", "Kernel calls of one round trip", "Counted with Wine's relay trace: NtDeviceIoControlFile is a socket "
         "operation, NtRemoveIoCompletion(Ex) takes completions, NtSetIoCompletion queues one; waits and wake-ups are those of threads."),
        ("server", "Requests to the Wine server of one round trip", "Counted with the Wine server's own trace; under Wine "
         "these are the real cost. Windows has no such process."),
    ):  # fmt: skip
        rows = [row for row in calls if row["kind"] == kind]
        kinds = list(GROUPS) if kind == "kernel" else []
        header = ["", "connections", "total", *kinds, *([] if kinds else ["which"])]
        table = Table(title, header, note=note)
        for row in rows:
            table.rows.append(call_row(row, kinds))
        if rows:
            found.append(table)
    return found


GROUPS = {
    "device": ("NtDeviceIoControlFile",),
    "dequeue": ("NtRemoveIoCompletion", "NtRemoveIoCompletionEx"),
    "queue": ("NtSetIoCompletion",),
    "cancel": ("NtCancelIoFile", "NtCancelIoFileEx"),
    "wait": ("NtWaitForSingleObject", "NtWaitForMultipleObjects", "NtWaitForAlertByThreadId", "NtDelayExecution"),
    "wake": ("NtSetEvent", "NtReleaseSemaphore", "NtAlertThreadByThreadId"),
}
TOP_REQUESTS = 5


def call_row(row, kinds):
    front = [f"{row['service']} {row['contestant']}", str(row["connections"])]
    if row.get("error"):
        return [*front, FAILED, *[ABSENT] * max(1, len(kinds))]
    counts = row["per_operation"]
    total = number(sum(counts.values()))
    if kinds:
        groups = [sum(counts.get(name, 0.0) for name in GROUPS[kind]) for kind in kinds]
        return [*front, total, *(number(value) for value in groups)]
    top = sorted(counts.items(), key=lambda item: -item[1])[:TOP_REQUESTS]
    return [*front, total, ", ".join(f"{name} {number(value)}" for name, value in top)]


def contestants_table(results):
    table = Table(CONTESTANTS_TITLE, ["name", "version", "kind", "note"])
    for each in results["contestants"]:
        kind = {"windows": "Windows program", "native": "native, not ranked"}[each["kind"]]
        table.rows.append([each["name"], each["version"] or ABSENT, kind, each["note"] or ABSENT])
    for each in results["missing"]:
        table.rows.append([each["name"], ABSENT, "missing", each["reason"]])
    return table


def verdicts(results):
    """One line for each of our builds: where it stands among the peers."""
    lines = []
    for name in our_names(results):
        ratios = {}
        for cell_name, cell in results["summary"].items():
            key = cells.named(cell_name).metrics[0][0]
            value = cell["entries"].get(name, {"ratios": {}})["ratios"].get(key)
            if value is not None:
                ratios[cell_name] = value
        if not ratios:
            continue
        won = sum(1 for value in ratios.values() if value >= 1)
        worst = min(ratios, key=ratios.get)
        top = max(ratios, key=ratios.get)
        lines.append(
            f"{name}: no worse than the best peer of each cell in {won} of {len(ratios)}; from {ratios[worst]:.2f} "
            f"({worst}) to {ratios[top]:.2f} times ({top})."
        )
    return lines
