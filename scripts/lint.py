"""The house rules that no compiler knows. Prints TAP: one test per rule, the violations as comments below it.

    lint.py [--root DIR] [--cache DIR] [--include DIR] [RULE ...]

A line may be exempted, with its reason: `lint: allow RULE: ...` in a comment on that line.
Needs nothing beyond Python; a rule whose tool is missing is skipped and says so.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import lint_makefile
import makefile_msvc

LINES_MAX = 600

# A file may include what is in its own folder and in any folder of a lower floor (DESIGN section 1).
FLOORS = {
    "base": 0, "port": 1, "config": 1, "stats": 2, "admin": 3, "relay": 3, "daemon": 4, "host": 5, "main": 6,
}  # fmt: skip

C11_HEADERS = {
    "assert.h", "ctype.h", "errno.h", "fenv.h", "float.h", "inttypes.h", "iso646.h", "limits.h", "locale.h",
    "math.h", "setjmp.h", "signal.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h",
    "stdlib.h", "stdnoreturn.h", "string.h", "time.h", "uchar.h", "wchar.h", "wctype.h",
}  # fmt: skip

# Which file may include the header of which library: one seam for each.
LIBRARY_HEADERS = {
    "ini.h": r"config/config_load\.c",
    "cjson/cJSON.h": r"server/stats/(([a-z]+_)?json|stats_summary)\.c",
    "picohttpparser.h": r"server/admin/http[^/]*\.c",
}
WINDOWS_FILES = re.compile(r"server/port/(port_iocp[^/]*\.c|iocp[^/]*\.[ch]|[^/]*_win\.c)|server/host/(?!service_progress\.).*")
WINSOCK_FILES = re.compile(r"server/port/(port_iocp[^/]*\.c|iocp[^/]*\.[ch])")
WINSOCK_HEADERS = {"winsock.h", "winsock2.h", "ws2tcpip.h", "ws2def.h", "mswsock.h"}
# The two headers that may speak to one compiler.
COMPILER_FILES = {"server/base/compiler.h", "server/base/atomic.h"}
COMPILER_HEADERS = {"intrin.h", "sal.h"}

PLATFORM_WORDS = re.compile(
    r"\b(_WIN32|_WIN64|WIN32|__MINGW\w+|__linux__|__unix__|__APPLE__|HANDLE|OVERLAPPED|SOCKET)\b"
)
DIALECT_WORDS = re.compile(
    r"__attribute__|__builtin_\w+|\b_Atomic\b|\bstdatomic\.h|\b__?typeof(__)?\b|\btypeof\b|\b__int128\b"
    r"|\b_Complex\b|\b_Thread_local\b|\bunistd\.h|\bstrn?casecmp\b|\bstrdup\b|\binet_addr\b|\bgethostbyname\b|\bM_PI\b"
    r"|#\s*pragma\s+GCC|##\s*__VA_ARGS__|\b__auto_type\b|\b__extension__\b|\b__asm__\b|\b__thread\b|\b0[bB][01]+\b"
    r"|\(\{|\{\s*\}\s*[;,)]|\[\s*static\b|\[\s*\w+\s*\.\.\.|\bcase\b[^:?]*\.\.\.|\?\s*:|<threads\.h>|<complex\.h>"
)
# What Microsoft's C library has under another name or not at all; tests that are built natively only may use it.
POSIX_WORDS = re.compile(
    r"\b(ssize_t|pid_t|mode_t|strndup|strtok_r|strerror_r|strsep|stpcpy|strcasestr|gmtime_r|localtime_r|timegm|fileno"
    r"|isatty|getpid|fdopen|asprintf|vasprintf|getline|alloca|aligned_alloc|bzero|bcopy|random|srandom|setenv|mkstemp)\s*[(]"
    r"|\b(ssize_t|pid_t|mode_t)\b|#\s*include\s*<(pthread|strings|dlfcn|sys/\w+)\.h>"
)
# Objects of static storage with their initialisers, and the scalar constants among them.
STATIC_OBJECT = re.compile(r"^(?: +static\b|(?!typedef|enum|return)\w)[\w \t*\[\]]*=\s*(?!=)([^;]*);", re.MULTILINE)
SCALAR_CONSTANT = re.compile(r"^(?:static )?const [\w ]*?(\w+) =", re.MULTILINE)
COMPOUND_LITERAL = re.compile(r"\((const\s+)?(struct\s+|union\s+)?\w+\s*(\[\w*\])?\)\s*\{")
SLEEP_WORDS = re.compile(r"\b(Sleep|SleepEx|usleep|nanosleep|thrd_sleep|sleep)\s*\(|\btime\.sleep\b")
# The one place per language that polls a condition until its deadline.
WAITING_FILES = re.compile(r"tests/(.*/)?wait[^/]*\.(py|c|h)")
# Written in pieces so that this file does not break its own rules.
UNFINISHED_WORDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_WORDS = re.compile(
    r"(?<![\w.$}/-])/(work|ro" r"ot|home/\w+)/"
    r"|\b(deb|ftp\d?|security|snapshot|registry|index|proxy|mirrors?|files)\.[\w-]+(\.[\w-]+)*"
    r"\.(org|com|net|io|dev)\b"
)  # fmt: skip

TEXT_SUFFIXES = {
    ".c", ".h", ".rc", ".mc", ".py", ".sh", ".cmd", ".md", ".ini", ".json", ".yml", ".js", ".css", ".html", ".txt",
    "",
}  # fmt: skip
CODE_SUFFIXES = {".c", ".h", ".py", ".sh", ".js"}
OUTSIDE = {".git", "build", "__pycache__", ".pytest_cache", "node_modules"}


class Skip(Exception):
    """The rule cannot be checked here; its text says why."""


class Tree:
    """The files of one repository, read once."""

    def __init__(self, root, cache, include):
        self.root = pathlib.Path(root)
        self.cache = pathlib.Path(cache)
        self.include = include
        self.files = sorted(self._list())
        self._texts = {}
        self._codes = {}

    def _list(self):
        if (self.root / ".git").exists():
            # A clone may belong to another user; it is only listed.
            command = ["git", "-c", "safe.directory=*", "-C", str(self.root)]
            command += ["ls-files", "-co", "--exclude-standard", "-z"]
            output = subprocess.run(command, check=True, capture_output=True).stdout.decode()
            names = [name for name in output.split("\0") if name]
            return [name for name in names if (self.root / name).is_file()]
        paths = (path for path in self.root.rglob("*") if path.is_file())
        names = (path.relative_to(self.root) for path in paths)
        return [name.as_posix() for name in names if not OUTSIDE & set(name.parts)]

    def text(self, name):
        if name not in self._texts:
            self._texts[name] = (self.root / name).read_bytes().decode("utf-8", "replace")
        return self._texts[name]

    def code(self, name):
        """A C file with comments blanked, line by line as before."""
        if name not in self._codes:
            self._codes[name] = without_comments(self.text(name))
        return self._codes[name]

    def named(self, pattern):
        return [name for name in self.files if re.fullmatch(pattern, name)]

    def sources(self):
        return self.named(r"(config|server)/.*\.[ch]")

    def portable(self):
        return [name for name in self.sources() if not WINDOWS_FILES.fullmatch(name)]

    def texts(self):
        return [name for name in self.files if pathlib.PurePath(name).suffix in TEXT_SUFFIXES]

    def scripts(self):
        return self.named(r".*\.sh|\.ci/run")


def without_comments(text):
    """Blanks comments and keeps everything else, line ends and strings included, in its place."""
    token = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)

    def blank(match):
        piece = match.group()
        return re.sub(r"[^\n]", " ", piece) if piece.startswith("/") else piece

    return token.sub(blank, text)


def without_strings(line):
    return re.sub(r"\"(?:\\.|[^\"\\\n])*\"", '""', line)


def includes(tree, name):
    """(line number, "<" or '"', header) of each include."""
    for number, line in enumerate(tree.code(name).split("\n"), 1):
        match = re.match(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", line)
        if match:
            yield number, match.group(1), match.group(2)


def matches(names, pattern, read):
    """name:line: text of each line that the pattern finds."""
    for name in names:
        for number, line in enumerate(read(name).split("\n"), 1):
            match = pattern.search(line)
            if match:
                yield f"{name}:{number}: {match.group().strip()}"


# ---- the rules ---------------------------------------------------------------------------------------------


def room_of(name):
    """The room of a file of config/ or server/; what lies beside main.c is the room "daemon"."""
    parts = name.removeprefix("server/").split("/")
    if len(parts) > 1:
        return parts[0]
    return "main" if parts[0] == "main.c" else "daemon"


def include_directions(tree):
    """Includes point down, are written from the root of the rooms, and siblings do not know each other."""
    for name in tree.sources():
        own = room_of(name)
        if own not in FLOORS:
            yield f"{name}:1: the folder {own} has no floor in scripts/lint.py"
            continue
        for number, kind, header in includes(tree, name):
            room = room_of(header) if kind == '"' else own
            if kind == '"' and not {header, "server/" + header} & set(tree.files):
                yield f'{name}:{number}: "{header}" is not written from the root of a room ("port/port.h")'
            elif room != own and FLOORS[room] >= FLOORS[own]:
                yield f"{name}:{number}: {own} must not include {header}"


def platform_headers(tree):
    """Portable files include only C11 and our libraries, and name no system."""
    for name in tree.portable():
        compilers = COMPILER_HEADERS if name in COMPILER_FILES else set()
        for number, kind, header in includes(tree, name):
            if kind == "<" and header not in C11_HEADERS | set(LIBRARY_HEADERS) | compilers:
                yield f"{name}:{number}: <{header}> is no C11 header; it belongs below the seam or into host/"
    names = [name for name in tree.portable() if name not in COMPILER_FILES]
    yield from matches(names, PLATFORM_WORDS, lambda name: without_strings(tree.code(name)))


def winsock_headers(tree):
    """Winsock is known only behind the seam."""
    for name in tree.sources():
        for number, _, header in includes(tree, name):
            if header.lower() in WINSOCK_HEADERS and not WINSOCK_FILES.fullmatch(name):
                yield f"{name}:{number}: <{header}> belongs into server/port/port_iocp*.c or server/port/iocp*"


def library_headers(tree):
    """Each library is included by one file only."""
    for name in tree.sources():
        for number, _, header in includes(tree, name):
            owner = next((LIBRARY_HEADERS[key] for key in LIBRARY_HEADERS if header.endswith(key)), None)
            if owner and not re.fullmatch(owner, name):
                yield f"{name}:{number}: <{header}> belongs into {owner}"


def file_length(tree):
    """No source is longer than a reader can hold in mind."""
    for name in tree.files:
        if pathlib.PurePath(name).suffix in CODE_SUFFIXES:
            lines = tree.text(name).count("\n")
            if lines > LINES_MAX:
                yield f"{name}: {lines} lines, at most {LINES_MAX}"


def whitespace(tree):
    """No tab, no space at a line's end, LF, a newline at the end; makefiles and .cmd have their own ways."""
    for name in tree.texts():
        text = tree.text(name)
        if name.endswith(".cmd") or "\0" in text:
            continue
        tabs = "" if pathlib.PurePath(name).name.startswith("Makefile") else r"|\t"
        pattern = re.compile(r"\r|[ \t]+$" + tabs)
        for number, line in enumerate(text.split("\n"), 1):
            if pattern.search(line):
                yield f"{name}:{number}: tab, carriage return, or space at the end of the line"
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end"


