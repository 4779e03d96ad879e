"""GET /stats: its schema, its exactness, and its truth in every single snapshot (SEMANTICS S10)."""

import random
import threading
import time
from contextlib import suppress

import pytest
from support import net, runtime, stats
from support.net import Pattern, exchange, reset, send_fin
from support.peers import Echo, Listening, Refusing, pair_through
from support.server import echo_config, proxy_config, server_config
from support.wait import wait_until


def test_schema_is_itself_valid_and_strict():
    """A schema that accepts anything proves nothing."""
    validator = stats.validator()
    assert not validator.is_valid({})
    assert not validator.is_valid(
        {"server": {}, "process": {}, "totals": {}, "listeners": [], "upstreams": []}
    )


def test_live_output_matches_the_schema(start_server):
    with Echo() as upstream, Refusing() as refusing:
        server = start_server(
            server_config(max_sessions=100)
            + echo_config(max_sessions=1)
            + proxy_config(upstream.port)
            + proxy_config(refusing.port, "bad", server="max_sessions=5", upstream={"retries": 0})
        )
        stats.validate(server.stats())
        client = server.connect("echo")
        assert exchange(client, b"hello") == b"hello"
        for name in ("echo", "bad"):
            assert server.turned_away(name) == ("reset", b"")
        assert exchange(server.connect("proxy"), b"hello") == b"hello"
        stats.validate(server.stats())
        server.interrupt()
        wait_until(lambda: server.stats()["server"]["state"] == "draining", "the drain")
        stats.validate(server.stats())
        for sock in server.sockets:
            sock.close()
        assert server.wait_exit() == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s["totals"]["bytes"].pop("in"),
        lambda s: s["totals"].update(unknown=1),
        lambda s: s["totals"]["bytes"].update({"in": -1}),
        lambda s: s["totals"]["bytes"].update({"in": 1.5}),
        lambda s: s["totals"]["bytes"].update({"in": "1"}),
        lambda s: s["listeners"][0].pop("sessions"),
        lambda s: s["server"].update(state="happy"),
        lambda s: s["server"]["reload"].update(at="yesterday"),
        lambda s: s["listeners"][0].update(state="gone"),
        lambda s: s.pop("upstreams"),
    ],
)
def test_schema_notices(start_server, spoil):
    server = start_server(echo_config())
    output = server.stats()
    stats.validate(output)
    spoil(output)
    with pytest.raises(AssertionError):
        stats.validate(output)


def test_server_describes_itself(start_server):
    before = time.time()
    server = start_server(echo_config())
    output = server.stats()
    about = output["server"]
    assert about["name"].lower() == "fairlead"
    assert about["version"] in runtime.run("version").stdout
    assert about["state"] == "serving"
    assert about["workers"] >= 1
    assert about["config_file"].endswith("server.ini")
    assert about["config_generation"] == about["config_generations_in_use"] == 1
    assert about["reload"] == {"attempts": 0, "applied": None, "at": None, "text": ""}
    assert output["listeners"][0]["state"] == "listening"
    assert 0 <= about["uptime_seconds"] < time.time() - before + 1
    assert output["process"]["memory_bytes"] > 1 << 20
    started = about["started_at"]
    assert started[:4].isdigit() and started.endswith("Z")


def test_uptime_grows(start_server):
    server = start_server(echo_config())
    first = server.stats()["server"]["uptime_seconds"]
    wait_until(lambda: server.stats()["server"]["uptime_seconds"] > first, "the uptime to grow")


