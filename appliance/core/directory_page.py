"""Decides whether a page of the directory follows what the box holds: pure. Nothing of one that does not is run.

Pages have versions, one after the other: a page says which version it makes (`version`) and which one it follows (`after`, the one before
unless told). A full load (`snapshot`) is a row of pages of the same kind, `begin`, `more` …, `end`, or one alone, `whole`; it may begin at
any version, and its last page's is the directory's then.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

#: So many cards and deletions one page has at most.
CARDS_MOST = 1_000
#: So long a page is at most, as JSON.
BYTES_MOST = 512 * 1024

Part = Literal["begin", "more", "end", "whole"]
Version = Annotated[int, Meta(ge=1, le=2**53)]


class Page(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a `directory` command asks, once it was found to be one. `deletes`: customers, or numbers with `+`."""

    version: Version
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    snapshot: Part | None = None
    upserts: Annotated[tuple[dict[str, Any], ...], Meta(max_length=CARDS_MOST)] = ()
    deletes: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=CARDS_MOST)] = ()


class Place(Struct, frozen=True):
    """Where the directory stands, and a full load that is under way."""

    version: int
    load_version: int | None = None


class Step(Struct, frozen=True):
    """What is to be done with a page: nothing (`refused`, a reason that begins with a word for programs; `repeated`: it may have been filed
    already), or to begin, to go on with, to end a full load; `load` False: to file it at once.
    """

    refused: str | None = None
    repeated: bool = False
    load: bool = False
    begins: bool = False
    ends: bool = False


def step_of(page: Page, place: Place) -> Step:
    """Whether a page follows.

    >>> step_of(Page(version=8), Place(7)).refused, step_of(Page(version=20, after=7), Place(7)).refused
    (None, None)
    >>> step_of(Page(version=9), Place(7)).refused
    'out_of_order: the box holds 7; send 8 (after 7), or a snapshot'
    >>> step_of(Page(version=7), Place(7)).refused
    'old_page: the box holds 7 already'
    """
    after = page.version - 1 if page.after is None else page.after
    if after >= page.version:
        return Step(f"bad_version: {page.version} cannot follow {after}")
    if page.snapshot in ("begin", "whole"):
        return Step(load=True, begins=True, ends=page.snapshot == "whole")
    if page.snapshot is not None:
        if place.load_version is None:
            if page.version <= place.version:
                return Step(f"old_page: the box holds {place.version} already", repeated=True)
            return Step("no_snapshot: none is under way; begin one")
        return _following(page, after, place.load_version, "the snapshot") or Step(load=True, ends=page.snapshot == "end")
    return _following(page, after, place.version, "the box") or Step()


def _following(page: Page, after: int, held: int, who: str) -> Step | None:
    if after == held:
        return None
    if page.version <= held:
        return Step(f"old_page: {who} holds {held} already", repeated=True)
    return Step(f"out_of_order: {who} holds {held}; send {held + 1} (after {held}), or a snapshot")
