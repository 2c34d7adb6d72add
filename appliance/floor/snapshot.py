"""The floor snapshot: one document for boards, CRM, command line and replay, exactly as the contract has it.

`null` means not known. Durations are seconds, times RFC 3339 in UTC, rates have 4 decimals, averages one.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

Fresh = Literal["live", "stale", "unknown"]
CrmState = Literal["up", "down", "draining", "no_consumer", "denied", "off"]
SiteState = Literal["up", "down", "silent", "unknown"]
PbxState = Literal["up", "down", "resyncing", "denied"]


class Crm(Struct, kw_only=True):
    """The link to the CRM and its account: recorded = delivered + backlog + shed + skipped."""

    state: CrmState = "off"
    since: str | None = None
    backlog: int = 0
    oldest: str | None = None
    recorded: int = 0
    delivered: int = 0
    shed: int = 0
    skipped: int = 0
    full_in_s: float | None = None
    drain_s: float | None = None


class Pbx(Struct, kw_only=True):
    """One PBX as a source: is it in sight, since when, and why not."""

    state: PbxState = "down"
    since: str | None = None
    reason: str | None = None


class AgentCounts(Struct, kw_only=True):
    """How many agents are in each state; `logged_in` is the sum of the seven others."""

    logged_in: int = 0
    available: int = 0
    ringing: int = 0
    talking: int = 0
    holding: int = 0
    wrap_up: int = 0
    paused: int = 0
    unknown: int = 0


class Satisfaction(Struct, kw_only=True):
    """Mean of post-call survey scores with the number of answers."""

    mean: float
    answers: int


class Outbound(Struct, kw_only=True):
    """Calls that commands dialled: attempts, those in which a person was reached, and how all of them ended."""

    attempts: int = 0
    contacts: int = 0
    outcomes: dict[str, int] = {}


class Callbacks(Struct, kw_only=True):
    """Who is to be called back and is not yet: all of them, those that somebody took on, since when the oldest."""

    open: int = 0
    claimed: int = 0
    oldest_since: str | None = None


class Channel(Struct, kw_only=True):
    """Another channel than voice, as the CRM told it last (`as_of`); stale while the CRM is away or silent about it.

    `longest_since` is when the oldest one came; the wait grows with time.
    """

    title: str | None = None
    fresh: Fresh = "unknown"
    as_of: str | None = None
    waiting: int | None = None
    longest_wait: float | None = None
    longest_since: str | None = None
    service_level: float | None = None
    service_level_of: tuple[int, int] | None = None
    target: float | None = None


class Window(Struct, kw_only=True):
    """The figures of one window (today, the clock half-hour, the last 30 minutes) of one queue or sum of queues.

    The self-service share is the floor's alone: a call that served itself joined no queue. So is `outbound`, of calls that commands
    dialled. `classes`: how many calls were classified as what type; a call counts under its newest.
    """

    offered: int = 0
    answered: int = 0
    answered_ended: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    left: int = 0
    left_by: dict[str, int] = {}
    unknown: int = 0
    waiting: int = 0
    refused: int | None = None
    answered_in_time: int = 0
    abandoned_in_time: int = 0
    wait_sum: float = 0.0
    wait_max: float | None = None
    talk_sum: float = 0.0
    hold_sum: float = 0.0
    wrap_up_sum: float = 0.0
    service_level: float | None = None
    service_level_of: tuple[int, int] | None = None
    service_level_variant: str | None = None
    target: float | None = None
    abandon_rate: float | None = None
    abandon_rate_of: tuple[int, int] = (0, 0)
    asa: float | None = None
    talk_avg: float | None = None
    aht: float | None = None
    coverage: float | None = None
    fcr: float | None = None
    repeat_call_share: float | None = None
    repeat_call_share_of: tuple[int, int] | None = None
    satisfaction: Satisfaction | None = None
    satisfaction_of: tuple[float, int] | None = None
    self_service_share: float | None = None
    self_service_share_of: tuple[int, int] | None = None
    classes: dict[str, int] = {}
    outbound: Outbound | None = None


class Queue(Struct, kw_only=True):
    """One queue now, and in its windows. `longest_wait` is as of the snapshot; `longest_since` is when that caller joined.

    `vip_waiting` is null without a directory of customers, `callbacks` where none are kept.
    """

    title: str | None = None
    pbx: str | None = None
    fresh: Fresh = "unknown"
    as_of: str | None = None
    waiting: int | None = None
    longest_wait: float | None = None
    longest_since: str | None = None
    agents: AgentCounts | None = None
    vip_waiting: int | None = None
    vip_longest_since: str | None = None
    callbacks: Callbacks | None = None
    today: Window = msgspec.field(default_factory=Window)
    interval: Window | None = None
    rolling: Window | None = None


class Site(Queue, kw_only=True):
    """Another site's floor, summed by its own box. `state`: up, down (its box is offline), silent (nothing heard of late), unknown.

    `open` is its own opening hours, as it told last.
    """

    site: str = ""
    box: str = ""
    state: SiteState = "unknown"
    open: bool | None = None


class Seconds(Struct, kw_only=True):
    """An agent's day, second by second, in exactly one state each."""

    available: float = 0.0
    ringing: float = 0.0
    talking: float = 0.0
    holding: float = 0.0
    wrap_up: float = 0.0
    paused: float = 0.0
    unknown: float = 0.0


