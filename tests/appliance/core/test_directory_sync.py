"""Pages in any order, repeated and wrong, loads given up and ended, deletions: what is held is what a plain dictionary would hold."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.directory_card import held_from_bytes
from appliance.core.directory_page import Page, Place, step_of
from appliance.core.directory_reader import Reader
from appliance.core.directory_store import Cards
from appliance.core.directory_sync import file_page, ready_from
from appliance.core.e164 import number_of
from appliance.core.errors import CorruptError
from appliance.sim.floor_cli import memory_folder

CUSTOMERS = [f"c{n}" for n in range(5)]
NUMBERS = [f"+59399123456{n}" for n in range(6)]
cards = st.fixed_dictionaries(
    {
        "customer": st.sampled_from(CUSTOMERS),
        "numbers": st.lists(st.sampled_from([*NUMBERS, "12", "no"]), max_size=3),
        "name": st.sampled_from("xyz"),
    }
)
pages = st.builds(
    Page,
    version=st.integers(1, 12),
    after=st.none() | st.integers(0, 11),
    snapshot=st.sampled_from([None, None, None, "begin", "more", "end", "whole"]),
    upserts=st.lists(cards, max_size=4).map(tuple),
    deletes=st.lists(st.sampled_from([*CUSTOMERS, *NUMBERS]), max_size=2).map(tuple),
)


class Plain:
    """The same by a dictionary: customer → (numbers, name)."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[tuple[str, ...], str]] = {}
        self.load: dict[str, tuple[tuple[str, ...], str]] | None = None
        self.place = Place(0)

    def file(self, page: Page) -> bool:
        step = step_of(page, self.place)
        usable = [card for card in page.upserts if True]
        if step.refused or (page.snapshot and page.deletes):
            return False
        if step.load:
            load = {} if step.begins or self.load is None else self.load
            for card in usable:
                self._put(load, card, gone=False)
            self.load = None if step.ends else load
            if step.ends:
                self.held = load
            self.place = Place(page.version) if step.ends else Place(self.place.version, page.version)
            return True
        self.load = None
        for card in usable:
            self._put(self.held, card, gone=True)
        for each in page.deletes:
            self.held.pop(each, None)
            self.held = {
                customer: (left, name)
                for customer, (numbers, name) in self.held.items()
                if (left := tuple(number for number in numbers if number != each))
            }
        self.place = Place(page.version)
        return True

    @staticmethod
    def _put(into: dict[str, tuple[tuple[str, ...], str]], card: dict[str, Any], *, gone: bool) -> None:
        numbers = tuple(dict.fromkeys(number for number in card["numbers"] if number in NUMBERS))
        if numbers:
            into[card["customer"]] = (numbers, card["name"])
        elif gone:
            into.pop(card["customer"], None)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(pages, st.booleans(), st.booleans()), max_size=12))
def test_as_a_dictionary_would(steps: list[tuple[Page, bool, bool]]) -> None:
    """Each page is filed, some of them again under the same id as after a kill; most are made to follow, so that some get through."""
    with TemporaryDirectory(dir=memory_folder()) as folder:
        path, plain = Path(folder) / "directory.db", Plain()
        store = Cards(path)
        for number, (drawn, follows, again) in enumerate(steps):
            page = drawn
            if follows:
                held = plain.place.load_version if page.snapshot in ("more", "end") else plain.place.version
                page = Page(
                    version=(held or 0) + 1, snapshot=page.snapshot, upserts=page.upserts, deletes=() if page.snapshot else page.deletes
                )
            ready = ready_from(page, "EC")
            told = file_page(store, f"p{number}", page, ready, wall_ns=1, most=1_000)
            if again:
                assert file_page(store, f"p{number}", page, ready, wall_ns=2, most=1_000) == told
            repeated = told.result is not None and told.result.get("already", False)
            assert (told.state == "done") == (plain.file(page) or repeated), told
        reader = Reader(path)
        assert reader.faults() == []
        found = {}
        for customer, _, body in reader.walk():
            held = held_from_bytes(body)
            found[customer] = (tuple(number_of(key) for key in held.numbers), held.name)
        assert found == plain.held
        books = reader.books()
        assert books is not None
        assert (books.version, books.load_version, books.entries) == (plain.place.version, plain.place.load_version, len(plain.held))
        for number in NUMBERS:
            owners = {customer for customer, (numbers, _) in plain.held.items() if number in numbers}
            assert {row.customer for row in reader.cards(int(number[1:]), 99)} == owners
        reader.close()
        store.close()


def test_more_than_may_be_are_refused(tmp_path: Path) -> None:
    store = Cards(tmp_path / "directory.db")
    many = tuple({"customer": f"c{n}", "numbers": [f"09{80000000 + n}"]} for n in range(11))
    for page in (Page(version=1, upserts=many), Page(version=1, upserts=many, snapshot="whole")):
        told = file_page(store, f"p-{page.snapshot}", page, ready_from(page, "EC"), wall_ns=1, most=10)
        assert told.state == "refused"
        assert told.reason is not None
        assert told.reason.startswith("too_many")
    store.close()


def test_a_directory_that_is_full_takes_changes_of_who_is_held(tmp_path: Path) -> None:
    store = Cards(tmp_path / "directory.db")

    def told(version: int, *customers: int) -> str:
        many = tuple({"customer": f"c{n}", "numbers": [f"09{80000000 + n}"], "name": f"of {version}"} for n in customers)
        page = Page(version=version, upserts=many)
        return file_page(store, f"p{version}-{len(many)}", page, ready_from(page, "EC"), wall_ns=1, most=10).state

    assert told(1, *range(10)) == "done"
    assert told(2, *range(5)) == "done"
    assert told(3, 3, 10) == "refused"
    assert store.books().entries == 10
    store.close()


def test_what_was_told_of_a_command_and_cannot_be_read_is_damage(tmp_path: Path) -> None:
    store, page = Cards(tmp_path / "directory.db"), Page(version=1, deletes=("c1",))
    file_page(store, "p1", page, ready_from(page, "EC"), wall_ns=1, most=10)
    with store.writing():
        store._db.execute("UPDATE settled SET told=x'ff'")
    with pytest.raises(CorruptError):
        file_page(store, "p1", page, ready_from(page, "EC"), wall_ns=1, most=10)
    store.close()


@pytest.mark.parametrize("part", [None, "begin", "more", "end", "whole"])
def test_a_version_cannot_follow_itself(part: Any) -> None:
    step = step_of(Page(version=5, after=5, snapshot=part), Place(5, 5))
    assert step.refused is not None
    assert step.refused.startswith("bad_version")
