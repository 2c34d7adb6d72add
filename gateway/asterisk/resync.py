"""Decides what became of everything known, once the PBX's own lists have been read after a blind time.

Only what is known from an earlier session is put to the test: what was seen live in this one needs no inference.
Endings that were not seen are marked inferred; what cannot be known is `call.lost`, never booked as abandoned.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.clock import NS
from gateway.asterisk.ami import Message
from gateway.asterisk.tracker import Tracker, dnis_of
from gateway.pbx.calls import Channel, told
from gateway.pbx.number import whole
from gateway.pbx.stay import Talk, Visit

#: A caller whose listed Wait falls short of the known one by more than this joined anew.
_WAIT_TOLERANCE_S: Final = 3.0
_MAX_ROWS: Final = 50_000
_ASKS_TO_GO: Final = frozenset(("HangupRequest", "SoftHangupRequest"))
_LEAVES: Final = frozenset(("QueueCallerLeave", "QueueCallerAbandon", "AgentConnect"))
_QUEUE_APPS: Final = frozenset(("Queue", "AppQueue"))


class Lists(Struct, kw_only=True):
    """The PBX's answers so far. A list is None until its `…Complete` has come; denied ones stay None."""

    entries: dict[str, Message] = {}
    #: When each of them was told: its Wait is as of then.
    told_ns: dict[str, int] = {}
    channels: dict[str, Message] = {}
    queues_done: bool = False
    channels_done: bool = False
    summary_done: bool = False
    devices_done: bool = False
    lost: int = 0


class Found(Struct, kw_only=True):
    """What the comparison found, for `pbx.resynced`."""

    waiting: int = 0
    lost: int = 0
    inferred: int = 0


def collect(lists: Lists, m: Message, tracker: Tracker, now_ns: int) -> bool:
    """Take in one row of a list; False when the message is no row. Membership rows count at once, since they are the present."""
    name = m.name
    if name == "QueueMember":
        tracker.member_row(m, m.get("Location"), m.get("Name"))
    elif name == "QueueParams":
        tracker.queues.key(m.get("Queue"))
    elif name == "QueueEntry":
        if len(lists.entries) < _MAX_ROWS:
            lists.entries[m.get("Uniqueid")] = m
            lists.told_ns[m.get("Uniqueid")] = now_ns
    elif name == "CoreShowChannel":
        if len(lists.channels) < _MAX_ROWS:
            lists.channels[m.get("Uniqueid")] = m
    elif name == "QueueStatusComplete":
        lists.queues_done = True
    elif name == "CoreShowChannelsComplete":
        lists.channels_done = True
    elif name == "QueueSummaryComplete":
        lists.summary_done = True
    elif name == "DeviceStateListComplete":
        lists.devices_done = True
    else:
        return name == "QueueSummary"
    return True


def overtaken(tracker: Tracker, lists: Lists, m: Message, now_ns: int) -> None:
    """A live event came after a row about the same call and before the comparison: the row is the past. Call before the tracker takes it.

    Without this a caller who leaves in that moment would be taken from his row as waiting again, and a phone whose
    channel hung up as talking for ever.
    """
    uniqueid = m.get("Uniqueid")
    row = lists.entries.get(uniqueid)
    if row is not None and (m.name in _ASKS_TO_GO or (m.name in _LEAVES and row.get("Queue") == m.get("Queue"))):
        if uniqueid not in tracker.visits.open and not _answered_live(tracker, uniqueid):
            _open_from_row(tracker, row, lists, now_ns)
        if m.name in _LEAVES:
            del lists.entries[uniqueid]
    _answered_unseen(tracker, lists, m, now_ns)
    if m.name == "Hangup":
        lists.channels.pop(uniqueid, None)
        lists.entries.pop(uniqueid, None)


def _answered_unseen(tracker: Tracker, lists: Lists, m: Message, now_ns: int) -> None:
    """Known as waiting from before, and now a conversation of his ends: he was answered in blindness, so his wait cannot be told."""
    visit = tracker.visits.open.get(m.get("Uniqueid"))
    if visit is None or visit.session >= tracker.session:
        return
    gone = m.name == "Hangup" and lists.queues_done and not _still_waiting(visit, lists, now_ns)
    if gone or (m.name == "AgentComplete" and m.get("Queue") == visit.queue):
        agent, talking = _found_talking(tracker, visit, lists)
        tracker.visits.lost(visit, found_talking=talking or not gone, agent=agent)
        lists.lost += 1


def _open_from_row(tracker: Tracker, row: Message, lists: Lists, now_ns: int) -> None:
    """A caller who joined in blindness and was found waiting, by the PBX's own word of how long."""
    wait = row.get("Wait")
    visit = tracker.open_visit(row, lists.told_ns.get(row.get("Uniqueid"), now_ns) - (whole(wait) or 0) * NS)
    tracker.begin_visit(visit, now_ns, position=whole(row.get("Position")), inferred=True)


def compare(tracker: Tracker, lists: Lists, now_ns: int, last_seen_ns: int | None, *, restarted: bool) -> Found:
    """Bring the tracker to what the lists say; it emits what that means. `last_seen_ns`: when the PBX was last in sight before."""
    found = Found(lost=lists.lost)
    ended_ns = min(now_ns, last_seen_ns) if last_seen_ns is not None else now_ns
    if restarted:
        tracker.agents.wraps_forgotten()
    _compare_talks(tracker, lists, found, ended_ns, restarted=restarted)
    _compare_visits(tracker, lists, found, now_ns, restarted=restarted)
    for uniqueid, row in lists.entries.items():
        if uniqueid not in tracker.visits.open and not _answered_live(tracker, uniqueid):
            _open_from_row(tracker, row, lists, now_ns)
            found.inferred += 1
    _compare_channels(tracker, lists, now_ns)
    if lists.queues_done:
        tracker.agents.drop_unseen(tracker.session)
    found.waiting = len(tracker.visits.open)
    return found


