"""What the flags of Makefile.msvc alone put into the executable; tests/system/test_pe_header.py sees the rest."""

import struct
from pathlib import Path

import pytest

DATA = (Path(__file__).resolve().parents[2] / "build/msvc/fairlead.exe").read_bytes()
GUARD_CF = 0x4000
DEBUG, LOAD_CONFIGURATION = 6, 10


@pytest.fixture(scope="module")
def optional_header():
    (start,) = struct.unpack_from("<I", DATA, 0x3C)
    return start + 24


def test_indirect_calls_are_guarded(optional_header):
    (characteristics,) = struct.unpack_from("<H", DATA, optional_header + 70)
    assert characteristics & GUARD_CF, "/guard:cf"


@pytest.mark.parametrize("directory", [DEBUG, LOAD_CONFIGURATION])
def test_the_linker_wrote_its_tables(optional_header, directory):
    address, size = struct.unpack_from("<II", DATA, optional_header + 112 + 8 * directory)
    assert address != 0 and size != 0
