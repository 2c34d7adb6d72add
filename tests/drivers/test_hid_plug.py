"""Hot-plug: udev's events at a mocked bus, and the sweep behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hid_rig import KEYBOARD, Bus, Talk, open_box, open_bus

from drivers.hid_device import HidInfo
from drivers.hid_plug import known
from drivers.hid_sysfs import Plugged

pytestmark = pytest.mark.usb
#: So long that no test sees a sweep.
NEVER_S = 600


@pytest.fixture(scope="module")
def shared() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


@pytest.fixture
def bus(shared: Bus) -> Iterator[Bus]:
    yield shared
    shared.do("clear")


@pytest.fixture
def box(bus: Bus) -> Iterator[Talk]:
    with open_box(bus) as made:
        yield made


def until(box: Talk, present: list[str]) -> dict[str, Any]:
    """Wait till these are plugged; all changes on the way."""
    changes: list[Any] = []
    for _ in range(50):
        told = box.do("changes", 1, 1.0)
        changes += told["changes"]
        if told["present"] == present:
            return {**told, "changes": changes}
    raise AssertionError((present, told))


def test_what_is_plugged_at_the_start_is_told_at_once(bus: Bus, box: Talk) -> None:
    bus.plug("1-2")
    bus.plug("1-3", descriptor=KEYBOARD)
    assert box.do("plugs_on", NEVER_S) == {"without_events": None}
    told = box.do("changes", 0)
    assert (told["changes"], told["present"]) == ([[[], ["1-2"]]], ["1-2"])


def test_plugged_and_pulled_by_events(bus: Bus, box: Talk) -> None:
    box.do("plugs_on", NEVER_S)
    bus.plug("1-2")
    assert until(box, ["1-2"])["changes"] == [[[], ["1-2"]]]
    bus.do("pull", "1-2")
    assert until(box, [])["changes"] == [[["1-2"], []]]


def test_a_hub_that_loses_power_without_a_word_is_found_by_the_sweep(bus: Bus, box: Talk) -> None:
    bus.plug("1-2")
    box.do("plugs_on", 0.2)
    until(box, ["1-2"])
    bus.do("pull", "1-2", "power")
    assert until(box, [])["changes"] == [[["1-2"], []]]


def test_taking_a_headset_and_giving_it_back_is_no_pull(bus: Bus, box: Talk) -> None:
    bus.plug("1-2")
    box.do("plugs_on", NEVER_S)
    box.do("changes", 1)
    for _ in range(2):
        box.do("open", "own", "1-2")
        assert box.do("changes", 1, 0.1)["changes"] == []
        box.do("close", "1-2")
        assert box.do("changes", 1, 0.1) | {"looks": 0} == {"changes": [], "present": ["1-2"], "looks": 0}


def test_one_that_another_program_holds_is_plugged(bus: Bus, box: Talk) -> None:
    bus.plug("1-2")
    with open_box(bus) as other:
        other.do("open", "own", "1-2")
        box.do("plugs_on", NEVER_S)
        assert box.do("changes", 0)["present"] == ["1-2"]


def test_a_storm_ends_in_what_is_plugged_with_few_looks(bus: Bus, box: Talk) -> None:
    box.do("plugs_on", NEVER_S)
    ports = [f"1-{hub}.{port}" for hub in range(2, 7) for port in range(1, 5)]
    for _ in range(2):
        for number, port in enumerate(ports):
            bus.plug(port, serial=f"S{number}")
            box.do("changes", 0)  # the mocked bus dies of a listener that does not keep up, where the kernel drops events
        assert len(until(box, sorted(ports))["present"]) == 20
        for port in ports:
            bus.do("pull", port)
            box.do("changes", 0)
        told = until(box, [])
    assert told["looks"] < 200, "of at least 240 events"


def info(address: int = 2, driver: str | None = "usbhid", descriptor: bytes | None = b"d") -> HidInfo:
    return HidInfo("1-2", 3, "/sys/x", 1, address, 1, 1, driver=driver, descriptor=descriptor)


def test_who_has_it_changes_and_its_descriptor_stays() -> None:
    before = known(Plugged((info(),)), {})
    for found in (
        Plugged(held=(info(driver="usbfs", descriptor=None),)),
        Plugged(left=(info(driver=None, descriptor=None),)),
        Plugged(moving=(info(descriptor=None),)),
    ):
        (after,) = known(found, before).values()
        assert (after.descriptor, after.driver) == (b"d", (found.held or found.left or found.moving)[0].driver)


def test_one_that_nobody_has_bound_yet_is_not_a_headset_yet() -> None:
    assert known(Plugged(left=(info(driver=None, descriptor=None),)), {}) == {}
    assert known(Plugged(moving=(info(descriptor=None),)), {}) == {}


def test_a_quick_replug_is_another_plugging() -> None:
    before = known(Plugged((info(2),)), {})
    after = known(Plugged((info(3),)), before)
    assert before.keys() ^ after.keys() == {("/sys/x", 2), ("/sys/x", 3)}


def test_what_was_seen_before_is_not_read_again_and_what_changed_hands_is(bus: Bus, box: Talk) -> None:
    """The answer is that of somebody who looks for the first time, whatever happened since the last look."""
    bus.plug("1-2")
    bus.plug("1-3", serial="S2")
    seen = [box.do("list_again")]

    def look() -> dict[str, Any]:
        fresh, again = box.do("list"), box.do("list_again")
        assert again == fresh
        seen.append(again)
        return again

    look()
    box.do("open", "own", "1-2")
    assert [info["port"] for info in look()["held"]] == ["1-2"]
    box.do("close", "1-2")
    assert look()["headsets"][0]["hidraw"] != seen[0]["headsets"][0]["hidraw"], "the kernel has given it another node"
    bus.do("pull", "1-3")
    bus.plug("1-3", serial="S3", product="Other")
    assert [info["product"] for info in look()["headsets"]] == ["Desk", "Other"]
    bus.do("pull", "1-2")
    assert [info["port"] for info in look()["headsets"]] == ["1-3"]
