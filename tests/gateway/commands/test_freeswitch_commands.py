"""Every verb against a simulated FreeSWITCH on a real socket: the API commands that go over the wire, and the PBX's own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

Made = Callable[..., AbstractAsyncContextManager[Any]]


OUTCOMES = (
    ("0991234500", "done", "answered", None), ("0991234517", "failed", "busy", "USER_BUSY"), ("0991234519", "failed", "no_answer", "NO_ANSWER"),
    ("0991234534", "failed", "congested", "NORMAL_CIRCUIT_CONGESTION"), ("0991234501", "failed", "unallocated", "UNALLOCATED_NUMBER"),
)  # fmt: skip


async def test_a_click_rings_the_agent_then_dials_and_tells_outcomes_apart(bench: Made) -> None:
    async with bench("freeswitch") as box:
        box.pbx.outbound.pick_up_s = box.pbx.outbound.answer_s = 0.05
        card = "Ana, {x} 'VIP'"
        names = [
            await box.give("originate", agent=f"agente-{101 + at}", number=number, preview=True, card=card)
            for at, (number, *_) in enumerate(OUTCOMES)
        ]
        for name, (_, state, outcome, cause) in zip(names, OUTCOMES, strict=True):
            end = await box.ended(name)
            assert (end.state, end.result["outcome"], end.result.get("cause"), end.result["of"]) == (state, outcome, cause, "number")
        first = box.done("originate")[0]["command"]
        assert first.endswith("}user/101@sim 0991234500 XML default")
        assert "callfloor_card='Ana x VIP'" in first


async def test_a_call_that_was_dialled_is_held_too(bench: Made) -> None:
    async with bench("freeswitch") as box:
        box.pbx.outbound.pick_up_s = 0.05
        dialled = await box.do("originate", agent="agente-101", number="0991234500")
        assert dialled.result["outcome"] == "answered"
        box.is_done(await box.do("hold", agent="agente-101"))
        box.is_done(await box.do("resume", agent="agente-101"))
        leg = box.done("originate")[0]["command"].partition("origination_uuid=")[2].partition(",")[0]
        assert [each["command"] for each in box.done("uuid_hold")] == [leg, f"off {leg}"]
        box.is_done(await box.do("hangup", agent="agente-101"))
        none = await box.do("hold", agent="agente-102")
        assert (none.state, none.reason.partition(":")[0]) == ("failed", "no_call")


async def test_the_agents_own_phone_is_told_apart(bench: Made) -> None:
    async with bench("freeswitch") as box:
        box.pbx.model.staff.agents["PJSIP/102"].mode = "talking"
        box.pbx.outbound.pick_up_s = 99.0
        busy, deaf = [await box.give("originate", agent=f"agente-{at}", number="0991234500", timeout_s=1) for at in (102, 101)]
        ends = [await box.ended(name) for name in (busy, deaf)]
        assert [(end.state, end.reason.partition(":")[0]) for end in ends] == [("failed", "agent_busy"), ("failed", "agent_no_answer")]


async def test_agents_pause_join_and_leave(bench: Made) -> None:
    async with bench("freeswitch") as box:
        assert (await box.do("pause", agent="agente-101", reason="almuerzo")).result == {"queues": ["soporte", "ventas"]}
        await box.until(lambda data: getattr(data, "state", "") == "paused" and data.agent == "agente-101")
        box.is_done(await box.do("unpause", agent="agente-101"))
        one = await box.do("pause", agent="agente-101", queues=["ventas"])
        assert (one.state, one.reason.partition(":")[0]) == ("refused", "unsupported")
        box.is_done(await box.do("queue_add", agent="jefa", queue="ventas", penalty=2))
        again = await box.do("queue_add", agent="jefa", queue="ventas")
        assert (again.state, again.reason) == ("failed", "pbx_error: callcenter_config: Tier already exist!")
        assert [each["command"] for each in box.done("callcenter_config")][-2:] == [
            "tier add 'ventas' 'Jefa' 2 1",
            "tier add 'ventas' 'Jefa' 1 1",
        ]
        box.is_done(await box.do("queue_remove", agent="jefa", queue="ventas"))


async def test_a_call_is_answered_held_listened_to_handed_on_and_hung_up(bench: Made) -> None:
    async with bench(
        "freeswitch", calls=12.0, ring_mean_s=3000.0, talk_mean_s=6000.0, patience_mean_s=6000.0, hasty_share=0.0, speed=5.0
    ) as box:
        box.pbx.outbound.pick_up_s = 0.05
        rang = await box.until(lambda data: type(data).__name__ == "CallRinging")
        box.is_done(await box.do("answer", agent=rang.agent))
        answered = await box.talking()
        assert answered.agent == rang.agent
        box.is_done(await box.do("hold", agent=rang.agent))
        await box.until(lambda data: type(data).__name__ == "CallHeld")
        box.is_done(await box.do("resume", call=answered.call))
        await box.until(lambda data: type(data).__name__ == "CallResumed")
        assert (await box.do("supervise", supervisor="jefa-2", agent=rang.agent, mode="barge")).result["outcome"] == "answered"
        assert "eavesdrop_whisper_aleg=true,eavesdrop_whisper_bleg=true" in box.done("originate")[0]["command"]
        attended = await box.do("transfer", call=answered.call, to="601", attended=True)
        assert (attended.state, attended.reason.partition(":")[0]) == ("refused", "unsupported")
        box.is_done(await box.do("transfer", call=answered.call, to="601"))
        await box.until(lambda data: type(data).__name__ == "CallTransferred")
        other = await box.until(lambda data: type(data).__name__ == "CallRinging" and data.call != answered.call)
        assert (await box.do("hangup", call=other.call)).result == {"call": other.call}
        assert (await box.do("hangup", call=other.call)).reason.startswith("no_call")


async def test_a_session_that_is_lost_in_the_middle_leaves_it_unknown(bench: Made) -> None:
    async with bench("freeswitch") as box:
        box.pbx.outbound.pick_up_s = 5.0
        name = await box.give("originate", agent="agente-101", number="0991234500")
        while not box.done("originate"):
            await asyncio.sleep(0.01)
        await box.pbx.fault("drop", seconds=0.2)
        assert (await box.ended(name)).reason.startswith("pbx_lost")
        box.is_done(await box.do("pause", agent="agente-101"))
        assert len(box.done("originate")) == 1
