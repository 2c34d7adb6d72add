"""Every warning and error of the program is an event of the catalogue; under journald it goes there with its id, by journald's own protocol."""

from __future__ import annotations

import ast
import logging
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import log_page
from appliance.log_events import EVENTS, message_id
from appliance.log_journald import JournaldHandler, fields_of, is_read_by_journald
from appliance.log_lines import LINES
from appliance.runner_log import OneLine

ROOT = Path(__file__).parents[2]
_SAID = {"warning", "error", "critical", "exception"}


def lines_of(path: Path) -> Iterator[tuple[str, str, int]]:
    """Logger, text and place of each warning and error of a module."""
    tree, logger = ast.parse(path.read_text()), ""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_log":
            assert isinstance(node.value, ast.Call)
            named = node.value.args[0]
            logger = str(named.value) if isinstance(named, ast.Constant) else ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        said = _said_by(node.func)
        if said in {*_SAID, "log"}:
            text = node.args[1] if said == "log" else node.args[0]
            assert isinstance(text, ast.Constant), f"{path}:{node.lineno}: the text of a log line is a constant, so that it can be known"
            yield logger, str(text.value), node.lineno


def _said_by(called: ast.expr) -> str:
    """The level of a call of `_log`; of a choice between two the second; "" for any other call."""
    if isinstance(called, ast.IfExp):
        return _said_by(called.orelse)
    return called.attr if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "_log" else ""


def test_every_warning_and_error_has_an_event() -> None:
    found: dict[str, set[str]] = {}
    for package in ("appliance", "drivers", "gateway", "headsets", "wallboard"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for logger, text, at in lines_of(path) if "_log" in path.read_text() else ():
                found.setdefault(logger, set()).add(text)
                assert text in LINES.get(logger, {}), f"{path}:{at}: give this line an event in appliance/log_lines.py: {text!r}"
    known = {logger: set(texts) for logger, texts in LINES.items()}
    assert known == found, "a line of appliance/log_lines.py is said by nobody any more"
    assert {event for texts in LINES.values() for event in texts.values()} == set(EVENTS)


def test_ids_are_each_their_own_and_the_page_and_the_catalogue_are_as_the_table() -> None:
    assert len({message_id(name) for name in EVENTS}) == len(EVENTS)
    assert message_id("service.stopped") == "bf03520995f3ca689de0186a1cd96a9a"  # what somebody searches by never changes
    assert (ROOT / "docs/log-events.md").read_text() == log_page.page(), "make docs"
    assert (ROOT / "systemd/callfloor.catalog").read_text() == log_page.catalog(), "make docs"


def test_journald_s_own_compiler_takes_the_catalogue(tmp_path: Path) -> None:
    place = tmp_path / "usr/lib/systemd/catalog"
    place.mkdir(parents=True)
    (place / "callfloor.catalog").write_text(log_page.catalog())
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    said = subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"], capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, said.stderr) == (0, "")
    listed = subprocess.run(
        ["journalctl", f"--root={tmp_path}", "--list-catalog"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert {line.split()[0] for line in listed.splitlines()} == {message_id(name) for name in EVENTS}


def read(data: bytes) -> dict[str, str]:
    """A datagram as the protocol has it."""
    found: dict[str, str] = {}
    while data:
        head, _, rest = data.partition(b"\n")
        key, equals, value = head.partition(b"=")
        if not equals:
            size = struct.unpack("<Q", rest[:8])[0]
            value, rest = rest[8 : 8 + size], rest[9 + size :]
        found[key.decode()] = value.decode()
        data = rest
    return found


@pytest.fixture
def journald(short_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(short_path / "socket"))
        ours.settimeout(5)
        yield ours


def handler_to(path: str, beside: logging.Handler) -> JournaldHandler:
    return JournaldHandler("gateway", beside, OneLine(bare=True), {logging.WARNING: 4, logging.ERROR: 3, logging.INFO: 6}, path)


def record(name: str, level: int, text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(name, level, "/opt/callfloor/gateway/pbx/link.py", 119, text, args, None, "_once")


def test_a_line_goes_to_journald_with_its_event_and_its_place(journald: socket.socket) -> None:
    handler = handler_to(journald.getsockname(), logging.NullHandler())
    try:
        handler.emit(record("callfloor.gateway", logging.WARNING, "pbx %s: out of sight (%s): %s", "central", "lost", "a\nb=c"))
        handler.emit(record("somebody.else", logging.ERROR, "what we do not know"))
        handler.emit(record("callfloor.gateway", logging.INFO, "line source %s: in sight", "x"))
        handler.emit(record("callfloor.gateway", logging.WARNING, "x" * 1_000_000))
    finally:
        handler.close()
    first, second, third, fourth = (read(journald.recv(1 << 20)) for _ in range(4))
    assert first == {
        "MESSAGE": r"callfloor.gateway: pbx central: out of sight (lost): a\nb=c", "PRIORITY": "4", "SYSLOG_IDENTIFIER": "callfloor",
        "CALLFLOOR_SERVICE": "gateway", "CALLFLOOR_LOGGER": "callfloor.gateway", "CALLFLOOR_EVENT": "pbx.out_of_sight",
        "MESSAGE_ID": message_id("pbx.out_of_sight"), "CODE_FILE": "/opt/callfloor/gateway/pbx/link.py", "CODE_LINE": "119",
        "CODE_FUNC": "_once",
    }  # fmt: skip
    assert (second["PRIORITY"], "MESSAGE_ID" in second) == ("3", False)
    assert (third["PRIORITY"], "MESSAGE_ID" in third) == ("6", False)
    assert len(fourth["MESSAGE"]) == 16_384


def test_a_value_with_line_breaks_cannot_forge_a_field() -> None:
    said = fields_of(record("a", logging.ERROR, "x"), "one\nPRIORITY=0\n", 3, "gateway")
    from appliance.log_journald import datagram  # noqa: PLC0415

    assert read(datagram(said)) == said


def test_without_journald_the_line_goes_where_it_went_before(tmp_path: Path) -> None:
    kept: list[logging.LogRecord] = []
    beside = logging.Handler()
    beside.emit = kept.append  # type: ignore[method-assign, assignment]
    handler = handler_to(str(tmp_path / "nobody"), beside)
    try:
        handler.emit(record("a", logging.WARNING, "said all the same"))
    finally:
        handler.close()
    assert [one.getMessage() for one in kept] == ["said all the same"]


def test_journald_is_known_by_the_descriptor_that_it_reads(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as file:
        stat = os.fstat(file.fileno())
        assert is_read_by_journald({"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"}, file.fileno())
        for said in (f"{stat.st_dev}:{stat.st_ino + 1}", "rubbish", ""):
            assert not is_read_by_journald({"JOURNAL_STREAM": said}, file.fileno())
        assert not is_read_by_journald({}, file.fileno())
