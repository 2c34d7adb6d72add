"""LED frames, dot by dot: goldens as text art for every kind of page, face, language and size; nothing is cut without a word."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from appliance.core.config import Config, GroupConfig, Led, Site
from appliance.floor.snapshot import Agent, AgentCounts, Alarm, Announcement, Crm, Headset, Pbx, Queue, Snapshot, Trunk
from drivers.led_matrix import Ink, blocks_text
from wallboard.board import Board, board_from
from wallboard.board_set import BoardSet
from wallboard.layout import BoardSpec, PageSpec
from wallboard.led.chain import as_it_shines, rows_from
from wallboard.led.dim import percent_now
from wallboard.led.glyphs import GLYPHS, HEIGHT, MISSING
from wallboard.led.page import Part, Said, pages_from
from wallboard.led.scene import CELL_PX, REST_S, ROLL_PX_PER_S, duration_s, frame, next_s, scenes, side_by_side
from wallboard.led.show import Show
from wallboard.led.text import MOST_SIGNS, draw, glyph_text, width_px
from wallboard.sample import NOW_NS, ago, faced, sample, stocked, window
from wallboard.words import LANGUAGES, words_of

GOLDEN = Path(__file__).parent.parent / "golden"
SIZES = [(32, 8), (64, 8), (128, 8), (256, 8), (64, 16)]
BOARDS = BoardSet(Config(site=Site(timezone="America/Guayaquil"), groups={"comercial": GroupConfig(queues=("ventas", "cobranzas"))}))


def board(snapshot: Snapshot, language: str = "es", *pages: PageSpec) -> Board:
    spec = BoardSpec(page=pages or (PageSpec(kind="floor", figures=FIGURES),))
    return board_from(spec, "prueba", BOARDS.setting(spec, language), snapshot, NOW_NS)


FIGURES = ("waiting", "longest_wait", "service_level", "available", "abandon_rate", "asa")


def calm() -> Snapshot:
    floor = sample()
    floor.announcements = []
    return floor


def link_down() -> Snapshot:
    floor = calm()
    floor.crm = Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155), full_in_s=7 * 3600)
    return floor


def pbx_down() -> Snapshot:
    floor = stale()
    floor.pbx = {"central": Pbx(state="down", since=ago(95))}
    return floor


def stale() -> Snapshot:
    floor = calm()
    for scope in (floor.floor, *floor.queues.values()):
        scope.fresh, scope.as_of = "stale", ago(95)
    return floor


def closed() -> Snapshot:
    floor = calm()
    floor.open, floor.floor.waiting, floor.floor.agents = False, 0, AgentCounts()
    return floor


def alarm() -> Snapshot:
    floor = calm()
    floor.alarms = [
        Alarm(id="floor.abandon_rate", level="red", since=ago(300)),
        Alarm(id="floor.service_level", level="amber", since=ago(30)),
        Alarm(id="floor.asa", level="red", since=ago(900), acknowledged=ago(600)),
    ]
    return floor


def thin() -> Snapshot:
    floor = calm()
    floor.floor.today.coverage = 0.71
    return floor


def crowd() -> Snapshot:
    """Everything that a table may show."""
    floor = calm()
    floor.agents = {
        "ana": Agent(name="Ana Muñoz", state="talking", since=ago(65), queues=["ventas"]),
        "luis": Agent(name="Luis", state="paused", reason="Almuerzo", since=ago(610), queues=["ventas"]),
        "eva": Agent(name="Eva", state="available", since=ago(12), queues=["soporte"]),
    }
    floor.headsets = {
        "3-14": Headset(seat="3-14", agent="ana", hook="off", mute=False, since=ago(65), fresh="live"),
        "3-15": Headset(seat="3-15", agent="luis", hook="on", mute=True, since=ago(30), fresh="live"),
    }
    floor.groups = {
        "comercial": Queue(
            title="Comercial",
            fresh="live",
            as_of=ago(0),
            waiting=4,
            longest_wait=41.2,
            longest_since=ago(41.2),
            today=window(208, 184, 149, 13),
        )
    }
    floor.trunks = {
        "pstn": Trunk(lines=30, busy=17, all_busy_now=False, all_busy_share=0.004),
        "gsm": Trunk(lines=4, busy=4, all_busy_now=True, all_busy_share=0.06),
    }
    floor.alarms = [Alarm(id="trunk.gsm.all_busy_share", level="red", since=ago(60))]
    floor.announcements = [
        Announcement(id="u", text="Evacuar el piso 3", severity="urgent"),
        Announcement(id="w", text="Sistema de cobros lento", severity="warning"),
        Announcement(id="i", text="Café a las 10:30"),
    ]
    return floor


KINDS: dict[str, tuple[PageSpec, ...]] = {
    "floor": (PageSpec(kind="floor"),),
    "queue": (PageSpec(kind="queue", queue="cobranzas", figures=FIGURES),),
    "group": (PageSpec(kind="group", group="comercial", figures=FIGURES),),
    "queues": (PageSpec(kind="queues"),),
    "totals": (PageSpec(kind="totals"),),
    "agents": (PageSpec(kind="agents"),),
    "agents_named": (PageSpec(kind="agents", names=True),),
    "trunks": (PageSpec(kind="trunks"),),
    "headsets": (PageSpec(kind="headsets"),),
    "announcements": (PageSpec(kind="announcements"),),
    "callbacks": (PageSpec(kind="callbacks"),),
    "channels": (PageSpec(kind="channels"),),
    "classes": (PageSpec(kind="classes"),),
    "outbound": (PageSpec(kind="outbound"),),
}
WAY_BACK = ("callbacks", "channels", "classes", "outbound")


def vip() -> Snapshot:
    floor = faced("vip")
    floor.announcements = []
    return floor


def extraordinary() -> Snapshot:
    floor = faced("extraordinary")
    floor.announcements = []
    return floor


FACES = {
    "vip": vip,
    "extraordinary": extraordinary,
    "link_down": link_down,
    "pbx_down": pbx_down,
    "stale": stale,
    "unknown": Snapshot,
    "closed": closed,
    "alarm": alarm,
    "thin": thin,
}


def album(made: Board, width: int, height: int) -> str:
    """Every page as the eye meets it: each of its scenes, half a second later where something blinks, at its end where it rolls."""
    out = []
    for page in side_by_side(pages_from(made), width, height):
        moments, begin_s = [], 0.0
        for scene in scenes(page, width, height):
            moments += [begin_s] + [begin_s + scene.duration_s - 0.01] * bool(scene.over_px)
            begin_s += scene.duration_s
        if any(each.blinks or any(part.blinks for part in each.parts) for each in page.cells or (page,)):
            moments.append(next(half / 2 + 0.1 for half in range(1, 9, 2) if half / 2 >= moments[-1]))
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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_page_on_64_by_8(kind: str, language: str) -> None:
    floor = stocked(calm()) if kind in WAY_BACK else crowd()
    if kind != "announcements":
        floor.announcements = []
    check_golden(f"led_{kind}_{language}_64x8", album(board(floor, language, *KINDS[kind]), 64, 8))


@pytest.mark.parametrize(("width", "height"), [size for size in SIZES if size != (64, 8)])
@pytest.mark.parametrize("what", ["floor", "link_down", "alarm", "queues"])
def test_other_sizes(what: str, width: int, height: int) -> None:
    made = board(FACES[what]()) if what in FACES else board(calm(), "es", *KINDS[what])
    check_golden(f"led_{what}_es_{width}x{height}", album(made, width, height))


def test_every_golden_belongs_to_a_test() -> None:
    known = {f"led_{what}_{language}_64x8" for what in (*FACES, *KINDS) for language in LANGUAGES} | {"led_font"}
    known |= {f"led_{what}_es_{width}x{height}" for what in ("floor", "link_down", "alarm", "queues") for width, height in SIZES}
    assert {path.stem for path in GOLDEN.glob("led_*.txt")} == known


def test_the_whole_font() -> None:
    lines = ["ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789 .,:;-–_+=/%()&#*<>$€@°·×ªº…", "¡Qué! ¿Sí? áéíóúüñ ÁÉÍÓÚÜÑ",
             "ãõçâêôàèòï ÃÕÇÂÊÔÀÈÒÏ", "▲◆△◇▒✕★☎\ufffd'\"!?", "[]{}|\\^~"]  # fmt: skip
    assert {sign for line in lines for sign in line} | {"\u00a0"} == set(GLYPHS)
    out = []
    for line in lines:
        image = Image.new("L", (width_px(line), HEIGHT))
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


def test_what_telephones_write_is_drawn_with_the_signs_that_the_font_has() -> None:
    assert glyph_text("“Reunión” — ‘hoy’ • 5−3 «sí»") == '"Reunión" – \'hoy\' · 5-3 "sí"'
    assert glyph_text("Björn Škoda") == "Bjorn Skoda"
    assert MISSING not in glyph_text("".join(map(chr, range(32, 127))))
    assert glyph_text("😀 客 א") == f"{MISSING} {MISSING} {MISSING}"


def led_image(board: Board, width: int, height: int, at_s: float) -> Image.Image:
    """The chain's picture so many seconds after it was lit, nothing urgent breaking in."""
    show = Show(width, height)
    show.tell(board, 0.0)
    image, wait_s, now_s = *show.step(0.0), 0.0
    while now_s + wait_s <= at_s:
        now_s += wait_s
        image, wait_s = show.step(now_s)
    return image


