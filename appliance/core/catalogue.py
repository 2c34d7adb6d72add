"""The catalogue: every kind of event, its fields, units, privacy class and version, as types.

From these types come the JSON Schemas, the AsyncAPI document and `docs/events.md`. A kind is never
renamed and a field never reused; a new field has a default, so that old journals still fold.

Privacy classes of a field: `open` (default), `staff` (tells of one employee), `caller` (a caller's number,
name or words; never on a board, never in a log line). Classes and units stand in the generated schemas as
`x-privacy` and `x-unit`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from appliance.core.event import Event, Stored

Seconds = Annotated[float, Meta(ge=0, extra_json_schema={"x-unit": "s"})]
SignedSeconds = Annotated[float, Meta(extra_json_schema={"x-unit": "s"})]
EpochSeconds = Annotated[float, Meta(extra_json_schema={"x-unit": "s since 1970"})]
Nanoseconds = Annotated[int, Meta(extra_json_schema={"x-unit": "ns"})]
Ratio = Annotated[float, Meta(ge=0, le=1, extra_json_schema={"x-unit": "1"})]
Score = Annotated[float, Meta(extra_json_schema={"x-unit": "1"})]
Key = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9._-]{1,64}$"})]
AgentKey = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z0-9._-]{1,64}$", "x-privacy": "staff"})]
Caller = Annotated[str, Meta(extra_json_schema={"x-privacy": "caller"})]
Staff = Annotated[str, Meta(extra_json_schema={"x-privacy": "staff"})]
#: What one employee's headset does, and so he.
StaffHook = Annotated[Literal["off", "on", "unknown"], Meta(extra_json_schema={"x-privacy": "staff"})]
StaffMute = Annotated[bool | None, Meta(extra_json_schema={"x-privacy": "staff"})]
StaffSeconds = Annotated[float, Meta(ge=0, extra_json_schema={"x-unit": "s", "x-privacy": "staff"})]
StaffCount = Annotated[int, Meta(extra_json_schema={"x-privacy": "staff"})]
CallerObject = Annotated[dict[str, Any], Meta(extra_json_schema={"x-privacy": "caller"})]

AgentState = Literal["available", "ringing", "talking", "holding", "wrap_up", "paused", "unknown", "logged_out"]
LeftReason = Literal["timeout", "exit_key", "empty", "overflow", "callback", "transferred", "withdrawn", "pbx_stopped", "not_told"]
PbxDownReason = Literal["unreachable", "denied", "lost", "stopped", "silent", "service_stopped", "shutdown"]
LinkDownReason = Literal["unreachable", "denied", "no_consumer"]
#: `not_told`: the agent's phone was answered, the dialplan dialled nothing that tells. Under `agent_` the number was never dialled.
AttemptOutcome = Literal[
    "answered", "queued", "not_told", "busy", "no_answer", "rejected", "congested", "unallocated", "unreachable", "cancelled", "failed",
    "agent_busy", "agent_no_answer", "agent_unreachable", "agent_failed", "unknown",
]  # fmt: skip
CallbackWhy = Literal["abandoned", "requested", "survey"]
PopOutcome = Literal["delivered", "no_consumer", "refused", "stale", "link_down", "dropped", "too_large"]
PopCard = Literal["found", "not_found", "no_number", "no_directory", "failed"]


class _Call(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every call event carries.

    `call` is ours and stable for the call's whole life; `visit` is one stay in one queue; `uniqueid` is the
    PBX's own id of the caller's channel; `pbx_time` is the PBX's own stamp (epoch seconds), for reference only.
    """

    call: str
    pbx: Key
    visit: str | None = None
    queue: Key | None = None
    agent: AgentKey | None = None
    caller: Caller | None = None
    dialled: Caller | None = None
    uniqueid: str | None = None
    pbx_time: EpochSeconds | None = None


