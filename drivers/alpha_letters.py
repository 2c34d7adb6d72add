"""Decides which letters an Alpha sign can draw, how each is sent on a 7-bit or an 8-bit line, and what stands in for the rest.

One byte (80H to C1H) needs an 8-bit line; two bytes (08H and 20H to 61H, the same letter plus 60H) pass on every line. What the sign has no
letter for becomes its plain letter (Ó is O), then a question mark, counted. Pure.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from msgspec import Struct

ESCAPE: Final = 0x08
_FIRST: Final = 0x80
#: 80H to C1H. To A8H it is code page 437; B0H to B9H are a South Slavic set whose marks cannot be told apart at five by seven dots, and
#: are never sent; BBH to C1H complete Portuguese. The list ends there: C2H and up draw a question mark.
_TABLE: Final = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿°¡\u2009θΘćĆčČđĐšžŽßŠ\ue0b9ÁÀÃãÊÍÕõ"
_NEVER_SENT: Final = frozenset("ćĆčČđĐšžŽŠ\ue0b9")
_BYTE_OF: Final = {letter: _FIRST + at for at, letter in enumerate(_TABLE) if letter not in _NEVER_SENT}
#: Signs that a board may hold and a sign has no dots for. 7EH is drawn as half a space.
_PLAIN: Final = {
    "\u00a0": " ", "\u202f": " ", "\u2007": " ", "\t": " ", "\n": " ", "\r": " ", "–": "-", "—": "-", "‑": "-", "−": "-", "·": "-",
    "•": "-", "~": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "«": '"', "»": '"', "×": "x", "€": "EUR", "→": ">", "←": "<",
    "▲": "^", "◆": "*", "✕": "X", "≥": ">=", "≤": "<=", "½": "1/2", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "œ": "oe", "Œ": "OE",
}  # fmt: skip
REPLACEMENT: Final = "?"
#: What is given up at the end of a text that has no room.
_CUT: Final = b"..."


class Sent(Struct, frozen=True):
    """A text as bytes: how many letters were replaced by a question mark, and how many found no room."""

    data: bytes
    replaced: int = 0
    cut: int = 0


def bytes_from_text(text: str, *, eight_bit: bool = False, room: int | None = None) -> Sent:
    """Any text as what a sign can draw, in at most `room` bytes; a text that has no room ends in three dots where those fit.

    Control and formatting characters are never sent: a line break is a space, others vanish.

    >>> bytes_from_text("Atención").data, bytes_from_text("Óptimo 😀")
    (b'Atenci\\x08Bn', Sent(data=b'Optimo ?', replaced=1, cut=0))
    """
    # Nothing of a text of megabytes is looked at beyond what a sign could hold: a letter may vanish, so some more is read.
    read = text if room is None else text[: 4 * room + 64]
    pieces, replaced = _pieces(unicodedata.normalize("NFC", read), eight_bit)
    unread = len(text) - len(read)
    if room is None or (not unread and sum(map(len, pieces)) <= room):
        return Sent(b"".join(pieces), replaced)
    tail = _CUT if room > len(_CUT) else b""
    kept, left = 0, room - len(tail)
    while kept < len(pieces) and len(pieces[kept]) <= left:
        left -= len(pieces[kept])
        kept += 1
    return Sent(b"".join(pieces[:kept]) + tail, replaced, len(pieces) - kept + unread)


def _pieces(text: str, eight_bit: bool) -> tuple[list[bytes], int]:
    """Each drawn letter as bytes, and how many are question marks that stand in for another."""
    out: list[bytes] = []
    replaced = 0
    for letter in text:
        piece = _bytes_of(letter, eight_bit)
        if piece is None:
            replaced += 1
            piece = REPLACEMENT.encode()
        if piece:
            out.append(piece)
    return out, replaced


@lru_cache(maxsize=1024)
def _bytes_of(letter: str, eight_bit: bool) -> bytes | None:
    """One letter as bytes: empty for what is not drawn, None for what the sign has nothing for."""
    if letter in _PLAIN:
        return _PLAIN[letter].encode("ascii")
    if " " <= letter < "\x7f":
        return letter.encode("ascii")
    code = _BYTE_OF.get(letter)
    if code is not None:
        return bytes((code,)) if eight_bit else bytes((ESCAPE, code - 0x60))
    if unicodedata.category(letter) in {"Cc", "Cf", "Mn", "Me", "Zl", "Zp"}:
        return b""
    base = "".join(sign for sign in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(sign))
    return base.encode("ascii") if base and base.isascii() and base.isprintable() else None


def letter_from_byte(code: int) -> str | None:
    """The letter that a byte from 80H to C1H draws; None for a byte that draws none.

    >>> letter_from_byte(0xA4), letter_from_byte(0xC2)
    ('ñ', None)
    """
    return _TABLE[code - _FIRST] if _FIRST <= code < _FIRST + len(_TABLE) else None
