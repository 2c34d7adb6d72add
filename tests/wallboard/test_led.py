"""LED frames, dot by dot: goldens as text art for every face, language and size; nothing is ever cut."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from appliance.core.config import Kpi
from appliance.floor.snapshot import AgentCounts, Announcement, Crm, Pbx, Snapshot
from drivers.led_matrix import blocks_text
from wallboard.alarm import thresholds_from
from wallboard.board import Board, Maker
from wallboard.chain import rows_from
from wallboard.glyphs import GLYPHS, HEIGHT, MISSING
from wallboard.led import REST_S, Page, Show, draw, duration_s, frame, glyph_text, moves, pages_from, width_px
from wallboard.sample import NOW_NS, ago, sample
from wallboard.words import LANGUAGES, words_of

GOLDEN = Path(__file__).parent.parent / "golden"
SIZES = [(32, 8), (64, 8), (128, 8), (256, 8), (64, 16)]


def board(snapshot: Snapshot, language: str = "es") -> Board:
    return Maker(words_of(language), ZoneInfo("America/Guayaquil"), thresholds_from(Kpi())).board(snapshot, NOW_NS)


def link_down() -> Snapshot:
    floor = sample()
    floor.crm = Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155))
    return floor


def stale() -> Snapshot:
    floor = sample()
    floor.pbx = {"central": Pbx(state="down", since=ago(95))}
    for scope in (floor.floor, *floor.queues.values()):
        scope.fresh, scope.as_of = "stale", ago(95)
    return floor


def closed() -> Snapshot:
    floor = sample()
    floor.open, floor.floor.waiting, floor.floor.agents, floor.announcements = False, 0, AgentCounts(), []
    return floor


FACES = {"normal": sample, "link_down": link_down, "stale": stale, "unknown": Snapshot, "closed": closed}


def album(made: Board, width: int, height: int) -> str:
    """Every page as the eye meets it: when it comes up, half a second later if it blinks, at its end if it rolls."""
    out = []
    for page in pages_from(made):
        moments = [0.0]
        if page.blinks:
            moments.append(0.6)
        if moves(page, width, height):
            moments.append(duration_s(page, width, height))
        out += [f"{page.key} +{since_s:.1f} s\n{blocks_text(frame(page, width, height, since_s))}\n" for since_s in moments]
    return "\n".join("\n".join(line.rstrip() for line in text.splitlines()) for text in out) + "\n"


def check_golden(name: str, text: str) -> None:
    """Compare with the stored picture; CALLFLOOR_GOLDEN=write draws it anew, to be looked at before it is committed."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("CALLFLOOR_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{path} differs; look at it, then CALLFLOOR_GOLDEN=write"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("face", FACES)
def test_every_face_on_64_by_8(face: str, language: str) -> None:
    check_golden(f"led_{face}_{language}_64x8", album(board(FACES[face](), language), 64, 8))


@pytest.mark.parametrize(("width", "height"), [size for size in SIZES if size != (64, 8)])
@pytest.mark.parametrize("face", ["normal", "link_down"])
def test_other_sizes(face: str, width: int, height: int) -> None:
    check_golden(f"led_{face}_es_{width}x{height}", album(board(FACES[face]()), width, height))


def test_the_whole_font() -> None:
    lines = ["ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789 .,:;-–_+=/%()&#*<>$€@°·×ªº…", "¡Qué! ¿Sí? áéíóúüñ ÁÉÍÓÚÜÑ",
             "ãõçâêôàèòï ÃÕÇÂÊÔÀÈÒÏ", "▲◆✕\ufffd'\"!?"]  # fmt: skip
    assert {sign for line in lines for sign in line} | {"\u00a0"} == set(GLYPHS)
    out = []
    for line in lines:
        image = Image.new("1", (width_px(line), HEIGHT))
        draw(image, 0, 0, line)
        out.append(blocks_text(image))
    check_golden("led_font", "\n\n".join("\n".join(row.rstrip() for row in text.splitlines()) for text in out) + "\n")


def test_glyphs_are_sound() -> None:
    for sign, rows in GLYPHS.items():
        assert len(rows) == HEIGHT, sign
        assert len({len(row) for row in rows}) == 1, sign
        assert {dot for row in rows for dot in row} <= {"#", "."}, sign
    pictures = {rows: sign for sign, rows in GLYPHS.items() if sign not in " \u00a0x×"}
    assert len(pictures) == len(GLYPHS) - 4, "two signs look alike"
    assert {len(GLYPHS[digit][0]) for digit in "0123456789"} == {5}


def test_every_board_text_can_be_drawn() -> None:
    for language in LANGUAGES:
        for key, text in words_of(language).texts.items():
            assert MISSING not in glyph_text(text.replace("{", "").replace("}", "")), (language, key)


