"""Decides what a simulated Alpha sign keeps: its memory table with its rules, its files, and what they show when they run. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from drivers.alpha_command import FORBIDDEN_STRINGS, PRIORITY, PRIORITY_BYTES, STRING_BYTES, File, Memory
from drivers.alpha_text import MODES, Segment, segments_from_bytes, shown_from_bytes

#: Measured on a BetaBrite: bytes for each file and for the table besides what they hold.
_FILE_BYTES: Final = 13
_TABLE_BYTES: Final = 6
_DEEP: Final = 3


class Line(Struct, frozen=True):
    """One thing that the display shows: how, and what. `mode` is None for the sign's own."""

    text: str
    mode: str | None = None


class Files:
    """The memory of one sign. Every method that changes something gives what was wrong, in words; an empty text is none."""

    def __init__(self, pool_bytes: int) -> None:
        self.pool_bytes = pool_bytes
        #: As it leaves the factory: one TEXT file.
        self.table: dict[str, File] = {"A": File("A", "text", locked=False, size=pool_bytes - _FILE_BYTES - _TABLE_BYTES, extra="FF00")}
        self.data: dict[str, bytes] = {}
        self.priority: bytes | None = None
        self.run = "A"

    def used_bytes(self) -> int:
        """What the table takes of the pool."""
        return _TABLE_BYTES + sum(_FILE_BYTES + _size(file) for file in self.table.values())

    def configure(self, memory: Memory) -> str:
        """Take a memory table: every file is erased, also when the table is refused."""
        before, self.data = self.table, {}
        wrong = [text for file in memory.files if (text := _fault(file))]
        if len({file.label for file in memory.files}) < len(memory.files):
            wrong.append("a label twice")
        self.table = {file.label: file for file in memory.files if not _fault(file)}
        if self.used_bytes() > self.pool_bytes:
            wrong.append(f"{self.used_bytes()} bytes of a pool of {self.pool_bytes}")
            self.table = before
        return f"memory table: {', '.join(wrong)}" if wrong else ""

    def write_text(self, label: str, data: bytes) -> str:
        """Write a TEXT file; the priority file is always there, and released by no data at all."""
        if label == PRIORITY:
            if len(data) > PRIORITY_BYTES:
                return f"{len(data)} bytes for the priority file's {PRIORITY_BYTES}"
            self.priority = data or None
            return ""
        file = self.table.get(label)
        if file is None or file.kind != "text":
            return f"no TEXT file {label} in the memory table"
        if len(data) > file.size:
            return f"{len(data)} bytes for TEXT {label} of {file.size}"
        self.data[label] = data
        return ""

    def write_string(self, label: str, data: bytes) -> str:
        """Write a STRING file; more than its size empties it."""
        file = self.table.get(label)
        if file is None or file.kind != "string":
            return f"no STRING file {label} in the memory table"
        if len(data) > min(file.size, STRING_BYTES):
            self.data[label] = b""
            return f"{len(data)} bytes for STRING {label} of {file.size}: emptied"
        self.data[label] = data
        return ""

    def answered_table(self) -> Memory:
        """The table as a sign reads it back: the first file has got the rest of the pool."""
        files = list(self.table.values())
        if files and files[0].kind == "text" and files[0].label in self.data:
            first = files[0]
            files[0] = File(first.label, first.kind, first.locked, first.size + self.pool_bytes - self.used_bytes(), first.extra)
        return Memory(tuple(files))

    def shown(self, clock: str) -> list[Line]:
        """What the display shows, one after the other: the priority file alone while it is written, else what runs."""
        if self.priority is not None:
            return self._lines(self.priority, clock)
        return [line for label in self.run if label in self.data and self._is_text(label) for line in self._lines(self.data[label], clock)]

    def strings(self, clock: str) -> dict[str, str]:
        """What each STRING says."""
        return {label: self._resolved(data, clock, 1) for label, data in self.data.items() if not self._is_text(label)}

    def _is_text(self, label: str) -> bool:
        return self.table[label].kind == "text" if label in self.table else False

    def _lines(self, data: bytes, clock: str) -> list[Line]:
        return [Line(self._text(part, clock), MODES.get(part.mode or "")) for part in segments_from_bytes(data)]

    def _text(self, part: Segment, clock: str) -> str:
        return self._resolved(part.data, clock, _DEEP)

    def _resolved(self, data: bytes, clock: str, deep: int) -> str:
        """The letters, with what each call stands for."""
        shown = shown_from_bytes(data)
        out, at = "", 0
        for code in shown.codes:
            out += shown.text[at : code.at]
            at = code.at
            if code.code == "string" and deep and code.value in self.data and not self._is_text(code.value):
                out += self._resolved(self.data[code.value], clock, deep - 1)
            elif code.code == "time":
                out += clock
        return out + shown.text[at:]


def _size(file: File) -> int:
    return (file.size >> 8) * (file.size & 0xFF) // 2 if file.kind == "dots" else file.size


def _fault(file: File) -> str:
    """What is wrong with an entry."""
    if not 0x20 <= ord(file.label) <= 0x7E:
        return f"label {ord(file.label):02X}"
    if file.label == PRIORITY and file.kind == "text":
        return "the priority file stands in no table"
    if file.kind == "string" and file.label in FORBIDDEN_STRINGS:
        return f"a STRING called {file.label}"
    if file.kind == "string" and (not file.locked or file.extra != "0000" or not 0 < file.size <= STRING_BYTES):
        return f"STRING {file.label} is not locked, 0000 and at most {STRING_BYTES} bytes"
    return ""
