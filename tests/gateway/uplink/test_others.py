"""What is believed of other sites' topics, message by message: order, replays, junk, and what is handed to the boards."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import NS, ManualClock, rfc3339
from appliance.core.config import Config, Crm, Site, SiteConfig
from appliance.core.site_file import SiteFile, SiteFiles
from appliance.floor.snapshot import Queue, Snapshot
from gateway.uplink.link import Message
from gateway.uplink.others import MAX_BYTES, Others

FLOOR, STATUS = "callfloor/1/sur/piso-1/floor", "callfloor/1/sur/piso-1/status"
CONFIG = Config(
    site=Site(name="quito", box="p3"), crm=Crm(url="mqtt://127.0.0.1"), sites={"sur": SiteConfig(box="piso-1"), "b": SiteConfig(box="b")}
)


class Desk:
    """Others with a clock moved by hand, and the file that the boards would read."""

    def __init__(self, folder: Path, clock: ManualClock | None = None) -> None:
        self.clock = ManualClock() if clock is None else clock
        self.files = SiteFiles(folder)
        self.others = Others(CONFIG, self.clock, self.files)

    def floor(self, waiting: int, *, seq: int = 1, at: int = 0, epoch: str = "e", retain: bool = False) -> str:
        time = rfc3339(at * NS)
        floor = Queue(fresh="live", waiting=waiting)
        self.say(
            FLOOR, msgspec.json.encode(Snapshot(site="sur", box="piso-1", epoch=epoch, seq=seq, time=time, floor=floor)), retain=retain
        )
        return time

    def status(self, state: str, *, retain: bool = False, **more: Any) -> None:
        self.say(STATUS, msgspec.json.encode({"state": state, "since": None, "boot": "x", **more}), retain=retain)

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert self.others.takes(Message(topic, payload, 0, 0, retain))

    def turn(self, seconds: float = 1.0) -> SiteFile | None:
        self.clock.advance(seconds)
        self.others.turn()
        return self.files.read("sur")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def waiting(file: SiteFile | None) -> int | None:
    assert file is not None
    return msgspec.json.decode(file.floor, type=Queue).waiting


def heard_s(desk: Desk, file: SiteFile | None) -> float | None:
    """How long ago, None: only replayed."""
    assert file is not None
    return None if file.heard_ns is None else (desk.clock.mono_ns() - file.heard_ns) / NS


def test_each_sites_floor_is_asked_for_before_its_status() -> None:
    others = Others(CONFIG, ManualClock(), None)
    assert others.filters == (FLOOR, STATUS, "callfloor/1/b/b/floor", "callfloor/1/b/b/status")


def test_a_floor_said_now_is_heard_now(desk: Desk) -> None:
    desk.status("online", every_s=2.0)
    desk.floor(3)
    file = desk.turn()
    assert (waiting(file), heard_s(desk, file)) == (3, 1.0)
    assert file is not None
    assert (file.state, file.live_s, file.boot) == ("online", 17.0, desk.clock.boot)
    assert file.floor_ns == file.heard_ns


def test_a_replay_is_not_heard_until_its_box_names_it(desk: Desk) -> None:
    time = desk.floor(3, retain=True)
    desk.status("online", retain=True, floor=time)
    assert heard_s(desk, desk.turn()) is None
    desk.status("online", floor=time)
    file = desk.turn(2)
    assert (heard_s(desk, file), file.floor_ns if file else 0) == (2.0, None)
    assert heard_s(desk, desk.turn(30)) == 32.0  # and grows old when it is not named again


def test_a_status_that_names_another_floor_tells_that_ours_is_not_the_newest(desk: Desk) -> None:
    desk.floor(3, at=100)
    assert heard_s(desk, desk.turn()) == 1.0
    desk.status("online", floor=rfc3339(105 * NS))
    assert heard_s(desk, desk.turn()) is None
    desk.floor(4, at=110)
    assert heard_s(desk, desk.turn()) == 1.0


def test_a_status_from_before_the_floor_names_an_earlier_one_rightly(desk: Desk) -> None:
    desk.status("online", floor=rfc3339(100 * NS))
    desk.floor(4, at=105)
    assert heard_s(desk, desk.turn()) == 1.0


def test_an_older_floor_never_takes_a_newer_ones_place(desk: Desk) -> None:
    desk.floor(5, seq=9, at=100)
    desk.turn()
    for seq, at in ((8, 200), (9, 99)):
        desk.floor(1, seq=seq, at=at, retain=True)
        assert waiting(desk.turn()) == 5
    assert desk.others.old == 2
    desk.floor(6, seq=9, at=90)  # said now, its clock was put back
    assert waiting(desk.turn()) == 6
    desk.floor(7, seq=1, at=120, epoch="e2")  # a new journal counts from 1
    assert waiting(desk.turn()) == 7


def test_the_same_floor_replayed_stays_as_old_as_it_was_heard(desk: Desk) -> None:
    desk.floor(5, at=100)
    desk.turn()
    desk.floor(5, at=100, retain=True)
    assert heard_s(desk, desk.turn(4)) == 5.0


def test_its_will_and_its_coming_back(desk: Desk) -> None:
    desk.floor(3)
    desk.status("offline")
    file = desk.turn()
    assert file is not None
    assert (file.state, waiting(file)) == ("offline", 3)
    desk.status("online", floor=None)
    assert (file := desk.turn()) is not None
    assert file.state == "online"


def test_what_was_taken_away_is_forgotten(desk: Desk) -> None:
    desk.floor(3)
    desk.status("online")
    desk.turn()
    desk.say(STATUS, b"")
    file = desk.turn()
    assert file is not None
    assert file.state is None
    desk.say(FLOOR, b"")
    assert desk.turn() is None


def test_the_boards_are_told_once_a_second_at_most_and_then_the_newest(desk: Desk) -> None:
    desk.floor(1, seq=1)
    first = desk.turn()
    for seq in range(2, 5):
        desk.floor(seq, seq=seq)
        assert desk.turn(0.3) is first
    assert waiting(desk.turn(0.3)) == 4


@pytest.mark.parametrize("junk", [b"\0", b"null", b'{"state": "asleep"}', b"x" * (MAX_BYTES + 1), b"[" * 5000, b'{"state": []}'])
def test_junk_is_dropped_counted_and_changes_nothing(desk: Desk, junk: bytes, caplog: pytest.LogCaptureFixture) -> None:
    desk.floor(3)
    desk.status("online")
    before = desk.turn()
    for _ in range(5):
        desk.say(FLOOR, junk)
        desk.say(STATUS, junk)
        assert desk.turn() is before
    assert desk.others.dropped == 10
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 4  # the 1st, 2nd, 4th, 8th


@given(st.lists(st.tuples(st.sampled_from([FLOOR, STATUS]), st.binary(max_size=40), st.booleans()), max_size=20))
def test_no_bytes_do_harm(messages: list[tuple[str, bytes, bool]]) -> None:
    others = Others(CONFIG, ManualClock(), None)
    for topic, payload, retain in messages:
        assert others.takes(Message(topic, payload, 0, 0, retain))
        others.turn()


def test_commands_are_not_ours_to_read_and_a_stray_floor_is_no_longer_asked_for(desk: Desk) -> None:
    forgotten: list[str] = []
    desk.others.forget = forgotten.append
    assert not desk.others.takes(Message("callfloor/1/quito/p3/cmd/status", b"{}", 1, 1, False))
    assert desk.others.takes(Message("callfloor/1/norte/p1/floor", b"{}", 0, 0, False))
    assert forgotten == ["callfloor/1/norte/p1/floor"]


def test_the_own_floor_is_never_read_back() -> None:
    config = msgspec.structs.replace(CONFIG, sites={"yo": SiteConfig(site="quito", box="p3")})
    assert Others(config, ManualClock(), None).filters == ()


def test_a_service_started_anew_goes_on_where_it_was(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.status("online")
    time = desk.floor(3, seq=7, at=100)
    desk.turn()
    again = Desk(tmp_path, desk.clock)
    again.floor(2, seq=6, at=90, retain=True)
    again.floor(3, seq=7, at=100, retain=True)
    again.status("online", retain=True, floor=time)
    file = again.turn(3)
    assert (waiting(file), heard_s(again, file), file.state if file else "") == (3, 4.0, "online")


def test_what_is_left_of_another_boot_or_another_site_is_not_taken_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.floor(3, seq=7)
    desk.turn()
    desk.files.write("gone", msgspec.structs.replace(desk.files.read("sur"), site="gone"))
    again = Desk(tmp_path, ManualClock(boot="another"))
    assert again.files.read("gone") is None
    again.floor(1, seq=2, retain=True)
    assert waiting(again.turn()) == 1


def test_a_refused_topic_is_said_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        desk.others.asked()
        desk.others.subscribed(FLOOR, 0x87)
        desk.others.subscribed(STATUS, 0x87)
        assert desk.turn(40) is None
    said = [record.getMessage() for record in caplog.records if "sur" in record.getMessage()]
    assert said == [f"site sur stays unknown: the broker lets this box not read {FLOOR} (0x87): mend its access rules"]


def test_silence_is_said_once_and_so_is_its_end(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    desk.turn(40)  # no connection yet: silence says nothing
    desk.others.asked()
    for _ in range(3):
        desk.turn(40)
    desk.floor(1)
    desk.turn()
    said = [record.getMessage() for record in caplog.records if "sur" in record.getMessage()]
    assert len(said) == 2
    assert "nothing has come on" in said[0]
    assert said[1] == "site sur: its floor is heard"


def test_a_full_disk_keeps_what_is_newest_for_later(desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "sites").write_text("a file where the folder should be")
    desk.floor(1)
    assert desk.turn() is None
    desk.turn()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    (tmp_path / "sites").unlink()
    assert waiting(desk.turn()) == 1
