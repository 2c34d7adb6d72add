"""Position, expected wait by its formula, and who gave up today."""

from __future__ import annotations

from datetime import datetime
from random import Random
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct

from appliance.core.catalogue import CallAbandoned, CallDigits, kind_of
from appliance.core.clock import NS
from appliance.core.event import Event, Origin
from appliance.floor import route_caller
from appliance.floor.calendar import Calendar
from appliance.floor.route_caller import CallerBook
from appliance.floor.route_wait import QueueSight, sights
from appliance.floor.state import AgentDay, FloorState, QueueState
from appliance.floor.tally import Tally

ZONE = ZoneInfo("America/Guayaquil")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * NS


def event(data: Struct, origin: Origin | None = None) -> Event:
    return Event(kind_of(data), "gateway/central", 0, 0, "b", "synced", data, origin)


def agent(key: str, state: str = "talking", **queues: str) -> AgentDay:
    return AgentDay(key, "central", state=state, queues=queues)


def floor(*agents: AgentDay, waiting: dict[str, int] | None = None, ended: int = 10) -> FloorState:
    told = Tally(answered_ended=ended, talk_ms=ended * 170_000, wrap_ms=ended * 10_000)
    queues = {
        key: QueueState(key, "central", waiting={f"{key}{at}": at for at in range(count)}, rolling=told)
        for key, count in {"ventas": 3, "soporte": 0, **(waiting or {})}.items()
    }
    return FloorState(agents={each.key: each for each in agents}, queues=queues)


def test_who_waits_and_who_works() -> None:
    state = floor(
        agent("a", ventas="talking"),
        agent("b", ventas="talking", soporte="talking"),  # nobody waits in soporte: he is all ours
        agent("c", ventas="paused", soporte="available"),
        agent("d", "unknown", ventas="talking"),
        agent("e", "logged_out", ventas="talking"),
    )
    ventas = sights(state, 0, {"ventas0": 5, "ventas1": 5}, 5)["ventas"]
    assert (ventas.waiting, ventas.free, ventas.capacity, ventas.aht_s) == ({5: 2, 0: 1}, 0, 2.0, 180.0)
    assert (ventas.position(0), ventas.position(5), ventas.position(9)) == (4, 3, 1)
    assert ventas.wait_s(4) == 4 * 180 / 2
    soporte = sights(state, 0, {}, 5)["soporte"]
    # b is shared with ventas, where somebody waits; c works here alone.
    assert (soporte.free, soporte.capacity, soporte.wait_s(1)) == (1, 1.5, 0.0)


def test_an_agent_of_two_queues_in_which_somebody_waits_is_half_an_agent() -> None:
    state = floor(agent("a", ventas="talking", soporte="talking"), waiting={"soporte": 1})
    assert {key: sight.capacity for key, sight in sights(state, 0, {}, 5).items()} == {"ventas": 0.5, "soporte": 0.5}


def test_the_day_s_handling_time_where_the_half_hour_has_too_few_calls_and_none_where_both_have() -> None:
    state = floor(agent("a", ventas="talking"), ended=4)
    assert sights(state, 7, {}, 5)["ventas"].wait_s(1) is None
    state.queues["ventas"].days[7] = Tally(answered_ended=5, talk_ms=500_000)
    assert sights(state, 7, {}, 5)["ventas"].aht_s == 100.0


@pytest.mark.parametrize(
    ("free", "capacity", "position", "wait_s"),
    [(0, 2.0, 1, 90.0), (1, 2.0, 1, 0.0), (1, 2.0, 2, 90.0), (3, 3.0, 3, 0.0), (0, 0.0, 1, None), (2, 4.0, 10, 360.0)],
)
def test_the_formula(free: int, capacity: float, position: int, wait_s: float | None) -> None:
    assert QueueSight("ventas", {}, free, capacity, 180.0).wait_s(position) == wait_s


