"""Calls outside the house: when, whom and how often is held on the box; what became of each stands beside the command's end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from appliance.core.catalogue import CallAttempted, CallPreviewed, CommandFinished
from appliance.core.clock import NS, SystemClock, wall_ns_from_rfc3339
from appliance.core.commands_config import DialConfig
from appliance.core.config import Config, Site
from appliance.core.directory import Directory
from appliance.core.do_not_call import LIST_FILE, DoNotCall, Listed
from appliance.core.e164 import e164, key_of
from appliance.core.hours_config import Hours
from appliance.core.outbound_config import Outbound
from gateway.pbx.attempts import Attempts
from gateway.pbx.outbound import OutboundRules

Made = Callable[..., AbstractAsyncContextManager[Any]]
QUICK = {"pick_up_s": 0.05, "answer_s": 0.05, "talk_s": 0.05}


def quick(box: Any) -> None:
    for name, value in QUICK.items():
        setattr(box.pbx.outbound, name, value)


def attempts(box: Any) -> list[CallAttempted]:
    return [data for data in box.events() if isinstance(data, CallAttempted)]


def listed(folder: Path, *numbers: str) -> None:
    held = DoNotCall(folder / LIST_FILE, write=True)
    held.add(Listed(key_of(e164(number, "EC") or ""), 1) for number in numbers)
    held.close()


@pytest.mark.parametrize("kind", ["asterisk", "freeswitch"])
async def test_what_became_of_each_number_stands_right_before_the_commands_end(bench: Made, kind: str) -> None:
    async with bench(kind, dial=DialConfig(internal=("2xxx",))) as box:
        quick(box)
        told = {
            "0991234500": ("answered", None),
            "0991234517": ("busy", 17),
            "0991234534": ("congested", 34),
            "0991234501": ("unallocated", 1),
        }
        names = {await box.give("originate", agent=f"agente-{101 + at}", number=number): number for at, number in enumerate(told)}
        for name in names:
            await box.ended(name)
        for attempt in attempts(box):
            outcome, cause = told[names[attempt.command]]
            assert (attempt.outcome, attempt.cause, attempt.dialled, attempt.pbx) == (outcome, cause, names[attempt.command], "central")
            assert attempt.ring_s is not None
            assert 0.0 <= attempt.ring_s < 20.0
        events = box.events()
        at = [index for index, data in enumerate(events) if isinstance(data, CallAttempted)]
        assert len(at) == len(told)
        assert all(isinstance(events[index + 1], CommandFinished) and events[index + 1].id == events[index].command for index in at)
        await box.do("originate", agent="agente-105", number="2040")
        assert len(attempts(box)) == len(told), "the house's own extensions are none of it"


@pytest.mark.parametrize("kind", ["asterisk", "freeswitch"])
async def test_of_a_preview_it_is_told_once_that_the_agents_phone_rings_before_anything_is_dialled(bench: Made, kind: str) -> None:
    async with bench(kind) as box:
        box.pbx.outbound.pick_up_s = 0.3
        end = await box.do("originate", agent="agente-101", number="099 123 4500", preview=True, card="Factura 4107")
        box.is_done(end)
        box.is_done(await box.do("originate", agent="agente-102", number="0991234500"))
        events = box.events()
        (seen,) = [data for data in events if isinstance(data, CallPreviewed)]
        assert (seen.agent, seen.dialled, seen.command, seen.card, seen.pbx) == (
            "agente-101",
            "0991234500",
            "c-1",
            "Factura 4107",
            "central",
        )
        assert seen.call == end.result["call"]
        assert events.index(seen) < events.index(attempts(box)[0])
        box.pbx.model.staff.agents["PJSIP/103"].mode = "talking"
        assert (await box.do("originate", agent="agente-103", number="0991234500", preview=True)).state == "failed"
        assert len([data for data in box.events() if isinstance(data, CallPreviewed)]) == 1, "a busy phone does not ring"


async def test_an_agent_who_does_not_pick_up_is_told_and_a_pbx_that_rang_nobody_is_not(bench: Made) -> None:
    async with bench() as box:
        box.pbx.outbound.pick_up_s = 99.0
        end = await box.do("originate", agent="agente-101", number="0991234500", timeout_s=0.2)
        assert end.reason is not None
        assert end.reason.startswith("agent_no_answer")
        assert [(each.outcome, each.ring_s) for each in attempts(box)] == [("agent_no_answer", None)]
        assert (await box.do("originate", agent="nadie", number="0991234500")).state == "failed"
        assert len(attempts(box)) == 1


async def test_what_was_under_way_when_the_box_died_is_one_attempt_of_which_nobody_knows(bench: Made) -> None:
    async with bench() as box:
        box.pbx.outbound.pick_up_s = 30.0
        begun = await box.give("originate", agent="agente-101", number="0991234500")
        async with asyncio.timeout(5):
            while not box.done("Originate"):
                await asyncio.sleep(0.01)
        journal = box.journal
    for _ in range(2):  # a second start finds nothing more to tell
        async with bench(journal=journal) as again:
            assert (await again.ended(begun)).state == "unknown"
            (attempt,) = attempts(again)
            assert (attempt.outcome, attempt.agent, attempt.dialled) == ("unknown", "agente-101", "0991234500")
            assert not again.done("Originate")


async def test_a_number_on_the_list_is_never_dialled_however_it_is_written(bench: Made, tmp_path: Path) -> None:
    listed(tmp_path, "0991234500")
    dial = DialConfig(prefix="9", international="00", internal=("2xxx",))
    async with bench(dial=dial, outbound=Outbound(), site=Site(timezone="America/Guayaquil")) as box:
        quick(box)
        for number in ("0991234500", "+593991234500", "00593 99 123 4500", "90991234500", "(099) 123-4500"):
            end = await box.do("originate", agent="agente-101", number=number)
            assert (end.state, end.reason) == ("refused", "do_not_call: this number is not to be called"), number
        assert not box.pbx.done
        box.is_done(await box.do("originate", agent="agente-102", number="0991234600"))
        box.is_done(await box.do("originate", agent="agente-103", number="2040"))
        end = await box.do("originate", agent="agente-104", number="5555555555555")
        assert end.reason.startswith("do_not_call: it cannot be compared")


async def test_a_list_that_cannot_be_read_stops_calls_outside_and_nothing_else(bench: Made, tmp_path: Path) -> None:
    (tmp_path / LIST_FILE).write_bytes(b"no list at all" * 400)
    async with bench(dial=DialConfig(internal=("2xxx",)), site=Site(timezone="America/Guayaquil")) as box:
        quick(box)
        end = await box.do("originate", agent="agente-101", number="0991234600")
        assert (end.state, end.reason.startswith("do_not_call: the list cannot be read")) == ("refused", True)
        assert "0991234600" not in end.reason
        box.is_done(await box.do("originate", agent="agente-101", number="2040"))
        box.is_done(await box.do("pause", agent="agente-102"))


async def test_where_a_list_is_required_nobody_is_called_without_one(bench: Made, tmp_path: Path) -> None:
    async with bench(outbound=Outbound(do_not_call="required"), site=Site(timezone="America/Guayaquil")) as box:
        quick(box)
        assert (await box.do("originate", agent="agente-101", number="0991234600")).reason.startswith(
            "do_not_call: the box has no do-not-call list"
        )
        listed(tmp_path, "0991234500")
        box.is_done(await box.do("originate", agent="agente-101", number="0991234600"))


async def test_so_many_attempts_a_day_also_after_a_restart_and_not_where_the_agent_was_not_reached(bench: Made) -> None:
    more: dict[str, Any] = {"outbound": Outbound(attempts_per_day=2), "site": Site(timezone="America/Guayaquil")}
    async with bench(**more) as box:
        quick(box)
        box.pbx.outbound.pick_up_s = 99.0
        assert (await box.do("originate", agent="agente-101", number="0991234500", timeout_s=0.2)).state == "failed"
        box.pbx.outbound.pick_up_s = 0.05
        box.is_done(await box.do("originate", agent="agente-102", number="0991234500"))
        both = [await box.give("originate", agent=f"agente-10{at}", number="+593991234500") for at in (3, 4)]
        ends = [await box.ended(name) for name in both]
        assert sorted(end.state for end in ends) == ["done", "refused"], "one that is under way counts"
        journal = box.journal
    async with bench(journal=journal, **more) as again:
        quick(again)
        end = await again.ended(await again.give("originate", name="third", agent="agente-105", number="099 123 4500"))
        assert (end.state, end.reason.partition(":")[0]) == ("refused", "attempts_per_day")
        box.is_done(await again.ended(await again.give("originate", name="other", agent="agente-105", number="0991234600")))


async def test_an_attempt_of_which_nobody_knows_counts_as_one_after_the_restart(bench: Made) -> None:
    more: dict[str, Any] = {"outbound": Outbound(attempts_per_day=1), "site": Site(timezone="America/Guayaquil")}
    async with bench(**more) as box:
        box.pbx.outbound.pick_up_s = 30.0
        await box.give("originate", agent="agente-101", number="0991234500")
        async with asyncio.timeout(5):
            while not box.done("Originate"):
                await asyncio.sleep(0.01)
        journal = box.journal
    for name in ("second", "third"):
        async with bench(journal=journal, **more) as again:
            end = await again.ended(await again.give("originate", name=name, agent="agente-102", number="0991234500"))
            assert (end.state, end.reason.partition(":")[0]) == ("refused", "attempts_per_day")
            assert len(attempts(again)) == 1


def rules(hours: Hours, folder: Path) -> OutboundRules:
    config = Config(site=Site(timezone="America/Guayaquil"), outbound=Outbound(hours=hours))
    return OutboundRules(config, Directory(folder / "directory.db", country="EC"), Attempts())


@pytest.mark.parametrize(
    ("now", "again"),
    [
        ("2026-11-23T13:59:59Z", "2026-11-23T09:00:00-05:00"),  # a Monday, one second before nine
        ("2026-11-23T14:00:00Z", None),
        ("2026-11-23T22:59:59Z", None),
        ("2026-11-23T23:00:00Z", "2026-11-24T09:00:00-05:00"),
        ("2026-11-27T23:30:00Z", "2026-12-01T09:00:00-05:00"),  # Friday evening; Monday is a holiday
    ],
)
def test_outside_the_calling_hours_it_is_said_when_they_begin_again(now: str, again: str | None, tmp_path: Path) -> None:
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-18:00",))
    box = rules(Hours(**week, holidays=("2026-11-30",)), tmp_path)
    told = box.refusal("c", "0991234500", DialConfig(internal=("2xxx",)), wall_ns_from_rfc3339(now))
    assert told == (None if again is None else f"calling_hours: nobody outside is called now; again from {again}")
    assert box.refusal("c", "2040", DialConfig(internal=("2xxx",)), wall_ns_from_rfc3339(now)) is None


def test_hours_that_never_come_are_no_endless_search(tmp_path: Path) -> None:
    told = rules(Hours(holidays=("2026-11-30",)), tmp_path).refusal("c", "0991234500", None, 1_764_000_000 * NS)
    assert told is not None
    assert told.startswith("calling_hours: nobody outside is called, and")


class Sunday(SystemClock):
    """A box whose clock says Sunday, 2026-11-22, noon UTC, from its start on."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_ns = wall_ns_from_rfc3339("2026-11-22T12:00:00Z") - super().wall_ns()

    def wall_ns(self) -> int:
        return super().wall_ns() + self._ahead_ns


