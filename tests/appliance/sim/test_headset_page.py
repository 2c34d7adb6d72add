"""docs/supported-headsets.md is what the models and the quirks say, and says of each row how it was seen."""

from __future__ import annotations

from pathlib import Path

from appliance.sim import headset_page
from appliance.sim.headset_model import MODELS
from headsets.quirks import TABLE, Quirk

PAGE = Path(__file__).parents[3] / "docs" / "supported-headsets.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == headset_page.page(), "run `make docs`"


def test_every_model_says_that_it_is_simulated() -> None:
    tried = headset_page.page().partition("## Tried")[2].partition("## Known to differ")[0]
    rows = [line for line in tried.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) == len(MODELS)
    assert all(row.endswith("| *simulated* |") for row in rows)


def test_every_quirk_has_words_and_every_vendor_a_name() -> None:
    assert set(headset_page.WORDS) == set(Quirk.__struct_fields__) - {"sources"}
    assert set(headset_page.VENDORS) == {row.vendor_id for row in TABLE}
    assert all(list(headset_page.in_words(row.differs)) for row in TABLE)


def test_it_is_written_once(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    headset_page.main(page)
    before = page.stat().st_mtime_ns
    headset_page.main(page)
    assert (page.stat().st_mtime_ns, page.read_text(encoding="utf-8")) == (before, headset_page.page())
