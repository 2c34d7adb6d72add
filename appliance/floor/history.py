"""Decides what is kept of a day when its events are gone: each queue's half-hours, each agent's seconds, what was in sight. Pure.

A kept day holds one part per journal (epoch) that saw some of it: a journal that was lost and begun anew adds a part, and
the day is the sum of its parts. Nothing about callers is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS, rfc3339
from appliance.core.errors import CorruptError
from appliance.floor.build import trunk_time
from appliance.floor.calendar import HALF_HOUR_NS, Calendar, Span
from appliance.floor.floor import Floor
from appliance.floor.service_level import VARIANTS
from appliance.floor.source import coverage
from appliance.floor.state import STATES, AgentDay, Source, TrunkState
from appliance.floor.tally import Tally

#: Of the file; a reader sets other versions aside.
VERSION: Final = 1
#: A day in which the journal was begun anew more often than this keeps its newest parts.
_PARTS_KEPT: Final = 20
_HALF_S: Final = HALF_HOUR_NS // NS
#: A day is looked at again for so long after its end: last calls, their wrap-up.
_SETTLED_NS: Final = 3600 * NS
#: And for so long when a call of it has not been told to end.
_OPEN_NS: Final = 12 * 3600 * NS


class KeptQueue(Struct, kw_only=True, omit_defaults=True):
    """One queue's day: tallies by the half-hour's start (Unix seconds), made with this target; the variant that boards showed."""

    title: str = ""
    pbx: str = ""
    target_s: float = 0.0
    variant: str = "handled"
    halves: dict[int, Tally] = {}


class KeptAgent(Struct, kw_only=True, omit_defaults=True):
    """One agent's day: calls answered, milliseconds of each state in the order of `STATES`, and the survey answers about him (their sum in
    thousandths, and how many).
    """

    name: str | None = None
    answered: int = 0
    ms: list[int] = []
    scores: tuple[int, int] = (0, 0)


class KeptTrunk(Struct, kw_only=True, omit_defaults=True):
    """One group of lines: how long every line was busy and how long it was observed (ms), and of calls that wanted a line those that met
    it full.
    """

    lines: int = 0
    all_busy_ms: int = 0
    observed_ms: int = 0
    met_full: int = 0
    wanted: int = 0


class Part(Struct, kw_only=True, omit_defaults=True):
    """What one journal knew of a day, as of `as_of_ns`. `final`: nothing more is to come. `from_ns`: not whole before it; 0, whole.

    `menus`: calls that served themselves in the voice menus, and all that left them. `classes`: classified calls that joined no queue, by
    type. `coverage` by PBX is of the day,
    `covered` of its half-hours (Unix seconds): shares of the opening hours in which it was seen.
    """

    epoch: str
    as_of_ns: int
    seq: int = 0
    from_ns: int = 0
    final: bool = False
    queues: dict[str, KeptQueue] = {}
    agents: dict[str, KeptAgent] = {}
    trunks: dict[str, KeptTrunk] = {}
    menus: tuple[int, int] = (0, 0)
    classes: dict[str, int] = {}
    coverage: dict[str, float | None] = {}
    covered: dict[str, dict[int, float]] = {}


class Day(Struct, kw_only=True):
    """One local day. `time` is for people who open the file; `fields` names the members of each tally, in order."""

    v: int = VERSION
    day: str
    timezone: str
    time: str = ""
    fields: tuple[str, ...] = Tally.__struct_fields__
    states: tuple[str, ...] = STATES
    parts: list[Part] = []


def part_from_floor(floor: Floor, day: Span, now_ns: int) -> Part:
    """What the fold knows of a day: today or yesterday, on its own time line. Call after `Floor.advance(now_ns)`.

    Half-hours sum up to the fold's own figures of the day exactly: they are the same tallies.
    """
    state, config = floor.state, floor.config
    until = min(now_ns, day[1])
    halves = floor.calendar.halves(day)
    part = Part(epoch=state.epoch, as_of_ns=now_ns, seq=state.seq, from_ns=_missing(state.from_ns, day))
    open_visits = 0
    for key, queue in state.queues.items():
        known = {half // NS: queue.halves[half] for half in halves if half in queue.halves}
        own = config.queues.get(key)
        part.queues[key] = KeptQueue(
            title=(own.title if own and own.title else queue.title) or key,
            pbx=queue.pbx,
            target_s=floor.visits.target_ms(key) / 1000,
            variant=own.service_level if own and own.service_level else config.kpi.service_level,
            halves=known,
        )
        open_visits += sum(tally.waiting + tally.answered - tally.answered_ended for tally in known.values())
    for agent in (*state.gone.values(), *state.agents.values()):
        kept = _kept_agent(floor, agent, day[0], until)
        if kept is not None:
            part.agents[agent.key] = kept
    part.trunks = _kept_trunks(floor, day[0], until)
    part.menus = state.ivr.days.get(day[0], (0, 0))
    part.classes = dict(state.classes.days.get(day[0], {}))
    for key, source in state.sources.items():
        has_hours = config.site.hours is not None
        first = 0 if has_hours else _first_sight(source, day[0], until)
        part.coverage[key] = _share(coverage(source, floor.calendar, day, until - 1, has_hours)) if first < until else None
        spans = {half // NS: (half, half + HALF_HOUR_NS) for half in halves if first - HALF_HOUR_NS < half < until}
        shares = {half: coverage(source, floor.calendar, span, until - 1, has_hours) for half, span in spans.items()}
        part.covered[key] = {half: round(share, 4) for half, share in shares.items() if share is not None}
    part.final = now_ns >= day[1] + (_OPEN_NS if open_visits else _SETTLED_NS)
    return part


def tells_something(part: Part) -> bool:
    """Whether a part knows anything of its day: a call, an agent, or at least that a source was watched."""
    calls = any(queue.halves for queue in part.queues.values())
    return calls or bool(part.agents) or any(share is not None for share in part.coverage.values())


def with_part(day: Day, part: Part) -> Day:
    """The day with a part put in, or in the place of its journal's last one. One that knows less of the day's beginning does not."""
    before = next((old for old in day.parts if old.epoch == part.epoch), None)
    if before is None:
        return msgspec.structs.replace(day, time=rfc3339(part.as_of_ns), parts=[*day.parts, part][-_PARTS_KEPT:])
    if part.from_ns > before.from_ns:
        return day
    return msgspec.structs.replace(day, time=rfc3339(part.as_of_ns), parts=[part if old is before else old for old in day.parts])


def is_same(one: Day, other: Day) -> bool:
    """Whether two states of a day differ in nothing but when they were looked at."""

    def told(day: Day) -> list[Part]:
        return [msgspec.structs.replace(part, as_of_ns=0, seq=0) for part in day.parts]

    return told(one) == told(other)


def empty_day(local: date, timezone: str) -> Day:
    """A day of which nothing is known yet."""
    return Day(day=local.isoformat(), timezone=timezone)


def bytes_from_day(day: Day) -> bytes:
    """The file of a day."""
    return msgspec.json.encode(day) + b"\n"


def day_from_bytes(data: bytes, local: date) -> Day:
    """A day from its file. Raises CorruptError when it is damaged, another day's, or of a version that this one cannot read."""
    try:
        day = msgspec.json.decode(data, type=Day)
    except msgspec.DecodeError as fault:
        raise CorruptError(f"no summary of a day: {fault}") from fault
    if day.v != VERSION or day.states != STATES or day.fields != Tally.__struct_fields__[: len(day.fields)]:
        raise CorruptError(f"a summary of version {day.v}; this one reads version {VERSION}")
    if day.day != local.isoformat():
        raise CorruptError(f"the summary of {day.day}")
    if not day.parts:
        raise CorruptError("a summary without a part")
    for part in day.parts:
        unknown = next((queue.variant for queue in part.queues.values() if queue.variant not in VARIANTS), None)
        if unknown is not None:
            raise CorruptError(f'a summary with the service level "{unknown}", which this version does not know')
        if any(len(agent.ms) not in (0, len(STATES)) for agent in part.agents.values()):
            raise CorruptError(f"a summary whose agents have other than {len(STATES)} states")
    return day