def sleep(tree):
    """Nobody waits by sleeping: code waits for a completion, a test for a condition with a deadline (wait.py)."""
    names = tree.named(r"(config|server|tests)/.*\.(c|h|py)")
    names = [name for name in names if not WAITING_FILES.fullmatch(name)]
    yield from matches(names, SLEEP_WORDS, lambda name: without_strings(read_code(tree, name)))


def read_code(tree, name):
    return tree.text(name) if name.endswith(".py") else tree.code(name)


def unfinished(tree):
    """What is left to do is an issue, not a comment."""
    yield from matches(tree.texts(), UNFINISHED_WORDS, tree.text)


def machine_names(tree):
    """No path of one machine and no package registry's host."""
    yield from matches(tree.texts(), MACHINE_WORDS, tree.text)


def dialect(tree):
    """C11 that MSVC takes too; compiler.h and atomic.h speak to each compiler for all others."""
    names = [name for name in tree.named(r"(config|server|tests)/.*\.[ch]") if name not in COMPILER_FILES]
    names = [name for name in names if not re.search(r"_native\.[ch]$|^tests/(sim|fuzz|bench|msvc)/", name)]
    yield from matches(names, DIALECT_WORDS, lambda name: without_strings(tree.code(name)))


def built_by_msvc(tree):
    """The sources of Makefile.msvc: all but tests that need POSIX."""
    tests = tree.named(r"tests/(port|unit|support)/.*\.[ch]")
    tests = [name for name in tests if not re.search(r"_(native|sim)\.[ch]$", name)]
    return tree.sources() + [name for name in tests if not makefile_msvc.POSIX_HEADERS.search(tree.text(name))]


