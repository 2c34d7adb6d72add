"""Decides what stands in the text of an Alpha sign's file: letters, calls, colours, and in which mode each part comes up. Both ways, pure.

A TEXT file is one segment or several; each may begin with ESC, a position, a mode (and a special effect after mode `n`). What is irregular
is kept in `Segment.head` as it stood.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from drivers.alpha_letters import ESCAPE, bytes_from_text, letter_from_byte

ESC: Final = b"\x1b"
POSITIONS: Final = {" ": "middle", '"': "top", "&": "bottom", "0": "fill", "1": "left", "2": "right"}
MODES: Final = {
    "a": "rotate", "b": "hold", "c": "flash", "e": "roll_up", "f": "roll_down", "g": "roll_left", "h": "roll_right", "i": "wipe_up",
    "j": "wipe_down", "k": "wipe_left", "l": "wipe_right", "m": "scroll", "n": "special", "o": "auto", "p": "roll_in", "q": "roll_out",
    "r": "wipe_in", "s": "wipe_out", "t": "compressed_rotate", "u": "explode", "v": "clock",
}  # fmt: skip
SPECIALS: Final = {
    "0": "twinkle", "1": "sparkle", "2": "snow", "3": "interlock", "4": "switch", "5": "slide", "6": "spray", "7": "starburst",
    "8": "welcome", "9": "slots", "A": "newsflash", "B": "trumpet", "C": "cycle_colours", "S": "thank_you", "U": "no_smoking",
    "V": "no_drink_and_drive", "W": "animal", "X": "fireworks", "Y": "balloon", "Z": "cherry_bomb",
}  # fmt: skip
#: There is no 3AH: after yellow (38H) and rainbow 1 (39H) the list goes on with letters.
COLOURS: Final = {
    "1": "red", "2": "green", "3": "amber", "4": "dim_red", "5": "dim_green", "6": "brown", "7": "orange", "8": "yellow",
    "9": "rainbow_1", "A": "rainbow_2", "B": "mix", "C": "auto",
}  # fmt: skip
#: Inline codes: name and how many bytes follow.
_CODES: Final = {
    0x05: ("double_height", 1), 0x06: ("descenders", 1), 0x07: ("flash", 1), 0x09: ("no_hold", 0), 0x0B: ("date", 1), 0x0C: ("page", 0),
    0x0D: ("line", 0), 0x10: ("string", 1), 0x11: ("wide_off", 0), 0x12: ("wide_on", 0), 0x13: ("time", 0), 0x14: ("dots", 1),
    0x15: ("speed", 0), 0x16: ("speed", 0), 0x17: ("speed", 0), 0x18: ("speed", 0), 0x19: ("speed", 0), 0x1A: ("font", 1),
    0x1C: ("colour", 1), 0x1D: ("attribute", 2), 0x1E: ("spacing", 1),
}  # fmt: skip
_SPEED: Final = 0x15
_FAHRENHEIT_OR_CELSIUS: Final = {0x1C: "celsius", 0x1D: "fahrenheit"}
_SHADES: Final = {"Y", "Z"}  # Alpha 3: six hex digits of red, green and blue follow
#: Drawn when the code stands alone in the text.
_AS_TEXT: Final = {"line": "\n", "page": "\f"}

TIME: Final = b"\x13"


class Code(Struct, frozen=True):
    """One inline code: before which letter of the text it stands, what it is, with which value."""

    at: int
    code: str
    value: str = ""


class Shown(Struct, frozen=True):
    """What data says: the letters alone, and the codes between them."""

    text: str
    codes: tuple[Code, ...] = ()


class Segment(Struct, frozen=True):
    """A part of a TEXT file. `head` is ESC with what belongs to it, as it stood; empty: the mode that was before, or the sign's own."""

    data: bytes
    head: bytes = b""

    @property
    def position(self) -> str | None:
        """A key of POSITIONS where the head is regular."""
        return chr(self.head[1]) if len(self.head) > 1 else None

    @property
    def mode(self) -> str | None:
        """A key of MODES where the head is regular."""
        return chr(self.head[2]) if len(self.head) > 2 else None

    @property
    def special(self) -> str | None:
        """A key of SPECIALS, where the mode is special and the head regular."""
        return chr(self.head[3]) if len(self.head) > 3 else None

    @property
    def fault(self) -> str | None:
        """What is irregular about the head, in words."""
        if not self.head:
            return None
        regular = self.position in POSITIONS and self.mode in MODES and (self.mode != "n" or self.special in SPECIALS)
        return None if regular else f"ESC followed by {self.head[1:].hex(' ').upper() or 'nothing'}: no valid position and mode"


