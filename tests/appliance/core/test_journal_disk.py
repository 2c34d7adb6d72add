"""A journal on a disk of its own that fills, goes read-only, or is another one of a sudden: real file systems, mounted for the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.clock import ManualClock
from appliance.core.disk import free_bytes, is_readonly
from appliance.core.errors import FullError, TransientError
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Cursor
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.reserve import BYTES as RESERVE_BYTES
from appliance.core.retention import GRACE_NS, SLACK_BYTES, TIGHT_BYTES
from appliance.core.store import Store
from appliance.runner_house import journal_health


def ran(*command: str | Path) -> None:
    """Run a command that needs root; skip where it is refused."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"not allowed here: {' '.join(map(str, command))}: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    ran("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def held(clock: ManualClock, count: int = 200) -> list[Event]:
    data = CallHeld(call="c" + "x" * 300, pbx="p")
    return [Event(kind_of(data), "t/t", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)] * count


def told(journal: SqliteJournal, kind: str) -> list[Any]:
    """The data of all rows of a kind that are still held."""
    out, after = [], 0
    while page := journal.read(after):
        stored = [stored_from_body(row.body) for row in page]
        out += [msgspec.json.decode(each.data) for each in stored if each.kind == kind]
        after = page[-1].seq
    return out


def filled(journal: SqliteJournal, clock: ManualClock, pause_s: float = 0.0) -> int:
    """Append until the disk takes no more; how many were taken."""
    taken = 0
    with pytest.raises(FullError, match="no room for the journal"):
        while taken < 200_000:
            journal.append(held(clock))
            clock.advance(pause_s)
            taken += 200
    return taken


def balanced(journal: SqliteJournal) -> None:
    books = journal.account("uplink")
    assert books.recorded == books.delivered + books.waiting + books.shed + books.skipped
    assert journal.head().n == books.recorded


@pytest.mark.parametrize("pause_s", [0.0, 2.0], ids=["at once", "slowly"])
def test_a_disk_that_the_journal_filled_sheds_the_oldest_after_a_grace_says_so_and_heals(
    disk: Path, tmp_path: Path, pause_s: float
) -> None:
    """At once: to the last byte, before anybody looked. Slowly: the file stops growing while there is still some room."""
    clock = ManualClock()
    journal = SqliteJournal.open(disk / "journal.db", run_dir=tmp_path / "run", clock=clock)
    journal.upkeep()
    assert (disk / "journal.reserve").stat().st_size == RESERVE_BYTES
    assert filled(journal, clock, pause_s) > (10_000 if pause_s else 20_000)
    assert journal.limits().full
    assert (free_bytes(disk) > TIGHT_BYTES // 2) is (pause_s > 0)
    journal.upkeep()
    assert journal.account("uplink").shed == 0, "somebody may free the disk yet, and services hold in memory what comes"
    with pytest.raises(FullError):
        journal.append(held(clock))
    clock.advance(GRACE_NS / 1e9 + 1)
    journal.upkeep()
    assert (disk / "journal.reserve").exists() is (pause_s > 0), "given where it was needed"
    shed = journal.account("uplink").shed
    assert 2000 <= shed <= 10_000, "no more than it takes to go on"
    assert told(journal, "journal.gap") == [{"from": 1}]
    balanced(journal)

    size = (disk / "journal.db").stat().st_size
    for _ in range(100):  # the file's own pages are the budget now
        journal.append(held(clock))
        clock.advance(4)
        journal.upkeep()
        assert journal.first_seq() > 1
    assert not journal.limits().full
    assert (disk / "journal.db").stat().st_size <= size + SLACK_BYTES
    balanced(journal)

    subprocess.run(["mount", "-o", "remount,size=96m", str(disk)], check=True)
    clock.advance(31)
    journal.upkeep()
    assert (disk / "journal.reserve").exists()
    ended = [(gap["from"], gap["to"]) for gap in told(journal, "journal.gap") if "to" in gap]
    assert ended[0][0] == 1
    assert [first for first, _ in ended[1:]] == [last + 1 for _, last in ended[:-1]]
    assert ended[-1][1] == journal.account("uplink").shed, "every number that went stands in one announced range"
    assert journal.check() == []
    shed = journal.account("uplink").shed
    journal.append(held(clock))
    clock.advance(600)
    journal.upkeep()
    assert journal.account("uplink").shed == shed
    journal.close()


def test_on_a_full_disk_what_the_crm_has_goes_and_nothing_is_lost(disk: Path, tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(disk / "journal.db", run_dir=tmp_path / "run", clock=clock)
    tended = SqliteJournal.open(disk / "journal.db", run_dir=tmp_path / "run", clock=clock)  # another process, which appends nothing
    tended.upkeep()
    tended.save("uplink", Cursor(journal.epoch, 0))
    filled(journal, clock)
    assert tended.limits().full, "known to whoever looks, not only to whom it befell"
    head = journal.head()
    tended.save("uplink", Cursor(head.epoch, head.seq, head.n))
    tended.upkeep()
    assert tended.first_seq() == 1, "what the boards fold stays for as long as it can"
    clock.advance(GRACE_NS / 1e9 + 1)
    tended.upkeep()
    journal.append(held(clock))
    assert journal.account("uplink").shed == 0
    assert told(journal, "journal.gap") == []
    balanced(journal)
    journal.close()
    tended.close()


def test_a_card_that_goes_read_only_is_known_and_the_journal_goes_on_where_it_is_mounted_again(tmp_path: Path) -> None:
    image, again, place = tmp_path / "card.img", tmp_path / "again.img", tmp_path / "card"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(32 * 1024**2)
    ran("mkfs.ext4", "-q", "-F", image)
    ran("mount", "-o", "loop", image, place)
    clock = ManualClock()
    try:
        journal = SqliteJournal.open(place / "journal.db", run_dir=tmp_path / "run", clock=clock)
        assert journal.append(held(clock, 10)) == 11
        assert not is_readonly(place)
        ran("mount", "-o", "remount,abort", place)  # what the kernel does by itself when the card fails
        with pytest.raises((FullError, TransientError), match="journal at"):  # both are kept in memory and tried again
            journal.append(held(clock, 10))
        assert is_readonly(place)
        assert len(journal.read(0)) == 11, "what is there can be read: the boards go on"
        assert journal.account("uplink").waiting == 11
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
    # As after a check of the disk: the same files with the same inode numbers, on another device.
    again.write_bytes(image.read_bytes())
    subprocess.run(["e2fsck", "-fy", str(again)], capture_output=True, check=False)
    ran("mount", "-o", "loop", again, place)
    try:
        epoch = journal.epoch
        assert journal.append(held(clock, 10)) == 21
        assert journal.epoch == epoch
        assert not is_readonly(place)
        assert journal.check() == []
        journal.close()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("kind", ["journal.gap", "journal.pressure"])
def test_what_cannot_be_announced_does_not_happen(tmp_path: Path, kind: str) -> None:
    """The announcement is in the same commit: a kill between the two finds neither or both."""

    def due(event: Event) -> bool:
        if event.kind == kind and armed:
            raise KeyboardInterrupt
        return True

    armed = True
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", max_bytes=4_000_000, clock=clock, due=due)
    while journal.limits().bytes_used < 4_050_000:
        journal.append(held(clock))
    with pytest.raises(KeyboardInterrupt):
        journal.upkeep()
    books = journal._query(lambda store: store.books())
    if kind == "journal.gap":
        assert (books.shed, books.gap_from, journal.first_seq()) == (0, 0, 1)
    assert not books.pressure
    armed = False
    journal.upkeep()
    assert told(journal, "journal.pressure") == [{"state": "begins"}]
    assert len(told(journal, "journal.gap")) == 1
    assert journal.account("uplink").shed > 0
    balanced(journal)
    journal.close()


def test_a_slow_disk_is_said_and_that_it_is_well_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the test goes on by what a flush takes."""
    clock, flush_s = ManualClock(), 0.008
    journal = SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    writing = Store._writing

    @contextmanager
    def slowly(store: Store) -> Iterator[Any]:
        with writing(store) as db:
            yield db
        clock.advance(flush_s)

    monkeypatch.setattr(Store, "_writing", slowly)
    for _ in range(5):
        journal.append(held(clock, 1))
    assert journal_health(journal.limits()).level == "ok"
    flush_s = 0.5
    journal.append(held(clock, 1))
    assert journal_health(journal.limits()).level == "ok", "one may have waited for something else"
    for _ in range(4):
        journal.append(held(clock, 1))
    said = journal_health(journal.limits())
    assert (said.level, "0.5 s for a commit" in said.text) == ("amber", True)
    flush_s = 0.008
    for _ in range(3):  # this process appends nothing more
        clock.advance(31)
        journal.upkeep()
    assert journal_health(journal.limits()).level == "ok"
    journal.close()
