"""Decides how a simulated headset behaves: what it reports when somebody presses its buttons, and what it does with what a host writes.

Pure: times are monotonic ns, handed in. Every call gives the reports that the device sends by it; `due_ns` says when `tick` has to come.
The descriptor says where everything lies; its firmware's habits (`headset_model.Habits`) say the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.errors import MisconfiguredError
from appliance.sim.headset_model import Model
from headsets.descriptor import parse
from headsets.layout import layout_of
from headsets.report import input_report, lit, split

_MS: Final = 1_000_000
_FAULTS: Final = 20
Reports = list[bytes]


class Picture(Struct, frozen=True):
    """What somebody at the desk sees; `lamps` are those that are lit. `refused` counts reports of the host that it did not take."""

    off_hook: bool
    muted: bool
    in_range: bool
    lamps: tuple[str, ...]
    refused: int = 0


class SimHeadset:
    """One headset, plugged in. `off_hook` and `muted` are the truth: what the person at the desk would say of it."""

    def __init__(self, model: Model, *, serial: str | None = None) -> None:
        """Raises MisconfiguredError for a descriptor without any control to press."""
        self.model, self.habits, self.serial = model, model.habits, serial
        self.layout = layout_of(parse(model.descriptor))
        if not self.layout.controls:
            raise MisconfiguredError(f"{model.product}: its descriptor has neither hook nor any button; see `callfloor decode hid`")
        self.off_hook = self.muted = False
        self.in_range = True
        #: It refuses every report of the host, as a device in trouble does.
        self.stalls = False
        self.lamps: dict[str, bool] = dict.fromkeys(self.layout.leds, False)
        self.faults: list[str] = []
        self.refused = 0
        self._said: dict[str, int] = {}
        self._later: list[tuple[int, int, Callable[[int], Reports]]] = []
        self._asked = 0
        #: Presses that wait for the host: the control, and what takes it back.
        self._waiting: dict[str, int] = {}

    @property
    def due_ns(self) -> int | None:
        """When `tick` has to come; None while nothing runs."""
        return self._later[0][0] if self._later else None

    @property
    def controls(self) -> tuple[str, ...]:
        """What can be pressed, by name."""
        return tuple(self.layout.controls)

    def picture(self) -> Picture:
        """What is to be seen now."""
        return Picture(self.off_hook, self.muted, self.in_range, tuple(name for name, on in self.lamps.items() if on), self.refused)

    # -- what the person does --------------------------------------------------

    def lift(self, now_ns: int) -> Reports:
        """Take the call, or begin one: nothing when it is off-hook already."""
        return [] if self.off_hook else self.hook(now_ns)

    def hang_up(self, now_ns: int) -> Reports:
        """Nothing when it is on-hook already."""
        return self.hook(now_ns) if self.off_hook else []

    def hook(self, now_ns: int) -> Reports:
        """The hook button, which is one button on most headsets."""
        control = self.layout.controls.get("hook")
        if control is None or not self.in_range:
            return []
        if control.mode == "toggle":
            return self._button("hook", now_ns)
        if self.habits.pulse_ms:  # a button after all: the host decides what comes of it
            self._after(now_ns + round(self.habits.pulse_ms * _MS), lambda _at_ns: self._say(hook=0))
            return self._say(hook=1)
        self._set_off_hook(not self.off_hook)
        self._wait("hook", now_ns, self._take_back_hook)
        return self._say(hook=int(self.off_hook))

    def mute(self, now_ns: int) -> Reports:
        """The mute button: a request, unless the device mutes by itself."""
        control = self.layout.controls.get("mute")
        if control is None or not self.in_range or (self.habits.mute_in_call and not self.off_hook):
            return []
        if self.habits.mute_level or control.mode == "level":
            self.muted = not self.muted
            return self._say(mute=int(self.muted))
        if self.habits.own_mute or not self._mute_lamp:
            self.muted = not self.muted
        return self._button("mute", now_ns)

    def press(self, name: str, now_ns: int) -> Reports:
        """Any other button. Raises MisconfiguredError for one that it does not have."""
        if name not in self.layout.controls:
            raise MisconfiguredError(f"{self.model.product} has no {name}; it has {', '.join(self.layout.controls)}")
        if name in ("hook", "mute"):
            return getattr(self, name)(now_ns)  # type: ignore[no-any-return]
        return self._button(name, now_ns) if self.in_range else []

    def leave(self) -> Reports:
        """The headset is carried out of its base's reach: the base falls to rest, and nothing comes any more."""
        if not self.habits.wireless:
            raise MisconfiguredError(f"{self.model.product} has a cable; a headset with a base goes out of range (habit wireless)")
        self.in_range, self.off_hook, self.muted = False, False, False
        self._later.clear()
        self._waiting.clear()
        return self._say(**dict.fromkeys((name for name, value in self._said.items() if value), 0)) if any(self._said.values()) else []

    def come_back(self) -> Reports:
        """It is in reach again and takes up what its base shows."""
        self.in_range = True
        self._set_off_hook(self.lamps.get("off_hook", False))
        return self._say(hook=1) if self.off_hook and self._has_level else []

    # -- what the host does ----------------------------------------------------

    def written(self, report: bytes, now_ns: int) -> Reports | None:
        """An output report of the host. None: it is not taken (`stalls`, or it is none of this device's)."""
        report_id, payload = split(self.layout, report)
        length = self.layout.out_bytes.get(report_id)
        if self.stalls or length is None or len(payload) != length:
            self.refused += 1
            self._wrong("it refuses" if self.stalls else f"a report {report[:8].hex(' ')} of {len(report)} bytes")
            return None
        shown = lit(self.layout, report)
        self.lamps.update(shown)
        if not self.in_range:
            return []
        out = self._hook_written(shown["off_hook"]) if "off_hook" in shown else []
        if self._mute_lamp in shown and not self.habits.own_mute:
            out += self._mute_written(shown[self._mute_lamp], now_ns)
        return out

    def tick(self, now_ns: int) -> Reports:
        """Time passes: buttons come up, and what nobody answered is taken back."""
        out: Reports = []
        while self._later and self._later[0][0] <= now_ns:
            at_ns, _, act = heappop(self._later)
            out += act(at_ns)
        return out

    # -- the firmware ----------------------------------------------------------

    @property
    def _mute_lamp(self) -> str:
        """The lamp that it takes for mute, empty where it has none."""
        wished = self.habits.mute_lamp
        return wished if wished in self.lamps else next((name for name in ("mute", "microphone") if name in self.lamps), "")

    @property
    def _has_level(self) -> bool:
        hook = self.layout.controls.get("hook")
        return hook is not None and hook.mode == "level" and not self.habits.pulse_ms

    def _hook_written(self, lamp: bool) -> Reports:
        asked = self._waiting.pop("hook", None) is not None
        moved = lamp != self.off_hook
        self._set_off_hook(lamp)
        if not moved or not self._has_level:
            return []
        if self.habits.echo or asked:
            return self._say(hook=int(lamp))
        self._said["hook"] = int(lamp)  # told with the next report of another control
        return []

    def _mute_written(self, lamp: bool, now_ns: int) -> Reports:
        asked = self._waiting.pop("mute", None)
        if not self.habits.mute_in_call or self.off_hook or not lamp:
            self.muted = lamp
        return self._release("mute", now_ns) if asked is not None else []

    def _set_off_hook(self, off_hook: bool) -> None:
        self.off_hook = off_hook
        if not off_hook and self.habits.mute_in_call:
            self.muted = False

    def _take_back_hook(self, _at_ns: int) -> Reports:
        """Nobody answered: a call that no host knows of is none."""
        if not self.habits.reverts or not self.off_hook:
            return []
        self._set_off_hook(False)
        return self._say(hook=0) if self._has_level else []

    def _button(self, name: str, now_ns: int) -> Reports:
        out = self._say(**{name: 1})
        if name in ("hook", "mute") and self.habits.reverts and self.habits.let_go:
            self._wait(name, now_ns, lambda at_ns: self._release(name, at_ns))  # down until somebody answers
        else:
            self._after(now_ns + round(self.habits.press_ms * _MS), lambda at_ns: self._release(name, at_ns))
        return out

    def _release(self, name: str, _at_ns: int) -> Reports:
        if not self._said.get(name):
            return []
        self._said[name] = 0
        return self._report(name) if self.habits.let_go else []

    def _wait(self, name: str, now_ns: int, give_up: Callable[[int], Reports]) -> None:
        """The host may answer within its patience."""
        self._asked += 1
        mine = self._waiting[name] = self._asked

        def over(at_ns: int) -> Reports:
            if self._waiting.get(name) != mine:
                return []
            del self._waiting[name]
            return give_up(at_ns)

        self._after(now_ns + round(self.habits.patience_s * NS), over)

    def _after(self, at_ns: int, act: Callable[[int], Reports]) -> None:
        self._asked += 1
        heappush(self._later, (at_ns, self._asked, act))

    def _say(self, **values: int) -> Reports:
        """Report these controls, which share a report: one report, or one for each where they do not."""
        self._said.update(values)
        ids = {self.layout.controls[name].report_id: name for name in values}
        return [report for name in ids.values() for report in self._report(name)]

    def _report(self, name: str) -> Reports:
        report_id = self.layout.controls[name].report_id
        held = {each: value for each, value in self._said.items() if self.layout.controls[each].report_id == report_id}
        return [input_report(self.layout, report_id, held)] * max(1, self.habits.repeats)

    def _wrong(self, text: str) -> None:
        self.faults = [*self.faults[1 - _FAULTS :], text]
