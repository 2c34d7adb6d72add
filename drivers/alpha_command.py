"""Decides what each command to an Alpha sign means, both ways: `command_from_body` and `.body` are inverse for any bytes. Pure.

Write codes: A TEXT, G STRING, I K M pictures, E special functions; read codes: B, H, J L N, F. A sign answers a read with the write code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from msgspec import Struct

from drivers.alpha_text import Segment, segments_from_bytes

#: The priority TEXT file: always there, never in the memory table; writing it preempts every other file.
PRIORITY: Final = "0"
PRIORITY_BYTES: Final = 125
STRING_BYTES: Final = 125
#: A STRING may not be called 0 (the priority file) nor ? (a wildcard).
FORBIDDEN_STRINGS: Final = frozenset("0?")

Kind = Literal["text", "string", "dots"]
_KINDS: Final[dict[str, Kind]] = {"A": "text", "B": "string", "D": "dots"}
_LETTER_OF: Final = {kind: letter for letter, kind in _KINDS.items()}
_ENTRY_BYTES: Final = 11
#: What is drawn where a TEXT file may always run.
ALWAYS: Final = "FFFF"


class WriteText(Struct, frozen=True, tag="text"):
    """Write a TEXT file. The priority file with no segment at all is its release; with an empty one it blanks the sign."""

    label: str
    segments: tuple[Segment, ...] = ()

    @property
    def body(self) -> bytes:
        return f"A{self.label}".encode("latin-1") + b"".join(part.head + part.data for part in self.segments)


class WriteString(Struct, frozen=True, tag="string"):
    """Write a STRING file: what TEXT files call; the running text is not restarted."""

    label: str
    data: bytes

    @property
    def body(self) -> bytes:
        return f"G{self.label}".encode("latin-1") + self.data


class WriteDots(Struct, frozen=True, tag="dots"):
    """Write a picture (I small, K in full colour, M large); its data is passed through."""

    command: str
    label: str
    data: bytes

    @property
    def body(self) -> bytes:
        return f"{self.command}{self.label}".encode("latin-1") + self.data


class Read(Struct, frozen=True, tag="read"):
    """Ask for a file: B TEXT, H STRING, J L N pictures."""

    command: str
    label: str

    @property
    def body(self) -> bytes:
        return f"{self.command}{self.label}".encode("latin-1")


class ReadSpecial(Struct, frozen=True, tag="read_special"):
    """Ask for what a special function holds: `"` general information, `#` pool, `$` memory table, ` ` time, `*` error status."""

    function: str

    @property
    def body(self) -> bytes:
        return f"F{self.function}".encode("latin-1")


class File(Struct, frozen=True):
    """An entry of the memory table. `size`: bytes; of a picture 256 × rows + columns. `extra`: times of a TEXT, colours of a picture."""

    label: str
    kind: Kind
    locked: bool
    size: int
    extra: str

    @property
    def entry(self) -> bytes:
        """The eleven characters."""
        return f"{self.label}{_LETTER_OF[self.kind]}{'L' if self.locked else 'U'}{self.size:04X}{self.extra}".encode("latin-1")


class Memory(Struct, frozen=True, tag="memory"):
    """Write the memory table. It erases every file; empty it clears all."""

    files: tuple[File, ...] = ()

    @property
    def body(self) -> bytes:
        return b"E$" + b"".join(file.entry for file in self.files)


class RunSequence(Struct, frozen=True, tag="run_sequence"):
    """Which TEXT files play, in order. `order`: T by their times, S whatever their times, D deleted when over."""

    order: str
    locked: bool
    labels: str

    @property
    def body(self) -> bytes:
        return f"E.{self.order}{'L' if self.locked else 'U'}{self.labels}".encode("latin-1")


class Tone(Struct, frozen=True, tag="tone"):
    """Sound: 0 continuous, 1 three beeps, 2 as told: frequency two hex digits, duration and repeats one each."""

    kind: str
    frequency: str = ""
    duration: str = ""
    repeats: str = ""

    @property
    def body(self) -> bytes:
        return f"E({self.kind}{self.frequency}{self.duration}{self.repeats}".encode("latin-1")


class Special(Struct, frozen=True, tag="special"):
    """Any other special function, by its sign; `data` as it stands."""

    function: str
    data: str = ""

    @property
    def body(self) -> bytes:
        return f"E{self.function}{self.data}".encode("latin-1")


class Other(Struct, frozen=True, tag="other"):
    """What is none of these, or is irregular: kept as it stood."""

    raw: bytes

    @property
    def body(self) -> bytes:
        return self.raw


Command = WriteText | WriteString | WriteDots | Read | ReadSpecial | Memory | RunSequence | Tone | Special | Other


def text_file(label: str, size: int) -> File:
    """An entry for a TEXT file that may always run, locked against the infrared keyboard."""
    return File(label, "text", locked=True, size=size, extra=ALWAYS)


def string_file(label: str, size: int) -> File:
    """An entry for a STRING file; STRINGs must be locked."""
    return File(label, "string", locked=True, size=size, extra="0000")


def set_time(hhmm: str) -> Special:
    """Set the sign's clock; it has no seconds."""
    return Special(" ", hhmm)


