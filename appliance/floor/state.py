"""What the folds remember, as plain structs: encode it and it is a cache, throw it away and the journal gives it again."""

from __future__ import annotations

from msgspec import Struct, field

from appliance.core.catalogue import AgentState, AnnouncementShown
from appliance.floor.callback import CallbackBook
from appliance.floor.record import RecordDay
from appliance.floor.snapshot import Alarm, Headset, Health
from appliance.floor.tally import Tally, Visit
from appliance.floor.timeline import Timeline

#: The seven states of a logged-in agent, in the order of `AgentDay.ms`.
STATES: tuple[AgentState, ...] = ("available", "ringing", "talking", "holding", "wrap_up", "paused", "unknown")


class QueueState(Struct):
    """One queue: who waits (visit → joined), its windows by start time (`halves`: every one of today and yesterday), the
    visits of the last half hour in order (`rolling_max_gone`: the window's longest wait may have left it), and when each
    caller (by a salted hash, appliance/floor/caller.py) was last answered.
    """

    key: str
    pbx: str
    title: str | None = None
    waiting: dict[str, int] = {}
    days: dict[int, Tally] = {}
    halves: dict[int, Tally] = {}
    rolling: Tally = field(default_factory=Tally)
    rolling_ids: list[str] = []
    rolling_head: int = 0
    rolling_max_gone: bool = False
    callers: dict[int, int] = {}


class AgentDay(Struct):
    """One agent: what he does now and since when, and by day the milliseconds of each state, the calls, the survey answers about him
    (their sum in thousandths, and how many).
    """

    key: str
    pbx: str
    name: str | None = None
    state: str = "logged_out"
    told: str = "logged_out"
    since_ns: int = 0
    reason: str | None = None
    queues: dict[str, str] = {}
    ms: dict[int, list[int]] = {}
    answered: dict[int, int] = {}
    scores: dict[int, tuple[int, int]] = {}
    wrap_visit: str | None = None
    wrap_place: tuple[str, int, int] | None = None


class Source(Struct):
    """One PBX: whether it is in sight, and the spans in which it was, today and yesterday."""

    key: str
    state: str = "down"
    since_ns: int = 0
    seen_ns: int = 0
    reason: str | None = None
    in_sight: bool = False
    spans: list[tuple[int, int]] = []


class TrunkState(Struct):
    """One group of lines: the busy ones, and for how long all of them were. By day, calls that wanted a line and those that met a full
    group (`wanted`). `faults`: lines at fault now.
    """

    key: str
    pbx: str | None = None
    busy: dict[str, str] = {}
    all_busy_ns: int = 0
    all_busy_ms: dict[int, int] = {}
    wanted: dict[int, tuple[int, int]] = {}
    faults: dict[str, str] = {}


class IvrState(Struct):
    """Calls that left the voice menus, and those of them that served themselves: by day, by half-hour, and of the last half hour each
    (when it first chose, and whether it served itself).
    """

    days: dict[int, tuple[int, int]] = {}
    halves: dict[int, tuple[int, int]] = {}
    recent: list[tuple[int, bool]] = []


class Classed(Struct, gc=False):
    """Where a classified call counts: its type, its queue (None: it joined none), its visit while that is remembered, day and half-hour."""

    type: str
    queue: str | None
    visit: str | None
    day: int
    half: int


class Extraordinary(Struct):
    """An extraordinary call: who has it, when it was called so, when it ended (0: it goes on), whether its alarm was raised."""

    call: str
    agent: str | None
    at_ns: int
    over_ns: int = 0
    raised: bool = False
    withdrawn: bool = False


class ClassState(Struct):
    """Calls that were classified. Of those that joined no queue the counts by day and by half-hour, and the types of the last half hour's
    with when each began; the extraordinary ones by their alarm.
    """

    calls: dict[str, Classed] = {}
    days: dict[int, dict[str, int]] = {}
    halves: dict[int, dict[str, int]] = {}
    recent: dict[str, tuple[str, int]] = {}
    extraordinary: dict[str, Extraordinary] = {}


class ChannelState(Struct):
    """One other channel as the CRM told it at `as_of_ns`."""

    as_of_ns: int
    title: str | None = None
    waiting: int | None = None
    longest_wait_s: float | None = None
    service_level_of: tuple[int, int] | None = None
    target_s: float | None = None


class Told(Struct):
    """What the CRM told of what only it knows, and as of when.

    `worked_ms`: how long all agents were on the phone and logged in, of the day until `worked_ns`.
    """

    channels: dict[str, ChannelState] = {}
    fcr: float | None = None
    fcr_ns: int = 0
    paid_s: float | None = None
    paid_ns: int = 0
    worked_ms: tuple[int, int] = (0, 0)
    worked_ns: int = 0


class OutboundState(Struct):
    """How calls that commands dialled ended: by day, by half-hour, and of the last half hour each (when that was told, and how)."""

    days: dict[int, dict[str, int]] = {}
    halves: dict[int, dict[str, int]] = {}
    recent: list[tuple[int, str]] = []


class Link(Struct):
    """The link to the CRM as last told."""

    state: str = "off"
    since_ns: int = 0


class Heard(Struct):
    """How far another box's events were heard: its journal's epoch, and the last seq."""

    epoch: str
    seq: int


class FloorState(Struct):
    """Everything, as of one journal position.

    `salt`: the mark of the one that callers' hashes are made with.
    `begun_again_ns`: when this journal took the place of one damaged or deleted. `from_ns`: the first event folded, 0 when
    that was the journal's very first: days before it are not whole. `gone`: agents of yesterday who did not come today. `late`: the
    queue, day and half-hour of visits that ended long after they began, for the surveys and classifications that follow. `vips`: the
    newest calls whose caller is a customer to be served first. `headsets`:
    by seat, those of other boxes by `box.seat`; `pressed`: their changes are not recorded now. `boxes`: the seat boxes heard.
    """

    version: int = 1
    settings: str = ""
    salt: str = ""
    epoch: str = ""
    seq: int = 0
    now_ns: int = 0
    begun_again_ns: int = 0
    from_ns: int | None = None
    clock: str = "unset"
    timeline: Timeline = field(default_factory=Timeline)
    visits: dict[str, Visit] = {}
    queues: dict[str, QueueState] = {}
    agents: dict[str, AgentDay] = {}
    gone: dict[str, AgentDay] = {}
    sources: dict[str, Source] = {}
    trunks: dict[str, TrunkState] = {}
    records: dict[str, dict[int, RecordDay]] = {}
    late: dict[str, tuple[str, int, int]] = {}
    vips: dict[str, None] = {}
    ivr: IvrState = field(default_factory=IvrState)
    outbound: OutboundState = field(default_factory=OutboundState)
    callbacks: CallbackBook = field(default_factory=CallbackBook)
    classes: ClassState = field(default_factory=ClassState)
    told: Told = field(default_factory=Told)
    link: Link = field(default_factory=Link)
    headsets: dict[str, Headset] = {}
    pressed: bool = False
    boxes: dict[str, Heard] = {}
    health: dict[str, Health] = {}
    announcements: dict[str, AnnouncementShown] = {}
    alarms: dict[str, Alarm] = {}
