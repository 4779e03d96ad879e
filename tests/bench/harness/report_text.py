"""The report for a terminal."""

from . import summary, tables


def render(results):
    parts = [heading(results), *map(table_text, all_tables(results))]
    verdicts = tables.verdicts(results)
    parts.append("\n".join([*verdicts, summary.disturbance(results["summary"])] if results["summary"] else verdicts))
    failed = results["failures"]
    if failed:
        parts.append("\n".join(["FAILED, and therefore not ranked:", *(f"  {line}" for line in failed)]))
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(results):
    machine, settings = results["machine"], results["settings"]
    return "\n".join(
        [
            f"Fairlead {results['git_commit'] or ''} and its peers, {results['started_at']}",
            f"{machine['processor']}, {machine['processors']} processors, {machine['kernel']}, {machine['wine']}",
            f"{results['rounds_done']} rounds, {settings['seconds']:g} s for each measurement; medians",
        ]
    )


def all_tables(results):
    yield tables.contestants_table(results)
    yield from tables.detail_tables(results)
    yield from tables.metric_tables(results, "operations_per_second", "operations per second")
    yield from tables.metric_tables(results, "p99_us", "99 of 100 answers come within")
    yield from tables.metric_tables(results, "megabytes_per_second", "bulk")
    yield from tables.metric_tables(results, "private_bytes_per_connection", "memory of one idle connection")
    yield from tables.processor_tables(results)
    yield from tables.call_tables(results)


def table_text(table):
    if not table.rows:
        return ""
    shown = [[text + "*" if isinstance(text, tables.Strong) else text for text in row] for row in table.rows]
    columns = list(zip(table.header, *shown))
    widths = [max(map(len, column)) for column in columns]
    # Numbers to the right, words to the left; the first column names the row.
    right = [place > 0 and all(text[:1].isdigit() or text in ("-", tables.FAILED) for text in column[1:]) for place, column in enumerate(columns)]

    def line(row):
        cells = [text.rjust(width) if to_right else text.ljust(width) for text, width, to_right in zip(row, widths, right)]
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    head = [table.title, *([table.note] if table.note else [])]
    return "\n".join([*head, line(table.header), rule, *map(line, shown)])
