"""The herald's own loop: the floor goes out at once when it is worth it, and a stop ends it."""

from __future__ import annotations

import asyncio
import contextlib

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
