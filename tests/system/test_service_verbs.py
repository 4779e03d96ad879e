"""install, start, status, reload, restart, stop, uninstall: twice each, and what they say when they cannot."""

import re
import shutil
import subprocess

import pytest
from support import net, runtime
from support.net import exchange
from support.server import echo_config
from support.service import windows_path


pytestmark = pytest.mark.usefixtures("keeper")


def echoes(port):
    with net.connect(port) as sock:
        return exchange(sock, b"through the service") == b"through the service"


def test_service_lives_from_install_to_uninstall(make_service):
    port = net.free_port()
    service = make_service(echo_config(listen=f"127.0.0.1:{port}"), folder="two  words (x)")

    text = service.install()
    assert f"service {service.name} is installed: it starts at boot as NT SERVICE\\{service.name}" in text
    assert f"\nlog: C:\\ProgramData\\{service.name}\\logs\\fairlead.log" in text
    assert "installed already; nothing had to change" in service.install()
    assert re.search("^state +stopped$", service.expect(1, "status"), re.M)

    assert f"service {service.name} is running, process" in service.expect(0, "start")
    assert "is running already, process" in service.expect(0, "start")
    assert echoes(port)
    text = service.expect(0, "status")
    assert re.search(f"^process +{service.stats()['server']['pid']}$", text, re.M)
    assert re.search(r"^account +NT SERVICE\\" + service.name + "$", text, re.M)
    assert re.search(r"^statistics +serving for .* 1 in all, 19 bytes in, 19 bytes out, configuration 1$", text, re.M)
    assert f"configuration  {windows_path(service.path)}\n" in text

    before = service.stats()["server"]["pid"]
    assert service.expect(0, "restart").startswith(f"service {service.name} is stopped\n")
    assert service.stats()["server"]["pid"] != before
    assert echoes(port)

    assert service.expect(0, "stop") == f"service {service.name} is stopped\n"
    assert service.expect(0, "stop") == f"service {service.name} is not running\n"
    text = service.expect(0, "uninstall")
    assert f"service {service.name} is removed" in text and windows_path(service.path) in text
    assert service.registry() is None
    assert service.path.exists()
    assert "nothing to remove" in service.expect(0, "uninstall")


def test_uninstall_stops_what_runs(make_service):
    port = net.free_port()
    service = make_service(echo_config(listen=f"127.0.0.1:{port}"))
    service.install()
    service.expect(0, "start")
    text = service.expect(0, "uninstall")
    assert f"service {service.name} is stopped\nservice {service.name} is removed" in text
    with pytest.raises(OSError):
        net.connect(port)


def test_image_path_is_quoted_and_absolute(make_service):
    service = make_service(echo_config(), folder="two  words")
    done = runtime.run("install", "--name", service.name, "--config=server.ini", cwd=service.folder)
    assert done.returncode == 0, done.stderr
    values = service.registry()
    exe = windows_path(runtime.EXE)
    assert values["ImagePath"] == f'"{exe}" service --name {service.name} -c "{windows_path(service.path)}"'
    assert values["ObjectName"] == f"NT SERVICE\\{service.name}"
    assert values["Start"] == "0x2" and values["ErrorControl"] == "0x1" and values["Type"] == "0x10"
    assert values["DisplayName"] == f"Fairlead {service.name}"
    assert values["Description"].startswith("Passes TCP connections on")


def test_shutdown_waits_longer_than_the_drain(make_service):
    service = make_service("[server]\ndrain_timeout=77s\n" + echo_config())
    service.install()
    assert int(service.registry()["PreshutdownTimeout"], 16) == (77 + 15) * 1000


def test_what_is_not_named_stays_as_it_is(make_service, tmp_path):
    service = make_service(echo_config())
    service.install("--account", "LocalService")
    assert service.registry()["ObjectName"] == "NT AUTHORITY\\LocalService"

    assert "nothing had to change" in service.expect(0, "install")
    assert service.registry()["ObjectName"] == "NT AUTHORITY\\LocalService"
    assert windows_path(service.path) in service.registry()["ImagePath"]

    other = tmp_path / "other.ini"
    other.write_text(echo_config())
    text = service.expect(0, "install", "-c", windows_path(other), "--account", f"NT SERVICE\\{service.name}")
    assert f"configuration: {windows_path(other)} (was {windows_path(service.path)})" in text
    assert f"account: NT SERVICE\\{service.name} (was NT AUTHORITY\\LocalService)" in text
    assert windows_path(other) in service.registry()["ImagePath"]


