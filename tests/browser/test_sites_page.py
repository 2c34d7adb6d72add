"""The page of all sites in a real browser: what the view model says is what stands there, and it follows what is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from appliance.floor.sites import all_sites
from wallboard.sample import NOW_NS, ago

if TYPE_CHECKING:
    from conftest import Box, Browser

pytestmark = pytest.mark.browser

BOARD = '[[page]]\nkind = "totals"\nsites = ["*"]\nfigures = ["waiting", "service_level"]\n'
#: The texts of the page's view model, without the row's age, which ticks.
SAID = """import('/tv/view.js').then(async ({ view }) => {
  const page = view(await (await fetch('/api/floor')).json(), Date.now()).pages[0];
  return [[page.title, ...page.tiles.map((t) => t.value)], ...page.rows.map((r) => [r.title, ...r.tiles.map((t) => t.value)])];
})"""


def said(box: Box) -> list[list[str]]:
    page = box.board("sedes").pages[0]
    return [[page.title, *(tile.value for tile in page.tiles)], *([row.title, *(tile.value for tile in row.tiles)] for row in page.rows)]


def tell(box: Box, **cuenca: object) -> None:
    assert box.held.sites is not None
    sites = {**box.held.sites, "cuenca": msgspec.structs.replace(box.held.sites["cuenca"], **cuenca)}
    box.tell(sites=sites, all_sites=all_sites(box.held.floor, sites.values(), NOW_NS))


async def test_the_page_says_what_the_view_model_says_and_follows_it(browser: Browser, box: Box) -> None:
    (box.folder / "sedes.toml").write_text(BOARD, encoding="utf-8")
    box.boards.look()
    tab = await box.open(browser, "/board/sedes")
    assert said(box)[0] == ["Todas las sedes", "6", "82,4"]
    for heard in ({}, {"waiting": 5}, {"fresh": "stale", "as_of": ago(700), "state": "down"}, {"fresh": "unknown"}):
        tell(box, **heard)
        expected = said(box)
        assert await tab.ask(SAID) == expected
        # Rows that do not fit at their size take turns; the total stands on each.
        shown = " && ".join(f"document.body.innerText.includes({text!r})" for text in expected[0])
        await tab.until(shown)
    assert expected[0][1:] == ["–", "–"]
