"""Fixtures of the system tests: the real executable with real clients."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support import net, runtime  # noqa: E402
from support.server import Server  # noqa: E402
from support.service import Keeper, Service  # noqa: E402


MEASURED = pytest.StashKey[list]()


def pytest_configure(config):
    config.stash[MEASURED] = []
    config.addinivalue_line("markers", "slow: moves gigabytes or tens of thousands of connections, or takes half a minute")
    config.addinivalue_line("markers", "linux: needs /proc, signals or programs that only Linux has")
    if not runtime.EXE.exists():
        raise pytest.UsageError(f"there is no {runtime.EXE}: build it, or set FAIRLEAD_EXE")
    if not runtime.WINDOWS and not runtime.WINE:
        raise pytest.UsageError("there is no wine64: install it, or set FAIRLEAD_WINE")


def pytest_collection_modifyitems(items):
    if runtime.WINDOWS:
        for item in items:
            if item.get_closest_marker("linux"):
                item.add_marker(pytest.mark.skip(reason="needs Linux"))


@pytest.fixture(scope="session", autouse=True)
def wine_server():
    """One Wine server for the whole run. None on Windows."""
    if runtime.WINDOWS:
        yield None
        return
    with runtime.WineServer() as server:
        yield server


@pytest.fixture
def record_property(request):
    """As pytest's own, and the numbers are shown at the end of the run too."""

    def record(name, value):
        request.node.user_properties.append((name, value))
        request.config.stash[MEASURED].append(f"{request.node.name}: {name} = {value}")

    return record


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[MEASURED]:
        terminalreporter.section("measured", "-")
        for line in config.stash[MEASURED]:
            terminalreporter.line(line)


@pytest.fixture
def make_server(tmp_path, wine_server):
    """make_server(config) answers a Server that is not started. All are checked and ended after the test."""
    made = []

    def make(config, **options):
        server = Server(tmp_path / f"fairlead{len(made) + 1}", config, **options)
        made.append(server)
        return server

    yield make
    failures = []
    for server in made:
        try:
            server.check_end()
        except AssertionError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture
def start_server(make_server):
    """start_server(config) answers a Server that serves."""
    return lambda config, **options: make_server(config, **options).start()


@pytest.fixture(scope="module")
def keeper(wine_server):
    """Services live as long as this does."""
    with Keeper() as keeper:
        yield keeper


@pytest.fixture
def make_service(tmp_path, keeper):
    """make_service(config) answers a Service that is not installed. All are removed after the test."""
    made = []

    def make(config, folder="conf"):
        service = Service(tmp_path / folder, f"fl-test-{net.free_port()}", config)
        made.append(service)
        return service

    yield make
    for service in made:
        service.remove()
