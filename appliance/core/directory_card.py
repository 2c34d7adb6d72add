"""Decides what a customer's card is, as the box holds it, and what of one that comes from outside is taken.

A member that is not known is left out, so that a CRM may send what a newer box reads; one of the wrong type makes its card unusable.
A number that is none (letters, too short) is left out and told; the card is taken with the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from appliance.core.e164 import e164, key_of
from appliance.core.errors import CorruptError

#: So many numbers a customer may have.
NUMBERS_MOST: Final = 16
TEXT_MOST: Final = 200

_Text = Annotated[str, Meta(max_length=TEXT_MOST)]


class Card(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the box knows of who calls. `number` is the one that was looked up (E.164), `version` the directory's when this was written.

    `sharing`: how many customers have this number, himself included, counted up to 10; the card is the one filed last.
    """

    customer: str
    number: str
    name: str | None = None
    segment: str | None = None
    language: str | None = None
    last_case: str | None = None
    do_not_call: bool = False
    vip: bool = False
    version: int = 0
    sharing: int = 1


class CardIn(Struct, frozen=True, kw_only=True):
    """A card as it comes: `numbers` as people write them."""

    customer: Annotated[str, Meta(min_length=1, max_length=TEXT_MOST)]
    numbers: Annotated[tuple[Annotated[str, Meta(max_length=TEXT_MOST)], ...], Meta(max_length=NUMBERS_MOST)]
    name: _Text | None = None
    segment: _Text | None = None
    language: _Text | None = None
    last_case: _Text | None = None
    do_not_call: bool = False


class Held(Struct, frozen=True, array_like=True):
    """A card as it is filed: its numbers as integers (`e164.key_of`)."""

    numbers: tuple[int, ...]
    name: str | None = None
    segment: str | None = None
    language: str | None = None
    last_case: str | None = None
    do_not_call: bool = False


class Filed(Struct, frozen=True):
    """A card ready to be filed."""

    customer: str
    held: Held


def card_from(raw: Any) -> CardIn:
    """A card of a page or a line. Raises ValueError: which member is wrong, never with what stands in it."""
    try:
        card = msgspec.convert(raw, CardIn)
    except msgspec.ValidationError as fault:
        raise ValueError(f"bad_card: {fault}") from fault
    if not card.customer.isprintable() or card.customer != card.customer.strip():
        raise ValueError("bad_card: customer has spaces at its ends or letters that cannot be printed")
    return card


def filed_from(card: CardIn, country: str | None) -> tuple[Filed, int]:
    """The card with its numbers as E.164, each once, and how many of them are none."""
    keys = numbers_from(card.numbers, country)
    good = dict.fromkeys(key for key in keys if key is not None)
    held = Held(tuple(good), card.name or None, card.segment or None, card.language or None, card.last_case or None, card.do_not_call)
    return Filed(card.customer, held), keys.count(None)


def numbers_from(texts: Sequence[str], country: str | None) -> list[int | None]:
    """Each as its key, None for what is no number."""
    return [None if (number := e164(text, country)) is None else key_of(number) for text in texts]


def bytes_from_held(held: Held) -> bytes:
    """As it stands in the file."""
    return msgspec.msgpack.encode(held)


_HELD: Final = msgspec.msgpack.Decoder(Held)


def held_from_bytes(body: bytes) -> Held:
    """The other way. Raises CorruptError."""
    try:
        return _HELD.decode(body)
    except (msgspec.DecodeError, TypeError) as fault:
        raise CorruptError(f"a card of the directory is damaged: {fault}; see `callfloor directory verify`") from fault
