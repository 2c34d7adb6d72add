"""Forty headsets on hubs upon hubs, pulled and plugged in storms: in the end the journal says what is so at each desk, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from headset_floor import OFF, Floor, open_floor, seat_of
from hid_rig import Bus, open_bus

pytestmark = pytest.mark.usb
#: Five hubs behind the hub at a root port; the last one hangs at the fourth.
PORTS = [f"1-1.{hub}.{port}" for hub in range(1, 6) for port in range(1, 9)]


@pytest.fixture(scope="module")
def shared() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


@pytest.fixture
def floor(shared: Bus, tmp_path: Path) -> Iterator[Floor]:
    with open_floor(shared, tmp_path) as made:
        yield made


def test_a_storm_ends_in_what_is_so(floor: Floor) -> None:
    floor.plug(*PORTS[:4])
    floor.ready(*PORTS[:4])
    floor.storm(PORTS[:12], 60, random.Random(1))
    floor.settles()
    floor.judge()
    assert floor.stop() == 0
    assert "Traceback" not in floor.log()


@pytest.mark.parametrize("how", ["clean", "power"])
def test_a_hub_loses_its_power_and_has_it_again(floor: Floor, how: str) -> None:
    """All vanish at once, told by the kernel or not."""
    floor.plug(*PORTS[:8])
    floor.ready(*PORTS[:8])
    for port in PORTS[:8]:
        floor.say(port, OFF)
    floor.until(lambda: not floor.wrong(), "lifted")
    floor.cut(*PORTS[:8], how=how)
    floor.until(lambda: not floor.wrong(), "all are gone")
    floor.plug(*PORTS[:8])
    floor.settles()
    floor.judge()


def test_all_that_are_there_at_the_start_are_told_once(shared: Bus, tmp_path: Path) -> None:
    """Taking forty from the kernel moves them all in sysfs: none of them is pulled by that."""
    for port in PORTS:
        shared.plug(port, serial=port)
    with open_floor(shared, tmp_path) as floor:
        floor.ready(*PORTS)
        assert [floor.told(seat_of(port)) for port in PORTS] == [["attached"]] * len(PORTS)
        assert floor.stop() == 0
        assert floor.bus.do("claimed")["claimed"] == [], "all are given back"


@pytest.mark.slow
def test_forty_in_a_storm_of_two_thousand(floor: Floor) -> None:
    """Nothing hangs, nothing is told that was not so, and what the process holds does not grow."""
    floor.plug(*PORTS)
    floor.settles()
    chance = random.Random(2)
    sizes = []
    for _ in range(8):
        # With no event at all libusb itself never hears that one is gone, and takes the next at its address for it: there are 127.
        floor.storm(PORTS, 250, chance, ("clean", "late"))
        floor.settles()
        floor.judge()
        sizes.append(floor.size())
    print(*sizes, sep="\n")
    assert sizes[-1]["files"] <= max(size["files"] for size in sizes[:3]) + 20
    assert sizes[-1]["threads"] <= max(size["threads"] for size in sizes[:3]) + 5
    assert sizes[-1]["kb"] <= max(size["kb"] for size in sizes[:3]) + 8000
    assert floor.stop() == 0
    assert "Traceback" not in floor.log()
