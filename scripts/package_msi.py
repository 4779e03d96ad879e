"""Makes the Windows Installer package from a folder of files: package_msi.build(...).

wixl makes a database from package/fairlead.wxs and a generated list of the documents; package/fairlead.sql and
the actions below are added to it by msibuild. All that wixl would draw by lot or take from the clock is derived
from the contents, so that the same files make the same package, byte for byte.
"""

import os
import re
import shutil
import subprocess
import time
import uuid
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

# All versions of Fairlead have this in common; Windows finds by it what to replace. Never to be changed.
UPGRADE_CODE = "{3C8C4E1F-6D0B-4B5E-9A57-0B1C6C1D7F42}"

# Which installations a verb runs in.
REMOVAL = 'REMOVE = "ALL"'
FIRST = "NOT Installed AND NOT OLDERFOUND"
UPGRADE = "NOT Installed AND OLDERFOUND"
# A service of our name whose program lies elsewhere is not ours.
OURS = "SERVICEIMAGE ~>< INSTALLFOLDER"
# Automatic start. One that was switched off is not started.
AUTOMATIC = 'SERVICESTART = "#2"'


class Action(NamedTuple):
    """One verb of fairlead.exe, run by package/verb_action.c as the system."""

    sequence: int
    name: str
    entry: str  # of verb_action.c: what a failure means
    verb: str
    condition: str


INSTALL = 'install --config "[DATAFOLDER]server.ini"'

# An action Undo... runs only when the installation is undone, and stands before the action that it undoes.
ACTIONS = [
    # Removal, also that of the old version within an upgrade: the service stops before its file goes. Within an
    # upgrade it stays registered.
    Action(1901, "UndoStop", "FairleadTried", "start", f"{REMOVAL} AND {OURS} AND {AUTOMATIC}"),
    Action(1902, "Stop", "FairleadTried", "stop", f"{REMOVAL} AND {OURS}"),
    Action(1903, "UndoUnregister", "FairleadTried", INSTALL, f"{REMOVAL} AND NOT UPGRADINGPRODUCTCODE AND {OURS}"),
    Action(1904, "Unregister", "FairleadAdvised", "uninstall", f"{REMOVAL} AND NOT UPGRADINGPRODUCTCODE AND {OURS}"),
    # Upgrade: a server.ini that the new version refuses ends it, and the old version comes back.
    Action(4010, "Check", "FairleadRequired", 'check -c "[DATAFOLDER]server.ini"', UPGRADE),
    # First installation and repair; the verb checks server.ini itself.
    Action(5801, "UndoRegister", "FairleadTried", "uninstall", FIRST),
    Action(5802, "Register", "FairleadRequired", f"{INSTALL}[InstallOptions]", f"({FIRST}) OR REINSTALL"),
    # Wine does not tell the old version that it is removed by an upgrade, so its service is gone by now. On Windows
    # it is there, with all that an administrator has changed about it, and is left alone.
    Action(5803, "RegisterAgain", "FairleadMissing", INSTALL, f"{UPGRADE} AND {OURS}"),
    # A service that does not start stays installed, with the reason shown and logged: a port that is taken is put
    # right in server.ini, which is there only once Fairlead is installed.
    Action(
        5901,
        "Start",
        "FairleadAdvised",
        "start",
        f'START <> "0" AND (({FIRST}) OR ({UPGRADE} AND {OURS} AND {AUTOMATIC}) OR REINSTALL)',
    ),
]

# Types of custom actions: an entry of a library in the package, run with the script (1024) as the system (2048); only
# when the installation is undone (256); and one that sets a property.
TYPE_VERB = 1 + 1024 + 2048
TYPE_UNDO = TYPE_VERB + 256
TYPE_SET_PROPERTY = 51


def guid(name):
    return "{" + str(uuid.uuid5(uuid.UUID(UPGRADE_CODE), name)).upper() + "}"


# ---- what wixl reads ---------------------------------------------------------------------------------------


def documents_source(stage):
    """The components of the documents: one for each file, with a code that stays the same while its path does."""
    folders = {"": "INSTALLFOLDER", "docs": "DOCS", "licenses": "LICENSES"}
    parts, references = [], []
    for number, path in enumerate(sorted(stage.rglob("*"))):
        name = path.relative_to(stage).as_posix()
        if path.is_dir() or name in ("fairlead.exe", "server.ini"):
            continue
        folder = folders[path.relative_to(stage).parent.as_posix().strip(".")]
        ident = "document_" + re.sub(r"\W", "_", name)
        # The name before the bar is the one of volumes that know only short names.
        names = f"DOC{number:05}.{path.suffix[1:4].upper()}|{path.name}"
        parts.append(
            f'<DirectoryRef Id="{folder}"><Component Id="{ident}" Guid="{guid("document " + name)}" Win64="yes">'
            f'<File Id="{ident}" Name={quoteattr(names)} Source={quoteattr("stage/" + name)} KeyPath="yes"/>'
            f"</Component></DirectoryRef>"
        )
        references.append(f'<ComponentRef Id="{ident}"/>')
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            '<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi"><Fragment>',
            *parts,
            '<ComponentGroup Id="documents">',
            *references,
            "</ComponentGroup></Fragment></Wix>",
            "",
        ]
    )


