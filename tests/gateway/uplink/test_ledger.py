"""The memory of command ids: seven days, a torn line, a file that does not grow for ever."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import REMEMBER_NS
from gateway.uplink.ledger import Ledger


def received(command: str) -> CommandReceived:
    return CommandReceived(id=command, verb="ping", digest="d")


def test_what_was_synced_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    ledger = Ledger(path)
    assert ledger.received(received("a"), 1, "e", 7)
    assert not ledger.received(received("a"), 2, "e", 8)
    assert ledger.finished(CommandFinished(id="a", state="done", result={"x": 1})) is not None
    assert ledger.finished(CommandFinished(id="a", state="failed")) is None
    assert ledger.finished(CommandFinished(id="stranger", state="done")) is None
    ledger.received(received("b"), 3, "e", 9)
    ledger.sync()
    again = Ledger(path)
    known = again.get("a")
    assert known is not None
    assert (known.state, known.result, known.seq) == ("done", {"x": 1}, 7)
    assert [known.id for known in again.unfinished()] == ["b"]


def test_a_torn_line_costs_that_line(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    ledger = Ledger(path)
    for command in ("a", "b"):
        ledger.received(received(command), 1, "e", 1)
    ledger.sync()
    path.write_bytes(path.read_bytes()[:-9])
    again = Ledger(path)
    assert again.get("a") is not None
    assert again.get("b") is None
    again.received(received("c"), 1, "e", 2)
    again.sync()
    assert {line.partition(b'"id":"')[2][:1] for line in path.read_bytes().splitlines()} == {b"a", b"c"}


def test_seven_days_and_no_longer_and_the_file_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "commands.jsonl"
    ledger = Ledger(path)
    for number in range(3000):
        ledger.received(received(f"c{number}"), number, "e", number)
        ledger.finished(CommandFinished(id=f"c{number}", state="done"))
        if number % 500 == 0:
            ledger.sync()
    ledger.received(received("open"), 0, "e", 1)
    ledger.forget(REMEMBER_NS + 2_990)
    assert len(ledger) == 11
    assert ledger.get("open") is not None, "what has not ended is not forgotten"
    ledger.sync()
    assert len(path.read_bytes().splitlines()) == 11


def test_what_is_remembered_while_the_disk_is_written_waits_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced in a thread of its own, and commands come meanwhile."""
    path = tmp_path / "commands.jsonl"
    ledger, flush = Ledger(path), os.fsync

    def slow(descriptor: int) -> None:
        ledger.received(received("meanwhile"), 2, "e", 2)
        flush(descriptor)

    ledger.received(received("before"), 1, "e", 1)
    monkeypatch.setattr(os, "fsync", slow)
    ledger.sync()
    assert not ledger.is_durable
    monkeypatch.setattr(os, "fsync", flush)
    ledger.sync()
    assert ledger.is_durable
    assert [known.id for known in Ledger(path).unfinished()] == ["before", "meanwhile"]


def test_a_line_that_was_half_written_on_a_full_disk_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "commands.jsonl"
    ledger, flush = Ledger(path), os.fsync
    ledger.received(received("a"), 1, "e", 1)
    ledger.sync()

    def full(descriptor: int) -> None:
        os.ftruncate(descriptor, path.stat().st_size - 9)
        raise OSError(errno.ENOSPC, "No space left on device")

    ledger.received(received("b"), 1, "e", 2)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ledger.sync()
    monkeypatch.setattr(os, "fsync", flush)
    ledger.received(received("c"), 1, "e", 3)
    ledger.sync()
    assert [known.id for known in Ledger(path).unfinished()] == ["a", "b", "c"]
