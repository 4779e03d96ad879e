"""Keeps Makefile.msvc in step with the folders: nmake knows no wildcard, so every source has a rule of its own there.

    makefile_msvc.py            says what differs; exit code 1 if something does
    makefile_msvc.py --write    writes the lists and the rules anew; a developer runs it when the lint asks for it

What the program is made of is asked of the GNU Makefile. Nothing here is needed to build on Windows.
"""

import argparse
import pathlib
import re
import subprocess
import sys

MAKEFILE = "Makefile.msvc"
HINT = f"run: /usr/bin/python3 scripts/makefile_msvc.py --write, and commit {MAKEFILE}"

VARIABLES = ("SOURCES", "RESOURCE", "MESSAGES", "UNIT_TESTS", "UNIT_PARTS", "SUPPORT", "PORT_TESTS", "MINGW_LIBS")
# A unit test that starts threads by itself does so with POSIX's; it runs natively, under sanitizers.
POSIX_HEADERS = re.compile(r'#include\s*(<(pthread|unistd|sys/\w+|ucontext|dlfcn)\.h>|"support/\w+_native\.h")')


class Failure(Exception):
    """The GNU Makefile cannot be asked; the text says why."""


def ask_make(root):
    """The values of the GNU Makefile's variables, as lists of words."""
    rule = "makefile-msvc-asks: ; @:$(foreach v," + " ".join(VARIABLES) + ",$(info $v=$($v)))"
    command = ["make", "-s", "--no-print-directory", "-C", str(root), "-f", "Makefile", f"--eval={rule}"]
    done = subprocess.run([*command, "makefile-msvc-asks"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure((done.stdout + done.stderr).strip() or f"make ended with {done.returncode}")
    values = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return {name: values.get(name, "").split() for name in VARIABLES}


def object_name(source):
    path = source.removeprefix("server/").rsplit(".", 1)[0]
    return "$(O)/" + path.replace("/", "_") + (".res" if source.endswith(".rc") else ".obj")


def assignment(name, words):
    return f"{name} =" + "".join(f" \\\n    {word}" for word in words) + "\n"


def is_portable_test(root, source):
    return not POSIX_HEADERS.search((root / source).read_text())


# A program's own libraries, as vcpkg names them; kernel32 is what mingw links unasked.
LIBRARIES_OF_OURS = {"inih", "cjson", "picohttpparser"}


class Parts:
    """What is built, by the GNU Makefile's rules."""

    def __init__(self, root):
        found = ask_make(root)
        self.headers = self.list_headers(root, "config", "server")
        self.test_headers = self.list_headers(root, "tests/unit", "tests/port", "tests/support")
        self.sources = found["SOURCES"]
        self.resources = found["RESOURCE"]
        self.messages = found["MESSAGES"]
        self.embedded = [
            path.relative_to(root).as_posix()
            for pattern in ("*.manifest", "*.ico")
            for path in sorted((root / "server/host").glob(pattern))
        ]
        linked = [word[2:] for word in found["MINGW_LIBS"] if word.startswith("-l")]
        self.libraries = [f"{name}.lib" for name in linked if name in LIBRARIES_OF_OURS]
        self.system = sorted({f"{name}.lib" for name in linked if name not in LIBRARIES_OF_OURS} | {"kernel32.lib"})
        self.port_suite = [name for name in found["PORT_TESTS"] if not name.endswith("_sim.c")]
        self.port_suite += [name for name in found["SUPPORT"] if not name.endswith("_native.c")]
        self.unit_tests = [name for name in found["UNIT_TESTS"] if is_portable_test(root, name)]
        self.unit_parts = [name for name in found["UNIT_PARTS"] if is_portable_test(root, name)]

    @staticmethod
    def list_headers(root, *folders):
        paths = [path for folder in folders for path in (root / folder).rglob("*.h")]
        return sorted(path.relative_to(root).as_posix() for path in paths)


def program(source):
    return f"build/$(OUT)/{pathlib.PurePath(source).stem}.exe"


def lists(parts):
    objects = [object_name(name) for name in parts.sources if name != "server/main.c"]
    return "\n".join(
        [
            "",
            f"LIBRARIES = {' '.join(parts.libraries)}",
            f"SYSTEM_LIBRARIES = {' '.join(parts.system)}\n",
            assignment("HEADERS", parts.headers),
            assignment("TEST_HEADERS", parts.test_headers),
            assignment("OBJECTS", objects),
            assignment("RESOURCES", [object_name(name) for name in parts.resources]),
            assignment("PORT_SUITE", [object_name(name) for name in parts.port_suite]),
            assignment("UNIT_PARTS", [object_name(name) for name in parts.unit_parts]),
            assignment("UNIT_PROGRAMS", [program(name) for name in parts.unit_tests]),
            "",
        ]
    )


def compile_rule(source, headers, flags):
    target = object_name(source)
    return f"{target}: {source} {headers} $(O)/made\n\t@$(CC) $({flags}) /Fo$@ {source}\n"


def unit_rule(source):
    link = "@$(LD) $(LDFLAGS) /OUT:$@"
    inputs = f"{object_name(source)} $(UNIT_PARTS) build/$(OUT)/fairlead.lib"
    return f"{program(source)}: {inputs}\n\t{link} {inputs} cmocka.lib $(LIBRARIES) $(SYSTEM_LIBRARIES)\n"


def rules(parts):
    embedded = " ".join(parts.embedded + ["server/base/version.h"])
    pieces = [""]
    pieces += [compile_rule(name, "$(HEADERS)", "CFLAGS") for name in parts.sources]
    pieces += [
        f"{object_name(name)}: {name} {embedded} $(O)/MSG00409.bin $(O)/made\n"
        f"\t@$(RC) /nologo /I. /Iserver /I$(O) /fo$@ {name}\n"
        for name in parts.resources
    ]
    # The language of the table is in its name, which fairlead.mc chooses.
    pieces += [
        f"$(O)/MSG00409.bin: {name} $(O)/made\n\t@$(MC) -h $(O) -r $(O) {name}\n" for name in parts.messages
    ]
    tests = parts.port_suite + parts.unit_parts + parts.unit_tests
    pieces += [compile_rule(name, "$(HEADERS) $(TEST_HEADERS)", "TEST_CFLAGS") for name in tests]
    pieces += [unit_rule(name) for name in parts.unit_tests]
    runs = ["build\\$(OUT)\\port_suite.exe"] + [program(name).replace("/", "\\") for name in parts.unit_tests]
    pieces += ["check: suites\n" + "".join(f"\t{run}\n" for run in runs), ""]
    return "\n".join(pieces)


def region(name):
    return re.compile(rf"(?<=^# >>> {name}\n).*?(?=^# <<< {name}$)", re.MULTILINE | re.DOTALL)


def wanted(root):
    """Makefile.msvc as it should be."""
    text = (root / MAKEFILE).read_text()
    parts = Parts(root)
    for name, content in (("lists", lists(parts)), ("rules", rules(parts))):
        pattern = region(name)
        if not pattern.search(text):
            raise Failure(f"{MAKEFILE} has lost its lines '# >>> {name}' and '# <<< {name}'")
        text = pattern.sub(lambda match, content=content: content, text)
    return text


def files_named(text):
    return set(re.findall(r"[\w./-]+\.(?:c|h|rc|mc|lib|manifest|ico)\b", text))


def difference(text, other):
    """What a reader is told of two texts that are not the same; None when they are."""
    lacks, has = files_named(other) - files_named(text), files_named(text) - files_named(other)
    if lacks or has:
        told = [f"lacks {' '.join(sorted(lacks))}"] if lacks else []
        return "; ".join(told + ([f"still has {' '.join(sorted(has))}"] if has else []))
    for number, (here, there) in enumerate(zip(text.split("\n"), other.split("\n")), 1):
        if here != there:
            return f"line {number} is '{here.strip()}' and should be '{there.strip()}'"
    return None if text == other else "a part is missing at the end"


def main():
    home = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=str(home))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    path = pathlib.Path(options.root) / MAKEFILE
    try:
        text = wanted(pathlib.Path(options.root))
    except Failure as failure:
        sys.exit(str(failure))
    if text == path.read_text():
        return 0
    if options.write:
        path.write_text(text)
        print(f"{MAKEFILE} is written anew")
        return 0
    print(f"{MAKEFILE}: {difference(path.read_text(), text)}; {HINT}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
