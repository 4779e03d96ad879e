"""The command line of scripts/bench.sh."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from . import cells

DESCRIPTION = "Measures Fairlead beside its peers and writes results.json, a table and a chart."

ROUNDS, QUICK_ROUNDS = 5, 3
SECONDS, QUICK_SECONDS = 3.0, 0.5
QUICK_BUDGET = 165.0


@dataclass
class Build:
    """One --exe with the --label and --key behind it."""

    exe: str
    label: str | None = None
    keys: list = field(default_factory=list)


class ExeAction(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        builds = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*builds, Build(values)])


class OfLastExe(argparse.Action):
    """--label and --key belong to the --exe before them."""

    def __call__(self, parser, namespace, values, option_string=None):
        if not namespace.exe:
            parser.error(f"{option_string} follows the --exe that it is for")
        if option_string == "--label":
            namespace.exe[-1].label = values
        else:
            namespace.exe[-1].keys.append(values)


def parser():
    made = argparse.ArgumentParser(prog="scripts/bench.sh", description=DESCRIPTION)
    made.add_argument("--quick", action="store_true", help="fewer cells and peers, shorter: under 3 minutes")
    made.add_argument("--rounds", type=positive(int), help=f"how often each is measured ({ROUNDS}, quick {QUICK_ROUNDS})")
    made.add_argument(
        "--seconds", type=positive(float), help=f"of each measurement ({SECONDS:g}, quick {QUICK_SECONDS:g})"
    )
    made.add_argument("--only", nargs="+", choices=(cells.ECHO, cells.PROXY), default=[], help="one of the services")
    made.add_argument("--peers", metavar="A,B", help="these peers only; none for Fairlead alone")
    made.add_argument("--cells", metavar="REGEX", help="only cells whose name matches (--list), and no counting")
    made.add_argument("--calls", action="store_true", help="only count calls for each message, do not measure")
    made.add_argument("--no-calls", action="store_true", help="do not count calls")
    made.add_argument("--out", metavar="DIR", help="where the results go (build/bench/results/DATE)")
    made.add_argument("--exe", metavar="FILE", action=ExeAction, help="a build of Fairlead; may be repeated")
    made.add_argument("--label", action=OfLastExe, help="what the --exe before it is called")
    made.add_argument("--key", metavar="K=V", action=OfLastExe, help="a key of [server] for the --exe before it")
    made.add_argument("--list", action="store_true", help="show the cells and peers, and measure nothing")
    made.add_argument("--from", dest="source", metavar="DIR", help="reports of an earlier run; nothing is measured")
    made.add_argument("--update-docs", action="store_true", help="put the tables and the chart into docs/")
    return made


def positive(kind):
    def convert(text):
        value = kind(text)
        if value <= 0:
            raise ValueError(text)
        return value

    convert.__name__ = f"positive {kind.__name__}"
    return convert


def parse(arguments, root):
    made = parser()
    options = made.parse_args(arguments)
    root = Path(root)
    options.exe = options.exe or [Build(str(root / "build/mingw/fairlead.exe"), "fairlead")]
    for build in options.exe:
        build.label = build.label or Path(build.exe).stem
    labels = [build.label for build in options.exe]
    if len(set(labels)) < len(labels):
        made.error("each --exe needs a --label of its own")
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    options.peers = peer_names(options.peers)
    if options.calls and options.no_calls:
        made.error("--calls and --no-calls exclude each other")
    # Who asks for some cells wants these.
    options.count = options.calls or not (options.no_calls or options.cells)
    return options


def peer_names(text):
    """None for all of them."""
    if text is None:
        return None
    return [] if text == "none" else [name for name in text.split(",") if name]
