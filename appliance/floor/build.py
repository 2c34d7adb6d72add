"""The snapshot from the fold: figures as the contract has them, each with its numerator, denominator and freshness. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from appliance.core.clock import rfc3339, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.journal import Account
from appliance.core.line_config import LINES
from appliance.core.trunk_watch import watchers
from appliance.floor import snapshot as out
from appliance.floor.added import with_calls, with_people
from appliance.floor.channel import Paid
from appliance.floor.floor import Floor
from appliance.floor.service_level import service_level_of
from appliance.floor.source import coverage
from appliance.floor.state import STATES, AgentDay, QueueState, Source, TrunkState
from appliance.floor.tally import Tally
from appliance.floor.visit import ROLLING_NS

_T = TypeVar("_T")
_FAULTS_SHOWN = 50
_DRAINING_NS = 5_000_000_000
_FRESHNESS: tuple[out.Fresh, ...] = ("live", "stale", "unknown")


def crm_from_account(floor: Floor, account: Account | None, configured: bool, now_ns: int) -> out.Crm:
    """The link's state and its books. `account` None: no journal behind this floor (a replay)."""
    link = floor.state.link
    if account is None or not configured:
        recorded = account.recorded if account else 0
        return out.Crm(state="off", backlog=account.waiting if account else 0, recorded=recorded)
    oldest = account.oldest_wall_ns
    state: out.CrmState = link.state if link.state != "off" else "down"  # type: ignore[assignment]
    since = link.since_ns
    if floor.unlinked_ns and state == "up":
        state, since = "down", floor.unlinked_ns
    if state == "up" and oldest is not None and now_ns - oldest > _DRAINING_NS:
        state = "draining"
    return out.Crm(
        state=state,
        since=_time(since),
        backlog=account.waiting,
        oldest=_time(oldest),
        recorded=account.recorded,
        delivered=account.delivered,
        shed=account.shed,
        skipped=account.skipped,
    )


def pbx_from_source(source: Source | None) -> out.Pbx:
    """One PBX as the board shows it; one that never spoke is down."""
    if source is None:
        return out.Pbx()
    return out.Pbx(state=source.state, since=_time(source.since_ns), reason=source.reason)  # type: ignore[arg-type]


def states_by_queue(queues: Iterable[str], agents: Iterable[AgentDay]) -> dict[str, list[str]]:
    """The states of the members of each of these queues, as that queue counts them: one walk over the agents for all."""
    states: dict[str, list[str]] = {queue: [] for queue in queues}
    for agent in agents:
        for queue, state in agent.queues.items():
            if queue in states:
                states[queue].append(state)
    return states


def queue_snapshot(floor: Floor, queue: QueueState, now_ns: int, tick_ns: int, members: Iterable[str] | None = None) -> out.Queue:
    """One queue now and in its three windows. `tick_ns` dates the members that tick by themselves (coverage).

    `members` are the states of its agents, None: to be looked for.
    """
    if members is None:
        members = states_by_queue((queue.key,), floor.state.agents.values())[queue.key]
    config = floor.config
    own = config.queues.get(queue.key)
    source = floor.source(queue.pbx)
    fresh, as_of = freshness(source)
    since = min(queue.waiting.values(), default=None)
    vips = floor.visits.vip_waiting(queue) if floor.has_directory or floor.state.vips else None
    day, next_day = floor.calendar.day(now_ns)
    half = floor.calendar.half_hour(now_ns)
    spans = {"today": (day, next_day), "interval": (half, half + ROLLING_NS), "rolling": (now_ns - ROLLING_NS, now_ns)}
    tallies = {"today": queue.days.get(day), "interval": queue.halves.get(half), "rolling": queue.rolling}
    windows = {
        name: window_from_tally(tally or Tally(), config, queue.key, _coverage(floor, source, spans[name], tick_ns))
        for name, tally in tallies.items()
    }
    return out.Queue(
        title=own.title if own and own.title else queue.title or queue.key,
        pbx=queue.pbx,
        fresh=fresh,
        as_of=rfc3339(tick_ns) if fresh == "live" else _time(as_of),
        waiting=len(queue.waiting) if fresh != "unknown" else None,
        longest_wait=_tenth((now_ns - since) / 1e9) if since is not None else None,
        longest_since=_time(since),
        vip_waiting=len(vips) if vips is not None and fresh != "unknown" else None,
        vip_longest_since=_time(min(vips, default=None)) if vips else None,
        callbacks=floor.callbacks.counts(queue.key) if floor.callbacks.shown else None,
        agents=agent_counts(floor, members, source),
        today=windows["today"],
        interval=windows["interval"],
        rolling=windows["rolling"],
    )