def segment(data: bytes, mode: str = "hold", position: str = "middle") -> Segment:
    """A part of a TEXT file by the names of its mode (a special effect's name too) and position. Raises KeyError for others.

    >>> segment(b"hola", "rotate").head
    b'\\x1b a'
    """
    place = _KEY_OF_POSITION[position]
    how = f"n{_KEY_OF_SPECIAL[mode]}" if mode in _KEY_OF_SPECIAL else _KEY_OF_MODE[mode]
    return Segment(data, ESC + f"{place}{how}".encode("ascii"))


_KEY_OF_POSITION: Final = {name: key for key, name in POSITIONS.items()}
_KEY_OF_MODE: Final = {name: key for key, name in MODES.items() if name != "special"}
_KEY_OF_SPECIAL: Final = {name: key for key, name in SPECIALS.items()}
_KEY_OF_COLOUR: Final = {name: key for key, name in COLOURS.items()}


def segments_from_bytes(data: bytes) -> tuple[Segment, ...]:
    """The parts of a TEXT file's data; their heads and data, in order, are the data again.

    >>> [part.data for part in segments_from_bytes(b"uno\\x1b bdos")]
    [b'uno', b'dos']
    """
    first, *rest = data.split(ESC)
    parts = [Segment(first)] if first or not rest else []
    for piece in rest:
        size = 3 if piece[1:2] == b"n" else 2
        parts.append(Segment(piece[size:], ESC + piece[:size]))
    return tuple(parts)


def shown_from_bytes(data: bytes) -> Shown:
    """What data says. Codes without their value, and bytes that mean nothing, are told as `cut_off` and `unknown`; never raises.

    >>> shown_from_bytes(b"Ma\\x08Dana \\x10a")
    Shown(text='Mañana ', codes=(Code(at=7, code='string', value='a'),))
    """
    letters: list[str] = []
    codes: list[Code] = []
    at = 0
    while at < len(data):
        byte = data[at]
        at += 1
        if 0x20 <= byte < 0x7F:
            letters.append(chr(byte))
        elif byte >= 0x7F:
            letters.append(letter_from_byte(byte) or "\ufffd")
        elif byte == ESCAPE:
            at = _extended(data, at, letters, codes)
        elif byte in _CODES:
            at = _code(data, at, letters, codes)
        else:
            codes.append(Code(len(letters), "unknown", f"{byte:02X}"))
    return Shown("".join(letters), tuple(codes))


def _extended(data: bytes, at: int, letters: list[str], codes: list[Code]) -> int:
    """The byte after 08H: a letter, the temperature, a counter."""
    if at == len(data):
        codes.append(Code(len(letters), "cut_off", "08"))
        return at
    byte = data[at]
    letter = letter_from_byte(byte + 0x60) if 0x20 <= byte <= 0x61 else None
    if letter is not None:
        letters.append(letter)
    elif byte in _FAHRENHEIT_OR_CELSIUS:
        codes.append(Code(len(letters), "temperature", _FAHRENHEIT_OR_CELSIUS[byte]))
    elif 0x7A <= byte <= 0x7E:
        codes.append(Code(len(letters), "counter", str(byte - 0x79)))
    else:
        codes.append(Code(len(letters), "unknown", f"08 {byte:02X}"))
    return at + 1


def _code(data: bytes, at: int, letters: list[str], codes: list[Code]) -> int:
    byte = data[at - 1]
    name, size = _CODES[byte]
    if byte == 0x1C and data[at : at + 1].decode("latin-1") in _SHADES:
        size = 7
    value = data[at : at + size]
    if len(value) < size:
        codes.append(Code(len(letters), "cut_off", (data[at - 1 : at + size]).hex(" ").upper()))
        return len(data)
    said = str(byte - _SPEED + 1) if name == "speed" else value.decode("latin-1")
    codes.append(Code(len(letters), name, COLOURS.get(said, said) if name == "colour" else said))
    letters.append(_AS_TEXT.get(name, ""))
    if not letters[-1]:
        letters.pop()
    return at + size


def letters(text: str) -> bytes:
    """A text's letters for a line of any kind, unbounded; `alpha_letters.bytes_from_text` counts and bounds."""
    return bytes_from_text(text).data


def colour(name: str) -> bytes:
    """What follows is in this colour, where the sign has colours. Raises KeyError for another name."""
    return b"\x1c" + _KEY_OF_COLOUR[name].encode("ascii")


def call_string(label: str) -> bytes:
    """Here stands what the STRING file holds, always its newest."""
    return b"\x10" + label.encode("ascii")


def speed(step: int) -> bytes:
    """How long a text stands and how fast it moves, 1 (slowest) to 5."""
    if not 1 <= step <= 5:
        raise ValueError(f"a sign's speed is 1 to 5, not {step}")
    return bytes((_SPEED + step - 1,))


def flash(*, on: bool) -> bytes:
    """What follows flashes, or no longer does."""
    return b"\x071" if on else b"\x070"
