"""Decides what may be known of one seat, by what went over its wire: kept beside the seat, and without knowing how the seat works."""

from __future__ import annotations

from typing import Any

from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetFault, HeadsetHook, HeadsetMute
from headsets.quirks import Quirk
from headsets.seat import Seat, Step

_MUTE_LAMPS = ("mute", "microphone")
UNKNOWN: dict[str, Any] = {"hook": "unknown", "mute": None}


class Ground:
    """What the device said and took since it was last in sight, and what the events told of it."""

    def __init__(self, hold: str) -> None:
        self.hold = hold
        self.value = dict(UNKNOWN)
        self.attached: bool | None = None
        self.fault: str | None = None
        self.out_of_sight()

    def out_of_sight(self) -> None:
        """From here nothing is known."""
        self.said: dict[str, set[int]] = {}
        self.last: dict[str, int] = {}
        self.took: set[tuple[str, bool]] = set()

    def say(self, said: dict[str, int]) -> None:
        """A report came."""
        for name, value in said.items():
            self.said.setdefault(name, set()).add(value)
            self.last[name] = value

    def take(self, lamps: dict[str, bool]) -> None:
        """The device took an output report."""
        self.took |= set(lamps.items())

    def events(self, step: Step) -> None:
        """Attached and detached in turn; one fault until it speaks again; hook and mute when they are news, of what is plugged."""
        for event in step.events:
            if isinstance(event, HeadsetAttached):
                assert self.attached is not True, "attached twice"
                self.attached, self.fault, self.value = True, None, dict(UNKNOWN)
            elif isinstance(event, HeadsetDetached):
                assert self.attached is not False, "detached twice"
                self.attached, self.fault, self.value = False, None, dict(UNKNOWN)
            elif isinstance(event, HeadsetFault):
                assert self.attached, "a fault of what is not there"
                assert self.fault is None, "told twice"
                self.fault = event.fault
            else:
                assert self.attached, "a state of what is not there"
                name = "hook" if isinstance(event, HeadsetHook) else "mute"
                value = event.hook if isinstance(event, HeadsetHook) else event.mute
                self.value[name] = value
                self.fault = None

    def news(self, step: Step, before: dict[str, Any], *, may_repeat: bool) -> None:
        """No event says what was said."""
        for event in step.events:
            if isinstance(event, HeadsetHook | HeadsetMute) and not may_repeat:
                name, value = ("hook", event.hook) if isinstance(event, HeadsetHook) else ("mute", event.mute)
                assert before[name] != value, f"{name} told again"

    def check(self, seat: Seat, quirk: Quirk) -> None:
        """The seat knows what its events told, and has a ground for each thing that it knows."""
        assert seat.attached == self.attached
        assert seat.fault == self.fault
        if self.fault is not None:
            return
        hook, mute = seat.hook, seat.mute
        assert {"hook": hook.value, "mute": mute.value} == self.value, "the events tell all of it"
        if not self.attached:
            assert self.value == UNKNOWN
            return
        if hook.value != "unknown":
            self._has_hook(seat, hook.value == "off", quirk)
        if mute.value is not None:
            self._has_mute(seat, mute.value, quirk)

    def _has_hook(self, seat: Seat, is_off: bool, quirk: Quirk) -> None:
        by, told = seat.hook.by, self.said.get("hook", set())
        if by == "host":
            assert self.hold == "own", "only watched, and written"
            assert ("off_hook", is_off) in self.took, "the device took no such lamp"
            assert self.said or not quirk.wireless, "what a base took tells nothing of its headset"
        elif by == "toggle":
            assert any(told), "no press came"
        else:
            assert is_off in {bool(value) for value in told}, "it never said so"
            if seat.hook.mode == "level" and -1 not in told:  # of two buttons one asks for what is so already
                assert bool(self.last["hook"]) == is_off, "it says otherwise"

    def _has_mute(self, seat: Seat, is_muted: bool, quirk: Quirk) -> None:
        by, told = seat.mute.by, self.said.get("mute", set())
        if by == "host":
            assert self.hold == "own", "only watched, and written"
            assert any((lamp, is_muted) in self.took for lamp in _MUTE_LAMPS), "the device took no such lamp"
            assert not quirk.own_mute, "this one does not ask the host"
            assert self.said or not quirk.wireless, "what a base took tells nothing of its headset"
        elif by == "toggle":
            assert quirk.mute_in_call, "counted from what nobody knew"
            assert self.said.get("hook"), "no call began or ended"
        else:
            assert seat.mute.mode == "level", "a press is no state"
            assert is_muted in {bool(value) for value in told}, "it never said so"
            assert -1 in told or bool(self.last["mute"]) == is_muted, "it says otherwise"
