"""The chart: for each cell, how everybody compares with the best peer. Longer is better in every bar."""

from xml.sax.saxutils import escape

from . import cells, tables

OURS = ("#0b3d91", "#3b7dd8", "#8fb8ee")
PEERS = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c6d31", "#7f7f7f", "#b5a642")
INK, FAINT, RULE = "#1f2328", "#57606a", "#d0d7de"
FONT = "font-family='Segoe UI, Helvetica, Arial, sans-serif'"

PANEL_WIDTH = 560
LABEL_WIDTH = 172
VALUE_WIDTH = 84
MARGIN = 20
BAR, BAR_GAP, GROUP_GAP = 8, 1, 11
HEAD_HEIGHT, AXIS_HEIGHT = 40, 26
TITLE_HEIGHT = 54
LEGEND_LINE = 20
RATIO_MAX = 2.5
"""A longer bar is cut there; its number still says how long it is."""

SECTIONS = (
    ("throughput and memory", lambda cell: cell.metrics[0][0]),
    ("latency, 99 of 100", lambda cell: "p99_us" if len(cell.metrics) > 1 else None),
)
SERVICE_TITLES = {cells.ECHO: "Echo", cells.PROXY: "Proxy"}


def render(results):
    """SVG, or None when there is nothing to compare."""
    people = shown_people(results)
    panels = [panel for section in SECTIONS for panel in section_panels(results, people, *section)]
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return None
    legend, legend_height = draw_legend(people)
    columns = [service for service in SERVICE_TITLES if any(panel[3] == service for panel in panels)]
    width = MARGIN + len(columns) * (PANEL_WIDTH + MARGIN)
    parts, y = [legend], TITLE_HEIGHT + legend_height
    for title, _ in SECTIONS:
        row = [panel for panel in panels if panel[2] == title]
        top = axis_end(groups for _, groups, _, _ in row)
        for panel in row:
            x = MARGIN + columns.index(panel[3]) * (PANEL_WIDTH + MARGIN)
            parts.append(draw_panel(panel, people, x, y, top))
        y += max((panel_height(panel[1], people) for panel in row), default=0)
    return document(width, y + MARGIN, parts, results)


def shown_people(results):
    """(name, colour) in the order of the bars. Native programs are not compared."""
    ours = iter(OURS * 9)
    peers = iter(PEERS * 9)
    ranked = [each for each in results["contestants"] if each["kind"] == "windows"]
    ranked.sort(key=lambda each: not each["ours"])
    return [(each["name"], next(ours if each["ours"] else peers)) for each in ranked]


def section_panels(results, people, title, metric):
    """(heading, groups, section, service); a group is (label, {name: (ratio, text)})."""
    for service, service_title in SERVICE_TITLES.items():
        groups = []
        for name, cell in results["summary"].items():
            key = metric(cells.named(name))
            if cell["service"] == service and key and cell["best_peer"].get(key):
                groups.append((cell["title"] + tables.mark(cell), bars_of(cell, key, people)))
        yield f"{service_title}: {title}", groups, title, service


def bars_of(cell, key, people):
    found = {}
    for name, _ in people:
        entry = cell["entries"].get(name)
        if entry and entry["error"]:
            found[name] = (None, tables.FAILED)
        elif entry and entry["ratios"].get(key) is not None:
            value = entry["ratios"][key]
            found[name] = (value, f"{value:.2f}")
    return found


def panel_height(groups, people):
    return HEAD_HEIGHT + len(groups) * (group_height(people) + GROUP_GAP) + AXIS_HEIGHT


def group_height(people):
    return len(people) * (BAR + BAR_GAP)


def axis_end(panels):
    """The next half above the longest bar. Panels that stand side by side have the same scale."""
    values = [value for groups in panels for _, bars in groups for value, _ in bars.values() if value]
    longest = min(max(values, default=1.0), RATIO_MAX)
    return min(RATIO_MAX, max(1.5, (int(longest * 2) + 1) / 2))


