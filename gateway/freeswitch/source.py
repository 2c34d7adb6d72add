"""Decides when a FreeSWITCH is in sight: sessions, the lists asked for after each connect and now and then, and what both tell the journal.

Pure, like everything it stands on: the live service and a replay feed it the same way. FreeSWITCH drops events when a listener's queue
is full and says nothing, and tells no change of tiers at all, so the lists are read again every minute; what that finds is told, a list
that finds nothing is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import PbxDown, PbxDownReason, PbxResynced, PbxUp
from appliance.core.clock import NS
from appliance.core.config import Config
from gateway.freeswitch.cause import stamp_of
from gateway.freeswitch.esl import Message
from gateway.freeswitch.restore import take_up
from gateway.freeswitch.resync import FRESH_NS, Found, Lists, channels_from_answer, compare, overtaken
from gateway.freeswitch.tables import table_from_answer
from gateway.freeswitch.tracker import Tracker
from gateway.freeswitch.wire import PONG
from gateway.pbx.dialect import Mono
from gateway.pbx.known import Known
from gateway.pbx.reading import Reading

QUEUES: Final = "callcenter_config queue list"
AGENTS: Final = "callcenter_config agent list"
TIERS: Final = "callcenter_config tier list"
MEMBERS: Final = "callcenter_config queue list members "
VERSION: Final = "version"
CHANNELS: Final = "show channels as json"
_ALL: Final = frozenset({QUEUES, AGENTS, TIERS, CHANNELS})
#: After the last list a live event may still be on its way that tells exactly what the lists only imply.
SETTLE_NS: Final = NS * 2 // 5
#: The lists are read again this often, and sooner after damaged bytes.
AGAIN_NS: Final = 60 * NS
DAMAGED_AGAIN_NS: Final = 30 * NS
#: A PBX that has not answered its lists by then is taken as it is.
PATIENCE_NS: Final = 15 * NS
_MAX_QUEUES: Final = 1_000
#: What a refused question costs, as `pbx.up` says it.
LIMITS: Final[dict[str, str]] = {
    QUEUES: "the list of queues is refused: is mod_callcenter loaded? Callers who waited before the box connected are not seen",
    AGENTS: "the list of agents is refused: only agents whose state changes are seen",
    TIERS: "the list of tiers is refused: an agent's queues are known from the calls that ring there",
    CHANNELS: "the list of channels is refused: busy lines are known from when the box connected",
}


class FreeswitchSource(Reading[Tracker, Lists]):
    """One PBX, whole: feed it what happens, append what it returns."""

    def __init__(self, pbx: str, config: Config) -> None:
        self.pbx = pbx
        super().__init__(Tracker(pbx, config))
        self.started: str | None = None
        self.last_seen_ns: int | None = None
        self._version: str | None = None
        self._core: str | None = None
        self._denied: list[str] = []
        self._jobs: dict[str, str] = {}
        self._unreplied: deque[str] = deque(maxlen=10_000)
        #: Told what each order was replied to: its id, and the reply's text. Only a refusal says anything.
        self.on_order_reply: Callable[[str, str], None] = lambda request_id, text: None
        self._ordered: set[str] = set()
        #: Whoever speaks like FreeSWITCH and knows no background jobs is asked in the foreground; its answers come in order.
        self._foreground = False
        self._open: deque[str] = deque(maxlen=10_000)
        self._ask: list[str] = []
        self._asked: set[str] = set()
        self._answered: set[str] = set()
        self._blind_from_ns: int | None = None
        self._first = True
        self._session = False
        #: The PBX's own clock, epoch seconds, as an event last told it, and when.
        self._clock: tuple[float, int] | None = None
        self._asked_ns = self._turn_ns = 0
        self._damage = 0

    # -- sessions ----------------------------------------------------------------------------------------------

    def connected(self, mono_ns: int) -> list[Struct]:
        """A connection stands and its login was accepted, or will be told."""
        self.tracker.stopping = False
        self.tracker.agents.quiet = True
        self._blind_from_ns, self._first, self._session, self._damage = self.last_seen_ns, True, True, 0
        self._version = self._core = None
        self._denied, self._jobs = [], {}
        self._unreplied.clear()
        self._ordered.clear()
        self._open.clear()
        self._ask = self._all()
        self._begin(mono_ns)
        self.tracker.sight = self.tracker.session
        return []

    def _all(self) -> list[str]:
        return [VERSION, QUEUES, AGENTS, TIERS, *([CHANNELS] if self.tracker.lines.trunks else [])]

    def _begin(self, mono_ns: int) -> None:
        """The lists are about to be read."""
        self.tracker.session += 1
        self._lists = Lists()
        # The channels are awaited once they were asked for: who made a recording may have had no trunks to ask for.
        self._asked, self._answered = {QUEUES, AGENTS, TIERS}, set()
        self._asked_ns, self._due_ns = mono_ns, mono_ns + PATIENCE_NS

    def disconnected(self, mono_ns: int, reason: PbxDownReason = "lost", text: str | None = None) -> list[Struct]:
        """The connection is gone. `stopped` is said of itself when the PBX announced it."""
        out = self._held + self.tracker.disconnected(mono_ns, by_pbx=reason in ("lost", "silent", "stopped"))
        self._held, self._lists, self._due_ns, self._session = [], None, None, False
        self.tracker.agents.quiet = True
        if reason == "lost" and self.tracker.stopping:
            reason = "stopped"
        if self.up:
            unseen_s = round((mono_ns - self.last_seen_ns) / NS, 3) if self.last_seen_ns is not None else 0.0
            out.append(PbxDown(pbx=self.pbx, reason=reason, unseen_s=max(0.0, unseen_s), text=text))
        self.up = False
        return out

    def requests(self, mono_ns: int) -> Sequence[str]:
        """The lists: at once, each queue's callers as soon as the queues are known, and all again now and then."""
        self._turn_ns = mono_ns
        if self._session and self._lists is None and not self._ask and mono_ns - self._asked_ns >= AGAIN_NS:
            self._ask = self._all()[1:]
        ask, self._ask = self._ask, []
        return [f"api {request}" for request in ask] if self._foreground else ask

    def damaged(self, pieces: int, mono_ns: int) -> bool:
        """Damaged bytes may have hidden anything: the lists are read again, at most every half minute."""
        if pieces <= self._damage or self._lists is not None or mono_ns - self._asked_ns <= DAMAGED_AGAIN_NS:
            return False
        self._damage, self._ask = pieces, self._all()[1:]
        return True

    def restore(self, known: Known, mono: Mono, last_seen_ns: int | None) -> None:
        """Take up what the journal knows."""
        self.started, self.up, self.last_seen_ns = known.started, known.up is not False, last_seen_ns
        take_up(self.tracker, known, mono)

    def sent(self, request: str, request_id: str) -> None:
        """It was asked under this id. The list of queues begins a reading."""
        foreground, request = request.startswith("api "), request.removeprefix("api ")
        if request == QUEUES and self._lists is None:
            # What an earlier reading asked for and never had tells, when it comes at last, how it was then.
            self._jobs.clear()
            self._open = deque([""] * len(self._open), maxlen=self._open.maxlen)
            self._begin(max(self._turn_ns, self.last_seen_ns or 0))
        if request == CHANNELS and self._lists is not None:
            self._asked.add(CHANNELS)
        if foreground:
            self._open.append(request)
            return
        if len(self._jobs) > 10_000:
            self._jobs.clear()
        self._jobs[request_id] = request
        self._unreplied.append(request_id)

    def ordered(self, request_id: str) -> None:
        """A command was given under this id: its reply comes in order with those of the questions."""
        self._unreplied.append(request_id)
        self._ordered.add(request_id)

    @property
    def settled(self) -> bool:
        """The PBX is in sight and its lists were read once: who is there is known."""
        return self.up and not self._first

    @property
    def in_background(self) -> bool:
        """Whether it knows background jobs."""
        return not self._foreground

    def stale(self) -> None:
        """Something changed that no event tells: the lists are read again soon."""
        self._asked_ns -= AGAIN_NS

    def seen(self, mono_ns: int) -> None:
        """Any byte came: the PBX is in sight."""
        self.last_seen_ns = mono_ns

    # -- messages ----------------------------------------------------------------------------------------------

    def on_message(self, message: Message, mono_ns: int) -> list[Struct]:
        """The events that a message means."""
        self.last_seen_ns = mono_ns
        if message.type == "reply":
            self._reply(message)
            return self._resyncing([], mono_ns)
        if message.type == "answer" and self._open and message.text.strip() != PONG:
            self._answer(self._open.popleft(), message, mono_ns)
            return self._resyncing([], mono_ns)
        if message.type != "event":
            return []
        if (stamp_s := stamp_of(message)) is not None:
            self._clock = (stamp_s, mono_ns)
        if self._core is None:
            self._core = message.get("Core-UUID") or None
        if message.name == "BACKGROUND_JOB":
            self._answer(self._jobs.pop(message.get("Job-UUID"), ""), message, mono_ns)
            return self._resyncing([], mono_ns)
        out = self.tracker.on_message(message, mono_ns)
        if self._lists is not None:
            overtaken(self._lists, message)
        return self._resyncing(out, mono_ns)

    def _reply(self, m: Message) -> None:
        """Each question is first replied to, in order: accepted, or not allowed to this user."""
        if self._unreplied:
            job = self._unreplied.popleft()
            if job in self._ordered:
                self._ordered.discard(job)
                self.on_order_reply(job, m.name)
                return
            own = m.get("Job-UUID") or m.name.rpartition("Job-UUID: ")[2]
            if m.name.startswith("-ERR command not found"):
                self._foreground = True
                self._ask.append(self._jobs.pop(job, VERSION))
            elif m.name.startswith("-ERR"):
                self._refused(self._jobs.pop(job, ""))
            elif own != job and job in self._jobs:  # old versions number their jobs themselves
                self._jobs[own] = self._jobs.pop(job)
        elif self._open and m.name.startswith("-ERR"):
            self._refused(self._open.popleft())

    def _answer(self, request: str, m: Message, mono_ns: int) -> None:
        if not request:
            return  # somebody else's job
        if request == VERSION:
            words = m.text.split()
            self._version = words[2] if len(words) > 2 and words[1] == "Version" else None
            self._answered.add(VERSION)
        elif request == CHANNELS and self._lists is not None:
            self._lists.channels = channels_from_answer(m.text)
            self._refused(CHANNELS) if self._lists.channels is None else self._answered.add(CHANNELS)
        elif self._lists is not None:
            self._table(request, m, self._lists, mono_ns)

    def _table(self, request: str, m: Message, lists: Lists, mono_ns: int) -> None:
        table = table_from_answer(m.text)
        if table.denied is not None:
            self._refused(request)
            return
        self._answered.add(request)
        if self._clock is not None:
            lists.at_s = self._clock[0] + (mono_ns - self._clock[1]) / NS
        match request:
            case "callcenter_config queue list":
                lists.queues = [row["name"] for row in table.rows if row.get("name")][:_MAX_QUEUES]
                for name in lists.queues:
                    self.tracker.queues.key(name)
                self._ask += [MEMBERS + name for name in lists.queues if not set(name) & set(" '\"")]
                self._asked |= {MEMBERS + name for name in lists.queues if not set(name) & set(" '\"")}
            case "callcenter_config agent list":
                lists.agents = table.rows
            case "callcenter_config tier list":
                lists.tiers = table.rows
            case _:
                lists.listed.add(request.removeprefix(MEMBERS))
                lists.members |= {row["session_uuid"]: row for row in table.rows if row.get("session_uuid") and row.get("queue")}

    def _refused(self, request: str) -> None:
        self._answered.add(request)
        if request and request not in self._denied:
            self._denied.append(request)

    def _resyncing(self, out: list[Struct], mono_ns: int) -> list[Struct]:
        if not self.up:
            self._held += out
            out = self._say_up() if self._asked & _ALL | {VERSION} <= self._answered else []
        if self._lists is not None and self._asked <= self._answered:
            settle_ns = mono_ns + SETTLE_NS
            if self._due_ns is None or self._due_ns > settle_ns:
                self._due_ns = settle_ns
        return out

    def _say_up(self) -> list[Struct]:
        self.up = True
        self.tracker.calls.started = self._core or self.started
        limits = tuple(LIMITS[request] for request in self._denied if request in LIMITS)
        held, self._held = self._held, []
        return [PbxUp(pbx=self.pbx, version=self._version, started=self._core, limits=limits), *held]

    # -- what the lists tell ------------------------------------------------------------------------------------

    def _resynced(self, lists: Lists, mono_ns: int) -> list[Struct]:
        first, self._first = self._first, False
        if not self._answered and not self._foreground:  # nothing at all: asked otherwise next time, which is soon
            self._foreground, self._ask = True, self._all()
        restarted = first and self.started is not None and self._core is not None and self.started != self._core
        older_ns = mono_ns if first else self._asked_ns - FRESH_NS
        seen_ns = self._blind_from_ns if first else mono_ns
        found = compare(self.tracker, lists, mono_ns, seen_ns, restarted=restarted, first=first, older_ns=older_ns)
        self.tracker.agents.sighted(mono_ns)
        self.started = self._core or self.started
        self._lists, self._due_ns = None, None
        out = self.tracker.take()
        if first or found.lost or found.inferred:
            out.append(self._told(found, mono_ns, first=first, restarted=restarted))
        return out

    def _told(self, found: Found, mono_ns: int, *, first: bool, restarted: bool) -> PbxResynced:
        blind_s = round((mono_ns - self._blind_from_ns) / NS, 3) if first and self._blind_from_ns is not None else None
        return PbxResynced(
            pbx=self.pbx, blind_s=blind_s, restarted=restarted, waiting=found.waiting, lost=found.lost, inferred=found.inferred,
            queues=self.tracker.queues.all(),
        )  # fmt: skip