def time_format(*, hours: Literal[12, 24] = 24) -> Special:
    """How the sign's clock is drawn."""
    return Special("'", "M" if hours == 24 else "S")


def set_day(day: int) -> Special:
    """Set the day of the week, 1 is Sunday, 7 Saturday."""
    return Special("&", str(day))


def set_date(mmddyy: str) -> Special:
    """Set the date of signs that have one."""
    return Special(";", mmddyy)


def set_address(address: str) -> Special:
    """Give the sign its address, two hex digits."""
    return Special("7", address)


def soft_reset() -> Special:
    """Start the sign anew; its files stay. It is deaf for ten seconds."""
    return Special(",")


def ack_mode(*, on: bool) -> Special:
    """Alpha 2 and 3: acknowledge what is written."""
    return Special("s", "1" if on else "0")


def speaker(*, on: bool) -> Special:
    """Let tones sound, or not."""
    return Special("!", "00" if on else "FF")


def clear_error() -> Special:
    """Forget the serial errors."""
    return Special("4")


def command_from_body(body: bytes) -> Command:
    """What a packet's body means; its `.body` is always this body. Never raises.

    >>> command_from_body(b"A0"), command_from_body(b"E(1")
    (WriteText(label='0', segments=()), Tone(kind='1', frequency='', duration='', repeats=''))
    """
    letter = chr(body[0]) if body else ""
    reader = _READERS.get(letter)
    command = reader(body) if reader is not None and len(body) > 1 else None
    return command if command is not None and command.body == body else Other(body)


def _text(body: bytes) -> Command:
    return WriteText(chr(body[1]), segments_from_bytes(body[2:]) if len(body) > 2 else ())


def _string(body: bytes) -> Command:
    return WriteString(chr(body[1]), body[2:])


def _dots(body: bytes) -> Command:
    return WriteDots(chr(body[0]), chr(body[1]), body[2:])


def _read(body: bytes) -> Command:
    return Read(chr(body[0]), chr(body[1]))


def _read_special(body: bytes) -> Command:
    return ReadSpecial(body[1:].decode("latin-1"))


def _special(body: bytes) -> Command | None:
    function, data = chr(body[1]), body[2:].decode("latin-1")
    if function == "$":
        return _memory(body[2:])
    if function == "." and len(data) >= 2 and data[1] in "UL":
        return RunSequence(data[0], data[1] == "L", data[2:])
    if function == "(" and data:
        return Tone(data[0], data[1:3], data[3:4], data[4:])
    return Special(function, data)


def _memory(table: bytes) -> Memory | None:
    files = []
    for at in range(0, len(table), _ENTRY_BYTES):
        entry = table[at : at + _ENTRY_BYTES].decode("latin-1")
        kind = _KINDS.get(entry[1:2])
        try:
            size = int(entry[3:7], 16)
        except ValueError:
            return None
        if kind is None or len(entry) < _ENTRY_BYTES or entry[2] not in "UL":
            return None
        files.append(File(entry[0], kind, entry[2] == "L", size, entry[7:]))
    return Memory(tuple(files))


_READERS: Final[dict[str, Callable[[bytes], Any]]] = {
    "A": _text, "G": _string, "E": _special, "F": _read_special, "B": _read, "H": _read,
    **dict.fromkeys("IKM", _dots), **dict.fromkeys("JLN", _read),
}  # fmt: skip
