"""fairlead stats: what a running server counts, for people and for programs (DESIGN section 4)."""

import http.server
import json
import re
import signal
import socket
import subprocess
import threading

import pytest
from support import net, runtime, stats
from support.net import exchange, receive_to_end, send_fin
from support.peers import Echo, Refusing
from support.server import echo_config, proxy_config
from support.wait import wait_until

TOKEN = "0123456789abcdef0123456789abcdef"


def ask(server, *options, env=None):
    return runtime.run("stats", *options, cwd=server.folder, env=env)


def at(port):
    return f"[stats]\nlisten=127.0.0.1:{port}\n"


def session(port):
    with net.connect(port) as sock:
        assert exchange(sock, b"0123456789") == b"0123456789"
        send_fin(sock)
        assert receive_to_end(sock) == b""


def test_every_listener_and_server_has_a_line(start_server):
    with Echo() as upstream, Refusing() as nobody:
        config = at(net.free_port()) + echo_config(max_sessions=1) + proxy_config(upstream.port)
        config += proxy_config(nobody.port, "lost", upstream={"retries": 1})
        server = start_server(config)
        for _ in range(3):
            session(server.port("proxy"))
        server.turned_away("lost")
        with net.connect(server.port("echo")) as sock:
            assert exchange(sock, b"x") == b"x"
            server.turned_away("echo")
            pid = server.wait_active(1)["server"]["pid"]
            done = ask(server, "-c", "server.ini")
    assert (done.returncode, done.stderr) == (0, "")
    head, _, tables = done.stdout.partition("\n\n")
    assert re.match(rf"fairlead \S+, process {pid}\nserving for \d+ s, 1 session now, 5 in all, 31 bytes in, ", head)
    assert "\nclosed     3 finished, 1 connect_failed\nrefused    1 listener_limit\nerrors     2 connect_refused" in head
    rows = {line.split()[0]: line.split() for line in tables.splitlines() if line}
    assert rows["listener"][:6] == ["listener", "state", "now", "peak", "total", "refused"]
    assert rows["echo"][1:10] == ["listening", "1", "1", "1", "1", "1", "bytes", "1", "bytes"]
    proxy, behind = rows["proxy"], rows["proxy-up/s"]  # a session may begin while the last one is being closed: two at most
    assert (proxy[1:3], proxy[3] in "12", proxy[4:10]) == (["listening", "0"], True, ["3", "0", "30", "bytes", "30", "bytes"])
    assert (behind[1], behind[2] in "12", behind[3:9]) == ("0", True, ["3", "0", "30", "bytes", "30", "bytes"])
    assert rows["lost-up/s"][4] == "2"


