"""A board that hangs for months: its page loads itself anew when its file was changed; a broken file shows its faults, and heals."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Box, Browser

pytestmark = pytest.mark.browser
SICK = 'title = "Sala"\n[[page]]\nkind = "<b>nada"\n'
SOUND = 'title = "Sala"\n[[page]]\nkind = "queue"\nqueue = "ventas"\n'


async def test_a_page_loads_itself_anew_when_its_board_file_was_changed(browser: Browser, box: Box) -> None:
    box.write("sala", SOUND)
    tab = await browser.tab()
    await tab.open(f"{box.base}/board/sala")
    await tab.until("document.querySelector('.tile:not([hidden]) .digits')?.textContent.length > 0")
    await tab.ask("window.before = true")
    box.write("sala", 'title = "Sala de arriba"\n[[page]]\nkind = "trunks"\n')
    await tab.until("window.before === undefined && document.title.includes('Sala de arriba')")


async def test_a_broken_board_file_shows_its_faults_and_the_board_when_they_are_mended(browser: Browser, box: Box) -> None:
    (box.folder / "sala.toml").write_text(SICK)
    box.boards.look()
    tab = await browser.tab()
    await tab.open(f"{box.base}/board/sala?lang=es")
    await tab.until("document.querySelectorAll('ul.faults li').length > 0")
    said = await tab.ask("document.body.innerText")
    for part in ("sala.toml", "línea 3", "page[0].kind", "<b>nada"):
        assert part in said, said
    assert await tab.ask("document.documentElement.scrollWidth <= innerWidth")
    assert await tab.ask("document.querySelector('li b')") is None
    box.write("sala", SOUND)
    await tab.until("document.querySelector('.tile:not([hidden]) .digits')?.textContent.length > 0")


async def test_a_page_without_a_board_outlives_the_box_being_away(browser: Browser, box: Box) -> None:
    tab = await browser.tab()
    await tab.open(f"{box.base}/board/later")
    await tab.until("document.querySelector('h1').textContent.includes('later')")
    await box.stop()
    asked = len(tab.requests)
    async with asyncio.timeout(15):
        while len(tab.requests) == asked:  # it looks again, and nobody answers
            await asyncio.sleep(0.05)
    box.write("later", SOUND)
    await box.start()
    await tab.until("document.querySelector('.tile:not([hidden]) .digits')?.textContent.length > 0")
