"""Decides what one line of an external gateway does, by what its SIP and its SNMP tell: which of both is believed, and in what order. Pure.

SIP tells at once that it rings and that it rings no more, not why. SNMP tells the hook, up to a poll later: so the end of a ringing call
waits for a poll that was sent after it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from appliance.core.fxo_gateway_config import Meaning
from gateway.fxo.caller_id import CallerId
from gateway.fxo.line import Line
from gateway.fxo.line_call import Told
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.sip_invite import How


class GatewayLine(Struct, frozen=True, kw_only=True):
    """One line. `port` and `user` as in the configuration (`LineConfig`); `hook`: the gateway's make tells its hook."""

    settings: LineSettings
    port: int | None = None
    user: str | None = None
    parallel_phones: bool = True
    hook: bool = False

    @property
    def believed(self) -> LineSettings:
        """What may be concluded: that nobody took a call only where no phone is out of the gateway's sight."""
        sees_all = self.port is not None and self.hook and not self.parallel_phones
        return msgspec.structs.replace(self.settings, hook_sense=sees_all or self.settings.hook_sense)


class GatewayPort:
    """One line. `call` is the SIP call that rings; `early`: the gateway takes calls before it tells of them."""

    def __init__(self, spec: GatewayLine) -> None:
        self.spec = spec
        self.line = Line(spec.believed)
        self.call: str | None = None
        self.early = False
        self._off: bool | None = None
        self._ended_ns: int | None = None
        self._held: tuple[str, CallerId | None, int] | None = None
        self._sip = self._snmp = False

    @property
    def polled(self) -> bool:
        """Whether SNMP tells anything of it."""
        return self.spec.port is not None

    @property
    def _hooked(self) -> bool:
        return self.polled and self.spec.hook and self._snmp

    # -- SIP ---------------------------------------------------------------------------------------------------

    def rang(self, call: str, caller: CallerId | None, now_ns: int) -> list[Told]:
        """An INVITE came."""
        told = self._settle(now_ns, sure=False)  # nobody asked how the hook was in between
        if self._off:
            # Either the call before ended since the last poll, or the gateway took this one itself: the next poll tells.
            self._held = call, caller, now_ns
            return told
        return told + self._ring(call, caller, now_ns)

    def _ring(self, call: str, caller: CallerId | None, now_ns: int) -> list[Told]:
        self.call = call
        told = self.line.ring(now_ns, until_told=True)
        if caller is not None:
            told += self.line.caller_id(caller, now_ns)
        return told

    def ended(self, call: str, how: How, now_ns: int) -> list[Told]:
        """The gateway withdrew it, or we gave up waiting for that."""
        if self._held is not None and call == self._held[0]:
            self._held = None
        if call != self.call:
            return []
        self.call = None
        if self.line.state != "ringing":
            return []
        if how == "elsewhere" and not self._hooked:
            # That it was taken, and when, it says itself; nobody sees how long they talk.
            return self.line.hook(True, now_ns) + self.line.hook(False, now_ns, edge=False)
        if how == "given_up":
            return self.line.doubt(now_ns) + self.line.ring_over(now_ns)
        if not self._hooked:
            return self.line.ring_over(now_ns)
        self._ended_ns = now_ns
        return []

    def _settle(self, now_ns: int, *, sure: bool) -> list[Told]:
        """The call that rings no more is over."""
        ended_ns, self._ended_ns = self._ended_ns, None
        if ended_ns is None or self.line.state != "ringing":
            return []
        return ([] if sure else self.line.doubt(now_ns)) + self.line.ring_over(ended_ns)

    # -- SNMP --------------------------------------------------------------------------------------------------

    def polled_as(self, said: Mapping[str, Meaning | None], asked_ns: int, now_ns: int) -> list[Told]:
        """One poll's meanings, by the name of the object."""
        told: list[Told] = []
        for name, means in said.items():
            if means in ("no_line", "line", "on_hook", "off_hook", "ringing"):
                told += self.battery(means != "no_line", now_ns)
            if name == "hook":
                off = means == "off_hook" if means in ("on_hook", "off_hook", "ringing") else None
                told += self.hook(off, asked_ns, now_ns)
            if means == "ringing":
                told += self.ringing(now_ns)
        return told

    def hook(self, off: bool | None, asked_ns: int, now_ns: int) -> list[Told]:
        """The hook as a poll found it that was sent at `asked_ns`; None where it says what nobody understands."""
        told: list[Told] = []
        known, self._off = self._off, off
        if off is None:
            return self._settle(now_ns, sure=False)
        if off != known:
            # Without SIP nobody tells which calls came in.
            told += self.line.hook(off, now_ns, edge=known is not None and (not off or self._sip), steady=True)
        if self._held is not None and (not off or asked_ns > self._held[2]):
            held, self._held = self._held, None
            if off:
                self.early = True
            else:
                told += self._ring(held[0], held[1], now_ns)  # it cannot have rung before the line was free
        if off:
            self._ended_ns = None
        elif self._ended_ns is not None and asked_ns > self._ended_ns:
            told += self._settle(now_ns, sure=True)
        return told

    def ringing(self, now_ns: int) -> list[Told]:
        """A poll found it ringing, and no INVITE tells of it."""
        return self.line.ring(now_ns) if self.call is None and self._ended_ns is None else []

    def battery(self, present: bool, now_ns: int) -> list[Told]:
        """A poll found a line there, or none."""
        return self.line.battery(present, now_ns)

    # -- sight -------------------------------------------------------------------------------------------------

    def sight(self, sip: bool, snmp: bool, now_ns: int) -> list[Told]:
        """Which of both is there now. A call in progress is seen by SNMP alone, one that rings by SIP."""
        told: list[Told] = []
        self._sip, self._snmp = sip and self.spec.user is not None, snmp and self.polled
        lost = self.polled and not snmp
        if lost:
            self._off = None
        lost = lost or (self.spec.user is not None and not sip and not (self._hooked and self.line.state == "in_use"))
        if not sip and self.call is not None:
            self.call = None  # nobody will tell its end
            if self.line.blind and self.line.state == "ringing":
                told += self.line.doubt(now_ns) + self.line.ring_over(now_ns)
        if not sip:
            self._held = None
        if lost and not self.line.blind:
            told += self.line.lost(now_ns)
            if self._ended_ns is not None:
                told += self._settle(now_ns, sure=False)
            elif self.call is not None and sip:
                told += self.line.ring(now_ns, until_told=True)  # its end will still be told
        elif not lost and self.line.blind:
            told += self.line.found(now_ns, tells_hook=self.polled and self.spec.hook)
        return told