def test_counters_are_exact(start_server):
    """Known traffic, known numbers."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port) + echo_config())
        client, behind = pair_through(server, "proxy", upstream)
        client.sendall(bytes(12_345))
        net.receive_exactly(behind, 12_345)
        behind.sendall(bytes(67_890))
        net.receive_exactly(client, 67_890)
        # The peer may have the last bytes before their send completes here, and only then do they count as sent.
        wait_until(lambda: server.stats()["totals"]["bytes"]["buffered"] == 0, "every byte to be counted as sent")
        now = server.wait_active(1)
        proxy, behind_it = stats.listener(now, "proxy"), stats.server(now, "proxy-up", "s")
        assert (proxy["bytes"]["in"], proxy["bytes"]["out"]) == (12_345, 67_890)
        assert (behind_it["bytes"]["in"], behind_it["bytes"]["out"]) == (67_890, 12_345)
        assert proxy["sessions"] == {**proxy["sessions"], "active": 1, "peak": 1, "total": 1}
        send_fin(client)
        send_fin(behind)
        now = server.wait_active(0)
        proxy = stats.listener(now, "proxy")
        assert server.closed("proxy") == {"finished": 1}
        assert proxy["sessions"] == {**proxy["sessions"], "active": 0, "peak": 1, "total": 1}
        assert now["totals"]["bytes"] == {
            "in": 12_345,
            "out": 67_890,
            "from_servers": 67_890,
            "to_servers": 12_345,
            "discarded": 0,
            "buffered": 0,
        }


def test_times_are_recorded(start_server):
    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        for _ in range(5):
            with net.connect(server.port("proxy")) as client:
                assert exchange(client, b"x") == b"x"
        server.wait_closed("proxy", "finished", 5)
        connect, session = (
            server.upstream_server()["connect_time_us"],
            server.listener("proxy")["session_time_us"],
        )
        for times in (connect, session):
            assert times["count"] == 5
            assert 0 < times["p50"] <= times["p90"] <= times["p99"] <= times["p999"] <= times["max"]
            # A percentile is the end of its bucket, at most an eighth too high.
            assert times["sum"] <= 5 * times["max"]


def test_peak_stays_after_the_sessions(start_server):
    server = start_server(echo_config())
    clients = [server.connect("echo") for _ in range(7)]
    server.wait_active(7)
    for client in clients:
        client.close()
    server.wait_active(0)
    assert exchange(server.connect("echo"), b"x") == b"x"
    sessions = server.listener("echo")["sessions"]
    assert (sessions["active"], sessions["peak"], sessions["total"]) == (1, 7, 8)


def test_every_snapshot_reconciles_under_load(start_server, record_property):
    """Hundreds of snapshots while sessions of every kind come, go, break and are refused."""
    with Echo() as upstream, Refusing() as refusing:
        server = start_server(
            server_config(buffer_size="4k")
            + echo_config(max_sessions=2)
            + proxy_config(upstream.port)
            + proxy_config(refusing.port, "bad", upstream={"retries": 0})
        )
        done = threading.Event()

        def trouble(seed):
            draw = random.Random(seed)
            while not done.is_set():
                with suppress(OSError, AssertionError):
                    sock = net.connect(server.port(draw.choice(["echo", "echo", "proxy", "proxy", "bad"])))
                    data = Pattern(seed).bytes(draw.choice([0, 1, 100, 30_000]))
                    way = draw.randrange(4)
                    sock.sendall(data)
                    if way == 0:
                        send_fin(sock)
                        net.receive_to_end(sock)
                    elif way == 1:
                        net.receive_exactly(sock, len(data))
                    if way == 2:
                        reset(sock)
                    sock.close()

        threads = [threading.Thread(target=trouble, args=(seed,), daemon=True) for seed in range(8)]
        for thread in threads:
            thread.start()
        try:
            count, before, end = 0, server.stats(), time.monotonic() + 8
            while time.monotonic() < end or count < 100:
                now = server.stats()
                stats.reconcile(now)
                stats.never_backwards(before["totals"], now["totals"])
                for key in ("listeners", "upstreams"):
                    stats.never_backwards({key: before[key]}, {key: now[key]})
                before, count = now, count + 1
        finally:
            done.set()
            for thread in threads:
                thread.join(net.DEADLINE)
        last = server.wait_active(0)
        stats.reconcile_at_rest(last)
        stats.validate(last)
        record_property("snapshots", count)
        record_property("sessions", last["totals"]["sessions"]["total"])
        totals = last["totals"]
        assert totals["sessions"]["total"] > 100
        # The load was what it is meant to be.
        for group, reason in (
            ("closed", "finished"),
            ("closed", "client_reset"),
            ("closed", "connect_failed"),
            ("refused", "listener_limit"),
        ):
            assert totals[group][reason] > 0, totals


def test_statistics_answer_while_all_sessions_are_taken(start_server):
    """Traffic cannot starve the statistics."""
    server = start_server(server_config(max_sessions=3) + echo_config())
    clients = [server.connect("echo") for _ in range(3)]
    server.wait_active(3)
    for _ in range(20):
        assert server.stats()["totals"]["sessions"]["active"] == 3
    for client in clients:
        assert exchange(client, b"x") == b"x"


def test_statistics_can_be_off(make_server):
    port = net.free_port()
    server = make_server("[stats]\nlisten=off\n" + echo_config(listen=f"127.0.0.1:{port}"))
    server.launch()
    server.wait_log("listening on")
    assert not server.log_lines("statistics:")
    with net.connect(port) as client:
        assert exchange(client, b"x") == b"x"
    assert server.stop() == 0


def test_statistics_use_the_default_address_when_there_is_no_section(tmp_path):
    (tmp_path / "server.ini").write_text(echo_config(listen="127.0.0.1:8404"))
    done = runtime.run("check", "-c", "server.ini", cwd=tmp_path)
    assert done.returncode == 2
    assert "8404" in done.stderr
