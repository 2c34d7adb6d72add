"""Decides what a modem's bytes mean for its line, and what to say to the modem: everything of a session but the wire. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.fxo.line import Line
from gateway.fxo.line_call import Told
from gateway.fxo.modem_bytes import Cadence, ModemFeed, Noise, Reading, Result, Ring, Shielded, Text
from gateway.fxo.modem_call import CallerFeed
from gateway.fxo.modem_talk import ModemTalk

#: A line that has begun and does not go on is damaged: a modem writes one at a stretch.
_STALLED_NS: Final = 1_000_000_000
#: A box that is so late was busy with something else.
_LATE_NS: Final = 250_000_000


class ModemSense:
    """One session. What it has to say stands in `told` (of the line) and `say` (to the modem) until it is taken."""

    def __init__(self, line: Line, talk: ModemTalk) -> None:
        self.talk = talk
        self.told: list[Told] = []
        self.say = b""
        self._line = line
        self._feed, self._callers = ModemFeed(), CallerFeed()
        self._came_ns = 0

    @property
    def noise_bytes(self) -> int:
        """How many bytes could not be read."""
        return self._feed.noise_bytes

    @property
    def unread_bytes(self) -> int:
        """How many bytes could not be read, or not yet."""
        return self._feed.unread_bytes

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        stalled_ns = self._came_ns + _STALLED_NS if self._feed.holds else None
        dues = (self._line.due_ns, self._callers.due_ns, self.talk.due_ns, stalled_ns)
        return min((due for due in dues if due is not None), default=None)

    def begin(self, now_ns: int) -> None:
        """The wire is open."""
        self.say += self.talk.begin(now_ns)
        self._sight(None, now_ns)

    def feed(self, data: bytes, now_ns: int) -> None:
        """Bytes came."""
        due_ns = self._line.due_ns
        if due_ns is not None and now_ns - due_ns > _LATE_NS:
            # Nobody looked for a while: what lay there may have come before the moment that has passed, and goes before it.
            self._read(self._feed.feed(data), due_ns - 1)
            self._pass(now_ns)
        else:
            self._pass(now_ns)
            self._read(self._feed.feed(data), now_ns)
        self._came_ns = now_ns

    def tick(self, now_ns: int) -> None:
        """Time has passed."""
        if self._feed.holds and now_ns - self._came_ns >= _STALLED_NS:
            self._read(self._feed.quiet(), now_ns)
        self._pass(now_ns)
        self.say += self.talk.tick(now_ns)

    def _pass(self, now_ns: int) -> None:
        for caller in self._callers.tick(now_ns):
            self.told += self._line.caller_id(caller, now_ns)
        self.told += self._line.tick(now_ns)

    def _read(self, readings: list[Reading], now_ns: int) -> None:
        for reading in readings:
            for caller in self._callers.feed(reading, now_ns) if self._tells_caller(reading) else ():
                self.told += self._line.caller_id(caller, now_ns)
            awaited = self.talk.busy
            self.say += self.talk.feed(reading, now_ns)
            self._sight(reading, now_ns)
            meaning = _MEANINGS.get(type(reading))
            if meaning is not None and not (awaited and isinstance(reading, Text)):  # an echo, an identity
                self.told += meaning(self._line, reading, now_ns)
                if self._line.settings.hook_sense and not self.talk.tells_hook:
                    self.told += self._line.doubt(now_ns)

    def _tells_caller(self, reading: Reading) -> bool:
        """Digits during a call are keys that somebody pressed, and none of them tell the caller where the exchange does it otherwise."""
        return not isinstance(reading, Shielded) or (self._line.state != "in_use" and self._line.settings.told_by_dtmf)

    def _sight(self, reading: Reading | None, now_ns: int) -> None:
        """The line is in sight once the modem is set up, or rings before that."""
        if self._line.blind and (self.talk.ready or isinstance(reading, Ring)):
            self.told += self._line.found(now_ns)


def _shielded(line: Line, reading: Any, now_ns: int) -> list[Told]:
    settings = line.settings
    if reading.code in "HP" and settings.hook_sense:
        return line.hook(True, now_ns)
    if reading.code == "h" and settings.hook_sense:
        return line.hook(False, now_ns)
    # A break of current or a reversal: the exchange's word that the far end is gone, where it is known to send one.
    gone = reading.code == "b" or (reading.code == "l" and (settings.cpc_ms is not None or settings.release_reversal))
    if gone and line.state == "in_use":
        return line.far_end_gone(now_ns)
    # While it rings no other word is due: it may be a damaged one, that somebody took the call.
    return line.doubt(now_ns) if settings.hook_sense else []


def _result(line: Line, reading: Any, now_ns: int) -> list[Told]:
    return line.far_end_gone(now_ns) if reading.word in ("NO CARRIER", "BUSY") else []


#: What a reading means for the line; the others mean nothing to it.
_MEANINGS: Final[dict[type, Callable[[Line, Any, int], list[Told]]]] = {
    Ring: lambda line, reading, now_ns: line.ring(now_ns, sure=reading.sure),
    Cadence: lambda line, reading, now_ns: line.ring(now_ns) if reading.on else [],
    Shielded: _shielded,
    Result: _result,
    Noise: lambda line, _, now_ns: line.doubt(now_ns),
    Text: lambda line, _, now_ns: line.doubt(now_ns),
}
