"""Each rule of scripts/lint.py finds its violation, and only that rule does.

A small clean tree stands for the repository; every test plants one violation in it. What the rules forbid
everywhere is written here in pieces, so that this file passes them itself.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

HOME = pathlib.Path(__file__).resolve().parents[2]
LINT = HOME / "scripts/lint.py"

HEADER = "#ifndef {0}\n#define {0}\n\n{1}\n#endif\n"
COMPILERS = """\
#if defined(_MSC_VER)
#include <sal.h>
#else
#define NORETURN __attribute__((noreturn))
#endif
"""
CLEAN = {
    "server/base/pool.h": HEADER.format("BASE_POOL_H", "int pool_take(int count);\n"),
    "server/base/pool.c": '#include "base/pool.h"\n\nint pool_take(int count)\n{\n    return count + 1;\n}\n',
    "server/base/compiler.h": HEADER.format("BASE_COMPILER_H", COMPILERS),
    "server/port/port.h": HEADER.format("PORT_PORT_H", "int port_open(void);\n"),
    "server/port/iocp.h": HEADER.format("PORT_IOCP_H", "#include <winsock2.h>\n"),
    "server/port/port_iocp.c": '#include "port/iocp.h"\n#include "port/port.h"\n#include <windows.h>\n',
    "server/port/iocp_socket.c": '#include "port/iocp.h"\n#include <mswsock.h>\n',
    "server/port/lock_win.c": '#include "base/pool.h"\n#include <windows.h>\n',
    "config/config.h": HEADER.format("CONFIG_CONFIG_H", '#include "base/pool.h"\n\nint config_load(void);\n'),
    "config/config_load.c": '#include "config/config.h"\n#include <ini.h>\n',
    "server/stats/snapshot.h": HEADER.format("STATS_SNAPSHOT_H", '#include "port/port.h"\n'),
    "server/relay/relay.h": HEADER.format("RELAY_RELAY_H", '#include "stats/snapshot.h"\n'),
    "server/admin/admin.h": HEADER.format("ADMIN_ADMIN_H", '#include "config/config.h"\n'),
    "server/endpoints.h": HEADER.format("ENDPOINTS_H", '#include "config/config.h"\n'),
    "server/daemon.h": HEADER.format("DAEMON_H", '#include "endpoints.h"\n#include "relay/relay.h"\n'),
    "server/host/console.c": '#include "daemon.h"\n#include <windows.h>\n',
    "server/main.c": '#include "daemon.h"\n',
    "tests/unit/test_pool.c": '#include "base/pool.h"\n#include <pthread.h>\n',
    "scripts/run.sh": '#!/bin/bash\nset -eu\necho "$1"\n',
    "scripts/run.cmd": "@echo off\r\nexit /b 0\r\n",
    ".gitattributes": "*.cmd text eol=crlf\n",
    "Makefile": """\
SOURCES := $(sort $(wildcard config/*.c server/*.c server/*/*.c))
UNIT_TESTS := $(sort $(wildcard tests/unit/test_*.c))
MINGW_LIBS := -Lbuild/lib -linih -lws2_32
""",
    # The rest is written by scripts/makefile_msvc.py.
    "Makefile.msvc": """\
CC = cl
CFLAGS = /c
O = build/obj
OUT = msvc

# >>> lists
# <<< lists

all: build/$(OUT)/fairlead.lib

build/$(OUT)/fairlead.lib: $(OBJECTS)
\t@lib /OUT:$@ $(OBJECTS)

$(O)/made:
\t@echo made>build\\made

