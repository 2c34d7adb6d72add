"""Decides when a PBX is in sight: sessions, the lists asked for after each connect, and what both tell the journal.

Pure, like everything it stands on: the live service and a replay feed it the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import PbxDown, PbxDownReason, PbxResynced, PbxUp
from appliance.core.clock import NS
from appliance.core.config import Config
from gateway.asterisk.ami import Message
from gateway.asterisk.old_events import modern
from gateway.asterisk.restore import take_up
from gateway.asterisk.resync import Lists, collect, compare, overtaken
from gateway.asterisk.tracker import Tracker
from gateway.pbx.dialect import Mono
from gateway.pbx.known import Known
from gateway.pbx.number import whole
from gateway.pbx.reading import Reading

#: What is asked after every login, in this order.
ACTIONS: Final = ("CoreStatus", "CoreSettings", "QueueStatus", "QueueSummary", "CoreShowChannels", "DeviceStateList")
#: After the last list a live event may still be on its way that tells exactly what the lists only imply.
SETTLE_NS: Final = NS * 2 // 5
#: FullyBooted follows a login at once; without it the lists are asked for after this time.
BOOTED_NS: Final = NS
#: After damaged bytes the lists are read again, at most this often.
AGAIN_NS: Final = 30 * NS
#: A PBX that has not answered its lists by then is taken as it is.
PATIENCE_NS: Final = 15 * NS
#: What a missing right costs, as `pbx.up` says it.
LIMITS: Final[dict[str, str]] = {
    "CoreStatus": "CoreStatus denied: a restart of the PBX is told by its uptime alone; grant write=system or reporting",
    "CoreSettings": "CoreSettings denied: the PBX's version is not known; grant write=system or reporting",
    "QueueStatus": "QueueStatus denied: callers who waited before the box connected are not seen",
    "CoreShowChannels": "CoreShowChannels denied: after an outage conversations are judged by the phones' state alone; "
    "grant write=system or reporting",
    "DeviceStateList": "DeviceStateList denied: phones' states are known from queue members alone",
}


class PbxSource(Reading[Tracker, Lists]):
    """One PBX, whole: feed it what happens, append what it returns."""

    def __init__(self, pbx: str, config: Config) -> None:
        self.pbx = pbx
        super().__init__(Tracker(pbx, config))
        self.started: str | None = None
        self.last_seen_ns: int | None = None
        self._version: str | None = None
        self._new_started: str | None = None
        self._uptime_s: int | None = None
        self._denied: list[str] = []
        self._actions: dict[str, str] = {}
        self._answered: set[str] = set()
        self._blind_from_ns: int | None = None
        self._connected_ns = 0
        self._asked_ns: int | None = None
        self._ask = False
        self._damage = 0

    # -- sessions ----------------------------------------------------------------------------------------------

    def connected(self, mono_ns: int) -> list[Struct]:
        """A connection stands and its login was accepted, or will be told."""
        self._asked_ns, self._ask, self._damage = None, False, 0
        return self._begin(mono_ns)

    def _begin(self, mono_ns: int) -> list[Struct]:
        """The lists are about to be read."""
        self.tracker.connected()
        self.tracker.agents.quiet = True
        self._version = self._new_started = self._uptime_s = None
        self._denied, self._actions, self._answered = [], {}, set()
        self._lists = Lists()
        self._blind_from_ns, self._connected_ns = self.last_seen_ns, mono_ns
        self._due_ns = mono_ns + PATIENCE_NS
        return []

    def disconnected(self, mono_ns: int, reason: PbxDownReason = "lost", text: str | None = None) -> list[Struct]:
        """The connection is gone. `stopped` is said of itself when the PBX announced it."""
        out = self._held + self.tracker.disconnected(mono_ns, by_pbx=reason in ("lost", "silent", "stopped"))
        self._held, self._lists, self._due_ns = [], None, None
        self.tracker.agents.quiet = True
        if reason == "lost" and self.tracker.stopping:
            reason = "stopped"
        if self.up:
            unseen_s = round((mono_ns - self.last_seen_ns) / NS, 3) if self.last_seen_ns is not None else 0.0
            out.append(PbxDown(pbx=self.pbx, reason=reason, unseen_s=max(0.0, unseen_s), text=text))
        self.up = False
        return out

    def requests(self, mono_ns: int) -> Sequence[str]:
        """The lists: once FullyBooted has come or should have, and again when the PBX has only now booted, or bytes were damaged."""
        due = self._asked_ns is None and mono_ns - self._connected_ns >= BOOTED_NS
        if (self._lists is None and self._asked_ns is None) or not (self._ask or due):
            return ()
        if self._asked_ns is not None:
            self._begin(mono_ns)
        self._asked_ns, self._ask = mono_ns, False
        return ACTIONS

    def damaged(self, pieces: int, mono_ns: int) -> bool:
        """Damaged bytes may have hidden anything: the lists are read again, at most every half minute."""
        if pieces <= self._damage or self._asked_ns is None or mono_ns - self._asked_ns <= AGAIN_NS:
            return False
        self._damage, self._ask = pieces, True
        return True

    def restore(self, known: Known, mono: Mono, last_seen_ns: int | None) -> None:
        """Take up what the journal knows."""
        # A PBX that has been up for longer than the rows read back is in sight all the same: its calls say so.
        self.started, self.up, self.last_seen_ns = known.started, known.up is not False, last_seen_ns
        take_up(self.tracker, known, mono)

    def sent(self, action: str, action_id: str) -> None:
        """The box asked something."""
        if len(self._actions) > 1_000:
            self._actions.clear()
        if action in ACTIONS:
            self._actions[action_id] = action

    def seen(self, mono_ns: int) -> None:
        """Any byte came: the PBX is in sight."""
        self.last_seen_ns = mono_ns

    # -- messages ----------------------------------------------------------------------------------------------

    def on_message(self, message: Message, mono_ns: int) -> list[Struct]:
        """The events that a message means."""
        self.last_seen_ns = mono_ns
        message = modern(message, self.tracker.calls.uniqueid_of)
        if message.type == "response":
            self._response(message)
            out: list[Struct] = []
        elif message.name == "FullyBooted":
            uptime = message.get("Uptime")
            self._uptime_s = whole(uptime)
            self._ask = self._ask or self._asked_ns is None or mono_ns - self._asked_ns > BOOTED_NS
            out = []
        elif message.name in _ROWS:
            collect(self._lists if self._lists is not None else Lists(), message, self.tracker, mono_ns)
            out = self.tracker.take()
        elif message.name == "DeviceStateChange":
            return []
        else:
            if self._lists is not None:
                overtaken(self.tracker, self._lists, message, mono_ns)
            out = self.tracker.on_message(message, mono_ns)
        if self._lists is None:
            self.tracker.agents.settle(mono_ns)
            return out + self.tracker.take()
        return self._resyncing(out, mono_ns)

    def _response(self, m: Message) -> None:
        action = self._actions.get(m.get("ActionID"))
        if m.name == "Error":
            if action is not None and action not in self._denied:
                self._denied.append(action)
        elif m.get("CoreStartupTime"):
            self._new_started = f"{m.get('CoreStartupDate')} {m.get('CoreStartupTime')}".strip()
        elif m.get("AsteriskVersion"):
            self._version = m.get("AsteriskVersion")
        if action is not None:
            self._answered.add(action)

    def _resyncing(self, out: list[Struct], mono_ns: int) -> list[Struct]:
        lists = self._lists
        if not self.up:
            self._held += out
            out = []
            core_told = {"CoreStatus", "CoreSettings", "CoreShowChannels"} <= self._answered
            if core_told or (lists is not None and lists.queues_done and not self._actions):
                out = self._say_up()
        if lists is not None and self._complete(lists):
            settle_ns = mono_ns + SETTLE_NS
            if self._due_ns is None or self._due_ns > settle_ns:
                self._due_ns = settle_ns
        return out

    def _complete(self, lists: Lists) -> bool:
        queues = lists.queues_done or "QueueStatus" in self._denied
        return queues and (lists.channels_done or "CoreShowChannels" in self._denied)

    def _say_up(self) -> list[Struct]:
        self.up = True
        self.tracker.calls.started = self._new_started or self.started
        limits = tuple(LIMITS[action] for action in self._denied)
        up = PbxUp(pbx=self.pbx, version=self._version, started=self._new_started, limits=limits)
        held, self._held = self._held, []
        return [up, *held]

    # -- what the lists tell ------------------------------------------------------------------------------------

    def _restarted(self, mono_ns: int) -> bool:
        if self.started is not None and self._new_started is not None:
            return self.started != self._new_started
        if self._uptime_s is None or self._blind_from_ns is None:
            return False
        return self._connected_ns - self._uptime_s * NS > self._blind_from_ns + NS

    def _resynced(self, lists: Lists, mono_ns: int) -> list[Struct]:
        restarted = self._restarted(mono_ns)
        found = compare(self.tracker, lists, mono_ns, self._blind_from_ns, restarted=restarted)
        self.tracker.agents.sighted(mono_ns)
        blind_s = round((mono_ns - self._blind_from_ns) / NS, 3) if self._blind_from_ns is not None else None
        self.started = self._new_started or self.started
        self._lists, self._due_ns = None, None
        out = self.tracker.take()
        out.append(
            PbxResynced(
                pbx=self.pbx, blind_s=blind_s, restarted=restarted, waiting=found.waiting, lost=found.lost,
                inferred=found.inferred, queues=self.tracker.queues.all(),
            )
        )  # fmt: skip
        return out


_ROWS: Final = frozenset(
    (
        "QueueMember", "QueueParams", "QueueEntry", "CoreShowChannel", "QueueSummary", "QueueStatusComplete",
        "CoreShowChannelsComplete", "QueueSummaryComplete", "DeviceStateListComplete",
    )
)  # fmt: skip