@pytest.mark.parametrize(
    "account, said",
    [
        ("NT SERVICE\\another", "cannot have the account of another service"),
        ("DOMAIN\\somebody", "has a password, which is asked for in a console only"),
        ("somebody", "the account .\\somebody has a password"),
    ],
)
def test_accounts_that_cannot_be_are_refused(make_service, account, said):
    service = make_service(echo_config())
    assert said in service.expect(2, "install", "-c", windows_path(service.path), "--account", account)
    assert service.registry() is None


def test_managed_account_needs_no_password(make_service):
    service = make_service(echo_config())
    assert "Log on as a service" in service.install("--account", "DOMAIN\\fairlead$")
    assert service.registry()["ObjectName"] == "DOMAIN\\fairlead$"


def test_bad_configuration_is_not_installed(make_service):
    service = make_service(echo_config() + "foo=1\n")
    text = service.expect(2, "install", "-c", windows_path(service.path))
    assert re.search(r"server\.ini:\d+: .*foo", text) and text.endswith("; nothing was installed\n")
    assert service.registry() is None


def test_bad_configuration_neither_starts_nor_stops(make_service):
    port = net.free_port()
    good = echo_config(listen=f"127.0.0.1:{port}")
    service = make_service(good)
    service.install()
    service.write(good + "foo=1\n")
    assert "; nothing was started\n" in service.expect(2, "start")
    service.write(good)
    service.expect(0, "start")
    service.write(good + "foo=1\n")
    assert "; nothing was changed\n" in service.expect(2, "restart")
    assert "; nothing was changed\n" in service.expect(2, "reload")
    assert echoes(port)
    assert "the configuration has errors now" in service.expect(0, "status")
    assert "is stopped" in service.expect(0, "stop")


def test_start_that_fails_says_where_the_reason_is(make_service):
    with net.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = make_service(echo_config(listen=f"127.0.0.1:{taken.getsockname()[1]}"))
        service.install()
        text = service.expect(1, "start")
    assert f"the service {service.name} did not start: it ended with 1" in text
    assert f"C:\\ProgramData\\{service.name}\\logs\\fairlead.log and in Event Viewer" in text
    assert "listener echo" in text  # the end of the log


def test_reload_is_applied_or_refused_and_says_so(make_service):
    first, second = net.free_port(), net.free_port()
    service = make_service(echo_config(listen=f"127.0.0.1:{first}"))
    service.install()
    assert "is not running, so there is nothing to reload" in service.expect(1, "reload")
    service.expect(0, "start")
    service.write(echo_config(listen=f"127.0.0.1:{second}"))
    text = service.expect(0, "reload")
    assert text.startswith(f"service {service.name} was reloaded:\n")
    assert echoes(second)
    with net.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service.write(echo_config(listen=f"127.0.0.1:{taken.getsockname()[1]}"))
        text = service.expect(1, "reload")
    assert text.startswith(f"service {service.name} refused the reload; it goes on as before:\n")
    assert echoes(second)


def test_several_services_run_side_by_side(make_service):
    ports = [net.free_port(), net.free_port()]
    services = [make_service(echo_config(listen=f"127.0.0.1:{port}"), folder=str(port)) for port in ports]
    for service in services:
        service.install()
        service.expect(0, "start")
    assert all(echoes(port) for port in ports)
    services[0].expect(0, "uninstall")
    assert echoes(ports[1])
    services[1].expect(0, "status")


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "reload", "status"])
def test_missing_service_is_said(verb):
    done = runtime.run(verb, "--name", "fl-verbs-none")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "fairlead: there is no service fl-verbs-none; fairlead install --name fl-verbs-none makes one\n"
    )


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "reload", "uninstall", "install"])
def test_services_of_others_are_left_alone(verb):
    done = runtime.run(verb, "--name", "Spooler")
    assert done.returncode == 1
    assert "the service Spooler is not one of fairlead's, so it is left alone" in done.stderr


