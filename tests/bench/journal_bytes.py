"""`journal.bytes_per_event`: what reaches the device for each event at 50 a second, each committed at once."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.bare_journal import BareJournal
from tests.bench.disk import bytes_written, bytes_written_by, counted_disk
from tests.bench.room import Room, SkippedError, child, line_from, stop
from tests.bench.table import Row, at_most, compared
from tests.bench.work import body, event
from tests.bench.worker import tell

_RATE = 50


def bytes_per_event(room: Room) -> list[Row]:
    """Two writers side by side, each on a disk of its own: ours, and a bare one whose log is warm."""
    with ExitStack() as held:
        note, watched = "", []
        try:
            disks = [held.enter_context(counted_disk(room)) for _ in range(2)]
            folders, watched = [point for point, _ in disks], [device for _, device in disks]
        except SkippedError as reason:
            folders = [held.enter_context(room.passing()) for _ in range(2)]
            note = f"by /proc/PID/io, not by a device's count: {reason}"
        writers = [child(f"journal_bytes:{name}", folder=str(folder)) for name, folder in zip(("ours", "bare"), folders, strict=True)]
        for writer in writers:
            held.callback(stop, writer)
            line_from(writer)
        pairs = []
        for again in room.rounds(3, 1):
            seconds = 4 if room.quick else 12
            room.say(f"round {again + 1}: {seconds} s at {_RATE} events a second")
            before = _counts(watched, writers)
            for writer in writers:
                _ask(writer, seconds * _RATE)
            for writer in writers:
                line_from(writer)
            after = _counts(watched, writers)
            ours, peer = ((now - then) / (seconds * _RATE) for now, then in zip(after, before, strict=True))
            pairs.append((ours, peer))
    return [compared("journal.bytes_per_event", "B", pairs, "bare sqlite3, WAL warm, FULL", at_most(1.2, "× bare writer"), note)]


def _counts(devices: list[str], writers: list[subprocess.Popen[str]]) -> list[int]:
    subprocess.run(["sync"], check=True)
    return [bytes_written(device) for device in devices] or [bytes_written_by(writer.pid) for writer in writers]


def _ask(writer: subprocess.Popen[str], events: int) -> None:
    assert writer.stdin is not None
    writer.stdin.write(f"{events}\n")
    writer.stdin.flush()


def ours(folder: str) -> None:
    """Child: the journal, in service for a while already."""
    journal = SqliteJournal.open(Path(folder) / "journal" / "journal.db")
    for number in range(0, 1500, 100):
        journal.append([event(at) for at in range(number, number + 100)])
    _paced(lambda number: journal.append([event(number)]))
    journal.close()


def bare(folder: str) -> None:
    """Child: the peer, likewise."""
    journal = BareJournal(Path(folder) / "bare.db")
    journal.warm([body(number) for number in range(100)])
    _paced(lambda number: journal.append([body(number)]))
    journal.close()


def _paced(append: Any) -> None:
    for number in range(60):
        append(number)
    tell("ready")
    for line in sys.stdin:
        due = time.monotonic()
        for number in range(int(line)):
            append(number)
            due += 1 / _RATE
            time.sleep(max(0.0, due - time.monotonic()))
        tell("done")
