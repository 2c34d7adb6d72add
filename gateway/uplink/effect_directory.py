"""Carries out `directory`: a page of customers is kept in a file before its command is journalled, and filed once, on a lane of its own.

The journal holds which page it was, not the cards. After a kill the directory itself tells whether a page was
filed; one that was not, and still waits, is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import Directory, Request
from appliance.core.directory import country_from, directory_path
from appliance.core.directory_page import BYTES_MOST, Page
from appliance.core.directory_pages import FOLDER, Pages
from appliance.core.directory_store import Cards, remove_damaged
from appliance.core.directory_sync import Told, file_page, ready_from, told_from_bytes
from appliance.core.errors import CorruptError, TransientError, UnsupportedError
from appliance.core.store import identity_of
from appliance.service import Context
from gateway.uplink.effect import Order

_log = logging.getLogger(__name__)

VERB: Final = "directory"
_PAGE: Final = msgspec.json.Decoder(Page)
_LOST: Final = "not_filed: the box lost the page before it was filed; send it again under a new id"


class DirectoryDesk:
    """The uplink's hands on the directory: `take` at the door, `file` on the lane. The two may run at the same time."""

    def __init__(self, context: Context) -> None:
        config = context.config
        self._path, self._country, self._most = directory_path(config), country_from(config), config.directory.max_entries
        self._clock = context.clock
        self._pages = Pages(self._path.with_name(FOLDER))
        #: Stays open: to close it would bring the write-ahead log into the file behind every page.
        self._cards: Cards | None = None

    async def take(self, request: Request) -> dict[str, Any]:
        """Keep the page of a command that may run; returns the arguments that its row in the journal has.

        Raises ValueError: the reason why it is refused. FullError: the disk takes nothing.
        """
        body = msgspec.json.encode(request.args)
        if len(body) > BYTES_MOST:
            raise ValueError(f"too_large: a page is {BYTES_MOST // 1024} KiB at most; send fewer cards at once")
        try:
            msgspec.convert(request.args, Page)
        except msgspec.ValidationError as fault:
            raise ValueError(f"bad_args: {fault}") from fault
        if not await asyncio.to_thread(self._pages.put, request.id, body):
            raise ValueError("busy: too many pages wait to be filed; send the next one when they have their replies")
        return {name: value for name, value in request.args.items() if name not in ("upserts", "deletes")}

    async def begin(self, unfinished: Collection[str]) -> None:
        """Drop what a kill left of pages whose commands were never received, or have their end."""
        gone = await asyncio.to_thread(self._pages.keep, unfinished)
        if gone:
            _log.info("%d pages of the directory that belong to no command were dropped", gone)

    async def file(self, order: Order) -> Sequence[Struct]:
        """File it, or tell how it ended when it was filed before. Raises FullError, TransientError: tried again."""
        assert isinstance(order.args, Directory)
        told = await asyncio.to_thread(self._file, order.command)
        return [_finished(order.command.id, told)]

    async def recall(self, command: str) -> CommandFinished | None:
        """How a command ended whose end the journal does not know; None: it was not filed."""
        try:
            told = await asyncio.to_thread(self._recalled, command)
        except (CorruptError, UnsupportedError):
            return None  # the next page that is filed finds that too, and begins the directory anew
        except OSError as fault:
            return CommandFinished(id=command, state="unknown", reason=f"the directory cannot be asked whether it was filed: {fault}"[:200])
        return None if told is None else _finished(command, told)

    async def settled(self, command: str) -> None:
        """Its end is durable: the page is no longer needed."""
        await asyncio.to_thread(self._pages.drop, command)

    def _recalled(self, command: str) -> Told | None:
        known = self._open().settled(command) if self._path.exists() else None
        return None if known is None else told_from_bytes(known)

    def _file(self, received: CommandReceived) -> Told:
        command = received.id
        try:
            if (known := self._recalled(command)) is not None:
                return known
            try:
                page = self._page(received)
            except CorruptError as fault:
                return Told("failed", f"not_filed: {fault}; send it again under a new id")
            except msgspec.ValidationError as fault:
                return Told("refused", f"bad_args: {fault}")
            if page is None:
                return Told("failed", _LOST)
            ready = ready_from(page, self._country)
            return file_page(self._open(), command, page, ready, wall_ns=self._clock.wall_ns(), most=self._most)
        except (CorruptError, UnsupportedError) as fault:
            # A copy: the CRM sees version 0 and sends it anew, and nobody wants to keep customers' data that nobody can read.
            _log.error("the directory cannot be used and is begun anew, the CRM has to send it again: %s", fault)
            self._close()
            remove_damaged(self._path)
            raise TransientError("the directory is begun anew") from fault

    def _page(self, received: CommandReceived) -> Page | None:
        body = self._pages.get(received.id)
        if body is not None:
            return _PAGE.decode(body)
        # Given at the box itself it is whole in the journal.
        return None if received.by == "crm" else msgspec.convert(received.args, Page)

    def _open(self) -> Cards:
        cards = self._cards
        if cards is None or cards.identity != identity_of(self._path):
            self._close()
            self._cards = cards = Cards(self._path)
        return cards

    def _close(self) -> None:
        if self._cards is not None:
            self._cards.close()
            self._cards = None


def _finished(command: str, told: Told) -> CommandFinished:
    return CommandFinished(id=command, state=told.state, reason=told.reason, result=told.result)