def draw_panel(panel, people, x, y, top):
    heading, groups, _, _ = panel
    left = x + LABEL_WIDTH
    scale = (PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH) / top
    bottom = y + panel_height(groups, people) - AXIS_HEIGHT
    parts = [text(x, y + 16, heading, size=15, weight="600")]
    parts += draw_axis(left, y + HEAD_HEIGHT - 6, bottom, scale, top)
    row = y + HEAD_HEIGHT
    for label, bars in groups:
        middle = row + group_height(people) / 2
        parts.append(text(left - 10, middle + 4, label, anchor="end", size=12.5))
        drawn = [
            draw_bar(left, row + place * (BAR + BAR_GAP), scale, top, bars[name], name, colour)
            for place, (name, colour) in enumerate(people)
            if name in bars
        ]
        # Numbers lie above the bars, of which the next one touches them.
        parts += [bar for bar, _ in drawn] + [label for _, label in drawn if label]
        row += group_height(people) + GROUP_GAP
    return "\n".join(parts)


def draw_axis(left, top_y, bottom, scale, top):
    parts = []
    for half in range(int(top * 2) + 1):
        value = half / 2
        x = left + value * scale
        strong = value == 1.0
        colour, width, dash = (FAINT, 1.2, " stroke-dasharray='4 3'") if strong else (RULE, 1, "")
        parts.append(
            f"<line x1='{x:.1f}' y1='{top_y}' x2='{x:.1f}' y2='{bottom}' stroke='{colour}' stroke-width='{width}'{dash}/>"
        )
        parts.append(text(x, bottom + 15, f"{value:g}", anchor="middle", size=11, colour=INK if strong else FAINT))
        if strong:
            parts.append(text(x, top_y - 5, "best peer", anchor="middle", size=11))
    return parts


def draw_bar(left, y, scale, top, bar, name, colour):
    """(bar, its number or None)"""
    value, shown = bar
    length = min(value or 0.0, top) * scale
    if value is not None and value > top:
        shown += " (cut)"
    title = f"<title>{escape(name)}: {escape(shown)}</title>"
    drawn = f"<rect x='{left}' y='{y:.1f}' width='{length:.1f}' height='{BAR}' fill='{colour}'>{title}</rect>"
    # Only what the chart is about has its number written: ours, and who failed.
    if colour not in OURS and value is not None:
        return drawn, None
    return drawn, text(left + length + 4, y + BAR + 0.5, shown, size=10.5, weight="600", halo=True)


def draw_legend(people):
    """(SVG, height)"""
    parts, x, y = [], MARGIN, TITLE_HEIGHT
    for name, colour in people:
        needed = 26 + 7.2 * len(name)
        if x + needed > MARGIN + PANEL_WIDTH * 2:
            x, y = MARGIN, y + LEGEND_LINE
        parts.append(f"<rect x='{x:.1f}' y='{y}' width='12' height='12' fill='{colour}'/>")
        parts.append(text(x + 17, y + 10.5, name, size=12.5))
        x += needed + 10
    return "\n".join(parts), y - TITLE_HEIGHT + LEGEND_LINE + 10


def text(x, y, words, anchor="start", size=12, weight="400", colour=INK, halo=False):
    """With a halo it stays readable where it crosses a line."""
    around = " stroke='#ffffff' stroke-width='3' paint-order='stroke'" if halo else ""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' font-weight='{weight}' fill='{colour}' "
        f"text-anchor='{anchor}'{around}>{escape(words)}</text>"
    )


def document(width, height, parts, results):
    title = "Fairlead and its peers: times better than the best peer (longer is better)"
    machine = results["machine"]
    below = (
        f"medians of {results['rounds_done']} interleaved rounds; {machine['processors']} processors, {machine['wine']}; "
        "~ others used the machine meanwhile"
    )
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
            f"viewBox='0 0 {width} {height}' role='img' aria-label='{escape(title)}'>",
            f"<title>{escape(title)}</title>",
            f"<rect width='{width}' height='{height}' fill='#ffffff'/>",
            text(MARGIN, 24, title, size=17, weight="600"),
            text(MARGIN, 42, below, size=12, colour=FAINT),
            *parts,
            "</svg>\n",
        ]
    )
