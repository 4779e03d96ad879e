"""What a document shows of a console: blocks that begin with a prompt of cmd.exe, played again in a prefix of their own.

Folders and the services' names are the document's, because the prefix is new; ports are changed to free ones, and back in what is
said."""

import re
import shutil
import subprocess
from pathlib import Path

from . import net, runtime
from .service import Keeper

PROMPT = re.compile(r"^(C:\\[^>\n]*)> (.*)$")
BLOCK = re.compile(r"^```\n(C:\\.*?)^```$", re.M | re.S)

# What Wine lacks, said each time that a service is installed.
UNSUPPORTED = re.compile(r"^fairlead: warning: the service \S+ could not be given .*: .*\(os error 124\)\n", re.M)

# What is another one every time.
VARIES = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "TIME"),
    (re.compile(r"(?<=process)( +)\d+"), r"\1PID"),
    (re.compile(r"serving for \d+ s"), "serving for N s"),
    (re.compile(r"\d+ bytes"), "N bytes"),
    (re.compile(r"curl/[\d.]+"), "curl/V"),
    (re.compile(r"\d+ workers"), "N workers"),
]


def steps(text):
    """[folder, command, output] of each prompt, in order."""
    found = []
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            prompt = PROMPT.match(line)
            if prompt:
                found.append([prompt.group(1), prompt.group(2), ""])
            else:
                found[-1][2] += line + "\n"
    return found


def comparable(output):
    for pattern, placeholder in VARIES:
        output = pattern.sub(placeholder, output)
    return "\n".join(line.rstrip() for line in output.strip().splitlines())


class Machine:
    """A computer without Fairlead. `ports` are those of the document."""

    def __init__(self, folder, ports):
        self.prefix = runtime.twin_prefix(folder)
        self._make_own_drive()
        self.env = runtime.environment(self.prefix)
        self.ports = {str(port): str(net.free_port()) for port in ports}
        self.drive = self.prefix / "drive_c"

    def _make_own_drive(self):
        """Only what programs are made of is shared with the other prefix."""
        drive = self.prefix / "drive_c"
        shared = drive.resolve()
        drive.unlink()
        drive.mkdir()
        for name in ("windows", "users"):
            (drive / name).symlink_to(shared / name)
        for name in ("Program Files", "ProgramData"):
            (drive / name).mkdir()

    def copy_in(self, folder):
        """What the zip holds, as far as it is needed."""
        (self.drive / folder).mkdir()
        shutil.copy(runtime.EXE, self.drive / folder / "fairlead.exe")
        text = (runtime.ROOT / "server.ini").read_text()
        (self.drive / folder / "server.ini").write_text(self._translate(text, self.ports))

    @staticmethod
    def _translate(text, ports):
        return re.sub(r"\b\d{4,5}\b", lambda found: ports.get(found.group(), found.group()), text)

    def run(self, folder, command):
        """One line of a console: curl is this machine's, everything else cmd.exe's. Answers what was said."""
        command = self._translate(command, self.ports)
        words = command.split() if command.startswith("curl ") else [runtime.WINE, "cmd.exe", "/d", "/c", command]
        path = Path(self.prefix) / "said.txt"
        with open(path, "wb") as out:
            subprocess.run(
                words,
                cwd=self.drive / folder.removeprefix("C:\\").replace("\\", "/"),
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
            )
        said = runtime.without_wines_own(runtime.plain(path.read_bytes()))
        return UNSUPPORTED.sub("", self._translate(said, {free: port for port, free in self.ports.items()}))

    def __enter__(self):
        self.server = runtime.WineServer(self.prefix)
        self.server.__enter__()
        self.keeper = Keeper(self.env)
        self.keeper.__enter__()
        return self

    def __exit__(self, *_):
        self.keeper.__exit__()
        self.server.__exit__()
