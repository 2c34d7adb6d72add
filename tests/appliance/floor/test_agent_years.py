"""A state that lasted ten years, as after a clock that was ten years behind, is booked on the days that are kept and costs no more."""

from __future__ import annotations

from appliance.core.catalogue import AgentLoggedIn, AgentStateChanged
from appliance.core.clock import NS
from appliance.floor.agent import AgentFold
from appliance.floor.calendar import Calendar, Span
from appliance.floor.state import STATES, FloorState

NOW_NS, YEARS_NS, DAY_MS = 1_795_330_000 * NS, 3652 * 86_400 * NS, 86_400_000


class Counting(Calendar):
    asked = 0

    def day(self, at_ns: int) -> Span:
        self.asked += 1
        return super().day(at_ns)


def test_a_state_of_ten_years_books_three_days_and_asks_for_few() -> None:
    calendar, state = Counting("America/Guayaquil"), FloorState()
    fold = AgentFold(state, calendar, lambda _key: None, lambda *_: None)
    fold.logged_in(AgentLoggedIn(agent="ana", pbx="central", queues=("ventas",)), NOW_NS - YEARS_NS)
    fold.changed(AgentStateChanged(agent="ana", pbx="central", state="paused", queues={"ventas": "paused"}), NOW_NS)
    booked = state.agents["ana"].ms
    assert calendar.asked < 20
    today = calendar.day(NOW_NS)[0]
    assert sorted(booked) == [today - 2 * 86_400 * NS, today - 86_400 * NS, today]
    at = STATES.index("available")
    assert [booked[day][at] for day in sorted(booked)] == [DAY_MS, DAY_MS, (NOW_NS - today) // 1_000_000]
