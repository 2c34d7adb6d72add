"""Rows that do not fit their kind: whoever reads the journal in the uplink passes them over, before and after a start."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance.core import catalogue as c
from appliance.core.callbacks_config import SatisfactionConfig
from appliance.core.config import PbxConfig

CALL = {"call": "odd", "visit": "odd.1", "pbx": "central", "queue": "ventas"}


def odd(box: Any) -> list[Any]:
    """One row of each kind that something is made of, which no decoder takes."""
    rows = [
        c.CallQueued(**CALL), c.CallRinging(**CALL, agent="agente-101"), c.CallPreviewed(call="odd", pbx="central", agent="agente-101", dialled="1", command="k"),
        c.CallAnswered(**CALL, wait_s=1.0), c.CallAbandoned(**CALL, wait_s=1.0), c.CallLeft(**CALL, wait_s=1.0, reason="timeout"),
        c.CallSurvey(call="odd", pbx="central", question="csat", score=1.0), c.CallClassified(call="odd", pbx="central", type="extraordinary"),
        c.CallMatched(call="odd", pbx="central", customer="k", vip=True, version=1), c.CallDigits(call="odd", pbx="central"),
        c.CallbackOpened(callback="cb-x-1", why="requested", number="+12025550143"), c.CallbackClosed(callback="cb-x-1", reason="closed"),
        c.CallDissatisfied(call="odd", pbx="central", question="csat", score=1.0, limit=3.0), c.KpiTold(as_of="2026-11-21T14:00:00Z", fcr=0.5),
        c.PopSettled(pop="p", call="odd", agent="agente-101", outcome="delivered", card="found"),
        c.AlarmRaised(alarm="call.extraordinary.ana", level="red"), c.AlarmCleared(alarm="call.extraordinary.ana"),
    ]  # fmt: skip
    out = []
    for row in rows:
        first = row.__struct_fields__[0]
        out.append(box.event(msgspec.structs.replace(row, **{first: {"no": "text"}})))
    return out


@pytest.mark.broker
async def test_they_stop_nobody(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    box = rig.box(broker.url, pbx={"central": PbxConfig(host="h", username="u")})
    box.config = msgspec.structs.replace(box.config, satisfaction=SatisfactionConfig(limit={"csat": 3.0}))
    box.context = msgspec.structs.replace(box.context, config=box.config)
    for name in ("before", "between"):
        box.journal.append(odd(box))
        box.start()
        await rig.until(lambda: box.link() is not None or box._task.done())
        box.journal.append(odd(box))
        of = {"call": name, "visit": f"{name}.1", "pbx": "central", "queue": "ventas", "agent": "agente-101"}
        box.journal.append([box.event(c.CallRinging(**of))])
        await rig.until(lambda name=name: box._task.done() or any(pop["call"] == name for pop in crm.named("pop/")))
        assert not box._task.done(), box._task.exception()
        await box.stop()
