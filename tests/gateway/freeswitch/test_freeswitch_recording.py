"""A recording of a FreeSWITCH is replayed with configurations that its maker did not know: with trunks, and without."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from appliance.core.clock import SystemClock
from appliance.core.config import Config, PbxConfig, TrunkConfig
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.freeswitch import SimFreeswitch
from gateway.freeswitch.source import CHANNELS
from gateway.pbx.capture import record
from gateway.pbx.replay_feed import feed_capture

TRUNKS = Config(trunks={"pstn": TrunkConfig(lines=30, channels=("sofia/external/",))})


async def recorded(tmp_path: Path) -> list[bytes]:
    (tmp_path / "secret").write_text("ClueCon")
    lines: list[bytes] = []
    async with SimFreeswitch(plan_named("morning", calls_per_min=None, agents=None), seed=3, speed=30) as pbx:
        config = PbxConfig(kind="freeswitch", port=pbx.port, secret_file=tmp_path / "secret")
        task = asyncio.create_task(record("central", config, SystemClock(), lines.append))
        async with asyncio.timeout(60):
            while sum(b"callcenter%3A%3Ainfo" in line for line in lines) < 30:
                await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return lines


async def test_all_is_recorded_that_a_configuration_may_ask_for(tmp_path: Path, tally: Any) -> None:
    lines = await recorded(tmp_path)
    assert any(CHANNELS in json.loads(line).get("sent", "") for line in lines)
    plain, trunks = (tally(event for _, events in feed_capture(lines, config) for event in events) for config in (Config(), TRUNKS))
    assert len(plain.of("pbx.up")) == len(trunks.of("pbx.up")) == 1
    assert plain.total("offered") == trunks.total("offered") > 0


async def test_a_recording_without_the_channels_is_replayed_with_trunks_all_the_same(tmp_path: Path, tally: Any) -> None:
    lines = [line for line in await recorded(tmp_path) if CHANNELS not in json.loads(line).get("sent", "")]
    counted = tally(event for _, events in feed_capture(lines, TRUNKS) for event in events)
    assert len(counted.of("pbx.up")) == len(counted.of("pbx.resynced")) == 1
    assert counted.total("offered") > 0