def moves(page: Said, width: int, height: int) -> bool:
    """Whether a page rolls at any time."""
    return any(scene.over_px for scene in scenes(page, width, height))


def ink(image: Image.Image) -> int:
    return sum(row.count("1") for row in rows_from(image))


def whole_ink(text: str) -> int:
    return sum(row.count("#") for sign in text for row in GLYPHS[sign])


@given(st.text(alphabet=st.sampled_from([*GLYPHS]), min_size=1, max_size=40), st.sampled_from([32, 64, 128]))
def test_a_text_too_long_is_shown_to_its_end(text: str, width: int) -> None:
    text = glyph_text(text)
    page = Said("notice", text)
    over_px = width_px(text) - width
    assert moves(page, width, 8) == (over_px > 0)
    first, last = frame(page, width, 8, 0.0), frame(page, width, 8, duration_s(page, width, 8))
    if over_px <= 0:
        assert ink(first) == whole_ink(text)
        return
    whole = Image.new("L", (width_px(text), 8))
    draw(whole, 0, 0, text)
    assert rows_from(first) == rows_from(whole.crop((0, 0, width, 8)))
    assert rows_from(last) == rows_from(whole.crop((over_px, 0, over_px + width, 8)))
    assert duration_s(page, width, 8) >= 2 * REST_S


