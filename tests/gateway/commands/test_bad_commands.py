"""Bad input at the gateway: refused or expired with a reason, each once, and nothing at the PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.commands_config import Commands
from appliance.core.event import Event

Made = Callable[..., AbstractAsyncContextManager[Any]]

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("originate", {"agent": "agente-101", "number": "0800-FLORES"}, "bad_number"),
    ("originate", {"agent": "agente-101", "number": "112"}, "emergency"),
    ("originate", {"agent": "agente-101", "number": "9" * 4000}, "bad_args"),
    ("originate", {"agent": "agente-101\r\nAction: Logoff", "number": "2040"}, "bad_args"),
    ("originate", {"agent": "agente-101", "number": "2040", "shell": "reboot"}, "bad_args"),
    ("originate", {"agent": "agente-101", "number": 2040}, "bad_args"),
    ("originate", {"agent": "agente-101", "number": "2040", "timeout_s": 1e9}, "bad_args"),
    ("hangup", {}, "bad_args"),
    ("hangup", {"call": "x", "agent": "agente-101"}, "bad_args"),
    ("pause", {"agent": "agente-101", "queues": "ventas"}, "bad_args"),
    ("queue_add", {"agent": "agente-101", "queue": "../etc"}, "bad_args"),
    ("supervise", {"supervisor": "agente-101", "agent": "jefa", "mode": "listen"}, "not_a_supervisor"),
    ("supervise", {"supervisor": "jefa", "agent": "agente-101", "mode": "record"}, "bad_args"),
    ("transfer", {"call": "x", "to": "*2"}, "bad_number"),
]


async def test_hostile_arguments_are_refused_and_nothing_is_run(bench: Made) -> None:
    async with bench() as box:
        names = [await box.give(verb, **args) for verb, args, _ in BAD]
        for name, (verb, args, why) in zip(names, BAD, strict=True):
            end = await box.ended(name)
            assert (end.state, end.reason.partition(":")[0]) == ("refused", why), (verb, args)
        assert not box.pbx.done


async def test_what_is_not_allowed_expired_undated_or_old_is_not_run(bench: Made) -> None:
    async with bench(commands=Commands(allow=("originate", "pause"))) as box:
        cases = [
            (await box.give("hangup", agent="agente-101"), "refused", "not_allowed"),
            (await box.give("originate", agent="agente-101", number="2040", expires_s=None), "refused", "expires_required"),
            (await box.give("originate", agent="agente-101", number="2040", expires_s=-1.0), "expired", "expired at"),
            (await box.give("originate", agent="agente-101", number="2040"), "refused", "number_not_allowed"),
        ]
        for name, state, why in cases:
            end = await box.ended(name)
            assert (end.state, end.reason.startswith(why)) == (state, True), end
        assert not box.pbx.done


async def test_an_hour_old_click_never_dials_however_long_it_is_said_to_hold(bench: Made) -> None:
    async with bench() as box:
        clock = box.context.clock
        received = CommandReceived(
            id="old", verb="originate", args={"agent": "agente-101", "number": "2040"}, expires=rfc3339(clock.wall_ns() + 3600 * NS)
        )  # fmt: skip
        hour_ns = 3600 * NS
        event = Event(
            "command.received", "uplink/x", clock.wall_ns() - hour_ns, clock.mono_ns() - hour_ns, clock.boot, clock.quality(), received
        )  # fmt: skip
        await box.journal.appended([event])
        end = await box.ended("old")
        assert (end.state, end.reason.partition(":")[0]) == ("expired", "too_old")
        assert not box.pbx.done


class Unset(SystemClock):
    """A box that does not know the time."""

    def quality(self) -> Any:
        return "unset"


async def test_without_a_clock_no_call_is_touched_and_a_pause_is(bench: Made) -> None:
    async with bench(clock=Unset()) as box:
        assert (await box.do("originate", agent="agente-101", number="2040")).reason == "clock_unset"
        assert (await box.do("pause", agent="agente-101")).state == "done"
        assert [each["action"] for each in box.pbx.done] == ["QueuePause"]


async def test_an_id_that_comes_again_runs_no_second_time(bench: Made) -> None:
    async with bench() as box:
        for _ in range(3):
            await box.give("pause", name="once", agent="agente-101", reason="x")
        await box.do("pause", agent="agente-102")
        assert len(box.ends("once")) == 1
        assert [each["interface"] for each in box.pbx.done] == ["PJSIP/101", "PJSIP/102"]


async def test_one_refused_at_the_door_is_not_run_and_not_ended_again(bench: Made) -> None:
    async with bench() as box:
        received = CommandReceived(id="door", verb="pause", args={"agent": "agente-101"})
        end = CommandFinished(id="door", state="refused", reason="retained")
        clock = box.context.clock
        await box.journal.appended(
            [
                Event(kind, "uplink/x", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
                for kind, data in (("command.received", received), ("command.finished", end))
            ]
        )  # fmt: skip
        await box.do("pause", agent="agente-102")
        assert len(box.ends("door")) == 1
        assert [each["interface"] for each in box.pbx.done] == ["PJSIP/102"]


async def test_a_press_on_a_headset_needs_no_leave_of_the_crm(bench: Made) -> None:
    async with bench(commands=Commands(allow=("ping",))) as box:
        press = await box.ended(await box.give("hangup", source="headsets", agent="agente-101"))
        assert press.reason == "no_call: agente-101 has no call"
        assert (await box.do("hangup", agent="agente-101")).reason.startswith("not_allowed")
        assert (await box.ended(await box.give("pause", source="headsets", agent="agente-101"))).reason.startswith("not_allowed")


async def test_more_than_may_be_under_way_wait_and_none_is_lost(bench: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.pbx.commands.MOST", 2)
    async with bench() as box:
        box.pbx.outbound.pick_up_s = box.pbx.outbound.answer_s = 0.02
        names = [await box.give("originate", agent=f"agente-10{at}", number="2040") for at in range(1, 7)]
        for name in names:
            assert (await box.ended(name)).state == "done"
        told = [each["channel"] for each in box.done("Originate")]
        assert told == [f"PJSIP/10{at}" for at in range(1, 7)]


async def test_commands_of_one_agent_reach_the_pbx_in_their_order(bench: Made) -> None:
    async with bench() as box:
        names = [await box.give("pause" if at % 2 else "unpause", agent="agente-101", reason=f"r{at}") for at in range(20)]
        for name in names:
            await box.ended(name)
        assert [each["reason"] for each in box.done("QueuePause")] == [f"r{at}" for at in range(20)]


async def test_what_was_under_way_when_the_service_died_is_unknown_and_what_was_not_begun_runs(bench: Made) -> None:
    async with bench() as box:
        box.pbx.outbound.pick_up_s = 30.0
        begun = await box.give("originate", agent="agente-101", number="2040")
        async with asyncio.timeout(5):
            while not box.done("Originate"):
                await asyncio.sleep(0.01)
        journal = box.journal
    async with bench(journal=journal) as again:
        waiting = await again.give("pause", name="after", agent="agente-101")
        end = await again.ended(begun)
        assert (end.state, end.reason.startswith("the box stopped")) == ("unknown", True)
        assert (await again.ended(waiting)).state == "done"
        assert not again.done("Originate")


class Holdover(SystemClock):
    """A box whose clock went on from where it stood when the box died."""

    def quality(self) -> Any:
        return "holdover"


async def test_a_click_from_before_a_power_cut_never_dials_while_nobody_knows_how_long_it_took(bench: Made) -> None:
    async with bench(clock=Holdover()) as box:
        clock = box.context.clock
        expires = rfc3339(clock.wall_ns() + 60 * NS)
        for name, verb, args in (
            ("click", "originate", {"agent": "agente-101", "number": "2040"}),
            ("rest", "pause", {"agent": "agente-101"}),
        ):
            received = CommandReceived(id=name, verb=verb, args=args, expires=expires)
            event = Event("command.received", "uplink/x", clock.wall_ns() - NS, 1, "the boot before", clock.quality(), received)
            await box.journal.appended([event])
        end = await box.ended("click")
        assert (end.state, end.reason.partition(":")[0]) == ("expired", "too_old")
        box.is_done(await box.ended("rest"))
        box.is_done(await box.do("originate", agent="agente-102", number="2040"))
