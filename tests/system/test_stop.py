"""Ctrl+C drains, the drain deadline cuts, a second Ctrl+C stops at once (SEMANTICS N6, N8; DESIGN section
4)."""

import threading

import pytest
from support import net, runtime
from support.net import exchange, how_it_ends, receive_exactly, receive_to_end, send_fin
from support.peers import Echo, Hanging, Listening, pair_through
from support.server import echo_config, proxy_config, server_config
from support.wait import wait_until

LONG = server_config(drain_timeout="10m")

# How long after the first interrupt the second one comes: while the first is being taken, while its thread starts, while the
# daemon begins to drain, and after all that.
DISTANCES_MS = (0, 0, 0, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40)


def wait_draining(server):
    wait_until(lambda: server.get("/health")[0] == 503, "/health to answer 503 while draining")


def refuses(port):
    try:
        net.connect(port).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # taken by the kernel just before the socket was closed
    return False


def test_stop_without_sessions_exits_0(start_server):
    server = start_server(LONG + echo_config())
    assert exchange(server.connect("echo"), b"x") == b"x"
    for sock in server.sockets:
        sock.close()
    server.wait_active(0)
    assert server.stop() == 0
    assert server.log_lines("stopped")


def test_drain_lets_sessions_finish(start_server):
    with Listening() as upstream:
        server = start_server(LONG + proxy_config(upstream.port) + echo_config())
        client, behind = pair_through(server, "proxy", upstream)
        echo = server.connect("echo")
        assert exchange(echo, b"before") == b"before"
        server.interrupt()
        wait_draining(server)

        # Sessions go on, both ways and through a half-close.
        assert exchange(echo, b"while draining") == b"while draining"
        client.sendall(b"question")
        send_fin(client)
        assert receive_to_end(behind) == b"question"
        behind.sendall(b"answer")
        assert receive_exactly(client, 6) == b"answer"
        assert server.process.poll() is None
        stats = server.stats()
        assert stats["server"]["state"] == "draining"
        assert stats["totals"]["sessions"]["active"] == 2

        send_fin(behind)
        assert how_it_ends(client) == ("fin", b"")
        echo.close()
        assert server.wait_exit() == 0


def test_listeners_are_closed_while_draining(start_server):
    server = start_server(LONG + echo_config() + echo_config("second"))
    client = server.connect("echo")
    assert exchange(client, b"x") == b"x"
    server.interrupt()
    wait_draining(server)
    for name in ("echo", "second"):
        wait_until(lambda name=name: refuses(server.port(name)), f"listener {name} to refuse")
    assert exchange(client, b"y") == b"y"
    client.close()
    assert server.wait_exit() == 0


def test_drain_timeout_cuts_what_is_left(start_server):
    server = start_server(server_config(drain_timeout="2s") + echo_config())
    clients = [server.connect("echo") for _ in range(5)]
    for client in clients:
        assert exchange(client, b"x") == b"x"
    server.expected_exit = 3
    server.interrupt()
    assert server.wait_exit() == 3
    for client in clients:
        assert how_it_ends(client)[0] == "reset"
    assert server.log_lines("5 sessions were cut")


def test_drain_timeout_of_zero_cuts_at_once(start_server):
    server = start_server(server_config(drain_timeout="0s") + echo_config())
    client = server.connect("echo")
    assert exchange(client, b"x") == b"x"
    server.expected_exit = 3
    assert server.stop() == 3
    assert how_it_ends(client)[0] == "reset"


def test_second_interrupt_stops_at_once(start_server):
    with Listening() as upstream:
        server = start_server(LONG + proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream)
        client.sendall(b"x")
        assert receive_exactly(behind, 1) == b"x"
        server.expected_exit = 3
        server.interrupt()
        wait_draining(server)
        server.interrupt()
        assert server.wait_exit() == 3
        assert how_it_ends(client)[0] == "reset"
        assert how_it_ends(behind)[0] == "reset"


