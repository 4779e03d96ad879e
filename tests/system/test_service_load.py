"""The service under load: it reloads, and stops with sessions open. The verbs themselves: test_service_verbs.py."""

import re
import subprocess

import pytest
from support import net, runtime
from support.net import exchange, how_it_ends, receive_to_end, send_fin
from support.peers import Echo
from support.server import echo_config, proxy_config, server_config
from support.service import registry, windows_path
from support.traffic import Traffic


pytestmark = pytest.mark.usefixtures("keeper")


class Stopping:
    """`fairlead stop` that is still waiting."""

    def __init__(self, service):
        self.process = subprocess.Popen(
            runtime.command("stop", "--name", service.name),
            env=service.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self):
        return self.process.wait(60)


def test_whole_life_of_a_service_twice(make_service):
    """The same name, folder and ports both times: what a removal leaves behind does not disturb the next installation."""
    with Echo() as upstream, net.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        echo, proxy = net.free_port(), net.free_port()
        listening = echo_config(listen=f"127.0.0.1:{echo}") + proxy_config(
            upstream.port, listen=f"127.0.0.1:{proxy}"
        )
        impossible = echo_config("taken", listen=f"127.0.0.1:{taken.getsockname()[1]}")
        service = make_service(listening)

        def configure(seconds, more=""):
            service.write(server_config(drain_timeout=f"{seconds}s") + listening + more)

        for life in (1, 2):
            configure(600)
            service.install()
            source = registry(f"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\{service.name}")
            assert source["EventMessageFile"] == windows_path(runtime.EXE)
            assert "is running, process" in service.expect(0, "start")

            with Traffic(new=(echo, proxy), held=(echo, proxy) * 3) as traffic:
                for seconds in (601, 602):
                    configure(seconds)
                    assert "was reloaded" in service.expect(0, "reload")
                    traffic.wait_for_more()
                    configure(1, "nonsense=1\n")
                    assert "; nothing was changed" in service.expect(2, "reload")
                    traffic.wait_for_more()
                    configure(1, impossible)
                    assert "refused the reload; it goes on as before" in service.expect(1, "reload")
                    traffic.wait_for_more()
                text = service.expect(0, "status")
                assert re.search(r"^state +running$", text, re.M) and "configuration 3" in text
                assert re.search(r"^last reload +refused: ", text, re.M)
            configure(600)

            with net.connect(echo) as sock:
                assert exchange(sock, b"before") == b"before"
                stopping = Stopping(service)
                service.wait_state("stopping")
                assert exchange(sock, b"while it stops") == b"while it stops"
                assert stopping.process.poll() is None
                with pytest.raises(OSError):
                    net.connect(proxy)
                send_fin(sock)
                assert receive_to_end(sock) == b""
                assert stopping.wait() == 0
            text = service.expect(1, "status")
            assert re.search(r"^state +stopped$", text, re.M) and "ended with" not in text
            assert service.log().count("info  stopped\n") == life

            assert "is removed" in service.expect(0, "uninstall")
            assert service.registry() is None
            assert registry(f"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\{service.name}") is None


def test_stop_cuts_what_does_not_end_in_time(make_service):
    port = net.free_port()
    service = make_service(server_config(drain_timeout="1s") + echo_config(listen=f"127.0.0.1:{port}"))
    service.install()
    for life in (1, 2):
        service.expect(0, "start")
        with net.connect(port) as sock:
            assert exchange(sock, b"x") == b"x"
            assert service.expect(0, "stop") == f"service {service.name} is stopped\n"
            assert how_it_ends(sock)[0] == "reset"
        # It was asked to stop, so recovery has nothing to mend.
        assert "ended with" not in service.expect(1, "status")
        assert service.log().count("1 sessions were cut") == life
