"""What headsets do wrong, one at a time, before the real service: stalled, hung, mute, alike, broken, pulled in the middle of it all."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from headset_floor import MUTE, OFF, ON, Floor, open_floor, seat_of
from hid_rig import Bus, open_bus

pytestmark = pytest.mark.usb
#: Malformed: it speaks of telephony and of a hook, and ends in the middle of an item.
BROKEN = "050b0905a101850209201500250175019500"[:-2]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


@pytest.fixture
def floor(shared: Bus, tmp_path: Path) -> Iterator[Floor]:
    with open_floor(shared, tmp_path) as made:
        yield made


def test_devices_that_stall_or_hang_hold_up_nobody(floor: Floor) -> None:
    floor.plug("1-2", "1-3", "1-4")
    floor.plug("1-5", stall=["set_report"])
    floor.plug("1-6", "1-7", hang=["set_report"])
    floor.plug("1-8", hang=["set_idle"])
    every = [f"1-{port}" for port in range(2, 9)]
    floor.ready(*every)
    for port in every:
        floor.say(port, OFF)
    floor.until(lambda: not floor.wrong(), "each hook is told whatever its neighbours do")
    floor.until(lambda: all(floor.last(seat_of(port))["fault"] for port in ("1-5", "1-6", "1-7")), "presses go unanswered there")
    assert not [port for port in ("1-2", "1-3", "1-4", "1-8") if floor.last(seat_of(port))["fault"]]
    for port in ("1-5", "1-6", "1-7"):
        floor.bus.do("habit", port, {"stall": [], "hang": []})
    for port in every:
        floor.say(port, ON)
    floor.until(lambda: not floor.wrong(), "they answer again")
    floor.judge()
    assert floor.stop() == 0
    assert "Traceback" not in floor.log()


def test_pulled_in_the_middle_of_a_write_and_plugged_again(floor: Floor) -> None:
    for how in ("clean", "late", "power"):
        floor.plug("1-2", hang=["set_report"])
        floor.ready("1-2")
        floor.say("1-2", OFF)
        floor.until(lambda: floor.last(seat_of("1-2"))["hook"] == "off")
        floor.pull("1-2", how=how)
        floor.until(lambda: floor.last(seat_of("1-2"))["attached"] is False, how)
    floor.plug("1-2")
    floor.settles()
    floor.judge()
    assert floor.stop() == 0


def test_repeats_one_then_zero_and_a_mute_that_is_answered(floor: Floor) -> None:
    """Answered, it does not revert; said five times over, it is one press."""
    floor.plug("1-2", patience_s=0.4, reverts=ON)
    floor.ready("1-2")
    floor.say("1-2", OFF, *[OFF] * 20)
    floor.until(lambda: floor.last(seat_of("1-2")) == {"attached": True, "hook": "off", "mute": False, "fault": None})
    floor.bus.do("report", "1-2", *[MUTE[OFF][0]] * 5, MUTE[OFF][1])
    floor.until(lambda: floor.last(seat_of("1-2"))["mute"] is True)
    assert floor.told(seat_of("1-2")) == ["attached", "off"]
    assert floor.bus.log("1-2")[-1] == ("set_report 0202 3", "020300")
    floor.bus.do("press", "1-2", MUTE[OFF][0])
    floor.until(lambda: floor.last(seat_of("1-2"))["mute"] is False)
    floor.bus.do("habit", "1-2", {"stall": ["set_report"]})
    floor.bus.do("press", "1-2", MUTE[OFF][0])  # nobody can answer this one: it hangs up by itself, and says so
    floor.until(lambda: floor.last(seat_of("1-2"))["hook"] != "off")


def test_two_alike_without_serial_each_keep_their_seat(shared: Bus, tmp_path: Path) -> None:
    with open_floor(shared, tmp_path, ana="usb:1209:0001", luis="usb:1209:0001@1-3") as floor:
        floor.plug("1-2", "1-3", serial="")
        floor.ready("1-2", "1-3")
        for port, seat in (("1-2", "ana"), ("1-3", "luis")):
            floor.bus.do("report", port, OFF)
            floor.until(lambda seat=seat: floor.last(seat)["hook"] == "off")
        floor.bus.do("pull", "1-2")
        floor.until(lambda: floor.last("ana")["attached"] is False)
        assert floor.last("luis")["hook"] == "off"
        floor.bus.plug("1-2", serial="")
        floor.until(lambda: floor.last("ana")["attached"])
        assert floor.last("luis")["attached"]
        assert floor.last("ana")["hook"] == "unknown", "nothing is known of one that was plugged just now"


def test_malformed_reports_and_descriptors_are_counted_and_named(floor: Floor) -> None:
    floor.plug("1-2", power="auto")
    floor.plug("1-3", descriptor=BROKEN)
    floor.ready("1-2")
    floor.bus.do("report", "1-2", "02", "0700ff", "ff" * 64, "00")
    floor.say("1-2", OFF)
    floor.until(lambda: floor.last(seat_of("1-2"))["hook"] == "off")
    floor.until(lambda: "at port 1-2: report" in floor.log(), "the drop is logged with the device")
    floor.until(lambda: floor.last(seat_of("1-3"))["fault"], "its descriptor is told")
    assert floor.last(seat_of("1-3"))["hook"] == "unknown"
    assert "may suspend it" in floor.log(), "autosuspend is told"
    assert floor.told(seat_of("1-2")) == ["attached", "off"]


def test_a_flood_is_bounded_and_the_others_are_heard(floor: Floor) -> None:
    floor.plug("1-2", "1-3")
    floor.ready("1-2", "1-3")
    for _ in range(40):
        floor.bus.do("report", "1-2", *[ON, OFF] * 10)
    floor.say("1-3", OFF)
    floor.until(lambda: floor.last(seat_of("1-3"))["hook"] == "off")
    assert len(floor.events()) < 400


def test_killed_in_the_middle_it_finds_what_is_so_at_its_next_start(floor: Floor) -> None:
    floor.plug("1-2", "1-3", "1-4")
    floor.ready("1-2", "1-3", "1-4")
    for port in ("1-2", "1-3", "1-4"):
        floor.say(port, OFF)
    floor.until(lambda: not floor.wrong())
    floor.stop(signal.SIGKILL)
    floor.pull("1-3")
    floor.plug("1-5")
    floor.start()
    floor.settles()
    assert floor.stop() == 0
    assert floor.bus.do("claimed")["claimed"] == [], "all are given back"


def test_watched_headsets_are_never_written_and_never_taken(shared: Bus, tmp_path: Path) -> None:
    with open_floor(shared, tmp_path, 'hold = "watch"') as floor:
        floor.plug("1-2", "1-3")
        floor.until(lambda: floor.last(seat_of("1-2"))["attached"])
        floor.until(lambda: bool(floor.say("1-2", OFF)) or floor.last(seat_of("1-2"))["hook"] == "off")
        floor.pull("1-2")
        floor.until(lambda: floor.last(seat_of("1-2"))["attached"] is False)
        assert {what for what, _ in floor.bus.log("1-3")} == set()
        assert floor.bus.do("claimed")["claimed"] == []
        assert floor.stop() == 0
