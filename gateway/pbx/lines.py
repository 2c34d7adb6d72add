"""Decides which trunk lines are busy: one channel of a trunk is one line, and a group is all busy at its configured number."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import CallOffered, LineAllBusy, LineAllBusyEnded, LineReleased, LineSeized
from appliance.core.clock import NS
from appliance.core.config import Config
from gateway.pbx.calls import Channel

_MAX_OFFERED: Final = 4_096
_DIGITS: Final = re.compile(r"[+*#]?\d{3,}")


def number_of(dial_string: str) -> str | None:
    """The number in a dial string, which every technology writes in its own way.

    >>> number_of("600123451@trunk-norte"), number_of("g1/022345678"), number_of("trunk-sur")
    ('600123451', '022345678', None)
    """
    return max(_DIGITS.findall(dial_string), key=len, default=None)


class Trunk(Struct, kw_only=True):
    """A configured group of lines and the channels that hold them now."""

    key: str
    prefixes: tuple[str, ...]
    lines: int
    busy: dict[str, str] = {}
    all_busy_since_ns: int | None = None


class LineBook:
    """Trunk groups of one PBX."""

    def __init__(self, pbx: str, config: Config, emit: Callable[[Struct], None]) -> None:
        self.pbx = pbx
        self.emit = emit
        self.trunks = [
            Trunk(key=key, prefixes=trunk.channels, lines=trunk.lines) for key, trunk in config.trunks.items() if trunk.pbx in (None, pbx)
        ]
        self._held: dict[str, Trunk] = {}
        self._offered: dict[str, None] = {}

    def seized(self, channel: Channel, now_ns: int, *, inferred: bool = False) -> None:
        """A channel came to be; if it is a line of a trunk, the line is busy."""
        trunk = next((t for t in self.trunks if channel.name.startswith(t.prefixes)), None) if self.trunks else None
        if trunk is None or channel.uniqueid in self._held:
            return
        self._held[channel.uniqueid] = trunk
        trunk.busy[channel.uniqueid] = channel.name
        direction: Literal["in", "out"] | None = None if inferred else ("in" if channel.state == 4 else "out")
        self.emit(LineSeized(line=channel.name, trunk=trunk.key, pbx=self.pbx, direction=direction, inferred=inferred))
        if direction == "in":
            self._offer(channel, trunk, "in", channel.dialled)
        if len(trunk.busy) >= trunk.lines and trunk.all_busy_since_ns is None:
            trunk.all_busy_since_ns = now_ns
            self.emit(LineAllBusy(trunk=trunk.key, lines=trunk.lines))

    def dialled(self, channel: Channel, dial_string: str) -> None:
        """A number was dialled out through a line; a second trunk tried for the same call is not a second call."""
        trunk = self._held.get(channel.uniqueid)
        if trunk is not None:
            self._offer(channel, trunk, "out", number_of(dial_string))

    def _offer(self, channel: Channel, trunk: Trunk, direction: Literal["in", "out"], dialled: str | None) -> None:
        if channel.call in self._offered:
            return
        while len(self._offered) >= _MAX_OFFERED:
            self._offered.pop(next(iter(self._offered)))
        self._offered[channel.call] = None
        self.emit(
            CallOffered(
                call=channel.call, pbx=self.pbx, direction=direction, trunk=trunk.key,
                caller=channel.caller if direction == "in" else None, dialled=dialled, uniqueid=channel.uniqueid,
            )
        )  # fmt: skip

    def released(self, uniqueid: str, now_ns: int, *, inferred: bool = False) -> None:
        """A channel hung up."""
        trunk = self._held.pop(uniqueid, None)
        if trunk is None:
            return
        name = trunk.busy.pop(uniqueid)
        self.emit(LineReleased(line=name, trunk=trunk.key, pbx=self.pbx, inferred=inferred))
        if trunk.all_busy_since_ns is not None and len(trunk.busy) < trunk.lines:
            busy_s = round(max(0, now_ns - trunk.all_busy_since_ns) / NS, 3)
            trunk.all_busy_since_ns = None
            self.emit(LineAllBusyEnded(trunk=trunk.key, lines=trunk.lines, busy_s=busy_s))

    def restore(self, trunk_key: str, line: str) -> None:
        """Take up a busy line that the journal holds, by its name until the channel list tells its Uniqueid."""
        trunk = next((t for t in self.trunks if t.key == trunk_key), None)
        if trunk is not None:
            self._held[line] = trunk
            trunk.busy[line] = line

    def restore_full(self, trunk_key: str, since_ns: int) -> None:
        """Take up a group that was all busy."""
        trunk = next((t for t in self.trunks if t.key == trunk_key), None)
        if trunk is not None:
            trunk.all_busy_since_ns = since_ns

    def known_as(self, line: str, uniqueid: str) -> None:
        """The channel list names a restored line's Uniqueid."""
        trunk = self._held.pop(line, None)
        if trunk is not None:
            trunk.busy.pop(line, None)
            self._held[uniqueid] = trunk
            trunk.busy[uniqueid] = line

    def held(self) -> list[str]:
        """The Uniqueids of the channels that hold a line (names, for restored ones not seen yet)."""
        return list(self._held)
