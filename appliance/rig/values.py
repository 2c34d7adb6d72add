"""Decides what a rig knows of its outputs: each value by its path with the moment since when it is so, and word of what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from appliance.core.clock import Clock
from gateway.opcua.rig_port import Kind, RigValue, Scalar, Status, Unit


class Values:
    """All values of a rig. Lives on one loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, RigValue] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    def tell(self, path: str, kind: Kind, text: str = "", unit: Unit | None = None) -> None:
        """There is such a value; nobody knows it yet."""
        self._put(RigValue(path=path, kind=kind, text=text, unit=unit, status="unknown"))

    def put(self, path: str, value: Scalar, *, status: Status = "live", at_ns: int | None = None) -> None:
        """It is so since `at_ns` (the box's wall clock; now unless told). What is as it was keeps its moment. Raises KeyError."""
        before = self._values[path]
        if (before.value, before.status) == (value, status):
            return
        told = self._clock.wall_ns() if at_ns is None else at_ns
        known = value if status != "unknown" else None
        self._put(RigValue(path=path, kind=before.kind, text=before.text, unit=before.unit, value=known, source_ns=told, status=status))

    def all(self) -> Mapping[str, RigValue]:
        """Every value as of now."""
        return dict(self._values)

    def value(self, path: str) -> Scalar:
        """One value. Raises KeyError."""
        return self._values[path].value

    def word(self, name: str) -> None:
        """Something besides values changed under this name."""
        self._changed.add(name)
        self._wake.set()

    async def changed(self) -> AsyncIterator[frozenset[str]]:
        """What changed since it was last asked, as often as something does."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            told, self._changed = frozenset(self._changed), set()
            yield told

    def _put(self, value: RigValue) -> None:
        self._values[value.path] = value
        self.word(value.path)
