"""Decides how one page stands on so many pixels, and for how long: beside its label, after it, or rolling. Pure.

What fits stands still. A figure goes beside its label, else beside its short label, else after it; only a text wider than the chain rolls,
at a reading speed, resting at both ends. With two rows the digits are
twice as high where they fit beside the label, else the label stands above. Of a row's figures those that do not fit are left out from
the last; the first always stays. A chain of 128 pixels and more shows several figures side by side, 64 pixels each.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final

from msgspec import Struct
from PIL import Image

from drivers.led_matrix import Ink
from wallboard.led.glyphs import HEIGHT
from wallboard.led.page import Part, Said
from wallboard.led.text import GAP_PX, dark, draw, width_px

DWELL_S: Final = 4.0
#: A label or a title that stands alone before its figures.
LABEL_S: Final = 1.5
#: A reading speed for ten metres, one pixel a step: five signs a second.
ROLL_PX_PER_S: Final = 30.0
REST_S: Final = 1.0
_BETWEEN_PX: Final = 3
#: A figure and its label stand this close, however wide the chain: the eye must not look for what belongs together.
CELL_PX: Final = 64
_CELL_GAP_PX: Final = 4
#: Rows from the top of a sign to the line that it stands on.
_LINE: Final = 7
#: Each further figure beside the first takes so much longer to read.
_BESIDE_S: Final = 1.0
#: No picture is looked for sooner than this: sums of fractions never quite meet a boundary.
_STEP_S: Final = 0.01


class Scene(Struct, frozen=True):
    """A label at the left, parts at the right (or either alone, in the middle of a free row), for a time; what is too wide rolls."""

    label: str
    parts: tuple[Part, ...]
    duration_s: float
    over_px: int = 0
    above: bool = False
    tall: bool = False
    head: tuple[Part, ...] = ()


def scenes(page: Said, width: int, height: int) -> list[Scene]:
    """What stands one after the other, from when the page comes up. At least one."""
    if page.cells:
        return [Scene("", (), DWELL_S + _BESIDE_S * (len(page.cells) - 1))]
    if not page.parts:
        text = page.label if width_px(page.label) <= width or not page.short else page.short
        return [_alone(text, width, DWELL_S)]
    if height >= 2 * HEIGHT:
        tall = _tall(page, width)
        if tall is not None:
            return [tall]
        label = page.label if width_px(page.label) <= width else page.short
        parts = _fitting(page.parts, width)
        over_px = max(0, width_px(label) - width, parts_px(parts) - width)
        return [Scene(label, parts, _lasts(over_px, DWELL_S), over_px, above=True)]
    for label in (page.label, page.short):
        room = width - width_px(label) - _BETWEEN_PX
        parts = _fitting(page.parts, room)
        if parts_px(parts) <= room:
            return [Scene(label, parts, DWELL_S)]
    parts = _fitting(page.parts, width)
    label = page.label if width_px(page.label) <= width else page.short
    over_px = max(0, parts_px(parts) - width)
    return [_alone(label, width, LABEL_S), Scene("", parts, _lasts(over_px, DWELL_S), over_px)]


def side_by_side(pages: list[Said], width: int, height: int) -> list[Said]:
    """The pages as a chain of this width shows them: figures that follow one another and fit stand in one picture."""
    room = width // CELL_PX
    if room < 2:
        return pages
    out: list[Said] = []
    beside: list[Said] = []
    for page in (*pages, None):
        fits = page is not None and page.parts and not page.alone and _stands(page, CELL_PX - _CELL_GAP_PX, height)
        if page is not None and fits:
            beside.append(page)
        if beside and (not fits or len(beside) == room):
            out.append(beside[0] if len(beside) == 1 else Said(beside[0].key, "", cells=tuple(beside)))
            beside = []
        if page is not None and not fits:
            out.append(page)
    return out


def _stands(page: Said, width: int, height: int) -> bool:
    all_of = scenes(page, width, height)
    return len(all_of) == 1 and all_of[0].over_px == 0


def _alone(text: str, width: int, stands_s: float) -> Scene:
    over_px = max(0, width_px(text) - width)
    return Scene(text, (), _lasts(over_px, stands_s), over_px)


def _lasts(over_px: int, stands_s: float) -> float:
    return stands_s if over_px == 0 else 2 * REST_S + over_px / ROLL_PX_PER_S


def _tall(page: Said, width: int) -> Scene | None:
    """The digits twice as high beside the label or its short form, signs above the label; None where there is no room for it."""
    if not any(part.digits for part in page.parts):
        return None
    first = next(at for at, part in enumerate(page.parts) if part.digits)
    head, figure = page.parts[:first], page.parts[first:]
    for label in (page.label, page.short):
        room = width - _left_px(label, head) - _BETWEEN_PX
        parts = _fitting(figure, room, tall=True)
        if parts_px(parts, tall=True) <= room:
            return Scene(label, parts, DWELL_S, tall=True, head=head)
    return None


def _left_px(label: str, head: tuple[Part, ...]) -> int:
    """Columns of what stands left of tall digits: the label, and above it the signs."""
    return max(width_px(label), parts_px(head))


def _fitting(parts: tuple[Part, ...], room_px: int, *, tall: bool = False) -> tuple[Part, ...]:
    """The parts without what may be spared, from the last, until they fit; what may not be spared stays."""
    kept = list(parts)
    while parts_px(tuple(kept), tall=tall) > room_px and any(part.spare for part in kept):
        last = max(at for at, part in enumerate(kept) if part.spare)
        first = last
        while first > 0 and kept[first].spare and not kept[first].apart and kept[first - 1].spare:
            first -= 1
        del kept[first : last + 1]
    return tuple(kept)


def parts_px(parts: tuple[Part, ...], *, tall: bool = False) -> int:
    """Columns that parts take together."""
    return max(0, sum(_gap(part) + _part_px(part, tall) for part in parts) - _gap(parts[0])) if parts else 0


def _part_px(part: Part, tall: bool) -> int:
    return width_px(part.text) * _scale(part, tall)


def _scale(part: Part, tall: bool) -> int:
    return 2 if tall and part.digits else 1


def _gap(part: Part) -> int:
    return _BETWEEN_PX if part.apart else GAP_PX


def duration_s(page: Said, width: int, height: int) -> float:
    """How long a page stands: long enough to read, and for a rolling one until its end was seen."""
    return sum(scene.duration_s for scene in scenes(page, width, height))


def starts_s(page: Said, width: int, height: int) -> list[float]:
    """When each of a page's pictures is whole for the first time, with what blinks: seconds after the page came up."""
    begun_s = [0.0, *accumulate(scene.duration_s for scene in scenes(page, width, height)[:-1])]
    return [at_s + 0.5 if int(at_s * 2) % 2 else at_s for at_s in begun_s]


