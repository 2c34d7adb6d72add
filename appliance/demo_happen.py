"""Decides how what a scenario says goes wrong befalls a simulated floor, each at its time, at the floor's speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from appliance.demo_floor import Around
from appliance.sim.floor_scenario import Happening, seconds_of

#: Told as something begins and ends: "begins"/"ends" and what.
Told = Callable[[str, Happening], object]


@asynccontextmanager
async def happening(around: Around, speed: float, told: Told = lambda _when, _what: None) -> AsyncIterator[None]:
    """While the block runs everything befalls the floor that its scenario says; times count from now, which is when it begins."""
    scenario = around.scenario
    if scenario is None:
        yield
        return
    zero_s = seconds_of(scenario.begins)
    tasks = [
        asyncio.create_task(
            _befall(around, one, (seconds_of(one.at) - zero_s) / speed, one.for_s / speed, told), name=f"happens {one.what}"
        )
        for one in scenario.happens
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _befall(around: Around, one: Happening, in_s: float, for_s: float, told: Told) -> None:
    await asyncio.sleep(in_s)
    told("begins", one)
    if one.what == "link-cut":
        if around.cable is not None:
            await around.cable.pull()
            await asyncio.sleep(for_s)
            await around.cable.plug()
    elif one.what == "adapter-pull":
        if around.lines is not None:
            around.lines.unplug(for_s)
            await asyncio.sleep(for_s)
    elif around.pbx is not None:
        await around.pbx.fault(one.what.removeprefix("pbx-"), seconds=for_s)
    told("ends", one)
