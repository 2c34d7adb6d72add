"""Decides on which line every key and value of a TOML text stands, since tomllib does not tell. Pure.

Made for texts that tomllib has already accepted: on anything else it raises ValueError or finds too little, but
never hangs. Paths are tuples of keys and of list indices: `("wallboard", "tv", "allow", 1)`.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

Path = tuple[str | int, ...]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_BLANK: Final = re.compile(r"[ \t]*")
_VOID: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_END: Final = re.compile(r"[ \t]*\.[ \t]*")
_BASIC: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL: Final = re.compile(r"'[^'\n]*'")
#: A multi-line string may end in up to two quotes of its own before the three that close it.
_BASIC_BLOCK: Final = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL)
_LITERAL_BLOCK: Final = re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL)
_PLAIN: Final = re.compile(r"[^,\]}#\n]+")


def lines_from_toml(text: str) -> dict[Path, int]:
    """The line (from 1) of each table header, key and list item; a table made by dotted keys has its first key's line.

    >>> lines_from_toml('[a]\\nb = [1,\\n  2]\\n')[("a", "b", 1)]
    3
    """
    return _Scan(text).lines


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text.replace("\r\n", "\n"), 0
        self._counted, self._line = 0, 1
        self.lines: dict[Path, int] = {}
        self._items: dict[Path, int] = {}
        table: Path = ()
        while self._skip(_VOID) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"line {self._here()}: not TOML")
        self._at = match.end()
        return self._at

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _expect(self, mark: str) -> None:
        self._skip(_BLANK)
        if not self._text.startswith(mark, self._at):
            raise ValueError(f"line {self._here()}: {mark!r} expected")
        self._at += len(mark)

    def _header(self) -> Path:
        line = self._here()
        double = self._text.startswith("[[", self._at)
        self._at += 2 if double else 1
        keys = self._key()
        self._expect("]]" if double else "]")
        path: Path = ()
        for key in keys[:-1]:
            path = self._newest((*path, key))
            self.lines.setdefault(path, line)
        path = (*path, keys[-1])
        if double:
            self.lines.setdefault(path, line)
            self._items[path] = self._items.get(path, -1) + 1
            path = self._newest(path)
            self.lines[path] = line
        else:
            self.lines[path] = line
        return path

    def _newest(self, path: Path) -> Path:
        """A path into a list of tables means its newest table."""
        return (*path, self._items[path]) if path in self._items else path

    def _key(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_BLANK)
            start, quote = self._at, self._text[self._at : self._at + 1]
            self._skip(_BASIC if quote == '"' else _LITERAL if quote == "'" else _BARE)
            raw = self._text[start : self._at]
            keys.append(next(iter(tomllib.loads(f"{raw}=0"))) if quote in ('"', "'") else raw)
            dot = _KEY_END.match(self._text, self._at)
            if dot is None:
                return keys
            self._at = dot.end()

    def _pair(self, table: Path) -> None:
        line = self._here()
        keys = self._key()
        self._expect("=")
        path = table
        for key in keys:
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        start = self._text[self._at : self._at + 3]
        if start.startswith("["):
            self._list(path)
        elif start.startswith("{"):
            self._inline(path)
        elif start == '"""':
            self._skip(_BASIC_BLOCK)
        elif start == "'''":
            self._skip(_LITERAL_BLOCK)
        elif start.startswith('"'):
            self._skip(_BASIC)
        elif start.startswith("'"):
            self._skip(_LITERAL)
        else:
            self._skip(_PLAIN)

    def _list(self, path: Path) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_VOID)
            if self._text.startswith("]", self._at):
                self._at += 1
                return
            item = (*path, index)
            self.lines[item] = self._here()
            self._value(item)
            index += 1
            self._skip(_VOID)
            if self._text.startswith(",", self._at):
                self._at += 1
            elif not self._text.startswith("]", self._at):
                raise ValueError(f"line {self._here()}: ',' or ']' expected")

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            # TOML 1.1 allows line ends and a last comma here; 1.0 has neither, so that allowing them does no harm.
            self._skip(_VOID)
            if self._text.startswith("}", self._at):
                self._at += 1
                return
            self._pair(path)
            self._skip(_VOID)
            if self._text.startswith(",", self._at):
                self._at += 1
            elif not self._text.startswith("}", self._at):
                raise ValueError(f"line {self._here()}: ',' or '}}' expected")
