"""Reads what callgrind wrote: the instructions of each function, and whom our code calls."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

NAMED = re.compile(r"\((\d+)\)(?: (.*))?$")


class Unclear(Exception):
    """A function that may be ours or not; its text says which."""


def folder_of(source):
    """The part of the house, "daemon" for what lies beside main.c; None: not ours. What is below the seam here is the simulator's (tests/)."""
    parts = (source or "").removeprefix("./").split("/")
    if parts[0] == "config":
        return "config"
    if parts[0] != "server":
        return None
    return parts[1] if len(parts) > 2 else "daemon"


@dataclass
class Profile:
    """Numbers of one run, or of the difference of two divided by their messages. Keys of functions: "name (folder)"."""

    functions: dict = field(default_factory=lambda: defaultdict(float))  # own instructions, inlined ones included
    folders: dict = field(default_factory=lambda: defaultdict(float))
    seam: dict = field(default_factory=lambda: defaultdict(float))  # calls of port.h from our code, by name
    locks: float = 0.0  # lock_acquire called by our code
    library: float = 0.0  # instructions inside the C library, called by our code: differ from processor to processor

    @property
    def total(self):
        return sum(self.folders.values())

    def per_unit(self, smaller, units):
        """What a unit costs, of the `units` that this run has more than the smaller one."""

        def rounded(change):
            return round(change / units, 2) + 0.0  # no -0.0

        def difference(mine, theirs):
            keys = sorted(set(mine) | set(theirs))
            values = {key: rounded(mine.get(key, 0) - theirs.get(key, 0)) for key in keys}
            return {key: value for key, value in values.items() if value}

        return Profile(
            difference(self.functions, smaller.functions),
            difference(self.folders, smaller.folders),
            difference(self.seam, smaller.seam),
            rounded(self.locks - smaller.locks),
            rounded(self.library - smaller.library),
        )


class Reader:
    """Follows the format: names are given once with a number, and by the number from then on.

    `owners` says in which source a function of ours or of the simulator is. The file that callgrind names is that of its first
    instruction, which may come from a header.
    """

    def __init__(self, owners):
        self.owners = owners
        self.names = {}
        self.file_names = {}
        self.files = {}  # of each function
        self.own = defaultdict(int)
        self.calls = []  # (caller, callee, count, instructions inside)

    def _name(self, table, text):
        match = NAMED.match(text)
        if match.group(2) is not None:
            table[match.group(1)] = match.group(2)
        return match.group(1)

    def read(self, lines):
        file, function, callee, count = "", None, None, None
        for line in lines:
            key, _, value = line.rstrip("\n").partition("=")
            if key in ("fl", "fi", "fe"):
                file = self._name(self.file_names, value)
            elif key in ("cfl", "cfi"):
                self._name(self.file_names, value)
            elif key == "fn":
                function = self._name(self.names, value)
                self.files[function] = file
            elif key == "cfn":
                callee = self._name(self.names, value)
            elif key == "calls":
                count = int(value.split()[0])
            elif re.match(r"[\d+*-]\S* \d+$", line):
                instructions = int(line.split()[1])
                if count is None:
                    self.own[function] += instructions
                else:
                    self.calls.append((function, callee, count, instructions))
                    count = None

    def source_of(self, function):
        file = self.file_names.get(self.files.get(function, ""), "")
        if file.endswith(".c"):
            return file
        sources = self.owners.get(self.names[function], ())
        if len(sources) > 1:
            raise Unclear(f"{self.names[function]} may be from any of {', '.join(sorted(sources))}")
        return next(iter(sources), file)

    def profile(self):
        result = Profile()
        folders = {function: folder_of(self.source_of(function)) for function in self.own}
        for function, folder in folders.items():
            if folder:
                result.functions[f"{self.names[function]} ({folder})"] += self.own[function]
                result.folders[folder] += self.own[function]
        for caller, callee, count, instructions in self.calls:
            if folders.get(caller) and not folders.get(callee):
                self._count_call(result, callee, count, instructions)
        return result

    def _count_call(self, result, callee, count, instructions):
        name = self.names[callee]
        if name not in self.owners:
            result.library += instructions
        elif name.startswith("port_"):
            result.seam[name] += count
        elif name == "lock_acquire":
            result.locks += count


def read(path, owners):
    reader = Reader(owners)
    with open(path, encoding="utf-8", errors="replace") as file:
        reader.read(file)
    return reader.profile()