def queues_of(day: Day) -> dict[str, KeptQueue]:
    """Every queue of the day with its half-hours, summed over the parts; the newest part's title, target and variant."""
    out: dict[str, KeptQueue] = {}
    for part in day.parts:
        for key, queue in part.queues.items():
            halves = out[key].halves if key in out else {}
            for half, tally in queue.halves.items():
                halves[half] = total([halves[half], tally]) if half in halves else tally
            out[key] = msgspec.structs.replace(queue, halves=halves if key in out else dict(halves))
    return {key: msgspec.structs.replace(queue, halves=dict(sorted(queue.halves.items()))) for key, queue in out.items()}


def agents_of(day: Day) -> dict[str, KeptAgent]:
    """Every agent of the day, summed over the parts."""
    out: dict[str, KeptAgent] = {}
    for part in day.parts:
        for key, agent in part.agents.items():
            before = out.get(key, KeptAgent())
            ms = [a + b for a, b in zip(before.ms or [0] * len(STATES), agent.ms or [0] * len(STATES), strict=True)]
            scores = (before.scores[0] + agent.scores[0], before.scores[1] + agent.scores[1])
            out[key] = KeptAgent(name=agent.name or before.name, answered=before.answered + agent.answered, ms=ms, scores=scores)
    return out


def trunks_of(day: Day) -> dict[str, KeptTrunk]:
    """Every group of lines of the day, summed over the parts; the newest part's number of lines."""
    out: dict[str, KeptTrunk] = {}
    for part in day.parts:
        for key, trunk in part.trunks.items():
            before = out.get(key, KeptTrunk())
            sums = {name: getattr(before, name) + getattr(trunk, name) for name in ("all_busy_ms", "observed_ms", "met_full", "wanted")}
            out[key] = KeptTrunk(lines=trunk.lines or before.lines, **sums)
    return out


