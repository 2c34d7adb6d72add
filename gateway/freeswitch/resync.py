"""Decides what became of everything known, once FreeSWITCH's own lists have been read.

Only what was known before they were asked for is put to the test: what was seen live since needs no inference. Endings that were not
seen are marked inferred; what cannot be known is `call.lost`, never booked as abandoned (a list calls everybody Abandoned who left
unanswered, whatever the reason).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS
from gateway.freeswitch.agents import IN_A_CALL
from gateway.freeswitch.cause import told
from gateway.freeswitch.esl import Message
from gateway.freeswitch.tables import Row, number
from gateway.freeswitch.tracker import Tracker
from gateway.pbx.calls import Channel
from gateway.pbx.stay import Talk, Visit

#: A caller whose listed wait falls short of the known one by more than this joined anew.
_WAIT_TOLERANCE_S: Final = 3.0
_WAITING: Final = frozenset(("Waiting", "Trying"))
#: A row is written just after the event that tells of it: whom the lists asked for at that moment do not name is not put to the test.
FRESH_NS: Final = 5 * NS


class Lists(Struct, kw_only=True):
    """The PBX's answers so far; None: not answered, or refused. `at_s`: the PBX's clock at each queue's list.

    `left` and `gone`: whose stay or channel events told to have ended since; an answer on its way may hold them still.
    """

    queues: list[str] | None = None
    agents: list[Row] | None = None
    tiers: list[Row] | None = None
    members: dict[str, Row] = {}
    listed: set[str] = set()
    channels: dict[str, dict[str, Any]] | None = None
    at_s: float | None = None
    left: set[str] = set()
    gone: set[str] = set()


class Found(Struct, kw_only=True):
    """What the comparison found, for `pbx.resynced`."""

    waiting: int = 0
    lost: int = 0
    inferred: int = 0


def channels_from_answer(text: str) -> dict[str, dict[str, Any]] | None:
    """The answer to `show channels as json`, by channel; None when it is none."""
    try:
        rows = msgspec.json.decode(text, type=dict[str, Any]).get("rows") or []
    except (msgspec.DecodeError, UnicodeError):
        return None
    if not isinstance(rows, list):
        return None
    return {str(row.get("uuid")): row for row in rows if isinstance(row, dict) and row.get("uuid")}


def overtaken(lists: Lists, m: Message) -> None:
    """A live event about a listed caller came before the comparison: the row is the past, whether it has come or is to come yet."""
    action = m.get("CC-Action")
    if action == "member-queue-end" or (action == "bridge-agent-end" and m.get("CC-Agent-Bridged") != "false"):  # else he waits on
        lists.left.add(m.get("CC-Member-Session-UUID"))
    elif m.name == "CHANNEL_HANGUP":
        lists.gone.add(m.get("Unique-ID"))


def _without_the_past(lists: Lists) -> None:
    for uniqueid in lists.left | lists.gone:
        lists.members.pop(uniqueid, None)
    if lists.channels is not None:
        for uniqueid in lists.gone:
            lists.channels.pop(uniqueid, None)


def compare(tracker: Tracker, lists: Lists, now_ns: int, last_seen_ns: int | None, *, restarted: bool, first: bool, older_ns: int) -> Found:
    """Bring the tracker to what the lists say; it emits what that means.

    `last_seen_ns`: when the PBX was last in sight before; `first`: there was blindness, so what no list tells is not known any more;
    `older_ns`: what began later is not put to the test.
    """
    found = Found()
    _without_the_past(lists)
    ended_ns = min(now_ns, last_seen_ns) if last_seen_ns is not None else now_ns
    _compare_agents(tracker, lists, now_ns)
    for talk in list(tracker.talks.open.values()):
        if talk.session >= tracker.session or (talk.answered_ns > older_ns and not restarted):
            continue
        row = lists.members.get(talk.visit.uniqueid)
        if restarted or (_is_told(lists, talk.visit.queue, first=first) and not _still_talking(tracker, talk, lists, row)):
            by = "pbx_stopped" if restarted else "unknown"
            tracker.talks.end(talk, max(talk.answered_ns, ended_ns), by, inferred=True)
            found.inferred += 1
        else:
            _goes_on(tracker, talk, lists, row)
    for visit in list(tracker.visits.waiting()):
        if visit.session >= tracker.session or visit.due_ns is not None or (visit.joined_ns > older_ns and not restarted):
            continue
        row = lists.members.get(visit.uniqueid)
        if not restarted and (not _is_told(lists, visit.queue, first=first) or _still_waiting(tracker, visit, row, lists, now_ns)):
            visit.session = tracker.session
            continue
        talking = not restarted and row is not None and row.get("state") == "Answered" and row.get("queue") == visit.queue
        agent = tracker.agents.of(row["serving_agent"]).key if talking and row and row.get("serving_agent") else None
        tracker.visits.lost(visit, killed=restarted, found_talking=talking, agent=agent)
        found.lost += 1
    found.inferred += _unseen(tracker, lists, now_ns)
    _compare_channels(tracker, lists, now_ns)
    found.waiting = len(tracker.visits.open)
    return found


def _unseen(tracker: Tracker, lists: Lists, now_ns: int) -> int:
    """Callers who joined unseen and wait: opened by the PBX's own word of how long. Returns their number."""
    count = 0
    for uniqueid, row in lists.members.items():
        if row.get("state") not in _WAITING or uniqueid in tracker.visits.open or uniqueid in tracker.talks.open:
            continue
        waited_s = _waited_s(row, lists)
        tracker.begin_visit(uniqueid, row["queue"], now_ns, waited_s=waited_s or 0.0, caller=told(row.get("cid_number", "")))
        count += 1
    return count


