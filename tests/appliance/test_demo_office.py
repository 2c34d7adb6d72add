"""The people behind the demo's CRM: whom they know before anybody calls, and what they make of the box's events."""

from __future__ import annotations

import msgspec
import pytest

from appliance.core.directory_card import card_from
from appliance.demo_office import COUNTRY, Office, customers_of
from appliance.sim.floor_model_callers import Callers
from appliance.sim.floor_model_plan import plan_named

PLAN = plan_named("morning")


def event(kind: str, **data: object) -> bytes:
    told = {"id": "1", "source": "/demo/piso-3/gateway", "type": f"callfloor.{kind}.v1", "time": "2026-11-21T14:03:22.000Z"}
    return msgspec.json.encode({**told, "sequence": "1", "delivery": "1", "data": data})


def test_customers_are_some_of_those_who_will_call_and_the_same_for_a_seed() -> None:
    cards = customers_of(PLAN, 7)
    assert cards == customers_of(PLAN, 7) != customers_of(PLAN, 8)
    callers = Callers(PLAN, 7)
    known = {card["numbers"][0] for card in cards}
    calling = [callers.next_call(0.0).caller in known for _ in range(200)]
    assert 60 < sum(calling) < 170, "about half of the calls are customers'"
    assert 0.15 < sum(card["segment"] == "vip" for card in cards) / len(cards) < 0.35
    assert [card_from(card).customer for card in cards] == [card["customer"] for card in cards], "the box files every one"
    assert COUNTRY in Office("demo", "piso-3", PLAN, 7).configuration()


@pytest.mark.asyncio
async def test_it_keeps_count_of_what_the_box_tells() -> None:
    office = Office("demo", "piso-3", PLAN, 7)
    for said in (
        event("callback.opened", callback="cb-1", why="abandoned", number="x"), event("callback.opened", callback="cb-1", why="abandoned", number="x"),
        event("callback.opened", callback="cb-2", why="survey", number="y"), event("callback.closed", callback="cb-1", reason="closed"),
        event("callback.closed", callback="cb-9", reason="expired"), event("call.attempted", call="c", command="k", outcome="answered"),
        event("call.attempted", call="d", command="l", outcome="busy"), event("alarm.raised", alarm="call.extraordinary.ana", level="red"),
        event("alarm.raised", alarm="floor.asa", level="red"), event("line.ringing", line="a"),
    ):  # fmt: skip
        office.heard(said)
    assert (office.opened, office.closed, office.dialled, office.reached, office.extraordinary) == (2, 1, 2, 1, 1)
    assert office.summary()[1].split() == ["callbacks", "2", "opened,", "1", "closed"]
