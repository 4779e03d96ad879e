"""Wine during a benchmark: one server and one idle program keep it warm, and its processes are told apart."""

import subprocess
from contextlib import ExitStack
from pathlib import Path

from support import runtime
from support.wait import wait_stable, wait_until

from . import proc

STABLE_READINGS = 10
"""Of a tenth of a second each: the service processes of a prefix come one after the other."""


class Wine:
    """All contestants that are Windows programs run in it, one at a time.

    The Wine server is one process for all of them, and part of what is measured. With `trace` it writes each request
    into that file, which makes everything many times slower.
    """

    def __init__(self, prefix, trace=None):
        self.prefix = Path(prefix)
        self.trace = trace
        self.server_pid = None
        self.background = frozenset()
        self._stack = ExitStack()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _start(self):
        server = runtime.WineServer(self.prefix, trace=self.trace)
        self._stack.enter_context(server)
        self.server_pid = wait_until(server.pid, "the Wine server to run")
        if server.child.poll() is not None:
            raise RuntimeError(f"the prefix {self.prefix} is in use by another Wine server")
        # It waits for a line that never comes. Without an ordinary program the service processes would end, and
        # start anew with each contestant.
        idle = subprocess.Popen(
            self.command(["cmd.exe"]),
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(end_idle, idle)
        wait_until(lambda: len(self.pids()) > 1, "Wine's service processes")
        self.background = wait_stable(
            lambda: frozenset(self.pids()), "Wine's processes to be complete", repeats=STABLE_READINGS
        )

    def __exit__(self, *_):
        self._stack.close()

    @staticmethod
    def command(words):
        return [runtime.WINE, *words]

    def environment(self, debug=None):
        environment = runtime.environment(self.prefix)
        if debug:
            environment["WINEDEBUG"] = debug
        return environment

    def pids(self):
        """The prefix' processes but for the server."""
        wanted = f"WINEPREFIX={self.prefix}".encode()
        return [pid for pid in proc.everyone() if pid != self.server_pid and wanted in proc.environment(pid)]

    def new_pids(self):
        """Those that came after the start: a contestant's."""
        return [pid for pid in self.pids() if pid not in self.background]

    def run(self, *words):
        """A program to its end; its output is not wanted."""
        subprocess.run(
            self.command(words),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )


def end_idle(process):
    """The end of its input is the end of cmd.exe."""
    process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def version():
    done = subprocess.run([runtime.WINE, "--version"], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() or None
