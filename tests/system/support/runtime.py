"""How the executable is run: directly on Windows, by Wine elsewhere.

FAIRLEAD_EXE names the executable (default build/mingw/fairlead.exe), FAIRLEAD_WINE the wine64 program,
WINEPREFIX the prefix (default build/wine, made by scripts/env.sh).
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from .wait import wait_until

WINDOWS = os.name == "nt"
ROOT = Path(__file__).resolve().parents[3]
EXE = Path(os.environ.get("FAIRLEAD_EXE") or ROOT / "build/mingw/fairlead.exe").absolute()

# The "wine" wrapper of Debian complains about the 32-bit half that nothing here needs; the same list as
# scripts/env.sh.
WINE_PLACES = ("/usr/lib/wine/wine64", "/usr/lib/x86_64-linux-gnu/wine/wine64", "/opt/wine-stable/bin/wine64")
SERVER_NAMES = ("wineserver64", "wineserver")


def find_wine():
    if WINDOWS:
        return None
    given = os.environ.get("FAIRLEAD_WINE")
    if given:
        return given
    for place in WINE_PLACES:
        if os.access(place, os.X_OK):
            return place
    return shutil.which("wine64") or shutil.which("wine")


WINE = find_wine()


def command(*arguments):
    """The words that run fairlead with these arguments."""
    front = [] if WINDOWS else [WINE]
    return [*front, str(EXE), *map(str, arguments)]


def prefix():
    return Path(os.environ.get("WINEPREFIX") or ROOT / "build/wine").absolute()


def environment(wineprefix=None):
    """The environment for fairlead, and for nothing else: tools of the tests keep theirs."""
    env = dict(os.environ)
    if not WINDOWS:
        env["WINEPREFIX"] = str(wineprefix or prefix())
        env["WINEDEBUG"] = "-all"
        # Without its debugger a crash has an exit code of its own; with it, it may be 0. The others ask for
        # downloads.
        env["WINEDLLOVERRIDES"] = "winedbg.exe=d;winemenubuilder.exe=d;mscoree=;mshtml="
        env["LANG"] = "C.UTF-8"
        env.pop("LC_ALL", None)
        env.pop("DISPLAY", None)
    return env


def wine_major():
    """8 for Wine 8.0; None on Windows."""
    if WINDOWS or not WINE:
        return None
    answer = subprocess.run(
        [WINE, "--version"], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    found = re.search(r"wine-(\d+)", answer.stdout)
    return int(found.group(1)) if found else None


def run(*arguments, cwd=None, timeout=60, env=None):
    """Runs fairlead to its end; answers subprocess.CompletedProcess with text (CR removed). The output goes
    to files: a first program under Wine starts services that would hold a pipe open."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run(
            command(*arguments),
            cwd=cwd,
            env=env or environment(),
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        texts = [without_wines_own(plain((stream.seek(0), stream.read())[1])) for stream in (out, err)]
    return subprocess.CompletedProcess(done.args, done.returncode, *texts)


def without_wines_own(text):
    """Without what Wine says, once in some hundred short programs, when a process ends before its last thread has begun. The exit
    code is right then."""
    return re.sub(r"wine client error:[0-9a-f]+: (sendmsg: [^\n]*\n)?", "", text)


def plain(data):
    return data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")


class WineServer:
    """Keeps one Wine server of a prefix up, so that programs start in a fraction of a second, and knows its
    process. With `trace` it writes every request into that file."""

    def __init__(self, wineprefix=None, preexec=None, trace=None):
        self.prefix = Path(wineprefix or prefix())
        self.preexec = preexec
        self.trace = trace
        self.child = None

    def __enter__(self):
        program = self.program()
        if program:
            # A server that is about to end would take along whoever comes to it now.
            with suppress(subprocess.TimeoutExpired):
                subprocess.run([program, "-w"], env=environment(self.prefix), timeout=10, check=False)
            # It ends at once, with 2, when the prefix has a server already: then that one serves.
            with open(self.trace or os.devnull, "wb") as errors:
                self.child = subprocess.Popen(
                    [program, "-f", "-p600", *(["-d1"] if self.trace else [])],
                    env=environment(self.prefix),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    preexec_fn=self.preexec,
                )
            if Path("/proc").is_dir():
                wait_until(self.pid, "the Wine server to run")
        return self

    def __exit__(self, *_):
        if self.child and self.child.poll() is None:
            # SIGTERM would leave the prefix's service processes running for ever.
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    @staticmethod
    def program():
        folder = Path(WINE).parent if WINE else None
        for name in SERVER_NAMES:
            if folder and (folder / name).exists():
                return str(folder / name)
        return None

    def pid(self):
        """The process that serves the prefix, or None."""
        wanted = f"WINEPREFIX={self.prefix}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if (entry / "comm").read_text().startswith("wineserver") and wanted in (
                    entry / "environ"
                ).read_bytes().split(b"\0"):
                    return int(entry.name)
            except OSError:
                continue
        return None


def twin_prefix(folder):
    """A second prefix with a Wine server of its own, for tests that starve one. It shares the big unchanging
    part."""
    twin = Path(folder) / "prefix"
    twin.mkdir()
    for item in prefix().iterdir():
        if item.name == "drive_c":
            (twin / item.name).symlink_to(item)
        elif item.is_dir():
            shutil.copytree(item, twin / item.name, symlinks=True)
        elif item.name != "wineserver":
            shutil.copy2(item, twin / item.name)
    return twin


def resident_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmRSS of process {pid}")


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    """User and system time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def threads_running(pid):
    """The states of the threads, as /proc tells: "S" sleeps, "R" runs."""
    return [
        Path(task, "stat").read_text().rsplit(")", 1)[1].split()[0]
        for task in Path(f"/proc/{pid}/task").iterdir()
    ]


def interrupt_taken(pid):
    """Whether no Ctrl+C is on its way to the process: Unix would merge another one with it. Windows merges none."""
    if WINDOWS:
        return True
    status = Path(f"/proc/{pid}/status").read_text()
    waiting = int(re.search(r"^ShdPnd:\s*([0-9a-f]+)$", status, re.M).group(1), 16)
    return not waiting & 1 << (signal.SIGINT - 1)
