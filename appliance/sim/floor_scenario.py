"""Decides what a scenario of a simulated floor may say: its day, callers, queues, staff, headsets, lines, and what goes wrong when.

Times of day are the site's, `HH:MM` or `HH:MM:SS`, on the scenario's own `day`; durations are seconds. The files are TOML and lie in
`appliance/sim/scenarios`; `floor_scenario_file` reads them. Pure.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from appliance.core.quantity import Span

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0, le=86_400)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Count = Annotated[int, Meta(ge=0, le=500)]
#: What can befall a floor. `pbx-*`: see `pbx_fault`; `link-cut`: the CRM's cable is pulled; `adapter-pull`: a line's modem.
What = Literal["pbx-drop", "pbx-stall", "pbx-restart", "pbx-kill", "link-cut", "adapter-pull"]


class Calls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How callers behave, and how conversations go. `profile`: calls per half-hour from a time of day on, Poisson.

    `again`: the share of those who gave up who call again, `again_after_s` later on average; `repeat`: of all, who have called before.
    """

    profile: dict[str, Annotated[float, Meta(ge=0, le=20_000)]]
    patience_s: Positive = 90.0
    hasty: Share = 0.03
    exit_key: Share = 0.03
    repeat: Share = 0.1
    again: Share = 0.3
    again_after_s: Positive = 240.0
    ring_s: Positive = 4.0
    no_answer: Share = 0.03
    talk_s: Positive = 180.0
    hold: Share = 0.15
    transfer: Share = 0.05
    agent_ends: Share = 0.4


class QueueOf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One queue; `share` is its part of the calls, beside the others' shares. `target_s` is the box's T."""

    name: Name
    extension: Name
    share: Positive = 1.0
    strategy: Literal["rrmemory", "leastrecent", "fewestcalls", "linear"] = "rrmemory"
    target_s: Positive = 15.0
    ring_timeout_s: Positive = 15.0
    retry_s: Positive = 2.0
    timeout_s: Positive = 120.0
    wrap_up_s: Annotated[int, Meta(ge=0, le=600)] = 8
    max_len: Annotated[int, Meta(ge=1, le=1000)] = 30
    weight: Annotated[int, Meta(ge=0, le=100)] = 0
    autopause: bool = False
    exit_key: Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"] | None = None


class Team(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`count` people who answer the same queues in the same hours; the first phone has the number `first`.

    `local`: the queue rings them through a Local channel. `shift` `HH:MM-HH:MM`; None: there all day.
    """

    count: Annotated[int, Meta(ge=1, le=200)]
    first: Annotated[int, Meta(ge=10, le=99_999)]
    queues: Annotated[tuple[str, ...], Meta(min_length=1)]
    penalty: Annotated[int, Meta(ge=0, le=100)] = 0
    local: bool = False
    shift: str | None = None


class Breaks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pause every so often, for so long, both on average; 0: nobody pauses."""

    every_s: Span = 5400.0
    for_s: Positive = 600.0
    reasons: Annotated[tuple[str, ...], Meta(min_length=1)] = ("descanso", "almuerzo", "formación", "papeleo", "reunión")


class Headsets(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Headsets at the first so many seats. `lays_down`, `mutes`: of calls, the shares in which somebody does.

    `pull_every_s`: how often somebody pulls a plug; 0: nobody does.
    """

    seats: Annotated[int, Meta(ge=0, le=40)] = 0
    lays_down: Share = 0.0
    mutes: Share = 0.0
    pull_every_s: Span = 0.0


class Analog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site of analog lines without an ACD, and a PBX that prints each call. `every_s`: between the calls of a line, on average."""

    lines: Annotated[int, Meta(ge=1, le=16)] = 4
    every_s: Positive = 120.0
    talk_s: Positive = 90.0
    taken: Share = 0.8
    withheld: Share = 0.1


class Happening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong at a time of day, for `for_s`."""

    at: str
    what: What
    for_s: Positive = 30.0


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A floor and a day of it."""

    title: Name
    text: str = ""
    day: str = "2026-11-23"
    begins: str = "08:00"
    ends: str = "18:00"
    timezone: str = "America/Guayaquil"
    calls: Calls | None = None
    queues: tuple[QueueOf, ...] = ()
    team: tuple[Team, ...] = ()
    trunks: dict[str, Annotated[int, Meta(ge=1, le=500)]] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    breaks: Breaks = field(default_factory=Breaks)
    headsets: Headsets = field(default_factory=Headsets)
    analog: Analog | None = None
    happens: tuple[Happening, ...] = ()


#: The lines that a simulated Asterisk has: what `[trunks]` may name.
TRUNKS: Final = ("trunk-norte", "trunk-sur")


def seconds_of(text: str) -> int:
    """Seconds since midnight. Raises ValueError for what is no time of day.

    >>> seconds_of("08:30"), seconds_of("24:00"), seconds_of("08:30:15")
    (30600, 86400, 30615)
    """
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(len(part) == 2 and part.isdigit() for part in parts):
        raise ValueError(f'"{text}" is no time of day')
    hours, minutes, seconds = (int(part) for part in (*parts, "00")[:3])
    total = hours * 3600 + minutes * 60 + seconds
    if minutes > 59 or seconds > 59 or total > 86_400:
        raise ValueError(f'"{text}" is no time of day')
    return total


def span_of(text: str) -> tuple[int, int]:
    """`HH:MM-HH:MM` as seconds since midnight. Raises ValueError for anything else, and where the end is not after the beginning."""
    begins, dash, ends = text.partition("-")
    if not dash or (span := (seconds_of(begins), seconds_of(ends)))[0] >= span[1]:
        raise ValueError(f'"{text}" is no span of a day')
    return span