def test_second_interrupt_right_after_the_first(make_server):
    """No race between the two, however close they are: the process ends, and the exit code tells that sessions were cut.

    Exactly two are sent. Wine starts a thread for each, and one that is killed before it has begun ends the whole process with
    0: seen under Wine 10 whenever a third came while the process was ending, whatever the process itself was ending with."""
    for distance_ms in DISTANCES_MS:
        server = make_server(LONG + echo_config()).start()
        assert exchange(server.connect("echo"), b"x") == b"x"
        server.expected_exit = 3
        server.interrupt()
        wait_until(lambda pid=server.pid: runtime.interrupt_taken(pid), "the first interrupt to be taken", interval=0.0001)
        threading.Event().wait(distance_ms / 1000)
        server.interrupt()
        assert server.wait_exit() == 3, f"{distance_ms} ms apart"
        assert len(server.log_lines("a second one stops at once")) == 1
        assert len(server.log_lines("a second stop was asked for; 1 sessions are still open")) == 1


def test_stop_under_load_ends_in_time(start_server):
    """Clients that never stop talking are cut at the deadline, and nothing fails on the way."""
    with Echo() as upstream:
        server = start_server(server_config(drain_timeout="1s") + proxy_config(upstream.port) + echo_config())
        done = threading.Event()

        def talk(name):
            while not done.is_set():
                try:
                    with net.connect(server.port(name)) as sock:
                        while not done.is_set():
                            exchange(sock, b"load" * 5000)
                except (OSError, AssertionError):
                    done.wait(0.01)

        threads = [threading.Thread(target=talk, args=(name,), daemon=True) for name in ["proxy", "echo"] * 5]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: server.stats()["totals"]["bytes"]["in"] > 3_000_000, "the load")
            server.expected_exit = 3
            assert server.stop() == 3
        finally:
            done.set()
            for thread in threads:
                thread.join(net.DEADLINE)


def test_many_busy_sessions_are_cut_at_once(start_server):
    with Echo() as upstream:
        server = start_server(server_config(drain_timeout="0s") + proxy_config(upstream.port))
        clients = [server.connect("proxy") for _ in range(300)]
        for client in clients:
            client.sendall(bytes(50_000))
        server.wait_active(300)
        server.expected_exit = 3
        assert server.stop() == 3
        for client in clients:
            assert how_it_ends(client)[0] == "reset"
        assert server.log_lines("300 sessions were cut")
        wait_until(lambda: upstream.active == 0, "the upstream's connections to end")


def test_restarts_under_load(make_server):
    """Clients connect all the time while fairlead starts and stops on the same address."""
    port = net.free_port()
    config = server_config(drain_timeout="100ms") + echo_config(listen=f"127.0.0.1:{port}")
    done, answers = threading.Event(), []

    def knock():
        while not done.is_set():
            try:
                with net.connect(port) as sock:
                    answers.append(exchange(sock, b"knock" * 2000))
                    exchange(sock, b"stay" * 20_000)
            except (OSError, AssertionError):
                done.wait(0.001)

    threads = [threading.Thread(target=knock, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            server = make_server(config).start()
            before = len(answers)
            wait_until(lambda before=before: len(answers) > before + 20, "clients to be served")
            server.expected_exit = server.stop()
            assert server.expected_exit in (0, 3)
    finally:
        done.set()
        for thread in threads:
            thread.join(net.DEADLINE)


def test_stop_while_connects_hang(start_server):
    with Hanging() as upstream:
        server = start_server(
            server_config(drain_timeout="1s")
            + proxy_config(upstream.port, upstream={"connect_timeout": "1h", "retries": 0})
        )
        clients = [server.connect("proxy") for _ in range(10)]
        server.wait_active(10)
        server.expected_exit = 3
        assert server.stop() == 3
        for client in clients:
            assert how_it_ends(client) == ("reset", b"")


def test_stop_with_a_reader_that_stopped(start_server):
    """Under Wine and Windows a pending send does not end by closing alone; stopping must not wait for it."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(server_config(drain_timeout="1s") + proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream)
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(64_000_000))
        server.expected_exit = 3
        assert server.stop() == 3
        assert behind.fileno() >= 0


def test_stop_with_open_statistics_connections(start_server):
    """Idle keep-alive connections and half a request of the statistics do not hold the stop up."""
    server = start_server(LONG + echo_config())
    idle = [net.connect(server.stats_port) for _ in range(5)]
    half = net.connect(server.stats_port)
    half.sendall(b"GET /stats HTT")
    assert server.stop() == 0
    for sock in [*idle, half]:
        sock.close()


def test_interrupt_right_after_the_start(make_server):
    """Whatever has been set up by then is taken down again, with exit code 0."""
    for _ in range(5):
        server = make_server(echo_config() + echo_config("two"))
        server.launch()
        server.wait_log("listening on")
        assert server.stop() == 0
