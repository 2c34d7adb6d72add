"""Decides which trunk lines are busy: one channel of a trunk is one line, and a group is all busy at its configured number.

A call *meets a full group* when it comes as one more than the group has lines, when the far end has no circuit for it, or when the
dialplan says so of a call that got no channel at all. What a carrier turns away without a word is seen by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import CallOffered, LineAllBusy, LineAllBusyEnded, LineReleased, LineSeized
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.trunk_config import FullMap, LineFaults
from appliance.core.trunk_watch import shared_trunks
from gateway.pbx.calls import Call, Channel
from gateway.pbx.line_fault import REFUSED, FaultBook, Use
from gateway.pbx.number import whole

_MAX_OFFERED: Final = 4_096
#: Asterisk's ChannelState of a conversation.
_UP: Final = 6
#: Q.850: no circuit, switching equipment congested, requested circuit not available, resource unavailable.
NO_LINE: Final = frozenset((34, 42, 44, 47))
#: What Dial says of it where no cause is told.
_NO_LINE_WORDS: Final = ("CONGESTION", "CHANUNAVAIL")
_DIGITS: Final = re.compile(r"[+*#]?\d{3,}")


def number_of(dial_string: str) -> str | None:
    """The number in a dial string, which every technology writes in its own way.

    >>> number_of("600123451@trunk-norte"), number_of("g1/022345678"), number_of("trunk-sur")
    ('600123451', '022345678', None)
    """
    return max(_DIGITS.findall(dial_string), key=len, default=None)


def _found_none(status: str, cause: int) -> bool:
    """Whether a call found no line, by the cause where it is told, else by Dial's word; an event with neither says just that."""
    return cause in NO_LINE if cause else status in ("", *_NO_LINE_WORDS)


class Trunk(Struct, kw_only=True):
    """A configured group of lines and the channels that hold them now."""

    key: str
    prefixes: tuple[str, ...]
    lines: int
    #: Analog lines belong to it too: when it is full is told by whoever sees both (shared_trunk).
    shared: bool = False
    full: FullMap | None = None
    rules: LineFaults = LineFaults()
    busy: dict[str, str] = {}
    all_busy_since_ns: int | None = None

    def is_named(self, text: str) -> bool:
        """Whether a dialplan's word means this group: nothing said, its key, or how its channels' names begin."""
        bare = (prefix.partition("/")[2] or prefix for prefix in self.prefixes)
        return text in ("", self.key) or text.startswith(self.prefixes) or any(text.startswith(each) for each in bare)


class Held(Struct):
    """A line in use, and the channel that holds it: None for one taken up from the journal."""

    trunk: Trunk
    channel: Channel | None = None
    direction: Literal["in", "out"] | None = None
    beyond: bool = False
    #: Of a call out, the number.
    dialled: str | None = None


