"""The installer as a database: what Windows Installer is told."""

import re
import subprocess

from packages import the_only

UPGRADE_CODE = "{3C8C4E1F-6D0B-4B5E-9A57-0B1C6C1D7F42}"
PERMANENT, NEVER_OVERWRITE, IS_64_BIT = 16, 128, 256
IN_SCRIPT, ROLLBACK, NO_IMPERSONATE, CONTINUE = 1024, 256, 2048, 64


def sequence(packages):
    return {row["Action"]: int(row["Sequence"]) for row in packages.table("InstallExecuteSequence")}


def verbs(packages):
    """The actions that run a verb, each with its type and its command line."""
    rows = packages.table("CustomAction")
    commands = {row["Source"]: row["Target"] for row in rows if row["Type"] == "51"}
    return {row["Action"]: (int(row["Type"]), commands[row["Action"]]) for row in rows if row["Source"] == "VerbAction"}


def test_upgrade_code_is_the_one_of_all_versions(packages):
    # Another one, and Windows would install the next version beside this one.
    assert packages.property("UpgradeCode") == UPGRADE_CODE
    ranges = {row["ActionProperty"]: row for row in packages.table("Upgrade")}
    assert all(row["UpgradeCode"] == UPGRADE_CODE for row in ranges.values())
    assert ranges["OLDERFOUND"]["VersionMax"] == ranges["NEWERFOUND"]["VersionMin"] == packages.version


def test_components_are_64_bit_and_have_codes_of_their_own(packages):
    rows = packages.table("Component")
    assert all(int(row["Attributes"]) & IS_64_BIT for row in rows)
    assert len({row["ComponentId"] for row in rows}) == len(rows)
    summary = {row["PropertyId"]: row["Value"] for row in packages.table("_SummaryInformation")}
    assert summary["7"] == "x64;1033"


def test_component_codes_stay_the_same_in_the_next_version(packages, next_packages):
    def codes(of):
        return {row["Component"]: row["ComponentId"] for row in of.table("Component")}

    assert codes(packages) == codes(next_packages)
    assert packages.property("ProductCode") != next_packages.property("ProductCode")


def test_configuration_is_never_overwritten_and_never_removed(packages):
    files = {row["File"]: row["Component_"] for row in packages.table("File")}
    row = the_only(row for row in packages.table("Component") if row["Component"] == files["server.ini"])
    assert int(row["Attributes"]) == IS_64_BIT | PERMANENT | NEVER_OVERWRITE
    assert row["KeyPath"] == "server.ini" and row["Directory_"] == "DATAFOLDER"


def test_program_has_a_version_so_that_the_newer_one_wins(packages):
    row = the_only(row for row in packages.table("File") if row["File"] == "fairlead.exe")
    assert row["Version"] == packages.version + ".0"
    assert packages.property("ProductVersion") == packages.version
    # Windows takes a file with a hash for one without a version.
    assert "fairlead.exe" not in {row["File_"] for row in packages.table("MsiFileHash")}


def test_verbs_run_as_the_system_when_the_files_are_there(packages):
    order = sequence(packages)
    for name, (kind, _) in verbs(packages).items():
        assert kind & IN_SCRIPT and kind & NO_IMPERSONATE, name
        assert order["InstallInitialize"] < order[name] < order["InstallFinalize"], name
        assert not order["RemoveFiles"] < order[name] < order["InstallFiles"], name


def test_verbs_are_undone_by_the_action_before_them(packages):
    order, found = sequence(packages), verbs(packages)
    for name in ("Stop", "Unregister", "Register"):
        assert order["Undo" + name] < order[name]
        assert found["Undo" + name][0] & ROLLBACK and not found[name][0] & ROLLBACK


def test_paths_in_command_lines_are_quoted(packages):
    for name, (_, command) in verbs(packages).items():
        assert command.startswith('"[INSTALLFOLDER]fairlead.exe" '), name
        outside = re.sub(r'"[^"]*"', "", command)
        assert "[DATAFOLDER]" not in outside and "[INSTALLFOLDER]" not in outside, name
        assert len(command) <= 255


def test_the_service_is_the_verbs_business_alone(packages):
    # ServiceInstall would write a path without quotes, and ServiceControl gives a stop thirty seconds.
    assert packages.table("ServiceInstall") == packages.table("ServiceControl") == []


def test_only_a_removal_that_is_no_upgrade_unregisters(packages):
    conditions = {row["Action"]: row["Condition"] for row in packages.table("InstallExecuteSequence")}
    assert "NOT UPGRADINGPRODUCTCODE" in conditions["Unregister"]
    assert "UPGRADINGPRODUCTCODE" not in conditions["Stop"]


def test_old_version_comes_back_when_an_upgrade_fails(packages):
    order = sequence(packages)
    assert order["InstallInitialize"] < order["RemoveExistingProducts"] < order["InstallFiles"]


def test_what_an_administrator_may_say_reaches_the_installation(packages):
    secure = packages.property("SecureCustomProperties").split(";")
    searched = [row["Property"] for row in packages.table("AppSearch")]
    found = [row["ActionProperty"] for row in packages.table("Upgrade")]
    assert {*searched, *found, "START", "FIREWALL", "DELAYED", "ADDPATH"} <= set(secure)


def test_files_are_those_of_the_zip(packages, tmp_path):
    subprocess.run(["msiextract", "-C", tmp_path, packages.msi], check=True, capture_output=True)
    inside = {
        path.relative_to(tmp_path).as_posix().split("/", 1)[1]: path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert inside == packages.zip_files()


def test_short_names_are_short_and_meet_nowhere(packages):
    folders = {row["Component"]: row["Directory_"] for row in packages.table("Component")}
    seen = set()
    for row in packages.table("File"):
        short = row["FileName"].split("|")[0]
        assert re.fullmatch(r"[\w-]{1,8}(\.\w{1,3})?", short), short
        assert (folders[row["Component_"]], short.lower()) not in seen
        seen.add((folders[row["Component_"]], short.lower()))