def test_the_formula_is_the_mean_of_what_happens_where_its_assumptions_hold() -> None:
    """c busy agents, exponential handling times, n callers ahead: how long until the caller's own turn, played out."""
    chance, agents, ahead, aht_s = Random(7), 4, 5, 180.0

    def played() -> float:
        busy_until = [chance.expovariate(1 / aht_s) for _ in range(agents)]
        for _ in range(ahead):
            first = min(range(agents), key=busy_until.__getitem__)
            busy_until[first] += chance.expovariate(1 / aht_s)
        return min(busy_until)

    told = QueueSight("ventas", {0: ahead}, 0, float(agents), aht_s).wait_s(ahead + 1)
    assert told == 270.0
    assert mean(played() for _ in range(20_000)) == pytest.approx(told, rel=0.02)


@pytest.fixture
def book() -> CallerBook:
    def spelled(number: str) -> str | None:
        return "+593" + number.lstrip("0") if number.startswith("0") else number if number.startswith("+") else None

    return CallerBook(Calendar("America/Guayaquil"), spelled, b"salt")


def gave_up(caller: str | None = "0991234567") -> Event:
    return event(CallAbandoned(call="c", pbx="central", wait_s=12.0, caller=caller))


def test_how_often_somebody_gave_up_today_in_any_spelling(book: CallerBook) -> None:
    book.apply(gave_up(), ns("2026-11-22T23:59:59"))
    assert book.gave_up("0991234567") == 1
    book.apply(gave_up(), ns("2026-11-23T00:00"))
    book.apply(gave_up("+593991234567"), ns("2026-11-23T09:00"))
    book.apply(gave_up("2040"), ns("2026-11-23T09:00"))
    book.apply(gave_up(None), ns("2026-11-23T09:00"))
    book.apply(
        event(CallAbandoned(call="c", pbx="p", wait_s=1.0, caller="0991234567"), Origin("x-1", "b", 1, "synced")), ns("2026-11-23T09:00")
    )
    assert (book.gave_up("0991234567"), book.gave_up("+593991234567"), book.gave_up("2040"), book.gave_up("0990000000")) == (2, 2, 1, 0)
    book.apply(gave_up(), ns("2026-11-22T23:00"))  # dated into yesterday: none of today's, and turns nothing back
    assert book.gave_up("0991234567") == 2
    book.turn_day(ns("2026-11-24T00:00"))
    assert book.gave_up("0991234567") == 0


def test_the_book_is_bounded(book: CallerBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_caller, "CALLERS_KEPT", 3)
    monkeypatch.setattr(route_caller, "CALLS_KEPT", 2)
    for number in range(5):
        book.apply(gave_up(f"099000000{number}"), ns("2026-11-23T09:00"))
        book.apply(event(CallDigits(call="c", pbx="p", uniqueid=f"{number}", menu="m", digits="1", path=("m:1",))), ns("2026-11-23T09:00"))
    assert [book.gave_up(f"099000000{number}") for number in range(5)] == [0, 0, 1, 1, 1]
    assert ([book.digits(f"{number}") for number in range(5)], book.dropped) == ([(), (), (), ("m:1",), ("m:1",)], 2)


def test_what_was_chosen_in_menus_stays_until_the_call_has_served_itself(book: CallerBook) -> None:
    at_ns = ns("2026-11-23T09:00")
    book.apply(event(CallDigits(call="c", pbx="p", uniqueid="1.1", menu="m", digits="2", path=("m:1", "m:2"))), at_ns)
    book.apply(event(CallDigits(call="c", pbx="p", uniqueid="1.1", path=("m:1", "m:2"), ended="agent")), at_ns)
    assert book.digits("1.1") == ("m:1", "m:2")
    book.apply(event(CallDigits(call="c", pbx="p", uniqueid="1.1", path=("m:1", "m:2"), ended="self_service")), at_ns)
    assert book.digits("1.1") == ()
