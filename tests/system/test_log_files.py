"""Files of logs: they rotate, others may move them, and neither a full disk nor a blocked console stalls traffic. The session log is
the load: one line for each session, each from an address of its own, so that every line is known."""

import fcntl
import itertools
import os
import re
import resource
import signal
import subprocess
import threading

import pytest
from support import net, runtime
from support.net import exchange, receive_to_end, send_fin
from support.peers import Echo, Refusing
from support.server import STATS_ANYWHERE, echo_config, proxy_config, server_config
from support.wait import wait_until

pytestmark = pytest.mark.linux

LINE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) listener=(\S+) client=(\S+):(\d+)"
    r"(?: server=(\S+))?(?: server_address=(\S+))? in=(\d+) out=(\d+) duration=(\d+\.\d{3}) reason=(\w+)"
)
LOST = re.compile(r"\S+Z lost=(\d+)")

SIZE = 64 * 1024  # the smallest that can be configured: some 500 lines
THREADS = 8

_numbers = itertools.count(1)


def own_address():
    """127.X.Y.Z that no other session of this run has."""
    number = next(_numbers)
    return f"127.{1 + number // 65024}.{number // 254 % 256}.{1 + number % 254}"


def session(server, name="echo", data=b"0123456789"):
    """One session from connect to FIN; answers the client's address."""
    address = own_address()
    with net.connect(server.port(name), source=address) as sock:
        assert exchange(sock, data) == data
        send_fin(sock)
        assert receive_to_end(sock) == b""
    return address


