"""docs/service.md: what it shows of a console is what the executable says."""

import re

import pytest
from support import runtime, transcript

pytestmark = pytest.mark.linux

DOCUMENT = runtime.ROOT / "docs/service.md"


def test_console_in_the_document_is_what_is_said(tmp_path, wine_server):
    text = DOCUMENT.read_text()
    steps = transcript.steps(text)
    ports = set(re.findall(r"\b(?:127\.0\.0\.1):(\d+)\b", text)) | {"8404", "8888", "8080"}
    assert len(steps) > 30
    with transcript.Machine(tmp_path, ports) as machine:
        machine.copy_in("Program Files/Fairlead")
        machine.copy_in("New")
        for folder, command, expected in steps:
            said = machine.run(folder, command)
            assert transcript.comparable(said) == transcript.comparable(expected), f"{folder}> {command}\n{said}"


def test_events_in_the_document_are_those_of_the_header():
    header = (runtime.ROOT / "server/base/event.h").read_text()
    numbers = [int(number) for number in re.findall(r"EVENT_\w+ = (\d+)", header)]
    listed = [int(number) for number in re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.M)]
    assert listed == [number for number in numbers if number != 0]
