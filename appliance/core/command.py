"""The rules of a command's life that need no I/O: what each verb takes, when it is refused or expired, what a reply says.

received (durable) → passed by its owner (durable) → finished: done, failed, expired, refused or unknown; once per id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from appliance.core.channels_config import CHANNELS_MOST
from appliance.core.clock import wall_ns_from_rfc3339
from appliance.core.directory_page import Part
from appliance.core.event import ClockQuality

State = Literal["accepted", "done", "failed", "expired", "refused", "unknown"]
Key = Annotated[str, Meta(pattern=r"^[a-z0-9._-]{1,64}$")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Short = Annotated[str, Meta(min_length=1, max_length=128)]
Time = Annotated[str, Meta(max_length=40)]

_ID: Final = re.compile(r"[a-z0-9._-]{1,64}")
#: A command is remembered this long, whatever becomes of the journal.
REMEMBER_NS: Final = 7 * 86_400 * 1_000_000_000
#: What touches a call is not carried out later than this after it was sent, or came, whatever its `expires` says.
TOUCHES_MOST_S: Final = 300.0
#: So many delivery numbers may be asked for again in one command, so that each has an end.
RESEND_MOST: Final = 100_000
#: So many bytes of arguments are kept in the journal with a command; pages of the directory have a bound and a place of their own.
ARGS_MOST: Final = 64 * 1024
#: A hundred thousand hours.
_PAID_MOST_S: Final = 360_000_000
#: The year 2200.
_LATEST_NS: Final = 7_258_118_400 * 1_000_000_000
_NS: Final = 1_000_000_000
#: A time is written in fewer letters.
TIME_LETTERS: Final = 40


class _Args(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the arguments of every verb have in common: what is not known is refused, not ignored."""


def _moment(text: str) -> None:
    """Raises ValueError for what is no time of a floor: computers without a clock begin in 1970."""
    try:
        at_ns = wall_ns_from_rfc3339(text)
    except OverflowError as fault:
        raise ValueError(f"as_of {text}: {fault}") from fault
    if not 0 <= at_ns < _LATEST_NS:
        raise ValueError(f"as_of {text} is no time of a floor")


class Announce(_Args, frozen=True, kw_only=True, omit_defaults=True, rename={"begins": "from"}):
    """Show a text on the boards; `from` and `until` are RFC 3339, absent for at once and until withdrawn."""

    text: Text
    severity: Literal["info", "warning", "urgent"] = "info"
    begins: Time | None = None
    until: Time | None = None
    boards: Annotated[tuple[Key, ...], Meta(max_length=64)] = ()


