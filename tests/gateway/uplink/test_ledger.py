"""The memory of command ids: seven days, a torn line, a file that does not grow for ever."""

from __future__ import annotations

from pathlib import Path

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
