"""The floor as a fold: events in journal order go in, the state that every board and the CRM read comes out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec

from appliance.core.catalogue import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AnnouncementEnded,
    AnnouncementShown,
    BoxHealth,
    JournalStarted,
    LinkDown,
    LinkUp,
    PbxResynced,
)
from appliance.core.clock import rfc3339
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.floor.agent import AgentFold
from appliance.floor.calendar import Calendar
from appliance.floor.callback import CallbackFold
from appliance.floor.caller import CallerKeys
from appliance.floor.channel import ChannelFold, worked_ms
from appliance.floor.classify import ClassFold
from appliance.floor.headset import HeadsetFold
from appliance.floor.ivr import IvrFold
from appliance.floor.outbound import OutboundFold
from appliance.floor.record import RecordFold
from appliance.floor.snapshot import Alarm, Health
from appliance.floor.source import SourceFold
from appliance.floor.state import FloorState, Source
from appliance.floor.trunk import TrunkFold
from appliance.floor.visit import VisitFold

#: Raise it whenever a fold changes its mind about old events: caches of another version are thrown away.
VERSION: Final = 11
_ANNOUNCEMENTS_KEPT: Final = 200
_ALARMS_KEPT: Final = 5000
_MARK_BYTES: Final = 32

Handler = Callable[[Any, int], None]


class Floor:
    """One floor being folded. `dirty` collects what changed since it was last taken: queue, agent, source and member names."""

    def __init__(self, config: Config, state: FloorState | None = None, salt: bytes = b"") -> None:
        """`salt`: of the hashes by which callers are known again; without a box any will do."""
        self.config = config
        self.calendar = Calendar(config.site.timezone, config.site.hours)
        self.state = state or FloorState(version=VERSION, settings=settings_mark(config))
        callers = CallerKeys(salt)
        self.state.salt = callers.mark
        self.dirty: set[str] = set()
        self.visits = VisitFold(self.state, config, self.calendar, self._queue_touched, callers)
        self.agents = AgentFold(self.state, self.calendar, self._agent_touched, self.visits.wrapped)
        self.trunks = TrunkFold(self.state, config, self.calendar)
        self.records = RecordFold(self.state.records, self.calendar)
        self.sources = SourceFold(self.state, self._blind, self._sighted)
        self.headsets = HeadsetFold(self.state)
        self.callbacks = CallbackFold(self.state.callbacks, self._queue_touched)
        self.ivr = IvrFold(self.state, config, self.calendar, self.visits, self.agents)
        self.outbound = OutboundFold(self.state.outbound, self.calendar)
        self.classes = ClassFold(self.state, config, self.calendar, self.visits)
        self.channels = ChannelFold(self.state, config, self.calendar, self._worked)
        #: Sources whose process is dead, as they are to be shown: told from outside, since a dead process writes no event.
        self.unsighted: dict[str, Source] = {}
        #: Since when the process that speaks with the CRM is dead, 0 while it lives: told from outside likewise.
        self.unlinked_ns = 0
        #: There is a directory of customers, told from outside likewise: nobody is waiting who is served first, instead of nobody knows.
        self.has_directory = False
        #: Sources that were told up, down or resynced since somebody last took these, and when.
        self.spoken: dict[str, int] = {}
        #: Told the start of a day and of the later one that begins, before anything is forgotten: for whoever keeps whole days.
        self.leaving: Callable[[int, int], None] | None = None
        self._day, self._half = 0, 0
        self._row, self._unset = 0, False
        visits, agents, sources, trunks = self.visits, self.agents, self.sources, self.trunks
        self._handlers: dict[str, Handler] = {
            "call.queued": visits.queued,
            "call.matched": visits.matched,
            "call.answered": self._answered,
            "call.abandoned": self._visit_over(visits.abandoned),
            "call.left": self._visit_over(visits.left),
            "call.lost": self._visit_over(visits.lost),
            "call.ended": self._ended,
            "call.offered": trunks.offered,
            "call.digits": self.ivr.digits,
            "call.survey": self.ivr.answered,
            "call.attempted": self.outbound.attempted,
            "call.dissatisfied": self.callbacks.dissatisfied,
            "callback.opened": self._callback_opened,
            "callback.claimed": self.callbacks.claimed,
            "callback.closed": self.callbacks.closed,
            "call.classified": self.classes.told,
            "kpi.told": self.channels.told,
            "agent.logged_in": agents.logged_in,
            "agent.logged_out": agents.logged_out,
            "agent.state": agents.changed,
            "pbx.up": sources.up,
            "pbx.down": sources.down,
            "pbx.resynced": self._resynced,
            "pbx.record": self.records.told,
            "line.ringing": trunks.ringing,
            "line.seized": trunks.seized,
            "line.released": trunks.released,
            "line.fault": trunks.fault,
            "link.up": self._link_up,
            "link.down": self._link_down,
            "box.health": self._health,
            "alarm.raised": self._raised,
            "alarm.acknowledged": self._acknowledged,
            "alarm.cleared": self._cleared,
            "announcement.shown": self._shown,
            "announcement.ended": self._announcement_ended,
            "journal.started": self._started,
            **self.headsets.handlers,
        }

    def wants(self, kind: str) -> bool:
        """Whether a kind changes anything here; others need not even be decoded (box.clock_stepped moves the time line).

        What another box told is always wanted: how far that was heard is part of the state.
        """
        return kind in self._handlers or kind == "box.clock_stepped"

    def apply(self, seq: int, event: Event) -> bool:
        """Fold one event. True when earlier events must be dated anew: fold again from the beginning with this time line."""
        state = self.state
        self._row, self._unset = seq, event.clock == "unset"
        again = state.timeline.learn(seq, event)
        at_ns = state.timeline.offsets[event.boot] + event.mono_ns
        handler = self._handlers.get(event.kind)
        if event.origin is not None:
            self.headsets.told_elsewhere(event, at_ns)
        elif handler is not None:
            handler(event.data, at_ns)
            if event.source.startswith("gateway/"):
                self.sources.heard(event.source[8:], at_ns)
            if event.kind.startswith("pbx.") and event.kind != "pbx.record":
                self.spoken[event.data.pbx] = at_ns  # type: ignore[attr-defined]
        state.seq = seq
        state.clock = event.clock
        state.now_ns = max(state.now_ns, at_ns)
        self._turn_day(at_ns)
        return again

    def source(self, pbx: str) -> Source | None:
        """A source as it is to be shown now."""
        return self.unsighted.get(pbx) or self.state.sources.get(pbx)

    def advance(self, now_ns: int) -> None:
        """Let time pass without events: old visits leave the rolling windows."""
        self.state.now_ns = max(self.state.now_ns, now_ns)
        self._turn_day(now_ns)
        for queue in self.state.queues.values():
            self.visits.roll(queue, now_ns)
            self.visits.find_rolling_max(queue)
        self.ivr.roll(now_ns)
        self.outbound.roll(now_ns)
        self.classes.roll(now_ns)

    def _turn_day(self, at_ns: int) -> None:
        half = self.calendar.half_hour(at_ns)
        if half != self._half:
            self._half = half
            self.visits.forget_callers(at_ns)
        day = self.calendar.day(at_ns)[0]
        if day != self._day:
            if self.leaving is not None and 0 < self._day < day:
                self.leaving(self._day, day)
            self._day = day
            self.visits.forget_old(at_ns)
            self.agents.forget_old(day)
            self.classes.forget_old(day)
            self.channels.forget_old(day)
            self.headsets.turn_day(rfc3339(day))

    def _queue_touched(self, key: str) -> None:
        self.dirty.add(f"queues/{key}")

    def _agent_touched(self, key: str) -> None:
        self.dirty.add(f"agents/{key}")
        for queue in self.state.agents[key].queues:
            self.dirty.add(f"queues/{queue}")

    def _answered(self, data: Any, at_ns: int) -> None:
        self.visits.answered(data, at_ns)
        self.agents.answered(data.agent, data.pbx, at_ns)

    def _callback_opened(self, data: Any, at_ns: int) -> None:
        self.callbacks.opened(self._row, data, at_ns, unset=self._unset)

    def _ended(self, data: Any, at_ns: int) -> None:
        visit = self.state.visits.get(data.visit or "")
        place = (visit.queue, visit.day, visit.half) if visit is not None else None
        self.visits.ended(data, at_ns)
        self.agents.ended(data.agent, data.visit, place)
        self.classes.over(data.call, at_ns)

    def _visit_over(self, fold: Handler) -> Handler:
        """The visit's own end, and then that of its call as far as it is extraordinary."""

        def handle(data: Any, at_ns: int) -> None:
            fold(data, at_ns)
            self.classes.over(data.call, at_ns)

        return handle

    def _worked(self, now_ns: int) -> tuple[int, int]:
        return worked_ms(self.agents.ms_until(agent, max(now_ns, agent.since_ns)) for agent in self.state.agents.values())

    def _blind(self, pbx: str, at_ns: int) -> None:
        self.agents.blind(pbx, at_ns)
        self.trunks.blind(pbx, at_ns)
        self._source_touched(pbx)

    def _sighted(self, pbx: str, at_ns: int) -> None:
        self.agents.sighted(pbx, at_ns)
        self.trunks.sighted(pbx, at_ns)
        self._source_touched(pbx)

    def _source_touched(self, pbx: str) -> None:
        self.dirty.add(f"sources/{pbx}")
        self.dirty.update(f"queues/{queue.key}" for queue in self.state.queues.values() if queue.pbx == pbx)

    def _resynced(self, data: PbxResynced, at_ns: int) -> None:
        for named in data.queues:
            self.visits.named(named.key, data.pbx, named.title)
        self.sources.resynced(data, at_ns)

    def _link_up(self, _data: LinkUp, at_ns: int) -> None:
        self.state.link.state, self.state.link.since_ns = "up", at_ns

    def _link_down(self, data: LinkDown, at_ns: int) -> None:
        state = data.reason if data.reason in ("denied", "no_consumer") else "down"
        self.state.link.state, self.state.link.since_ns = state, at_ns

    def _health(self, data: BoxHealth, _at_ns: int) -> None:
        if data.level == "ok":
            self.state.health.pop(data.id, None)
        else:
            self.state.health[data.id] = Health(id=data.id, level=data.level, text=data.text)

    def _raised(self, data: AlarmRaised, at_ns: int) -> None:
        alarms = self.state.alarms
        known = alarms.get(data.alarm)
        self.classes.raised(data)
        if known is not None and known.level == data.level and data.call is None:
            return
        # Whoever has seen it red has seen it amber; one that got worse has been seen by nobody.
        seen = known.acknowledged if known is not None and data.level == "amber" else None
        since = rfc3339(at_ns)
        alarms[data.alarm] = Alarm(id=data.alarm, level=data.level, since=since, acknowledged=seen, agent=data.agent, seat=data.seat)
        while len(alarms) > _ALARMS_KEPT:
            del alarms[next(iter(alarms))]

    def _acknowledged(self, data: AlarmAcknowledged, at_ns: int) -> None:
        alarm = self.state.alarms.get(data.alarm)
        if alarm is not None and alarm.acknowledged is None:
            self.state.alarms[data.alarm] = msgspec.structs.replace(alarm, acknowledged=rfc3339(at_ns))

    def _cleared(self, data: AlarmCleared, _at_ns: int) -> None:
        self.state.alarms.pop(data.alarm, None)
        self.classes.cleared(data)

    def _shown(self, data: AnnouncementShown, _at_ns: int) -> None:
        self.state.announcements[data.id] = data
        while len(self.state.announcements) > _ANNOUNCEMENTS_KEPT:
            del self.state.announcements[next(iter(self.state.announcements))]

    def _announcement_ended(self, data: AnnouncementEnded, _at_ns: int) -> None:
        self.state.announcements.pop(data.id, None)

    def _started(self, data: JournalStarted, at_ns: int) -> None:
        if data.reason != "new":
            self.state.begun_again_ns = at_ns


