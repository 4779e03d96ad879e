"""Real servers as upstreams: Redis and PostgreSQL on loopback, with their data in the test's own folder."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from .net import connect, free_port
from .wait import wait_until


def answers(port):
    try:
        connect(port).close()
    except OSError:
        return False
    return True


class Redis:
    """redis-server without persistence."""

    def __init__(self, folder):
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                str(folder),
            ],
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )

    def __enter__(self):
        wait_until(lambda: answers(self.port), "redis-server to listen")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


def postgres_programs():
    """The folder of initdb, postgres and pgbench, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


class Postgres:
    """A fresh cluster. PostgreSQL refuses to run as root, so root hands it to an unprivileged user."""

    def __init__(self, folder):
        self.programs = postgres_programs()
        self.port = free_port()
        self.data = Path(folder) / "data"
        self.user = self._user()
        self.demote = {}
        if self.user:
            self.data.mkdir(mode=0o700)
            os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
            for parent in self.data.parents:  # pytest makes its folders for their owner only
                if parent.stat().st_uid == os.getuid() and parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
            self.demote = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        self.process = None

    @staticmethod
    def _user():
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise AssertionError("no unprivileged user")

    def _run(self, program, *arguments):
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "LC_ALL": "C", "HOME": str(self.data)},
            **self.demote,
        )
        assert done.returncode == 0, (program, done.stdout, done.stderr)

    def __enter__(self):
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            "tester",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )
        self.process = subprocess.Popen(
            [
                str(self.programs / "postgres"),
                "-D",
                str(self.data),
                "-p",
                str(self.port),
                "-h",
                "127.0.0.1",
                "-k",
                "",
                "-F",
                "-c",
                "max_connections=50",
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(Path(self.data.parent) / "postgres.txt", "wb"),
            env={**os.environ, "LC_ALL": "C"},
            **self.demote,
        )
        wait_until(lambda: answers(self.port), "postgres to listen", 60)
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.send_signal(signal.SIGINT)  # the fast shutdown
            self.process.wait(60)
