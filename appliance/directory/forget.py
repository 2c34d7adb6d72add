"""Decides how one number goes from the directory: with every customer who has it, and so that no older version brings them back.

In their place stand marks by a salt of the directory's own: what is filed in this version or an older one leaves them out. The CRM's next
page is newer: who is forgotten here has to be forgotten there as well. The do-not-call list keeps the number: who is forgotten would be
called again.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from appliance.core.directory_pages import FOLDER
from appliance.core.directory_store import Cards
from appliance.core.do_not_call import LIST_FILE, DoNotCall
from appliance.core.e164 import e164, key_of


class Gone(Struct, frozen=True, kw_only=True):
    """What went, or would: customers; `listed`: the number stays on the do-not-call list; `left`: what may still hold it, in words."""

    customers: int = 0
    listed: bool = False
    left: tuple[str, ...] = ()


def forget(path: Path, number: str, country: str | None, *, dry: bool) -> Gone:
    """`number` as people write it. Raises what the store raises, TransientError where somebody files meanwhile."""
    meant = e164(number, country)
    if meant is None:
        if not path.exists():
            return Gone()
        where = country or "no country"
        return Gone(left=(f"the directory was not looked into: where {where} dials from this is no whole number; write it with +",))
    key = key_of(meant)
    numbers = DoNotCall(path.with_name(LIST_FILE))
    try:
        listed = numbers.has(key)
    finally:
        numbers.close()
    if not path.exists():
        return Gone(listed=listed)
    cards = Cards(path)
    try:
        return _forgotten(cards, path, key, listed, dry=dry)
    finally:
        cards.close()


def _forgotten(cards: Cards, path: Path, key: int, listed: bool, *, dry: bool) -> Gone:
    left = []
    if dry:
        return Gone(customers=len(cards.owners(key)), listed=listed)
    with cards.turn():
        with cards.writing():
            books = cards.books()
            cards.overwrite()
            owners = cards.owners(key)
            cards.delete(owners, [key], books.version, forgotten=True)
            if cards.give_up_load():
                left.append("a full load was under way and was given up: the CRM has to begin it again, without this customer")
        if not cards.scrub():
            left.append(f"{path}-wal is being read and may still hold it: run this again")
    if waiting := len(list(path.with_name(FOLDER).glob("page-*"))):
        left.append(f"{waiting} pages of the CRM's wait to be filed and may bring it back: run this again when they are")
    return Gone(customers=len(owners), listed=listed, left=tuple(left))
