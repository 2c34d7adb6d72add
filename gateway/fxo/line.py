"""Decides what one analog line does: rings, is taken up, is hung up, is out of sight; and what became of each call that rang.

Pure: fed with what senses tell and monotonic ns, it yields the catalogue's `line` events. A call that stops ringing was abandoned only
where something would have told that it was taken, and nothing hid that meanwhile; else nobody knows, and the outcome says so.
`due_ns` says when `tick` has to come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec

from appliance.core.catalogue import LineCallerId, LineFault, LineReleased, LineRinging, LineSeized
from gateway.fxo.caller_id import CallerId
from gateway.fxo.line_call import NS, Call, Fault, LineEvent, State, Told
from gateway.fxo.line_settings import MS, LineSettings

#: Taken up in the moment that it began to ring: nobody can have heard it, both sides seized the line.
GLARE_NS: Final = 500 * MS
#: A ring told so soon after the line was taken is the burst that was cut short.
_LATE_RING_NS: Final = 3 * NS
#: Whoever is told before the first ring (DTMF, ETSI) is kept so long for it; told so late after the answer it is somebody else, who waits.
_EARLY_CALLER_NS: Final = 10 * NS
_LATE_CALLER_NS: Final = 5 * NS
#: More calls than these in so long are none: a loose contact, a peer that floods.
_MOST_CALLS: Final = 20
_MOST_CALLS_NS: Final = 60 * NS
#: Around an answer exchanges may turn the line round for a second.
_REVERSAL_GUARD_NS: Final = NS
#: No battery for longer is no signal of an exchange (DAHDI's alarm).
DEAD_NS: Final = NS
#: A line in use that nobody sees is given up after so long.
BLIND_NS: Final = 30 * NS
#: Ringing for longer is no call: a stuck sense.
_STUCK_RING_NS: Final = 300 * NS
#: The far end is gone, and the phone still not on its hook.
_HOWLER_NS: Final = 60 * NS


class Line:
    """One line. `faults` are those that stand."""

    def __init__(self, settings: LineSettings) -> None:
        self.settings = settings
        self.state: State = "unknown"
        self.call: Call | None = None
        self.blind = True
        self.faults: set[Fault] = set()
        self._blind_ns: int | None = None
        self._open_ns: int | None = None
        self._dead_ns: int | None = None
        self._early: tuple[CallerId, int] | None = None
        self._begins: deque[int] = deque(maxlen=_MOST_CALLS)
        self._deaf: Fault | None = None
        self._deaf_ns = 0
        self._bell = False
        self._out: list[Told] = []

    # -- rings -------------------------------------------------------------------------------------------------

    def ring(self, now_ns: int, *, sure: bool = True, until_told: bool = False, first: bool = False) -> list[Told]:
        """One ring of which only a moment is told, as a modem's RING.

        `until_told`: no other may follow, the end comes by `ring_over`; `first`: it begins a call, and the end of one before was missed.
        """
        self._pass(now_ns)
        if first and self.state == "ringing" and self.call is not None and now_ns - self.call.last_ring_ns > self.settings.period_ns:
            self.call.doubt = True
            self._end(now_ns, inferred=True)
        call = self._rung(now_ns, now_ns, sure=sure)
        if call is not None:
            call.ends_ns = None if until_told else now_ns + self.settings.period_ns
        return self._take()

    def ring_over(self, now_ns: int) -> list[Told]:
        """The source itself tells that it rings no more."""
        self._pass(now_ns)
        if self.state == "ringing" and self.call is not None:
            self.call.last_ring_ns = now_ns
            self._end(now_ns)
        return self._take()

    def burst(self, on: bool, at_ns: int, now_ns: int) -> list[Told]:
        """The bell began or stopped, at a moment that the sense knows by its edges."""
        self._pass(now_ns)
        self._bell = on
        if on:
            call = self._rung(at_ns, now_ns)
            if call is not None:
                call.bursting, call.ends_ns = True, None
        elif self.call is not None and self.call.bursting:
            self.call.bursting, self.call.last_ring_ns = False, at_ns
            self.call.ends_ns = at_ns + self.settings.silence_ns if self.state == "ringing" else None
        self._deaf_ns = max(self._deaf_ns, at_ns)
        return self._take()

    def _rung(self, at_ns: int, now_ns: int, *, sure: bool = True) -> Call | None:
        """The call that rings; None where this ring counts for none."""
        call = self.call
        if self._is_deaf(now_ns, begins=call is None):
            return None
        if self.state == "in_use" and call is not None:
            if self._glares(call, at_ns):
                self._turned(at_ns, now_ns)
                return None
            if now_ns - (call.taken_ns or call.began_ns) < _LATE_RING_NS:
                return None
            self._end(now_ns, inferred=True)  # a line in use cannot ring: its end was missed
            call = None
        if call is None:
            call = self.call = Call(began_ns=at_ns, direction="in")
            self.state = "ringing"
            self._emit(LineRinging, at_ns)
            if self._early is not None and now_ns - self._early[1] <= _EARLY_CALLER_NS:
                self._tell(call, self._early[0], now_ns)
            self._early = None
        call.rings += 1
        call.doubt = self.blind or (call.doubt and not sure)  # while it rings nobody has taken it
        call.last_ring_ns = max(at_ns, now_ns)
        return call

    def _glares(self, call: Call, at_ns: int) -> bool:
        return call.direction == "out" and abs(at_ns - call.began_ns) < GLARE_NS

    def _turned(self, at_ns: int, now_ns: int) -> None:
        """What was taken for a call out is one that came in."""
        self._emit(LineFault, now_ns, fault="glare")
        self._emit(LineReleased, now_ns, inferred=True)
        self._emit(LineRinging, at_ns)
        self._emit(LineSeized, now_ns, direction="in")
        self.call = Call(began_ns=at_ns, direction="in", rings=1, last_ring_ns=at_ns, taken_ns=now_ns)

    def doubt(self, now_ns: int) -> list[Told]:
        """Something came that could not be read: it may have been a ring, or that the call was taken."""
        self._pass(now_ns)
        if self.call is not None and self.state == "ringing":
            if not self.call.doubt and self.call.ends_ns is not None:
                self.call.ends_ns = max(self.call.ends_ns, now_ns + self.settings.period_ns)
            self.call.doubt = True
        return self._take()

    # -- the hook, the battery, the far end --------------------------------------------------------------------

    def hook(self, off: bool, now_ns: int, *, edge: bool = True, steady: bool = False) -> list[Told]:
        """Some phone on the line is off its hook, or none is. `edge`: it just changed; `steady`: whoever told it leaves flashes out."""
        self._pass(now_ns)
        call = self.call
        if self._is_deaf(now_ns, begins=off and call is None) and self._deaf == "chatter":
            return self._take()
        if off:
            if self.state == "in_use" and call is not None:
                self._closed(call, now_ns)
            else:
                self._taken(now_ns, edge=edge)
        elif self.state == "in_use":
            self._open_ns = now_ns if self._open_ns is None else self._open_ns
            if steady or not edge:
                self._end(self._open_ns, inferred=not edge)
        elif self.state == "ringing" and call is not None and edge:
            call.doubt = True  # it must have been off its hook
        elif self.state == "unknown":
            self.state = "idle"
        return self._take()

    def talked(self, talk_s: float, now_ns: int) -> list[Told]:
        """The source tells that a call which just ended was taken, and for how long: the word of its being taken was lost, or is none."""
        self._pass(now_ns)
        call = self.call
        if call is not None and self.state == "ringing":
            self._taken(max(call.began_ns, now_ns - round(talk_s * NS)), edge=True)
            self._end(now_ns)
        return self._take()

    def _taken(self, now_ns: int, *, edge: bool) -> None:
        call = self.call
        if call is not None and call.rings and now_ns - call.began_ns < GLARE_NS and call.bursting:
            self._emit(LineFault, now_ns, fault="glare")
        if call is None:
            known = self.state == "idle" and edge
            call = self.call = Call(began_ns=now_ns, direction="out" if known else None)
        call.taken_ns, call.ends_ns = now_ns, None
        self._emit(LineSeized, now_ns, direction=call.direction, inferred=not edge or call.direction is None)
        self.state = "in_use"

    def _closed(self, call: Call, now_ns: int) -> None:
        """Current flows again: what broke it was the exchange, or a person's flash."""
        began_ns, self._open_ns = self._open_ns, None
        least_most = self.settings.cpc_ms
        if began_ns is not None and least_most is not None and least_most[0] * MS <= now_ns - began_ns <= least_most[1] * MS:
            self._far_end_gone(call, began_ns)

    def far_end_gone(self, now_ns: int) -> list[Told]:
        """The hang-up tone was heard, or the source itself tells that the exchange has disconnected."""
        self._pass(now_ns)
        if self.state == "in_use" and self.call is not None:
            self._far_end_gone(self.call, now_ns)
        return self._take()

    def _far_end_gone(self, call: Call, at_ns: int) -> None:
        call.far_end_gone_ns = call.far_end_gone_ns or at_ns
        if not self.settings.hook_sense:  # nothing else will tell
            self._end(at_ns)

    def reversal(self, now_ns: int) -> list[Told]:
        """The exchange turned the line round."""
        self._pass(now_ns)
        call, settings = self.call, self.settings
        if call is None:
            return self._take()
        call.reversals += 1
        if self.state == "ringing":
            announces = settings.reverses_for_caller_id and call.reversals == 1 and call.caller is None
            if settings.answer_reversal and not announces:
                self._taken(now_ns, edge=True)
        elif call.taken_ns is not None and now_ns - call.taken_ns >= _REVERSAL_GUARD_NS:
            answers = settings.answer_reversal and call.direction == "out" and call.reversals == 1
            if settings.release_reversal and not answers:
                self._far_end_gone(call, now_ns)
        return self._take()

    def battery(self, present: bool, now_ns: int) -> list[Told]:
        """There is voltage on the pair, or none."""
        self._pass(now_ns)
        if not present:
            self._dead_ns = now_ns if self._dead_ns is None else self._dead_ns
            return self._take()
        began_ns, self._dead_ns = self._dead_ns, None
        if "no_battery" in self.faults:
            self._fault_over("no_battery", now_ns)
        elif began_ns is not None and self.state == "in_use" and self.call is not None:
            least_most = self.settings.cpc_ms
            if least_most is not None and least_most[0] * MS <= now_ns - began_ns <= least_most[1] * MS:
                self._open_ns = None
                self._far_end_gone(self.call, began_ns)
        return self._take()

    # -- the caller --------------------------------------------------------------------------------------------

    def caller_id(self, caller: CallerId, now_ns: int) -> list[Told]:
        """Somebody is told, before the first ring or after. One with a bad checksum is nobody."""
        self._pass(now_ns)
        if caller.tells:
            call = self.call
            if call is not None and call.direction == "in" and now_ns - (call.taken_ns or now_ns) < _LATE_CALLER_NS:
                self._tell(call, caller, now_ns)
            elif call is None:
                self._early = (caller, now_ns)
        return self._take()

    def _tell(self, call: Call, caller: CallerId, now_ns: int) -> None:
        before = call.caller
        if before is None or (before.number is None and caller.number is not None):
            call.caller = caller
            self._emit(LineCallerId, now_ns, number=caller.number, name=caller.name, absent=caller.absent)

    # -- sight -------------------------------------------------------------------------------------------------

    def lost(self, now_ns: int) -> list[Told]:
        """The sense is gone: unplugged, silent, cut."""
        self._pass(now_ns)
        if not self.blind:
            self.blind, self._blind_ns, self._bell = True, now_ns, False
            self._open_ns = self._dead_ns = self._early = None
            if self.call is not None:
                self.call.doubt, self.call.bursting = True, False
                if self.state == "ringing":
                    self.call.ends_ns = max(self.call.ends_ns or 0, now_ns + self.settings.silence_ns)
            elif self.state == "idle":
                self.state = "unknown"
        return self._take()

    def found(self, now_ns: int, *, tells_hook: bool = False) -> list[Told]:
        """The sense is back. `tells_hook`: it will say at once how the hook is (`hook` with `edge=False`)."""
        self._pass(now_ns)
        self.blind, self._blind_ns = False, None
        if self.state == "in_use" and not tells_hook:
            self._end(now_ns, inferred=True)
        return self._take()

    def rings_on(self, began_ns: int, now_ns: int) -> None:
        """It rang when this gateway was last at work: the same call where the bell is heard within its period, else not known."""
        ends_ns = now_ns + self.settings.period_ns
        self.call = Call(began_ns=began_ns, direction="in", last_ring_ns=now_ns, doubt=True, ends_ns=ends_ns)
        self.state = "ringing"

    # -- time --------------------------------------------------------------------------------------------------

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        return min((due for due, _ in self._dues()), default=None)

    def tick(self, now_ns: int) -> list[Told]:
        """What time alone tells: the ringing stopped, the hook stayed down, nobody looked for too long."""
        self._pass(now_ns)
        return self._take()

    def _pass(self, now_ns: int) -> None:
        """The same, with its events kept for the next call."""
        for due_ns, what in sorted(self._dues(), key=lambda each: each[0]):
            if due_ns <= now_ns:
                what(due_ns)

    def _dues(self) -> list[tuple[int, Callable[[int], None]]]:
        call = self.call
        out: list[tuple[int, Callable[[int], None]]] = []
        if call is not None and self.state == "ringing":
            if call.ends_ns is not None:
                out.append((call.ends_ns, self._stopped))
            out.append((call.began_ns + _STUCK_RING_NS, self._rings_on))
        elif call is not None:
            if self._open_ns is not None:
                out.append((self._open_ns + self.settings.flash_ms * MS, self._hung_up))
            if self._blind_ns is not None:
                out.append((self._blind_ns + BLIND_NS, self._out_of_sight))
            if "stuck_off_hook" not in self.faults:
                stuck_ns = call.began_ns + int(self.settings.stuck_s * NS)
                out.append((min(stuck_ns, call.far_end_gone_ns + _HOWLER_NS) if call.far_end_gone_ns else stuck_ns, self._stuck))
        if self._dead_ns is not None and "no_battery" not in self.faults:
            out.append((self._dead_ns + DEAD_NS, self._died))
        if self._deaf is not None and not self._bell:
            out.append((self._deaf_ns + self.settings.period_ns, self._hears))
        return out

    def _stopped(self, now_ns: int) -> None:
        if self.state == "ringing":
            self._end(now_ns)

    def _rings_on(self, now_ns: int) -> None:
        if self.state == "ringing" and self.call is not None:
            self.call.doubt = True
            self._end(now_ns, inferred=True)
            self._turn_deaf("stuck_ringing", now_ns)

    def _is_deaf(self, now_ns: int, *, begins: bool) -> bool:
        """Whether the line is not listened to, since it said what cannot be; `begins`: a call would begin now."""
        if self._deaf is None and begins:
            if len(self._begins) == _MOST_CALLS and now_ns - self._begins[0] < _MOST_CALLS_NS:
                self._turn_deaf("chatter", now_ns)
            else:
                self._begins.append(now_ns)
        self._deaf_ns = now_ns
        return self._deaf is not None

    def _turn_deaf(self, fault: Fault, now_ns: int) -> None:
        self._deaf, self._deaf_ns, self.state = fault, now_ns, "unknown"
        self._fault(fault, now_ns)

    def _hears(self, now_ns: int) -> None:
        fault, self._deaf = self._deaf, None
        if fault is not None:
            self._begins.clear()
            self._fault_over(fault, now_ns)

    def _hung_up(self, _: int) -> None:
        if self.state == "in_use" and self._open_ns is not None:
            self._end(self._open_ns)

    def _out_of_sight(self, now_ns: int) -> None:
        if self.state == "in_use":
            self._end(now_ns, inferred=True)

    def _stuck(self, now_ns: int) -> None:
        if self.state == "in_use":
            self._fault("stuck_off_hook", now_ns)

    def _died(self, now_ns: int) -> None:
        if self.call is not None:
            self.call.doubt = True
            self._end(now_ns, inferred=True)
        self._fault("no_battery", now_ns)

    # -- what is told ------------------------------------------------------------------------------------------

    def _end(self, now_ns: int, *, inferred: bool = False) -> None:
        call, self.call, self._open_ns = self.call, None, None
        if call is None:
            return
        self.state = "idle" if self.settings.hook_sense and not self.blind else "unknown"
        self._fault_over("stuck_off_hook", now_ns)
        at_ns = call.far_end_gone_ns or (now_ns if call.taken_ns is not None else call.last_ring_ns)
        outcome = call.outcome(senses_answer=self.settings.senses_answer)
        self._emit(LineReleased, at_ns, inferred=inferred, outcome=outcome, rang_s=call.rang_s)

    def _fault(self, fault: Fault, now_ns: int) -> None:
        if fault not in self.faults:
            self.faults.add(fault)
            self._emit(LineFault, now_ns, fault=fault)

    def _fault_over(self, fault: Fault, now_ns: int) -> None:
        if fault in self.faults:
            self.faults.remove(fault)
            self._emit(LineFault, now_ns, fault=fault, over=True)

    def _emit(self, kind: type[LineEvent], at_ns: int, **members: Any) -> None:
        settings = self.settings
        event = msgspec.convert({"line": settings.line, "trunk": settings.trunk, "pbx": settings.pbx, **members}, kind)
        self._out.append(Told(event, at_ns))

    def _take(self) -> list[Told]:
        out, self._out = self._out, []
        return out