# >>> rules
# <<< rules
""",
    "README.md": "# A tree\n\nSee https://example.org/ and https://json-schema.org/.\n",
}
ALL_RULES = {
    "include-directions", "platform-headers", "winsock-headers", "library-headers", "file-length", "whitespace",
    "sleep", "unfinished", "machine-names", "dialect", "dialect-library", "makefile-msvc-subset",
    "makefile-msvc-sources", "command-scripts", "shell-syntax", "shellcheck", "clang-format", "clang-tidy",
}  # fmt: skip

WAIT = "Sle" "ep"
PAUSE = "time.sle" "ep(1)"
LATER = "TO" "DO"
NOTE = "/* a note */\n"


def function(body):
    return f'#include "base/pool.h"\n\nint pool_take(int count)\n{{\n    {body}\n}}\n'


# Rule, file, what is put before its content, what behind it (None: the first is the whole content).
VIOLATIONS = [
    ("include-directions", "server/base/pool.c", '#include "port/port.h"\n', ""),
    ("include-directions", "server/port/port.h", '#include "config/config.h"\n', ""),
    ("include-directions", "server/relay/relay.h", '#include "admin/admin.h"\n', ""),
    ("include-directions", "server/admin/admin.h", '#include "relay/relay.h"\n', ""),
    ("include-directions", "server/stats/snapshot.h", '#include "relay/relay.h"\n', ""),
    ("include-directions", "server/relay/relay.h", '#include "daemon.h"\n', ""),
    ("include-directions", "server/relay/relay.h", '#include "endpoints.h"\n', ""),
    ("include-directions", "server/daemon.h", '#include "host/console.h"\n', ""),
    ("include-directions", "server/relay/relay.h", '#include "relay.h"\n', ""),
    ("include-directions", "server/relay/relay.h", '#include "../base/pool.h"\n', ""),
    ("include-directions", "server/attic/new.h", NOTE, ""),
    ("platform-headers", "server/relay/relay.h", "#include <windows.h>\n", ""),
    ("platform-headers", "server/main.c", "#include <io.h>\n", ""),
    ("platform-headers", "server/relay/relay.h", "#include <sys/types.h>\n", ""),
    ("platform-headers", "server/relay/relay.h", "#ifdef _WIN32\n#endif\n", ""),
    ("winsock-headers", "server/port/lock_win.c", "#include <winsock2.h>\n", ""),
    ("winsock-headers", "server/host/console.c", "#include <ws2tcpip.h>\n", ""),
    ("library-headers", "config/config.h", "#include <ini.h>\n", ""),
    ("library-headers", "server/admin/admin.h", "#include <cjson/cJSON.h>\n", ""),
    ("library-headers", "server/admin/admin.h", "#include <picohttpparser.h>\n", ""),
    ("file-length", "server/base/pool.c", "", NOTE * 600),
    ("file-length", "scripts/run.sh", "", "true\n" * 600),
    ("whitespace", "README.md", "", "a line with a space \n"),
    ("whitespace", "README.md", "", "a\ttab\n"),
    ("whitespace", "README.md", "", "a line with both ends\r\n"),
    ("whitespace", "README.md", "", "no end"),
    ("sleep", "tests/system/test_x.py", f"import time\n\n{PAUSE}\n", ""),
    ("sleep", "server/host/console.c", "", f"\nvoid nap(void)\n{{\n    {WAIT}(10);\n}}\n"),
    ("unfinished", "README.md", "", f"{LATER}: more\n"),
    ("unfinished", "server/base/pool.h", f"/* {LATER} */\n", ""),
    ("machine-names", "README.md", "", "See /wo" "rk/main.\n"),
    ("machine-names", "README.md", "", "See /ro" "ot/x.\n"),
    ("machine-names", "README.md", "", "From de" "b.example.org.\n"),
    ("dialect", "server/base/pool.h", "", "int pool_unused(int count) __attribute__((pure));\n"),
    ("dialect", "server/base/pool.h", "#include <stdatomic.h>\n", ""),
    ("dialect", "server/base/pool.h", "", "extern _Atomic int pool_count;\n"),
    ("dialect", "server/base/pool.c", function("return __builtin_popcount((unsigned)count);"), None),
    ("dialect", "server/base/pool.c", function("return ({ count; });"), None),
    ("dialect", "server/base/pool.c", function("int all[2] = {};\n    return all[0] + count;"), None),
    ("dialect", "server/base/pool.c", function("return 0b11 + count;"), None),
    ("dialect", "server/base/pool.h", "", "int pool_all(int counts[static 2]);\n"),
    ("dialect", "server/base/pool.c", function("return count ?: 1;"), None),
    ("dialect", "server/base/pool.h", "#include <threads.h>\n", ""),
    ("dialect", "server/base/pool.c", function("__typeof__(count) other = count;\n    return other;"), None),
    ("dialect", "server/base/pool.c", function("switch (count) {\n    case 1 ... 3:\n        return 1;\n    }\n    return 2;"), None),
    ("dialect", "server/base/pool.c", "#pragma GCC diagnostic ignored \"-Wall\"\n", ""),
    ("dialect", "server/base/pool.h", "#define POOL_LOG(f, ...) printf(f, ## __VA_ARGS__)\n", ""),
    ("dialect", "server/base/pool.h", "", "extern _Thread_local int pool_mine;\n"),
    ("dialect", "server/base/pool.h", "", "char *strdup(const char *text);\n"),
    ("dialect", "server/base/pool.h", "", "int strcasecmp(const char *one, const char *other);\n"),
    ("dialect-library", "server/base/pool.h", "", "ssize_t pool_read(void);\n"),
    ("dialect-library", "server/base/pool.h", "", "int fileno(void *file);\n"),
    ("dialect-library", "server/host/console.c", "#include <sys/types.h>\n", ""),
    ("dialect-library", "server/base/pool.h", "", "static const int *pool_first = (int[]){1, 2};\n"),
    ("dialect-library", "server/base/pool.h", "", "static const int pool_all[] = {\n    (int){1},\n};\n"),
    ("dialect-library", "server/base/pool.h", "", "static const int pool_one = 1;\nstatic const int pool_is = pool_one;\n"),
    ("makefile-msvc-subset", "Makefile.msvc", "", "WORDS := a\n"),
    ("makefile-msvc-sources", "server/base/new.h", NOTE, ""),
    ("makefile-msvc-sources", "server/base/new.c", '#include "base/pool.h"\n', ""),
    ("makefile-msvc-sources", "Makefile", "", "MINGW_LIBS += -lwinhttp\n"),
    ("command-scripts", "scripts/run.cmd", "", "echo\n"),
    ("command-scripts", "scripts/run.cmd", "", "echo \u00e4\r\n"),
    ("command-scripts", ".gitattributes", "# nothing\n", None),
    ("shell-syntax", "scripts/run.sh", "", "if true; then\n"),
    ("shellcheck", "scripts/run.sh", "", "rm $1/*\n"),
    ("clang-format", "server/base/pool.h", "", "int  pool_give( int count );\n"),
    ("clang-tidy", "server/base/pool.c", function("return count / (count - count);"), None),
    ("clang-tidy", "server/base/pool.c", function("return count == count;"), None),
    ("clang-tidy", "server/base/pool.c", function("int all[count];\n    return (int)sizeof all;"), None),
]

# What other rules see of the same violation: clang-tidy cannot read what is not there, <stdatomic.h> is no header
# that we have, and shellcheck cannot read a script that bash cannot.
ALSO = {
    "include-directions": {"clang-tidy", "makefile-msvc-sources"},
    "platform-headers": {"clang-tidy", "dialect-library"},
    "dialect": {"platform-headers", "clang-format", "clang-tidy"},
    "dialect-library": {"platform-headers", "clang-tidy"},
    "makefile-msvc-sources": {"clang-tidy"},
    "shell-syntax": {"shellcheck"},
}


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    write(root, CLEAN)
    for name in (".clang-format", ".clang-tidy"):
        shutil.copy(HOME / name, root / name)
    command = [sys.executable, "-B", str(HOME / "scripts/makefile_msvc.py"), "--root", str(root), "--write"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return root


def lint(root, *rules):
    """The rules that failed, and everything that was printed."""
    places = ["--root", str(root), "--cache", str(root.parent / "cache")]
    command = [sys.executable, "-B", str(LINT), *places, *rules]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    failed = set(re.findall(r"^not ok \d+ - (.*)$", done.stdout, re.MULTILINE))
    assert done.returncode == (1 if failed else 0)
    return failed, done.stdout


def test_clean_tree_passes_every_rule(tree):
    failed, output = lint(tree)
    assert failed == set(), output
    assert set(re.findall(r"^ok \d+ - ([a-z-]+)", output, re.MULTILINE)) == ALL_RULES


def test_every_rule_has_a_violation_here():
    assert {violation[0] for violation in VIOLATIONS} == ALL_RULES


@pytest.mark.parametrize("rule, name, before, after", VIOLATIONS)
def test_violation_fails_its_rule_alone(tree, rule, name, before, after):
    if "# SKIP" in lint(tree, rule)[1]:
        pytest.skip("the rule's tool is not installed")
    middle = (tree / name).read_bytes().decode() if (tree / name).exists() else ""
    write(tree, {name: before if after is None else before + middle + after})
    failed, output = lint(tree)
    assert failed - ALSO.get(rule, set()) == {rule}, output
    assert name in output


def test_violation_in_a_comment_is_no_violation(tree):
    path = "server/base/pool.h"
    write(tree, {path: f"/* unlike _WIN32, __attribute__ or {WAIT}(1) */\n" + CLEAN[path]})
    failed, output = lint(tree)
    assert failed == set(), output


def test_helper_that_polls_may_sleep(tree):
    write(tree, {"tests/system/support/wait.py": f"import time\n\n{PAUSE}\n"})
    assert lint(tree)[0] == set()


def test_exemption_names_its_rule(tree):
    path = "tests/system/test_poll.py"
    write(tree, {path: f"import time\n\n{PAUSE}  # lint: allow sleep: polls a condition with a deadline\n"})
    assert lint(tree)[0] == set()
    write(tree, {path: f"import time\n\n{PAUSE}  # lint: allow dialect: the wrong rule\n"})
    assert lint(tree)[0] == {"sleep"}


def test_tidy_sees_a_change_in_an_included_header(tree):
    rule = "clang-tidy"
    if "# SKIP" in lint(tree, rule)[1]:
        pytest.skip("the rule's tool is not installed")
    broken = "static inline int pool_twice(int count)\n{\n    return count == count;\n}\n"
    header = HEADER.format("BASE_POOL_H", "int pool_take(int count);\n\n" + broken)
    write(tree, {"server/base/pool.h": header})
    assert lint(tree, rule)[0] == {rule}


def test_files_that_git_ignores_are_not_looked_at(tree):
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    write(tree, {".gitignore": "/scratch/\n", "scratch/notes.md": f"{LATER}\n"})
    assert lint(tree)[0] == set()
    write(tree, {"notes.md": f"{LATER}\n"})
    assert lint(tree)[0] == {"unfinished"}