class LineBook:
    """Trunk groups of one PBX."""

    def __init__(self, pbx: str, config: Config, emit: Callable[[Struct], None]) -> None:
        self.pbx = pbx
        self.emit = emit
        shared = shared_trunks(config)
        self.trunks = [
            Trunk(key=key, prefixes=trunk.channels, lines=trunk.lines, shared=key in shared, full=trunk.full, rules=trunk.faults)
            for key, trunk in config.trunks.items()
            if trunk.pbx in (None, pbx)
        ]
        self.faults = FaultBook(pbx, emit)
        self._held: dict[str, Held] = {}
        self._offered: dict[str, None] = {}
        #: Calls and the groups that they wanted, and whether such a one was told to have met it full.
        self._wanted: dict[tuple[str, str], bool] = {}

    def seized(self, channel: Channel, now_ns: int, *, inferred: bool = False) -> None:
        """A channel came to be; if it is a line of a trunk, the line is busy."""
        trunk = self._trunk_of(channel.name)
        if trunk is None or channel.uniqueid in self._held:
            return
        direction: Literal["in", "out"] | None = None if inferred else ("in" if channel.state == 4 else "out")
        beyond = not inferred and not trunk.shared and len(trunk.busy) >= trunk.lines
        self._held[channel.uniqueid] = Held(trunk, channel, direction, beyond)
        trunk.busy[channel.uniqueid] = channel.name
        self.emit(LineSeized(line=channel.name, trunk=trunk.key, pbx=self.pbx, direction=direction, inferred=inferred, beyond=beyond))
        self.faults.seized(channel.uniqueid, Use(channel.name, trunk.key, now_ns, direction, trunk.rules))
        if direction == "in":
            self._offer(channel, trunk, "in", channel.dialled)
        self._want(channel.call, trunk, blocked=beyond)
        if not trunk.shared and len(trunk.busy) >= trunk.lines and trunk.all_busy_since_ns is None:
            trunk.all_busy_since_ns = now_ns
            self.emit(LineAllBusy(trunk=trunk.key, lines=trunk.lines))

    def _trunk_of(self, name: str) -> Trunk | None:
        return next((trunk for trunk in self.trunks if name.startswith(trunk.prefixes)), None)

    def dialled(self, channel: Channel, dial_string: str) -> None:
        """A number was dialled out through a line; a second trunk tried for the same call is not a second call."""
        held = self._held.get(channel.uniqueid)
        if held is not None:
            held.dialled = number_of(dial_string)
            self._offer(channel, held.trunk, "out", held.dialled)

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

    def user_event(self, name: str, value: Callable[[str], str], call_of: Callable[[str], Call], uniqueid: str) -> None:
        """The dialplan's own word about a call out: with it a call that found no line is known, which has no channel to be seen by."""
        for trunk in self.trunks:
            words = trunk.full
            if words is None or words.event != name or not trunk.is_named(value(words.trunk)):
                continue
            status, cause = value(words.status), value(words.cause)
            code = whole(cause) or 0
            if code in REFUSED and value(words.trunk):
                self.faults.refused(value(words.trunk), trunk.key, trunk.rules)
            if not _found_none(status, code):
                continue
            channel = value(words.uniqueid) or uniqueid
            call = call_of(channel).call
            # Of a call that had a channel the channel's own cause tells.
            if channel and (call, trunk.key) not in self._wanted:
                self._want(call, trunk, blocked=True)
                dialled = value(words.number) or None
                self.emit(
                    CallOffered(call=call, pbx=self.pbx, direction="out", trunk=trunk.key, dialled=dialled, uniqueid=channel, blocked=True)
                )

    def _want(self, call: str, trunk: Trunk, *, blocked: bool) -> None:
        while len(self._wanted) >= _MAX_OFFERED:
            self._wanted.pop(next(iter(self._wanted)))
        self._wanted[call, trunk.key] = blocked or self._wanted.get((call, trunk.key), False)

    def alarm(self, line: str, *, on: bool) -> None:
        """The PBX's own word that a line is out of service, or in service again."""
        trunk = self._trunk_of(f"{line}-") or self._trunk_of(f"{line}/")
        if trunk is None:
            return
        if on:
            self.faults.fails(line, trunk.key)
        else:
            self.faults.lives(line)

    def released(self, uniqueid: str, now_ns: int, *, inferred: bool = False, cause: int | None = None) -> None:
        """A channel hung up, for this reason (Q.850's cause) where it is told."""
        held = self._held.pop(uniqueid, None)
        if held is None:
            return
        trunk, channel = held.trunk, held.channel
        name = trunk.busy.pop(uniqueid)
        answered = channel is not None and channel.state == _UP
        refused = held.direction == "out" and not answered and not held.beyond and cause in NO_LINE
        congested = refused and channel is not None and not self._wanted.get((channel.call, trunk.key), False)
        if congested and channel is not None:
            self._want(channel.call, trunk, blocked=True)
        # A DAHDI line may be analog: it is up as soon as it has dialled, whoever answers.
        reached = held.dialled if answered and held.direction == "out" and not name.startswith("DAHDI/") else None
        self.emit(LineReleased(line=name, trunk=trunk.key, pbx=self.pbx, inferred=inferred, congested=congested, reached=reached))
        self.faults.released(uniqueid, cause, answered=answered)
        if trunk.all_busy_since_ns is not None and len(trunk.busy) < trunk.lines:
            busy_s = round(max(0, now_ns - trunk.all_busy_since_ns) / NS, 3)
            trunk.all_busy_since_ns = None
            self.emit(LineAllBusyEnded(trunk=trunk.key, lines=trunk.lines, busy_s=busy_s))

    def restore(self, trunk_key: str, line: str) -> None:
        """Take up a busy line that the journal holds, by its name until the channel list tells its Uniqueid."""
        trunk = next((t for t in self.trunks if t.key == trunk_key), None)
        if trunk is not None:
            self._held[line] = Held(trunk)
            trunk.busy[line] = line

    def restore_full(self, trunk_key: str, since_ns: int) -> None:
        """Take up a group that was all busy."""
        trunk = next((t for t in self.trunks if t.key == trunk_key), None)
        if trunk is not None and not trunk.shared:
            trunk.all_busy_since_ns = since_ns

    def known_as(self, line: str, uniqueid: str, now_ns: int | None = None) -> None:
        """The channel list names a restored line's Uniqueid. How long it had been busy is not known: it counts from now."""
        held = self._held.pop(line, None)
        if held is not None:
            held.trunk.busy.pop(line, None)
            self._held[uniqueid] = held
            held.trunk.busy[uniqueid] = line
            if now_ns is not None:
                self.faults.seized(uniqueid, Use(line, held.trunk.key, now_ns, None, held.trunk.rules))

    def held(self) -> list[str]:
        """The Uniqueids of the channels that hold a line (names, for restored ones not seen yet)."""
        return list(self._held)
