"""What the journal says of the link: `link.up` and `link.down`, appended when the truth changes and at no other time."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import LinkDown, LinkUp
from appliance.core.errors import CorruptError, FullError, TransientError
from appliance.service import Context

_log = logging.getLogger(__name__)
_RETRY_S: Final = 1.0

Word = Literal["up", "down", "no_consumer", "denied"]


class LinkState:
    """Holds what is wanted to be known and what the journal says; appends until the two agree.

    Quick changes back and forth while an append is under way leave no trace: what counts is what stays.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._recorded: Word | None = None
        self._wanted: Word | None = None
        self._text: str | None = None
        self._changed = asyncio.Event()

    @property
    def word(self) -> Word | None:
        """How the link is."""
        return self._wanted

    def set(self, word: Word, text: str = "") -> None:
        """The link is like this now."""
        if word != self._wanted:
            self._wanted, self._text = word, text or None
            self._changed.set()

    async def run(self, recorded: Word | None) -> None:
        """Keep the journal up to date, for ever. `recorded`: what it said last; None when it never said anything."""
        self._recorded = recorded
        if self._wanted is not None:
            self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.settle()

    async def settle(self) -> None:
        """Return when the journal says what is."""
        while self._wanted != self._recorded and self._wanted is not None:
            word = self._wanted
            try:
                await self._context.emit(_event(word, self._text), name="crm")
            except (FullError, TransientError, CorruptError) as fault:
                _log.error("the link is %s, but the journal does not take it: %s", word, fault)
                await asyncio.sleep(_RETRY_S)
                continue
            self._recorded = word

    async def leave(self) -> None:
        """The service stops in order: the link is down until it runs again. Raises FullError."""
        if self._recorded == "up":
            self._recorded = self._wanted = "down"
            await self._context.emit(LinkDown(reason="unreachable", text="the uplink was stopped in order"), name="crm")


def _event(word: Word, text: str | None) -> Struct:
    if word == "up":
        return LinkUp()
    return LinkDown(reason="unreachable" if word == "down" else word, text=text)
