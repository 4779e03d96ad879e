"""What nmake and GNU make do not read alike in Makefile.msvc: the rule makefile-msvc-subset of lint.py.

Neither make says so when it reads something the other one means, so this is stricter than either: what is not known
to be read alike is a violation.
"""

import re

# cmd.exe takes 8,191 characters, and the paths of a user's own folders come on top.
COMMAND_CHARACTERS_MAX = 7000

# Environment variables of the tools: nmake exports macros of these names, so setting one changes how cl works.
TOOL_VARIABLES = {"LINK", "LIB", "INCLUDE", "PATH", "CL", "_CL_", "_LINK_", "LIBPATH", "TEMP", "TMP", "MAKEFLAGS"}
DIRECTIVES = re.compile(
    r"\s*-?(ifn?eq|ifn?def|else|endif|s?include|define|endef|export|unexport|override|undefine|vpath|load|!\s*\w+)\b"
)
ASSIGNMENT = re.compile(r"([^\s=:+?!{}$()]+)\s*([:?+!]{0,2}=)\s*(.*)$", re.DOTALL)
# (what is found, what to say of it), outside comments.
EVERYWHERE = [
    (re.compile(r"%"), "'%' is a pattern to GNU make and a file name's part to nmake"),
    (re.compile(r"\$\$|\$\{"), "'$$' and '${' are read differently"),
    (re.compile(r"\$[<^?*+|!-]|\$\([<^?*+@][DFBR]?\)"), "of the automatic macros only $@ is common"),
    (re.compile(r"\$\([^)\s:]*[\s:]"), "functions and substitutions in $(...) are not common"),
    (re.compile(r"(?<!^)#"), "a comment begins in column 1"),
    (re.compile(r"<<"), "inline files are nmake's alone"),
    (re.compile(r"\^"), "'^' escapes for nmake and for cmd.exe, not for GNU make"),
]
IN_RULES = [
    (re.compile(r"::"), "rules with two colons differ"),
    (re.compile(r"\|"), "order-only prerequisites are GNU make's alone"),
    (re.compile(r"[{}]"), "{folder} rules are nmake's alone"),
    (re.compile(r"\\"), "a target is written with forward slashes"),
    (re.compile(r"\$@"), "$@ is for commands only"),
    (re.compile(r"[*?\[\]]"), "wildcards are not expanded alike"),
    (re.compile(r"(^|\s)\.[A-Z]"), "special targets differ"),
]
MACRO = re.compile(r"\$\(([A-Za-z_0-9]+)\)")


def logical_lines(text):
    """(number of the first line, line) with continued lines joined; commands are never continued here."""
    pending, start = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        start = start or number
        if line.endswith("\\") and not line.startswith(("\t", "#")):
            pending += line[:-1] + " "
            continue
        yield start, pending + line
        pending, start = "", 0


class Reader:
    """Reads the file once; problems are (line number, text)."""

    def __init__(self, folders):
        self.folders = folders
        self.macros = {}
        self.targets = set()
        self.target = None
        self.problems = []

    def report(self, number, text):
        self.problems.append((number, text))

    def expand(self, text, depth=0):
        text = text.replace("$@", self.target or "")
        if depth > 20:
            return text
        return MACRO.sub(lambda match: self.expand(self.macros.get(match.group(1), ""), depth + 1), text)

    def check_patterns(self, number, line, patterns):
        for pattern, text in patterns:
            if pattern.search(line):
                self.report(number, text)

    def check_macros(self, number, line):
        for name in MACRO.findall(line):
            if name not in self.macros:
                self.report(number, f"$({name}) is not set above; nmake would ask the environment")

    def read_macro(self, number, match):
        name, operator, value = match.groups()
        if operator != "=":
            self.report(number, f"'{operator}' is GNU make's alone; write '='")
        if name.upper() in TOOL_VARIABLES:
            self.report(number, f"nmake exports {name} to the tools; take another name")
        if not re.fullmatch(r"[A-Z][A-Z_0-9]*", name):
            self.report(number, f"{name}: a macro's name is capitals, digits and '_'")
        if name in self.macros:
            self.report(number, f"{name} is set twice")
        self.macros[name] = " ".join(value.split())

    def read_command(self, number, line):
        if self.target is None:
            self.report(number, "a command directly follows its rule or another command")
        command = line[1:]
        if re.match(r"[@-]?[@+!-]", command) and not re.match(r"(@-|-@|[@-])[^@+!-]", command):
            self.report(number, "before a command only '@' and '-' are common")
        self.check_macros(number, command)
        length = len(self.expand(command))
        if length >= COMMAND_CHARACTERS_MAX:
            self.report(number, f"a command of {length} characters, less than {COMMAND_CHARACTERS_MAX} are possible")

    def read_rule(self, number, line):
        self.check_patterns(number, line, IN_RULES)
        self.check_macros(number, line)
        targets, _, prerequisites = line.partition(":")
        if "=" in prerequisites:
            self.report(number, "macros of one target are GNU make's alone")
        for target in self.expand(targets).split():
            if target in self.folders:
                self.report(number, f"{target} is a folder, so its commands never run")
            if target in self.targets:
                self.report(number, f"{target} has a rule already")
            self.targets.add(target)
            self.target = target

    def read_line(self, number, line):
        if line.startswith("#") or not line.strip():
            self.target = None
            return
        self.check_patterns(number, line, EVERYWHERE)
        assignment = ASSIGNMENT.match(line)
        if line.startswith("\t"):
            self.read_command(number, line)
            return
        self.target = None
        if line.startswith(" "):
            self.report(number, "a line begins in column 1 or, if it is a command, with a tab")
        elif DIRECTIVES.match(line):
            self.report(number, f"'{line.split()[0]}' is not common")
        elif assignment:
            self.read_macro(number, assignment)
            self.check_macros(number, assignment.group(3))
        elif ":" in line:
            self.read_rule(number, line)
        else:
            self.report(number, "neither a macro nor a rule nor a command")


def problems(text, folders):
    """(line number, text) of everything that the two might read differently. folders: those beside the file."""
    reader = Reader(folders)
    for number, line in logical_lines(text):
        reader.read_line(number, line)
    return reader.problems
