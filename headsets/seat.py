"""Decides what is known of the headset at one seat, which events tell it, and what its device is to be shown.

Pure: whoever reads the device feeds reports, whoever follows the floor feeds the state of the seat's agent, and all times are
monotonic ns, so that no setting of the clock moves anything. Every call gives a `Step`: events to append, lamps to write (then tell
`wrote`), and what a hook press asks of the PBX, which is a wish and no act. `due_ns` says when `tick` has to come.

A headset that is there and silent is *live* and its state unknown; one that fails is *stale* until it speaks again, and unknown then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import AgentState, HeadsetAttached, HeadsetDetached, HeadsetFault, HeadsetHook, HeadsetMute
from appliance.floor.snapshot import Fresh
from headsets.hook import Asked, Hook
from headsets.host import Call, Host, Leds, Verb
from headsets.layout import HeadsetLayout
from headsets.mute import Mute
from headsets.press import MS
from headsets.quirks import quirk_of

Hold = Literal["own", "watch"]
HeadsetEvent = HeadsetAttached | HeadsetDetached | HeadsetFault | HeadsetHook | HeadsetMute

_CALLS: Final[dict[AgentState, Call]] = {"ringing": "ringing", "talking": "talking", "holding": "holding", "unknown": "unknown"}
#: More changes than these in so long are no person's: a broken cable, or firmware gone mad.
_CHATTER: Final = 200
_CHATTER_NS: Final = 5000 * MS
#: Whoever chattered is listened to again after so long a silence.
_QUIET_NS: Final = 2000 * MS
_CHATTERS: Final = (
    f"the device reports more than {_CHATTER * 1000 * MS // _CHATTER_NS} changes a second; its reports are passed over until it is quiet"
)
#: A floor box takes no longer text of its seat boxes (`gateway.uplink.seat_event`).
_FAULT_CHARS: Final = 500
_UNANSWERED: Final = "the device takes no output report; presses on it go unanswered"


class Device(Struct, frozen=True, kw_only=True):
    """Which headset it is: ids as four hex digits; a serial only where the device has one."""

    vendor_id: str | None = None
    product_id: str | None = None
    product: str | None = None
    serial: str | None = None


class Intent(Struct, frozen=True, kw_only=True):
    """What the person at the seat asks of the PBX by the hook. Nobody has done it yet."""

    seat: str
    agent: str | None
    verb: Verb


class Step(Struct, frozen=True, kw_only=True):
    """What follows from one thing that happened. `lamps`: write them, all of them, and tell `wrote`."""

    events: tuple[HeadsetEvent, ...] = ()
    lamps: Leds | None = None
    intent: Intent | None = None


class Seat:
    """One seat. `attached` is None until somebody looked."""

    def __init__(self, seat: str, *, hold: Hold = "own", answer: bool = False, hang_up: bool = False) -> None:
        """`answer`, `hang_up`: whether a hook press may ask for it; a headset that is only watched asks nothing."""
        self.seat = seat
        self.agent: str | None = None
        self.attached: bool | None = None
        self.fault: str | None = None
        self._own = hold == "own"
        self._answer, self._hang_up = answer, hang_up
        self._call: Call = "unknown"
        self._fit(Device(), None)

    @property
    def fresh(self) -> Fresh:
        """live: what is said of this seat holds now, also that it is unplugged; stale: it held when the device failed."""
        return "unknown" if self.attached is None else "stale" if self.fault else "live"

    @property
    def call(self) -> Call:
        """What the PBX says of the seat's call now; the lamps go on as they were while it says nothing."""
        return self._call

    @property
    def due_ns(self) -> int | None:
        """When `tick` has to come; None while nothing runs."""
        if not self.attached:
            return None
        ends = (self.hook.due_ns, self.mute.due_ns, self.host.due_ns)
        return min((end for end in ends if end is not None), default=None)

    def plugged(self, device: Device, layout: HeadsetLayout, now_ns: int, *, found: bool = False) -> Step:
        """A headset is at the seat: a new one, whatever was there before. What it is doing is unknown.

        `found`: it was there when we began to look, perhaps in the middle of a call, which is then left as it is.
        """
        events: tuple[HeadsetEvent, ...] = self._gone() if self.attached else ()
        self._fit(device, layout, found=found)
        self.attached = True
        told = HeadsetAttached(seat=self.seat, agent=self.agent, **device_fields(device))
        return Step(events=(*events, told), lamps=self._lamps(now_ns))

    def pulled(self) -> Step:
        """The headset is gone, or was not there at the start."""
        return Step(events=self._gone() if self.attached is not False else ())

    def reported(self, said: Mapping[str, int], now_ns: int) -> Step:
        """An input report, decoded: what it says of each control, as `headsets.report.values` gives it."""
        if not self.attached:
            return Step()
        if self._chatters(now_ns):
            return Step(events=self.failed(_CHATTERS).events, lamps=self._lamps(now_ns))
        before = self._alive()
        if said:  # a base has reports of its own
            self._heard = True
        intent: Intent | None = None
        if "hook" in said and (value := _bit(said["hook"], self.hook.value == "off")) is not None:
            was = self.hook.value
            alone = not any(said[name] or self._said.get(name) for name in said if name != "hook")
            intent = self._hook_asked(self.hook.reported(value, now_ns, alone=alone), now_ns)
            if self._mute_in_call and self.hook.value not in (was, "unknown"):
                self.mute.counted_from(False)
                if self._own and self.hook.value == "on":
                    self.host.mute = False  # the headset has ended it with the call, whichever of the two hung up
        if "mute" in said and (value := _bit(said["mute"], bool(self.mute.value))) is not None:
            asked = self.mute.reported(value, now_ns)
            if asked is not None and self._own:
                self.host.mute_asked(asked, now_ns)
        self._said.update(said)
        events = self._changes(before)
        self._changed.extend(now_ns for _ in events)
        return Step(events=events, lamps=self._lamps(now_ns), intent=intent)

    def wrote(self, ok: bool, now_ns: int) -> Step:
        """The lamps of the last step were written, or could not be."""
        shown = self.host.wrote(ok, now_ns)
        is_mad = self._chatter_ns is not None and now_ns - self._chatter_ns < _QUIET_NS
        if not self.attached or shown is None or is_mad:
            return Step(lamps=self._lamps(now_ns))
        before = self._alive()
        if self._heard or not self._wireless:  # that a base took it tells nothing of a headset which may be out of range
            if "off_hook" in shown:
                self.hook.wrote(shown["off_hook"], now_ns)
            muted, in_call = self.host.mute_of(shown), shown.get("off_hook", self._call in ("talking", "holding"))
            if muted is not None and (in_call or not self._gated):
                self.mute.wrote(muted, now_ns, in_call=in_call)
        return Step(events=self._changes(before), lamps=self._lamps(now_ns))

    def told(self, state: AgentState | None, now_ns: int) -> Step:
        """What the PBX says of the agent at the seat; None where it says nothing, or nobody sits there."""
        self._call = "unknown" if state is None else _CALLS.get(state, "none")
        self._tell_host(self._call)
        return Step(lamps=self._lamps(now_ns))

    def seated(self, agent: str | None, now_ns: int) -> Step:
        """Another agent, or nobody, sits here: told with the hook, so that whoever follows the events knows.

        A call went with the one before: of its end nobody would tell here. What the PBX says of the next one is to be `told`.
        """
        if agent == self.agent:
            return Step()
        if self.agent is not None:
            self._call = "unknown"
            self._tell_host("none")
        self.agent = agent
        told = (
            (HeadsetHook(seat=self.seat, agent=agent, hook=self.hook.value, by=self.hook.by),)
            if self.fresh == "live" and self.attached
            else ()
        )
        return Step(events=told, lamps=self._lamps(now_ns))

    def ring(self, until_ns: int, now_ns: int) -> Step:
        """Ring until then: somebody looks for the headset. Nothing for one that is only watched."""
        if self._own and self.attached:
            self.host.ring(until_ns)
        return Step(lamps=self._lamps(now_ns))

    def opened(self, device: Device, layout: HeadsetLayout, now_ns: int) -> Step:
        """The device was opened again after a fault, or for the first time after it could not be: it is silent so far, and so unknown."""
        if not self.attached or self.fault is None:
            return Step(lamps=self._lamps(now_ns))
        self._fit(device, layout, found=True)
        return Step(events=self._changes(None), lamps=self._lamps(now_ns))

    def missed(self, now_ns: int) -> Step:
        """Reports of it were lost: what it said last may hold no more."""
        before = self._state()
        self._heard = False
        self.hook.forget()
        self.mute.forget()
        self._said.clear()
        return Step(events=self._changes(before) if self.attached and not self.fault else (), lamps=self._lamps(now_ns))

    def news(self) -> tuple[HeadsetEvent, ...]:
        """All that is known, told anew: for whoever has missed events."""
        if self.attached is None:
            return ()
        if not self.attached:
            return (HeadsetDetached(seat=self.seat, agent=self.agent),)
        told = HeadsetAttached(seat=self.seat, agent=self.agent, **device_fields(self.device))
        fault = () if self.fault is None else (HeadsetFault(seat=self.seat, agent=self.agent, fault=self.fault),)
        return (told, *self._changes(None), *fault)

    def again(self) -> tuple[HeadsetEvent, ...]:
        """Hook and mute as they are, for whoever has not heard of this seat; nothing of one that is empty or at fault."""
        return self._changes(None) if self.attached and self.fault is None else ()

    def out_of_range(self, now_ns: int) -> Step:
        """A base says that its headset is not there: unknown, whatever its reports said on the way out."""
        if not self.attached:
            return Step()
        if self._chatters(now_ns):
            return Step(events=self.failed(_CHATTERS).events, lamps=self._lamps(now_ns))
        before = self._alive()
        self._heard = False
        self.hook.forget()
        self.mute.forget()
        events = self._changes(before)
        self._changed.extend(now_ns for _ in events)
        return Step(events=events, lamps=self._lamps(now_ns))

    def failed(self, fault: str) -> Step:
        """The device cannot be read or written. Told once until it speaks again; what was known grows old from here."""
        if not self.attached or self.fault is not None:
            return Step()
        self.fault = fault[:_FAULT_CHARS]
        return Step(events=(HeadsetFault(seat=self.seat, agent=self.agent, fault=self.fault),))

    def tick(self, now_ns: int) -> Step:
        """Time passes."""
        if not self.attached:
            return Step()
        before = self._state()
        lost = self.host.tick(now_ns)
        asked = self.hook.tick(now_ns)
        intent = None if self.fault else self._hook_asked(asked, now_ns)
        self.mute.tick(now_ns)
        events = () if self.fault else self._changes(before)
        if lost:
            events = (*events, *self.failed(_UNANSWERED).events)
        return Step(events=events, lamps=self._lamps(now_ns), intent=intent)

    def _fit(self, device: Device, layout: HeadsetLayout | None, *, found: bool = False) -> None:
        """Take up a new device, of which nothing is known yet."""
        self.device = device
        quirk = quirk_of(device.vendor_id, device.product_id)
        leds = frozenset(layout.leds) if layout and self._own else frozenset()
        self.host = Host(leds, quirk, answer=self._own and self._answer, hang_up=self._own and self._hang_up, found=found)
        self.host.told(self._call)
        self.hook = Hook(layout.hook.mode if layout and layout.hook else None, quirk, own="off_hook" in leds)
        self.mute = Mute(layout.mute.mode if layout and layout.mute else None, quirk, own=self.host.can_show_mute)
        self._mute_in_call, self._wireless, self._gated = quirk.mute_in_call, quirk.wireless, quirk.off_hook_gates_mute
        self._heard = False
        self._said: dict[str, int] = {}
        self._changed: deque[int] = deque(maxlen=_CHATTER)
        self._chatter_ns: int | None = None
        self.fault = None

    def _tell_host(self, call: Call) -> None:
        if self.host.told(call) and self.mute.mode == "toggle" and not self.mute.locked:
            self.host.mute = False  # "force a state at off-hook" is Jabra's own advice: mute cannot be read back

    def _gone(self) -> tuple[HeadsetEvent, ...]:
        self._fit(Device(), None)
        self.attached = False
        return (HeadsetDetached(seat=self.seat, agent=self.agent),)

    def _chatters(self, now_ns: int) -> bool:
        """Whether this report is one too many. While a device chatters each of its reports puts off the end of the quiet asked for."""
        if self._chatter_ns is not None and now_ns - self._chatter_ns >= _QUIET_NS:
            self._chatter_ns = None
            self._changed.clear()
        is_full = len(self._changed) == _CHATTER and now_ns - self._changed[0] < _CHATTER_NS
        if is_full or self._chatter_ns is not None:
            self._chatter_ns = now_ns
        return self._chatter_ns is not None

    def _alive(self) -> tuple[object, object] | None:
        """The state before a device spoke; None when it had failed, so that whatever holds now is told anew."""
        if self.fault is None:
            return self._state()
        self.fault, self._heard = None, False
        self.hook.forget()
        self.mute.forget()
        return None

    def _state(self) -> tuple[object, object]:
        return self.hook.value, self.mute.value

    def _changes(self, before: tuple[object, object] | None) -> tuple[HeadsetEvent, ...]:
        hook, mute = self._state()
        events: list[HeadsetEvent] = []
        if before is None or before[0] != hook:
            events.append(HeadsetHook(seat=self.seat, agent=self.agent, hook=self.hook.value, by=self.hook.by))
        if before is None or before[1] != mute:
            events.append(HeadsetMute(seat=self.seat, agent=self.agent, mute=self.mute.value, by=self.mute.by))
        return tuple(events)

    def _hook_asked(self, asked: Asked | None, now_ns: int) -> Intent | None:
        if asked is None or not self._own:
            return None
        verb = self.host.hook_asked(asked, now_ns)
        return None if verb is None else Intent(seat=self.seat, agent=self.agent, verb=verb)

    def _lamps(self, now_ns: int) -> Leds | None:
        return self.host.next_write(now_ns) if self.attached else None


def device_fields(device: Device) -> dict[str, str | None]:
    """The fields of `headset.attached` that name the device."""
    return {"product": device.product, "vendor_id": device.vendor_id, "product_id": device.product_id, "serial": device.serial}


def _bit(value: int, lit: bool) -> bool | None:
    """A control's value as a bit. Of two buttons (HID: -1 is off) each asks for its own state: None when that is there already."""
    return bool(value) if value >= 0 else (True if lit else None)
