"""How large letters are, and where they stand: minutes of arc at every size and in every language, nothing cut off, nothing that jumps."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import pytest

from appliance.floor.snapshot import AgentCounts, Crm, Pbx
from wallboard.sample import FACES, ago

if TYPE_CHECKING:
    from conftest import Box, Browser, Tab

pytestmark = pytest.mark.browser
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160), "portrait": (1080, 1920)}
ALL_PAGES = """
[[page]]
kind = "floor"
[[page]]
kind = "queues"
[[page]]
kind = "totals"
[[page]]
kind = "callbacks"
[[page]]
kind = "channels"
[[page]]
kind = "classes"
[[page]]
kind = "outbound"
[[page]]
kind = "agents"
names = true
[[page]]
kind = "trunks"
[[page]]
kind = "headsets"
[[page]]
kind = "announcements"
"""
WAY_BACK = ("callbacks", "channels", "classes", "outbound")
PAGES = ("floor", "queues", "totals", *WAY_BACK, "agents", "trunks", "headsets", "announcements", "link")

#: Every visible text: what it says, the height of its digits or capitals in pixels as its own font draws them, and whether it is a headline figure.
TEXTS = """(() => {
  const pen = document.createElement('canvas').getContext('2d');
  const out = [];
  const walk = document.createTreeWalker(document.getElementById('board'), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const box = node.parentElement;
    if (!node.data.trim() || !box.offsetParent || box.closest('[hidden]')) continue;
    const css = getComputedStyle(box);
    pen.font = `${css.fontWeight} ${css.fontSize} ${css.fontFamily}`;
    const height = Math.min(...[.../\\d/.test(node.data) ? node.data.replace(/\\D/g, '') : 'HEX'].map((c) => pen.measureText(c).actualBoundingBoxAscent));
    out.push([node.data, height, box.matches('.tile .digits'), box.className]);
  }
  return out; })()"""

#: What sticks out of its own box, of the screen, or lies on something else.
OUT = """(() => {
  const out = [];
  const seen = (e) => e.offsetParent && !e.closest('[hidden]') && getComputedStyle(e).visibility !== 'hidden';
  const say = (why, e) => out.push(`${why} ${e.className} ${e.textContent}`);
  for (const e of document.querySelectorAll('.tile, .digits, .unit, .label, .note, .state, .seat, .seat p, .trouble, .trouble strong, .trouble .details span, .foot, .calm span, .top > *, .legend span, td, th, .card, .said')) {
    if (!seen(e)) continue;
    const r = e.getBoundingClientRect();
    if (r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1) say('off the screen', e);
    const clips = e.closest('.tile, .trouble, td, th, .seat, .calm, .card, .top');
    if (clips && clips !== e) { const c = clips.getBoundingClientRect(); if (r.left < c.left - 1 || r.right > c.right + 1 || r.bottom > c.bottom + 2) say('out of its box', e); }
    if (e.matches('.label, td, .note, .state, .card, h1') && e.scrollWidth > e.clientWidth + 1) say('too wide', e);
    if (e.matches('.label, .card') && e.scrollHeight > e.clientHeight + 2 + 0.15 * parseFloat(getComputedStyle(e).fontSize)) say('too high', e);
  }
  const tiles = [...document.querySelectorAll('.tile')].filter(seen);
  for (const tile of tiles) {
    const box = (q) => { const e = tile.querySelector(q); return e && seen(e) && e.textContent ? e.getBoundingClientRect() : null; };
    const [value, trend] = [box('.value'), tile.querySelector('.trend:not([hidden])')];
    if (value && trend && trend.getBoundingClientRect().right > value.left + 1) say('line under digits', tile);
    const [label, foot] = [box('.label'), [...tile.querySelectorAll('footer p')].filter(seen)[0]];
    const digits = tile.querySelector('.digits').getBoundingClientRect();
    const size = parseFloat(getComputedStyle(tile.querySelector('.digits')).fontSize);
    if (label && digits.bottom - size * 0.95 < label.top) say('digits over label', tile);
  }
  const bands = [...document.querySelectorAll('.top, .strip, .stage, .closed, .foot')].filter(seen).map((e) => [e, e.getBoundingClientRect()]).sort((a, b) => a[1].top - b[1].top);
  bands.forEach(([e, r], at) => { if (at && bands[at - 1][1].bottom > r.top + 1) say('overlaps', e); });
  return out; })()"""


def minute_px(width: int, height: int, distance_m: float = 10, diagonal_in: float = 43) -> float:
    """Pixels of one minute of arc: the screen's height from its diagonal and the viewport's aspect."""
    height_mm = diagonal_in * 25.4 * height / math.hypot(width, height)
    return height / height_mm * distance_m * 1000 * math.tan(math.radians(1 / 60))


async def legible(tab: Tab, width: int, height: int, distance_m: float = 10, diagonal_in: float = 43) -> list[Any]:
    """Texts that are too small: under ten minutes of arc, a headline's digits under twenty."""
    minute = minute_px(width, height, distance_m, diagonal_in)
    texts = await tab.ask(TEXTS)
    assert any(digits for _, _, digits, _ in texts) or len(texts) > 3
    return [[*text, round(text[1] / minute, 2)] for text in texts if text[1] < minute * (20 if text[2] else 10)]


