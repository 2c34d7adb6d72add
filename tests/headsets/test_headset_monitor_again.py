"""The watch over USB headsets begun again after a fault of its own, on a machine where nothing is plugged any more."""

from __future__ import annotations

import asyncio

import pytest
from sim_desk import until
from test_headset_keeper import open_keeper, plugged, told

from appliance.core.catalogue import HeadsetDetached
from appliance.core.headset_config import HeadsetsConfig
from headsets.monitor import Monitor
from headsets.rim import Rim

pytest.importorskip("pyudev")


async def test_what_went_while_nobody_watched_is_told_also_at_seats_without_a_name() -> None:
    async with open_keeper() as (keeper, journal):
        keeper.seat("usb-99-7")
        keeper.apply("usb-99-7", plugged)
        rim = Rim()
        running = asyncio.create_task(Monitor(HeadsetsConfig(hold="watch"), keeper, rim, lambda: None).run())
        try:
            await until(lambda: HeadsetDetached(seat="usb-99-7") in told(journal))
        finally:
            running.cancel()
            await asyncio.wait((running,))
            await rim.finish()
        assert "usb-99-7" not in keeper.seats