@given(st.text(max_size=400), st.integers(2, 40))
def test_any_text_at_all_is_drawable_and_bounded(text: str, most: int) -> None:
    drawable = glyph_text(text, most)
    assert all(sign in GLYPHS for sign in drawable)
    assert len(drawable) <= most
    assert ink(frame(Said("notice", drawable), 64, 8, 1.0)) <= 64 * 8


@pytest.mark.parametrize(
    "text",
    [
        "aviso\u0000\u202e\n" * 1500 + "😀",
        "😀" * 10_000,
        "\u202eمرحبا بكم\u202c שלום " * 500,
        "a\u0301" * 5000,
        "\u0301" * 10_000,
        "\x1b[31m" * 2000,
    ],
)
def test_ten_thousand_signs_and_rubbish_are_bounded_in_dots_and_time(text: str) -> None:
    made = board(sample(), "es", PageSpec(kind="announcements"))
    floor = calm()
    floor.announcements = [Announcement(id="x", text=text, severity="warning")]
    made = board(floor, "es")
    (notice,) = [page for page in pages_from(made) if page.key == "notice.x"]
    assert len(notice.label) <= MOST_SIGNS
    assert duration_s(notice, 32, 8) <= 2 * REST_S + MOST_SIGNS * 6 / ROLL_PX_PER_S
    for since_s in (0.0, 20.0, 60.0):
        assert frame(notice, 64, 8, since_s).size == (64, 8)
    if len(glyph_text(text)) > 200:
        assert notice.label.endswith("…")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_digits_are_always_whole(width: int, height: int) -> None:
    for value in ("0", "7", "128", "12:05", "1:02:05"):
        page = Said("waiting", "Espera más larga", "Máx", (Part(value),))
        if width_px(value) > width:
            assert moves(page, width, height)
            continue
        image = frame(page, width, height, duration_s(page, width, height) - 0.01)
        digits = Image.new("L", (width_px(value), 8))
        draw(digits, 0, 0, value)
        needle = rows_from(digits)
        hay = rows_from(image)[height - 8 :]
        assert any(all(hay[y][x : x + len(needle[0])] == needle[y] for y in range(7)) for x in range(width)), (value, width, height)


