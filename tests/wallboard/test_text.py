"""A board in the terminal: never wider or longer than it may be, nothing cut silently, states without colour."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.config import Kpi
from appliance.floor.snapshot import Agent, Alarm, Announcement, Crm, Health, Queue, Snapshot
from wallboard.alarm.quiet import thresholds_from
from wallboard.board import Board, board_from
from wallboard.layout import BoardSpec, PageSpec, board_of_floor
from wallboard.page import Setting
from wallboard.sample import FACES, NOW_NS, ago, faced, sample
from wallboard.text import columns, cut, plain, screens
from wallboard.words import LANGUAGES, words_of

ZONE = ZoneInfo("America/Guayaquil")
EVERY_KIND = BoardSpec(
    page=(
        PageSpec(kind="floor"), PageSpec(kind="queue", queue="ventas"), PageSpec(kind="queues"), PageSpec(kind="agents", names=True), PageSpec(kind="trunks"),
        PageSpec(kind="announcements"),
    )
)  # fmt: skip


def made(snapshot: Snapshot, spec: BoardSpec | None = None, language: str = "es") -> Board:
    return board_from(
        spec or board_of_floor(), "floor", Setting(words_of(language), ZONE, thresholds_from(Kpi()), names=True), snapshot, NOW_NS
    )


def shown(
    snapshot: Snapshot, spec: BoardSpec | None = None, height: int | None = None, width: int = 80, language: str = "es"
) -> list[list[str]]:
    return [plain(screen) for screen in screens(made(snapshot, spec, language), words_of(language), ZONE, NOW_NS, height, width)]


def test_the_floor_fits_one_screen_of_a_terminal() -> None:
    [screen] = shown(sample(), height=24)
    assert screen[0] == "quito-norte".ljust(72) + "09:03:22"
    assert "En cola                              4    Espera más larga                  0:41" in screen
    assert "Ventas                           3  0:41  86,6\u00a0%     1   1,7\u00a0%     5    110  120" in screen


def test_what_has_no_room_goes_to_the_next_screen_and_nothing_is_lost() -> None:
    floor = sample()
    floor.queues = {f"cola-{at}": Queue(title=f"Cola {at}", fresh="live", waiting=at) for at in range(40)}
    pages = shown(floor, height=20)
    assert len(pages) > 2
    assert all(len(page) <= 20 for page in pages)
    assert f"1/{len(pages)}" in pages[0][0]
    rows = [line.split("  ")[0] for page in pages for line in page if line.startswith("Cola ")]
    assert rows == [f"Cola {at}" for at in range(40)], "each once, in order"


@pytest.mark.parametrize("height", range(10, 40))
def test_every_screen_says_whose_figures_it_has(height: int) -> None:
    for screen in shown(sample(), BoardSpec(page=(PageSpec(kind="totals", sites=("*",)),)), height=height):
        assert len(screen) <= height
        assert screen[3] == "Todas las sedes", screen


def test_columns_go_from_the_least_important_on_and_are_counted() -> None:
    [screen] = shown(sample(), BoardSpec(page=(PageSpec(kind="queues"),)), width=48)
    heading = next(line for line in screen if "Cola" in line and "Máx" in line)
    assert heading.startswith("+4"), heading
    assert "Ofr" not in heading


def test_states_are_told_without_colour() -> None:
    floor = sample()
    floor.crm = Crm(state="down", since=ago(60), backlog=12, oldest=ago(50))
    floor.alarms = [
        Alarm(id="floor.asa", level="red", since=ago(1)),
        Alarm(id="floor.waiting", level="amber", since=ago(1), acknowledged=ago(0)),
    ]
    floor.queues["soporte"].fresh, floor.queues["soporte"].as_of = "stale", ago(75)
    floor.floor.today.coverage = 0.8
    text = "\n".join(shown(floor)[0])
    assert "▲ Sin enlace con la central\n  Desde 09:02 (1:00) · Retenidos 12 · El más antiguo 0:50" in text
    assert "◆0:10" in text
    assert "▲✓4" in text
    assert "Soporte técnico 1:15" in text
    assert "84,6\u00a0%░" in text


def test_troubles_that_have_no_room_are_counted() -> None:
    floor = sample()
    floor.health = [Health(id=f"h{at}", level="red", text=f"falla {at}") for at in range(30)]
    made = shown(floor, height=24)
    assert any(line.startswith("En cola") for screen in made for line in screen)
    for screen in made:
        assert len(screen) <= 24
        assert screen[18] == "+14", "30 faults and an announcement, 17 of them said"


def test_a_closed_floor_has_no_figures() -> None:
    floor = sample()
    floor.open, floor.floor.waiting, floor.floor.agents = False, 0, None
    assert shown(floor)[0][-1] == "Cerrado"


@pytest.mark.parametrize("language", ["es", "en", "pt"])
@pytest.mark.parametrize("width", [40, 80, 132])
def test_no_line_is_too_wide_in_any_language(language: str, width: int) -> None:
    for face in FACES:
        for screen in shown(faced(face), EVERY_KIND, 24, width, language):
            assert len(screen) <= 24
            assert max(map(columns, screen)) <= width


@settings(max_examples=60)
@given(st.text(max_size=60), st.integers(1, 30), st.integers(40, 100), st.integers(10, 30))
def test_hostile_texts_neither_break_the_screen_nor_reach_the_terminal(text: str, count: int, width: int, height: int) -> None:
    floor = sample()
    floor.announcements = [Announcement(id=str(at), text=text * 20 + "\x1b[2J\n\u202eא") for at in range(count)]
    floor.queues = {str(at): Queue(title=text, fresh="stale", as_of=ago(9)) for at in range(count)}
    floor.agents = {str(at): Agent(name=text, state="paused", reason=text + "\x1b[2J", queues=["ventas"]) for at in range(count)}
    floor.health = [Health(id="disk", level="red", text=text * 9)]
    for screen in shown(floor, EVERY_KIND, height, width):
        assert len(screen) <= height
        assert max(map(columns, screen)) <= width
        assert not any(ord(sign) < 32 or sign == "\u202e" for line in screen for sign in line)


def test_how_long_the_buffer_lasts_has_room_in_every_language() -> None:
    for language in LANGUAGES:
        [screen] = shown(faced("link_down"), BoardSpec(page=(PageSpec(kind="floor"),)), language=language)
        text = "\n".join(screen[:4])
        assert words_of(language).text("fills_in", t="9 d") in text
        assert "…" not in text


def test_a_long_announcement_is_whole_on_its_page() -> None:
    floor = sample()
    floor.announcements = [Announcement(id="1", text=" ".join(f"palabra{at}" for at in range(40)))]
    text = "\n".join(shown(floor, BoardSpec(page=(PageSpec(kind="announcements"),)))[0][2:])
    assert all(f"palabra{at}" in text for at in range(40))
    floor.announcements = [Announcement(id="1", text="palabra " * 2000)]
    assert shown(floor, BoardSpec(page=(PageSpec(kind="announcements"),)))[0][-1].endswith("…")


def test_a_cut_text_says_so() -> None:
    assert cut("Atención", 5) == "Aten…"
    assert columns(cut("客" * 1000, 9)) <= 9
    assert cut("x", 0) == ""
