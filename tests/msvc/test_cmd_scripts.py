"""scripts\\*.cmd under Wine's cmd.exe, with stand-ins for vcpkg, nmake and what nmake calls.

Everything happens in a copy of the repository whose folder has a space and parentheses in its name.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))

from support import net, stats  # noqa: E402
from support.wait import wait_until  # noqa: E402

TOOLS = ROOT / "build/msvc-tools"
WINE = os.environ.get("FAIRLEAD_WINE") or shutil.which("wine64")
FOLDER = "a folder (x86)"
COPIED = ("config", "server", "tests", "docs", "scripts", "Makefile.msvc", "vcpkg.json", "server.ini")
VERSION = re.search(r'FAIRLEAD_VERSION "(.*)"', (ROOT / "server/base/version.h").read_text()).group(1)


class Prompt:
    """A command prompt: the line is typed in a folder, with these tools in PATH."""

    def __init__(self, tree, scratch):
        self.tree = tree
        self.scratch = scratch

    def run(self, *line, **more):
        """(exit code, standard output, standard error) of one line; once more if Wine could not start nmake (standin.c)."""
        result = self.run_once(*line, **more)
        return self.run_once(*line, **more) if "nmake ended with 9009" in result[2] else result

    def run_once(self, line, folder=None, **more):
        texts = [self.scratch / "stdout", self.scratch / "stderr"]
        with self.start(line, folder, **more) as process:
            try:
                process.wait(300)
            finally:
                process.kill()
        return (process.returncode, *(text.read_text(errors="replace") for text in texts))

    def start(self, line, folder=None, tools=TOOLS / "bin", **variables):
        """The process of one line; what it says goes to files."""
        env = {
            key: value for key, value in os.environ.items() if not key.startswith(("VCPKG_", "VSCMD_", "FAIRLEAD_"))
        }
        env.update(WINE=WINE, WINEDEBUG="-all", MSVC_TOOLS=str(TOOLS), MSVC_TOOL=str(ROOT / "tests/msvc/tool.sh"))
        env.update(MSVC_LINE=line, WINEPATH=";".join(windows(part) for part in [tools] if part))
        env.update({key: str(value) for key, value in variables.items()})
        command = [WINE, str(TOOLS / "bin/line.exe")]
        where = str(folder or self.tree)
        with (self.scratch / "stdout").open("wb") as out, (self.scratch / "stderr").open("wb") as err:
            return subprocess.Popen(command, cwd=where, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)


def windows(path):
    return "Z:" + str(path).replace("/", "\\")


def script(tree, name):
    return f'"{windows(tree)}\\scripts\\{name}.cmd"'


def passed_on(code):
    """What a script answers that got this exit code from one it called: in Wine 8 `call` makes 1 of all but 0."""
    return (code, 1)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is built. Most objects are taken from build/msvc: to compile all of them again proves nothing."""
    folder = tmp_path_factory.mktemp("cmd") / FOLDER
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    objects = ROOT / "build/msvc/obj"
    if objects.is_dir():
        shutil.copytree(objects, folder / "build/msvc/obj", ignore=shutil.ignore_patterns("config_*", "main.*", "*.res"))
    return folder


@pytest.fixture
def prompt(tree, tmp_path):
    return Prompt(tree, tmp_path)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "tools.log"


def tools_without(tmp_path, *names):
    """A folder with the stand-ins but for these."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for program in (TOOLS / "bin").iterdir():
        if program.stem not in names:
            shutil.copy(program, folder / program.name)
    return folder


def test_run_builds_and_runs_from_another_folder(prompt, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code, output, errors = prompt.run(script(prompt.tree, "run") + " version", elsewhere)
    assert (code, output.strip()) == (0, f"fairlead {VERSION}"), errors
    assert list(elsewhere.iterdir()) == []


def test_run_again_builds_nothing_and_passes_the_exit_code_on(prompt, log):
    code, output, errors = prompt.run("scripts\\run.cmd dance", MSVC_LOG=log)
    assert (code, output) == (2, "")
    assert "dance" in errors
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["vcpkg", "nmake"]


def test_run_reads_files_of_the_current_folder(prompt, tmp_path):
    (tmp_path / "own.ini").write_text("[listener echo]\nlisten=127.0.0.1:80800\nmode=echo\n")
    code, _, errors = prompt.run(script(prompt.tree, "run") + " check -c own.ini", tmp_path)
    assert code == 2
    assert "own.ini:2: listen:" in errors


def test_run_without_arguments_serves_the_servers_own_configuration(prompt, tmp_path):
    shipped = (prompt.tree / "server.ini").read_bytes()
    try:
        (prompt.tree / "server.ini").write_text("[listener broken]\nlisten=nowhere\nmode=echo\n")
        code, _, errors = prompt.run(script(prompt.tree, "run"), tmp_path)
    finally:
        (prompt.tree / "server.ini").write_bytes(shipped)
    assert code == 2
    assert "server.ini:2: listen:" in errors


def fairlead_in(folder):
    """The process that serves in this folder, or None."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"fairlead.exe" in (entry / "cmdline").read_bytes().split(b"\0")[0]:
                if os.readlink(entry / "cwd") == str(folder):
                    return int(entry.name)
        except OSError:
            continue
    return None