def settings_mark(config: Config) -> str:
    """A mark of everything in the configuration that the folds depend on: a cache made under another is no use."""
    tables = (config.queues, config.groups, config.trunks)
    without_alarms = [{key: msgspec.structs.replace(each, alarm={}) for key, each in table.items()} for table in tables]
    extraordinary = (name for name, kind in config.classification.known.items() if kind.extraordinary)
    parts = (config.site, config.kpi, without_alarms, config.agents, sorted(extraordinary), config.channels.stale_s)
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:16]


def bytes_from_state(state: FloorState) -> bytes:
    """A fold state as a cache: the same events, with time advanced to the same moment, always give the same bytes."""
    for queue in state.queues.values():
        del queue.rolling_ids[: queue.rolling_head]
        queue.rolling_head = 0
    body = msgspec.msgpack.encode(state)
    return hashlib.sha256(body).digest() + body


def state_from_bytes(data: bytes, config: Config, epoch: str, salt: bytes = b"") -> FloorState | None:
    """A cached state, or None when it is another version's, another configuration's, another epoch's, another salt's, or damaged."""
    mark, body = data[:_MARK_BYTES], data[_MARK_BYTES:]
    if hashlib.sha256(body).digest() != mark:  # a cut of power can leave zeros that decode well
        return None
    try:
        state = msgspec.msgpack.decode(body, type=FloorState)
    except msgspec.DecodeError:
        return None
    fits = state.version == VERSION and state.settings == settings_mark(config) and state.epoch == epoch
    fits = fits and state.salt == CallerKeys(salt).mark
    return state if fits else None
