"""Decides how a seat is played by chance: reports as bytes, writes that are answered, refused, lost or late, pulls, states, the time."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from layouts import LAYOUTS
from seat_ground import Ground

from headsets.crosscheck import CrossCheck, facts_of, truth_of
from headsets.descriptor import parse
from headsets.host import LOST_NS, RETRY_NS
from headsets.layout import HeadsetLayout, layout_of
from headsets.quirks import TABLE, quirk_of
from headsets.report import fault, input_report, led_report, lit, split, values
from headsets.seat import Device, Seat, Step

MS = 1_000_000
S = 1000 * MS
STATES = ("available", "ringing", "talking", "holding", "wrap_up", "paused", "logged_out", "unknown", None)
#: Of every row of the quirk table its first model, and one that no row knows.
DEVICES = (
    Device(),
    Device(vendor_id="1234", product_id="0001"),
    *(Device(vendor_id=row.vendor_id, product_id=min(row.product_ids, default="0307")) for row in TABLE),
)
#: Devices whose reports are all of the usual shapes, and the odd one.
SHAPES = tuple(raw for raw, _ in LAYOUTS.values())
VERBS = (
    *("said",) * 8, *("pressed",) * 4, *("bytes",) * 2, "burst", *("took",) * 8, "refused", "late", *("tick",) * 2, *("told",) * 6,
    "pulled", "plugged", "found", "failed", "opened", "missed", "range", "seated", "ring",
)  # fmt: skip
GAPS_MS = (0, 0, 1, 4, 6, 50, 140, 160, 400, 600, 1000, 1990, 2010, 5000)
ACT = st.tuples(st.sampled_from(VERBS), st.integers(0, 0xFFFF), st.sampled_from(GAPS_MS))
ACTS = st.integers(0, 60).flatmap(lambda count: st.lists(ACT, min_size=count, max_size=count))


@st.composite
def descriptors(draw: st.DrawFn) -> bytes:
    """One of ours, or one of ours with some bytes changed, lost or put in."""
    raw = bytearray(draw(st.sampled_from(SHAPES)))
    for where, what, how in draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255), st.sampled_from("xxdic")), max_size=4)):
        at = where % (len(raw) or 1)
        if how == "x" and raw:
            raw[at] = what
        elif how == "i":
            raw.insert(at, what)
        elif how == "d":
            del raw[at : at + what % 5]
        elif what < 16:
            del raw[at:]
    return bytes(raw)


@cache
def layout_from(raw: bytes) -> HeadsetLayout:
    return layout_of(parse(raw))


class Play:
    """One seat, its wire and its cross-check; every step is judged as it is made."""

    def __init__(self, hold: str, device: Device, layout: HeadsetLayout, *, answer: bool, hang_up: bool) -> None:
        self.seat = Seat("a1", hold=hold, answer=answer, hang_up=hang_up)  # type: ignore[arg-type]
        self.device, self.layout, self.may = device, layout, {"answer": answer, "hangup": hang_up}
        self.quirk = quirk_of(device.vendor_id, device.product_id)
        self.ground, self.check = Ground(hold), CrossCheck()
        self.now = 50 * S
        self.state: Any = None
        self.flying: tuple[int, dict[str, bool]] | None = None
        self.writes = self.acts = self.events = 0
        self.began = self.now

    # -- what happens --------------------------------------------------------

    def act(self, verb: str, number: int, gap_ms: int) -> None:
        """One act after the gap; the times that fall due within it are kept, or all passed over."""
        self.wait(gap_ms, keeps=number % 4 != 3)
        self.acts += 1
        getattr(self, f"on_{verb}")(number)

    def wait(self, ms: int, *, keeps: bool = True) -> None:
        """Let time pass, with a tick at every time that is due."""
        until, turns = self.now + ms * MS, 0
        while keeps and (due := self.seat.due_ns) is not None and due <= until:
            self.now = max(self.now, due)
            self.on_tick()
            turns += 1
            assert turns <= 20 + ms * MS // RETRY_NS * 2, "a hot loop"
        self.now = until

    def on_tick(self, _number: int = 0) -> None:
        self.take(self.seat.tick(self.now))
        due = self.seat.due_ns
        assert due is None or due > self.now, "due again before any time has passed"

    def on_said(self, number: int) -> None:
        """A report of the right shape."""
        ids = list(self.layout.in_bytes)
        if not ids:
            return
        report_id = ids[number % len(ids)]
        names = [name for name, control in self.layout.controls.items() if control.report_id == report_id]
        told = {name: number >> (3 + place) & 1 for place, name in enumerate(names)}
        self.report(input_report(self.layout, report_id, told))

    def on_pressed(self, number: int) -> None:
        """A button goes down, the host answers or does not, the button comes up."""
        for down in (0xFFFF, 0):
            self.on_said(number & 7 | (down & number))
            if number & 0x10:
                self.on_took()

    def on_burst(self, number: int) -> None:
        """A broken cable: up to 300 reports, a few ms apart."""
        for turn in range(number % 300):
            self.on_said(number + 8 * turn)
            self.now += number % 19 * MS

    def on_bytes(self, number: int) -> None:
        """Bytes of any length; half of them begin with an id that there is."""
        ids = [*self.layout.in_bytes, number & 0xFF]
        body = (number * 0x9E3779B97F4A7C15 + 0x1234567).to_bytes(16, "little", signed=False)[: number % 17]
        self.report((bytes((ids[number % len(ids)] & 0xFF,)) if number & 0x100 else b"") + body)

    def report(self, raw: bytes) -> None:
        self.acts += 1
        report_id, payload = split(self.layout, raw)
        fault(self.layout, report_id, payload)
        said = values(self.layout, report_id, payload)
        failed = self.ground.fault
        step = self.seat.reported(said, self.now)
        if failed is not None and self.seat.fault is None:
            self.ground.out_of_sight()
        if self.seat.attached and self.seat.fault is None:
            self.ground.say(said)
        self.take(step, speaks=failed is not None, intent=True)

    def on_took(self, _number: int = 0) -> None:
        if self.flying is None:
            return
        (_, lamps), self.flying, failed = self.flying, None, self.ground.fault
        step = self.seat.wrote(True, self.now)
        if failed is not None and self.seat.fault is None:
            self.ground.out_of_sight()
        self.ground.take(lamps)
        self.take(step, speaks=failed is not None)

    def on_refused(self, _number: int) -> None:
        if self.flying is not None:
            self.flying = None
            self.take(self.seat.wrote(False, self.now))

    def on_late(self, number: int) -> None:
        """Word of a write that nobody waits for: nothing follows from it but the next write."""
        if self.flying is None:
            step = self.seat.wrote(bool(number & 1), self.now)
            assert step.events == ()
            self.take(step)

    def on_told(self, number: int) -> None:
        self.state = STATES[number % len(STATES)]
        self.take(self.seat.told(self.state, self.now))

    def on_pulled(self, _number: int) -> None:
        self.flying = None
        self.ground.out_of_sight()
        self.take(self.seat.pulled())

    def on_plugged(self, number: int, *, found: bool = False) -> None:
        self.flying = None
        self.ground.out_of_sight()
        self.take(self.seat.plugged(self.device, self.layout, self.now, found=found))

    def on_found(self, number: int) -> None:
        self.on_plugged(number, found=True)

    def on_failed(self, _number: int) -> None:
        self.take(self.seat.failed("it stalls"))

    def on_opened(self, _number: int) -> None:
        """It failed, and was opened again."""
        failed = self.ground.fault
        if failed is not None:
            self.flying = None
            self.ground.out_of_sight()
        self.take(self.seat.opened(self.device, self.layout, self.now), speaks=failed is not None)

    def on_missed(self, _number: int) -> None:
        """Reports were lost."""
        self.ground.out_of_sight()
        self.take(self.seat.missed(self.now))

    def on_range(self, _number: int) -> None:
        self.ground.out_of_sight()
        failed = self.ground.fault
        step = self.seat.out_of_range(self.now)
        assert (self.seat.hook.value, self.seat.mute.value) == ("unknown", None) or self.seat.fault
        self.take(step, speaks=failed is not None)

    def on_seated(self, number: int) -> None:
        self.take(self.seat.seated(("ana", "luis", None)[number % 3], self.now), speaks=True)

    def on_ring(self, number: int) -> None:
        self.take(self.seat.ring(self.now + (number % 3000) * MS, self.now))

    # -- what is made of it --------------------------------------------------

    def take(self, step: Step, *, speaks: bool = False, intent: bool = False) -> None:
        """Judge a step."""
        before = dict(self.ground.value)
        self.ground.events(step)
        self.ground.news(step, before, may_repeat=speaks or len(step.events) > 2)
        self.ground.check(self.seat, self.quirk)
        self.events += len(step.events)
        assert len(step.events) <= 3
        if step.intent is not None:
            assert self.ground.hold == "own"
            assert self.may[step.intent.verb]
        if step.lamps is not None:
            self._write(step.lamps)
        self._compare()

    def _write(self, lamps: dict[str, bool]) -> None:
        assert self.ground.hold == "own", "a headset that is only watched is never written"
        assert self.seat.attached
        assert lamps.keys() <= self.layout.leds.keys()
        assert self.flying is None or self.now - self.flying[0] >= LOST_NS, "two writes at a time"
        for report in led_report(self.layout, lamps):
            number, payload = split(self.layout, report)
            assert len(payload) == self.layout.out_bytes[number]
            lit(self.layout, report)
        self.flying = (self.now, lamps)
        self.writes += 1

    def _compare(self) -> None:
        """The cross-check stands on what is known, and wants to look again at some later time only."""
        facts = facts_of(self.seat, self.state)
        for verdict in self.check.look(facts, self.now):
            assert not verdict.began or truth_of(verdict.finding, facts)
        assert not [finding for finding in self.check.standing if truth_of(finding, facts) is None]
        assert self.check.due_ns is None or self.check.due_ns > self.now
        told = Ground(self.ground.hold)
        told.events(Step(events=self.seat.news()))
        assert (told.attached, told.fault) == (self.ground.attached, self.ground.fault)
        assert told.value == self.ground.value or self.ground.fault, "who missed the events is told the same"