def crowd(server, count, name="echo"):
    """So many sessions, THREADS at a time; answers their addresses once the server has ended them all."""
    addresses, failures = [], []

    def worker(share):
        try:
            for _ in range(share):
                addresses.append(session(server, name))
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=worker, args=(count // THREADS,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not failures, failures[0]
    server.wait_active(0)
    return addresses


def numbered(folder, name="sessions.log"):
    """The files of a log, the oldest first."""
    found = [path for path in folder.glob(f"{name}.*") if path.suffix[1:].isdigit()]
    found.sort(key=lambda path: -int(path.suffix[1:]))
    return [*found, folder / name]


def lines_of(paths):
    return [line for path in paths for line in runtime.plain(path.read_bytes()).splitlines()]


def clients(lines):
    """The client of each line, all of which must be whole."""
    wrong = [line for line in lines if not LINE.fullmatch(line)]
    assert not wrong, wrong[:3]
    return [LINE.fullmatch(line).group(3) for line in lines]


def logged(**keys):
    return server_config(session_log="sessions.log", **keys)


# ---- what a line says ----


def test_session_log_has_one_line_for_each_session(start_server):
    with Echo() as upstream, Refusing() as nobody:
        server = start_server(
            logged()
            + echo_config()
            + proxy_config(upstream.port)
            + proxy_config(nobody.port, name="down", upstream={"retries": 0})
        )
        echoed, proxied = session(server), session(server, "proxy", b"x" * 70000)
        assert server.turned_away("down") == ("reset", b"")
        server.check_end()
    found = {
        match.group(2): match.groups()
        for match in map(LINE.fullmatch, lines_of([server.folder / "sessions.log"]))
    }
    assert found["echo"][2] == echoed
    assert found["echo"][4:8] == (None, None, "10", "10")
    assert found["echo"][9] == "finished"
    assert found["proxy"][2] == proxied
    assert found["proxy"][4:8] == ("s", f"127.0.0.1:{upstream.port}", "70000", "70000")
    assert found["proxy"][9] == "finished"
    assert found["down"][4:8] == ("s", f"127.0.0.1:{nobody.port}", "0", "0")
    assert found["down"][9] == "connect_failed"
    assert len(found) == 3


def test_session_log_is_off_by_default(start_server):
    server = start_server(echo_config())
    session(server)
    server.check_end()
    assert not [path for path in server.folder.iterdir() if "sessions" in path.name]


def test_session_log_is_written_within_a_second_or_so(start_server):
    server = start_server(logged() + echo_config())
    address = session(server)
    path = server.folder / "sessions.log"
    wait_until(lambda: address in path.read_text(), "the line", deadline=10)


def test_line_that_was_left_incomplete_is_ended_first(make_server):
    server = make_server(logged() + echo_config())
    (server.folder / "sessions.log").write_text("half a li")
    server.start()
    address = session(server)
    server.check_end()
    first, *rest = lines_of([server.folder / "sessions.log"])
    assert first == "half a li"
    assert clients(rest) == [address]


# ---- rotation ----


@pytest.mark.parametrize("workers", [1, 4])
def test_rotation_under_load_loses_no_line(start_server, workers, record_property):
    server = start_server(logged(workers=workers, log_rotate_size="64k", log_rotate_keep=100) + echo_config())
    addresses = crowd(server, 6000)
    server.check_end()
    files = numbered(server.folder)
    lines = lines_of(files)
    assert sorted(clients(lines)) == sorted(addresses)
    assert len(files) > 8
    assert all(path.stat().st_size <= SIZE for path in files)
    assert all(path.stat().st_size > SIZE - 512 for path in files[:-1])
    if workers == 1:
        times = [line.split()[0] for line in lines]
        assert times == sorted(times)
    record_property("files", len(files))


def test_rotation_keeps_so_many_files_also_across_restarts(make_server):
    server = make_server(logged(log_rotate_size="64k", log_rotate_keep=2) + echo_config())
    for number in (1, 2, 3, 4):  # from a time when more were kept
        (server.path.parent / f"sessions.log.{number}").write_text(f"old {number}\n")
    addresses = []
    for _ in range(3):
        server.process, server.checked, server.ports = None, False, {}
        server.start()
        addresses += crowd(server, 800)
        assert server.stop() == 0
    files = numbered(server.folder)
    assert [path.name for path in files] == ["sessions.log.2", "sessions.log.1", "sessions.log"]
    kept = clients(lines_of(files))
    assert len(kept) > 900
    assert len(set(kept)) == len(kept)
    assert set(kept) <= set(addresses)
    assert set(addresses[-100:]) <= set(kept)


def test_log_that_may_grow_is_not_rotated(start_server):
    server = start_server(logged(log_rotate_size="off") + echo_config())
    addresses = crowd(server, 1200)
    server.check_end()
    assert numbered(server.folder) == [server.folder / "sessions.log"]
    assert (server.folder / "sessions.log").stat().st_size > SIZE
    assert sorted(clients(lines_of([server.folder / "sessions.log"]))) == sorted(addresses)


# ---- what others do to the files ----


def test_log_renamed_by_others_under_load_loses_no_line(start_server):
    server = start_server(logged(log_rotate_size="64k", log_rotate_keep=100) + echo_config())
    path, moved, addresses = server.folder / "sessions.log", [], []
    for number in range(3):
        loader = threading.Thread(target=lambda: addresses.extend(crowd(server, 1600)))
        loader.start()
        wait_until(lambda: path.exists() and path.stat().st_size > 1000, "lines to move")
        moved.append(server.folder / f"shipped-{number}")
        path.rename(moved[-1])
        loader.join(300)

        def comes_again():
            addresses.append(session(server))
            return path.exists()

        wait_until(comes_again, "a new file", interval=0.2)
    server.check_end()
    assert sorted(clients(lines_of([*moved, *numbered(server.folder)]))) == sorted(addresses)


def test_log_deleted_by_others_is_begun_anew(start_server):
    server = start_server(logged() + echo_config())
    path = server.folder / "sessions.log"
    session(server)
    wait_until(lambda: path.stat().st_size > 0, "the first line")
    path.unlink()
    addresses = []

    def comes_again():
        addresses.append(session(server))
        return path.exists() and path.stat().st_size > 0

    wait_until(comes_again, "a new file", interval=0.2)
    last = session(server)
    server.check_end()
    found = clients(lines_of([path]))
    assert found[-1] == last
    assert found == [*addresses, last][-len(found) :]


def test_rename_that_fails_loses_no_line_and_is_tried_again(start_server):
    """A folder has the name that the full file should get."""
    server = start_server(logged(log_rotate_size="64k", log_rotate_keep=1) + echo_config())
    path, older = server.folder / "sessions.log", server.folder / "sessions.log.1"
    older.mkdir()
    addresses = crowd(server, 1200)
    wait_until(lambda: path.stat().st_size > SIZE * 3 // 2, "the old file to grow")
    older.rmdir()

    def rotated():
        addresses.append(session(server))
        return older.exists()

    wait_until(rotated, "the rotation", interval=0.2)
    server.check_end()
    assert sorted(clients(lines_of([older, path]))) == sorted(addresses)


# ---- a start that cannot work ----


@pytest.mark.parametrize("path", ["no/such/folder/sessions.log", "folder"])
def test_session_log_that_cannot_be_opened_is_an_error(make_server, path):
    server = make_server(server_config(session_log=path) + echo_config())
    (server.folder / "folder").mkdir()
    server.launch()
    server.expected_exit = server.wait_exit()
    assert server.expected_exit == 1
    assert re.search(rf"session_log .*{path} cannot be written: ", server.log())
    assert not list(server.folder.rglob("*.try"))


def test_last_folder_of_a_log_is_created(start_server):
    server = start_server(server_config(session_log=r"logs\sessions.log") + echo_config())
    address = session(server)
    server.check_end()
    assert clients(lines_of([server.folder / "logs/sessions.log"])) == [address]


# ---- a full disk, a blocked console ----


def limit_files(size):
    """Files of the process stop growing there: what a full disk does, and only for it."""

    def prepare():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return prepare


def free_the_disk(server):
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_full_disk_stalls_nobody_and_the_loss_is_told(start_server):
    server = start_server(logged() + echo_config(), preexec=limit_files(40_000))
    addresses = crowd(server, 1600)  # four times what has room
    server.wait_log("sessions.log cannot be written")
    free_the_disk(server)
    addresses.append(session(server))
    server.wait_log("is written again")
    server.check_end()
    lines = lines_of([server.folder / "sessions.log"])
    lost = [int(match.group(1)) for match in map(LOST.fullmatch, lines) if match]
    torn = [line for line in lines if not LINE.fullmatch(line) and not LOST.fullmatch(line)]
    whole = [LINE.fullmatch(line).group(3) for line in lines if LINE.fullmatch(line)]
    assert len(lost) == 1
    assert len(torn) <= 1
    assert len(whole) == len(set(whole))
    assert set(whole) <= set(addresses)
    assert len(whole) + lost[0] == len(addresses)
    assert addresses[-1] in whole


def test_full_disk_at_the_start_is_told_in_the_log_later(make_server):
    port = net.free_port()
    server = make_server(
        server_config(log_file="fairlead.log") + echo_config(listen=f"127.0.0.1:{port}"),
        preexec=limit_files(60),
    ).launch()
    wait_until(lambda: answers(port), "the listener")
    free_the_disk(server)
    server.interrupt()
    assert server.wait_exit() == 0
    assert re.search(r"warn  \d+ log lines? (was|were) lost", server.log())
    assert "stopped" in server.log()


def answers(port):
    try:
        with net.connect(port) as sock:
            return exchange(sock, b"x") == b"x"
    except OSError:
        return False


def test_blocked_console_stalls_neither_traffic_nor_the_stop(tmp_path, wine_server):
    """Standard error is a pipe that is full and that nobody reads."""
    port = net.free_port()
    (tmp_path / "server.ini").write_text(
        STATS_ANYWHERE
        + server_config(session_log="sessions.log", log_level="debug")
        + echo_config(listen=f"127.0.0.1:{port}")
    )
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, b"x" * 4096)
    process = subprocess.Popen(
        runtime.command("run"), cwd=tmp_path, env=runtime.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=writing,
    )  # fmt: skip
    try:
        wait_until(lambda: answers(port), "the listener", deadline=60)
        for _ in range(200):
            assert answers(port)
        sessions = tmp_path / "sessions.log"
        wait_until(lambda: len(lines_of([sessions])) >= 201, "the session log, which goes on")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(reading)
        os.close(writing)
