"""Decides which files a sign holds: one TEXT that goes round, a STRING for each live part so that digits change while it runs. Pure.

STRINGs keep their labels while their figure stands on the board; the memory table only grows, as writing it erases every file. What has no
room is left out from the end, the least important; the count of it is told.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from msgspec import Struct

from appliance.core.config import Sign
from drivers.alpha_command import PRIORITY, PRIORITY_BYTES, STRING_BYTES, File, Memory, WriteText, string_file, text_file
from drivers.alpha_letters import bytes_from_text
from drivers.alpha_text import TIME, call_string, colour, segment, speed
from wallboard.sign.page import Phrase, Sayings, Size, Tone

TEXT: Final = "A"
_LABELS: Final = "abcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ123456789!#$%&()*+,-./:;<=>@[]^_{|}"
#: Bytes of a STRING by what it holds; colours and letters of two bytes among them. STRINGs are allocated so many at a time.
_ROOM: Final[dict[Size, tuple[int, int]]] = {"figure": (40, 8), "row": (96, 4), "long": (STRING_BYTES, 2)}
#: To spare, so that a trouble or a new queue finds its STRING there: writing the table would blank the sign just then. Not where memory is
#: short: spare STRINGs and text may fill only this share of it.
_SPARE: Final[dict[Size, int]] = {"figure": 8, "row": 4, "long": 4}
_SPARE_SHARE: Final = 0.6
_COLOURS: Final[dict[Tone, str]] = {"plain": "green", "dim": "dim_green", "amber": "amber", "red": "red"}
_TITLE_COLOUR: Final = "amber"
#: Digits that a figure is given room for on the display.
_DIGITS: Final = 2
_LABEL_BYTES: Final = 400
_TEXT_STEP: Final = 256
_SPARE_TEXT: Final = 1024
#: The text's part of the memory, which STRINGs leave to it.
_TEXT_PART: Final = 3
#: What the table itself takes, and each file in it (measured).
_TABLE_BYTES, _FILE_BYTES = 6, 13
#: A long urgent text is shown in so many parts at most.
_PARTS: Final = 6


class Plan(Struct, frozen=True):
    """The files as they should be. `owners`: whose figure a STRING is. `left_out` phrases have no room, `replaced` letters no sign."""

    memory: Memory
    text: bytes
    strings: dict[str, bytes]
    owners: dict[str, str]
    left_out: int = 0
    replaced: int = 0


class Planner:
    """Plans the files of one sign; keeps labels and sizes between two plans."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign
        self._labels: dict[Size, dict[str, str]] = {"figure": {}, "row": {}, "long": {}}
        self._pools: dict[Size, list[str]] = {"figure": [], "row": [], "long": []}
        self._text_bytes = 0
        #: How many phrases had room last time: of a board that is far too large not all are tried each time.
        self._fitted: int | None = None

    def plan(self, sayings: Sayings) -> Plan:
        """The files for what is to be said now."""
        phrases = list(sayings.rotation[: None if self._fitted is None else self._fitted + 1])
        while True:
            plan = self._try(phrases, sayings.priority)
            if plan is not None:
                left_out = len(sayings.rotation) - len(phrases)
                self._fitted = len(phrases) if left_out else None
                return Plan(plan.memory, plan.text, plan.strings, plan.owners, left_out, plan.replaced)
            phrases.pop()

    def label_of(self, phrase: Phrase) -> str | None:
        """The STRING that holds a phrase's live part; None where it has none."""
        return self._labels[phrase.size].get(phrase.live)

    def _try(self, phrases: list[Phrase], priority: tuple[Phrase, ...]) -> Plan | None:
        """A plan with these phrases; None when it has no room."""
        live = {phrase.live: phrase for phrase in phrases if phrase.live}
        if not self._allocate(live):
            return None
        parts = [self._segment(phrase) for phrase in phrases]
        text = b"".join(head + data for head, data, _ in parts)
        if self._sign.clock:
            tail = segment(self._colour("plain") + TIME)
            text += tail.head + tail.data
        if len(text) > self._text_bytes:
            sizes = [-(-size // _TEXT_STEP) * _TEXT_STEP for size in (len(text) + _SPARE_TEXT, len(text))]
            bounds = (_SPARE_SHARE * self._sign.memory_bytes, self._sign.memory_bytes)
            fitting = [size for size, bound in zip(sizes, bounds, strict=True) if self._used_bytes(size) <= bound]
            if phrases and not fitting:
                return None
            self._text_bytes = fitting[0] if fitting else sizes[1]
        strings, owners, replaced = {}, {}, sum(count for _, _, count in parts)
        for key, phrase in {**{p.live: p for p in priority if self.label_of(p)}, **live}.items():
            label = self._labels[phrase.size][key]
            data, count = self._value(phrase)
            strings[label], owners[label], replaced = data, key, replaced + count
        return Plan(self._memory(), text, strings, owners, 0, replaced)

    def _allocate(self, live: dict[str, Phrase]) -> bool:
        """Give each live part a label of its size; False when labels or memory run out."""
        grown = []
        for size in _ROOM:
            wanted, pool = sum(phrase.size == size for phrase in live.values()), self._pools[size]
            if not pool or len(pool) < wanted:
                grown.append((size, wanted + _SPARE[size]))
            while len(pool) < wanted:
                if not self._grow(size, self._sign.memory_bytes):
                    return False
        for size, spared in grown:
            while len(self._pools[size]) < spared and self._grow(size, _SPARE_SHARE * self._sign.memory_bytes):
                pass
        for size in _ROOM:
            self._assign(size, [key for key, phrase in live.items() if phrase.size == size])
        return True

    def _grow(self, size: Size, bound: float) -> bool:
        """Some more STRINGs of a size; False when labels or memory run out."""
        room, step = _ROOM[size]
        taken = {label for labels in self._pools.values() for label in labels}
        free = [label for label in _LABELS if label not in taken]
        text_bytes = max(self._text_bytes, self._sign.memory_bytes // _TEXT_PART)
        if len(free) < step or self._used_bytes(text_bytes) + step * (room + _FILE_BYTES) > bound:
            return False
        self._pools[size] += free[:step]
        return True

    def _assign(self, size: Size, wanted: list[str]) -> None:
        """Each keeps its label; a new one gets the label that was given out longest ago: it rarely stands where another just stood."""
        held, pool = self._labels[size], self._pools[size]
        for key in held.keys() - set(wanted):
            del held[key]
        free = [label for label in pool if label not in held.values()]
        for key in wanted:
            if key not in held:
                held[key] = free.pop(0)
                pool.remove(held[key])
                pool.append(held[key])

    def _memory(self) -> Memory:
        strings = sorted(
            ((label, _ROOM[size][0]) for size, pool in self._pools.items() for label in pool), key=lambda each: _LABELS.index(each[0])
        )
        return Memory((text_file(TEXT, self._text_bytes), *(string_file(label, size) for label, size in strings)))

    def _used_bytes(self, text_bytes: int) -> int:
        strings = sum(len(pool) * (_ROOM[size][0] + _FILE_BYTES) for size, pool in self._pools.items())
        return _TABLE_BYTES + _FILE_BYTES + text_bytes + strings

    def _segment(self, phrase: Phrase) -> tuple[bytes, bytes, int]:
        """Head and data of a phrase in the TEXT file, and how many letters were replaced."""
        value = max(_DIGITS, len(phrase.value)) + 1 if phrase.live else 0
        fits = {text: len(text) + value <= self._sign.width for text in (phrase.label, phrase.short or phrase.label)}
        label = phrase.label if fits[phrase.label] or not phrase.short or not fits[phrase.short] else phrase.short
        sent = bytes_from_text(label, room=min(_LABEL_BYTES, self._sign.memory_bytes // 16))
        name = self._labels[phrase.size].get(phrase.live)
        call = (b" " if sent.data else b"") + call_string(name) if name else b""
        tone = _TITLE_COLOUR if phrase.title else _COLOURS["plain" if phrase.live and phrase.size != "long" else phrase.tone]
        part = segment(self._paint(tone) + sent.data + call, "hold" if fits[label] else "rotate")
        return part.head, speed(self._sign.speed) + part.data, sent.replaced

    def _value(self, phrase: Phrase) -> tuple[bytes, int]:
        """A STRING's data, and how many letters were replaced."""
        paint, back = self._colour(phrase.tone), self._colour("plain")
        sent = bytes_from_text(phrase.value, room=_ROOM[phrase.size][0] - len(paint) - len(back))
        return paint + sent.data + back, sent.replaced

    def urgent(self, phrase: Phrase) -> list[bytes]:
        """What the priority file holds for a phrase, one part after the other; a figure is called, so that it goes on changing."""
        lead = speed(self._sign.speed) + self._colour(phrase.tone)
        frame = len(segment(b"").head) + len(lead)
        name = self.label_of(phrase)
        tail = (b" " + call_string(name)) if name else b"" if not phrase.value else b" " + bytes_from_text(phrase.value, room=40).data
        texts = _cut_by_words(phrase.label, PRIORITY_BYTES - frame - len(tail))
        bodies = [lead + text + (tail if at == len(texts) - 1 else b"") for at, text in enumerate(texts)]
        fits = len(phrase.label) + len(phrase.value) < self._sign.width
        return [WriteText(PRIORITY, (segment(data, "hold" if fits else "rotate"),)).body for data in bodies]

    def _colour(self, tone: Tone) -> bytes:
        return self._paint(_COLOURS[tone])

    def _paint(self, name: str) -> bytes:
        return colour(name) if self._sign.colours else b""


def is_same(wanted: Memory, held: Memory) -> bool:
    """Whether a table that was read back is the wanted one: the first file has got the rest of the pool while it plays."""

    def meaning(files: tuple[File, ...]) -> list[tuple[str, str, bool, int]]:
        return [(file.label, file.kind, file.locked, 0 if at == 0 else file.size) for at, file in enumerate(files)]

    first = wanted.files[:1] and held.files[:1]
    return bool(first) and meaning(wanted.files) == meaning(held.files) and held.files[0].size >= wanted.files[0].size


@lru_cache(maxsize=64)  # a long announcement stands for minutes, and is planned four times a second
def _cut_by_words(text: str, room: int) -> list[bytes]:
    """A text in parts that each have room, cut between words; the last of too many ends in dots."""
    parts: list[bytes] = []
    rest = text[: 4 * room * _PARTS]
    while len(parts) < _PARTS - 1:
        whole = bytes_from_text(rest)
        if len(whole.data) <= room:
            return [*parts, whole.data]
        taken = min(len(rest), room)
        while len(bytes_from_text(rest[:taken]).data) > room:
            space = rest.rfind(" ", 0, taken)
            taken = space if space > 0 else min(taken - 1, room // 2)
        parts.append(bytes_from_text(rest[:taken]).data)
        rest = rest[taken:].lstrip()
    return [*parts, bytes_from_text(rest, room=room).data]
