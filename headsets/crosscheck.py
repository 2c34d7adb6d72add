"""Decides when a headset and the PBX disagree, and says so once when it begins and once when it is over. Pure; monotonic ns.

| finding | what is so |
| --- | --- |
| `call_on_hook` | the PBX says that the agent is in a call, the headset is on-hook |
| `off_hook_no_call` | the headset is off-hook, the PBX knows of no call |
| `available_unplugged` | the agent is available for calls, no headset is plugged in at the seat |
| `muted_in_call` | the agent talks, muted for longer than anybody coughs |
| `held_elsewhere` | another program holds the device, so that nothing is known of it |

Each must have been so without a break for its hold time. What is stale or unknown is no ground for a finding, and ends one that stands;
what is merely over must have been over for `CLEAR_S`, so that a finding does not flicker.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, get_args

from msgspec import Struct

from appliance.core.catalogue import AgentState, HeadsetFinding
from appliance.core.clock import NS
from appliance.floor.snapshot import Fresh
from headsets.hook import State
from headsets.seat import Seat

Finding = Literal["call_on_hook", "off_hook_no_call", "available_unplugged", "muted_in_call", "held_elsewhere"]

FINDINGS: Final[tuple[Finding, ...]] = get_args(Finding)
#: How long a finding must have been over before it is told as over.
CLEAR_S: Final = 2.0
_CALL: Final = ("talking", "holding")
_NO_CALL: Final = ("available", "paused", "logged_out")


class Holds(Struct, frozen=True, kw_only=True):
    """For how many seconds each must have been so."""

    call_on_hook: float = 5.0
    off_hook_no_call: float = 10.0
    available_unplugged: float = 10.0
    muted_in_call: float = 90.0
    held_elsewhere: float = 10.0


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of one seat now. `agent_state` is None or unknown where the PBX is out of sight or nobody sits there.

    `attached`, `mute`, `held_elsewhere`: None when not known. `fresh` is the headset's.
    """

    agent_state: AgentState | None = None
    attached: bool | None = None
    hook: State = "unknown"
    mute: bool | None = None
    fresh: Fresh = "unknown"
    held_elsewhere: bool | None = None


class Verdict(Struct, frozen=True):
    """A finding began, or is over; `for_s` is how long it had been so."""

    finding: Finding
    began: bool
    for_s: float


class _Watch(Struct):
    """One finding at one seat: since when it is so, and since when no more, of those that run."""

    since_ns: int | None = None
    over_ns: int | None = None
    told: bool = False
    #: One told before a restart waits so long for facts.
    kept_ns: int | None = None


