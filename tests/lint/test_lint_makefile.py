"""scripts/lint_makefile.py names what nmake and GNU make read differently, and nothing else."""

import pathlib
import sys

import pytest

HOME = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME / "scripts"))

import lint_makefile  # noqa: E402

CLEAN = """\
# Comments may say anything: %, $$, ifeq.
OUT = msvc
O = build/$(OUT)/obj
OBJECTS = \\
    $(O)/a.obj \\
    $(O)/b.obj

all: $(OBJECTS)

$(O)/a.obj: a.c
\t@cl /c /Fo$@ a.c
\t-@echo done>build\\$(OUT)\\done

$(O)/b.obj: b.c
\t@cl /c /Fo$@ b.c
"""
FOLDERS = {"tests", "server"}


def found(text):
    return [problem for _, problem in lint_makefile.problems(text, FOLDERS)]


def test_common_subset_has_no_problem():
    assert found(CLEAN) == []


def test_makefile_of_this_repository_has_no_problem():
    assert lint_makefile.problems((HOME / "Makefile.msvc").read_text(), FOLDERS) == []


@pytest.mark.parametrize(
    "line, text",
    [
        ("WORDS := a", "GNU make's alone"),
        ("WORDS ?= a", "GNU make's alone"),
        ("WORDS += a", "GNU make's alone"),
        ("WORDS = $(wildcard *.c)", "functions"),
        ("WORDS = $(OUT:a=b)", "functions"),
        ("WORDS = ${OUT}", "'${'"),
        ("WORDS = $$HOME", "'$$'"),
        ("WORDS = a # what", "column 1"),
        ("WORDS = 100%", "'%'"),
        ("WORDS = a^b", "'^'"),
        ("words = a", "capitals"),
        ("OUT = other", "set twice"),
        ("LINK = link", "exports"),
        ("Include = x", "exports"),
        ("ifeq ($(OUT),x)", "'ifeq' is not common"),
        ("endif", "'endif' is not common"),
        ("include more.mk", "'include' is not common"),
        ("!IF 1", "'!IF' is not common"),
        ("export OUT", "'export' is not common"),
        (".PHONY: all", "special"),
        ("c: %.o", "'%'"),
        ("c:: d", "two colons"),
        ("c: d | e", "order-only"),
        ("{server}c: d", "{folder}"),
        ("c: server\\d.c", "forward slashes"),
        ("c: $@.d", "commands only"),
        ("c: *.d", "wildcards"),
        ("c: FLAG = 1", "one target"),
        ("all: c", "has a rule already"),
        ("tests: c", "is a folder"),
        ("c: $(UNKNOWN)", "not set above"),
        ("    cl", "column 1"),
        ("what is this", "neither"),
        ("c: d\n\tcl $<", "automatic"),
        ("c: d\n\tcl $^", "automatic"),
        ("c: d\n\tcl $(@D)", "automatic"),
        ("c: d\n\tcl @<<", "inline"),
        ("c: d\n\tcl $(LATER)", "not set above"),
        ("c: d\n\n\tcl", "directly follows"),
        ("c: d\n\t+cl", "only '@' and '-'"),
        ("c: d\n\tcl " + "x" * 7000, "7003 characters"),
        ("LONG = " + "x" * 4000 + "\nc: d\n\tcl $(LONG) $(LONG)", "8004 characters"),
    ],
)
def test_what_only_one_make_understands_is_a_problem(line, text):
    problems = found(CLEAN + "\n" + line + "\n")
    assert any(part in problem for problem in problems for part in text.split("|")), problems


def test_lines_are_numbered_as_an_editor_does():
    problems = lint_makefile.problems(CLEAN + "WORDS := a\n", FOLDERS)
    assert [number for number, _ in problems] == [CLEAN.count("\n") + 1]
