"""Decides what a headset's reports say, and which bytes light its lamps. Pure; the places come from `headsets.layout`.

Reports begin with their id where the device numbers them, and have none where it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headsets.layout import Control, HeadsetLayout, Led


def split(layout: HeadsetLayout, report: bytes) -> tuple[int, bytes]:
    """Report id (0 where there is none) and payload, of a report as it came."""
    return (report[0], report[1:]) if layout.numbered and report else (0, report)


def fault(layout: HeadsetLayout, report_id: int, payload: bytes) -> str | None:
    """What is wrong with an input report, in words; None: nothing. What lies whole inside a short one is right all the same."""
    length = layout.in_bytes.get(report_id)
    if length is None:
        return f"report {report_id} is not in the descriptor"
    if len(payload) < length:
        return f"report {report_id} has {len(payload)} bytes, its descriptor says {length}"
    wrong = [name for name, control in layout.controls.items() if control.report_id == report_id and _out_of_range(control, payload)]
    return f"report {report_id}: {', '.join(wrong)} outside the logical range" if wrong else None


def values(layout: HeadsetLayout, report_id: int, payload: bytes) -> dict[str, int]:
    """What the report says of each control it holds: 1 on or pressed, 0 off or released, -1 pressed "off" where there are two buttons.

    What does not lie whole within the payload, or is outside its logical range, is not said and so is left out.
    """
    said = ((name, _value(control, payload)) for name, control in layout.controls.items() if control.report_id == report_id)
    return {name: value for name, value in said if value is not None}


def changes(layout: HeadsetLayout, report_id: int, payload: bytes, before: Mapping[str, int]) -> dict[str, int]:
    """What the report says that is news after `before` (name → last value).

    A level is news when it differs or was not known. A toggle is news when it is not 0, even if it was so before (each such report
    may be a press: the state machines decide), and when it goes back to 0. A toggle's 0 that nothing came before is none.
    """
    controls = layout.controls
    return {
        name: value
        for name, value in values(layout, report_id, payload).items()
        if before.get(name, 0 if controls[name].mode == "toggle" else None) != value or (value and controls[name].mode == "toggle")
    }


def input_report(layout: HeadsetLayout, report_id: int, said: Mapping[str, int]) -> bytes:
    """The report, as a device would send it, that says so; what is not named is 0. The other way round of `values`, for simulators.

    Raises KeyError for a report or a control that the layout does not have.
    """
    bits = 0
    controls = layout.controls
    taken: dict[int, int] = {}
    for name, value in said.items():
        control = controls[name]
        if control.report_id != report_id:
            raise KeyError(f"{name} is in report {control.report_id}, not in {report_id}")
        if control.selector is None:
            raw = value if control.minimum < 0 else control.minimum + value if control.minimum > 0 else value
            bits |= (raw & ((1 << control.size) - 1)) << control.offset
        elif value:
            place = taken.get(control.offset, 0)
            taken[control.offset] = place + 1
            if place < control.count:
                bits |= control.selector << (control.offset + place * control.size)
    return _framed(layout, report_id, bits, layout.in_bytes[report_id])


def led_report(layout: HeadsetLayout, wanted: Mapping[str, bool], before: Mapping[str, bool] | None = None) -> list[bytes]:
    """The output reports, whole and of their right length, that light the lamps wanted; every other lamp of the same reports is dark.

    So `wanted` is the state of all lamps, not a change: several share a report, and what is left out goes dark (on some devices a dark
    off-hook lamp mutes the microphone). With `before`, only reports in which something differs from it. Lamps that the device lacks
    are passed over.
    """
    ids = dict.fromkeys(led.report_id for led in layout.leds.values())
    if before is not None:
        differs = {name for name in layout.leds if bool(wanted.get(name)) != bool(before.get(name))}
        ids = {report_id: None for report_id in ids if any(layout.leds[name].report_id == report_id for name in differs)}
    return [_lit(layout, report_id, wanted) for report_id in ids]


def lit(layout: HeadsetLayout, report: bytes) -> dict[str, bool]:
    """Which lamps an output report lights and darkens: the other way round of `led_report`."""
    report_id, payload = split(layout, report)
    return {
        name: led.on in _elements(led, payload) if led.array else bool(next(_elements(led, payload), 0))
        for name, led in layout.leds.items()
        if led.report_id == report_id and led.end <= 8 * len(payload)
    }


def _lit(layout: HeadsetLayout, report_id: int, wanted: Mapping[str, bool]) -> bytes:
    bits = 0
    taken: dict[int, int] = {}
    for name, led in layout.leds.items():
        if led.report_id != report_id or not wanted.get(name):
            continue
        place = taken.get(led.offset, 0) if led.array else 0
        taken[led.offset] = place + 1
        if place < led.count:
            bits |= led.on << (led.offset + place * led.size)
    return _framed(layout, report_id, bits, layout.out_bytes[report_id])


def _framed(layout: HeadsetLayout, report_id: int, bits: int, length: int) -> bytes:
    return (bytes((report_id,)) if layout.numbered else b"") + bits.to_bytes(length, "little")


def _elements(place: Control | Led, payload: bytes) -> Iterator[int]:
    """The raw values at the place, element by element, from the bytes that hold them alone."""
    first = place.offset // 8
    held = int.from_bytes(payload[first : (place.end + 7) // 8], "little") >> (place.offset - 8 * first)
    for _ in range(place.count):
        yield held & ((1 << place.size) - 1)
        held >>= place.size


def _raw(control: Control, payload: bytes) -> int | None:
    """The value of a variable with its sign; None when it is not whole in the payload."""
    if control.end > 8 * len(payload):
        return None
    value = next(_elements(control, payload))
    return value - (1 << control.size) if control.minimum < 0 and value >> (control.size - 1) else value


def _out_of_range(control: Control, payload: bytes) -> bool:
    value = _raw(control, payload)
    return control.selector is None and value is not None and not control.minimum <= value <= control.maximum


def _value(control: Control, payload: bytes) -> int | None:
    value = _raw(control, payload)
    if value is None or _out_of_range(control, payload):
        return None
    if control.selector is not None:
        return int(control.selector in _elements(control, payload))
    if control.minimum < 0:
        return (value > 0) - (value < 0)
    return int(value > max(control.minimum, 0))