def seen_twice(page: Said, width: int) -> list[tuple[list[str], list[str]]]:
    """The page's columns half a second apart: the first and the second picture of what stands."""
    return [(rows_from(frame(page, width, 8, 0.1)), rows_from(frame(page, width, 8, 0.6)))]


@given(
    st.sampled_from(["stale", "alarm", "acknowledged"]), st.from_regex(r"\A[0-9]{1,3}(,[0-9])?\Z"), st.sampled_from(["", "%", "\u00a0%"])
)
def test_digits_never_blink(state: str, value: str, unit: str) -> None:
    floor = calm()
    made = board(floor)
    tile = made.pages[0].tiles[2]
    from msgspec.structs import replace  # noqa: PLC0415

    tile = replace(
        tile,
        value=value,
        unit=unit,
        fresh="stale" if state == "stale" else "live",
        level="none" if state == "stale" else "red",
        acknowledged=state == "acknowledged",
    )
    page = replace(made.pages[0], tiles=(tile,))
    (said,) = [each for each in pages_from(replace(made, pages=(page,))) if each.key == "floor.service_level"]
    on, off = frame(said, 128, 8, 0.1), frame(said, 128, 8, 0.6)
    blinking = Image.new("L", (128, 8))
    blinking.putdata([max(a, b) if a != b else 0 for a, b in zip(on.tobytes(), off.tobytes(), strict=True)])
    digits = next(part for part in said.parts if part.text == value)
    assert not digits.blinks
    assert ink(on) - ink(off) == ink(blinking)
    assert (ink(blinking) > 0) == (state != "acknowledged")
    lost = whole_ink("◆") if state == "alarm" else whole_ink("%") if unit else whole_ink(said.label)
    assert ink(blinking) == (0 if state == "acknowledged" else lost)


def test_an_alarm_is_a_sign_before_its_digits_and_a_colour_where_there_is_one() -> None:
    pages = {page.key: page for page in pages_from(board(alarm()))}
    signs = {key: "".join(part.text for part in page.parts) for key, page in pages.items()}
    assert signs["floor.abandon_rate"] == "◆3,9 %"
    assert signs["floor.service_level"] == "▲84,6 %"
    assert signs["floor.asa"] == "◇0:10", "acknowledged: hollow"
    assert signs["floor.waiting"] == "4"
    inks = set(frame(pages["floor.abandon_rate"], 128, 8, 0.1).tobytes())
    assert inks == {Ink.DARK, Ink.LABEL, Ink.RED}


def test_a_row_s_alarm_is_seen_though_its_figure_has_no_room() -> None:
    floor = calm()
    floor.alarms = [Alarm(id="queue.cobranzas.abandon_rate", level="red", since=ago(300))]
    rows = {page.key: page for page in pages_from(board(floor, "es", PageSpec(kind="queues")))}
    assert rows["queues/cobranzas"].label == "◆ Cobranzas"
    assert rows["queues/ventas"].label == "Ventas"
    shown = rows_from(frame(rows["queues/cobranzas"], 64, 8, 0.1))
    sign = Image.new("L", (5, 8))
    draw(sign, 0, 0, "◆")
    assert any([row[x : x + 5] for row in shown] == rows_from(sign) for x in range(60))


def test_the_ladder_comes_first_and_again_but_no_figure_is_left_out() -> None:
    floor = alarm()
    floor.crm = Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155))
    floor.announcements = [Announcement(id="u", text="Evacuar", severity="urgent"), Announcement(id="i", text="Café")]
    keys = [page.key for page in pages_from(board(floor, "es", PageSpec(kind="floor", figures=FIGURES)))]
    assert keys[:5] == ["link.0.text.0", "link.0.details.0", "notice.u.0", "alarm.floor.abandon_rate.0", "notice.i"]
    figures = [key for key in keys if key.startswith("floor.")]
    assert figures == [f"floor.{figure}" for figure in FIGURES]
    assert keys.index("link.0.text.3") < keys.index("floor.longest_wait") + 3
    assert len(set(keys)) == len(keys)