class CallOffered(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """A call reached the PBX from a trunk that the configuration names, or was dialled out through it.

    `blocked`: it found no line of the group free and never had one.
    """

    direction: Literal["in", "out"] = "in"
    trunk: Key | None = None
    blocked: bool = False


class CallQueued(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """A call joined a queue: a visit begins.

    `waited_s` is how long it had already waited when first seen (after blindness, by the PBX's own word);
    `title` is the PBX's own name of the queue.
    """

    title: str | None = None
    position: int | None = None
    waited_s: Seconds = 0.0
    inferred: bool = False


class CallRinging(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """An agent's phone began to ring for a waiting visit."""


class CallAnswered(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """A visit was connected to an agent of its queue. `wait_s` is join to answer, by the box's monotonic clock."""

    wait_s: Seconds
    ring_s: Seconds | None = None


class CallHeld(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The agent put the caller on hold."""


class CallResumed(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The caller came off hold."""


class CallTransferred(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The agent handed the caller on; `to` is an extension or queue as dialled."""

    to: Caller | None = None
    attended: bool = False


class CallAbandoned(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The caller hung up while waiting or while an agent's phone rang."""

    wait_s: Seconds
    ringing: bool = False


class CallLeft(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The queue let the call go without an answer and without the caller hanging up.

    Without a `visit` the call never joined: the queue refused it at the door (`overflow`: full, `empty`: nobody to answer).
    """

    reason: LeftReason
    wait_s: Seconds
    inferred: bool = False


class CallEnded(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The conversation of an answered visit ended: hung up or handed on. `talk_s` includes `hold_s`."""

    talk_s: Seconds
    hold_s: Seconds = 0.0
    ended_by: Literal["caller", "agent", "transfer", "pbx_stopped", "unknown"] = "unknown"
    inferred: bool = False


class CallDigits(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The caller chose a menu option. `path` is all that he chose in this call, oldest first, as `menu:digits`.

    With `ended` he left the menus and chose nothing more: for an `agent` (he joined a queue or was refused at its door, wants to be
    called back, or a phone was rung for him), or by hanging up without ever having asked for one (`self_service`). `ivr_s` is how long
    ago he first chose.
    """

    menu: str | None = None
    digits: Caller | None = None
    path: tuple[Caller, ...] = ()
    ended: Literal["agent", "self_service"] | None = None
    ivr_s: Seconds | None = None


class CallSurvey(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """A post-call survey answer."""

    question: str
    score: Score


class CallClassified(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody classified the call; told again, the newest counts. `age_s`: how long ago the visit began that it is about."""

    type: str | None = None
    topic: str | None = None
    reason: str | None = None
    subreason: str | None = None
    question: Caller | None = None
    age_s: Seconds | None = None


class CallCallbackRequested(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The caller asked to be called back."""

    number: Caller | None = None


class CallLost(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """A visit that the box lost sight of and that was not waiting any more when sight came back: outcome `unknown`.

    `not_sensed`: on an analog line on which nothing tells that a call is taken.
    """

    reason: Literal["blind", "pbx_killed", "not_sensed"] = "blind"
    found_talking: bool = False


class CallMatched(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """The caller is a customer whose card the box holds: told once per call. `version` is the directory's when it was looked up."""

    customer: Caller
    segment: str | None = None
    language: str | None = None
    vip: bool = False
    version: int | None = None


class CallDissatisfied(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """A survey answer under the limit of `[satisfaction]`; a callback is opened with it."""

    question: str
    score: Score
    limit: Score


class CallAttempted(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a number that a command dialled for an agent (`dialled`), by the cause that the network gave.

    `command` is the command's id, `cause` Q.850's; `ring_s` from dialling to the end of the attempt or the answer.
    """

    command: str
    outcome: AttemptOutcome
    cause: int | None = None
    ring_s: Seconds | None = None


class CallPreviewed(_Call, frozen=True, kw_only=True, omit_defaults=True):
    """An agent's phone began to ring for a number that he sees before it is dialled (`dialled`); `command` is the command's id.

    `card` is what the command gave him to read.
    """

    command: str
    card: Caller | None = None


class AgentLoggedIn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member was added to its first queue, or its device came within reach."""

    agent: AgentKey
    pbx: Key
    name: Staff | None = None
    interface: Staff | None = None
    queues: tuple[Key, ...] = ()
    inferred: bool = False


class AgentLoggedOut(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A member left its last queue, or its device is unavailable or invalid."""

    agent: AgentKey
    pbx: Key
    name: Staff | None = None
    inferred: bool = False


class AgentStateChanged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The agent's state changed (overall, or in one of his queues).

    `state` follows the precedence of the KPI definitions: unknown, holding, talking, ringing, wrap_up, paused,
    available. `queues` maps every queue he is a member of to his state as that queue counts him (only pauses differ).
    `reason` is the pause reason.
    """

    agent: AgentKey
    pbx: Key
    state: AgentState
    queues: dict[str, AgentState] = {}
    name: Staff | None = None
    reason: Staff | None = None
    call: str | None = None
    inferred: bool = False


class _Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every line event carries: `line` is a channel or port name, `trunk` the group it belongs to."""

    line: str
    trunk: Key | None = None
    pbx: Key | None = None


class LineRinging(_Line, frozen=True, kw_only=True, omit_defaults=True):
    """Ring voltage was seen on an analog line."""


class LineCallerId(_Line, frozen=True, kw_only=True, omit_defaults=True):
    """Caller identification arrived on an analog line."""

    number: Caller | None = None
    name: Caller | None = None
    absent: Literal["O", "P"] | None = None


class LineSeized(_Line, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a trunk group became busy. `beyond`: every line that the group has was busy already when this one came."""

    direction: Literal["in", "out"] | None = None
    inferred: bool = False
    beyond: bool = False


class LineReleased(_Line, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a trunk group became free.

    Of an analog line that rang `outcome` tells the call's end, `unknown` where nothing did; `rang_s` is its first ring to the last.
    `congested`: the far end had no circuit for the call that it was seized for. `reached`: the number of a call out that was answered.
    """

    inferred: bool = False
    congested: bool = False
    reached: Caller | None = None
    outcome: Literal["answered", "abandoned", "unknown"] | None = None
    rang_s: Seconds | None = None


class LineFault(_Line, frozen=True, kw_only=True, omit_defaults=True):
    """A line is dead (no_battery, out_of_service), stuck (stuck_off_hook, stuck_ringing, chatter), or in glare; with `over`, no longer."""

    fault: str
    over: bool = False


class LineAllBusy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every line of a trunk group became busy."""

    trunk: Key
    lines: int


class LineAllBusyEnded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an all-busy trunk group became free."""

    trunk: Key
    lines: int
    busy_s: Seconds


class _Headset(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every headset event carries: the seat, and who sits there when it is known."""

    seat: Key
    agent: AgentKey | None = None


class HeadsetAttached(_Headset, frozen=True, kw_only=True, omit_defaults=True):
    """A headset was plugged in."""

    product: str | None = None
    vendor_id: str | None = None
    product_id: str | None = None
    serial: Staff | None = None


class HeadsetDetached(_Headset, frozen=True, kw_only=True, omit_defaults=True):
    """A headset was pulled."""


class HeadsetHook(_Headset, frozen=True, kw_only=True, omit_defaults=True):
    """The hook switch changed; `by` tells how we know."""

    hook: StaffHook
    by: Literal["level", "toggle", "host"] = "level"


class HeadsetMute(_Headset, frozen=True, kw_only=True, omit_defaults=True):
    """Mute changed; null means not known."""

    mute: StaffMute
    by: Literal["level", "toggle", "host"] = "level"


class HeadsetFault(_Headset, frozen=True, kw_only=True, omit_defaults=True):
    """A headset cannot be read or answered."""

    fault: str


class HeadsetFinding(_Headset, frozen=True, kw_only=True, omit_defaults=True):
    """The headset and the PBX disagree; with `over`, they no longer do. `for_s` is how long it had been so.

    `finding` is one of call_on_hook, off_hook_no_call, available_unplugged, muted_in_call, held_elsewhere; more may come.
    `box` is the seat box at which the seat is; null: this box.
    """

    finding: Staff
    over: bool = False
    for_s: StaffSeconds | None = None
    box: Key | None = None


class HeadsetMinute(_Headset, frozen=True, kw_only=True, omit_defaults=True):
    """One minute at one seat in which something happened: for how long what was so. `told_s` of it are told, 60 of a whole one.

    `in_call_s` is the PBX's word; `unknown_s` is how long the hook was not known. `changes` counts changes of hook and mute.
    """

    told_s: StaffSeconds
    off_hook_s: StaffSeconds = 0.0
    muted_s: StaffSeconds = 0.0
    in_call_s: StaffSeconds = 0.0
    unknown_s: StaffSeconds = 0.0
    changes: StaffCount = 0


class PbxUp(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session with the PBX stands; `started` is the PBX's own start time as it gives it, to tell a restart."""

    pbx: Key
    version: str | None = None
    started: str | None = None
    limits: tuple[str, ...] = ()


class PbxDown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The PBX is out of sight. `unseen_s`: how long before this event it was last seen."""

    pbx: Key
    reason: PbxDownReason
    unseen_s: Seconds = 0.0
    text: str | None = None


class Named(Struct, frozen=True, gc=False):
    """A key and the PBX's own text for it."""

    key: Key
    title: str


class PbxResynced(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Sight is complete again: the snapshot was read and compared with what was known."""

    pbx: Key
    blind_s: Seconds | None = None
    restarted: bool = False
    waiting: int = 0
    lost: int = 0
    inferred: int = 0
    queues: tuple[Named, ...] = ()


class PbxRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call in the PBX's own bookkeeping (CDR, SMDR), printed when it ended; null is what this PBX does not tell.

    `start` is local, when the call began; `duration_s` the talk as the PBX counts it; `abandoned` only by the PBX's own mark;
    `digest` is the same when the same line is printed again.
    """

    pbx: Key
    profile: str
    direction: Literal["in", "out", "internal"] | None = None
    extension: Staff | None = None
    trunk: str | None = None
    number: Caller | None = None
    start: str | None = None
    duration_s: Seconds | None = None
    ring_s: Seconds | None = None
    hold_s: Seconds | None = None
    answered: bool | None = None
    abandoned: bool | None = None
    transferred: bool | None = None
    name: Caller | None = None
    dialled: Caller | None = None
    account: Staff | None = None
    queue: str | None = None
    call_id: str | None = None
    digest: str | None = None


class LinkUp(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The link to the CRM stands and an event was acknowledged or none was due."""

    crm: str = "crm"


class LinkDown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The link to the CRM is down; events are held."""

    reason: LinkDownReason
    crm: str = "crm"
    text: str | None = None


class JournalStarted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """First event of an epoch. `reason`: new box, or what befell the previous journal."""

    reason: Literal["new", "damaged", "deleted", "restored"] = "new"
    previous: str | None = None


class JournalGap(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"first": "from", "last": "to"}):
    """Delivery numbers `from`..`to` (inclusive) will never be delivered; `to` null while shedding goes on."""

    first: int
    last: int | None = None


class JournalPressure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The budget reached 80 % (begins) or fell below it (ends): headset transitions are not recorded meanwhile."""

    state: Literal["begins", "ends"]
    not_recorded: int = 0


class JournalSkipped(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery number was given up as poison after several tries."""

    n: int
    reason: str


class JournalPurged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Stands in the place of an event that was taken out before the journal let go of it: what it told is gone, its numbers stay.

    Its time is that of the event, to the next whole hour.
    """


class PrivacyForgotten(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A caller's number was taken out of these events, by their delivery numbers in this epoch: whoever keeps copies takes it out there.

    `mark` stands in its place from now on, also where they are sent again. It is drawn by lot and tells nothing of the number.
    """

    mark: str
    deliveries: tuple[int, ...]


class BoxStarted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A process of the box started."""

    version: str
    services: tuple[str, ...] = ()


class BoxClockStepped(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The wall clock was stepped or its quality changed. `offset_ns` is wall − monotonic from now on, in this boot."""

    offset_ns: Nanoseconds
    by_s: SignedSeconds
    quality: Literal["synced", "holdover", "unset"]


class BoxHealth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A health item changed level."""

    id: str
    level: Literal["ok", "amber", "red"]
    text: str = ""


class BoxGap(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Events of a seat box were lost on the way here: what was known of its seats holds no more, until they speak anew.

    `reason`: `missing`, some that it told did not come; `session`, the broker no longer knew what it kept for this box, and the seat
    box does not say how far it told; `journal`, the seat box began a new journal; `gone`, its status was taken away.
    """

    box: Key
    reason: Literal["missing", "session", "journal", "gone"]


class CommandReceived(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A command arrived and is durable; it runs at most once. `who`: the user who gave it at this box, as `opcua:ana`."""

    id: str
    verb: str
    args: CallerObject = {}
    expires: str | None = None
    by: Literal["crm", "local"] = "crm"
    response_topic: str | None = None
    correlation: str | None = None
    digest: str = ""
    who: Staff | None = None


class CommandFinished(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one terminal state of a command."""

    id: str
    state: Literal["done", "failed", "expired", "refused", "unknown"]
    reason: str | None = None
    result: CallerObject | None = None


class AlarmRaised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure crossed its threshold for long enough, or a call was classified as extraordinary (`call.extraordinary.AGENT`).

    `agent`, `seat`, `call`: of an extraordinary call, who has it and where he sits.
    """

    alarm: str
    level: Literal["amber", "red"]
    agent: AgentKey | None = None
    seat: Key | None = None
    call: str | None = None


class AlarmAcknowledged(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person has seen the alarm."""

    alarm: str
    by: Staff | None = None


class AlarmCleared(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The figure is within its threshold again."""

    alarm: str


class AnnouncementShown(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"begins": "from"}):
    """An announcement for the boards; `from` and `until` are RFC 3339, null for at once and until withdrawn."""

    id: str
    text: str
    severity: Literal["info", "warning", "urgent"] = "info"
    begins: str | None = None
    until: str | None = None
    boards: tuple[str, ...] = ()


class AnnouncementEnded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An announcement was withdrawn."""

    id: str


class PopSettled(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one screen pop. `pop` is the id of its `call.ringing`; times count from when the PBX's bytes arrived.

    `settled_s`: until the broker answered, or it was given up. `code` is the broker's reason code.
    """

    pop: str
    call: str
    agent: AgentKey
    outcome: PopOutcome
    card: PopCard
    sent_s: Seconds | None = None
    settled_s: Seconds | None = None
    code: int | None = None


class CallbackOpened(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody is to be called back. `why` is what opened it; `times` he tried in vain since, `waited_s` in all.

    Told again under the same `callback` whenever he tries once more: the newest counts.
    """

    callback: str
    why: CallbackWhy
    number: Caller
    times: int = 1
    waited_s: Seconds = 0.0
    since: str | None = None
    pbx: Key | None = None
    queue: Key | None = None
    call: str | None = None
    visit: str | None = None


class CallbackClaimed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody took a callback on."""

    callback: str
    by: Staff | None = None


class CallbackClosed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A callback is done.

    `reached`: he was called and answered; `called_through`: he called and was answered; `closed`: by a person or the CRM; `expired`: older
    than `[callbacks]` keeps it; `forgotten`: his number was taken out at his wish.
    """

    callback: str
    reason: Literal["reached", "called_through", "closed", "expired", "forgotten"]
    by: Staff | None = None
    call: str | None = None


class Channel(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another channel (e-mail, chat …) as the CRM tells it; `longest_wait` in seconds as of `as_of`."""

    title: str | None = None
    waiting: int | None = None
    longest_wait: Seconds | None = None
    service_level_of: tuple[int, int] | None = None
    target_s: Seconds | None = None
    as_of: str | None = None


class KpiTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Figures that only the CRM knows. What is absent stays as it was told last."""

    as_of: str
    fcr: Ratio | None = None
    paid_seconds: Seconds | None = None
    channels: dict[str, Channel] = {}


class Kind(Struct, frozen=True):
    """One row of the catalogue: the data type, its version, and whether it is due to the CRM unless configured."""

    type: type[Struct]
    due: bool = True
    version: int = 1
    since: str = "0.1"


KINDS: Final[dict[str, Kind]] = {
    "call.offered": Kind(CallOffered),
    "call.queued": Kind(CallQueued),
    "call.ringing": Kind(CallRinging),
    "call.answered": Kind(CallAnswered),
    "call.held": Kind(CallHeld),
    "call.resumed": Kind(CallResumed),
    "call.transferred": Kind(CallTransferred),
    "call.abandoned": Kind(CallAbandoned),
    "call.left": Kind(CallLeft),
    "call.ended": Kind(CallEnded),
    "call.digits": Kind(CallDigits),
    "call.survey": Kind(CallSurvey),
    "call.classified": Kind(CallClassified),
    "call.callback_requested": Kind(CallCallbackRequested),
    "call.lost": Kind(CallLost),
    "call.matched": Kind(CallMatched, due=False, since="0.2"),
    "call.dissatisfied": Kind(CallDissatisfied, since="0.2"),
    "call.attempted": Kind(CallAttempted, since="0.2"),
    "call.previewed": Kind(CallPreviewed, due=False, since="0.2"),
    "agent.logged_in": Kind(AgentLoggedIn),
    "agent.logged_out": Kind(AgentLoggedOut),
    "agent.state": Kind(AgentStateChanged),
    "line.ringing": Kind(LineRinging),
    "line.caller_id": Kind(LineCallerId),
    "line.seized": Kind(LineSeized),
    "line.released": Kind(LineReleased),
    "line.fault": Kind(LineFault),
    "line.all_busy": Kind(LineAllBusy),
    "line.all_busy_ended": Kind(LineAllBusyEnded),
    "headset.attached": Kind(HeadsetAttached),
    "headset.detached": Kind(HeadsetDetached),
    "headset.hook": Kind(HeadsetHook, due=False),
    "headset.mute": Kind(HeadsetMute, due=False),
    "headset.fault": Kind(HeadsetFault),
    "headset.finding": Kind(HeadsetFinding, due=False),
    "headset.minute": Kind(HeadsetMinute, due=False),
    "pbx.up": Kind(PbxUp),
    "pbx.down": Kind(PbxDown),
    "pbx.resynced": Kind(PbxResynced),
    "pbx.record": Kind(PbxRecord),
    "link.up": Kind(LinkUp),
    "link.down": Kind(LinkDown),
    "journal.started": Kind(JournalStarted),
    "journal.gap": Kind(JournalGap),
    "journal.pressure": Kind(JournalPressure),
    "journal.skipped": Kind(JournalSkipped),
    "journal.purged": Kind(JournalPurged, due=False),
    "privacy.forgotten": Kind(PrivacyForgotten),
    "box.started": Kind(BoxStarted),
    "box.clock_stepped": Kind(BoxClockStepped),
    "box.health": Kind(BoxHealth),
    "box.gap": Kind(BoxGap, due=False),
    "command.received": Kind(CommandReceived, due=False),
    "command.finished": Kind(CommandFinished, due=False),
    "pop.settled": Kind(PopSettled, due=False, since="0.2"),
    "callback.opened": Kind(CallbackOpened, since="0.2"),
    "callback.claimed": Kind(CallbackClaimed, since="0.2"),
    "callback.closed": Kind(CallbackClosed, since="0.2"),
    "kpi.told": Kind(KpiTold, due=False, since="0.2"),
    "alarm.raised": Kind(AlarmRaised),
    "alarm.acknowledged": Kind(AlarmAcknowledged),
    "alarm.cleared": Kind(AlarmCleared),
    "announcement.shown": Kind(AnnouncementShown),
    "announcement.ended": Kind(AnnouncementEnded),
}

KIND_OF: Final[dict[type[Struct], str]] = {kind.type: name for name, kind in KINDS.items()}
_decoders: Final[dict[str, msgspec.json.Decoder[Any]]] = {}


def kind_of(data: Struct) -> str:
    """The kind that a data struct belongs to. Raises KeyError for a type that is not in the catalogue."""
    return KIND_OF[type(data)]


def event_from_stored(stored: Stored) -> Event | None:
    """Decode the data of a stored event; None for a kind this version does not know (a newer box wrote it).

    Raises msgspec.ValidationError when the data does not fit its kind.
    """
    kind = stored.kind
    decoder = _decoders.get(kind)
    if decoder is None:
        if kind not in KINDS:
            return None
        decoder = _decoders[kind] = msgspec.json.Decoder(KINDS[kind].type)
    data = decoder.decode(stored.data)
    return Event(kind, stored.source, stored.wall_ns, stored.mono_ns, stored.boot, stored.clock, data, stored.origin)
