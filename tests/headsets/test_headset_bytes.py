"""From the bytes that a headset sends to the events, and from the floor's word to the bytes that it gets: a whole call, layout by layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from layouts import LAYOUTS

from appliance.core.catalogue import HeadsetHook, HeadsetMute
from headsets.descriptor import parse
from headsets.layout import HeadsetLayout, layout_of
from headsets.report import input_report, led_report, lit, split, values
from headsets.seat import Device, Seat, Step

MS = 1_000_000
S = 1000 * MS


class Wire:
    """A seat whose headset is bytes: what comes is decoded, what goes is decoded again as the device would."""

    def __init__(self, layout: HeadsetLayout, device: Device, hold: str = "own") -> None:
        self.layout, self.seat, self.now = layout, Seat("a1", hold=hold), 100 * S  # type: ignore[arg-type]
        self.lamps: dict[str, bool] = {}
        self.events: list[object] = []
        self.seat.told("available", self.now)
        self.take(self.seat.plugged(device, layout, self.now))

    def take(self, step: Step) -> None:
        while True:
            self.events += step.events
            if step.lamps is None:
                return
            for report in led_report(self.layout, step.lamps):
                assert len(report) == self.layout.out_bytes[split(self.layout, report)[0]] + self.layout.numbered
                self.lamps |= lit(self.layout, report)
            step = self.seat.wrote(True, self.now)

    def sends(self, after_s: float, **said: int) -> None:
        """What is said goes out in as many reports as it lies in."""
        self.now += round(after_s * S)
        controls = self.layout.controls
        for report_id in {controls[name].report_id for name in said if name in controls}:
            here = {name: value for name, value in said.items() if name in controls and controls[name].report_id == report_id}
            self.take(self.seat.reported(values(self.layout, *split(self.layout, input_report(self.layout, report_id, here))), self.now))

    def call(self, state: str) -> None:
        self.now += S
        self.take(self.seat.told(state, self.now))  # type: ignore[arg-type]

    def told(self) -> list[object]:
        events, self.events = self.events, []
        return [
            event.hook if isinstance(event, HeadsetHook) else event.mute for event in events if isinstance(event, HeadsetHook | HeadsetMute)
        ]


def a_call(layout: HeadsetLayout, device: Device) -> None:
    wire = Wire(layout, device)
    wire.call("ringing")
    assert wire.lamps.get("ring", True)
    wire.told()
    wire.sends(1, hook=1)
    assert wire.told()[0] == "off"
    wire.call("talking")
    assert (wire.lamps.get("off_hook", True), wire.lamps.get("ring", False)) == (True, False)
    wire.told()
    wire.sends(3, hook=1, mute=1)
    wire.sends(0.08, hook=1, mute=0)
    shows_mute = {"mute", "microphone"} & wire.lamps.keys()
    if layout.mute is not None and layout.mute.mode == "toggle" and shows_mute:
        assert wire.told() == [True]
        assert any(wire.lamps[name] for name in shows_mute)
        wire.sends(3, hook=1, mute=1)
        wire.sends(0.08, hook=1, mute=0)
        assert wire.told() == [False]
        assert not any(wire.lamps[name] for name in shows_mute)
    wire.told()
    wire.call("wrap_up")
    wire.sends(0.04, hook=0)
    assert wire.told() == ["on"]
    assert not any(wire.lamps.values())


@pytest.mark.parametrize("name", [name for name, (raw, _) in LAYOUTS.items() if getattr(layout_of(parse(raw)).hook, "mode", "") == "level"])
def test_a_call_on_each_layout(name: str) -> None:
    a_call(layout_of(parse(LAYOUTS[name][0])), Device())


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_headset_without_hook_or_mute_claims_neither(name: str) -> None:
    layout = layout_of(parse(LAYOUTS[name][0]))
    wire = Wire(layout, Device(), hold="watch")
    wire.call("talking")
    wire.sends(1, hook=1, mute=1)
    assert (wire.seat.hook.value == "unknown") == (layout.hook is None)
    assert wire.lamps == {}


@pytest.mark.corpus
def test_a_call_on_every_real_descriptor(corpus_folder: Path) -> None:
    devices = json.loads((corpus_folder / "hid" / "descriptors.json").read_text(encoding="utf-8"))["devices"]
    played = 0
    for one in devices:
        layout = layout_of(parse(bytes.fromhex(one["report_descriptor_hex"])))
        if layout.telephony and layout.hook is not None:
            played += 1
            # A base's headset has spoken before its lamps tell anything; in this call it does.
            a_call(layout, Device(vendor_id=one["vid"], product_id=one["pid"]))
    assert played >= 9