def next_s(page: Said, width: int, height: int, since_s: float) -> float:
    """After how many seconds the picture may be another one."""
    scene, at_s = _scene_at(page, width, height, since_s)
    return 1 / ROLL_PX_PER_S if scene.over_px else max(_STEP_S, min(0.5 - since_s % 0.5, scene.duration_s - at_s))


def frame(page: Said, width: int, height: int, since_s: float, beat: bool = False) -> Image.Image:
    """The picture of one page, so many seconds after it came up: width × height inks.

    `beat` lights the corner pixel: a chain whose corner stands still is not alive.
    """
    image = dark(width, height)
    if page.cells:
        for at, cell in enumerate(page.cells):
            image.paste(frame(cell, CELL_PX - _CELL_GAP_PX, height, since_s), (at * CELL_PX, 0))
    else:
        inner_px = _inner_px(page, width, height)
        image.paste(_single(page, inner_px, height, since_s), ((width - inner_px) // 2, 0))
    if beat:
        image.putpixel((width - 1, height - 1), int(Ink.PLAIN))
    return image


def _inner_px(page: Said, width: int, height: int) -> int:
    """How much of the chain a page takes, in whole cells so that it does not move when a digit is added."""
    if not page.parts:
        return width
    needed_px = width_px(page.label) + 2 * _BETWEEN_PX + parts_px(page.parts)
    if height >= 2 * HEIGHT:
        tall = _tall(page, width)
        if tall is not None:
            needed_px = _left_px(tall.label, tall.head) + _BETWEEN_PX + parts_px(tall.parts, tall=True)
        else:
            needed_px = max(width_px(page.label), parts_px(page.parts))
    return min(width, -(-needed_px // CELL_PX) * CELL_PX)


def _single(page: Said, width: int, height: int, since_s: float) -> Image.Image:
    image = dark(width, height)
    scene, at_s = _scene_at(page, width, height, since_s)
    off = int(since_s * 2) % 2 == 1
    if scene.label and not (off and page.blinks):
        over_px = width_px(scene.label) - width
        x_px = _offset_px(over_px, at_s) if over_px > 0 else 0 if scene.parts and not scene.above else -over_px // 2
        y_px = 0 if scene.above else height - HEIGHT if scene.tall else (height - HEIGHT) // 2
        draw(image, x_px, y_px, scene.label, page.ink)
    if scene.parts:
        _draw_parts(image, scene, width, height, at_s, off)
    return image


def _draw_parts(image: Image.Image, scene: Scene, width: int, height: int, at_s: float, off: bool) -> None:
    wide_px = parts_px(scene.parts, tall=scene.tall)
    free_px = width - wide_px
    x_px = _offset_px(-free_px, at_s) if free_px < 0 else free_px if scene.label and not scene.above else free_px // 2
    y_px = height - HEIGHT if scene.above or scene.tall else (height - HEIGHT) // 2
    _draw_line(image, x_px, y_px, scene.parts, scene.tall, off)
    _draw_line(image, 0, 0, scene.head, False, off)


def _draw_line(image: Image.Image, x_px: int, y_px: int, parts: tuple[Part, ...], tall: bool, off: bool) -> None:
    for at, part in enumerate(parts):
        x_px += _gap(part) if at else 0
        if not (part.blinks and off):
            scale = _scale(part, tall)
            # Digits twice as high stand on the line of what is beside them.
            draw(image, x_px, y_px - (_LINE - 1) * (scale - 1), part.text, part.ink, scale)
        x_px += _part_px(part, tall)


def _scene_at(page: Said, width: int, height: int, since_s: float) -> tuple[Scene, float]:
    """The scene that stands, and since how long."""
    at_s = since_s
    all_of = scenes(page, width, height)
    for scene in all_of[:-1]:
        if at_s < scene.duration_s:
            return scene, at_s
        at_s -= scene.duration_s
    return all_of[-1], at_s


def _offset_px(over_px: int, at_s: float) -> int:
    return 0 if over_px <= 0 else -min(over_px, max(0, int((at_s - REST_S) * ROLL_PX_PER_S)))