def test_run_without_arguments_serves_until_ctrl_c(prompt, tmp_path):
    ports = {port: str(net.free_port()) for port in ("8404", "8888", "8080")}
    shipped = (prompt.tree / "server.ini").read_bytes()
    served = re.sub(r"\b(8404|8888|8080)\b", lambda port: ports[port.group()], shipped.decode())
    try:
        (prompt.tree / "server.ini").write_text(served)
        with prompt.start(script(prompt.tree, "run"), tmp_path) as process:
            try:
                wait_until(lambda: process.poll() is not None or fairlead_in(prompt.tree), "fairlead to run", 200)
                errors = (tmp_path / "stderr").read_text
                wait_until(lambda: "is serving" in errors(), lambda: f"fairlead to serve; it said {errors()}")
                with net.connect(int(ports["8080"])) as sock:
                    assert net.exchange(sock, b"through the proxy") == b"through the proxy"
                assert stats.get("127.0.0.1", int(ports["8404"]), "/health")[0] == 200
                os.kill(fairlead_in(prompt.tree), signal.SIGINT)
                assert process.wait(60) == 0
            finally:
                process.kill()
    finally:
        (prompt.tree / "server.ini").write_bytes(shipped)
    assert "Ctrl+C: stopping" in errors() and "info  stopped" in errors()


def test_build_hands_its_arguments_to_nmake(prompt, log):
    code, _, errors = prompt.run("scripts\\build.cmd WERROR=/WX clean", MSVC_LOG=log, MSVC_NMAKE_FAILS=0)
    assert code == 0, errors
    assert log.read_text().splitlines()[-1] == "nmake /nologo /f Makefile.msvc WERROR=/WX clean"


@pytest.mark.parametrize("name", ["build", "run", "test"])
def test_without_the_compiler_the_prompt_is_named(prompt, name):
    code, _, errors = prompt.run(f"scripts\\{name}.cmd", tools=None)
    assert code == 1
    assert "x64 Native Tools Command Prompt" in errors


def test_prompt_for_another_processor_is_refused(prompt):
    code, _, errors = prompt.run("scripts\\build.cmd", VSCMD_ARG_TGT_ARCH="x86")
    assert code == 1
    assert "this prompt builds for x86" in errors


def test_prompt_for_x64_is_taken(prompt):
    assert prompt.run("scripts\\build.cmd", VSCMD_ARG_TGT_ARCH="x64", MSVC_NMAKE_FAILS=0)[0] == 0


def test_without_vcpkg_it_is_said_how_to_get_it(prompt, tmp_path):
    code, output, errors = prompt.run("scripts\\build.cmd", tools=tools_without(tmp_path, "vcpkg"))
    assert (code, output) == (1, "")
    assert "bootstrap-vcpkg.bat" in errors


@pytest.mark.parametrize("variable", ["VCPKG_ROOT", "VCPKG_INSTALLATION_ROOT"])
def test_vcpkg_is_found_by_its_variable(prompt, tmp_path, log, variable):
    folder = tmp_path / "vcpkg (own)"
    folder.mkdir()
    shutil.copy(TOOLS / "bin/vcpkg.exe", folder / "vcpkg.exe")
    tools = tools_without(tmp_path, "vcpkg")
    where = {variable: windows(folder), "MSVC_LOG": log}
    code, _, errors = prompt.run("scripts\\deps.cmd", tools=tools, **where)
    assert code == 0, errors
    command = log.read_text().splitlines()[0]
    assert command.startswith("vcpkg install --triplet=x64-windows-static --x-install-root=build/vcpkg")


def test_variable_that_names_no_vcpkg_leaves_the_one_in_path(prompt):
    code, _, errors = prompt.run("scripts\\deps.cmd", VCPKG_ROOT="C:\\nowhere")
    assert code == 0, errors


@pytest.mark.parametrize("name", ["deps", "build", "run"])
def test_exit_code_of_vcpkg_is_passed_on(prompt, name):
    code, _, errors = prompt.run(f"scripts\\{name}.cmd", MSVC_VCPKG_FAILS=7)
    assert code == 7 if name == "deps" else code in passed_on(7)
    assert "vcpkg ended with 7" in errors


@pytest.mark.parametrize("name", ["build", "run", "test"])
def test_exit_code_of_nmake_is_passed_on(prompt, name):
    code, _, errors = prompt.run(f"scripts\\{name}.cmd", MSVC_NMAKE_FAILS=2)
    assert code == 2 if name == "build" else code in passed_on(2)
    assert "nmake ended with 2" in errors


def test_test_gets_cmocka_and_runs_the_checks(prompt, log):
    code, output, errors = prompt.run("scripts\\test.cmd", MSVC_LOG=log, MSVC_NMAKE_FAILS=0)
    assert code == 0, errors
    vcpkg, nmake = log.read_text().splitlines()
    assert vcpkg.endswith("--x-feature=tests")
    assert nmake == "nmake /nologo /f Makefile.msvc all check"
    assert (prompt.tree / "build/vcpkg/x64-windows-static/lib/cmocka.lib").exists()
    assert "the system tests were NOT run" in errors
    assert "system not run" in output


def test_test_runs_pytest_and_passes_its_exit_code_on(prompt, tmp_path, log):
    tools = tools_without(tmp_path)
    shutil.copy(TOOLS / "bin/line.exe", tools / "python.exe")
    variables = {"MSVC_LOG": log, "MSVC_NMAKE_FAILS": 0, "MSVC_PYTEST_ENDS": 5}
    code, _, errors = prompt.run("scripts\\test.cmd -k echo", tools=tools, **variables)
    assert code == 5, errors
    assert log.read_text().splitlines()[-1] == "python -B -m pytest -p no:cacheprovider tests/system -k echo"
