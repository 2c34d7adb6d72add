"""Classified calls end to end: a simulated PBX on the wire whose agents classify, gateway, journal, uplink, a real broker, a CRM of plain paho."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from appliance.core.classification_config import Classification
from appliance.core.config import PbxConfig
from appliance.core.ivr_config import IvrConfig
from appliance.floor_view import FloorView
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_switch import class_of
from gateway.pbx.service import Gateway

CLASSES = Classification(words={"OK": "perfect", "INCOMPLETA": "imperfect", "IMPROPIA": "improper", "EXTRA": "extraordinary"})
PLAN = Plan(
    queues=(QueuePlan(name="ventas", extension="600", timeout_s=9000.0), QueuePlan(name="soporte", extension="601", timeout_s=9000.0)),
    agents=tuple(AgentPlan(extension=f"{at}", name=f"Agente {at}", queues=("ventas", "soporte")) for at in range(101, 107)),
    calls_per_min=60.0,
    surges=((0.0, 0.0),),  # nobody calls before the box is there
    talk_mean_s=6.0,
    patience_mean_s=60.0,
    pause_every_s=0.0,
    exit_key_share=0.0,
    transfer_share=0.0,
)


def truth(model: Any) -> Counter[str]:
    """By the model's own word: each conversation that ended, by what its agent says of calls of this number."""
    talks = (visit for visit in model.visits if visit.answered_s is not None and visit.ended_s is not None)
    words = (class_of(visit.call.number) for visit in talks)
    return Counter(CLASSES.words[word] for word in words if word is not None)


@pytest.mark.broker
async def test_the_boards_and_the_crm_have_what_the_agents_said(rig: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("callfloor\n")
    broker = rig.broker()
    box = rig.box(broker.url)
    async with SimPbx(PLAN, seed=5, speed=60.0, classifies=True) as pbx:
        own = PbxConfig(kind="asterisk", port=pbx.port, secret_file=tmp_path / "secret", reconnect_max_s=0.5, ivr=IvrConfig())
        box.config = replace(box.config, pbx={"central": own}, classification=CLASSES)
        box.context = replace(box.context, config=box.config)
        crm = rig.consumer(broker, "callfloor/#")
        gateway = asyncio.create_task(Gateway().run(replace(box.context, service="gateway")))
        box.start()
        try:
            view = FloorView(box.journal, box.config, box.clock)
            await rig.until(lambda: (view.catch_up(), view.snapshot().pbx["central"].state == "up")[1])
            until_s = rig.calls_for(pbx.model, 90.0)
            await rig.until(lambda: pbx.model.now_s > until_s and all(v.outcome not in ("waiting", "talking") for v in pbx.model.visits))
            wanted = truth(pbx.model)
            assert sum(wanted.values()) > 30, "a floor on which nobody classifies shows nothing"
            assert wanted["extraordinary"], "and one without anything extraordinary no alarm"
            await rig.until(lambda: (view.catch_up(), Counter(view.snapshot().floor.today.classes) == wanted)[1])
            shown = view.snapshot()
            assert sum((Counter(queue.today.classes) for queue in shown.queues.values()), Counter()) == wanted, "each in its queue"
            await rig.until(lambda: any(Counter(floor["floor"]["today"]["classes"]) == wanted for floor in crm.named("floor")[-3:]))
            await rig.until(box.settled)
        finally:
            gateway.cancel()
            await asyncio.gather(gateway, return_exceptions=True)
    told = [event["data"] for event in crm.first_seen() if event["type"] == "callfloor.call.classified.v1"]
    assert Counter(data["type"] for data in told) == wanted
    answered = {event["data"]["visit"]: event["data"] for event in crm.first_seen() if event["type"] == "callfloor.call.answered.v1"}
    for data in told:
        assert all(data[name] == answered[data["visit"]][name] for name in ("call", "queue", "agent"))
    raised = [event["data"] for event in crm.first_seen() if event["type"] == "callfloor.alarm.raised.v1"]
    extraordinary = {data["call"]: data["agent"] for data in told if data["type"] == "extraordinary"}
    assert {data["call"]: data["agent"] for data in raised if data["alarm"].startswith("call.")} == extraordinary
    assert msgspec.json.encode(shown).count(b"call.extraordinary.") == len(set(extraordinary.values()))