class Agent(Struct, kw_only=True):
    """One agent seen today."""

    name: str | None = None
    state: str = "unknown"
    since: str | None = None
    queues: list[str] = []
    reason: str | None = None
    answered: int = 0
    seconds: Seconds = msgspec.field(default_factory=Seconds)
    satisfaction: Satisfaction | None = None


class Trunk(Struct, kw_only=True):
    """One group of lines. `judged`: enough of the day was observed for the share of time to raise an alarm.

    `blocked_share`: calls of today that met a full group, of those that wanted a line. `faults`: lines at fault, and what is wrong.
    """

    lines: int | None = None
    busy: int | None = None
    all_busy_now: bool | None = None
    all_busy_share: float | None = None
    judged: bool | None = None
    blocked_share: float | None = None
    blocked_share_of: tuple[int, int] | None = None
    faults: dict[str, str] = {}


class Records(Struct, kw_only=True):
    """What a PBX's call records of today tell: calls that are over. Who waits now, and for how long, no record tells.

    Of the incoming ones some are answered, some abandoned by the PBX's own mark, the rest not told. `ring_avg`, `talk_avg`: of the
    answered ones that tell it. A call passed on has a record for each party, as the PBX prints it.
    """

    incoming: int = 0
    answered: int = 0
    abandoned: int = 0
    not_told: int = 0
    outgoing: int = 0
    internal: int = 0
    ring_avg: float | None = None
    talk_avg: float | None = None


class Headset(Struct, kw_only=True):
    """One headset at a seat. `attached` false: unplugged; the seat stays listed for the day. `box`: the seat box it is at, null: this one.

    Stale: as it was when the device failed, or when its service, its box or the link was last heard. Unknown: until it speaks anew.
    `findings`: in what it and the PBX disagree now, longest first.
    """

    seat: str
    box: str | None = None
    agent: str | None = None
    product: str | None = None
    attached: bool | None = None
    hook: Literal["off", "on", "unknown"] = "unknown"
    mute: bool | None = None
    fresh: Fresh = "unknown"
    since: str | None = None
    findings: tuple[str, ...] = ()


class Utilisation(Struct, kw_only=True):
    """The customer's four ratios of agents' time; null where a term is not known."""

    ab_allocation: float | None = None
    bc_on_phone: float | None = None
    cd_availability: float | None = None
    bd_utilisation: float | None = None
    coverage: float | None = None


class Health(Struct, kw_only=True):
    """One item of the box's health."""

    id: str
    level: Literal["ok", "amber", "red"]
    text: str = ""


class Announcement(Struct, kw_only=True):
    """One announcement now in force."""

    id: str
    text: str
    severity: Literal["info", "warning", "urgent"] = "info"
    until: str | None = None
    boards: list[str] = []


class Alarm(Struct, kw_only=True):
    """One alarm now raised. `agent`, `seat`: whose call it is, and where he sits, of an extraordinary call."""

    id: str
    level: Literal["amber", "red"]
    since: str
    acknowledged: str | None = None
    agent: str | None = None
    seat: str | None = None


class Snapshot(Struct, kw_only=True):
    """The whole floor at one journal position."""

    v: int = 1
    site: str = ""
    box: str = ""
    epoch: str | None = None
    seq: int = 0
    time: str = ""
    clock: str = "unset"
    open: bool = True
    crm: Crm = msgspec.field(default_factory=Crm)
    pbx: dict[str, Pbx] = {}
    queues: dict[str, Queue] = {}
    floor: Queue = msgspec.field(default_factory=Queue)
    groups: dict[str, Queue] = {}
    sites: dict[str, Site] | None = None
    all_sites: Queue | None = None
    agents: dict[str, Agent] | None = {}
    channels: dict[str, Channel] = {}
    trunks: dict[str, Trunk] = {}
    records: dict[str, Records] = {}
    headsets: dict[str, Headset] | None = None
    utilisation: Utilisation = msgspec.field(default_factory=Utilisation)
    health: list[Health] = []
    announcements: list[Announcement] = []
    alarms: list[Alarm] = []
