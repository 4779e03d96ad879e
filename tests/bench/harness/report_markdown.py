"""The report as Markdown, for docs/performance.md."""

from . import summary, tables


def render(results, chart=None):
    """`chart` is the file name of the chart beside the document."""
    machine, settings = results["machine"], results["settings"]
    commit = f" (commit {results['git_commit']})" if results["git_commit"] else ""
    virtual = ", virtual" if machine["virtual"] else ""
    parts = [
        f"Measured {results['started_at'][:10]}{commit} on {machine['processor']}, {machine['processors']} processors"
        f"{virtual}, {machine['kernel']}, {machine['wine']}: medians of {results['rounds_done']} interleaved rounds "
        f"of {settings['seconds']:g} s. {summary.disturbance(results['summary'])}",
    ]
    parts += tables.verdicts(results)
    if chart:
        parts.append(f"![Throughput and latency of Fairlead and its peers, relative to the best peer]({chart})")
    parts += [f"**{table.title}**\n\n{table_markdown(table)}" for table in all_tables(results) if table.rows]
    if results["failures"]:
        parts.append("Failed, and therefore not ranked:\n\n" + "\n".join(f"- {line}" for line in results["failures"]))
    return "\n\n".join(parts) + "\n"


def all_tables(results):
    yield tables.contestants_table(results)
    yield from tables.metric_tables(results, "operations_per_second", "operations per second")
    yield from tables.metric_tables(results, "p99_us", "99 of 100 answers come within")
    yield from tables.metric_tables(results, "megabytes_per_second", "bulk")
    yield from tables.metric_tables(results, "private_bytes_per_connection", "memory of one idle connection")
    yield from tables.processor_tables(results)
    yield from tables.call_tables(results)


def table_markdown(table):
    def line(row):
        return "| " + " | ".join(escaped(text) for text in row) + " |"

    rule = "|---|" + "---:|" * (len(table.header) - 1)
    if table.title == tables.CONTESTANTS_TITLE:
        rule = "|" + "---|" * len(table.header)
    text = "\n".join([line(table.header), rule, *map(line, table.rows)])
    return f"{table.note}\n\n{text}" if table.note else text


def escaped(text):
    plain = text.replace("|", "\\|").replace("\n", " ")
    return f"**{plain}**" if isinstance(text, tables.Strong) else plain