class Withdraw(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Take an announcement off the boards; it goes by the id of the command that put it there."""

    announcement: Key


class Acknowledge(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """A person has seen the alarm."""

    alarm: Short


class Originate(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Call a number for an agent."""

    agent: Key
    number: Short
    preview: bool = False
    card: str | None = None
    timeout_s: Annotated[float, Meta(gt=0, le=600)] | None = None


class CallOrAgent(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Which call is meant: itself, or the one that this agent has."""

    call: Short | None = None
    agent: Key | None = None

    def __post_init__(self) -> None:
        if (self.call is None) == (self.agent is None):
            raise ValueError("give either call or agent")


class Transfer(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Hand a call on."""

    call: Short
    to: Short
    attended: bool = False


class Pause(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Pause an agent, in all queues when none is named."""

    agent: Key
    queues: tuple[Key, ...] = ()
    reason: Short | None = None


class Membership(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """An agent joins or leaves a queue."""

    agent: Key
    queue: Key
    penalty: int | None = None


class Supervise(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Listen to an agent's call, whisper to him, or break in."""

    supervisor: Key
    agent: Key
    mode: Literal["listen", "whisper", "barge"]


class Callback(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody takes a callback on, or it is done."""

    callback: Short
    action: Literal["claim", "close"]
    by: Short | None = None


class HeadsetRing(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Ring the headset at a seat of this box, for `[headsets] ring_s` unless told; `ring` is the one pattern."""

    seat: Key
    pattern: Short | None = None
    seconds: Annotated[float, Meta(gt=0, le=600)] | None = None


class Beacon(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Play a pattern over a lamp (`LIGHT.ROLE`) or a whole stack light (`LIGHT`), flashing and for a minute unless told."""

    lamp: Key
    pattern: Short | None = None
    seconds: Annotated[float, Meta(gt=0, le=86400)] | None = None


class ChannelFigures(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Another channel's queue: who waits, the longest wait in seconds, (answered in time, all); `as_of` where not that of the whole."""

    title: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    waiting: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    longest_wait: Annotated[float, Meta(ge=0, le=31_622_400)] | None = None
    service_level_of: tuple[Annotated[int, Meta(ge=0, le=1_000_000_000)], Annotated[int, Meta(ge=0, le=1_000_000_000)]] | None = None
    target_s: Annotated[float, Meta(gt=0, le=31_622_400)] | None = None
    as_of: Time | None = None

    def __post_init__(self) -> None:
        if self.service_level_of is not None and self.service_level_of[0] > self.service_level_of[1]:
            raise ValueError("service_level_of is (in time, all): more cannot be in time than there are")
        if self.as_of is not None:
            _moment(self.as_of)


class KpiFigures(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Figures only the CRM knows, as of a time: first-contact resolution (0 to 1), seconds paid today until then, other channels by key.

    A channel: `title`, `waiting`, `longest_wait` in seconds, `service_level_of` (in time, all), `target_s`, its own `as_of`.
    """

    as_of: Time
    fcr: float | None = None
    paid_seconds: float | None = None
    channels: dict[str, dict[str, Any]] = {}

    def __post_init__(self) -> None:
        _moment(self.as_of)
        if self.fcr is None and self.paid_seconds is None and not self.channels:
            raise ValueError("no figure: give fcr, paid_seconds or channels")
        if self.fcr is not None and not 0 <= self.fcr <= 1:
            raise ValueError(f"fcr {self.fcr:g} is no share of 1")
        if self.paid_seconds is not None and not 0 <= self.paid_seconds <= _PAID_MOST_S:
            raise ValueError(f"paid_seconds {self.paid_seconds:g}: nobody pays that in a day")
        if len(self.channels) > CHANNELS_MOST:
            raise ValueError(f"at most {CHANNELS_MOST} channels in one command")
        for key in self.channels:
            if not is_id(key):
                raise ValueError(f"channels: {key[:80]!r} is no key: a-z 0-9 . _ -, 64 at most")
            self.channel(key)

    def channel(self, key: str) -> ChannelFigures:
        """What is told of a channel. Raises ValueError."""
        try:
            return msgspec.convert(self.channels[key], ChannelFigures)
        except msgspec.ValidationError as fault:
            raise ValueError(f"channels.{key}: {fault}") from fault


class Directory(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """A page of customer cards, which follows version `after` (the one before unless told), or a part of a full load (docs/directory.md).

    At most 1000 cards, 1000 deletions and 512 KiB. The event `command.received` of a CRM's page has neither cards nor deletions.
    """

    version: int
    upserts: tuple[dict[str, Any], ...] = ()
    deletes: tuple[str, ...] = ()
    after: int | None = None
    snapshot: Part | None = None


class Classify(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """What a call was about: by a type of [classification], and in the centre's own words. Told again, the newest counts."""

    call: Short
    type: Short | None = None
    topic: Short | None = None
    reason: Short | None = None
    subreason: Short | None = None
    question: Short | None = None

    def __post_init__(self) -> None:
        if not any((self.type, self.topic, self.reason, self.subreason, self.question)):
            raise ValueError("nothing to classify by: give type, topic, reason, subreason or question")


class Resend(_Args, frozen=True, kw_only=True, omit_defaults=True, rename={"first": "from", "last": "to"}):
    """Send delivery numbers of this epoch again, both ends included, `RESEND_MOST` of them at most.

    `epoch`: the one that is meant; the command fails in any other, where the same numbers are other events.
    """

    first: Annotated[int, Meta(ge=1)]
    last: Annotated[int, Meta(ge=1)]
    epoch: Short | None = None


class Ping(_Args, frozen=True, kw_only=True, omit_defaults=True):
    """Is the box there, and does it take commands?"""


class Verb(Struct, frozen=True):
    """One verb: its arguments, and whether it touches a call (then `expires` is required and the clock must be set)."""

    args: type[Struct]
    touches_call: bool = False


VERBS: Final[dict[str, Verb]] = {
    "announce": Verb(Announce),
    "withdraw": Verb(Withdraw),
    "acknowledge": Verb(Acknowledge),
    "originate": Verb(Originate, touches_call=True),
    "answer": Verb(CallOrAgent, touches_call=True),
    "hangup": Verb(CallOrAgent, touches_call=True),
    "hold": Verb(CallOrAgent, touches_call=True),
    "resume": Verb(CallOrAgent, touches_call=True),
    "transfer": Verb(Transfer, touches_call=True),
    "pause": Verb(Pause),
    "unpause": Verb(Pause),
    "queue_add": Verb(Membership),
    "queue_remove": Verb(Membership),
    "supervise": Verb(Supervise, touches_call=True),
    "callback": Verb(Callback),
    "headset_ring": Verb(HeadsetRing),
    "beacon": Verb(Beacon),
    "kpi": Verb(KpiFigures),
    "directory": Verb(Directory),
    "classify": Verb(Classify),
    "resend": Verb(Resend),
    "ping": Verb(Ping),
}


class Request(Struct, frozen=True):
    """A command as it comes over the wire, not judged yet."""

    id: str
    time: str | None = None
    expires: str | None = None
    args: dict[str, Any] = field(default_factory=dict)


class Verdict(Struct, frozen=True):
    """What becomes of a command now: `run`, or at once a terminal state with its reason."""

    state: Literal["run", "expired", "refused"]
    reason: str | None = None


class Reply(Struct, frozen=True):
    """What the sender is told."""

    id: str
    state: State
    reason: str | None = None
    result: dict[str, Any] | None = None


class _Named(Struct, frozen=True):
    """The one member by which a command can be answered."""

    id: str


_requests: Final = msgspec.json.Decoder(Request)
_named: Final = msgspec.json.Decoder(_Named)


def is_id(text: str) -> bool:
    """Is this a usable command id: a slug?

    >>> is_id("a-1"), is_id("A 1"), is_id("")
    (True, False, False)
    """
    return _ID.fullmatch(text) is not None


def request_from_payload(payload: bytes) -> Request:
    """Read a command's payload. Raises ValueError (its text is the reason) when it is not one or has no usable id."""
    try:
        request = _requests.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ValueError(f"not a command: {fault}") from fault
    if not is_id(request.id):
        raise ValueError("no usable id: it must be of the characters a-z 0-9 . _ -, 64 at most")
    return request


def id_of_unreadable(payload: bytes) -> str | None:
    """The id of what is no command, but JSON with a usable id, so that its sender is answered; None where there is none.

    >>> id_of_unreadable(b'{"id": "c-1", "args": [1]}'), id_of_unreadable(b'{"id": "c-1"')
    ('c-1', None)
    """
    try:
        named = _named.decode(payload).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return named if is_id(named) else None


def args_of(verb: str, args: dict[str, Any]) -> Struct:
    """The arguments of a verb, checked. Raises ValueError whose text names the argument, KeyError for an unknown verb."""
    try:
        made = msgspec.convert(args, VERBS[verb].args)
    except msgspec.ValidationError as fault:
        raise ValueError(str(fault)) from fault
    assert isinstance(made, Struct)
    if isinstance(made, Announce):
        begins, until = (wall_ns_from_rfc3339(time) if time else None for time in (made.begins, made.until))
        if begins is not None and until is not None and until <= begins:
            raise ValueError("until must be later than from")
    if isinstance(made, Resend) and made.last < made.first:
        raise ValueError("to must not be less than from")
    if isinstance(made, Resend) and made.last - made.first >= RESEND_MOST:
        raise ValueError(f"at most {RESEND_MOST} numbers in one command: ask for more in pieces")
    return made


def digest_of(verb: str, args: dict[str, Any]) -> str:
    """A mark of what a command asks, to tell a repeat from another command under the same id; the order of members is nothing.

    >>> digest_of("ping", {"a": 1, "b": 2}) == digest_of("ping", {"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(msgspec.json.encode([verb, args], order="deterministic")).hexdigest()[:24]


def judge(
    verb: str,
    args: dict[str, Any],
    expires: str | None,
    *,
    allow: Collection[str],
    owned: Collection[str],
    now_ns: int,
    quality: ClockQuality,
) -> Verdict:
    """Whether a command may run now. `allow`: the configuration's verbs; `owned`: those that some service of this box executes."""
    known = VERBS.get(verb)
    if known is None:
        return Verdict("refused", "unknown_verb")
    if verb not in allow:
        return Verdict("refused", f"not_allowed: {verb} is not in [commands] allow")
    if verb not in owned:
        return Verdict("refused", f"unsupported: this box has nothing that can {verb}")
    try:
        args_of(verb, args)
    except ValueError as fault:
        return Verdict("refused", f"bad_args: {fault}")
    if known.args is not Directory and len(msgspec.json.encode(args)) > ARGS_MOST:
        return Verdict("refused", f"too_large: the arguments are {ARGS_MOST // 1024} KiB at most")
    return _in_time(known, expires, now_ns, quality)


def too_late(
    verb: str, sent: str | None, now_ns: int, quality: ClockQuality, *, expires: str | None = None, age_s: float | None = 0.0
) -> Verdict | None:
    """The end of a command that touches a call and was sent long ago, as by a broker that kept it: whatever its `expires` says.

    `age_s`: how old it may be, by the link it came over; None: nobody knows, for the machine was started since. It counts where the command
    does not say when it was sent, or says what cannot be; such a one may hold no longer than a call is touched at all. Where nobody
    knows it counts for all, until the clock is synchronised.

    >>> too_late("originate", "1970-01-01T00:00:00Z", 301 * 10**9, "synced").state
    'expired'
    >>> too_late("originate", None, 0, "synced", expires="1970-01-01T00:30:00Z").reason.partition(":")[0]
    'time_required'
    """
    known = VERBS.get(verb)
    if known is None or not known.touches_call or quality == "unset":
        return None
    sent_ns, until_ns = _ns_from(sent), _ns_from(expires)
    if sent is not None and sent_ns is None:
        return Verdict("refused", "bad_time: write it as 2026-11-21T14:00:00Z")
    if quality != "synced" and age_s is None:  # the clock may have stood still with the machine, and gone on from there
        return _waited(age_s, "and how late it is nobody knows until the clock is synchronised")
    if sent_ns is not None and (now_ns - sent_ns) / _NS >= -TOUCHES_MOST_S:
        old_s = (now_ns - sent_ns) / _NS
        if old_s <= TOUCHES_MOST_S:
            return None
        return Verdict("expired", f"too_old: it was sent {old_s:.0f} s ago, and a call is not touched so late")
    return _undated(until_ns, now_ns, age_s)


def _undated(until_ns: int | None, now_ns: int, age_s: float | None) -> Verdict | None:
    """The end of one that touches a call and does not tell when it was sent."""
    if age_s is None or age_s > TOUCHES_MOST_S:
        return _waited(age_s, "and has no time that says when it was sent")
    if until_ns is not None and (until_ns - now_ns) / _NS > TOUCHES_MOST_S:
        reason = f"time_required: with no time that says when it was sent, expires may be {TOUCHES_MOST_S:.0f} s ahead at most"
        return Verdict("refused", reason)
    return None


def _waited(age_s: float | None, why: str) -> Verdict:
    kept = "for a time that nobody knows" if age_s is None else f"for up to {age_s:.0f} s"
    return Verdict("expired", f"too_old: it may have waited {kept}, {why}")


def _ns_from(text: str | None) -> int | None:
    """A time; None for none and for what is no time."""
    if text is None or len(text) > TIME_LETTERS:
        return None
    try:
        return wall_ns_from_rfc3339(text)
    except (ValueError, OverflowError):
        return None


def _in_time(verb: Verb, expires: str | None, now_ns: int, quality: ClockQuality) -> Verdict:
    """Expiry by a clock that is not set cannot be judged: what touches a call is refused then, all else runs."""
    if verb.touches_call and quality == "unset":
        return Verdict("refused", "clock_unset")
    if expires is None:
        return Verdict("refused", "expires_required") if verb.touches_call else Verdict("run")
    try:
        if len(expires) > TIME_LETTERS:
            raise ValueError("no time is so long")
        until_ns = wall_ns_from_rfc3339(expires)
    except (ValueError, OverflowError):
        return Verdict("refused", "bad_expires: write it as 2026-11-21T14:00:00Z")
    if quality != "unset" and now_ns >= until_ns:
        return Verdict("expired", f"expired at {expires}")
    return Verdict("run")
