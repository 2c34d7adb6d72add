"""What `callfloor devices` and `headset watch` take from the journal: only what the service that runs now has said of a seat."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from appliance.cli.seat_journal import SeatJournal
from appliance.core.alive import Alive
from appliance.core.catalogue import BoxStarted, HeadsetAttached, HeadsetDetached, HeadsetHook, HeadsetMute, JournalPressure, kind_of
from appliance.core.clock import ManualClock
from appliance.core.config import Config, JournalConfig
from appliance.core.event import Event, Origin
from appliance.core.journal_sqlite import SqliteJournal


class Ground:
    """A journal in a file, and the lock that the service holds."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.journal = SqliteJournal.open(folder / "journal.db", run_dir=folder / "run", clock=self.clock)
        self.alive = Alive.open(folder / "run", "headsets")
        self.config = Config(journal=JournalConfig(path=folder / "journal.db", run_dir=folder / "run"))

    def tell(self, *told: msgspec.Struct, box: str | None = None) -> None:
        clock = self.clock
        clock.advance(1)
        origin = Origin(f"e-{self.journal.head().seq}", box, clock.wall_ns(), "synced") if box else None
        at = (clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality())
        self.journal.append([Event(kind_of(data), "headsets/headsets", *at, data, origin) for data in told])

    def close(self) -> None:
        self.alive.close()
        self.journal.close()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.close()


def hook(seats: SeatJournal) -> str | None:
    seats.catch_up()
    state = seats.state("a1")
    return state.hook if state is not None else None


def test_what_the_service_before_said_is_not_what_is_so_now(ground: Ground) -> None:
    """It died, the headset was pulled meanwhile, and its successor has nothing to say of that seat."""
    ground.tell(HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="off"))
    seats = SeatJournal(ground.config)
    assert hook(seats) == "off"
    ground.tell(BoxStarted(version="1", services=("gateway",)))
    assert hook(seats) == "off"
    ground.tell(BoxStarted(version="1", services=("headsets",)))
    assert hook(seats) is None
    ground.tell(HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="on"))
    assert hook(seats) == "on"
    seats.close()


def test_while_changes_are_not_recorded_nothing_is_known(ground: Ground) -> None:
    ground.tell(HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="off"))
    seats = SeatJournal(ground.config)
    ground.tell(JournalPressure(state="begins"))
    assert hook(seats) is None
    ground.tell(JournalPressure(state="ends"))
    assert hook(seats) == "unknown"
    seats.close()


def test_only_what_is_new_is_handed_on_and_seats_elsewhere_are_left_out(ground: Ground) -> None:
    ground.tell(*[HeadsetMute(seat="a1", mute=number % 2 == 0) for number in range(600)][:500])
    seats = SeatJournal(ground.config)
    assert seats.catch_up() == []
    ground.tell(HeadsetHook(seat="a1", hook="off"), HeadsetDetached(seat="a2"))
    ground.tell(HeadsetHook(seat="a1", hook="on"), box="isla-4")
    assert [event.kind for event in seats.catch_up()] == ["headset.hook", "headset.detached"]
    assert seats.catch_up() == []
    assert hook(seats) == "off"
    ground.alive.close()
    assert hook(seats) is None, "the service is dead"
    seats.close()
    ground.alive = Alive.open(ground.journal.run_dir, "headsets")


@pytest.mark.skipif(os.geteuid() != 0, reason="to become somebody else needs root")
def test_root_stays_root_for_it_alone_sees_who_holds_a_device_and_leaves_no_file_of_its_own() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        ground = Ground(folder)
        ground.tell(HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="off"))
        for each in (folder, *folder.rglob("*")):
            os.chown(each, 65_534, 65_534)
        seats = SeatJournal(ground.config)
        assert (seats.fault, hook(seats), os.geteuid(), os.getegid()) == (None, "off", 0, 0)
        assert {each.stat().st_uid for each in folder.glob("journal.db*")} == {65_534}
        seats.close()
        ground.close()
