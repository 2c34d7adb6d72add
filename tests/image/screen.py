"""Decides what is on an emulated box's screen: a picture through QEMU's monitor, judged against the same board drawn by another browser."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Final

from msgspec import Struct
from PIL import Image, ImageChops, ImageFilter

from appliance.cli.browser_shot import take

SIZE: Final = (1280, 720)
#: The page has drawn its figures.
_READY: Final = "document.readyState === 'complete' && document.body.innerText.length > 40"
#: So coarse that a figure that has moved on counts little, so fine that each tile and its heading counts.
_GRID: Final = (96, 54)
_SHIFTS: Final = (-8, -4, 0, 4, 8)
_FREQUENT: Final = 8


class Look(Struct, frozen=True):
    """A picture: its most frequent colour and that one's share, how many colours there are, the share of edges (text and lines)."""

    ground: tuple[int, int, int]
    ground_share: float
    colours: int
    edges: float

    @property
    def is_blank(self) -> bool:
        """One colour and nothing on it."""
        return self.colours < 8 or self.edges < 0.002

    @property
    def is_dark(self) -> bool:
        """Black, but for a line of text at most: what the emulator writes on a screen that its box has switched off."""
        return max(self.ground) < 16 and self.ground_share >= 0.995


def dump(monitor: Path, into: Path) -> Image.Image:
    """What the screen shows now (QMP, screendump). Raises OSError or ValueError when the emulator does not answer."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)
        line.connect(str(monitor))
        stream = line.makefile("rwb")
        stream.readline()
        for command in (
            {"execute": "qmp_capabilities"},
            {"execute": "screendump", "arguments": {"filename": str(into), "format": "png"}},
        ):
            stream.write(json.dumps(command).encode() + b"\n")
            stream.flush()
            while "return" not in (answer := json.loads(stream.readline())):
                if "error" in answer:
                    raise ValueError(f"the emulator says: {answer['error']}")
    with Image.open(into) as picture:
        return picture.convert("RGB")


def reference(url: str, into: Path) -> Image.Image:
    """The same board by Chromium on this machine."""
    into.write_bytes(asyncio.run(take(url, _READY, *SIZE)))
    with Image.open(into) as picture:
        return picture.convert("RGB")


def look(picture: Image.Image) -> Look:
    """What can be said of a picture alone."""
    counts = sorted(((count, colour) for count, colour in picture.getcolors(1 << 24) or []), reverse=True)
    pixels = picture.width * picture.height
    edges = picture.convert("L").filter(ImageFilter.FIND_EDGES).point(lambda value: 255 if value > 40 else 0)
    share = edges.histogram()[255] / pixels
    ground = counts[0][1]
    assert isinstance(ground, tuple)
    return Look((ground[0], ground[1], ground[2]), round(counts[0][0] / pixels, 3), len(counts), round(share, 4))


def likeness(one: Image.Image, other: Image.Image) -> float:
    """Pearson's correlation of two pictures' edges, as laid out over the screen: 1 is the same, 0 has nothing to do with each other.

    The best of small shifts: a board moves by some pixels now and then, so that no figure burns in.
    """
    edges = [picture.convert("L").filter(ImageFilter.FIND_EDGES) for picture in (one, other)]
    grid = _grid(edges[1])
    shifts = [(across, down) for across in _SHIFTS for down in _SHIFTS]
    return round(max(_correlation(_grid(ImageChops.offset(edges[0], *shift)), grid) for shift in shifts), 3)


def _correlation(a: list[float], b: list[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    below = (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5
    return top / below if below else 0.0


def _grid(edges: Image.Image) -> list[float]:
    return [float(value) for value in edges.resize(_GRID, Image.Resampling.BOX).tobytes()]


def shares_colours(one: Image.Image, other: Image.Image) -> bool:
    """Whether two of the most frequent colours are in both: the same style sheet, whatever state its tiles are in."""
    return len(_frequent(one) & _frequent(other)) >= 2


def _frequent(picture: Image.Image) -> set[object]:
    found = sorted(picture.getcolors(1 << 24) or [], reverse=True, key=lambda each: each[0])
    return {colour for _, colour in found[:_FREQUENT]}


def changed(one: Image.Image, other: Image.Image) -> int:
    """So many pixels differ."""
    return sum(a != b for a, b in zip(one.convert("L").tobytes(), other.convert("L").tobytes(), strict=True))
