"""The executable's header, parsed by hand: hardened, and needing only what Windows has (SEMANTICS W3)."""

import struct

import pytest
from support.runtime import EXE

MACHINE_AMD64 = 0x8664
RELOCS_STRIPPED = 0x0001
HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT = 0x0020, 0x0040, 0x0100
CONSOLE = 3
IMPORTS, RESOURCES, RELOCATIONS = 1, 2, 5
MESSAGE_TABLE, VERSION_INFORMATION, MANIFEST = 11, 16, 24

# All of them are part of Windows 10 and Server 2016; what is not in this list must be put there with thought.
SYSTEM_DLLS = {"kernel32.dll", "msvcrt.dll", "ucrtbase.dll", "ws2_32.dll", "advapi32.dll", "ntdll.dll"}


class Image:
    def __init__(self, data):
        self.data = data
        assert data[:2] == b"MZ"
        (start,) = struct.unpack_from("<I", data, 0x3C)
        assert data[start : start + 4] == b"PE\0\0"
        self.machine, sections, _, _, _, optional, self.characteristics = struct.unpack_from(
            "<HHIIIHH", data, start + 4
        )
        at = start + 24
        (magic,) = struct.unpack_from("<H", data, at)
        assert magic == 0x20B, "not PE32+"
        (self.image_base,) = struct.unpack_from("<Q", data, at + 24)
        (self.major_os,) = struct.unpack_from("<H", data, at + 40)
        self.subsystem, self.dll_characteristics = struct.unpack_from("<HH", data, at + 68)
        (count,) = struct.unpack_from("<I", data, at + 108)
        self.directories = [struct.unpack_from("<II", data, at + 112 + 8 * n) for n in range(count)]
        self.sections = []
        for number in range(sections):
            name, size, address, raw_size, raw, *_, flags = struct.unpack_from(
                "<8sIIIIIIHHI", data, at + optional + 40 * number
            )
            self.sections.append((name.rstrip(b"\0").decode(), address, max(size, raw_size), raw, flags))

    def offset(self, address):
        for _, start, size, raw, _ in self.sections:
            if start <= address < start + size:
                return address - start + raw
        raise AssertionError(f"address {address:#x} is in no section")

    def imports(self):
        at = self.offset(self.directories[IMPORTS][0])
        while True:
            fields = struct.unpack_from("<IIIII", self.data, at)
            if not any(fields):
                return
            name = self.offset(fields[3])
            yield self.data[name : self.data.index(b"\0", name)].decode().lower()
            at += 20


    def resource_types(self):
        """The numbers of the types of resources, which are the entries of the topmost folder."""
        at = self.offset(self.directories[RESOURCES][0])
        named, numbered = struct.unpack_from("<HH", self.data, at + 12)
        return {struct.unpack_from("<I", self.data, at + 16 + 8 * n)[0] for n in range(named, named + numbered)}


@pytest.fixture(scope="module")
def image():
    return Image(EXE.read_bytes())


def test_it_is_a_64_bit_console_program(image):
    assert image.machine == MACHINE_AMD64
    assert image.subsystem == CONSOLE


@pytest.mark.parametrize(
    "flag, name", [(HIGH_ENTROPY_VA, "high entropy ASLR"), (DYNAMIC_BASE, "ASLR"), (NX_COMPAT, "DEP")]
)
def test_it_is_hardened(image, flag, name):
    assert image.dll_characteristics & flag, f"no {name}"


def test_it_can_be_relocated(image):
    """ASLR without relocations moves nothing."""
    assert not image.characteristics & RELOCS_STRIPPED
    address, size = image.directories[RELOCATIONS]
    assert size > 0
    assert image.offset(address) > 0
    assert image.image_base > 0xFFFFFFFF  # high entropy needs a base above 4 GiB


def test_no_section_is_writable_and_executable(image):
    writable, executable = 0x80000000, 0x20000000
    assert not [name for name, *_, flags in image.sections if flags & writable and flags & executable]


def test_it_imports_only_what_windows_has(image):
    found = set(image.imports())
    assert "kernel32.dll" in found and "ws2_32.dll" in found  # the parser works
    unexpected = {name for name in found - SYSTEM_DLLS if not name.startswith("api-ms-win-")}
    assert not unexpected


@pytest.mark.parametrize(
    "kind, name",
    [(MESSAGE_TABLE, "message table"), (VERSION_INFORMATION, "version information"), (MANIFEST, "manifest")],
)
def test_it_brings_its_resources(image, kind, name):
    assert kind in image.resource_types(), f"no {name}"
