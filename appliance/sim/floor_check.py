"""Decides whether a box shows a simulated floor as it truly is: every figure of its snapshot held against the truth's, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.floor.snapshot import Snapshot
from appliance.sim.floor_figures import Between
from appliance.sim.floor_seen import Sight
from appliance.sim.pbx import SimPbx

#: Figures by their names in the snapshot: what a path ends in, windows and states left aside.
_WINDOWS: Final = frozenset(("today", "interval", "rolling"))


class Difference(Struct, frozen=True):
    """One figure that is not what it should be."""

    path: str
    board: Any
    truth: Any

    def __str__(self) -> str:
        return f"{self.path}: the box shows {self.board!r}, in truth it is {self.truth!r}"


class Checked(Struct):
    """How many figures were compared, by what they are of and their name, and those that differ."""

    counted: Counter[str] = msgspec.field(default_factory=Counter)
    differ: list[Difference] = []
    #: Headsets' hooks and mutes that the box says it does not know: one tells how it stands by being used (docs/headsets.md).
    not_known: int = 0

    def add(self, other: Checked) -> None:
        """Take another look's results in."""
        self.counted.update(other.counted)
        self.not_known += other.not_known
        self.differ = [*self.differ, *other.differ]


def sights_of(pbx: SimPbx, whole: Sequence[int]) -> list[Sight]:
    """When a box listened, by the PBX's own word; when its picture was `whole`, it says itself (`Stage.whole_ms`)."""
    out = []
    for one in pbx.listened:
        from_ms, lost_ms = _ms(one.from_s), None if one.to_s is None else _ms(one.to_s)
        found = [at_ms for at_ms in whole if at_ms >= from_ms and (lost_ms is None or at_ms < lost_ms)]
        if one.listed_s is not None and found:
            heard_ms = None if lost_ms is None else _ms(one.heard_s)
            out.append(Sight(from_ms, _ms(one.listed_s), found[0], lost_ms, heard_ms))
    return out


def compared(snapshot: Snapshot | dict[str, Any], truth: dict[str, Any]) -> Checked:
    """Every figure of the truth against the snapshot's member of the same path, exactly."""
    board, out = msgspec.to_builtins(snapshot), Checked()
    for path, true in _leaves(truth, ()):
        shown = _at(board, path)
        if path[0] == "headsets" and path[-1] in ("hook", "mute") and shown in (None, "unknown"):
            out.not_known += 1
            continue
        out.counted[_kind(path)] += 1
        if not _same(shown, true):
            out.differ.append(Difference("/".join(path), shown, true))
    return out


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and path[-1:] != ("left_by",):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    else:
        yield path, value


def _at(board: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(board, dict):
            return None
        board = board.get(key)
    return board


def _same(shown: Any, true: Any) -> bool:
    if isinstance(true, Between):
        return shown is not None and true.least <= shown <= true.most
    if isinstance(true, tuple | list) and shown is not None:
        return list(shown) == list(true)
    return bool(shown == true)


def _kind(path: tuple[str, ...]) -> str:
    """`queues/today/asa` for `queues/ventas/today/asa`."""
    parts = [part for at, part in enumerate(path) if not (at == 1 and path[0] in ("queues", "groups", "agents", "trunks", "headsets"))]
    return "/".join(part for part in parts if part not in _WINDOWS)


def _ms(at_s: float) -> int:
    return round(at_s * 1000)
