"""From a phone that rings at a simulated PBX, of both kinds, through gateway, journal and uplink to whoever listens at a real broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from appliance.core.clock import NS, rfc3339
from appliance.core.commands_config import CommandOnly, Commands
from appliance.core.config import PbxConfig, Site
from appliance.core.directory_card import card_from, filed_from
from appliance.core.directory_store import Cards
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan
from appliance.sim.freeswitch import SimFreeswitch
from appliance.sim.pbx import SimPbx
from gateway.pbx.service import Gateway

PLAN = Plan(
    queues=(QueuePlan(name="ventas", extension="600", ring_timeout_s=900.0, timeout_s=9000.0),),
    agents=tuple(AgentPlan(extension=f"{at}", name=f"Agente {at}", queues=("ventas",)) for at in range(101, 107)),
    calls_per_min=60.0, surges=(), pause_every_s=0.0, no_answer_share=0.0, exit_key_share=0.0, hold_share=0.0, transfer_share=0.0,
    ring_mean_s=40.0, talk_mean_s=600.0, patience_mean_s=6000.0, hasty_share=0.0,
)  # fmt: skip

QUIET = replace(PLAN, calls_per_min=0.001, surges=((0.0, 0.0),))


def file_everybody(path: Path, callers: list[str]) -> None:
    store = Cards(path)
    cards = [{"customer": f"k-{at}", "numbers": [number], "segment": "vip"} for at, number in enumerate(callers)]
    with store.turn(), store.writing():
        store.upsert([filed_from(card_from(card), "EC")[0] for card in cards], 1, newest=True)
        store.note(1, 0)
    store.close()


def told(box: Any, kind: str) -> list[dict[str, Any]]:
    found, rows = [], box.journal.read(0)
    while rows:
        found += [msgspec.json.decode(row.body)["d"] for row in rows if row.body.startswith(f'{{"k":"{kind}"'.encode())]
        rows = box.journal.read(rows[-1].seq)
    return found


@contextlib.asynccontextmanager
async def floor(box: Any, kind: str, secret: Path, plan: Plan = PLAN) -> AsyncIterator[Any]:
    """A gateway on this box's journal, before a simulated PBX on which always the same people call."""
    sim: Any = SimFreeswitch if kind == "freeswitch" else SimPbx
    async with sim(plan, seed=3, speed=20.0, **({"password": "callfloor"} if kind == "freeswitch" else {})) as pbx:
        central = PbxConfig(kind=kind, port=pbx.port, secret_file=secret, reconnect_max_s=0.5)
        config = msgspec.structs.replace(box.config, pbx={"central": central})
        gateway = asyncio.create_task(Gateway().run(msgspec.structs.replace(box.context, service="gateway", config=config)))
        try:
            yield pbx
        finally:
            gateway.cancel()
            await asyncio.gather(gateway, return_exceptions=True)


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["asterisk", "freeswitch"])
async def test_every_ring_has_one_pop_with_the_card_that_the_match_named(rig, tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_text("callfloor\n")
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/+/+/pop/#")
    box = rig.box(broker.url, site=Site(name="quito", box="p3", timezone="America/Guayaquil"))
    async with floor(box, kind, tmp_path / "secret"):
        await rig.until(lambda: len(told(box, "call.queued")) >= 6)
    assert told(box, "call.matched") == []
    callers = sorted({each["caller"] for each in told(box, "call.queued") if each.get("caller")})
    file_everybody(tmp_path / "directory.db", callers)
    before = len(told(box, "call.ringing"))
    box.start()
    await rig.until(lambda: len(told(box, "pop.settled")) >= before)  # the first morning's are told at the start: within half a minute
    async with floor(box, kind, tmp_path / "secret"):
        await rig.until(lambda: len(told(box, "call.matched")) >= 4)
        await rig.until(lambda: len(told(box, "call.ringing")) >= before + 4)
    await rig.until(lambda: len(told(box, "pop.settled")) >= len([each for each in told(box, "call.ringing") if each.get("agent")]))
    rings = [each for each in told(box, "call.ringing") if each.get("agent")]
    pops = crm.named("pop/")
    ends = {end["pop"]: end for end in told(box, "pop.settled")}
    assert Counter((pop["call"], pop["agent"]) for pop in pops) + Counter(
        (end["call"], end["agent"]) for end in ends.values() if end["outcome"] != "delivered"
    ) == Counter((ring["call"], ring["agent"]) for ring in rings)
    assert len({pop["id"] for pop in pops}) == len(pops)
    for pop in pops:
        assert (pop["queue"], pop["title"], pop["why"]) == ("ventas", "ventas", "call")
        assert pop["waited_s"] is not None
        assert (pop["card"] is not None) == (ends[pop["id"]]["card"] == "found")
    assert sum(pop["card"] is not None and pop["card"]["vip"] for pop in pops) >= 3
    matched = told(box, "call.matched")
    assert max(Counter(each["call"] for each in matched).values()) == 1
    assert {each["caller"] for each in matched} <= set(callers)
    assert {each["customer"] for each in matched} >= {pop["card"]["customer"] for pop in pops[before:] if pop["card"] is not None}


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["asterisk", "freeswitch"])
async def test_a_preview_s_pop_is_there_before_he_picks_up(rig, tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_text("callfloor\n")
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/#")
    commands = Commands(allow=("originate",), only={"originate": CommandOnly(numbers=("*", "+*"))})
    file_everybody(tmp_path / "directory.db", ["+593991234567"])
    central = {"central": PbxConfig(kind=kind, port=1, secret_file=tmp_path / "secret")}
    box = rig.box(broker.url, commands=commands, pbx=central, site=Site(name="quito", box="p3", timezone="America/Guayaquil"))
    async with floor(box, kind, tmp_path / "secret", QUIET) as pbx:
        pbx.outbound.pick_up_s = 1.0
        await rig.until(lambda: told(box, "pbx.resynced"))
        box.start()
        await rig.until(lambda: crm.named("info"))
        args = {"agent": "agente-106", "number": "0991234567", "preview": True, "card": "Factura 4107 vencida"}
        command = {"id": "cmd-1", "time": rfc3339(box.clock.wall_ns()), "expires": rfc3339(box.clock.wall_ns() + 60 * NS), "args": args}
        crm.send("callfloor/1/quito/p3/cmd/originate", msgspec.json.encode(command))
        await rig.until(lambda: crm.named("pop/agente-106"))
        (pop,) = crm.named("pop/agente-106")
        assert [reply for reply in crm.named("reply/cmd-1") if reply["state"] != "accepted"] == [], "the phone rings still"
        assert (pop["why"], pop["command"], pop["text"], pop["card"]["customer"]) == ("preview", "cmd-1", "Factura 4107 vencida", "k-0")
        await rig.until(lambda: [reply for reply in crm.named("reply/cmd-1") if reply["state"] != "accepted"])
