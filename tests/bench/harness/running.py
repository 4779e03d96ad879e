"""The processes of one measurement: a contestant, and the target that a proxy connects to."""

import json
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from support.wait import wait_until

from . import contestants, proc

START_DEADLINE = 30.0
STOP_DEADLINE = 20.0
EXCERPT_BYTES = 2000


class Failed(Exception):
    """A program did not do what it must; the text says which and how."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def excerpt(path):
    """The end of a program's output, on one line."""
    text = Path(path).read_bytes()[-EXCERPT_BYTES:].decode("utf-8", "replace")
    return " | ".join(line.strip() for line in text.splitlines() if line.strip()) or "it printed nothing"


class Target:
    """build/bench/target. A new one for each measurement: nothing that one contestant left behind, such as ports in
    TIME_WAIT, meets the next."""

    def __init__(self, command, folder):
        self.command = [str(word) for word in command]
        self.log = Path(folder) / "target.log"
        self.process = None
        self.ports = {}

    def __enter__(self):
        arguments = ["--echo", "0", "--source", "0", "--sink", "0"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self.command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
            )
        line = self.process.stdout.readline()
        try:
            self.ports = json.loads(line)
        except ValueError as problem:
            self.__exit__()
            raise Failed(f"the target does not start: {excerpt(self.log)}") from problem
        return self

    def __exit__(self, *_):
        end(self.process, signal.SIGTERM)
        self.process.stdout.close()

    @property
    def pids(self):
        return [self.process.pid]


class Running:
    """A contestant that serves on self.port, until the end of the with block."""

    def __init__(self, contestant, service, target_port, folder, wine=None, debug=None, source=False):
        self.contestant, self.service, self.target_port = contestant, service, target_port
        self.folder = Path(folder)
        self.wine = wine
        self.debug = debug
        self.source = source
        self.port = None
        self.process = None

    @property
    def windows(self):
        return self.contestant.kind == contestants.WINDOWS

    @property
    def log(self):
        return self.folder / "output.log"

    def __enter__(self):
        self.port = free_port()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, template in self.contestant.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._expand(template), encoding="utf-8", newline="\n")
        words = [self._expand(word) for word in self.contestant.commands[self.service]]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.wine.command(words) if self.windows else words,
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(self._serves, f"{self.contestant.name} to serve", START_DEADLINE, 0.01)
        except AssertionError as problem:
            self.__exit__()
            raise Failed(f"it does not serve within {START_DEADLINE:g} s: {excerpt(self.log)}") from problem
        except Failed:
            self.__exit__()
            raise
        return self

    def _environment(self):
        everybody = self.wine.environment(self.debug) if self.windows else os.environ
        return {**everybody, **self.contestant.environment}

    def _expand(self, text):
        return contestants.expand(text, self.port, self.target_port, self.folder)

    def _serves(self):
        """One byte came back, or came by itself from a source: a proxy has reached its target."""
        self.check_alive()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                if not self.source:
                    connection.sendall(b"?")
                return connection.recv(1) != b""
        except OSError:
            return False

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failed(f"it ended with exit code {self.process.returncode}: {excerpt(self.log)}")

    @property
    def pids(self):
        """Its processes: under Wine those that are new in the prefix, else its descendants."""
        if self.windows:
            return sorted({self.process.pid, *self.wine.new_pids()})
        return [pid for pid in proc.everyone() if self.process.pid in proc.ancestry(pid)]

    def __exit__(self, *_):
        """Fairlead is asked to stop. To the others it is no matter: the console's Ctrl+C is not what they are compared in."""
        pids = self.pids
        end(self.process, signal.SIGINT if self.contestant.ours else signal.SIGKILL)
        for pid in pids:
            proc.kill(pid)
        wait_until(lambda: not any(proc.exists(pid) for pid in pids), f"{self.contestant.name} to be gone", STOP_DEADLINE)


def end(process, number):
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