def dialect_library(tree):
    """No name that only POSIX has, and static storage is initialised by what is constant to cl too."""
    names = [name for name in built_by_msvc(tree) if name not in COMPILER_FILES]
    yield from matches(names, POSIX_WORDS, lambda name: without_strings(tree.code(name)))
    for name in names:
        yield from static_initialisers(name, tree.code(name))


def static_initialisers(name, code):
    """gcc and clang take the values of const objects and of compound literals for constants; cl does not."""
    constants = "|".join(SCALAR_CONSTANT.findall(code)) or "(?!)"
    value = re.compile(rf"(?<![&.\w>])(?<!sizeof )(?<!sizeof\()\b({constants})\b(?!\s*=)")
    for match in STATIC_OBJECT.finditer(code):
        number = code.count("\n", 0, match.start()) + 1
        initialiser = without_strings(match.group(1).replace("\n", " "))
        found = COMPOUND_LITERAL.search(initialiser) or value.search(initialiser)
        if found:
            yield f"{name}:{number}: {found.group().strip()} is no constant to cl"


def makefile_msvc_subset(tree):
    """nmake and GNU make read Makefile.msvc alike."""
    for name in tree.named(r"Makefile\.msvc"):
        folders = {pathlib.PurePath(file).parts[0] for file in tree.files if "/" in file} | {"build"}
        for number, text in lint_makefile.problems(tree.text(name), folders):
            yield f"{name}:{number}: {text}"


