"""A Windows machine to install on: a Wine prefix of its own, and what a test asks it."""

import re
import shutil
import subprocess
from pathlib import Path

from packages import ROOT
from support import runtime
from support.wait import wait_until

# What msiexec answers; of these Wine hands on the low 8 bits only.
INSTALLED = 0
FAILED = 1603 & 0xFF

SERVICE_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\fairlead"
WINDOWS_KEY = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
PATH_KEY = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


class Machine:
    def __init__(self):
        self.prefix = ROOT / "build/wine-package"
        self.drive = self.prefix / "drive_c"
        self.program = self.drive / "Program Files/Fairlead"
        self.data = self.drive / "ProgramData/fairlead"
        self.installed = []
        self.log = ""

    # ---- its life ----

    def start(self):
        """A new prefix that is Windows 10, and one ordinary program: services end with the last one."""
        shutil.rmtree(self.prefix, ignore_errors=True)
        self.run("wineboot", "-i", timeout=180)
        self.be_windows_10()
        # Waits until all that has ended: a server that outlived wineboot would have two managers of services.
        self.server = runtime.WineServer(self.prefix)
        self.server.__enter__()
        self._start_keeper()

    def _start_keeper(self):
        path = self.prefix.parent / "wine-package-keeper.out"
        with open(path, "wb") as out:
            self.keeper = subprocess.Popen(
                [runtime.WINE, "cmd.exe"],
                env=runtime.environment(self.prefix),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: b">" in path.read_bytes(), "the prompt of cmd.exe")

    def be_windows_10(self):
        """A new prefix may be an older Windows, which the installer refuses."""
        self.run("winecfg", "-v", "win10")
        self.run("reg", "add", WINDOWS_KEY, "/v", "CurrentMajorVersionNumber", "/t", "REG_DWORD", "/d", "10", "/f")

    def stop(self):
        self.keeper.stdin.close()
        self.keeper.wait(60)
        self.server.__exit__(None, None, None)

    def clear(self):
        """Removes what a test left behind, whether it passed or not."""
        for packages in reversed(self.installed):
            self.msiexec("/x", packages)
        self.installed = []
        shutil.rmtree(self.data, ignore_errors=True)

    # ---- programs ----

    def run(self, *words, timeout=120):
        """Runs a program of Windows to its end: exit code and output. To a file, because the first program of a
        prefix starts others that would hold a pipe open."""
        path = self.prefix.parent / "wine-package.out"
        with open(path, "wb") as out:
            done = subprocess.run(
                [runtime.WINE, *map(str, words)],
                env=runtime.environment(self.prefix),
                cwd=self.prefix.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        return done.returncode, runtime.plain(path.read_bytes())

    def output(self, words):
        code, text = self.run(*words)
        assert code == 0, text
        return text

    def fairlead(self, *words):
        return self.run(self.program / "fairlead.exe", *words)

    # ---- the installer ----

    def msiexec(self, option, packages, *properties):
        """Runs the installer silently; its log is in self.log afterwards."""
        path = self.drive / "install.log"
        path.unlink(missing_ok=True)
        package = "Z:" + str(packages.msi).replace("/", "\\")
        code, _ = self.run("msiexec", option, package, "/qn", "/L*v", r"C:\install.log", *properties)
        self.log = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
        return code

    def install(self, packages, *properties):
        code = self.msiexec("/i", packages, *properties)
        if code == INSTALLED:
            self.installed.append(packages)
        return code

    def remove(self, packages):
        code = self.msiexec("/x", packages)
        self.installed = []
        return code

    def said(self):
        """What the verbs said, from the installer's log."""
        return re.findall(r"^Fairlead: (.*?)\r?$", self.log, re.M)

    # ---- what there is ----

    def registry(self, key, value):
        """A value of the registry, or None."""
        code, text = self.run("reg", "query", key, "/v", value)
        found = re.search(rf"^\s+{re.escape(value)}\s+REG_\w+\s+(.*)$", text, re.M | re.I)
        return found.group(1).strip() if code == 0 and found else None

    def image_path(self):
        """The command line of the service, or None when there is none."""
        return self.registry(SERVICE_KEY, "ImagePath")

    def machine_path(self):
        return self.registry(PATH_KEY, "PATH")

    def service_is(self, *states):
        _, text = self.run("sc", "query", "fairlead")
        found = re.search(r"STATE\s*:\s*\d+\s+(\w+)", text)
        return (found.group(1) if found else "MISSING") in states

    def wait_for_service(self, *states):
        wait_until(lambda: self.service_is(*states), f"the service to be {states}; {self.said()}", 60)

    def configure(self, text):
        """A server.ini that is there before anything is installed."""
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "server.ini").write_text(text, newline="\r\n")

    def configuration(self):
        return Path(self.data / "server.ini").read_text()
