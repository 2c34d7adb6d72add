"""Every verb against a simulated Asterisk on a real socket: what goes over the wire, and the PBX's own outcome as the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from appliance.core.commands_config import DialConfig
from appliance.sim.pbx_session import User

Made = Callable[..., AbstractAsyncContextManager[Any]]


OUTCOMES = (
    ("0991234500", "done", "answered", None), ("0991234517", "failed", "busy", 17), ("0991234519", "failed", "no_answer", 19),
    ("0991234534", "failed", "congested", 34), ("0991234501", "failed", "unallocated", 1), ("0991234521", "failed", "rejected", 21),
)  # fmt: skip


async def test_a_click_rings_the_agent_then_dials_and_tells_outcomes_apart(bench: Made) -> None:
    async with bench() as box:
        box.pbx.outbound.pick_up_s = box.pbx.outbound.answer_s = 0.05
        names = [await box.give("originate", agent=f"agente-{101 + at}", number=number) for at, (number, *_) in enumerate(OUTCOMES)]
        for name, (number, state, outcome, cause) in zip(names, OUTCOMES, strict=True):
            end = await box.ended(name)
            assert (end.state, end.result["outcome"], end.result.get("cause"), end.result["of"]) == (state, outcome, cause, "number")
            assert number not in (end.reason or "")
        first = box.done("Originate")[0]
        assert (first["channel"], first["exten"], first["async"], first["context"]) == ("PJSIP/101", "0991234500", "true", "from-internal")


async def test_the_agents_phone_that_is_busy_away_or_not_picked_up_is_told_apart_from_the_number(bench: Made) -> None:
    async with bench() as box:
        staff = box.pbx.model.staff.agents
        staff["PJSIP/102"].mode = "talking"
        staff["PJSIP/103"].mode = "away"
        box.pbx.outbound.pick_up_s = 99.0
        busy, away, deaf = [
            await box.give("originate", agent=f"agente-{at}", number="0991234500", timeout_s=0.2) for at in (102, 103, 101)
        ]  # fmt: skip
        ends = [await box.ended(name) for name in (busy, away, deaf)]
        assert [(end.state, end.reason.partition(":")[0]) for end in ends] == [
            ("failed", "agent_busy"), ("failed", "agent_unreachable"), ("failed", "agent_no_answer"),
        ]  # fmt: skip


async def test_a_preview_shows_the_card_and_hands_it_to_the_dialplan_without_anything_it_could_run(bench: Made) -> None:
    dial = DialConfig(context="salidas", preview_context="vista-previa", prefix="9", international="00")
    async with bench(dial=dial) as box:
        box.pbx.outbound.pick_up_s = box.pbx.outbound.answer_s = 0.05
        card = 'Ana <VIP>, debe ${SHELL(reboot)}"\r\nAction: Logoff'
        end = await box.do("originate", agent="agente-101", number="+593 99 123 4500", preview=True, card=card)
        assert end.state == "done"
        (told,) = box.done("Originate")
        assert (told["context"], told["exten"]) == ("vista-previa", "+593991234500")
        assert told["callerid"] == '"Ana VIP debe SHELL(reboot) Action: Logof" <101>'
        command, number, shown = told["variable"].split(",")
        assert (command, number) == ("CALLFLOOR_COMMAND=c-1", "CALLFLOOR_NUMBER=+593991234500")
        assert shown == "CALLFLOOR_CARD=Ana <VIP>; debe SHELL(reboot) Action: Logoff"
        box.is_done(await box.do("originate", agent="agente-102", number="+593 99 123 4500"))
        assert [(each["context"], each["exten"]) for each in box.done("Originate")][1] == ("salidas", "900593991234500")


async def test_pause_with_a_reason_in_all_queues_or_in_some(bench: Made) -> None:
    async with bench() as box:
        assert (await box.do("pause", agent="agente-101", reason="almuerzo")).result == {"queues": ["ventas", "soporte"]}
        assert (await box.do("pause", agent="agente-102", queues=["ventas"])).result == {"queues": ["ventas"]}
        told = box.done("QueuePause")
        assert [(each["interface"], each.get("queue"), each["paused"], each.get("reason")) for each in told] == [
            ("PJSIP/101", None, "true", "almuerzo"), ("PJSIP/102", "ventas", "true", None),
        ]  # fmt: skip
        state = await box.until(lambda data: getattr(data, "state", "") == "paused" and data.agent == "agente-101")
        assert state.reason == "almuerzo"
        box.is_done(await box.do("unpause", agent="agente-101"))
        await box.until(lambda data: getattr(data, "state", "") == "available" and data.agent == "agente-101")
        assert (await box.do("pause", agent="nadie")).reason.startswith("unknown_agent: nadie")
        assert (await box.do("pause", agent="jefa", queues=["ventas"])).reason == "not_a_member: jefa is not in ventas"
        assert (await box.do("pause", agent="jefa", queues=["cobros"])).reason.startswith("unknown_queue")


async def test_an_agent_joins_and_leaves_a_queue(bench: Made) -> None:
    async with bench() as box:
        box.is_done(await box.do("queue_add", agent="jefa", queue="ventas", penalty=2))
        again = await box.do("queue_add", agent="jefa", queue="ventas")
        assert (again.state, again.reason) == ("failed", "pbx_error: QueueAdd: Unable to add interface: Already there")
        (told, _) = box.done("QueueAdd")
        assert (told["queue"], told["interface"], told["membername"], told["penalty"]) == ("ventas", "PJSIP/190", "Jefa", "2")
        box.is_done(await box.do("queue_remove", agent="jefa", queue="ventas"))
        assert (await box.do("queue_remove", agent="jefa", queue="ventas")).reason == "not_a_member: jefa is not in ventas"


async def test_a_call_is_hung_up_handed_on_and_listened_to(bench: Made) -> None:
    async with bench(calls=12.0, ring_mean_s=0.1, talk_mean_s=6000.0, patience_mean_s=6000.0, hasty_share=0.0, speed=5.0) as box:
        box.pbx.outbound.pick_up_s = 0.05
        first = await box.talking()
        spied = await box.do("supervise", supervisor="jefa-2", agent=first.agent, mode="whisper")
        assert (spied.state, spied.result["outcome"]) == ("done", "answered")
        (told,) = box.done("Originate")
        assert (told["channel"], told["application"]) == ("PJSIP/191", "ChanSpy")
        assert told["data"].endswith(",qwES")
        assert told["data"].startswith("PJSIP/")
        handed = await box.do("transfer", call=first.call, to="601")
        assert handed.state == "done", handed
        transferred = await box.until(lambda data: type(data).__name__ == "CallTransferred" and data.call == first.call)
        assert (transferred.to, transferred.agent) == ("601", first.agent)
        other = await box.until(lambda data: type(data).__name__ == "CallAnswered" and data.call != first.call)
        plus = await box.do("transfer", call=other.call, to="+593991234567", attended=True)
        assert (plus.state, plus.reason.partition(":")[0]) == ("failed", "bad_number"), "a plus is no digit that Atxfer could play"
        assert (await box.do("transfer", call=other.call, to="601", attended=True)).result == {"outcome": "consulting"}
        assert (await box.do("hangup", agent=other.agent)).result == {"call": other.call}
        ended = await box.until(lambda data: type(data).__name__ == "CallEnded" and data.call == other.call)
        assert ended.agent == other.agent
        assert (await box.do("hangup", call="nada")).reason.startswith("no_call: no call nada")


async def test_a_phone_that_heeds_notify_answers_holds_and_resumes(bench: Made) -> None:
    dial = DialConfig(phone_notify=True)
    async with bench(
        calls=12.0, ring_mean_s=3000.0, talk_mean_s=6000.0, patience_mean_s=6000.0, hasty_share=0.0, speed=5.0, dial=dial
    ) as box:
        rang = await box.until(lambda data: type(data).__name__ == "CallRinging")
        box.is_done(await box.do("answer", agent=rang.agent))
        answered = await box.talking()
        assert answered.agent == rang.agent
        box.is_done(await box.do("hold", agent=rang.agent))
        await box.until(lambda data: type(data).__name__ == "CallHeld")
        box.is_done(await box.do("resume", call=answered.call))
        await box.until(lambda data: type(data).__name__ == "CallResumed")
        assert (await box.do("answer", agent=rang.agent)).reason == f"no_call: {rang.agent} has no call that rings"


async def test_what_asterisk_cannot_do_is_refused_with_the_way_out(bench: Made) -> None:
    async with bench() as box:
        for verb in ("answer", "hold", "resume"):
            end = await box.do(verb, agent="agente-101")
            assert end.state == "refused"
            assert end.reason.startswith("unsupported: Asterisk cannot make a phone")
            assert "phone_notify = true in [pbx.central.dial]" in end.reason


async def test_a_missing_right_says_what_to_write_into_manager_conf(bench: Made) -> None:
    async with bench(user=User(write=frozenset({"system", "reporting"}))) as box:
        end = await box.do("pause", agent="agente-101")
        assert end.state == "failed"
        assert end.reason == (
            'pbx_denied: the manager user "callfloor" may not QueuePause; add agent to its write line in manager.conf, then manager reload'
        )
        assert "add originate" in (await box.do("originate", agent="agente-101", number="0991234500")).reason


async def test_a_session_that_is_lost_in_the_middle_leaves_it_unknown_and_nothing_is_repeated(bench: Made) -> None:
    async with bench() as box:
        box.pbx.outbound.pick_up_s = 5.0
        name = await box.give("originate", agent="agente-101", number="0991234500")
        while not box.done("Originate"):
            await asyncio.sleep(0.01)
        await box.pbx.fault("drop", seconds=0.2)
        end = await box.ended(name)
        assert (end.state, end.reason.partition(":")[0]) == ("unknown", "pbx_lost")
        box.is_done(await box.do("pause", agent="agente-101"))
        assert len(box.done("Originate")) == 1


async def test_while_the_pbx_is_away_a_command_fails_soon(bench: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pbx.commands.READY_S", 0.3)
    async with bench() as box:
        fault = box.pbx.fault("drop", seconds=30.0)
        await box.until(lambda data: type(data).__name__ == "PbxDown")
        end = await box.ended(await box.give("pause", agent="agente-101"), 15.0)
        assert (end.state, end.reason.partition(":")[0]) == ("failed", "pbx_down")
        fault.cancel()