def test_forty_alarms_take_turns_and_hide_no_figure() -> None:
    floor = calm()
    floor.queues = {f"c{n}": floor.queues["ventas"] for n in range(40)}
    floor.alarms = [Alarm(id=f"queue.c{n}.abandon_rate", level="red", since=ago(300)) for n in range(40)]
    floor.announcements = [Announcement(id=f"u{n}", text="Evacuar", severity="urgent") for n in range(10)]
    pages = tuple(PageSpec(kind="queue", queue=f"c{n}", figures=("waiting", "abandon_rate")) for n in range(40))
    said = pages_from(board(floor, "es", *pages))
    keys = [page.key for page in said]
    figures = [at for at, key in enumerate(keys) if key.startswith("queue.")]
    assert len(figures) == 40 * 3, "a title, two figures"
    assert figures[0] == 16, "ten announcements and six alarms before the first"
    assert max(after - before for before, after in pairwise(figures)) <= 4 + 6 + 1
    alarms = {key.rpartition(".")[0] for key in keys if key.startswith("alarm.")}
    assert len(alarms) == 40, "each is said before the rotation begins anew"


def test_two_announcements_with_one_id_do_not_hold_the_rotation() -> None:
    floor = calm()
    floor.announcements = [Announcement(id="a", text="Uno"), Announcement(id="a", text="Dos")]
    made = board(floor)
    assert len({page.key for page in pages_from(made)}) == len(pages_from(made))
    show, stood = Show(64, 8), set()
    for second in range(60):
        show.tell(made, float(second))
        show.step(float(second))
        stood.add(standing(show, made))
    assert "floor.asa" in stood


def test_closed_may_be_dark_and_says_what_is_urgent_all_the_same() -> None:
    shut = closed()
    show = Show(64, 8, dark_when_closed=True)
    show.tell(board(shut), 0.0)
    image, _ = show.step(2.0)
    assert rows_from(image)[7] == "0" * 63 + "1", "the heartbeat"
    assert ink(image) == 1
    shut.announcements = [Announcement(id="u", text="Evacuar", severity="urgent")]
    assert [page.key for page in pages_from(board(shut), dark_when_closed=True)] == ["notice.u.0"]


def test_a_page_keeps_its_turn_while_its_figures_change() -> None:
    show = Show(64, 8)
    floor = calm()
    seen = []
    for tenth in range(100):
        floor.floor.waiting = tenth
        now_s = 1000 + tenth / 10
        show.tell(board(floor), now_s)
        image, wait_s = show.step(now_s)
        assert 0 < wait_s <= 0.5
        waiting = frame(pages_from(board(floor))[0], 64, 8, 0, beat=int(now_s) % 2 == 0)
        seen.append(rows_from(image) == rows_from(waiting))
    assert seen == [True] * 40 + [False] * 60


def test_the_rotation_goes_on_when_a_page_vanishes() -> None:
    show = Show(64, 8)
    floor = calm()
    floor.announcements = [Announcement(id="a", text="Uno"), Announcement(id="b", text="Dos")]
    show.tell(board(floor), 0.0)
    show.step(0.0)
    floor.announcements = []
    show.tell(board(floor), 1.0)
    image, _ = show.step(1.0)
    assert rows_from(image)[:7] == rows_from(frame(pages_from(board(floor))[0], 64, 8, 0.0))[:7]


def standing(show: Show, made: Board) -> str:
    """The key of the page that stands."""
    assert show._key is not None
    return show._key


def test_what_is_urgent_and_new_interrupts_and_the_page_goes_on_for_the_rest_of_its_time() -> None:
    show, up, down = Show(64, 8), board(calm()), board(link_down())
    stood = []
    for tenth in range(400):
        now_s = tenth / 10
        show.tell(up if now_s < 6 or now_s > 30 else down, now_s)
        show.step(now_s)
        stood.append(standing(show, up))
    assert stood[59] == "floor.longest_wait", "2 s of its 4 have gone"
    assert stood[60] == "link.0.text.0", "at once"
    after = next(at for at in range(61, 400) if not stood[at].startswith("link"))
    assert stood[after] == "floor.longest_wait"
    assert stood[after + 19] == "floor.longest_wait"
    assert stood[after + 21] != "floor.longest_wait"


