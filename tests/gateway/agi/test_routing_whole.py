"""A simulated PBX whose dialplan asks before it queues, the gateway that hears it, and the routing help between them, on one journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from appliance.core.catalogue import CallQueued, event_from_stored
from appliance.core.config import PbxConfig
from appliance.core.event import stored_from_body
from appliance.service import Context
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_agi import Agi
from gateway.pbx.service import Gateway

RULES = """
[[routing.rule]]
name = "cero"
caller = ["09*0", "09*1", "09*2", "09*3", "09*4"]
queue = "ventas"
priority = 7
set = { ORIGEN = "cero" }
[[routing.rule]]
name = "perdida"
caller = ["09*9"]
queue = "no_such_queue"
"""


async def test_every_call_goes_where_its_rule_says_and_hears_where_it_stands(
    box: Callable[..., AbstractAsyncContextManager[Any]], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("callfloor\n")
    async with box(RULES) as made:
        agi = Agi(f"agi://127.0.0.1:{made.port}/route?default=ventas")
        async with SimPbx(plan_named("morning", calls_per_min=20), seed=5, speed=20, agi=agi) as pbx:
            config = replace(made.config, pbx={"central": PbxConfig(port=pbx.port, secret_file=tmp_path / "secret")})
            gateway = asyncio.create_task(Gateway().run(Context(config, made.journal, made.clock, made.watch, "gateway")))
            try:
                async with asyncio.timeout(40):
                    while sum("CALLFLOOR_WAIT_S" in told.variables for told in pbx.routed.values()) < 10:
                        await asyncio.sleep(0.05)
            finally:
                gateway.cancel()
                await asyncio.gather(gateway, return_exceptions=True)
            visits = [visit for visit in pbx.model.visits if visit.call.number in pbx.routed]
            told = dict(pbx.routed)
    assert {each.status for each in told.values()} == {"SUCCESS"}
    assert made.ended("answered") >= len(told)
    first = {visit.call.number: visit for visit in reversed(visits)}
    assert len(first) > 10
    for number, visit in first.items():
        rule = told[number].variables.get("CALLFLOOR_RULE")
        assert rule == ("cero" if visit.call.caller[-1] in "01234" else "perdida" if visit.call.caller[-1] == "9" else None)
        if rule == "cero":
            assert (visit.queue.plan.name, visit.call.priority, told[number].variables["ORIGEN"]) == ("ventas", 7, "cero")
        else:  # none, or one that the PBX does not have: the dialplan's own
            assert (visit.queue.plan.name, visit.call.priority) == (visit.call.queue, 0)
    positions = [int(each.variables["CALLFLOOR_POSITION"]) for each in told.values() if "CALLFLOOR_POSITION" in each.variables]
    assert 1 <= min(positions) < max(positions)
    assert all(float(each.variables.get("CALLFLOOR_WAIT_S", 0)) >= 0 for each in told.values())
    rows = [event_from_stored(stored_from_body(row.body)) for row in made.journal_rows]
    data = [event.data for event in rows if event is not None]
    journalled = {each.uniqueid: each.queue for each in data if isinstance(each, CallQueued)}
    assert set(journalled.values()) >= {"ventas"}
