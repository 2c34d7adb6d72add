"""Rows that do not fit their kind: whoever reads the journal in the uplink passes them over, before and after a start."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance.core.callbacks_config import SatisfactionConfig
from appliance.core.catalogue import KINDS, CallRinging
from appliance.core.config import PbxConfig
from appliance.schema.example import example_of


def odd(box: Any) -> list[Any]:
    """One row of each kind, which no decoder of it takes."""
    rows = [example_of(kind) for kind in KINDS if KINDS[kind].type.__struct_fields__]
    return [box.event(msgspec.structs.replace(row, **{row.__struct_fields__[0]: {"no": "text"}})) for row in rows]


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
        box.journal.append([box.event(CallRinging(**of))])
        await rig.until(lambda name=name: box._task.done() or any(pop["call"] == name for pop in crm.named("pop/")))
        assert not box._task.done(), box._task.exception()
        await box.stop()