def test_a_link_that_comes_and_goes_hides_no_figure_for_good() -> None:
    show = Show(64, 8)
    floors = board(calm()), board(link_down())
    seen = set()
    for tenth in range(4000):
        show.tell(floors[tenth // 20 % 2], tenth / 10)
        show.step(tenth / 10)
        seen.add(standing(show, floors[0]))
    assert {f"floor.{figure}" for figure in FIGURES} <= seen


def test_the_next_picture_is_never_missed() -> None:
    """Between two steps nothing changes: whoever sleeps until then misses no frame."""
    for made in (board(alarm()), board(stale()), board(crowd(), "es", *KINDS["queues"])):
        for page in (page for page in pages_from(made) if not moves(page, 64, 8)):
            at_s = 0.0
            while at_s < duration_s(page, 64, 8):
                wait_s = next_s(page, 64, 8, at_s)
                assert 0.01 <= wait_s <= 0.5
                if wait_s > 0.02:
                    assert frame(page, 64, 8, at_s).tobytes() == frame(page, 64, 8, at_s + wait_s - 0.001).tobytes()
                at_s += wait_s


def test_many_agents_are_counted_and_nobody_is_named_who_may_not_be() -> None:
    floor = crowd()
    floor.announcements, floor.alarms = [], []
    floor.agents = {
        f"a{n}": Agent(name=f"Nombre {n}", state="talking" if n % 3 else "available", since=ago(n), queues=[]) for n in range(60)
    }
    said = pages_from(board(floor, "es", PageSpec(kind="agents", names=True)))
    assert [(page.label, page.parts[0].text) for page in said] == [("Disponibles", "20"), ("Hablando", "40")]
    few = crowd()
    few.announcements, few.alarms = [], []
    said = pages_from(board(few, "es", PageSpec(kind="agents")))
    assert not any("Muñoz" in page.label for page in said)


@pytest.mark.parametrize("made", [alarm(), thin(), calm(), stale()], ids=["alarm", "thin", "calm", "stale"])
def test_with_two_rows_every_headline_is_twice_as_high(made: Snapshot) -> None:
    for page in pages_from(board(made)):
        if not page.parts or page.alone:
            continue
        (scene,) = scenes(page, 64, 16)
        assert scene.tall, page.key
        shown = rows_from(frame(page, 64, 16, 0.1))
        value = next(part.text for part in page.parts if part.digits)
        digits = Image.new("L", (2 * width_px(value), 16))
        draw(digits, 0, 2, value, scale=2)
        needle = rows_from(digits)
        assert any(all(row[x : x + 2 * width_px(value)] == want for row, want in zip(shown, needle, strict=True)) for x in range(64)), (
            page.key
        )


@pytest.mark.parametrize(("width", "height"), [(128, 8), (192, 8), (256, 8), (256, 16)])
def test_a_wide_chain_shows_figures_side_by_side_and_leaves_none_out(width: int, height: int) -> None:
    made = board(alarm())
    narrow, wide = pages_from(made), side_by_side(pages_from(made), width, height)
    assert [each.key for page in wide for each in page.cells or (page,)] == [page.key for page in narrow]
    assert max(len(page.cells) for page in wide) == min(4, width // CELL_PX)
    for page in wide:
        for at, cell in enumerate(page.cells):
            alone = rows_from(frame(cell, CELL_PX - 4, height, 0.1))
            assert [row[at * CELL_PX :][: CELL_PX - 4] for row in rows_from(frame(page, width, height, 0.1))] == alone
    assert side_by_side(narrow, 64, 8) == narrow


def test_a_preview_is_what_the_chain_shows() -> None:
    made = board(link_down())
    image = led_image(made, 64, 8, 0.0)
    assert rows_from(image)[:7] == rows_from(frame(pages_from(made)[0], 64, 8, 0.0))[:7]
    assert led_image(made, 64, 8, 12.0).tobytes() != image.tobytes()
    assert as_it_shines(image).size == (640, 80)


@pytest.mark.parametrize(
    ("local", "percent"), [("06:59", 5), ("07:00", 60), ("19:59", 60), ("20:00", 5), ("00:00", 5), ("12:30", 20), ("13:00", 60)]
)
def test_brightness_by_the_clock_on_the_wall(local: str, percent: int) -> None:
    from datetime import datetime  # noqa: PLC0415

    led = Led(brightness=60, dim=("20:00-07:00",), dim_brightness=5)
    noon = Led(brightness=60, dim=("12:00-13:00",), dim_brightness=20)
    zone = ZoneInfo("America/Guayaquil")
    hour, minute = map(int, local.split(":"))
    now_ns = int(datetime(2026, 11, 21, hour, minute, tzinfo=zone).timestamp()) * 10**9
    assert percent_now(noon if percent == 20 or local == "13:00" else led, now_ns, zone) == percent