def test_process_of_a_console_is_asked_by_its_configuration(start_server, tmp_path):
    port = net.free_port()
    config = f"[stats]\nlisten=127.0.0.1:{port}\ntoken=0123456789abcdefgh\n" + echo_config()
    server = start_server(config)
    done = runtime.run("status", "-c", "server.ini", cwd=server.folder)
    assert done.returncode == 0 and "\nstatistics     serving for " in done.stdout, done
    done = runtime.run("reload", "-c", "server.ini", cwd=server.folder)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.startswith("the process was reloaded:\n")

    (tmp_path / "other.ini").write_text(config.replace("gh\n", "xx\n"))
    done = runtime.run("reload", "-c", "other.ini", cwd=tmp_path)
    assert done.returncode == 1 and "is not the one it runs with" in done.stderr
    server.stop()
    done = runtime.run("status", "-c", "server.ini", cwd=server.folder)
    assert done.returncode == 1 and "do not answer" in done.stdout


NETSH = """
#include <windows.h>
#include <stdio.h>
#include <wchar.h>
int main(void)
{
    FILE *file = fopen("C:\\\\netsh-said.txt", "a");
    fprintf(file, "%ls\\n", GetCommandLineW());
    fclose(file);
    return GetFileAttributesW(L"C:\\\\netsh-fails") == INVALID_FILE_ATTRIBUTES ? 0 : 1;
}
"""


@pytest.fixture
def netsh(tmp_path):
    """A stand-in for netsh.exe that writes down its command line, and fails while C:\\netsh-fails exists."""
    compiler = shutil.which("x86_64-w64-mingw32-gcc")
    if runtime.WINDOWS or not compiler:
        pytest.skip("needs a prefix of Wine and mingw-w64, to put a stand-in into its system folder")
    drive = runtime.prefix() / "drive_c"
    place = drive / "windows/system32/netsh.exe"
    (tmp_path / "netsh.c").write_text(NETSH)
    subprocess.run([compiler, tmp_path / "netsh.c", "-o", tmp_path / "netsh.exe"], check=True, timeout=60)
    kept = tmp_path / "kept.exe"
    shutil.move(place, kept)
    shutil.copy(tmp_path / "netsh.exe", place)
    yield drive
    place.unlink()
    shutil.move(kept, place)
    for name in ("netsh-said.txt", "netsh-fails"):
        (drive / name).unlink(missing_ok=True)


def use_stand_in(service):
    """Wine would take a netsh of its own."""
    service.env["WINEDLLOVERRIDES"] += ";netsh.exe=n"
    return service


def test_firewall_gets_one_rule_for_each_listener_that_others_can_reach(make_service, netsh):
    said = netsh / "netsh-said.txt"
    service = use_stand_in(
        make_service(
            echo_config("near", listen="127.0.0.1:21")
            + echo_config("far", listen="0.0.0.0:22\nlisten=[::]:23")
            + echo_config("any", listen="0.0.0.0:0")
        )
    )
    text = service.install("--firewall")
    assert "listener near 127.0.0.1:21 is for this machine only and needs no rule" in text
    assert "listener any 0.0.0.0:0 has a new port at every start" in text
    lines = said.read_text().splitlines()
    rule = f'name="Fairlead {service.name}"'
    assert len(lines) == 3 and all(line.startswith('"C:\\windows\\system32\\netsh.exe" ') for line in lines)
    assert lines[0].endswith(f" advfirewall firewall delete rule {rule}")
    for line, where in ((lines[1], ("far 0.0.0.0:22", 22)), (lines[2], ("far [::]:23", 23))):
        assert line.endswith(
            f' advfirewall firewall add rule {rule} description="listener {where[0]}" dir=in action=allow '
            f'program="{windows_path(runtime.EXE)}" protocol=TCP localport={where[1]}'
        )
    service.expect(0, "uninstall")
    assert said.read_text().splitlines()[3:] == [lines[0]]


def test_firewall_that_refuses_is_said(make_service, netsh):
    (netsh / "netsh-fails").write_text("")
    service = use_stand_in(make_service(echo_config(listen="0.0.0.0:22")))
    text = service.expect(1, "install", "-c", windows_path(service.path), "--firewall")
    assert "the rule for listener echo 0.0.0.0:22 could not be made: netsh ended with 1; to see why, run: netsh" in text
