"""A reader that stops: memory stays flat, the other direction works, and nothing is lost (SEMANTICS S5,
S6)."""

import hashlib
import os
import signal
import threading

import pytest
from support import net, runtime
from support.net import Pattern, receive_exactly, send_fin
from support.peers import Listening, pair_through
from support.server import echo_config, proxy_config
from support.wait import wait_stable, wait_until

pytestmark = pytest.mark.linux

OFFERED = 1_000_000_000

# One buffer per direction is 32 KiB; the rest is room for the allocator and the Wine libraries' first use.
GROWTH_MAX = 8 << 20


class Reader:
    """A child process that shares a socket, reads it to the end and hashes; it can be stopped while we still
    send on it."""

    def __init__(self, sock):
        self.result, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.result)
            self._read(sock, writer)
        os.close(writer)

    @staticmethod
    def _read(sock, writer):
        try:
            sock.settimeout(600)
            digest, count = hashlib.sha256(), 0
            while part := sock.recv(net.CHUNK):
                digest.update(part)
                count += len(part)
            os.write(writer, b"%d %s" % (count, digest.hexdigest().encode()))
        except BaseException as failure:
            os.write(writer, repr(failure).encode())
        finally:
            os._exit(0)

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)
        wait_until(lambda: runtime.threads_running(self.pid) == ["T"], "the reader to stop")

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def answer(self):
        """(number of bytes, SHA-256) after the end of the stream."""
        with os.fdopen(self.result, "rb") as pipe:
            text = pipe.read().decode()
        count, _, digest = text.partition(" ")
        assert count.isdigit(), text
        return int(count), digest

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Writer(threading.Thread):
    """Offers the pattern, then FIN; counts what the system took."""

    def __init__(self, sock, pattern, total):
        super().__init__(daemon=True)
        self.sock, self.pattern, self.total = sock, pattern, total
        self.taken, self.failure = 0, None
        self.start()

    def run(self):
        try:
            self.sock.settimeout(600)
            for part in self.pattern.parts(self.total):
                view = memoryview(part)
                while view:
                    count = self.sock.send(view[: net.CHUNK])
                    self.taken += count
                    view = view[count:]
            send_fin(self.sock)
        except OSError as failure:
            self.failure = failure


@pytest.mark.slow
@pytest.mark.parametrize("stopped", ["client", "upstream"])
def test_stopped_reader_holds_a_gigabyte_back(start_server, record_property, stopped):
    with Listening() as upstream:
        server = start_server(proxy_config(upstream.port))
        client, behind = pair_through(server, "proxy", upstream)
        reading, writing = (client, behind) if stopped == "client" else (behind, client)
        # Something has passed both ways before, so that first uses do not count.
        for one, other in ((client, behind), (behind, client)):
            one.sendall(b"warm")
            assert receive_exactly(other, 4) == b"warm"
        pattern = Pattern("stopped")
        with Reader(reading) as reader:
            reader.stop()
            memory = runtime.resident_bytes(server.pid)
            writer = Writer(writing, pattern, OFFERED)
            taken = wait_stable(lambda: writer.taken, "the flow to stop", 15)
            assert 0 < taken < OFFERED
            growth = runtime.resident_bytes(server.pid) - memory
            record_property("bytes_taken_before_it_stopped", taken)
            record_property("memory_growth_bytes", growth)
            assert growth < GROWTH_MAX

            # The other direction of the same session, many round trips; nobody has read anything meanwhile.
            for number in range(50):
                reading.sendall(b"%06d" % number)
                assert receive_exactly(writing, 6) == b"%06d" % number
            assert writer.taken < OFFERED
            assert runtime.resident_bytes(server.pid) - memory < GROWTH_MAX

            # While stopped, it costs no processor time either.
            wait_stable(lambda: runtime.cpu_seconds(server.pid), "the processor time to come to rest", 10)

            reader.resume()
            assert reader.answer() == (OFFERED, pattern.sha256(OFFERED))
            writer.join(60)
            assert writer.failure is None
            assert runtime.resident_bytes(server.pid) - memory < GROWTH_MAX
            send_fin(reading)
            assert net.receive_to_end(writing) == b""
        server.wait_closed("proxy", "finished")


def test_stopped_sessions_do_not_slow_others(start_server):
    """Twenty sessions whose readers stopped; another one works as if they were not there."""
    with Listening(receive_buffer=4096) as upstream:
        server = start_server(proxy_config(upstream.port))
        stuck = [pair_through(server, "proxy", upstream) for _ in range(20)]
        writers = [Writer(client, Pattern(number), 100_000_000) for number, (client, _) in enumerate(stuck)]
        wait_stable(lambda: sum(writer.taken for writer in writers), "the flows to stop", 10)
        client, behind = pair_through(server, "proxy", upstream)
        for number in range(200):
            client.sendall(b"%06d" % number)
            assert receive_exactly(behind, 6) == b"%06d" % number
        for client, behind in stuck:
            net.reset(behind)
        for writer in writers:
            writer.join(30)
            assert writer.failure is not None  # the reset arrived
        wait_until(lambda: server.stats()["totals"]["sessions"]["active"] == 1, "the stopped sessions to end")


def test_echo_client_that_never_reads_is_not_read_from(start_server, record_property):
    server = start_server(echo_config())
    client = server.connect("echo")
    memory = runtime.resident_bytes(server.pid)
    pattern = Pattern("selfish")
    with Reader(client) as reader:
        reader.stop()
        writer = Writer(client, pattern, 200_000_000)
        taken = wait_stable(lambda: writer.taken, "the flow to stop", 15)
        assert 0 < taken < 200_000_000
        assert runtime.resident_bytes(server.pid) - memory < GROWTH_MAX
        reader.resume()
        assert reader.answer() == (200_000_000, pattern.sha256(200_000_000))
        writer.join(30)
    server.wait_closed("echo", "finished")
