"""Fixtures of the package tests: the packages of this tree, and those of a next version built in another folder."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "system"))

from machine import Machine  # noqa: E402
from packages import ROOT, make_packages  # noqa: E402


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """The packages of build/mingw/fairlead.exe."""
    return make_packages(ROOT, tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def other_tree(tmp_path_factory):
    """The same sources, built in a folder with a longer name; the libraries too."""
    tree = tmp_path_factory.mktemp("other") / "a-folder-whose-name-is-a-good-deal-longer-than-that-of-the-first"
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    # The sources of the libraries are copied and not what was made of them: nothing is fetched, all is compiled.
    for part in ("src", "apt", "licenses"):
        if (ROOT / "build/deps" / part).exists():
            shutil.copytree(ROOT / "build/deps" / part, tree / "build/deps" / part, symlinks=True)
    build(tree)
    return tree


@pytest.fixture(scope="session")
def rebuilt_exe(other_tree):
    """The executable from the other folder, kept before anything is changed there."""
    return shutil.copy2(other_tree / "build/mingw/fairlead.exe", other_tree / "build/rebuilt.exe")


@pytest.fixture(scope="session")
def next_packages(other_tree, rebuilt_exe, tmp_path_factory):
    """The packages of the version after this one."""
    header = other_tree / "server/base/version.h"
    text = header.read_text()
    major, minor, patch = map(int, re.search(r'VERSION "(\d+)\.(\d+)\.(\d+)"', text).groups())
    text = text.replace(f'"{major}.{minor}.{patch}"', f'"{major}.{minor + 1}.0"')
    text = text.replace(f"{major}, {minor}, {patch}, 0", f"{major}, {minor + 1}, 0, 0")
    header.write_text(text)
    build(other_tree)
    exe = other_tree / "build/mingw/fairlead.exe"
    return make_packages(ROOT, tmp_path_factory.mktemp("next"), "--exe", exe)


def build(tree):
    with open(tree / "build.log", "wb") as log:
        done = subprocess.run([tree / "scripts/build.sh", "all"], stdout=log, stderr=log, check=False)
    assert done.returncode == 0, (tree / "build.log").read_text()[-2000:]


@pytest.fixture(scope="session")
def whole_machine():
    machine = Machine()
    machine.start()
    yield machine
    machine.stop()


@pytest.fixture
def machine(whole_machine):
    """A machine without Fairlead, before and after."""
    yield whole_machine
    whole_machine.clear()
