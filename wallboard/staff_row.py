"""Decides how agents, headsets and groups of lines stand as rows: by what they do now, and since when. Pure."""

from __future__ import annotations

from appliance.floor.snapshot import Agent, Headset, Snapshot, Trunk
from wallboard.alarm.quiet import Level
from wallboard.moment import age_s
from wallboard.row import Row
from wallboard.tile import Tile, figure_text
from wallboard.words import DASH, Words, clock_text

#: Agents stand by what they do, the free ones first; within a state whoever is in it longest.
AGENT_ORDER = ("available", "ringing", "talking", "holding", "wrap_up", "paused", "unknown")


def agent_rows(snapshot: Snapshot, words: Words, queues: tuple[str, ...], now_wall_ns: int, *, named: bool) -> tuple[Row, ...]:
    """The agents of these queues (none named: all) by what they do; without names nobody has a place of his own."""
    fresh, wanted = snapshot.floor.fresh, set(queues)
    here = [
        (key, agent) for key, agent in (snapshot.agents or {}).items()
        if agent.state != "logged_out" and (not wanted or wanted & set(agent.queues))
    ]  # fmt: skip
    here.sort(key=lambda item: (_place(item[1]), item[1].since or "", item[0]))
    rows = []
    for at, (key, agent) in enumerate(here, 1):
        state = agent.state if fresh == "live" else "unknown"
        word = words.text({"unknown": "agents.unknown", "available": "one.available"}.get(state, state))
        if state == "paused" and agent.reason:
            word = f"{word} · {agent.reason}"
        title = (agent.name or key) if named else ""
        since = agent.since if state != "unknown" else None
        rows.append(Row(key if named else str(at), title, (), fresh, _age(since, now_wall_ns), state, word, since))
    return tuple(rows)


def trunk_rows(snapshot: Snapshot, words: Words) -> tuple[Row, ...]:
    """The groups of lines: busy of all, and the share of the day with all of them busy."""
    return tuple(_trunk(snapshot, words, key, trunk) for key, trunk in snapshot.trunks.items())


def _trunk(snapshot: Snapshot, words: Words, key: str, trunk: Trunk) -> Row:
    fresh = snapshot.floor.fresh
    full = trunk.all_busy_now if fresh == "live" else None
    busy = words.number(trunk.busy) if trunk.busy is not None else DASH
    lines = f"/{words.number(trunk.lines)}" if trunk.lines is not None else ""
    share, unit = figure_text(words, "all_busy", trunk.all_busy_share)
    alarm = next((a for a in snapshot.alarms if a.id == f"trunk.{key}.all_busy_share"), None) if fresh == "live" else None
    level: Level = alarm.level if alarm else "none"
    seen = alarm is not None and alarm.acknowledged is not None
    short = words.text("short.trunks"), words.text("short.all_busy")
    tiles = (
        Tile("trunks", words.text("trunks"), short[0], busy + lines, fresh=fresh),
        Tile("all_busy", words.text("all_busy"), short[1], share, unit, fresh=fresh, level=level, acknowledged=seen),
    )
    word = words.text("line_faults", n=words.number(len(trunk.faults))) if trunk.faults and fresh == "live" else ""
    return Row(key, key, tiles, fresh, state="all_busy" if full else "", word=words.text("all_busy") if full else word, level=level)


def headset_rows(snapshot: Snapshot, words: Words, now_wall_ns: int, *, named: bool) -> tuple[Row, ...]:
    """The headsets by seat, this box's own first."""
    seats = sorted((snapshot.headsets or {}).items(), key=lambda item: (item[1].box or "", item[0]))
    return tuple(_headset(snapshot, words, key, seat, now_wall_ns, named=named) for key, seat in seats)


def _headset(snapshot: Snapshot, words: Words, key: str, seat: Headset, now_wall_ns: int, *, named: bool) -> Row:
    state = "unknown"
    if seat.fresh == "live" and seat.attached is False:
        state = "unplugged"
    elif seat.fresh == "live":
        state = "muted" if seat.mute else {"off": "off_hook", "on": "on_hook"}.get(seat.hook, "unknown")
    finding = seat.findings[0] if seat.findings and seat.fresh == "live" else ""
    # In what it and the PBX disagree says more than either alone.
    word = words.texts.get(f"finding.{finding}", finding) or words.text("agents.unknown" if state == "unknown" else f"headset.{state}")
    level: Level = "amber" if finding else "none"
    agent = (snapshot.agents or {}).get(seat.agent or "")
    whose = f" · {agent.name or seat.agent}" if agent and named else ""
    return Row(key, key + whose, (), seat.fresh, _age(seat.since, now_wall_ns), state, word, seat.since, level)


def _age(since: str | None, now_wall_ns: int) -> str:
    return clock_text(age_s(since, now_wall_ns)) if since else ""


def _place(agent: Agent) -> int:
    return AGENT_ORDER.index(agent.state) if agent.state in AGENT_ORDER else len(AGENT_ORDER)