def ink(image: Image.Image) -> int:
    return sum(row.count("1") for row in rows_from(image))


def whole_ink(text: str) -> int:
    return sum(row.count("#") for sign in text for row in GLYPHS[sign])


@given(st.text(alphabet=st.sampled_from([*GLYPHS]), min_size=1, max_size=40), st.sampled_from([32, 64, 128]))
def test_a_text_too_long_is_shown_to_its_end(text: str, width: int) -> None:
    text = glyph_text(text)
    page = Page("notice", text)
    over_px = width_px(text) - width
    assert moves(page, width, 8) == (over_px > 0)
    first, last = frame(page, width, 8, 0.0), frame(page, width, 8, duration_s(page, width, 8))
    if over_px <= 0:
        assert ink(first) == whole_ink(text)
        return
    whole = Image.new("1", (width_px(text), 8))
    draw(whole, 0, 0, text)
    assert rows_from(first) == rows_from(whole.crop((0, 0, width, 8)))
    assert rows_from(last) == rows_from(whole.crop((over_px, 0, over_px + width, 8)))
    assert duration_s(page, width, 8) >= 2 * REST_S


@given(st.text(max_size=60))
def test_any_text_at_all_is_drawable(text: str) -> None:
    drawable = glyph_text(text)
    assert all(sign in GLYPHS for sign in drawable)
    frame(Page("notice", drawable), 64, 8, 1.0)


def test_ten_thousand_signs_and_rubbish_are_one_rolling_page() -> None:
    text = glyph_text("aviso\u0000\u202e\n" * 1500 + "😀")
    assert text.endswith(MISSING)
    page = Page("notice", text)
    assert ink(frame(page, 64, 8, 100.0)) > 0


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_digits_and_unit_are_always_whole(width: int, height: int) -> None:
    for value in ("0", "7", "128", "12:05", "1:02:05"):
        page = Page("waiting", "Espera más larga", "Máx", value, "")
        if width_px(value) > width:
            assert moves(page, width, height)
            continue
        image = frame(page, width, height, duration_s(page, width, height))
        digits = Image.new("1", (width_px(value), 8))
        draw(digits, 0, 0, value)
        needle = rows_from(digits)
        hay = rows_from(image)[height - 8 :]
        assert any(all(hay[y][x : x + len(needle[0])] == needle[y] for y in range(7)) for x in range(width)), (value, width, height)


def test_stale_blinks_the_unit_and_never_the_digits() -> None:
    page = Page("service_level", "NS", "NS", "83,6", "%", blinks=True)
    on, off = rows_from(frame(page, 64, 8, 0.1)), rows_from(frame(page, 64, 8, 0.6))
    unit_px = width_px("%")
    assert [row[: 64 - unit_px] for row in on] == [row[: 64 - unit_px] for row in off]
    assert all(set(row[64 - unit_px :]) == {"0"} for row in off)


def test_troubles_come_first_and_again_between_the_figures() -> None:
    keys = [page.key for page in pages_from(board(link_down()))]
    assert keys[:6] == ["link.text.0", "link.details.0", "waiting", "longest_wait", "service_level", "link.text.3"]
    assert "waiting" in keys
    assert "abandon_rate" in keys


def test_a_page_keeps_its_turn_while_its_figures_change() -> None:
    show = Show(64, 8)
    floor = sample()
    floor.announcements = []
    maker = Maker(words_of("es"), ZoneInfo("UTC"), thresholds_from(Kpi()))
    seen = []
    for tenth in range(100):
        floor.floor.waiting = tenth
        show.tell(maker.board(floor, NOW_NS))
        image, next_s = show.step(1000 + tenth / 10)
        assert 0 < next_s <= 0.5
        waiting = frame(pages_from(maker.board(floor, NOW_NS))[0], 64, 8, 0, beat=int(1000 + tenth / 10) % 2 == 0)
        seen.append(rows_from(image) == rows_from(waiting))
    assert seen == [True] * 40 + [False] * 60


def test_the_rotation_goes_on_when_a_page_vanishes() -> None:
    show = Show(64, 8)
    floor = sample()
    floor.announcements = [Announcement(id="a", text="Uno"), Announcement(id="b", text="Dos")]
    maker = Maker(words_of("es"), ZoneInfo("UTC"), thresholds_from(Kpi()))
    show.tell(maker.board(floor, NOW_NS))
    show.step(0.0)
    for at in range(1, 10):
        show.step(at * 4.01)
    floor.announcements = []
    show.tell(maker.board(floor, NOW_NS))
    image, _ = show.step(37.0)
    assert ink(image) > 0