def _waited_s(row: Row, lists: Lists) -> float | None:
    """How long he has waited by the PBX's clock: by its events' stamps, else by the score, which counts the seconds since he joined."""
    again_s, joined_s = number(row.get("rejoined_epoch", "")), number(row.get("joined_epoch", ""))
    score = number(row.get("score", "")) - number(row.get("base_score", "")) - number(row.get("skill_score", ""))
    now_s = lists.at_s if lists.at_s is not None else joined_s + score if row.get("score") else None
    return max(0.0, now_s - (again_s or joined_s)) if joined_s and now_s is not None else None


def _still_waiting(tracker: Tracker, visit: Visit, row: Row | None, lists: Lists, now_ns: int) -> bool:
    if row is None or row.get("queue") != visit.queue or row.get("state") not in _WAITING:
        return False
    if not tracker.same_member(visit, row.get("uuid", "")):
        return False
    waited_s = _waited_s(row, lists)
    return waited_s is None or (now_ns - visit.joined_ns) / NS - waited_s <= _WAIT_TOLERANCE_S


def _is_told(lists: Lists, queue: str, *, first: bool) -> bool:
    """Whether the lists speak of this queue's callers: they were listed, or the queue is no more."""
    return first or queue in lists.listed or (lists.queues is not None and queue not in lists.queues)


def _still_talking(tracker: Tracker, talk: Talk, lists: Lists, row: Row | None) -> bool:
    if talk.visit.queue not in lists.listed:  # its callers are not told: the agent's own state is
        return any(tracker.agents.of(a["name"]).key == talk.presence and a.get("state") == IN_A_CALL for a in lists.agents or ())
    if row is None or row.get("queue") != talk.visit.queue or row.get("state") != "Answered":
        return False
    if not tracker.same_member(talk.visit, row.get("uuid", "")):
        return False
    agent = row.get("serving_agent", "")
    return not agent or tracker.agents.of(agent).key == talk.presence


def _goes_on(tracker: Tracker, talk: Talk, lists: Lists, row: Row | None) -> None:
    talk.session = tracker.session
    name = row.get("serving_agent", "") if row is not None else ""
    talk.interface = talk.interface or name
    leg = next((agent.get("uuid", "") for agent in lists.agents or () if agent.get("name") == name and name), "")
    if leg and leg not in talk.legs:
        tracker.talks.add_leg(talk, leg, "")
    tracker.agents.talks(talk.presence, talk.visit.visit, talk.visit.call)


def _compare_agents(tracker: Tracker, lists: Lists, now_ns: int) -> None:
    if lists.agents is None:
        return
    for row in lists.agents:
        agent = tracker.agents.of(row.get("name", ""), row.get("contact", ""))
        agent.status, agent.state = row.get("status", ""), row.get("state", "")
        agent.wrap_up_s = float(number(row.get("wrap_up_time", "")))
        ended_s, wrap_up_s = number(row.get("last_bridge_end", "")), agent.wrap_up_s
        if lists.at_s is not None and ended_s and agent.state != IN_A_CALL and lists.at_s < ended_s + wrap_up_s:
            tracker.agents.wrap_until(agent.key, now_ns + round((ended_s + wrap_up_s - lists.at_s) * NS))
    tiers: dict[str, list[str]] | None = None if lists.tiers is None else {}
    for row in lists.tiers or ():
        if tiers is not None:
            tiers.setdefault(row.get("agent", ""), []).append(row.get("queue", ""))
    tracker.agents.listed({row.get("name", "") for row in lists.agents}, tiers)


def _compare_channels(tracker: Tracker, lists: Lists, now_ns: int) -> None:
    """Channels and lines from before: those not listed are gone. Without the list (no trunks are configured) lines do not matter."""
    channels = lists.channels
    for channel in list(tracker.calls.channels.values()):
        if channel.session < tracker.session and channels is not None:
            if channel.uniqueid in channels:
                channel.session = tracker.session
            else:
                tracker.channel_gone(channel.uniqueid, now_ns, inferred=True)
    if channels is None:
        return
    for uniqueid, row in channels.items():
        tracker.lines.known_as(str(row.get("name")), uniqueid)
    for line in tracker.lines.held():
        if line not in tracker.calls.channels and line not in channels:
            tracker.lines.released(line, now_ns, inferred=True)
    for uniqueid, row in channels.items():
        if uniqueid not in tracker.calls.channels:
            inbound = row.get("direction") == "inbound"
            channel = Channel(
                uniqueid=uniqueid, name=str(row.get("name")), state=4 if inbound else 5, caller=told(str(row.get("cid_num") or "")),
                dialled=told(str(row.get("dest") or "")) if inbound else None, session=tracker.session,
            )  # fmt: skip
            tracker.calls.adopt(channel, str(row.get("call_uuid") or ""))
            tracker.lines.seized(channel, now_ns, inferred=True)
