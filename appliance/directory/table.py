"""Decides how a file of customers or of numbers is read: CSV or JSON Lines, its encoding and delimiter found by looking, line by line.

A file is of any size and is never in memory as a whole. A line that cannot be read is told with its number, and the others go on.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Literal, Self, TextIO

import msgspec
from msgspec import Struct

from appliance.core.errors import MisconfiguredError
from appliance.directory.column import Member, is_yes, member_of, members_of, plain

Format = Literal["csv", "jsonl"]
#: Longer lines are no customers.
LINE_MOST: Final = 64 * 1024
_DELIMITERS: Final = ";,\t|"
#: Between several numbers in one cell.
_SEVERAL: Final = re.compile(r"[;,|\n]| / ")
_NUMBER: Final = re.compile(r"[+0-9][0-9 ()./-]{4,}")


class Line(Struct, frozen=True):
    """One line: its number in the file (from 1) and the card in it as it came, or why there is none."""

    number: int
    card: Any = None
    fault: str | None = None


class Table:
    """One file. Raises MisconfiguredError: it is not there, or no table of customers."""

    def __init__(self, path: Path, form: Format | None = None, columns: Mapping[str, str] | None = None) -> None:
        """`columns`: member of the card → heading, where the heading alone does not tell."""
        self.path, self._columns = path, {plain(heading): member for member, heading in (columns or {}).items()}
        try:
            # Opened once: who reads on as another user could not open it again.
            self._file = path.open("rb")
            self.bytes = os.fstat(self._file.fileno()).st_size
            self.encoding = _encoding(self._file)
            with self._opened() as file:
                first = next((line for line in iter(lambda: file.readline(LINE_MOST), "") if line.strip()), "")
        except OSError as fault:
            raise MisconfiguredError(f"{path} cannot be read: {fault.strerror}") from fault
        if not first:
            self._file.close()
            raise MisconfiguredError(f"{path} is empty")
        self.form: Format = form or ("jsonl" if first.lstrip().startswith("{") else "csv")
        self.delimiter = max(_DELIMITERS, key=first.count)
        #: How far it was read, of `bytes`.
        self.at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def lines(self) -> Iterator[Line]:
        """Every line with a card. Raises MisconfiguredError for a first line that is no heading."""
        with self._opened() as file:
            yield from self._of_json(file) if self.form == "jsonl" else self._of_csv(file)

    def numbers(self) -> Iterator[Line]:
        """Every line with a number in it, as the card; a plain list of numbers needs no heading."""
        with self._opened() as file:
            rows = self._rows(file)
            first = next(rows, None)
            if first is None:
                return
            number, cells = first
            at = next((index for index, cell in enumerate(cells) if (self._member(cell)) == "numbers"), None)
            if at is None:
                at = next((index for index, cell in enumerate(cells) if _NUMBER.fullmatch(cell.strip())), 0)
                yield Line(number, cells[at].strip() if cells else "")
            for number, cells in rows:
                if any(cells):
                    yield Line(number, cells[at].strip()) if len(cells) > at else Line(number, fault="this line has fewer columns")

    def _opened(self) -> TextIO:
        os.lseek(self._file.fileno(), 0, os.SEEK_SET)  # the buffered seek may stay within its buffer
        return io.TextIOWrapper(os.fdopen(os.dup(self._file.fileno()), "rb"), encoding=self.encoding, newline="")

    def _member(self, heading: str) -> Member | None:
        return self._columns.get(plain(heading)) or member_of(heading)  # type: ignore[return-value]

    def _of_json(self, file: TextIO) -> Iterator[Line]:
        for number, text in _counted(file):
            self.at += len(text)
            if len(text) >= LINE_MOST:
                yield Line(number, fault=f"longer than {LINE_MOST // 1024} KiB")
                continue
            if not text.strip():
                continue
            try:
                card = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError) as fault:
                yield Line(number, fault=f"no JSON: {fault}")
                continue
            yield Line(number, card)

    def _of_csv(self, file: TextIO) -> Iterator[Line]:
        rows = self._rows(file)
        number, headings = next(rows, (0, []))
        named = {index: member for index, heading in enumerate(headings) if (member := self._columns.get(plain(heading)))}
        taken = set(named.values())
        # A heading that was mapped by hand leaves no other one the same member, numbers excepted.
        plainly = ["" if member_of(heading) in taken - {"numbers"} or index in named else heading for index, heading in enumerate(headings)]
        if missing := [heading for heading in self._columns if heading not in {plain(one) for one in headings}]:
            raise MisconfiguredError(f"{self.path}: no column is called {missing[0]!r}")
        members = [member_of(heading) for heading in plainly] if "numbers" in taken else members_of(plainly)
        for index, member in named.items():
            members[index] = member  # type: ignore[call-overload]
        for number, cells in rows:
            if not any(cells):
                continue
            if len(cells) > len(members):
                yield Line(number, fault=f"{len(cells)} columns, and the first line has {len(members)}")
                continue
            try:
                yield Line(number, _card(members, cells))
            except ValueError as fault:
                yield Line(number, fault=str(fault))

    def _rows(self, file: TextIO) -> Iterator[tuple[int, list[str]]]:
        counted = _Counted(file, self)
        reader = csv.reader(counted, delimiter=self.delimiter, strict=False)
        while True:
            began = counted.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as fault:
                raise MisconfiguredError(f"{self.path}:{counted.number}: no CSV: {fault}; is a quote left open above?") from fault
            yield began, cells


class _Counted:
    """The lines of a file, and which one is read."""

    def __init__(self, file: TextIO, table: Table) -> None:
        self._file, self._table, self.number = file, table, 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        text = self._file.readline(LINE_MOST)
        if not text:
            raise StopIteration
        self.number += 1
        self._table.at += len(text)
        return text.replace("\0", "")


def _counted(file: TextIO) -> Iterator[tuple[int, str]]:
    number, tail = 0, False
    while text := file.readline(LINE_MOST):
        if not tail:
            number += 1
            yield number, text
        tail = not text.endswith("\n") and len(text) >= LINE_MOST


def _card(members: list[Member | None], cells: list[str]) -> dict[str, Any]:
    card: dict[str, Any] = {"numbers": []}
    for member, cell in zip(members, (cell.strip() for cell in cells), strict=False):
        if member is None or not cell:
            continue
        if member == "numbers":
            card["numbers"] += [text for text in (part.strip() for part in _SEVERAL.split(cell)) if text]
        elif member == "do_not_call":
            card[member] = is_yes(cell)
        else:
            card[member] = cell
    if surname := card.pop("surname", None):
        card["name"] = f"{card['name']} {surname}" if "name" in card else surname
    return card


def _encoding(file: BinaryIO) -> str:
    """UTF-8 where all of it is, with or without its mark; UTF-16 by its mark; else what Windows writes in the west, or what it once was."""
    head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        file.seek(0)
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else encoding
    return "latin-1"