async def resized(tab: Tab, width: int, height: int) -> None:
    await tab.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    await tab.until(f"innerWidth === {width} && innerHeight === {height}")
    await asyncio.sleep(0.35)


async def checked(tab: Tab, sizes: tuple[str, ...], what: tuple[str, ...]) -> None:
    for size in sizes:
        width, height = SIZES[size]
        await resized(tab, width, height)
        assert await legible(tab, width, height) == [], (size, *what)
        assert await tab.ask(OUT) == [], (size, *what)


@pytest.mark.parametrize("page", PAGES)
async def test_every_text_is_large_enough_and_nothing_is_cut_off(browser: Browser, box: Box, page: str) -> None:
    box.write("every", ALL_PAGES)
    box.show("link_down" if page == "link" else "vip" if page in WAY_BACK else "normal")
    tab = await box.open(browser, f"/board/every?page={page}")
    await tab.until(f"document.body.dataset.page === '{page}'")
    await checked(tab, ("portrait",) if page in WAY_BACK else tuple(SIZES), (page,))


@pytest.mark.parametrize(
    ("language", "face", "page"),
    [
        ("pt", "alarm", "floor"),
        ("pt", "extraordinary", "floor"),
        ("en", "pbx_down", "queues"),
        ("pt", "link_down", "floor"),
        ("en", "box", "trunks"),
    ],
)
async def test_every_text_is_large_enough_in_trouble_and_in_every_language(
    browser: Browser, box: Box, language: str, face: str, page: str
) -> None:
    box.write("every", ALL_PAGES)
    box.show(face)
    tab = await box.open(browser, f"/board/every?lang={language}&page={page}")
    await checked(tab, ("1080p", "portrait"), (language, face, page))


@pytest.mark.slow
@pytest.mark.parametrize("language", ["es", "en", "pt"])
async def test_every_page_face_size_and_language(browser: Browser, box: Box, language: str) -> None:
    box.write("every", ALL_PAGES)
    for page in PAGES:
        for face in FACES:
            box.show(face)
            if (page == "link") != (face in ("link_down", "draining")) or (page in WAY_BACK) != (face == "vip"):
                continue
            tab = await box.open(browser, f"/board/every?lang={language}&page={page}")
            await checked(tab, tuple(SIZES), (language, face, page))
            await tab.close()


async def test_worst_values_fit_too(browser: Browser, box: Box) -> None:
    box.write("every", ALL_PAGES)
    tab = await box.open(browser, "/board/every?page=floor")
    box.view.held.floor.waiting = 999
    box.view.held.floor.longest_since = ago(40000)
    box.view.held.floor.today.asa = 3725.0
    box.view.held.floor.today.service_level = 1.0
    box.view.held.floor.today.offered = 1_234_567
    box.tell(
        crm=Crm(state="down", since=ago(90000), backlog=1204567, oldest=ago(90000)), pbx={"central": Pbx(state="down", since=ago(90000))}
    )
    for width, height in SIZES.values():
        await resized(tab, width, height)
        assert await legible(tab, width, height) == []
        assert await tab.ask(OUT) == []


