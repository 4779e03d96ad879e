"""The installer at work: msiexec under Wine, the real program, real connections."""

import socket

from machine import FAILED, INSTALLED, SERVICE_KEY, WINDOWS_KEY
from support import net
from support.server import echo_config
from support.wait import wait_until

IMAGE_PATH = r'"C:\Program Files\Fairlead\fairlead.exe" service --name fairlead -c "C:\ProgramData\fairlead\server.ini"'


def served_by(machine):
    """Configures an echo on a port that is free, and answers the port."""
    port = net.free_port()
    sections = f"[server]\nlog_file=fairlead.log\n[stats]\nlisten=off\n{echo_config(listen=f'127.0.0.1:{port}')}"
    machine.configure(sections)
    return port


def answers(port):
    try:
        with net.connect(port) as sock:
            return net.exchange(sock, b"through the installed service") == b"through the installed service"
    except OSError:
        return False


def wait_for_answers(machine, port):
    wait_until(lambda: answers(port), lambda: f"an answer; the verbs said {machine.said()}", 60)


def version_installed(machine):
    return machine.fairlead("version")[1].split()[-1]


def test_installation_registers_a_service_that_serves(machine, packages):
    port = served_by(machine)
    assert machine.install(packages) == INSTALLED, machine.log
    assert machine.image_path() == IMAGE_PATH
    assert machine.registry(SERVICE_KEY, "Start") == "0x2"
    machine.wait_for_service("RUNNING")
    wait_for_answers(machine, port)
    assert {"README.md", "docs", "fairlead.exe", "licenses"} == {path.name for path in machine.program.iterdir()}
    assert r"C:\Program Files\Fairlead" in machine.machine_path()


def test_installation_brings_a_configuration_that_is_valid(machine, packages):
    assert machine.install(packages, "START=0") == INSTALLED, machine.log
    assert (machine.data / "server.ini").read_bytes() == packages.zip_files()["server.ini"]
    assert machine.image_path() == IMAGE_PATH


def test_upgrade_replaces_the_program_and_keeps_the_configuration(machine, packages, next_packages):
    port = served_by(machine)
    assert machine.install(packages) == INSTALLED, machine.log
    wait_for_answers(machine, port)
    other_port = net.free_port()
    changed = machine.configuration().replace(str(port), str(other_port)) + "; changed by hand\n"
    machine.configure(changed)

    assert machine.install(next_packages) == INSTALLED, machine.log
    assert version_installed(machine) == next_packages.version
    assert machine.configuration() == changed
    assert machine.image_path() == IMAGE_PATH
    machine.wait_for_service("RUNNING")
    wait_for_answers(machine, other_port)
    assert not answers(port)


def test_removal_takes_the_service_and_leaves_configuration_and_logs(machine, packages):
    port = served_by(machine)
    assert machine.install(packages) == INSTALLED, machine.log
    wait_for_answers(machine, port)
    logs = sorted(path.name for path in machine.data.rglob("*.log"))

    assert machine.remove(packages) == INSTALLED, machine.log
    assert not answers(port)
    wait_until(lambda: machine.service_is("MISSING"), "the service to be gone")
    assert not machine.program.exists()
    assert "Fairlead" not in machine.machine_path()
    assert str(port) in machine.configuration()
    assert logs and sorted(path.name for path in machine.data.rglob("*.log")) == logs


def test_wrong_configuration_ends_the_installation_and_is_named_in_its_log(machine, packages):
    machine.configure("[listener echo]\nlisten=127.0.0.1:0\nmode=proxi\n")
    assert machine.install(packages) == FAILED
    assert any("server.ini:3: mode=proxi is unknown" in line for line in machine.said()), machine.log
    assert machine.image_path() is None
    assert not (machine.program / "fairlead.exe").exists()
    assert "proxi" in machine.configuration()


def test_service_that_cannot_start_stays_installed_and_the_log_says_why(machine, packages):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        machine.configure(f"[stats]\nlisten=off\n{echo_config(listen=f'127.0.0.1:{port}')}")
        assert machine.install(packages) == INSTALLED, machine.log
        assert not machine.service_is("RUNNING")
        assert any("fairlead.exe\" start" in line for line in machine.said())
        assert len(machine.said()) > 2, machine.said()
    # What was wrong is put right, and nothing needs to be installed again.
    code, text = machine.fairlead("start")
    assert code == 0, text
    wait_for_answers(machine, port)


def test_installation_does_only_what_was_asked_for(machine, packages):
    served_by(machine)
    assert machine.install(packages, "START=0", "ADDPATH=0") == INSTALLED, machine.log
    assert machine.image_path() == IMAGE_PATH
    assert machine.service_is("STOPPED")
    assert "Fairlead" not in machine.machine_path()


def test_service_that_was_stopped_for_good_is_not_started_by_an_upgrade(machine, packages, next_packages):
    port = served_by(machine)
    assert machine.install(packages, "START=0") == INSTALLED, machine.log
    machine.run("reg", "add", SERVICE_KEY, "/v", "Start", "/t", "REG_DWORD", "/d", "4", "/f")
    assert machine.install(next_packages) == INSTALLED, machine.log
    assert not any(line.endswith(" start") for line in machine.said()), machine.said()
    assert not answers(port)


def test_older_version_does_not_replace_a_newer_one(machine, packages, next_packages):
    served_by(machine)
    assert machine.install(next_packages, "START=0") == INSTALLED, machine.log
    assert machine.install(packages) == FAILED
    assert version_installed(machine) == next_packages.version
    assert machine.image_path() == IMAGE_PATH


def test_service_of_the_same_name_from_elsewhere_is_left_alone_by_a_removal(machine, packages):
    served_by(machine)
    assert machine.install(packages, "START=0") == INSTALLED, machine.log
    elsewhere = r'"C:\elsewhere\fairlead.exe" service --name fairlead -c "C:\elsewhere\server.ini"'
    machine.run("reg", "add", SERVICE_KEY, "/v", "ImagePath", "/d", elsewhere, "/f")
    try:
        assert machine.remove(packages) == INSTALLED, machine.log
        assert machine.said() == []
        assert machine.image_path() == elsewhere
    finally:
        machine.run("sc", "delete", "fairlead")


def test_windows_before_10_is_refused(machine, packages):
    code, text = machine.run("reg", "delete", WINDOWS_KEY, "/v", "CurrentMajorVersionNumber", "/f")
    assert code == 0, text
    try:
        assert machine.install(packages) == FAILED
        assert not machine.program.exists()
    finally:
        machine.be_windows_10()