def test_json_is_what_the_server_sends(start_server):
    server = start_server(at(net.free_port()) + echo_config())
    session(server.port("echo"))
    server.wait_closed("echo", "finished")
    done = ask(server, "-c", "server.ini", "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    said = json.loads(done.stdout)
    stats.validate(said)
    assert said["listeners"] == server.stats()["listeners"]


def test_address_may_be_given_instead_of_a_file(start_server, tmp_path):
    server = start_server(echo_config())
    for url in (f"http://127.0.0.1:{server.stats_port}", f"http://localhost:{server.stats_port}/stats", f"127.0.0.1:{server.stats_port}/"):
        done = runtime.run("stats", "--url", url, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), url
        assert "\necho " in done.stdout


@pytest.mark.parametrize(
    "url, said",
    [
        ("https://127.0.0.1:8404", "the statistics are asked with http:// only"),
        ("http://127.0.0.1:8404/health", "nothing may follow the port but /stats"),
        ("http://127.0.0.1", "port"),
        ("http://127.0.0.1:99999", "port"),
        ("http://:8404", "there is no address before the port"),
    ],
)
def test_address_that_is_none_is_said(url, said):
    done = runtime.run("stats", "--url", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"fairlead: --url {url}: ") and said in done.stderr


def test_token_is_taken_from_the_configuration_or_the_environment(start_server):
    port = net.free_port()
    server = start_server(f"[stats]\nlisten=0.0.0.0:{port}\ntoken={TOKEN}\n" + echo_config())
    assert ask(server, "-c", "server.ini").returncode == 0
    url = f"http://127.0.0.1:{port}"
    done = ask(server, "--url", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "it wants its token, in the environment variable FAIRLEAD_TOKEN" in done.stderr
    done = ask(server, "--url", url, env={**runtime.environment(), "FAIRLEAD_TOKEN": TOKEN})
    assert (done.returncode, done.stderr) == (0, "")
    done = ask(server, "--url", url, env={**runtime.environment(), "FAIRLEAD_TOKEN": TOKEN[:-1] + "x"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "the token in FAIRLEAD_TOKEN is not the one it runs with" in done.stderr
    assert server.stop() == 0


def test_name_that_the_server_does_not_answer_to_is_said(start_server):
    name = socket.gethostname()
    try:
        if not socket.gethostbyname(name).startswith("127."):
            pytest.skip("the name of this machine is not one of loopback")
    except OSError:
        pytest.skip("the name of this machine does not resolve")
    server = start_server(echo_config())
    done = ask(server, "--url", f"http://{name}:{server.stats_port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "wants to be asked by its address, not by a name" in done.stderr


def test_nobody_who_answers_is_a_failure(tmp_path):
    (tmp_path / "a.ini").write_text(at(net.free_port()) + echo_config())
    done = runtime.run("stats", "-c", "a.ini", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "its statistics do not answer on 127.0.0.1:" in done.stderr
    (tmp_path / "a.ini").write_text("[stats]\nlisten=off\n" + echo_config())
    assert "its statistics are off (listen=off in a.ini)" in runtime.run("stats", "-c", "a.ini", cwd=tmp_path).stderr


def test_somebody_else_who_answers_is_a_failure():
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        done = runtime.run("stats", "--url", f"127.0.0.1:{other.server_address[1]}")
        other.shutdown()
    assert (done.returncode, done.stdout) == (1, "")
    assert "is no fairlead that knows this (status 200)" in done.stderr


class Watching:
    """fairlead stats --watch, until it is interrupted."""

    def __init__(self, server, *options):
        self.out = server.folder / "watch.txt"
        with open(self.out, "wb") as out, open(server.folder / "watch-errors.txt", "wb") as errors:
            self.process = subprocess.Popen(
                runtime.command("stats", "--url", f"127.0.0.1:{server.stats_port}", "--watch", *options),
                cwd=server.folder,
                env=runtime.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                **({"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if runtime.WINDOWS else {}),
            )

    def lines(self):
        return runtime.plain(self.out.read_bytes()).splitlines()

    def stop(self):
        self.process.send_signal(signal.CTRL_BREAK_EVENT if runtime.WINDOWS else signal.SIGINT)
        return self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_watch_shows_what_happens_until_it_is_interrupted(start_server):
    server = start_server(echo_config())
    with Watching(server) as watching:
        wait_until(lambda: len(watching.lines()) > 1, "a line")
        assert re.fullmatch(r"time UTC +sessions +new/s +refused/s +errors/s +in/s +out/s  state", watching.lines()[0])

        def busy():
            for _ in range(5):
                session(server.port("echo"))
            return [line for line in watching.lines()[1:] if float(line.split()[2]) > 0]

        line = wait_until(busy, "a line with sessions")[0]
        assert re.fullmatch(r"\d\d:\d\d:\d\d +\d+ +\d+\.\d +0\.0 +0\.0 +[\d.]+ (bytes|kB) +[\d.]+ (bytes|kB)  serving", line)
        assert watching.process.poll() is None
        assert watching.stop() == 0


def test_watch_as_json_is_a_document_in_each_line(start_server):
    server = start_server(echo_config())
    with Watching(server, "--json") as watching:
        wait_until(lambda: len(watching.lines()) > 2, "three lines")
        assert watching.stop() == 0
    times = []
    for line in watching.lines():
        said = json.loads(line)
        stats.validate(said)
        times.append(said["server"]["uptime_seconds"])
    assert times == sorted(set(times))


def test_watch_outlasts_a_restart(make_server):
    port = net.free_port()
    server = make_server(at(port) + echo_config()).start()
    with Watching(server) as watching:
        wait_until(lambda: len(watching.lines()) > 1, "a line")
        assert server.stop() == 0
        errors = server.folder / "watch-errors.txt"
        wait_until(lambda: b"do not answer" in errors.read_bytes(), "the silence to be said")
        server.process, server.ports = None, {}
        server.start()
        seen = len(watching.lines())
        wait_until(lambda: len(watching.lines()) > seen + 1, "lines of the new process")
        assert watching.process.poll() is None
        assert watching.stop() == 0