@pytest.mark.parametrize(("distance", "diagonal"), [(3.0, 43.0), (6.0, 55.0), (9.5, 24.0), (20.0, 43.0), (1.0, 10.0)])
async def test_sizes_follow_distance_and_diagonal(browser: Browser, box: Box, distance: float, diagonal: float) -> None:
    box.write("room", f"distance_m = {distance}\ndiagonal_in = {diagonal}\n" + ALL_PAGES)
    tab = await box.open(browser, "/board/room?page=floor")
    fits = minute_px(1920, 1080, distance, diagonal) < 1080 * 0.0098
    # A screen too small for its distance shows what it can, one figure at a time.
    assert await legible(tab, 1920, 1080, *((distance, diagonal) if fits else (9.5, 24))) == []
    assert [said for said in await tab.ask(OUT) if not said.endswith(" Quito Norte")] == [], "there a title gives way to date and clock"


async def test_what_does_not_fit_goes_to_the_next_screen_and_nothing_is_lost(browser: Browser, box: Box) -> None:
    shown: dict[float, int] = {}
    for distance in (3.0, 10.0):
        box.write("room", f"distance_m = {distance}\n[[page]]\nkind = 'floor'\ndwell_s = 2\n")
        tab = await box.open(browser, "/board/room")
        mark = await tab.ask("document.querySelector('.mark').textContent")
        screens = int(mark.split("/")[1]) if mark else 1
        keys: list[str] = []
        for at in range(screens):
            if screens > 1:
                await tab.until(f"document.querySelector('.mark').textContent === '{at + 1}/{screens}'")
            keys += await tab.ask("[...document.querySelectorAll('.tile')].filter(t => t.offsetParent).map(t => t.dataset.key)")
        assert keys == [tile.key for tile in box.board("room").pages[0].tiles], "all of them, in order of importance"
        shown[distance] = screens
        await tab.close()
    assert shown[3.0] == 1
    assert 1 < shown[10.0] <= 4


#: Where everything stands but the digits themselves and the small print, which changes with them.
BOXES = """JSON.stringify(Object.fromEntries([...document.querySelectorAll('.tile, .label, .state, .unit, .trend, .top, .hour, .day, .strip, .foot')].filter(e => e.getClientRects().length)
  .map((e) => { const r = e.getBoundingClientRect(); return [`${e.className.baseVal ?? e.className} ${e.closest('.tile')?.dataset.key}`, [r.x, r.y, r.width, r.height].map(Math.round)]; })))"""


@pytest.mark.parametrize("distance", [3, 10])
async def test_nothing_jumps_when_a_digit_is_added(browser: Browser, box: Box, distance: int) -> None:
    box.write("room", f"distance_m = {distance}\npin = 'floor'\n[[page]]\nkind = 'floor'\ndwell_s = 600\n")
    box.held.floor.today.answered = 9
    box.held.floor.today.offered = 9
    tab = await box.open(browser, "/board/room")
    await tab.until("document.querySelector('.trend path').getAttribute('d')")
    await asyncio.sleep(0.3)
    before = await tab.ask(BOXES)
    floor = box.held.floor
    for count, wait_s, share in ((9, 59, 0.099), (10, 60, 0.1), (99, 600, 0.999), (100, 3600, 1.0), (1234, 35999, 0.0)):
        floor.waiting, floor.longest_since = count, ago(wait_s - (box.view.clock.wall_ns() - box.held_since) / 1e9)
        floor.agents = AgentCounts(logged_in=count, available=min(count, 999), talking=min(count, 900), paused=min(count, 999))
        floor.today.service_level = floor.today.abandon_rate = share
        floor.today.answered = floor.today.offered = count * 10
        floor.today.asa = float(wait_s)
        box.tell()
        text = f"{count:,}".replace(",", ".")
        await tab.until(f"document.querySelector('.tile[data-key=waiting] .digits').textContent === '{text}'")
        assert await tab.ask(BOXES) == before, count


async def test_the_picture_wanders_and_stays_on_the_screen(browser: Browser, box: Box) -> None:
    tab = await box.open(browser)
    seen = set()
    for _ in range(9):
        box.view.clock.advance(60.0)
        box.tell()
        await asyncio.sleep(0.35)
        x, y = await tab.ask("(({left, top}) => [left, top])(document.getElementById('board').getBoundingClientRect())")
        seen.add((x, y))
        assert abs(x) <= 8
        assert abs(y) <= 8
        inside = """[...document.querySelectorAll('.top, .strip, .tile, .foot')].filter(e => e.offsetParent).every(e => { const r = e.getBoundingClientRect();
          return r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight; })"""
        assert await tab.ask(inside)
    assert len(seen) >= 8
    assert await tab.ask("document.querySelector('.hour').textContent") == "09:12"


