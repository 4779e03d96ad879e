"""A service that crashes: what it leaves behind, and that the next boot starts it.

Wine has no recovery: its service manager does not even notice that the process is gone. So it is the start of the system that brings
the service back here, in a prefix of its own whose session ends and begins again."""

import shutil
import subprocess

import pytest
from support import net, runtime
from support.net import exchange, how_it_ends
from support.server import echo_config
from support.service import Keeper, Service
from support.wait import wait_until

pytestmark = pytest.mark.linux

# What CRASH_DUMP_MS and CRASH_TELL_MS allow: under Wine a dump takes seconds.
CRASH_DEADLINE = 75

CRASHER = """
#include <windows.h>
#include <stdlib.h>
int main(int count, char **words)
{
    /* A thread that begins where nothing is. */
    HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, count > 1 ? strtoul(words[1], NULL, 10) : 0);
    HANDLE thread = CreateRemoteThread(process, NULL, 0, (LPTHREAD_START_ROUTINE)16, NULL, 0, NULL);
    return thread != NULL ? 0 : 1;
}
"""


@pytest.fixture
def crash(tmp_path):
    """crash(pid, env) makes a process fail from outside: the executable has no way to ask for it."""
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    if not compiler:
        pytest.skip("needs mingw-w64, to build a program that makes another one crash")
    program = tmp_path / "crasher.exe"
    (tmp_path / "crasher.c").write_text(CRASHER)
    subprocess.run([compiler, tmp_path / "crasher.c", "-o", program], check=True, timeout=60)
    return lambda pid, env: subprocess.run([runtime.WINE, program, str(pid)], env=env, check=True, timeout=60)


def serves(port):
    try:
        with net.connect(port) as sock:
            return exchange(sock, b"again") == b"again"
    except ConnectionError:
        return False


def test_service_that_crashed_leaves_a_dump_and_starts_with_the_system(tmp_path, crash):
    twin = runtime.twin_prefix(tmp_path)
    env = runtime.environment(twin)
    port = net.free_port()
    service = Service(tmp_path / "conf", f"fl-crash-{port}", echo_config(listen=f"127.0.0.1:{port}"), env)
    for crashes in (1, 2):
        with runtime.WineServer(twin), Keeper(env):
            if crashes == 1:
                service.install()
                service.expect(0, "start")
            wait_until(lambda: serves(port), "the service to serve")
            wait_until(lambda count=crashes: service.log().count("is serving") == count, "the log to say so")
            with net.connect(port) as sock:
                assert exchange(sock, b"x") == b"x"
                sock.settimeout(CRASH_DEADLINE)
                crash(service.stats()["server"]["pid"], env)
                how_it_ends(sock)
            last = service.log().splitlines()[-1]
            assert "error crashed: exception 0xC0000005" in last
            dumps = sorted(service.log_folder().glob("fairlead-*.dmp"))
            assert len(dumps) == crashes and all(dump.read_bytes()[:4] == b"MDMP" for dump in dumps)
            assert any(last.endswith(f"; the dump is C:\\ProgramData\\{service.name}\\logs\\{dump.name}") for dump in dumps)
    with runtime.WineServer(twin), Keeper(env):
        wait_until(lambda: serves(port), "the service to serve")
        assert service.expect(0, "uninstall")
