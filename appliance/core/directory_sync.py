"""Decides how a page that came with a command is filed: all of it and the command's end in one transaction, or nothing of it.

A command that was filed is remembered with what was told of it, so that one that is run again after a kill is only told again.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from appliance.core.directory_card import Filed, card_from, filed_from
from appliance.core.directory_page import Page, Place, Step, step_of
from appliance.core.directory_store import Cards
from appliance.core.e164 import e164, key_of
from appliance.core.errors import CorruptError

_TOLD_MOST: Final = 5


class Told(Struct, frozen=True, omit_defaults=True):
    """How a command ended."""

    state: Literal["done", "refused", "failed"]
    reason: str | None = None
    result: dict[str, Any] | None = None


class Reject(Struct, frozen=True, omit_defaults=True):
    """What of a page was not taken: which of `upserts` or of `deletes` (from 0), and why. Never who."""

    reason: str
    upsert: int | None = None
    delete: int | None = None


class Ready(Struct, frozen=True):
    """A page as it can be filed, and what of it cannot."""

    cards: tuple[Filed, ...]
    customers: tuple[str, ...]
    numbers: tuple[int, ...]
    rejected: tuple[Reject, ...]


def ready_from(page: Page, country: str | None) -> Ready:
    """Read a page's cards: most of the work of filing it, done before anything is locked."""
    cards, rejected = [], []
    for at, raw in enumerate(page.upserts):
        try:
            card, bad = filed_from(card_from(raw), country)
        except ValueError as fault:
            rejected.append(Reject(str(fault), upsert=at))
            continue
        if bad:
            rest = "the card is taken with the others" if card.held.numbers else "the customer has none now"
            rejected.append(Reject(f"bad_number: {bad} of its numbers are none (letters, too short, too long); {rest}", upsert=at))
        cards.append(card)
    customers, numbers = [], []
    for at, text in enumerate(page.deletes):
        if not text.startswith("+"):
            customers.append(text)
        elif (number := e164(text, None)) is not None:
            numbers.append(key_of(number))
        else:
            rejected.append(Reject("bad_number: no number of any country", delete=at))
    return Ready(tuple(cards), tuple(customers), tuple(numbers), tuple(rejected))


def file_page(cards: Cards, command: str, page: Page, ready: Ready, *, wall_ns: int, most: int) -> Told:
    """File a page once, whoever asks how often. `most`: more customers are refused.

    Raises FullError, CorruptError, TransientError (`busy`: somebody else files); nothing is filed then.
    """
    with cards.turn():
        known = cards.settled(command)
        if known is not None:
            return told_from_bytes(known)
        digest = _digest(page)
        with cards.writing():
            told = _filed(cards, page, ready, digest, wall_ns, most)
            cards.settle(command, digest if told.state == "done" else b"", page.version, msgspec.json.encode(told), wall_ns)
        if page.snapshot in ("end", "whole") and told.state == "done":
            with cards.writing():
                cards.drop_old()
        return told


def told_from_bytes(known: bytes) -> Told:
    """What the file remembers of a command. Raises CorruptError."""
    try:
        return msgspec.json.decode(known, type=Told)
    except (msgspec.DecodeError, TypeError) as fault:
        raise CorruptError(f"what the directory remembers of a command is damaged: {fault}") from fault


def _filed(cards: Cards, page: Page, ready: Ready, digest: bytes, wall_ns: int, most: int) -> Told:
    books = cards.books()
    step = step_of(page, Place(books.version, books.load_version))
    if step.refused is not None:
        if step.repeated and cards.was_filed(page.version, digest):
            return Told("done", None, {**_books_row(cards), "already": True})
        return Told("refused", step.refused, _books_row(cards))
    usable = ready.cards or ready.customers or ready.numbers
    if ready.rejected and not usable:
        return Told("refused", f"nothing_usable: {ready.rejected[0].reason}", _rejects_row(ready))
    if page.snapshot is not None and page.deletes:
        return Told("refused", "bad_args: a snapshot has no deletes: who is not in it is gone")
    held = (0 if step.begins else books.load_entries) if step.load else books.entries
    if held + len(ready.cards) > most and (step.load or held + cards.unknown(ready.cards) > most):
        reason = f"too_many: {held} customers are held, and {most} may be ([directory] max_entries)"
        return Told("refused", reason, _books_row(cards))
    row = _loaded(cards, page, ready, step, wall_ns) if step.load else _upserted(cards, page, ready, wall_ns)
    return Told("done", None, {**_books_row(cards), **row, **_rejects_row(ready)})


def _loaded(cards: Cards, page: Page, ready: Ready, step: Step, wall_ns: int) -> dict[str, Any]:
    if step.begins:
        cards.begin_load(page.version)
    counts = cards.load(ready.cards, page.version)
    if step.ends:
        cards.end_load(page.version, wall_ns)
    return {"upserts": counts["filed"]} | ({"left_out": counts["deleted"]} if counts["deleted"] else {})


def _upserted(cards: Cards, page: Page, ready: Ready, wall_ns: int) -> dict[str, Any]:
    abandoned = cards.books().load_version is not None and cards.give_up_load()
    counts = cards.upsert(ready.cards, page.version, newest=True)
    went = cards.delete(ready.customers, ready.numbers, page.version)
    cards.note(page.version, wall_ns)
    return {"upserts": counts["filed"], "deletes": went} | ({"snapshot_given_up": True} if abandoned else {})


def _books_row(cards: Cards) -> dict[str, Any]:
    books = cards.books()
    row: dict[str, Any] = {"version": books.version, "entries": books.entries}
    if books.load_version is not None:
        row["snapshot"] = {"version": books.load_version, "entries": books.load_entries}
    return row


def _rejects_row(ready: Ready) -> dict[str, Any]:
    if not ready.rejected:
        return {}
    return {"rejected": len(ready.rejected), "rejects": [msgspec.to_builtins(each) for each in ready.rejected[:_TOLD_MOST]]}


def _digest(page: Page) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(page, order="deterministic"), digest_size=12).digest()
