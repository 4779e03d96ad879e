"""The zip: everything is in it, Windows can read it, and it works where it is unpacked."""

import os
import posixpath
import re
import subprocess
import zipfile

from packages import ROOT
from support import runtime

TEXTS = (".ini", ".md", ".txt", ".json")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_program_configuration_and_documents_are_in_it(packages):
    files = packages.zip_files()
    documents = {f"docs/{path.name}" for path in (ROOT / "docs").iterdir()}
    assert {"fairlead.exe", "server.ini", "README.md"} | documents <= set(files)
    assert not [name for name in files if name.split("/")[0] not in
                ("fairlead.exe", "server.ini", "README.md", "docs", "licenses")]  # fmt: skip


def test_each_library_in_the_program_has_its_license(packages):
    libraries = re.search(r"^MINGW_LIBS.*?[^\\]$", (ROOT / "Makefile").read_text(), re.M | re.S).group()
    ours = {path.name[3:-2] for path in (ROOT / "build/deps/mingw/lib").glob("lib*.a")}
    linked = {name for name in re.findall(r"-l(\w+)", libraries) if name in ours}
    assert linked, "no library of build/deps is linked"
    files = packages.zip_files()
    for name in [*linked, "mingw-w64"]:
        assert re.search(rb"(?i)copyright", files[f"licenses/{name}.txt"]), name


def test_lines_end_as_windows_wants(packages):
    for name, data in packages.zip_files().items():
        if name.endswith(TEXTS):
            assert b"\n" in data and data.count(b"\n") == data.count(b"\r\n"), name


def test_links_between_the_documents_lead_somewhere(packages):
    files = packages.zip_files()
    dead = []
    for name, data in files.items():
        if name.endswith(".md"):
            for target in LINK.findall(data.decode()):
                if "://" not in target:
                    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
                    if path not in files and path != "docs":
                        dead.append(f"{name}: {target}")
    assert not dead


def test_entries_are_sorted_in_one_folder_and_of_one_time(packages):
    with zipfile.ZipFile(packages.zip) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert {name.split("/")[0] for name in names} == {f"fairlead-{packages.version}-x64"}
    assert len({entry.date_time for entry in entries}) == 1
    assert {(entry.create_system, entry.external_attr & ~0x1FFFFFF) for entry in entries} == {(0, 0)}


def test_unpacked_it_works_from_its_folder(packages, machine, tmp_path):
    with zipfile.ZipFile(packages.zip) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / f"fairlead-{packages.version}-x64"
    assert machine.output([folder / "fairlead.exe", "version"]) == f"fairlead {packages.version}\n"
    # From another folder: server.ini is found beside the executable.
    checked = machine.output([folder / "fairlead.exe", "check"])
    assert "server.ini is valid: 2 listeners, 1 upstream" in checked
