"""Decides what a whole floor's figures truly are at one moment, as a document in the snapshot's shape.

From the model's visits and the book kept beside it; `floor_figures` has the definitions. A box's own folds are not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from appliance.core.clock import rfc3339
from appliance.core.slug import slug
from appliance.sim.floor_book import STATES, Book, Line, state_in, state_of
from appliance.sim.floor_figures import Terms, mean, rate, satisfaction, window
from appliance.sim.floor_model_state import Agent, Visit
from appliance.sim.floor_scenario import Scenario
from appliance.sim.floor_seen import Loose, Seen, Sight, loose_scores, seen_visits, spans, spans_until_lost

_HALF_MS: Final = 1_800_000
_MIN_OBSERVED_MS: Final = 3_600_000
Span = tuple[int, int]


class Moment(Struct, frozen=True):
    """One look: now, and where its windows begin. Milliseconds of the wall."""

    now_ms: int
    day_ms: int
    half_ms: int

    @classmethod
    def of(cls, now_ms: int, zone: ZoneInfo) -> Moment:
        local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        half = local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)
        return cls(now_ms, round(day.timestamp() * 1000), round(half.timestamp() * 1000))

    def windows(self) -> dict[str, Callable[[int], bool]]:
        """Which moments of joining belong to each window."""
        edge_ms = self.now_ms - _HALF_MS
        return {
            "today": lambda at_ms: at_ms >= self.day_ms,
            "interval": lambda at_ms: at_ms >= self.half_ms,
            "rolling": lambda at_ms: at_ms > edge_ms,
        }


class Truth:
    """The truth of one floor that began at `zero_ms` of the wall. `sights` are those of whoever listens to the PBX."""

    def __init__(
        self,
        scenario: Scenario,
        book: Book,
        zero_ms: int,
        sights: Sequence[Sight],
        *,
        variant: str = "handled",
        by_completion: bool = False,
    ) -> None:
        """`by_completion`: visits belong to the window in which their wait ended, but for the rolling one."""
        self._by_completion = by_completion
        self._scenario, self._book, self._zero_ms, self._sights, self._variant = scenario, book, zero_ms, sights, variant
        self._targets = {queue.name: queue.target_s for queue in scenario.queues}
        self._terms = Terms(self._targets.__getitem__)
        self._zone = ZoneInfo(scenario.timezone)

    def ms_of(self, model_s: float) -> int:
        """A model second on the wall, in milliseconds."""
        return self._zero_ms + round(model_s * 1000)

    def visits(self, now_ms: int) -> list[Seen]:
        """All that can be known now."""
        return seen_visits(self._book, self.ms_of, self._sights, now_ms)

    def document(self, now_ms: int) -> dict[str, Any]:
        """Every figure of the floor now, under the names of the snapshot."""
        at = Moment.of(now_ms, self._zone)
        visits = self.visits(now_ms)
        names = [queue.name for queue in self._scenario.queues]
        agents = self._agents(at)
        return {
            "queues": {slug(name): self._queue(visits, [name], at) for name in names},
            "groups": {slug(key): self._queue(visits, list(members), at) for key, members in self._scenario.groups.items()},
            "floor": self._queue(visits, names, at, everybody=True),
            "agents": agents,
            "trunks": {key: self._trunk(key, lines, at) for key, lines in self._scenario.trunks.items()},
            "utilisation": utilisation(agents.values()),
        }

    # -- queues --------------------------------------------------------------------------------------------------

    def _queue(self, visits: Iterable[Seen], names: list[str], at: Moment, *, everybody: bool = False) -> dict[str, Any]:
        own = [seen for seen in visits if seen.queue in names]
        waiting = [seen.joined_ms for seen in own if seen.outcome == "waiting"]
        out: dict[str, Any] = {
            "waiting": len(waiting),
            "longest_wait": mean(at.now_ms - min(waiting), 1) if waiting else None,
            "longest_since": rfc3339(min(waiting) * 1_000_000) if waiting else None,
            "agents": self._counts(names, at, everybody=everybody),
        }
        targets = {self._targets[name] for name in names}
        for name, belongs in at.windows().items():
            refused = sum(
                queue in names and belongs(at_ms) and self._is_seen(at_ms)
                for at_s, queue in self._book.model.refused
                if (at_ms := self.ms_of(at_s)) <= at.now_ms
            )
            loose = [one.score for one in self._loose(visits, at.now_ms) if one.queue in names and belongs(one.at_ms)]
            out[name] = window(
                [seen for seen in own if belongs(self._placed_ms(seen, name))], self._terms, variant=self._variant,
                target_s=next(iter(targets)) if len(targets) == 1 else None,
                refused=refused if name != "rolling" else 0,  # a refusal has no visit that could leave the last half-hour: not told there
                loose=loose if name != "rolling" else (),
            ) | {"coverage": self._coverage(name, at)}  # fmt: skip
        return out

    def _placed_ms(self, seen: Seen, window: str) -> int:
        """By which moment a visit has its place."""
        ended = self._by_completion and window != "rolling" and seen.outcome not in ("waiting", "unknown")
        return seen.joined_ms + seen.wait_ms if ended else seen.joined_ms

    def _loose(self, visits: Iterable[Seen], now_ms: int) -> list[Loose]:
        return loose_scores(self._book, self.ms_of, self._sights, now_ms, list(visits))

    def _coverage(self, name: str, at: Moment) -> float | None:
        seen = list(spans(self._sights, at.now_ms))
        if not seen:
            return None
        begins = {"today": at.day_ms, "interval": at.half_ms, "rolling": at.now_ms - _HALF_MS}[name]
        begins = max(begins, seen[0][0])
        return rate(_shared(seen, [(begins, at.now_ms)]), at.now_ms - begins) if at.now_ms > begins else 1.0

    def _counts(self, names: list[str], at: Moment, *, everybody: bool) -> dict[str, int]:
        """How many are in which state: of a queue as the queue counts them, else each person once."""
        if everybody or len(names) > 1:
            people = [a for a in self._book.model.staff.agents.values() if everybody or any(m.queue.plan.name in names for m in a.members)]
            states = [self._shown(agent, state_of(agent)) for agent in people]
        else:
            states = [self._shown(member.agent, state_in(member)) for member in self._book.model.queues[names[0]].members]
        if not self._is_whole(at.now_ms):
            states = [None if state is None else "unknown" for state in states]
        found = Counter(state for state in states if state is not None)
        return {"logged_in": found.total(), **{state: found[state] for state in STATES}}

    # -- agents --------------------------------------------------------------------------------------------------

    def _agents(self, at: Moment) -> dict[str, dict[str, Any]]:
        out = {}
        seen = self.visits(at.now_ms)
        for agent in self._book.model.staff.agents.values():
            life = self._states(agent, at.now_ms)
            if not any(state is not None for _, state in life):
                continue  # nobody has seen him yet
            state, since_ms = life[-1][1], life[-1][0]
            name = agent.plan.name
            scores = [score.score for score in self._book.scores if score.member.agent is agent and self._is_seen(self.ms_of(score.at_s))]
            out[slug(name, "a")] = {
                "name": name,
                "state": state or "logged_out",
                "since": rfc3339(since_ms * 1_000_000),
                "queues": sorted(slug(member.queue.plan.name) for member in agent.members) if state is not None else [],
                "reason": next((m.reason for m in agent.members if m.reason), None) if state == "paused" else None,
                "answered": sum(one.agent == name and (one.answered_ms or 0) >= at.day_ms for one in seen),
                "seconds": self._seconds(life, at),
                "satisfaction": satisfaction(scores),
            }
        return out

    def _states(self, agent: Agent, now_ms: int) -> list[tuple[int, str | None]]:
        """His states as they can be known: his own while the picture is whole, unknown between."""
        wraps = self._book.lives[agent].wraps
        life = [
            (self.ms_of(at_s), state if at_s not in wraps or self._is_told(wraps[at_s]) else "available")
            for at_s, state in self._book.lives[agent].spans
        ]
        out: list[tuple[int, str | None]] = []
        for begins, heard, lost in spans_until_lost(self._sights, now_ms):
            before = [state for at_ms, state in life if at_ms <= begins]
            for change in [(begins, before[-1] if before else None), *((at_ms, s) for at_ms, s in life if begins < at_ms <= heard)]:
                if not out or change[1] != out[-1][1]:
                    out.append(change)
            if lost < now_ms and out[-1][1] is not None:
                # The end of a wrap-up needs no word of the PBX: it comes by the clock while the connection stands.
                rested = (at_ms for at_ms, _ in life if heard < at_ms <= lost) if out[-1][1] == "wrap_up" else iter(())
                out.append((next(rested, heard), "unknown"))
        return out

    def _is_told(self, visit: Visit) -> bool:
        """Whether a conversation was seen to begin and to end: after another one the PBX does not say that a wrap-up follows."""
        ends = (visit.answered_s, visit.ended_s)
        return all(at_s is not None and self._is_seen(self.ms_of(at_s)) for at_s in ends)

    def _shown(self, agent: Agent, state: str | None) -> str | None:
        spoke = self._book.lives[agent].spoke
        return "available" if state == "wrap_up" and spoke is not None and not self._is_told(spoke) else state

    def _seconds(self, life: list[tuple[int, str | None]], at: Moment) -> dict[str, float]:
        ms: Counter[str] = Counter()
        for (begins, state), (ends, _) in zip(life, [*life[1:], (at.now_ms, None)], strict=True):
            if state is not None:
                ms[state] += max(0, ends - max(begins, at.day_ms))
        return {state: round(ms[state] / 1000, 1) for state in STATES}

    # -- lines ---------------------------------------------------------------------------------------------------

    def _trunk(self, key: str, lines: int, at: Moment) -> dict[str, Any]:
        own = [line for line in self._book.lines if line.trunk == key]
        uses = [line for line in own if self._is_seen(self.ms_of(line.from_s))]
        busy = [span for line in own if (span := self._busy(line, at.now_ms)) is not None]
        whole = self._is_whole(at.now_ms)
        now_busy = sum(begins <= at.now_ms < ends for begins, ends in busy)
        seen = list(spans(self._sights, at.now_ms))
        observed_ms = _shared(seen, [(at.day_ms, at.now_ms)])
        met = (sum(line.beyond for line in uses), len(uses))
        return {
            "lines": lines,
            "busy": now_busy if whole else None,
            "all_busy_now": now_busy >= lines if whole else None,
            "all_busy_share": rate(_shared(seen, _full(busy, lines, at.now_ms)), observed_ms),
            "judged": observed_ms >= _MIN_OBSERVED_MS,
            "blocked_share_of": met if uses else None,
            "blocked_share": rate(*met),
        }

    def _busy(self, line: Line, now_ms: int) -> Span | None:
        """From when to when a line is known to be busy: one seized out of sight from the next list of channels on."""
        begins, ends = self.ms_of(line.from_s), self.ms_of(line.to_s) if line.to_s is not None else now_ms + 1
        if not self._is_seen(begins):
            later = [sight for sight in self._sights if begins < sight.listed_ms < ends and sight.whole_ms <= now_ms]
            if not later:
                return None
            begins = later[0].whole_ms
        return begins, max(begins, ends)

    def _is_seen(self, at_ms: int) -> bool:
        return any(sight.holds(at_ms) for sight in self._sights)

    def _is_whole(self, now_ms: int) -> bool:
        return any(begins <= now_ms <= ends for begins, ends in spans(self._sights, now_ms))


def utilisation(agents: Iterable[dict[str, Any]]) -> dict[str, float | None]:
    """The customer's ratios over everybody's seconds of today; what needs paid time is not known."""
    total = Counter[str]()
    for agent in agents:
        total.update(agent["seconds"])
    in_call = total["talking"] + total["holding"] + total["wrap_up"]
    on_phone = in_call + total["available"] + total["ringing"]
    planned = on_phone + total["paused"]
    return {
        "ab_allocation": rate(in_call, on_phone),
        "bc_on_phone": rate(on_phone, planned),
        "cd_availability": None,
        "bd_utilisation": None,
        "coverage": rate(planned, planned + total["unknown"]),
    }


def _full(busy: Sequence[Span], lines: int, now_ms: int) -> list[Span]:
    """When at least so many were busy at once."""
    edges = sorted([(begins, 1) for begins, _ in busy] + [(min(ends, now_ms), -1) for _, ends in busy])
    out, count, since = list[Span](), 0, 0
    for at_ms, change in edges:
        if count < lines <= count + change:
            since = at_ms
        elif count + change < lines <= count:
            out.append((since, at_ms))
        count += change
    return out


def _shared(some: Sequence[Span], others: Sequence[Span]) -> int:
    """How long both hold."""
    return sum(max(0, min(b, d) - max(a, c)) for a, b in some for c, d in others)
