"""WS2812 and APA102 strips as their data sheets describe them: bits on a wire become colours of LEDs, LEDs of a panel become a picture.

Written from the data sheets and from how panels are wound, not from the driver.
"""

from __future__ import annotations

from itertools import groupby

Rgb = tuple[int, int, int]
#: WS2812B: high for 0.25–0.55 µs is a zero, for 0.65–0.95 µs a one; low for at least 280 µs takes over what came.
ZERO_US, ONE_US, RESET_US = (0.25, 0.55), (0.65, 0.95), 280.0


def ws2812_from(sent: bytes, bus_hz: int) -> list[Rgb]:
    """The LEDs' colours after one transfer that begins and ends with a reset."""
    line = "".join(f"{byte:08b}" for byte in sent)
    runs = [(level, len(list(run)) * 1e6 / bus_hz) for level, run in groupby(line)]
    assert runs[0][0] == "0", "the line is low before"
    assert runs[-1][0] == "0"
    assert runs[-1][1] >= RESET_US, "and long enough after to take over"
    bits = ""
    for (level, high_us), (_, low_us) in zip(runs[1::2], runs[2::2], strict=True):
        assert level == "1"
        assert low_us < 5 or low_us >= RESET_US, "a pause within would be a reset for some makes"
        if ZERO_US[0] <= high_us <= ZERO_US[1]:
            bits += "0"
        else:
            assert ONE_US[0] <= high_us <= ONE_US[1], high_us
            bits += "1"
    assert len(bits) % 24 == 0
    out = []
    for at in range(0, len(bits), 24):
        green, red, blue = (int(bits[at + part : at + part + 8], 2) for part in (0, 8, 16))
        out.append((red, green, blue))
    return out


def apa102_from(sent: bytes, leds: int) -> list[tuple[int, Rgb]]:
    """Each LED's (global brightness of 31, colour) after one transfer; the end frame clocks the last LED through."""
    assert sent[:4] == bytes(4), "start frame"
    out = []
    for at in range(4, 4 + 4 * leds, 4):
        head, blue, green, red = sent[at : at + 4]
        assert head >> 5 == 0b111
        out.append((head & 31, (red, green, blue)))
    tail = sent[4 + 4 * leds :]
    assert set(tail) <= {0}
    assert len(tail) * 8 >= leds / 2, "half a clock for each LED"
    return out


def picture(strip: list[Rgb], width: int, height: int, *, path: str, start: str, zigzag: bool, panel: int) -> list[list[Rgb]]:
    """The rows that are seen when the strip is wound so through panels of `panel` columns: walk it, LED after LED."""
    seen: list[list[Rgb]] = [[(0, 0, 0)] * width for _ in range(height)]
    from_top, from_left = start.startswith("top"), start.endswith("left")
    panels = range(0, width, panel)
    led = iter(strip)
    for left in panels if from_left else reversed(panels):
        columns = list(range(left, left + panel))
        rows = list(range(height))
        if not from_left:
            columns.reverse()
        if not from_top:
            rows.reverse()
        lines, along = (rows, columns) if path == "rows" else (columns, rows)
        for number, line in enumerate(lines):
            for place in reversed(along) if zigzag and number % 2 else along:
                x, y = (place, line) if path == "rows" else (line, place)
                seen[y][x] = next(led)
    return seen
