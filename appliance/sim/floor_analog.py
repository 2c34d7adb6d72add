"""Decides what an analog site's figures truly are: one queue of all lines, the lines themselves, and what their PBX printed.

A line tells less than a PBX. Nobody sees a caller hang up: he is known to have gone when the bell has been silent for longer than it ever
is between two rings, and his wait lasted to his last ring. A conversation's end is believed a moment after it.
"""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.core.clock import rfc3339
from appliance.demo_lines import Rung
from appliance.sim.floor_figures import Between, Terms, mean, rate, window
from appliance.sim.floor_scenario import Scenario
from appliance.sim.floor_seen import Seen
from appliance.sim.floor_truth import Moment

QUEUE: Final = "lines"
TARGET_S: Final = 15.0
#: The bell of the country's lines, and how much longer a silence may be than it.
_SILENT_MS: Final = 8_000
_BELIEVED_MS: Final = 1_000
_MIN_OBSERVED_MS: Final = 3_600_000


def is_certain(calls: list[Rung], now_ms: int) -> bool:
    """Whether nothing is about to be known: no bell that may have rung for the last time, no conversation that ended just now."""
    for call in calls:
        if call.taken_ms is None and 3_000 < now_ms - call.last_ring_ms < _SILENT_MS:
            return False
        if call.taken_ms is not None and call.ended_ms is not None and now_ms - call.ended_ms < _BELIEVED_MS:
            return False
    return True


def document(scenario: Scenario, calls: list[Rung], now_ms: int, seen_ms: int) -> dict[str, Any]:
    """Every figure of the site, under the names of the snapshot. `seen_ms`: since when its lines are heard."""
    at = Moment.of(now_ms, ZoneInfo(scenario.timezone))
    seen = visits(calls)
    terms = Terms(lambda _queue: TARGET_S)
    waiting = [one.joined_ms for one in seen if one.outcome == "waiting"]
    queue: dict[str, Any] = {
        "waiting": len(waiting),
        "longest_wait": mean(now_ms - min(waiting), 1) if waiting else None,
        "longest_since": rfc3339(min(waiting) * 1_000_000) if waiting else None,
        "agents": None,
    }
    for name, belongs in at.windows().items():
        own = [one for one in seen if belongs(one.joined_ms)]
        queue[name] = window(own, terms, variant="handled", target_s=TARGET_S) | {"coverage": 1.0}
    lines = scenario.analog.lines if scenario.analog is not None else 0
    return {
        "queues": {QUEUE: queue},
        "floor": queue,
        "trunks": {"pstn": _trunk(calls, lines, now_ms, seen_ms)},
        "records": {"printer": _records(calls)},
    }


def visits(calls: list[Rung]) -> list[Seen]:
    """Each call is a visit, from its first ring on."""
    return [_seen(call, number) for number, call in enumerate(calls, 1)]


def _seen(call: Rung, number: int) -> Seen:
    outcome = "waiting"
    wait_ms = (call.taken_ms or call.last_ring_ms) - call.rang_ms
    if call.taken_ms is not None:
        outcome = "answered" if call.ended_ms is None else "ended"
    elif call.ended_ms is not None:
        outcome = "abandoned"
    talk_ms = call.ended_ms - call.taken_ms if call.ended_ms is not None and call.taken_ms is not None else 0
    # Who calls is told after the first ring: whether he was answered before is not known when the visit begins.
    return Seen(
        caller=None, number=number, queue=QUEUE, joined_ms=call.rang_ms, outcome=outcome, wait_ms=wait_ms if outcome != "waiting" else 0,
        talk_ms=talk_ms, answered_ms=call.taken_ms,
    )  # fmt: skip


def _trunk(calls: list[Rung], lines: int, now_ms: int, seen_ms: int) -> dict[str, Any]:
    observed_ms = now_ms - seen_ms
    busy = sum(call.rang_ms <= now_ms < _free_ms(call, now_ms) for call in calls)
    # When a caller hung up lies between his last ring and the one that did not come: so does when his line was free.
    least, most = (_full_ms(calls, lines, now_ms, silent_ms) for silent_ms in (0, _SILENT_MS))
    share = Between(rate(least, observed_ms) or 0.0, rate(most, observed_ms) or 0.0)
    return {
        "lines": lines, "busy": busy, "all_busy_now": busy >= lines, "all_busy_share": share if most else 0.0,
        "judged": observed_ms >= _MIN_OBSERVED_MS, "blocked_share_of": (0, len(calls)) if calls else None,
        "blocked_share": rate(0, len(calls)),
    }  # fmt: skip


def _full_ms(calls: list[Rung], lines: int, now_ms: int, silent_ms: int) -> int:
    """How long every line was busy; one whose caller hung up for so long after his last ring."""
    spans = [(call.rang_ms, _free_ms(call, now_ms) + (silent_ms if call.gone else 0)) for call in calls]
    edges = sorted([(begins, 1) for begins, _ in spans] + [(min(ends, now_ms), -1) for _, ends in spans])
    full_ms, count, since = 0, 0, 0
    for at_ms, change in edges:
        if count < lines <= count + change:
            since = at_ms
        elif count + change < lines <= count:
            full_ms += at_ms - since
        count += change
    return full_ms


def _free_ms(call: Rung, now_ms: int) -> int:
    if call.ended_ms is None:
        return now_ms + 1
    return call.ended_ms if call.taken_ms is not None else call.last_ring_ms


def _records(calls: list[Rung]) -> dict[str, Any]:
    """What the PBX printed, in its own whole seconds."""
    told = [(call, *call.printed) for call in calls if call.printed is not None]
    taken = [(ring_s, talk_s) for call, ring_s, talk_s in told if not call.gone]
    return {
        "incoming": len(told), "answered": len(taken), "abandoned": len(told) - len(taken), "not_told": 0, "outgoing": 0, "internal": 0,
        "ring_avg": mean(1000 * sum(ring_s for ring_s, _ in taken), len(taken)),
        "talk_avg": mean(1000 * sum(talk_s for _, talk_s in taken), len(taken)),
    }  # fmt: skip
