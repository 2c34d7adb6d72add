"""Decides what became of each alarm: raised, at which levels, seen by whom, cleared, and how long it took. A fold, pure."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from appliance.core.catalogue import AlarmAcknowledged, AlarmCleared, AlarmRaised
from appliance.core.event import Event

#: So many at most are kept; the oldest that ended go first.
KEPT = 10_000


class Step(Struct, frozen=True):
    """An alarm came to a level."""

    at_ns: int
    level: Literal["amber", "red"]


class Seen(Struct, frozen=True):
    """Somebody saw it: `by` is `crm`, `local`, or what a button is called; None where it was not told."""

    at_ns: int
    by: str | None


class Episode(Struct):
    """One alarm from the moment it was raised; `ended_ns` None while it stands. Times are wall clock, `lasted_s` is not: it is right
    though the clock was stepped. `seen` is by whom, in order; `acknowledged`: somebody has since it last got worse. `call`, `agent`,
    `seat` are told of an extraordinary call.
    """

    alarm: str
    steps: list[Step]
    seen: list[Seen] = []
    acknowledged: bool = False
    ended_ns: int | None = None
    lasted_s: float | None = None
    call: str | None = None
    agent: str | None = None
    seat: str | None = None

    @property
    def began_ns(self) -> int:
        """When it was raised."""
        return self.steps[0].at_ns

    @property
    def worst(self) -> Literal["amber", "red"]:
        """The gravest level that it came to."""
        return "red" if any(step.level == "red" for step in self.steps) else "amber"


class AlarmHistory:
    """Feed it the events of an alarm, in the journal's order."""

    def __init__(self, since_ns: int = 0) -> None:
        """What ended before `since_ns` is forgotten."""
        self._since_ns = since_ns
        self._standing: dict[str, tuple[Episode, Event]] = {}
        self._ended: list[Episode] = []

    def apply(self, event: Event) -> None:
        """Take one event; those of other groups change nothing."""
        data: Any = event.data
        if isinstance(data, AlarmRaised):
            self._raised(data, event)
        elif isinstance(data, AlarmAcknowledged) and data.alarm in self._standing:
            episode, _ = self._standing[data.alarm]
            episode.seen.append(Seen(event.wall_ns, data.by))
            episode.acknowledged = True
        elif isinstance(data, AlarmCleared):
            self._cleared(data, event)

    def episodes(self) -> list[Episode]:
        """All of them, by the time they were raised."""
        both = [*self._ended, *(episode for episode, _ in self._standing.values())]
        return sorted(both, key=lambda episode: episode.began_ns)

    def _raised(self, data: AlarmRaised, event: Event) -> None:
        standing = self._standing.get(data.alarm)
        if standing is not None and data.call is not None and data.call != standing[0].call:
            self._ended_at(data.alarm, event)  # another call of the same agent
            standing = None
        if standing is None:
            steps = [Step(event.wall_ns, data.level)]
            self._standing[data.alarm] = Episode(data.alarm, steps, call=data.call, agent=data.agent, seat=data.seat), event
        elif standing[0].steps[-1].level != data.level:
            standing[0].steps.append(Step(event.wall_ns, data.level))
            standing[0].acknowledged = standing[0].acknowledged and data.level == "amber"

    def _cleared(self, data: AlarmCleared, event: Event) -> None:
        self._ended_at(data.alarm, event)

    def _ended_at(self, alarm: str, event: Event) -> None:
        episode, first = self._standing.pop(alarm, (None, event))
        if episode is None or event.wall_ns < self._since_ns:
            return
        same_boot = first.boot == event.boot
        lasted_ns = event.mono_ns - first.mono_ns if same_boot else event.wall_ns - first.wall_ns
        episode.ended_ns, episode.lasted_s = event.wall_ns, round(max(0, lasted_ns) / 1e9, 1)
        self._ended.append(episode)
        del self._ended[:-KEPT]