# ---- what msibuild adds ------------------------------------------------------------------------------------


def statements(text):
    """The statements of an SQL file without its comments."""
    lines = [line for line in text.split("\n") if not line.startswith("--")]
    return [part.strip() for part in re.split(r";$", "\n".join(lines), flags=re.M) if part.strip()]


def insert(table, **row):
    names = ", ".join(f"`{name}`" for name in row)
    values = ", ".join(str(value) if isinstance(value, int) else f"'{value}'" for value in row.values())
    return f"INSERT INTO `{table}` ({names}) VALUES ({values})"


def action_statements(action, number):
    """The command line is in a property with the name of the action: an action of the script sees no other."""
    command = f'"[INSTALLFOLDER]fairlead.exe" {action.verb}'
    kind = TYPE_UNDO if action.name.startswith("Undo") else TYPE_VERB
    setter = "Set" + action.name
    return [
        insert("CustomAction", Action=setter, Type=TYPE_SET_PROPERTY, Source=action.name, Target=command),
        insert("InstallExecuteSequence", Action=setter, Sequence=1010 + number),
        insert("CustomAction", Action=action.name, Type=kind, Source="VerbAction", Target=action.entry),
        insert("InstallExecuteSequence", Action=action.name, Condition=action.condition, Sequence=action.sequence),
    ]


def summary_table(package_code, epoch, exported):
    """The summary as wixl wrote it, with the package's code (9) and the times of creation and saving (12, 13)."""
    moment = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(epoch))
    fixed = {"9": package_code, "12": moment, "13": moment}
    lines = []
    for line in exported.split("\r\n"):
        number, tab, value = line.partition("\t")
        lines.append(number + tab + fixed.get(number, value))
    return "\r\n".join(lines)


# ---- the whole ---------------------------------------------------------------------------------------------


def run(work, *words):
    # wixl writes the local times of the files into the cabinet.
    environment = {**os.environ, "TZ": "UTC"}
    done = subprocess.run(words, cwd=work, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or "WARNING" in done.stderr:
        raise SystemExit(f"package.sh: {words[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(*, stage, library, sources, output, version, identity, epoch):
    """Makes `output` from the files below `stage`. `sources` is the folder of fairlead.wxs and fairlead.sql;
    `identity` is a text that differs whenever anything in the package does."""
    work = stage.parent
    shutil.copyfile(library, work / "verb_action.dll")
    os.utime(work / "verb_action.dll", (epoch, epoch))
    (work / "documents.wxs").write_text(documents_source(stage), encoding="utf-8")
    made = work / "made.msi"
    made.unlink(missing_ok=True)
    variables = {
        "Version": version,
        "UpgradeCode": UPGRADE_CODE.strip("{}"),
        "ProductCode": guid("product " + identity).strip("{}"),
        "Comments": f"Installs Fairlead {version} and registers it as a service.",
    }
    defines = [word for name, value in variables.items() for word in ("-D", f"{name}={value}")]
    shutil.copyfile(sources / "fairlead.wxs", work / "fairlead.wxs")
    run(work, "wixl", "-a", "x64", *defines, "-o", made.name, "fairlead.wxs", "documents.wxs")

    text = (sources / "fairlead.sql").read_text(encoding="utf-8")
    text = text.replace("{VERSION}", version).replace("{UPGRADE_CODE}", UPGRADE_CODE)
    queries = statements(text)
    for number, action in enumerate(ACTIONS):
        queries += action_statements(action, number)
    run(work, "msibuild", made.name, *(word for query in queries for word in ("-q", query)))

    exported = work / "_SummaryInformation.idt"
    summary = summary_table(guid("package " + identity), epoch, read_table(made, "_SummaryInformation"))
    exported.write_bytes(summary.encode())
    run(work, "msibuild", made.name, "-i", exported.name)
    output.unlink(missing_ok=True)
    shutil.move(made, output)


def read_table(database, table):
    """As msiinfo prints it, with the ends of lines that msibuild wants."""
    done = subprocess.run(
        ["msiinfo", "export", database, table], capture_output=True, check=True, env={**os.environ, "TZ": "UTC"}
    )
    return done.stdout.decode("utf-8")
