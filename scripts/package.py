"""Makes the zip and the installer from what is built; see scripts/package.sh.

    package.py --exe FILE --library DLL --licenses DIR --output DIR

The same files and the same time give the same packages, byte for byte: nothing comes from the clock, the user or the
order of a folder.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import struct
import zipfile
from datetime import datetime, timezone

import package_msi

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The libraries inside fairlead.exe, and the runtime that mingw-w64 links into it. cmocka is in the tests only.
LIBRARIES = ("inih", "cjson", "picohttpparser")
RUNTIME_NOTICE = pathlib.Path("/usr/share/doc/mingw-w64-x86-64-dev/copyright")
# Zip files know no time before this.
ZIP_BEGIN = 315532800


def version_of(exe):
    """The version that Windows shows of the executable: the four numbers behind the signature of VS_FIXEDFILEINFO."""
    data = exe.read_bytes()
    at = data.find(struct.pack("<II", 0xFEEF04BD, 0x00010000))
    if at < 0:
        raise SystemExit(f"package.sh: {exe} has no version information")
    high, low = struct.unpack_from("<II", data, at + 8)
    numbers = (high >> 16, high & 0xFFFF, low >> 16)
    # Windows Installer compares three numbers, of which the first two are bytes.
    if max(numbers[:2]) > 255:
        raise SystemExit(f"package.sh: Windows Installer cannot compare version {numbers}")
    return ".".join(map(str, numbers))


# ---- the files ---------------------------------------------------------------------------------------------


def with_crlf(data):
    """Text for editors of Windows: Notepad before 2018 shows one long line otherwise."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def contents(exe, licenses):
    """Each file of the packages: path to bytes."""
    files = {"fairlead.exe": exe.read_bytes()}
    for name in ("server.ini", "README.md"):
        files[name] = with_crlf((ROOT / name).read_bytes())
    for path in (ROOT / "docs").iterdir():
        files[f"docs/{path.name}"] = with_crlf(path.read_bytes())
    for library in LIBRARIES:
        files[f"licenses/{library}.txt"] = with_crlf((licenses / library).read_bytes())
    files["licenses/mingw-w64.txt"] = with_crlf(RUNTIME_NOTICE.read_bytes())
    return dict(sorted(files.items()))


def write_stage(stage, files, epoch):
    shutil.rmtree(stage, ignore_errors=True)
    for name, data in files.items():
        path = stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (epoch, epoch))


def write_zip(path, folder, files, epoch):
    moment = datetime.fromtimestamp(max(epoch, ZIP_BEGIN), timezone.utc).timetuple()[:6]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", moment)
            entry.create_system = 0  # no owner and no mode
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)


# ---- the whole ---------------------------------------------------------------------------------------------


def identity_of(files, epoch, others):
    """Differs whenever anything in the packages does, the scripts that make them included."""
    digest = hashlib.sha256(str(epoch).encode())
    for path in others:
        files = {**files, f"/{path.name}": path.read_bytes()}
    for name, data in sorted(files.items()):
        digest.update(f"\n{name} {hashlib.sha256(data).hexdigest()}".encode())
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("exe", "library", "licenses", "output"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    options = parser.parse_args()
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    version = version_of(options.exe)
    name = f"fairlead-{version}-x64"
    files = contents(options.exe, options.licenses)

    options.output.mkdir(parents=True, exist_ok=True)
    work = options.output / "work"
    write_stage(work / "stage", files, epoch)
    write_zip(options.output / f"{name}.zip", name, files, epoch)
    sources = ROOT / "package"
    makers = [sources / "fairlead.wxs", sources / "fairlead.sql", pathlib.Path(package_msi.__file__), options.library]
    package_msi.build(
        stage=work / "stage",
        library=options.library,
        sources=sources,
        output=options.output / f"{name}.msi",
        version=version,
        identity=identity_of(files, epoch, makers),
        epoch=epoch,
    )
    shutil.rmtree(work)
    for suffix in ("msi", "zip"):
        path = options.output / f"{name}.{suffix}"
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


if __name__ == "__main__":
    main()
