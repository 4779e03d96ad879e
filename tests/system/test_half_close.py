"""FIN of one side reaches the other after all bytes, and the other direction goes on (SEMANTICS S1)."""

import hashlib
import shutil
import subprocess
import threading

import pytest
from support.net import Pattern, exchange, how_it_ends, is_quiet, receive_exactly, receive_to_end, send_fin
from support.peers import Listening, pair_through
from support.server import proxy_config

SIZES = [0, 1, 300_000]


@pytest.mark.parametrize("direction", ["client", "upstream"])
@pytest.mark.parametrize("size", SIZES)
def test_fin_arrives_after_all_bytes_and_the_other_way_goes_on(start_server, direction, size):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream)
        first, second = (client, behind) if direction == "client" else (behind, client)
        request, answer = Pattern("request").bytes(size), Pattern("answer").bytes(700_000)

        first.sendall(request)
        send_fin(first)
        assert receive_to_end(second) == request

        # The open direction: not one answer at once, but several, each seen before the next is sent.
        for start in range(0, len(answer), 100_000):
            second.sendall(answer[start : start + 100_000])
            assert receive_exactly(first, 100_000) == answer[start : start + 100_000]
        assert server.listener("proxy")["sessions"]["active"] == 1
        send_fin(second)
        assert receive_to_end(first) == b""
        server.wait_closed("proxy", "finished")


@pytest.mark.parametrize("direction", ["client", "upstream"])
def test_fin_waits_for_a_slow_reader(start_server, direction):
    """The reader takes nothing until the writer has sent FIN: no byte may be lost and FIN may not
    overtake."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream, receive_buffer=4096)
        first, second = (client, behind) if direction == "client" else (behind, client)
        data = Pattern("slow").bytes(12_000_000)

        def write():
            first.sendall(data)
            send_fin(first)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        assert receive_exactly(second, 1) == data[:1]
        assert hashlib.sha256(receive_to_end(second)).digest() == hashlib.sha256(data[1:]).digest()
        writer.join(30)
        send_fin(second)
        assert receive_to_end(first) == b""
        server.wait_closed("proxy", "finished")


def test_both_fins_at_once(start_server):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        for number in range(50):
            client, behind = pair_through(server, "proxy", upstream)
            client.sendall(b"c%d" % number)
            behind.sendall(b"u%d" % number)
            send_fin(client)
            send_fin(behind)
            assert receive_to_end(behind) == b"c%d" % number
            assert receive_to_end(client) == b"u%d" % number
        server.wait_closed("proxy", "finished", 50)


def test_nothing_but_fin_is_not_taken_for_an_end(start_server):
    """After FIN of the client the upstream may think for long; the session stays."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream)
        send_fin(client)
        assert receive_to_end(behind) == b""
        assert is_quiet(client, 3)  # longer than a pipe stays without a quiet time
        behind.sendall(b"at last")
        send_fin(behind)
        assert how_it_ends(client) == ("fin", b"at last")
        server.wait_closed("proxy", "finished")


@pytest.mark.linux
@pytest.mark.skipif(not shutil.which("socat"), reason="needs socat")
def test_socat_client_half_closes(start_server):
    """socat sends its input and FIN, and then reads the answer."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        data = Pattern("socat").bytes(500_000)
        socat = subprocess.Popen(
            ["socat", "-t", "60", "-", f"TCP:127.0.0.1:{server.port('proxy')}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        answer = {}

        def serve():
            behind = upstream.accept()
            answer["digest"] = hashlib.sha256(receive_to_end(behind)).hexdigest()
            behind.sendall(answer["digest"].encode())
            send_fin(behind)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        out, _ = socat.communicate(data, timeout=60)
        thread.join(30)
        assert socat.returncode == 0
        assert out.decode() == hashlib.sha256(data).hexdigest() == answer["digest"]
        server.wait_closed("proxy", "finished")


@pytest.mark.linux
@pytest.mark.skipif(not shutil.which("socat"), reason="needs socat")
def test_socat_client_goes_on_after_the_upstream_half_closed(start_server):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        socat = subprocess.Popen(
            ["socat", "-t", "60", "-", f"TCP:127.0.0.1:{server.port('proxy')}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        behind = upstream.accept()
        data = Pattern("first").bytes(100_000)
        behind.sendall(data)
        send_fin(behind)
        assert socat.stdout.read(len(data)) == data
        later = Pattern("later").bytes(300_000)
        socat.stdin.write(later)
        socat.stdin.close()
        assert receive_to_end(behind) == later
        assert socat.wait(30) == 0
        socat.stdout.close()
        server.wait_closed("proxy", "finished")


@pytest.mark.linux
@pytest.mark.skipif(not shutil.which("socat"), reason="needs socat")
def test_socat_upstream_answers_after_fin(start_server):
    """socat as the server: sha256sum says nothing before it has seen the end of its input."""
    from support.net import connect, free_port
    from support.wait import wait_until

    port = free_port()
    socat = subprocess.Popen(
        ["socat", "-t", "60", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", "EXEC:sha256sum"]
    )
    try:

        def listening():
            try:
                connect(port).close()
            except ConnectionRefusedError:
                return False
            return True

        wait_until(listening, "socat to listen")
        server = start_server(proxy_config(port))
        for size in SIZES:
            data = Pattern(size).bytes(size)
            client = server.connect("proxy")
            client.sendall(data)
            send_fin(client)
            assert receive_to_end(client).split()[0].decode() == hashlib.sha256(data).hexdigest()
        server.wait_closed("proxy", "finished", len(SIZES))
    finally:
        socat.terminate()
        socat.wait(30)


def test_echo_half_close_with_data_in_flight(start_server):
    """The proxy's echo upstream half-closes last, several sessions at once."""
    from support.peers import Echo

    with Echo() as upstream:
        server = start_server(proxy_config(upstream.port))
        data = Pattern("echo").bytes(200_000)
        clients = [server.connect("proxy") for _ in range(20)]
        for client in clients:
            assert exchange(client, data) == data
            client.sendall(data)
            send_fin(client)
        for client in clients:
            assert receive_to_end(client) == data
        server.wait_closed("proxy", "finished", 20)


def test_a_slow_reader_keeps_the_deadline_of_a_half_closed_session(start_server):
    """It reads a small buffer's worth in half a second, and one of the large ones in eight, which is more than the deadline. Nothing
    else tells the server that it is still there."""
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port, half_close_timeout="4s"))
        client, behind = pair_through(server, "proxy", upstream, receive_buffer=4096)
        data = Pattern("sips").bytes(4_000_000)
        send_fin(client)

        def write():
            behind.sendall(data)
            send_fin(behind)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        received = bytearray()
        pace = threading.Event()  # never set: a slow link waits for nothing but time
        while len(received) < 16 * 32_000:
            part = receive_exactly(client, 1_000)
            received += part
            pace.wait(len(part) / 32_000)
        received += receive_to_end(client)
        assert bytes(received) == data
        writer.join(30)
        server.wait_closed("proxy", "finished")