class Late(SystemClock):
    """A box that learns the time of day while it runs."""

    is_set = False

    def wall_ns(self) -> int:
        return super().wall_ns() if self.is_set else super().wall_ns() % (86_400 * NS)

    def quality(self) -> Any:
        return "synced" if self.is_set else "unset"


async def test_attempts_of_the_day_are_known_once_the_clock_is(bench: Made) -> None:
    more: dict[str, Any] = {"outbound": Outbound(attempts_per_day=1), "site": Site(timezone="America/Guayaquil")}
    async with bench(**more) as box:
        quick(box)
        box.is_done(await box.do("originate", agent="agente-101", number="0991234500"))
        journal = box.journal
    clock = Late()
    async with bench(journal=journal, clock=clock, **more) as again:
        expires_s = wall_ns_from_rfc3339("2999-01-01T00:00:00Z") / NS - clock.wall_ns() / NS
        early = await again.give("originate", name="early", agent="agente-102", number="0991234500", expires_s=expires_s)
        assert (await again.ended(early)).reason == "clock_unset"
        clock.is_set = True
        end = await again.ended(await again.give("originate", name="late", agent="agente-102", number="0991234500"))
        assert (end.state, end.reason.partition(":")[0]) == ("refused", "attempts_per_day")


async def test_calling_hours_hold_at_the_gateway_and_not_inside_the_house(bench: Made) -> None:
    hours = Hours(mon=("09:00-18:00",), holidays=())
    async with bench(outbound=Outbound(hours=hours), dial=DialConfig(internal=("2xxx",)), clock=Sunday()) as box:
        quick(box)
        end = await box.do("originate", agent="agente-101", number="0991234500")
        assert (end.state, end.reason) == ("refused", "calling_hours: nobody outside is called now; again from 2026-11-23T09:00:00+00:00")
        assert not box.pbx.done
        box.is_done(await box.do("originate", agent="agente-102", number="2040"))
    async with bench(outbound=Outbound(hours=Hours(sun=("09:00-18:00",))), clock=Sunday()) as box:
        quick(box)
        box.is_done(await box.do("originate", agent="agente-101", number="0991234500"))
