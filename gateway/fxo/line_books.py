"""Decides what all analog lines of a site are together: one source that is in sight while each of its devices is, queues, groups. Pure.

A queue of which one line is out of sight is not wholly known: what is waiting may be more. So the source `lines` is up only while
every device is there; what the others tell goes on being counted meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import BoxHealth, Named, PbxDown, PbxResynced, PbxUp
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.line_config import LINES
from gateway.fxo.line_call import Told
from gateway.fxo.line_group import LineGroup
from gateway.fxo.line_queue import LineQueue
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.made import queue_of, settings_of
from gateway.fxo.ring_on import RingOn
from gateway.fxo.source import Health

_LISTED: Final = 6
#: Other words for a fault that stands: so many at once, then one in so long: what fails in two ways in turn fills no journal.
_WORDS: Final = 3
_WORDS_EVERY_NS: Final = 1_800 * NS


class LineBooks:
    """The lines of a configuration. `limits` is what can never be known of them, in words."""

    def __init__(self, config: Config, new_id: Callable[[], str]) -> None:
        self.settings: dict[str, LineSettings] = {}
        queues: dict[str, str] = {}
        self._lines_at = {name: list(one.lines(name)) for name, one in config.lines.items()}
        for name, one in config.lines.items():
            self.settings |= settings_of(name, one)
            for line, own in one.lines(name).items():
                if (queue := queue_of(own, one)) is not None:
                    queues[line] = queue
        self.queues = {key: self._queue(config, key, new_id) for key in dict.fromkeys(queues.values())}
        self._queue_of = queues
        self.groups = {trunk: LineGroup(trunk, size) for trunk, size in group_sizes(config, self.settings).items()}
        self._up: dict[str, bool | None] = dict.fromkeys(config.lines)
        self._told: bool | None = None
        self._begun = False
        self._level: dict[str, tuple[Literal["ok", "red"], str]] = {}
        self._text: dict[str, str] = {}
        self._words: dict[str, tuple[float, int]] = {}
        self._lost_ns: int | None = None

    def _queue(self, config: Config, key: str, new_id: Callable[[], str]) -> LineQueue:
        own = config.queues.get(key)
        return LineQueue(key, LINES, new_id, title=own.title if own else None, senses=lambda line: self.settings[line].senses_answer)

    @property
    def limits(self) -> tuple[str, ...]:
        """What nothing tells, line by line."""
        return tuple(limit for settings in self.settings.values() for limit in settings.limits)

    @property
    def in_sight(self) -> bool:
        """Whether every device is there."""
        return all(self._up.values())

    @property
    def waiting(self) -> int:
        """Calls that ring now, on the lines that are queues."""
        return sum(len(queue.waiting) for queue in self.queues.values())

    # -- what is told ------------------------------------------------------------------------------------------

    def told(self, told: list[Told], now_ns: int) -> list[tuple[Struct, int]]:
        """Everything that a device's words mean, in order, each with the moment of which it tells."""
        out: list[tuple[Struct, int]] = []
        for each in told:
            # What came later than it happened (a ring that was waited for in vain) is told of its moment where that is all it tells.
            out.append((each.event, min(each.at_ns, now_ns)))
            queue = self.queues.get(self._queue_of.get(each.event.line, ""))
            if queue is not None:
                out += ((event, now_ns) for event in queue.apply((each,), now_ns))
            group = self.groups.get(each.event.trunk or "")
            if group is not None:
                out += ((event, now_ns) for event in group.apply((each,)))
        return out

    def is_as_before(self, ring: RingOn) -> bool:
        """Whether the line is still of that queue and of that group."""
        settings = self.settings.get(ring.line)
        return settings is not None and (settings.trunk, self._queue_of.get(ring.line)) == (ring.trunk, ring.queue)

    def rings_on(self, ring: RingOn, now_ns: int) -> list[Struct]:
        """A call that rang when the box was last at work, until its line tells more."""
        queue = self.queues.get(self._queue_of.get(ring.line, ""))
        if queue is not None and ring.visit is not None:
            queue.rings_on(ring.line, ring.visit, ring.began_ns, ring.caller)
        group = self.groups.get(self.settings[ring.line].trunk or "")
        return list(group.rings_on(ring.line, now_ns)) if group is not None else []

    # -- sight -------------------------------------------------------------------------------------------------

    def begin(self, unseen_s: float) -> list[Struct]:
        """The box starts: nothing is in sight yet."""
        self._told, self._begun = False, True
        return [PbxDown(pbx=LINES, reason="service_stopped", unseen_s=unseen_s, text="the gateway was not running")]

    def sighted(self, name: str, health: Health, now_ns: int) -> list[Struct]:
        """A device came, went, or fails for another reason now."""
        self._up[name] = health.up
        text = "" if health.up else f"{health.fault or 'not there'}{self._missing(name)}"
        out: list[Struct] = []
        level: Literal["ok", "red"] = "ok" if health.up else "red"
        told = self._level.get(name)
        self._text[name] = text
        if told is None or told[0] != level or (told[1] != text and self._may_reword(name, now_ns)):
            self._level[name] = level, text
            out.append(BoxHealth(id=f"line.{name}", level=level, text=text))
        if self.in_sight and self._told is not True:
            blind_s = None if self._lost_ns is None else round(max(0, now_ns - self._lost_ns) / NS, 3)
            named = tuple(Named(key, queue.title or key) for key, queue in self.queues.items())
            self._told, self._lost_ns = True, None
            out.append(PbxUp(pbx=LINES, limits=self.limits))
            out.append(PbxResynced(pbx=LINES, blind_s=blind_s, waiting=self.waiting, queues=named))
        elif not self.in_sight and self._told is not False:
            self._told, self._lost_ns = False, now_ns
            out.append(PbxDown(pbx=LINES, reason="lost", text=f"{name}: {text}"))
        elif not health.up and self._begun:
            out.append(PbxDown(pbx=LINES, reason="unreachable", text=f"{name}: {text}"))
        self._begun = self._begun and health.up
        return out

    def reworded(self, now_ns: int) -> list[Struct]:
        """How the faults are that now have other words, where those had to wait."""
        out: list[Struct] = []
        for name, text in self._text.items():
            level, told = self._level[name]
            if told != text and self._may_reword(name, now_ns):
                self._level[name] = level, text
                out.append(BoxHealth(id=f"line.{name}", level=level, text=text))
        return out

    def _may_reword(self, name: str, now_ns: int) -> bool:
        left, at_ns = self._words.get(name, (float(_WORDS), now_ns))
        left = min(_WORDS, left + (now_ns - at_ns) / _WORDS_EVERY_NS)
        self._words[name] = left - (left >= 1), now_ns
        return left >= 1

    def _missing(self, name: str) -> str:
        """What is not seen meanwhile; that a device and its one line have the same name needs no telling."""
        lines, queues = self._lines_at.get(name, []), self.queues_at(name)
        unseen = f"; its lines {_listed(lines)} are not seen" if lines not in ([], [name]) else ""
        return f"{unseen}; what else waits in {_listed(queues)} is counted and shown" if queues else unseen

    def queues_at(self, name: str) -> list[str]:
        """The queues that have other lines beside this device's, and so go on without it."""
        own = set(self._lines_at.get(name, []))
        here = dict.fromkeys(queue for line, queue in self._queue_of.items() if line in own)
        return [queue for queue in here if any(each == queue and line not in own for line, each in self._queue_of.items())]

    def leave(self) -> list[Struct]:
        """The service stops."""
        return [PbxDown(pbx=LINES, reason="shutdown")] if self._told else []


def group_sizes(config: Config, settings: Mapping[str, LineSettings]) -> dict[str, int]:
    """How many lines each group of analog lines has; none where a PBX's channels belong to it too, for neither sees the whole."""
    out: dict[str, int] = {}
    for trunk in _distinct(each.trunk for each in settings.values()):
        own = config.trunks.get(trunk)
        if own is None:
            out[trunk] = sum(each.trunk == trunk for each in settings.values())
        elif not own.channels:
            out[trunk] = own.lines
    return out


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def _distinct(names: Iterable[str | None]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name is not None]