async def test_pages_take_turns_without_a_flash_of_old_figures(browser: Browser, box: Box) -> None:
    box.write(
        "turns",
        "distance_m = 3\n[[page]]\nkind = 'queue'\nqueue = 'ventas'\ndwell_s = 2\n[[page]]\nkind = 'queue'\nqueue = 'soporte'\ndwell_s = 2\n[[page]]\nkind = 'headsets'\ndwell_s = 2\n",
    )
    box.tell(headsets=None)
    tab = await box.open(browser, "/board/turns")
    # Each frame as it is painted: which page, and what stands there for waiting and answered.
    await tab.ask("""(() => { window.frames_ = new Set(); const look = () => { const f = (k) => document.querySelector(`.tile[data-key=${k}] .digits`)?.textContent;
      window.frames_.add(`${document.body.dataset.page} ${document.querySelector('h1').textContent} ${f('waiting')} ${f('answered')}`); requestAnimationFrame(look); }; look(); })()""")
    await asyncio.sleep(5)
    assert sorted(await tab.ask("[...window.frames_]")) == [
        "queue.soporte Quito NorteSoporte técnico 0 63",
        "queue.ventas Quito NorteVentas 3 110",
    ]


async def test_a_pinned_page_stays(browser: Browser, box: Box) -> None:
    box.write(
        "pinned",
        "distance_m = 3\npin = 'colas'\n[[page]]\nkind = 'floor'\ndwell_s = 2\n[[page]]\nkind = 'queues'\nname = 'colas'\ndwell_s = 2\n",
    )
    tab = await box.open(browser, "/board/pinned")
    other = await box.open(browser, "/board/pinned?page=floor")
    for _ in range(5):
        assert await tab.ask("document.body.dataset.page") == "colas"
        assert await other.ask("document.body.dataset.page") == "floor"
        await asyncio.sleep(0.5)


CONTRAST = """(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const grounds = e => { const out = []; for (; e; e = e.parentElement) { const s = getComputedStyle(e);
    for (const c of s.backgroundImage.match(/rgba?\\([^)]*\\)/g) || []) { const p = parse(c); if (p.length === 3 || p[3] > 0) out.push(p); }
    const c = parse(s.backgroundColor); if (c.length === 3 || c[3] > 0) { out.push(c); break; } } return out.length ? out : [[0, 0, 0]]; };
  const out = [];
  for (const e of document.querySelectorAll('main *')) {
    if (!e.offsetParent || e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    for (const ground of grounds(e)) {
      const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(ground)];
      const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
      if (ratio < 7) out.push([e.className, e.textContent, ratio]);
    }
  }
  return out; })()"""


async def test_every_text_has_a_contrast_of_seven_to_one(browser: Browser, box: Box) -> None:
    box.write("every", "distance_m = 4\n" + ALL_PAGES)
    for page in ("floor", "queues", "agents", "trunks", "announcements"):
        tab = await box.open(browser, f"/board/every?page={page}")
        faces = ("normal", "vip", "alarm", "extraordinary", "link_down", "pbx_down", "box", "closed", "unknown")
        for face in faces if page == "floor" else ("alarm", "pbx_down"):
            floor = box.show(face)
            floor.floor.today.coverage = 0.6
            if floor.announcements:
                floor.announcements[0].severity = "urgent" if face == "alarm" else "warning"
            box.tell()
            await asyncio.sleep(0.35)
            assert await tab.ask(CONTRAST) == [], (face, page)
        await tab.close()


async def test_the_page_asks_nobody_but_the_box(browser: Browser, box: Box) -> None:
    box.write("every", ALL_PAGES)
    tab = await box.open(browser, "/board/every")
    await asyncio.sleep(0.5)
    assert {url.split("/")[2] for url in tab.requests if url.startswith("http")} == {box.base.removeprefix("http://")}
    assert tab.errors == []
    assert await tab.ask("document.documentElement.lang") == "es"
