"""The herald's own loop: the floor goes out at once when it is worth it, and a stop ends it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from appliance.core.config import Config
from appliance.floor_view import FloorView
from gateway.uplink.herald import Herald
from gateway.uplink.live import Live
from gateway.uplink.topic import Topics


async def test_a_stop_that_comes_together_with_an_alarm_ends_it(rig) -> None:
    box = rig.box("mqtt://127.0.0.1:9")
    view = FloorView(box.journal, Config(), box.clock)
    herald = Herald(box.context, Topics("quito", "piso-3"), Live(lambda: None), view, 5.0)
    task = asyncio.create_task(herald.run())
    await herald.ready.wait()
    await asyncio.sleep(0.01)
    herald.urgent()
    task.cancel()
    ended, _ = await asyncio.wait({task}, timeout=3)
    with contextlib.suppress(asyncio.CancelledError):
        task.cancel()
        await task
    assert ended == {task}


@pytest.mark.broker
async def test_a_floor_that_stands_still_is_named_again_and_not_sent_again(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/+/+/#")
    box = rig.box(broker.url)
    box.start()
    await rig.until(box.settled)
    await rig.until(lambda: len(crm.named("status")) > 3)
    first, *again = crm.named("status")
    assert (first["state"], first["floor"], first["every_s"]) == ("online", None, 0.2)
    floors = crm.named("floor")
    assert {status["since"] for status in again} == {first["since"]}
    assert again[-1]["floor"] == floors[-1]["time"]
    marks = [{key: floor[key] for key in ("seq", "crm", "health")} for floor in floors]
    assert all(before != after for before, after in itertools.pairwise(marks))  # each floor told something new
    await box.stop()
    await rig.until(lambda: crm.named("status")[-1]["state"] == "offline")
    assert set(crm.named("status")[-1]) == {"state", "since", "boot"}
