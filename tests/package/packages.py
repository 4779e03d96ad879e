"""The zip and the installer as files: how they are made, and what is in them."""

import os
import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Packages:
    def __init__(self, folder):
        self.msi = the_only(folder.glob("*.msi"))
        self.zip = the_only(folder.glob("*.zip"))
        self.version = self.zip.name.split("-")[1]

    def zip_files(self):
        """Each file of the zip, without the folder that all are in: path to bytes."""
        with zipfile.ZipFile(self.zip) as archive:
            return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}

    def table(self, name):
        """The rows of a table of the installer, each a dictionary."""
        done = subprocess.run(["msiinfo", "export", self.msi, name], capture_output=True, check=True)
        lines = [line for line in done.stdout.decode().split("\r\n") if line]
        heads = lines[0].split("\t")
        return [dict(zip(heads, line.split("\t"), strict=True)) for line in lines[3:]]

    def property(self, name):
        return the_only(row["Value"] for row in self.table("Property") if row["Property"] == name)


def the_only(items):
    items = list(items)
    assert len(items) == 1, items
    return items[0]


def make_packages(tree, folder, *options, **environment):
    log = folder / "package.log"
    with open(log, "wb") as out:
        done = subprocess.run(
            [tree / "scripts/package.sh", "--output", folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            check=False,
            env={**os.environ, **environment},
        )
    assert done.returncode == 0, log.read_text()
    return Packages(folder)
