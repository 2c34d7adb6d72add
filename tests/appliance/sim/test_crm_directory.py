"""The simulated CRM's customers are nobody, and a full load of them goes out in pages that follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.directory_page import Page, Place, step_of
from appliance.core.e164 import e164
from appliance.sim.crm_directory import FICTION_MOST, cards_of, nobodies, pages_of


def test_numbers_of_fiction_alone() -> None:
    made = list(nobodies(500))
    numbers = {card["numbers"][0] for card in made}
    assert len(numbers) == len({card["customer"] for card in made}) == 500
    assert all(number[5:9] == "5550" and number[9] == "1" and e164(number, None) == number for number in numbers)
    assert list(nobodies(500)) == made
    with pytest.raises(ValueError, match="kept for fiction"):
        next(nobodies(FICTION_MOST + 1))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 35])
def test_pages_follow_one_another(count: int) -> None:
    place, taken = Place(4), 0
    for args in pages_of(nobodies(count) if count else (), 5, size=10):
        page = Page(**args | {"upserts": tuple(args["upserts"])})
        step = step_of(page, place)
        assert step.refused is None, step
        taken += len(page.upserts)
        place = Place(page.version) if step.ends else Place(4, page.version)
    assert (taken, place.load_version) == (count, None)


def test_a_file_of_customers(tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_text("id,phone\n1,0991234567\n")
    assert list(cards_of(tmp_path / "k.csv")) == [{"customer": "1", "numbers": ["0991234567"]}]