def makefile_msvc_sources(tree):
    """Makefile.msvc builds what the GNU Makefile builds, with the same libraries."""
    for name in tree.named(r"Makefile\.msvc"):
        tool("make")
        try:
            wanted = makefile_msvc.wanted(tree.root)
        except makefile_msvc.Failure as failure:
            yield f"{name}: {failure}"
            continue
        difference = makefile_msvc.difference(tree.text(name), wanted)
        if difference:
            yield f"{name}: {difference}; {makefile_msvc.HINT}"


def command_scripts(tree):
    """cmd.exe reads only CRLF well, and bytes beyond ASCII in the code page of the day."""
    names = tree.named(r".*\.(cmd|bat)")
    attributes = tree.text(".gitattributes") if ".gitattributes" in tree.files else ""
    if names and not re.search(r"^\*\.cmd text eol=crlf$", attributes, re.MULTILINE):
        yield ".gitattributes: has no line '*.cmd text eol=crlf'"
    for name in names:
        for number, line in enumerate(tree.text(name).split("\n")[:-1], 1):
            if not line.endswith("\r") or not line.isascii() or line.rstrip("\r \t") != line[:-1]:
                yield f"{name}:{number}: ASCII and CRLF, without space before it"


def shell_syntax(tree):
    """Every script parses."""
    for name in tree.scripts():
        command = ["bash", "-n", str(tree.root / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"{name}: {done.stderr.strip()}"


def shellcheck(tree):
    """No script has one of the mistakes that shellcheck knows."""
    command = [tool("shellcheck"), "-x", "-P", "SCRIPTDIR", "-f", "gcc", *tree.scripts()]
    if tree.scripts():
        yield from complaints(tree, command)


def clang_format(tree):
    """The sources look as .clang-format says; make format does it."""
    command = [tool("clang-format-14"), "--style=file", "--dry-run", "--Werror"]
    names = tree.named(r"(config|server|tests|package)/.*\.[ch]")
    if names:
        found = [line for line in complaints(tree, command + names) if ": error: " in line]
        files = sorted({line.split(":")[0] for line in found})
        yield from (f"{name}: not formatted (make format)" for name in files)


def clang_tidy(tree):
    """Nothing that clang-tidy finds in the portable sources."""
    program = tool("clang-tidy-14")
    names = [name for name in tree.portable() if name.endswith(".c")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for found in pool.map(lambda name: tidy_one(tree, program, name), names):
            yield from found


def tidy_one(tree, program, name):
    """One file; its clean result is remembered under the hash of all that it depends on."""
    mark = tree.cache / "tidy" / tidy_key(tree, name)
    if mark.exists():
        return []
    flags = ["-std=c11", "-Wvla", "-I.", "-Iserver", "-isystem", tree.include]
    found = complaints(tree, [program, "--quiet", name, "--", *flags])
    found = [line for line in found if re.search(r": (warning|error): ", line)]
    if not found:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    return found


def tidy_key(tree, name):
    parts = [tree.text(".clang-tidy") if ".clang-tidy" in tree.files else "", name]
    waiting, seen = [name], set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        parts.append(tree.text(current))
        for _, _, header in includes(tree, current):
            waiting += [path for path in (header, "server/" + header) if path in tree.files]
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()


RULES = [
    include_directions,
    platform_headers,
    winsock_headers,
    library_headers,
    file_length,
    whitespace,
    sleep,
    unfinished,
    machine_names,
    dialect,
    dialect_library,
    makefile_msvc_subset,
    makefile_msvc_sources,
    command_scripts,
    shell_syntax,
    shellcheck,
    clang_format,
    clang_tidy,
]


# ---- running -----------------------------------------------------------------------------------------------


def tool(name):
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    return path


def complaints(tree, command):
    """What a tool printed, unless it was content."""
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    lines = (done.stdout + done.stderr).strip().split("\n")
    lines = [re.sub(r"^\./", "", line.replace(str(tree.root) + "/", "")) for line in lines if line.strip()]
    return lines or [f"exit code {done.returncode}"]


def exempted(tree, rule, violation):
    match = re.match(r"([^:]+):(\d+):", violation)
    if not match or match.group(1) not in tree.files:
        return False
    return f"lint: allow {rule}" in tree.text(match.group(1)).split("\n")[int(match.group(2)) - 1]


def check(tree, number, rule):
    name = rule.__name__.replace("_", "-")
    try:
        found = [violation for violation in rule(tree) if not exempted(tree, name, violation)]
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        return True
    print(f"{'not ok' if found else 'ok'} {number} - {name}")
    for line in found:
        print(f"# {line}")
    sys.stdout.flush()
    return not found


def main():
    home = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=str(home))
    parser.add_argument("--cache", default=str(home / "build/lint"))
    parser.add_argument("--include", default=str(home / "build/deps/native/include"))
    parser.add_argument("rules", nargs="*", metavar="RULE")
    options = parser.parse_args()
    rules = [rule for rule in RULES if not options.rules or rule.__name__.replace("_", "-") in options.rules]
    if not rules or len(rules) < len(options.rules):
        parser.error("the rules are: " + " ".join(rule.__name__.replace("_", "-") for rule in RULES))
    tree = Tree(options.root, options.cache, options.include)
    print(f"1..{len(rules)}")
    results = [check(tree, number, rule) for number, rule in enumerate(rules, 1)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