def agent_counts(floor: Floor, states: Iterable[str], source: Source | None) -> out.AgentCounts | None:
    """How many are in each state; all unknown while the source is out of sight, None where nobody tells of agents at all."""
    if source is None or not source.since_ns or source.key == LINES:
        return None
    seen = source.in_sight
    counts = dict.fromkeys(STATES, 0)
    for state in states:
        if state in counts:
            counts[state if seen else "unknown"] += 1
    return out.AgentCounts(logged_in=sum(counts.values()), **counts)


def window_from_tally(tally: Tally, config: Config, queue: str, covered: float | None) -> out.Window:
    """The figures of one window of one queue."""
    own = config.queues.get(queue)
    variant = own.service_level if own and own.service_level else config.kpi.service_level
    return window_of(tally, variant, own.target_s if own and own.target_s is not None else config.kpi.target_s, covered)


def window_of(tally: Tally, variant: str, target_s: float | None, covered: float | None) -> out.Window:
    """The figures of a tally that was made with this target, in a variant of the service level. Raises KeyError for an unknown one."""
    window = _counts(tally)
    window.target = target_s
    window.service_level_variant = variant
    window.service_level_of = service_level_of(variant, tally)
    window.coverage = covered
    return _rated(window)


def summed(windows: list[out.Window]) -> out.Window:
    """Windows of several queues as one: counts and sums are added, rates made anew from the added terms."""
    sums: dict[str, Any] = dict(zip(_ADDED, map(sum, zip(*map(_added, windows), strict=True)), strict=False))
    total = out.Window(left_by={}, **sums)
    for window in windows:
        for reason, count in window.left_by.items():
            total.left_by[reason] = total.left_by.get(reason, 0) + count
        if window.refused is not None:
            total.refused = (total.refused or 0) + window.refused
    total.service_level_of = _parts([window.service_level_of for window in windows])
    scored = [window.satisfaction_of for window in windows if window.satisfaction_of is not None]
    if scored:
        total.satisfaction_of = (round(sum(points for points, _ in scored), 3), sum(answers for _, answers in scored))
    total.self_service_share_of = _parts([window.self_service_share_of for window in windows])
    total.repeat_call_share_of = _parts([window.repeat_call_share_of for window in windows])
    total.wait_max = max((w.wait_max for w in windows if w.wait_max is not None), default=None)
    total.service_level_variant = _same(w.service_level_variant for w in windows)
    total.target = _same(w.target for w in windows)
    covered = [w.coverage for w in windows if w.coverage is not None]
    total.coverage = min(covered, default=None)
    return _rated(with_calls(total, windows))


