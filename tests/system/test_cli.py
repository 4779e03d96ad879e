"""The command line: verbs, options, paths, and output that goes nowhere (DESIGN section 4)."""

import os
import shutil
import signal
import subprocess

import pytest
from support import net, runtime
from support.net import exchange
from support.server import echo_config
from support.wait import wait_until

VERBS = ("run", "check", "install", "uninstall", "start", "stop", "restart", "reload", "status", "stats", "version", "help")


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"], ["/?"]])
def test_usage_is_a_result(arguments):
    done = runtime.run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\nfairlead {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_version_is_one_line(argument):
    done = subprocess.run(
        runtime.command(argument), env=runtime.environment(), capture_output=True, timeout=60, check=False
    )
    # Bytes: lines end as in the log and in the statistics, whatever the C library prefers.
    assert done.stdout.startswith(b"fairlead ") and done.stdout.count(b"\n") == 1
    assert b"\r" not in done.stdout
    assert (done.returncode, runtime.without_wines_own(runtime.plain(done.stderr))) == (0, "")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["chekc"], "unknown command chekc; did you mean check?"),
        (["status", "--firewall"], "status takes no --firewall"),
        (["start", "--name=a b"], "no service can be called a b: only letters, digits, dots, hyphens and underscores are possible"),
        (["rnu"], "unknown command rnu; did you mean run?"),
        (["--hepl"], "unknown option --hepl; did you mean --help?"),
        (["frobnicate"], "unknown command frobnicate"),
        (["-x"], "unknown option -x"),
        (["run", "-x"], "unknown option -x"),
        (["run", "server.ini"], "surplus argument server.ini"),
        (["check", "-c", "a.ini", "b.ini"], "surplus argument b.ini"),
        (["check", "-c"], "option -c needs a file"),
        (["check", "-c", ""], "option -c needs a file"),
        (["check", "-c", "a.ini", "-c", "b.ini"], "option -c is given twice"),
        (["version", "-c"], "version takes no arguments, but there is -c"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(arguments, sentence):
    done = runtime.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    said, usage = done.stderr.splitlines()
    assert said == f"fairlead: {sentence}"
    known = arguments[0] if arguments[0] in VERBS else " | ".join(VERBS)
    assert usage.startswith(f"usage: fairlead {known}")


def test_check_says_what_is_in_the_file(tmp_path):
    (tmp_path / "a.ini").write_text(echo_config() + echo_config("two"))
    done = runtime.run("check", "-c", "a.ini", cwd=tmp_path)
    assert done.stdout == "a.ini is valid: 2 listeners, 0 upstreams\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("verb, end", [("check", ""), ("run", "; nothing was started")])
def test_errors_are_counted_at_the_end(tmp_path, verb, end):
    (tmp_path / "a.ini").write_text(echo_config() + "foo=1\nbar=2\n")
    lines = runtime.run(verb, "-c", "a.ini", cwd=tmp_path).stderr.splitlines()
    assert [line.partition(" ")[0] for line in lines[:-1]] == ["a.ini:4:", "a.ini:5:"], lines
    assert lines[-1] == f"2 errors in a.ini{end}"


@pytest.mark.parametrize("name", ["Größe und 漢字.ini", "with  two blanks.ini", "ends in \\server.ini"])
def test_any_file_name_can_be_given(tmp_path, name):
    folder = tmp_path / "ends in "
    folder.mkdir()
    (tmp_path / name.replace("\\", "/")).write_text(echo_config())
    done = runtime.run("check", "-c", name, cwd=tmp_path)
    assert done.stdout == f"{name} is valid: 1 listener, 0 upstreams\n", done.stderr
    assert done.returncode == 0


def test_default_file_lies_beside_the_executable_or_in_the_current_folder(tmp_path):
    home, current = tmp_path / "home", tmp_path / "current"
    home.mkdir()
    current.mkdir()
    exe = home / runtime.EXE.name
    shutil.copy(runtime.EXE, exe)

    def check():
        command = [*runtime.command()[:-1], str(exe), "check"]
        done = subprocess.run(
            command,
            cwd=current,
            env=runtime.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    code, out, err = check()
    assert (code, out) == (2, "")
    assert "home\\server.ini" in err and "server.ini in the current folder" in err and "-c FILE" in err

    (current / "server.ini").write_text(echo_config())
    assert check() == (0, "server.ini is valid: 1 listener, 0 upstreams\n", "")

    (home / "server.ini").write_text(echo_config() + echo_config("two"))
    code, out, _ = check()
    assert code == 0
    assert out.endswith("home\\server.ini is valid: 2 listeners, 0 upstreams\n")


class Deaf:
    """fairlead whose standard error is a pipe that nobody reads, or a disk that is full."""

    def __init__(self, folder, stderr):
        self.port = net.free_port()
        (folder / "server.ini").write_text(
            "[server]\nlog_level=debug\n[stats]\nlisten=off\n" + echo_config(listen=f"127.0.0.1:{self.port}")
        )
        self.process = subprocess.Popen(
            runtime.command("run", "-c", "server.ini"),
            cwd=folder,
            env=runtime.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )

    def __enter__(self):
        wait_until(self.answers, "fairlead to serve")
        return self

    def answers(self):
        assert self.process.poll() is None
        try:
            with net.connect(self.port) as sock:
                return exchange(sock, b"x") == b"x"
        except OSError:
            return False

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.mark.linux
def test_full_disk_stops_neither_traffic_nor_the_end(tmp_path):
    """SEMANTICS C3."""
    with open("/dev/full", "wb") as full, Deaf(tmp_path, full) as deaf:
        for _ in range(20):
            assert deaf.answers()
        deaf.process.send_signal(signal.SIGINT)
        assert deaf.process.wait(30) == 0


@pytest.mark.linux
def test_frozen_console_stops_neither_traffic_nor_the_end(tmp_path):
    """SEMANTICS C3. The pipe is full before fairlead starts, so its very first line hangs."""
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writer, bytes(65536))
        os.set_blocking(writer, True)
        with Deaf(tmp_path, writer) as deaf:
            for _ in range(20):
                assert deaf.answers()
            deaf.process.send_signal(signal.SIGINT)
            assert deaf.process.wait(30) == 0
    finally:
        os.close(reader)
        os.close(writer)
