"""Decides what of the board stands among the box's health: a trouble is told at once, and is over once it was away for ten minutes.

A ride on the housekeeping's own steps: no timer of its own. Power is looked at on every step, for it falls for moments; the rest once a
minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from appliance.box import heat, memory, mounts, power, wear
from appliance.box.model import ROOT
from appliance.core.catalogue import BoxHealth
from appliance.core.clock import NS
from appliance.doctor.finding import Finding, Level

#: A trouble that comes and goes is one trouble, and fills no journal.
CALM_NS: Final = 600 * NS
_SLOW_NS: Final = 60 * NS
_RANK: Final[dict[Level, int]] = {"ok": 0, "amber": 1, "red": 2}


class _Item:
    """One id: its worst of the last ten minutes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._held: Finding | None = None
        self._at_ns = 0

    def take(self, found: Iterable[Finding], now_ns: int) -> None:
        """What a look found, for what stands."""
        worst = max((each for each in found if each.level != "ok"), key=lambda each: _RANK[each.level], default=None)
        held = self._held
        is_worse = worst is not None and (held is None or _RANK[worst.level] >= _RANK[held.level])
        if is_worse or now_ns - self._at_ns >= CALM_NS:
            self._held, self._at_ns = worst, now_ns

    @property
    def health(self) -> BoxHealth:
        """As the journal has it."""
        if self._held is None:
            return BoxHealth(id=self.name, level="ok")
        return BoxHealth(id=self.name, level=self._held.level, text=f"{self._held.finding} ({self._held.evidence})")


class BoardWatch:
    """The board's items, of which only those are told that this board can tell."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._items: dict[str, _Item] = {}
        self._slow_ns: int | None = None
        self._kills: int | None = None

    def look(self, now_ns: int) -> list[BoxHealth]:
        """Look at what is due, and say how each stands. Reads two small files, once a minute some thirty. Raises nothing."""
        supply = power.read(self._root)
        if supply.word is not None:
            self._take("power", power.judge(power.Power(supply.word & 0xF, supply.where)), now_ns)
        if self._slow_ns is None or now_ns - self._slow_ns >= _SLOW_NS:
            self._slow_ns = now_ns
            for name, look in self._slow().items():
                self._take(name, look(), now_ns)
        return [item.health for item in self._items.values()]

    def _slow(self) -> dict[str, Callable[[], tuple[Finding, ...]]]:
        return {"temperature": self._heat, "memory": self._memory, "card": self._card}

    def _take(self, name: str, found: Iterable[Finding], now_ns: int) -> None:
        told = list(found)
        if told or name in self._items:
            self._items.setdefault(name, _Item(name)).take(told, now_ns)

    def _heat(self) -> tuple[Finding, ...]:
        zones = heat.read(self._root)
        return heat.judge(zones) if zones else ()

    def _memory(self) -> tuple[Finding, ...]:
        """Kills count when they are new: the box goes on, and one of the night does not stand on the board for months."""
        seen = memory.read(self._root)
        if seen is None:
            return ()
        new = seen.kills - (seen.kills if self._kills is None else self._kills)
        self._kills = seen.kills
        return memory.judge(memory.Memory(seen.total, seen.left, seen.full_percent, max(0, new)))

    def _card(self) -> tuple[Finding, ...]:
        worn = wear.read(self._root)
        down = mounts.fallen(*mounts.read(self._root))
        if not (worn.disks or worn.volumes or down):
            return ()
        return (*wear.judge(worn), *(mounts.judge(*mounts.read(self._root)) if down else ()))