def _parts(each: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Numerators and denominators added; None where one of them is not known."""
    known = [parts for parts in each if parts is not None]
    return (sum(a for a, _ in known), sum(b for _, b in known)) if known and len(known) == len(each) else None


def summed_queue(
    title: str,
    queues: list[out.Queue],
    agents: out.AgentCounts | None,
    as_of_ns: int,
    total: Callable[[str, list[out.Window]], out.Window] | None = None,
) -> out.Queue:
    """Several queues as one: the floor, or a group. `agents` counts distinct agents; `total` adds up windows of one name."""
    add = total or (lambda _name, windows: summed(windows))
    worst: out.Fresh = max((q.fresh for q in queues), key=_FRESHNESS.index, default="unknown")
    longest = [q for q in queues if q.longest_since is not None]
    oldest = min(longest, key=lambda q: q.longest_since or "", default=None)
    told = [q.as_of for q in queues if q.as_of is not None]
    whole = out.Queue(
        title=title,
        fresh=worst,
        as_of=rfc3339(as_of_ns) if worst == "live" else min(told, default=None),
        waiting=sum(known) if (known := [q.waiting for q in queues if q.waiting is not None]) and len(known) == len(queues) else None,
        longest_wait=oldest.longest_wait if oldest else None,
        longest_since=oldest.longest_since if oldest else None,
        agents=agents,
        today=add("today", [q.today for q in queues]),
        interval=add("interval", [q.interval for q in queues if q.interval]),
        rolling=add("rolling", [q.rolling for q in queues if q.rolling]),
    )
    return with_people(whole, queues)


def agent_snapshot(floor: Floor, agent: AgentDay, now_ns: int, tick_ns: int) -> out.Agent:
    """One agent; his seconds are as of the last tick, so that a patch does not carry every clock on the floor."""
    own = floor.config.agents.get(agent.key)
    source = floor.unsighted.get(agent.pbx)
    hidden = source is not None and agent.state != "logged_out"
    ms = floor.agents.ms_until(agent, max(tick_ns, agent.since_ns), source.seen_ns if source else None)
    name = (own.name if own and own.name else agent.name) if floor.config.privacy.agent_names else None
    day = floor.calendar.day(now_ns)[0]
    scored = agent.scores.get(day)
    return out.Agent(
        name=name,
        state="unknown" if hidden else agent.state,
        since=_time(source.seen_ns if source and hidden else agent.since_ns),
        queues=sorted(agent.queues),
        reason=agent.reason,
        answered=agent.answered.get(day, 0),
        seconds=out.Seconds(**{state: _tenth(ms[at] / 1000) for at, state in enumerate(STATES) if ms[at]}),
        satisfaction=satisfaction(scored[0] / 1000, scored[1]) if scored else None,
    )


def utilisation(agents: Iterable[out.Agent], paid: Callable[[float, float], Paid | None] | None = None) -> out.Utilisation:
    """The customer's four ratios from every agent's seconds of today. `paid`: the paid time for B and C now, where somebody knows it."""
    total = dict.fromkeys(STATES, 0.0)
    for agent in agents:
        for state in STATES:
            total[state] += getattr(agent.seconds, state)
    a = total["talking"] + total["holding"] + total["wrap_up"]
    b = a + total["available"] + total["ringing"]
    c = b + total["paused"]
    ratios = out.Utilisation(ab_allocation=_rate(a, b), bc_on_phone=_rate(b, c), coverage=_rate(c, c + total["unknown"]))
    if paid is not None and (told := paid(b, c)) is not None:
        ratios.cd_availability = _rate(told.logged_in_s, told.paid_s)
        ratios.bd_utilisation = _rate(told.on_phone_s, told.paid_s)
    return ratios


def out_of_sight(source: Source, seen_ns: int | None) -> Source:
    """A source whose process died, as it is to be shown: down since its last sight."""
    seen = max(seen_ns or 0, source.seen_ns)
    spans = list(source.spans)
    if source.in_sight and spans:
        spans[-1] = (spans[-1][0], max(spans[-1][0], seen))
    return Source(source.key, "down", seen or source.since_ns, seen, "service_stopped", in_sight=False, spans=spans)


def everyone(floor: Floor, agents: Iterable[AgentDay]) -> out.AgentCounts | None:
    """Distinct agents by state, each as far as his own PBX is in sight."""
    counts = dict.fromkeys(STATES, 0)
    seen: dict[str, bool] = {}
    for agent in agents:
        in_sight = seen.get(agent.pbx)
        if in_sight is None:
            source = floor.source(agent.pbx)
            in_sight = seen[agent.pbx] = bool(source and source.in_sight)
        if agent.state in counts:
            counts[agent.state if in_sight else "unknown"] += 1
    if not any(source.since_ns for key, source in floor.state.sources.items() if key != LINES):
        return None
    return out.AgentCounts(logged_in=sum(counts.values()), **counts)


def health(floor: Floor, broken: Sequence[str]) -> list[out.Health]:
    """What is not well, the fold's own invariant included: `broken` are the queues in which it does not hold."""
    items = list(floor.state.health.values())
    if broken:
        text = f"offered = answered + abandoned + left + unknown + waiting does not hold in {', '.join(broken[:5])}"
        items.append(out.Health(id="identity", level="red", text=text))
    begun_ns, calendar = floor.state.begun_again_ns, floor.calendar
    if begun_ns and calendar.day(floor.state.now_ns)[0] <= begun_ns:
        text = f"the journal was lost and begun anew at {calendar.time_of_day(begun_ns)}: the figures of today count from then"
        items.append(out.Health(id="journal.epoch", level="amber", text=text))
    return items


def trunk_snapshot(floor: Floor, key: str, tick_ns: int) -> out.Trunk:
    """One group of lines; the share is over the part of today's opening hours in which its PBX was in sight."""
    trunk = floor.state.trunks.get(key) or TrunkState(key)
    config = floor.config.trunks.get(key)
    day = floor.calendar.day(tick_ns)[0]
    seen = all(source is not None and source.in_sight for source in _trunk_sources(floor, trunk))
    busy_ms, seen_ns = trunk_time(floor, trunk, day, tick_ns)
    met = trunk.wanted.get(day)
    return out.Trunk(
        lines=config.lines if config else None,
        busy=len(trunk.busy) if seen else None,
        all_busy_now=bool(trunk.all_busy_ns) if seen and config else None,
        all_busy_share=_rate(busy_ms, seen_ns / 1e6) if config else None,
        judged=seen_ns >= floor.config.alarm.min_observed_s * 1e9 if config else None,
        blocked_share=_rate(*met) if met else None,
        blocked_share_of=met,
        faults=dict(list(trunk.faults.items())[:_FAULTS_SHOWN]),
    )


def trunk_time(floor: Floor, trunk: TrunkState, day: int, until: int) -> tuple[int, int]:
    """Of one day: the ms in which every line of a group was busy, and the ns in which it was observed; both in opening hours."""
    sources, calendar = _trunk_sources(floor, trunk), floor.calendar
    busy_ms = trunk.all_busy_ms.get(day, 0)
    if trunk.all_busy_ns and all(source is not None and source.in_sight for source in sources):
        busy_ms += sum(b - a for a, b in calendar.open_spans(max(trunk.all_busy_ns, day), until)) // 1_000_000
    seen = calendar.open_spans(day, until)
    for source in sources:  # observed is what everybody saw
        spans = _spans(source, until) if source is not None else []
        seen = [(max(a, c), min(b, d)) for a, b in spans for c, d in seen if max(a, c) < min(b, d)]
    return busy_ms, sum(b - a for a, b in seen)


def _trunk_sources(floor: Floor, trunk: TrunkState) -> list[Source | None]:
    """Those that see the group's lines, None where one was never seen."""
    keys = watchers(floor.config, trunk.key) or (trunk.pbx or next(iter(floor.state.sources), ""),)
    return [floor.source(key) for key in keys]


def headsets(floor: Floor) -> dict[str, out.Headset]:
    """The headsets by seat, stale where whoever told of them is not heard now."""
    own = floor.config.headsets
    return floor.headsets.shown(own.boxes if own is not None else (), linked=not floor.unlinked_ns)


def announcements(floor: Floor, now_ns: int) -> list[out.Announcement]:
    """Those in force now, newest last."""
    shown = []
    for data in floor.state.announcements.values():
        begins = wall_ns_from_rfc3339(data.begins) if data.begins else 0
        until = wall_ns_from_rfc3339(data.until) if data.until else None
        if begins <= now_ns and (until is None or now_ns < until):
            shown.append(out.Announcement(id=data.id, text=data.text, severity=data.severity, until=data.until, boards=list(data.boards)))
    return shown


def freshness(source: Source | None) -> tuple[out.Fresh, int | None]:
    """Live while the source is in sight; stale, as of its last sight, after it; unknown when it was never seen."""
    if source is None or not source.seen_ns:
        return "unknown", None
    return ("live", None) if source.in_sight else ("stale", source.seen_ns)


def unbalanced(floor: Floor) -> list[str]:
    """Queues in which offered = answered + abandoned + left + unknown + waiting does not hold: never, or the fold is wrong."""
    return [queue.key for queue in floor.state.queues.values() if not is_balanced(queue)]


def is_balanced(queue: QueueState, half: int | None = None) -> bool:
    """Whether the identity holds in every window of one queue; with `half`, of its half-hours in this one alone (a snapshot's share)."""
    halves = queue.halves.values() if half is None else [queue.halves[half]] if half in queue.halves else []
    return all(tally.balanced() for tally in (*queue.days.values(), *halves, queue.rolling))


_ADDED = (
    "offered", "answered", "answered_ended", "abandoned", "short_abandoned", "left", "unknown", "waiting",
    "answered_in_time", "abandoned_in_time", "wait_sum", "talk_sum", "hold_sum", "wrap_up_sum",
)  # fmt: skip
_added = attrgetter(*_ADDED)


def _counts(tally: Tally) -> out.Window:
    return out.Window(
        offered=tally.offered,
        answered=tally.answered,
        answered_ended=tally.answered_ended,
        abandoned=tally.abandoned,
        short_abandoned=tally.short_abandoned,
        left=tally.left,
        left_by=dict(tally.left_by),
        unknown=tally.unknown,
        waiting=tally.waiting,
        refused=tally.refused or None,
        answered_in_time=tally.answered_in_time,
        abandoned_in_time=tally.abandoned_in_time,
        wait_sum=tally.wait_ms / 1000,
        wait_max=tally.wait_max_ms / 1000 if tally.wait_max_ms >= 0 else None,
        talk_sum=tally.talk_ms / 1000,
        hold_sum=tally.hold_ms / 1000,
        wrap_up_sum=tally.wrap_ms / 1000,
        repeat_call_share_of=(tally.repeat, tally.known),
        satisfaction_of=(tally.score_milli / 1000, tally.answers) if tally.answers else None,
        classes=dict(tally.classes),
    )


def _rated(window: out.Window) -> out.Window:
    for name in ("wait_sum", "talk_sum", "hold_sum", "wrap_up_sum"):
        setattr(window, name, round(getattr(window, name), 3))
    if window.service_level_of is not None:
        window.service_level = _rate(*window.service_level_of)
    if window.repeat_call_share_of is not None:
        window.repeat_call_share = _rate(*window.repeat_call_share_of)
    if window.satisfaction_of is not None:
        window.satisfaction = satisfaction(*window.satisfaction_of)
    if window.self_service_share_of is not None:
        window.self_service_share = _rate(*window.self_service_share_of)
    window.abandon_rate_of = (window.abandoned, window.answered + window.abandoned + window.left)
    window.abandon_rate = _rate(*window.abandon_rate_of)
    window.asa = _mean(window.wait_sum, window.answered)
    window.talk_avg = _mean(window.talk_sum, window.answered_ended)
    window.aht = _mean(window.talk_sum + window.wrap_up_sum, window.answered_ended)
    return window


def satisfaction(points: float, answers: int) -> out.Satisfaction | None:
    """The mean of survey answers, to hundredths; None of none."""
    return out.Satisfaction(mean=round(points / answers, 2), answers=answers) if answers else None


def with_callbacks(queue: out.Queue, floor: Floor) -> out.Queue:
    """The floor's sum with everybody who is to be called back, also those of no queue; not those of queues that are hidden."""
    hidden = [key for key, own in floor.config.queues.items() if own.hidden]
    queue.callbacks = floor.callbacks.total(hidden) if floor.callbacks.shown else None
    return queue


def with_self_service(queue: out.Queue, shares: dict[str, tuple[int, int]] | None) -> out.Queue:
    """The floor's sum with the share of calls that served themselves in the menus; as it is where no menu is told of."""
    for name, parts in (shares or {}).items():
        window: out.Window | None = getattr(queue, name)
        if window is not None:
            window.self_service_share_of, window.self_service_share = parts, _rate(*parts)
    return queue


def _coverage(floor: Floor, source: Source | None, window: tuple[int, int], tick_ns: int) -> float | None:
    if source is None:
        return None
    share = coverage(source, floor.calendar, window, tick_ns, floor.config.site.hours is not None)
    return None if share is None else round(share, 4)


def _spans(source: Source, now_ns: int) -> list[tuple[int, int]]:
    last = len(source.spans) - 1
    return [(a, now_ns if source.in_sight and at == last else b) for at, (a, b) in enumerate(source.spans)]


def _rate(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _mean(total: float, count: int) -> float | None:
    return _tenth(total / count) if count else None


def _tenth(value: float) -> float:
    return round(max(0.0, value), 1)


def _time(at_ns: int | None) -> str | None:
    return rfc3339(at_ns) if at_ns else None


def _same(values: Iterable[_T]) -> _T | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None
