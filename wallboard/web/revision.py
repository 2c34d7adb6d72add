"""Decides when a page that was loaded earlier is no longer the page: one short text over all that a page is made of.

A board hangs for months. The box's software, its configuration and its board files change meanwhile; whoever follows
`/api/stream` is told this text (`setup`) and loads itself anew when it is not the one that it came with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import msgspec

from wallboard.board_set import BoardSet


class Revision:
    """The text, made anew only when the board files were. `parts` is everything else: it stands as long as the process."""

    def __init__(self, boards: BoardSet, parts: Iterable[object]) -> None:
        self._boards = boards
        self._fixed = hashlib.sha256(msgspec.json.encode(list(parts), order="deterministic")).digest()
        self._text, self._of = "", -1

    def __call__(self) -> str:
        """16 hex digits; the same after a restart in which nothing changed."""
        if self._of != self._boards.revision:
            files = sorted(self._boards.files.items())
            body = msgspec.json.encode([files, list(self._boards.faults)], order="deterministic")
            self._text, self._of = hashlib.sha256(self._fixed + body).hexdigest()[:16], self._boards.revision
        return self._text


#: Who asks for the revision: `Revision`, or whatever a test has in its place.
Asked = Callable[[], str]