def menus_of(day: Day) -> tuple[int, int]:
    """Calls of the day that served themselves in the menus, and all that left them."""
    return sum(part.menus[0] for part in day.parts), sum(part.menus[1] for part in day.parts)


def classes_of(day: Day) -> dict[str, int]:
    """Classified calls of the day that joined no queue, by type."""
    counts: Counter[str] = Counter()
    for part in day.parts:
        counts.update(part.classes)
    return dict(counts)


def covered_of(day: Day, pbx: str) -> dict[int, float]:
    """The share of each half-hour (Unix seconds) in which a PBX was seen, by any part; between two parts nobody looked.

    Of a half-hour in which one part ended and the next began it is the most that can have been.
    """
    out: dict[int, float] = {}
    for own in (part.covered[pbx] for part in day.parts if part.covered.get(pbx)):
        if out:
            out |= dict.fromkeys(range(max(out) + _HALF_S, min(own), _HALF_S), 0.0)
        out |= {half: min(1.0, out.get(half, 0.0) + share) for half, share in own.items()}
    return dict(sorted(out.items()))


def coverage_of(day: Day, pbx: str) -> float | None:
    """The share of the day in which a PBX was seen: as its only part tells it, of several the mean of the half-hours."""
    told = [share for part in day.parts if (share := part.coverage.get(pbx)) is not None]
    if len(told) < 2:
        return told[0] if told else None
    shares = covered_of(day, pbx).values()
    return round(sum(shares) / len(shares), 4) if shares else None


def without_names(day: Day) -> Day:
    """The day without agents' names: what was kept while they were allowed is not told once they are not."""
    parts = [
        msgspec.structs.replace(part, agents={key: msgspec.structs.replace(agent, name=None) for key, agent in part.agents.items()})
        for part in day.parts
    ]
    return msgspec.structs.replace(day, parts=parts)


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of several windows of one queue."""
    out = Tally()
    for tally in tallies:
        out.add(tally)
    return out


def same_half_hour_before(calendar: Calendar, at_ns: int, days: int = 7) -> int | None:
    """The start of the half-hour at the same local time so many days earlier; None where that time did not exist."""
    return calendar.days_before(calendar.half_hour(at_ns), days)


def _first_sight(source: Source, day: int, until: int) -> int:
    """When a source was first seen in a day: without opening hours the day begins there, here as on the boards."""
    last = len(source.spans) - 1
    spans = [(begins, until if source.in_sight and at == last else ends) for at, (begins, ends) in enumerate(source.spans)]
    return min((max(begins, day) for begins, ends in spans if ends >= day), default=until)


def _kept_agent(floor: Floor, agent: AgentDay, day: int, until: int) -> KeptAgent | None:
    source = floor.unsighted.get(agent.pbx)
    ms = floor.agents.ms_in(agent, day, until, source.seen_ns if source else None)
    answered = agent.answered.get(day, 0)
    if not answered and not any(ms):
        return None
    own = floor.config.agents.get(agent.key)
    name = (own.name if own and own.name else agent.name) if floor.config.privacy.agent_names else None
    return KeptAgent(name=name, answered=answered, ms=ms, scores=agent.scores.get(day, (0, 0)))


def _kept_trunks(floor: Floor, day: int, until: int) -> dict[str, KeptTrunk]:
    out = {}
    for key in sorted({*floor.config.trunks, *floor.state.trunks}):
        trunk, config = floor.state.trunks.get(key) or TrunkState(key), floor.config.trunks.get(key)
        busy_ms, seen_ns = trunk_time(floor, trunk, day, until)
        met, wanted = trunk.wanted.get(day, (0, 0))
        if busy_ms or wanted:
            lines = config.lines if config else 0
            out[key] = KeptTrunk(lines=lines, all_busy_ms=busy_ms, observed_ms=seen_ns // 1_000_000, met_full=met, wanted=wanted)
    return out


def _missing(from_ns: int | None, day: Span) -> int:
    return from_ns if from_ns is not None and from_ns > day[0] else 0


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
