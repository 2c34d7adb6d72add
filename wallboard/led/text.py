"""Decides which dots a text lights on an LED chain: our own font, sign by sign, whatever the text holds. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

from PIL import Image

from drivers.led_matrix import Ink
from wallboard.led.glyphs import GLYPHS, MISSING

GAP_PX: Final = 1
#: A text of this many signs rolls for 50 s; of a longer one the beginning is shown, and … says that there is more.
MOST_SIGNS: Final = 250
#: What telephones and word processors write for signs that the font has.
_PLAINER: Final = str.maketrans({
    **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’‚`´", "'"), **dict.fromkeys("—―", "–"), **dict.fromkeys("‐‑−", "-"), "•": "·",
})  # fmt: skip
_UNSEEN: Final = {"Cf", "Mn", "Me", "Cc", "Cs", "Co"}


def glyph_text(text: str, most: int = MOST_SIGNS) -> str:
    """The text in signs that the font has: composed, on one line, whatever has no glyph marked as missing; at most `most` signs.

    >>> glyph_text("Atención\\n n\\u0303 \\u200b😀")
    'Atención ñ \ufffd'
    >>> glyph_text("abcdef", most=4)
    'abc…'
    """
    # A sign is at most a dozen code points here: what lies further is never looked at, however long the text.
    flat = " ".join(unicodedata.normalize("NFC", text[: 12 * most]).split())
    signs = "".join(_sign(sign) for sign in flat.translate(_PLAINER) if unicodedata.category(sign) not in _UNSEEN).strip()
    cut = len(signs) > most or len(text) > 12 * most
    return signs[: most - 1].rstrip() + "…" if cut else signs


def _sign(sign: str) -> str:
    """The sign itself; of a letter whose mark the font lacks (ö, š) the letter alone."""
    plain = sign if sign in GLYPHS else unicodedata.normalize("NFD", sign)[0]
    return plain if plain in GLYPHS else MISSING


def width_px(text: str) -> int:
    """Columns that a text takes, one blank column between two signs.

    >>> width_px("11:11") == width_px("88:88")
    True
    """
    return max(0, sum(len(GLYPHS[sign][0]) + GAP_PX for sign in text) - GAP_PX)


def draw(image: Image.Image, x_px: int, y_px: int, text: str, ink: Ink = Ink.PLAIN, scale: int = 1) -> None:
    """Draw a text with its top left corner at (x, y), each dot `scale` pixels wide and high; what lies beside the image is not drawn.

    The signs are those of `glyph_text`.
    """
    width, height = image.size
    dots = image.load()
    assert dots is not None
    for sign in text:
        rows = GLYPHS[sign]
        if x_px >= width:
            return
        if x_px > -len(rows[0]) * scale:
            for dy in range(min(len(rows) * scale, height - y_px)):
                row = rows[dy // scale]
                for dx in range(len(row) * scale):
                    if row[dx // scale] == "#" and 0 <= x_px + dx < width:
                        dots[x_px + dx, y_px + dy] = int(ink)
        x_px += (len(rows[0]) + GAP_PX) * scale


def dark(width: int, height: int) -> Image.Image:
    """A chain with no LED lit."""
    return Image.new("L", (width, height))