def _compare_talks(tracker: Tracker, lists: Lists, found: Found, ended_ns: int, *, restarted: bool) -> None:
    """Conversations from before: those that no list proves ended when the PBX was last in sight."""
    for talk in list(tracker.talks.open.values()):
        if talk.session >= tracker.session:
            continue
        if restarted or not _still_talking(tracker, talk, lists):
            by = "pbx_stopped" if restarted else "unknown"
            tracker.talks.end(talk, max(talk.answered_ns, ended_ns), by, inferred=True)
            found.inferred += 1
        else:
            talk.session = tracker.session
            tracker.talks.kept(talk, ended_ns, proven=lists.channels_done)
            if not talk.agent_left:
                tracker.agents.talks(talk.presence, talk.visit.visit, talk.visit.call)


def _compare_visits(tracker: Tracker, lists: Lists, found: Found, now_ns: int, *, restarted: bool) -> None:
    """Callers who waited before: those that no list has are lost."""
    for visit in tracker.visits.waiting():
        if visit.session >= tracker.session or (visit.due_ns is not None and not restarted):
            continue  # of this session, or seen to leave in it: live events tell how it ends
        if not restarted and _still_waiting(visit, lists, now_ns):
            visit.session, visit.left_ns = tracker.session, None
        else:
            agent, talking = (None, False) if restarted else _found_talking(tracker, visit, lists)
            tracker.visits.lost(visit, killed=restarted, found_talking=talking, agent=agent)
            found.lost += 1


def _still_waiting(visit: Visit, lists: Lists, now_ns: int) -> bool:
    row = lists.entries.get(visit.uniqueid)
    if row is None or row.get("Queue") != visit.queue:
        return False
    wait_s = whole(row.get("Wait"))
    return wait_s is None or (now_ns - visit.joined_ns) / NS - wait_s <= _WAIT_TOLERANCE_S


def _found_talking(tracker: Tracker, visit: Visit, lists: Lists) -> tuple[str | None, bool]:
    """Whether the caller is in conversation now, and with which agent if his phone tells."""
    row = lists.channels.get(visit.uniqueid)
    bridge = row.get("BridgeId") if row is not None and row.get("Application") in _QUEUE_APPS else ""
    if not bridge:
        return None, False
    peers = (m.get("Channel") for u, m in lists.channels.items() if m.get("BridgeId") == bridge and u != visit.uniqueid)
    return next((owner for owner in map(tracker.agents.owner_of, peers) if owner is not None), None), True


def _still_talking(tracker: Tracker, talk: Talk, lists: Lists) -> bool:
    """Both sides' channels still stand; without the channel list, the agent's phone is at least in use."""
    if lists.channels_done and not talk.legs:
        return _adopt_legs(tracker, talk, lists)
    if lists.channels_done:
        legs = [leg for leg, name in talk.legs.items() if not name.startswith("Local/")] or list(talk.legs)
        return talk.visit.uniqueid in lists.channels and any(leg in lists.channels for leg in legs)
    return lists.queues_done and tracker.agents.in_use(talk.presence)


def _adopt_legs(tracker: Tracker, talk: Talk, lists: Lists) -> bool:
    """A conversation that only the journal knew: whoever shares the caller's bridge is the agent's side, unless it is another's phone."""
    caller = lists.channels.get(talk.visit.uniqueid)
    bridge = caller.get("BridgeId") if caller is not None else ""
    if caller is None or not bridge or caller.get("Application") not in _QUEUE_APPS:
        return False
    peers = {u: m.get("Channel") for u, m in lists.channels.items() if m.get("BridgeId") == bridge and u != talk.visit.uniqueid}
    owners = {owner for owner in map(tracker.agents.owner_of, peers.values()) if owner is not None}
    if owners and talk.presence not in owners and tracker.agents.is_member(talk.presence):
        return False
    if owners and talk.presence not in owners:
        talk.presence = owners.pop()
    for leg, name in peers.items():
        tracker.talks.add_leg(talk, leg, name)
    return bool(peers)


def _answered_live(tracker: Tracker, uniqueid: str) -> bool:
    talk = tracker.talks.open.get(uniqueid)
    return talk is not None and talk.session == tracker.session


def _compare_channels(tracker: Tracker, lists: Lists, now_ns: int) -> None:
    """Channels and lines from before: those not listed are gone. Without the list all of them are let go, since their end was not seen."""
    for channel in list(tracker.calls.channels.values()):
        if channel.session == tracker.session:
            continue
        if channel.uniqueid in lists.channels:
            channel.session = tracker.session
        else:
            tracker.channel_gone(channel.uniqueid, now_ns, inferred=True)
    for uniqueid, row in lists.channels.items():
        tracker.lines.known_as(row.get("Channel"), uniqueid, now_ns)
    for line in tracker.lines.held():
        if line not in tracker.calls.channels and line not in lists.channels:
            tracker.lines.released(line, now_ns, inferred=True)
    for uniqueid, row in lists.channels.items():
        state = whole(row.get("ChannelState")) or 0
        if (known := tracker.calls.channels.get(uniqueid)) is not None:
            known.state = state
        else:
            known = Channel(
                uniqueid=uniqueid, name=row.get("Channel"), state=state, caller=told(row.get("CallerIDNum")),
                dialled=dnis_of(row), session=tracker.session,
            )  # fmt: skip
            tracker.calls.adopt(known, row.get("Linkedid"))
            tracker.lines.seized(known, now_ns, inferred=True)
        tracker.agents.channel(known)
    tracker.agents.explain_anew()
