"""The same sources make the same bytes, wherever and whenever they are built."""

import os

from packages import ROOT, make_packages

EXE = ROOT / "build/mingw/fairlead.exe"


def differences(one, two):
    """Where two files differ, for a message: the first offsets, or the lengths."""
    if len(one) != len(two):
        return f"{len(one)} and {len(two)} bytes"
    return [hex(i) for i in range(len(one)) if one[i] != two[i]][:10]


def test_executable_is_the_same_from_another_folder(rebuilt_exe):
    one, two = EXE.read_bytes(), rebuilt_exe.read_bytes()
    assert one == two, f"they differ at {differences(one, two)}"


def test_executable_knows_no_folder_of_the_machine_that_built_it(rebuilt_exe):
    assert os.fsencode(ROOT) not in EXE.read_bytes()
    assert os.fsencode(rebuilt_exe.parents[1]) not in rebuilt_exe.read_bytes()


def test_packages_are_the_same_at_another_time_and_place(packages, rebuilt_exe, tmp_path):
    # rebuilt_exe has another time than the first executable, and the same bytes.
    os.utime(rebuilt_exe, (1_000_000_000, 1_000_000_000))
    before = os.umask(0o077)
    try:
        again = make_packages(ROOT, tmp_path, "--exe", rebuilt_exe, TZ="Asia/Tokyo", LANG="C", USER="somebody")
    finally:
        os.umask(before)
    assert again.zip.read_bytes() == packages.zip.read_bytes()
    one, two = packages.msi.read_bytes(), again.msi.read_bytes()
    assert one == two, f"they differ at {differences(one, two)}"


def test_packages_of_another_commit_have_codes_of_their_own(packages, tmp_path):
    other = make_packages(ROOT, tmp_path, SOURCE_DATE_EPOCH="1700000000")
    assert other.property("UpgradeCode") == packages.property("UpgradeCode")
    assert other.property("ProductCode") != packages.property("ProductCode")
    assert other.table("_SummaryInformation") != packages.table("_SummaryInformation")
