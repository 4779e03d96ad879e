"""Reloads under traffic (SEMANTICS N1 to N5): none refuses a connection or cuts a session, whatever it changes, and one that is
refused changes nothing."""

import json

import pytest
from support import net, runtime
from support.net import exchange
from support.peers import Echo
from support.server import echo_config, proxy_config, section, server_config
from support.traffic import Traffic
from support.wait import wait_until

TOKEN = "0123456789abcdef0123456789abcdef"

RELOADS = 500
"""Every tenth is invalid."""


class Changing:
    """The configurations of one server. Each `number` has one, and everything that a reload can change is in them."""

    def __init__(self, upstreams, taken_port):
        self.upstreams, self.taken_port = upstreams, taken_port
        self.echo, self.proxy, self.renamed, self.sometimes = (net.free_port() for _ in range(4))

    def valid(self, number):
        here, there = self.upstreams if number % 2 else reversed(self.upstreams)
        text = f"[stats]\nlisten=127.0.0.1:0\ntoken={TOKEN}\n"
        text += server_config(workers=2, drain_timeout=f"{60 + number}s", max_sessions=1000 + number)
        text += echo_config("echo", listen=f"127.0.0.1:{self.echo}", idle_timeout=f"{100 + number}s")
        text += proxy_config(here.port, "proxy", listen=f"127.0.0.1:{self.proxy}", upstream={"retries": number % 4})
        text += echo_config(f"named{number % 2}", listen=f"127.0.0.1:{self.renamed}")
        if number % 3 == 0:
            text += section("upstream", "spare", {"server": f"s 127.0.0.1:{there.port}"})
        if number % 2 == 0:
            text += echo_config("sometimes", listen=f"127.0.0.1:{self.sometimes}")
        return text

    def invalid(self, number):
        """Wrong in its text, wrong as a whole, or with an address that cannot be had, after another one of it was. Nobody
        could be served any more if anything of it were applied."""
        text = self.valid(number).replace("idle_timeout", "max_sessions=1\nidle_timeout")
        return text + (
            "nonsense=1\n",
            "[listener lost]\nlisten=127.0.0.1:0\nmode=proxy\nupstream=nowhere\n",
            "[listener free]\nlisten=127.0.0.1:0\nmode=echo\n"
            f"[listener taken]\nlisten=127.0.0.1:{self.taken_port}\nmode=echo\n",
        )[number // 10 % 3]


def reload(server, config):
    """Answers the status and what was said."""
    server.path.write_text(config, encoding="utf-8", newline="\n")
    status, _, body = server.get("/reload", method="POST", headers={"Authorization": f"Bearer {TOKEN}"})
    return status, json.loads(body)


def test_what_needs_a_restart_is_said_and_the_rest_applied(start_server):
    def config(workers, buffer, stats_port, echo_limit):
        head = f"[stats]\nlisten=127.0.0.1:{stats_port}\ntoken={TOKEN}\n"
        return head + server_config(workers=workers, buffer_size=buffer) + echo_config(max_sessions=echo_limit)

    other = net.free_port()
    server = start_server(config(2, "16k", 0, 5))
    status, outcome = reload(server, config(1, "32k", other, 6))
    assert (status, outcome["applied"]) == (200, True)
    assert "[server] workers: 2 stays until a restart; the file says 1\n" in outcome["text"]
    assert "[server] buffer_size: 16384 bytes stay until a restart; the file says 32768\n" in outcome["text"]
    assert f"[stats] listen: 127.0.0.1:0 stays until a restart; the file says 127.0.0.1:{other}\n" in outcome["text"]
    assert server.stats()["server"]["workers"] == 2
    assert server.listener("echo")["sessions"]["limit"] == 6
    with pytest.raises(ConnectionRefusedError):
        net.connect(other)


@pytest.mark.slow
def test_reloads_under_traffic_refuse_and_cut_nothing(start_server, record_property):
    with Echo() as here, Echo() as there, net.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        changing = Changing((here, there), taken.getsockname()[1])
        server = start_server(changing.valid(0))
        server.removed = True
        memory = runtime.resident_bytes(server.pid)
        ports = (changing.echo, changing.proxy, changing.renamed)
        generation = 1
        # Those of the last port go on while its listener is removed and comes back 250 times.
        with Traffic(new=ports, held=(*ports, changing.sometimes) * 3) as traffic:
            for number in range(1, RELOADS + 1):
                is_valid = number % 10 != 0
                config = changing.valid(number) if is_valid else changing.invalid(number)
                status, outcome = reload(server, config)
                generation += is_valid
                assert (status == 200, outcome["applied"]) == (is_valid, is_valid), (number, outcome)
                assert outcome["generation"] == generation
                traffic.wait_for_more()
            during = server.stats()
            assert exchange(traffic.held[0], b"still the same") == b"still the same"

        said = during["server"]
        assert said["config_generation"] == generation == 1 + RELOADS - RELOADS // 10
        assert (said["reload"]["attempts"], said["reload"]["applied"]) == (RELOADS, False)
        states = {item["name"]: item["state"] for item in during["listeners"]}
        assert [states[name] for name in ("echo", "proxy", "named1", "sometimes")] == ["listening"] * 3 + ["removed"]
        # The one in force, and the first, which the held sessions began with.
        assert said["config_generations_in_use"] == 2
        stats = server.wait_active(0)
        totals = stats["totals"]
        assert totals["sessions"]["total"] == sum(traffic.finished.values()) + len(traffic.held)
        assert not any(totals["refused"].values()) and not any(totals["errors"].values()), totals
        wait_until(
            lambda: [item["name"] for item in server.stats()["listeners"]] == ["echo", "proxy", "named1"],
            "the listeners that were removed to be gone",
        )
        for name, port in (("echo", changing.echo), ("proxy", changing.proxy)):
            closed = {reason: count for reason, count in server.listener(name)["closed"].items() if count}
            assert closed == {"finished": traffic.finished[port] + 3}, name
        record_property("sessions", sum(traffic.finished.values()))
        record_property("memory_grown_bytes", runtime.resident_bytes(server.pid) - memory)
