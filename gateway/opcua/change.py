"""Decides which nodes a new snapshot changes: only what differs from the last one is looked into, and only that is written. Pure.

A snapshot's parts are never changed after they were built (`appliance.floor.shot`), so a part that is the same object is the same.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from gateway.opcua.member import Kind, Member, Status, Unit, members_of, status_of

Path = tuple[str, ...]


class Put(Struct, frozen=True, gc=False):
    """A variable as it is now: made where there is none. `value` is None for null; `moved` False: only its status is another."""

    path: Path
    kind: Kind
    unit: Unit | None
    value: Any
    status: Status
    moved: bool = True


class Changes(Struct):
    """What to write, and which nodes are gone with all that is below them."""

    put: list[Put] = []
    gone: list[Path] = []


class Differ:
    """Remembers the last snapshot, or whatever else is of one type; its nodes stand below `path`."""

    def __init__(self, path: Path = ()) -> None:
        self._path = path
        self._last: Struct | None = None

    def feed(self, new: Struct) -> Changes:
        """What differs since the last one; everything the first time."""
        changes = Changes()
        _struct(self._path, self._last, new, "live", "live", changes)
        self._last = new
        return changes


def _struct(path: Path, old: Struct | None, new: Struct, was: Status, now: Status, changes: Changes) -> None:
    """Both of one type, `old` None: never seen. `was`, `now`: how fresh what surrounds them was and is."""
    if old is new and was == now:
        return
    was = status_of(old, was) if old is not None else was
    now = status_of(new, now)
    for member in members_of(type(new)):
        before = getattr(old, _attribute(member)) if old is not None else None
        _member((*path, member.name), member, old is not None, before, getattr(new, _attribute(member)), was, now, changes)


def _member(path: Path, member: Member, known: bool, old: Any, new: Any, was: Status, now: Status, changes: Changes) -> None:
    if member.many is not None:
        _many(path, member, _keyed(member, old), _keyed(member, new), was, now, changes)
    elif member.below is None:
        _value(path, member, known, old, new, was, now, changes)
    elif new is not None:
        _struct(path, old, new, was, now, changes)
    elif member.stays:
        if old is not None or not known:
            _unknown(path, member.below, changes)
    elif old is not None:
        changes.gone.append(path)


def _many(path: Path, member: Member, old: dict[str, Any], new: dict[str, Any], was: Status, now: Status, changes: Changes) -> None:
    if old is new and was == now:
        return
    changes.gone.extend((*path, key) for key in old if key not in new)
    for key, value in new.items():
        before = old.get(key)
        if member.below is not None:
            _struct((*path, key), before, value, was, now, changes)
        else:
            _value((*path, key), member, key in old, before, value, was, now, changes)


def _value(path: Path, member: Member, known: bool, old: Any, new: Any, was: Status, now: Status, changes: Changes) -> None:
    before, after = _status(member, old, was), _status(member, new, now)
    moved = not known or old != new
    if moved or before != after:
        value = None if after == "unknown" else new
        changes.put.append(Put(path, member.kind or "text", member.unit, value, after, moved or before == "unknown"))


def _status(member: Member, value: Any, around: Status) -> Status:
    if value is None and not member.null_is_none:
        return "unknown"
    return "live" if member.always else around


def _unknown(path: Path, struct: type[Struct], changes: Changes) -> None:
    """Nobody can tell any of it now: its figures have no value, its texts none either."""
    for member in members_of(struct):
        if member.kind is not None and member.many is None:
            changes.put.append(Put((*path, member.name), member.kind, member.unit, None, "unknown"))


def _keyed(member: Member, values: Any) -> dict[str, Any]:
    """A mapping as it is, a list by its items' ids, null as nothing."""
    if values is None:
        return {}
    found: dict[str, Any] = {each.id: each for each in values} if member.many == "ids" else values
    return found


def _attribute(member: Member) -> str:
    """Snapshots rename no member: a test holds that."""
    return member.name
