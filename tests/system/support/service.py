"""Fairlead as a service: installed under a name of its own, driven by the verbs, removed at the end.

Services die with the last ordinary program of a Wine prefix, so one of them is kept running (Keeper).
"""

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

from . import net, runtime, stats
from .server import STATS_ANYWHERE
from .wait import DEADLINE, wait_until


class Keeper:
    """An ordinary Windows program that does nothing until the end: cmd.exe that waits for a line. None on Windows."""

    def __init__(self, env=None):
        self.env = env or runtime.environment()

    def __enter__(self):
        self.process = None
        if not runtime.WINDOWS:
            self.process = subprocess.Popen(
                [runtime.WINE, "cmd.exe", "/c", "set /p line="],
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return self

    def __exit__(self, *_):
        if self.process:
            with suppress(OSError):
                self.process.stdin.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def windows_path(path):
    """As a Windows program names a file of this machine."""
    return str(path) if runtime.WINDOWS else "Z:" + str(path).replace("/", "\\")


def registry(key):
    """The values of a key of HKLM as {name: text}, or None: there is no such key."""
    with subprocess.Popen(
        [*([] if runtime.WINDOWS else [runtime.WINE]), "reg.exe", "query", f"HKLM\\{key}"],
        env=runtime.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        text = runtime.plain(process.communicate(timeout=60)[0])
    if process.returncode != 0:
        return None
    found = re.findall(r"^    (\S.*?)    REG_\w+    ?(.*)$", text, re.M)
    return dict(found)


class Service:
    """`folder` holds server.ini; ports are fixed, because nobody sees the output of a service."""

    def __init__(self, folder, name, config, env=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name = folder, name
        self.stats_port = net.free_port()
        self.path = folder / "server.ini"
        self.env = env or runtime.environment()
        self.write(config)

    def write(self, config):
        """A new configuration, which is not in force yet."""
        config = STATS_ANYWHERE.replace(":0", f":{self.stats_port}") + config
        self.path.write_text(config, encoding="utf-8", newline="\n")

    def verb(self, verb, *options, timeout=120):
        """One verb with this service's name; answers subprocess.CompletedProcess."""
        return runtime.run(verb, "--name", self.name, *options, timeout=timeout, env=self.env)

    def expect(self, code, verb, *options):
        """The same; the exit code must be this one. Answers everything that was said."""
        done = self.verb(verb, *options)
        assert done.returncode == code, (verb, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def install(self, *options):
        return self.expect(0, "install", "-c", windows_path(self.path), *options)

    def registry(self):
        return registry(f"SYSTEM\\CurrentControlSet\\Services\\{self.name}")

    def stats(self):
        return stats.fetch("127.0.0.1", self.stats_port)

    def log_folder(self):
        """Where the log and the dumps of a crash are, unless log_file= says otherwise."""
        data = Path(os.environ["ProgramData"]) if runtime.WINDOWS else Path(self.env["WINEPREFIX"]) / "drive_c/ProgramData"
        return data / self.name / "logs"

    def log(self):
        return runtime.plain((self.log_folder() / "fairlead.log").read_bytes())

    def wait_state(self, state, deadline=DEADLINE):
        """`fairlead status` says that it is in this state."""
        seen = {}

        def reached():
            seen["text"] = self.verb("status").stdout
            return re.search(rf"^state +{state}$", seen["text"], re.M)

        wait_until(reached, lambda: f"{self.name} to be {state}: {seen}", deadline)

    def remove(self):
        """At the end of a test, whatever has become of it."""
        with suppress(subprocess.TimeoutExpired):
            self.verb("uninstall")