class CrossCheck:
    """One seat's findings: of those named, all unless told."""

    def __init__(self, holds: Holds | None = None, *, muted_after_s: float | None = None, findings: Collection[str] = FINDINGS) -> None:
        """`muted_after_s` sets the hold time of `muted_in_call` alone."""
        holds = holds or Holds()
        self._findings = frozenset(findings)
        self._hold_ns = {finding: round(getattr(holds, finding) * NS) for finding in FINDINGS}
        if muted_after_s is not None:
            self._hold_ns["muted_in_call"] = round(muted_after_s * NS)
        self._watch = {finding: _Watch() for finding in FINDINGS}

    def adopt(self, finding: Finding, since_ns: int, until_ns: int) -> None:
        """It was told before a restart, and its end was not: until `until_ns` it does not end because nothing is known yet."""
        self._watch[finding] = _Watch(since_ns=since_ns, told=True, kept_ns=until_ns)

    def end(self, now_ns: int) -> tuple[Verdict, ...]:
        """End all that stand: somebody else sits there now, or nobody looks any more. What had not been told begins anew."""
        standing = self.standing
        self._watch = {finding: watch if watch.told else _Watch() for finding, watch in self._watch.items()}
        return tuple(verdict for finding in standing for verdict in self._tell(finding, False, now_ns))

    @property
    def standing(self) -> tuple[Finding, ...]:
        """The findings that were told and are not over."""
        return tuple(finding for finding, watch in self._watch.items() if watch.told)

    @property
    def due_ns(self) -> int | None:
        """When `look` has to come again though nothing changes."""
        return min((end for finding in FINDINGS if (end := self._end(finding)) is not None), default=None)

    def look(self, facts: Facts, now_ns: int) -> tuple[Verdict, ...]:
        """The facts as they are now. What has begun or is over by them and by the time that passed."""
        return tuple(verdict for finding in FINDINGS for verdict in self._look(finding, self._truth(finding, facts), now_ns))

    def _truth(self, finding: Finding, facts: Facts) -> bool | None:
        return truth_of(finding, facts) if finding in self._findings else None

    def _end(self, finding: Finding) -> int | None:
        watch = self._watch[finding]
        if watch.told:
            return watch.kept_ns if watch.over_ns is None else watch.over_ns + round(CLEAR_S * NS)
        return None if watch.since_ns is None else watch.since_ns + self._hold_ns[finding]

    def _look(self, finding: Finding, is_so: bool | None, now_ns: int) -> list[Verdict]:
        verdicts: list[Verdict] = []
        if self._watch[finding].over_ns is not None:
            verdicts += self._fall_due(finding, now_ns)  # over for long enough before it became so again
        watch = self._watch[finding]
        if watch.kept_ns is not None:
            if is_so is None and now_ns < watch.kept_ns:
                return verdicts
            watch.kept_ns = None
        if is_so:
            watch.over_ns = None
            watch.since_ns = now_ns if watch.since_ns is None else watch.since_ns
        elif not watch.told:
            watch.since_ns = None
        elif is_so is None:
            verdicts += self._tell(finding, False, now_ns)
        else:
            watch.over_ns = now_ns if watch.over_ns is None else watch.over_ns
        return [*verdicts, *self._fall_due(finding, now_ns)]

    def _fall_due(self, finding: Finding, now_ns: int) -> list[Verdict]:
        end = self._end(finding)
        return self._tell(finding, not self._watch[finding].told, now_ns) if end is not None and now_ns >= end else []

    def _tell(self, finding: Finding, began: bool, now_ns: int) -> list[Verdict]:
        watch = self._watch[finding]
        lasted_ns = (watch.over_ns if watch.over_ns is not None else now_ns) - (watch.since_ns if watch.since_ns is not None else now_ns)
        self._watch[finding] = _Watch(since_ns=watch.since_ns, told=True) if began else _Watch()
        return [Verdict(finding, began, max(0.0, lasted_ns / NS))]


def facts_of(seat: Seat, agent_state: AgentState | None, held_elsewhere: bool | None = None) -> Facts:
    """What is known of a seat, by its headset and by the PBX's word of its agent."""
    return Facts(
        agent_state=agent_state,
        attached=seat.attached,
        hook=seat.hook.value,
        mute=seat.mute.value,
        fresh=seat.fresh,
        held_elsewhere=held_elsewhere,
    )


def events_of(seat: Seat, verdicts: tuple[Verdict, ...]) -> tuple[HeadsetFinding, ...]:
    """The verdicts as the journal has them."""
    return tuple(
        HeadsetFinding(seat=seat.seat, agent=seat.agent, finding=verdict.finding, over=not verdict.began, for_s=round(verdict.for_s, 3))
        for verdict in verdicts
    )


def truth_of(finding: Finding, facts: Facts) -> bool | None:
    """Whether it is so by these facts; None where one that it needs is not known, or is old.

    >>> truth_of("call_on_hook", Facts(agent_state="talking", attached=True, hook="on", fresh="live"))
    True
    >>> truth_of("call_on_hook", Facts(agent_state="talking", attached=True, hook="on", fresh="stale")) is None
    True
    """
    if finding == "held_elsewhere":
        return facts.held_elsewhere
    state = facts.agent_state
    if facts.fresh != "live" or facts.attached is None or state is None or state == "unknown":
        return None
    if finding == "available_unplugged":
        return state == "available" and not facts.attached
    hook = None if facts.hook == "unknown" else facts.hook
    asks: dict[Finding, tuple[bool, bool | None]] = {
        "call_on_hook": (state in _CALL, None if hook is None else hook == "on"),
        "off_hook_no_call": (state in _NO_CALL, None if hook is None else hook == "off"),
        "muted_in_call": (state == "talking", facts.mute),
    }
    matters, is_so = asks[finding]
    return is_so if matters and facts.attached else False
