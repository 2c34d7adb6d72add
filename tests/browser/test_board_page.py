"""The TV page in a real Chromium: its figures are the snapshot's, its faces appear and heal, it asks nobody but the box."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from appliance.core.config import Config, Led, Privacy, Site, Tv
from appliance.core.config import Wallboard as Boards
from appliance.floor.snapshot import AgentCounts, Crm, Health, Pbx
from wallboard.alarm import thresholds_from
from wallboard.board import Board, Maker
from wallboard.board_set import BoardSet
from wallboard.feed import Feed
from wallboard.http import Server, open_server
from wallboard.led_run import LedRun
from wallboard.sample import HeldView, ago
from wallboard.words import words_of

if TYPE_CHECKING:
    from conftest import Browser, Tab

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parent.parent.parent / "docs" / "images"
ZONE = "America/Guayaquil"


class Box:
    """A wallboard server whose floor and clock the test holds; it can be stopped and started on the same port."""

    def __init__(self) -> None:
        self.view = HeldView()
        self.view.held.site = "Quito Norte"
        self.config = Config(site=Site(name="Quito Norte", box="piso-3", timezone=ZONE), wallboard=Boards(tv=Tv(listen="127.0.0.1:0")))
        self.feed = Feed(self.view, self.view.clock, Privacy())
        self.boards = BoardSet(self.config)
        self.led = LedRun("entrada", Led(url="sim:", width=64, height=8), self.boards, self.feed, self.view.clock)
        self.base = ""
        self._listen = "127.0.0.1:0"
        self._server: contextlib.AsyncExitStack | None = None

    async def start(self) -> None:
        tv = Tv(listen=self._listen)
        self._server = contextlib.AsyncExitStack()
        server = Server(self.config, tv, self.feed, self.boards, self.view.clock, {"entrada": self.led.chain})
        host, port = await self._server.enter_async_context(open_server(server, tv))
        self._listen = f"{host}:{port}"
        self.base = f"http://{self._listen}"

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.aclose()
            self._server = None

    async def turn(self) -> None:
        """What the service's loop does, with the test's clock going on in real time."""
        while True:
            self.feed.turn()
            await asyncio.sleep(0.05)
            self.view.clock.advance(0.05)

    def tell(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self.view.held, name, value)
        self.view.held.seq += 1
        self.feed.changed()

    def board(self, language: str = "es", queue: str | None = None) -> Board:
        maker = Maker(words_of(language), ZoneInfo(ZONE), thresholds_from(self.config.kpi), queue)
        return maker.board(self.view.snapshot(), self.view.clock.wall_ns())


class Cable:
    """A wire between the browser and the box that can be pulled: nothing passes any more, and nobody is told."""

    def __init__(self) -> None:
        self.whole = asyncio.Event()
        self.whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []

    async def lay(self, base: str) -> str:
        host, port = base.removeprefix("http://").split(":")

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._ends.append(writer)
            await self.whole.wait()
            inner, outer = await asyncio.open_connection(host, int(port))
            self._ends.append(outer)
            for source, sink in ((reader, outer), (inner, writer)):
                task = asyncio.create_task(self._pass(source, sink))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        self._server = await asyncio.start_server(join, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                await self.whole.wait()
                sink.write(data)
                await sink.drain()
        sink.close()

    async def take_away(self) -> None:
        self._server.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in self._ends:
            end.transport.abort()
            with contextlib.suppress(ConnectionError):
                await end.wait_closed()


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    made = Box()
    await made.start()
    tasks = [asyncio.create_task(made.turn()), asyncio.create_task(made.led.run())]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await made.stop()


TILES = """Object.fromEntries([...document.querySelectorAll('.tile')].map(t => [t.dataset.key,
  {label: t.querySelector('.label').textContent, value: t.querySelector('.digits').textContent, unit: t.querySelector('.unit').textContent,
   level: t.dataset.level, fresh: t.dataset.fresh}]))"""
LIVE = "document.body.dataset.stream === 'live' && document.querySelector('[data-key=waiting] .digits').textContent !== ''"


async def opened(browser: Browser, box: Box, path: str = "/board/floor", width: int = 1920, height: int = 1080) -> Tab:
    tab = await browser.tab()
    await tab.open(box.base + path, width, height)
    await tab.until(LIVE)
    return tab


def ticks(value: str) -> int:
    """A duration on the board in seconds."""
    seconds = 0
    for part in value.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds


async def test_figures_on_the_page_are_the_view_models_in_every_language(browser: Browser, box: Box) -> None:
    for language in ("es", "en", "pt"):
        tab = await opened(browser, box, f"/board/floor?lang={language}")
        tiles = await tab.ask(TILES)
        model = {tile.key: tile for tile in box.board(language).tiles}
        assert set(tiles) <= set(model)
        for key, said in tiles.items():
            tile = model[key]
            assert (said["label"], said["unit"], said["level"], said["fresh"]) == (tile.label, tile.unit, tile.level, tile.fresh)
            if key == "longest_wait":
                assert abs(ticks(said["value"]) - ticks(tile.value)) <= 2
            else:
                assert said["value"] == tile.value, key
        rows = await tab.ask("[...document.querySelectorAll('tbody tr')].filter(r => !r.hidden).map(r => [r.dataset.queue,"
                             "r.querySelector('[data-key=waiting]').textContent, r.querySelector('[data-key=service_level]').textContent])")  # fmt: skip
        assert rows == [
            [row.key, row.tiles["waiting"].value, row.tiles["service_level"].value + row.tiles["service_level"].unit]
            for row in box.board(language).rows
        ]
        assert await tab.ask("document.documentElement.lang") == language
        assert {url.split("/")[2] for url in tab.requests if url.startswith("http")} == {box.base.removeprefix("http://")}
        assert all(url.startswith(box.base) for url in tab.requests)
        assert tab.errors == []
        await tab.close()


async def test_figures_follow_the_stream(browser: Browser, box: Box) -> None:
    tab = await opened(browser, box, "/board/queue.ventas")
    for waiting in (4, 12, 105, 0):
        box.view.held.queues["ventas"].waiting = waiting
        box.tell()
        await tab.until(f"document.querySelector('[data-key=waiting] .digits').textContent === '{waiting}'")
    await tab.until("document.querySelector('[data-key=longest_wait] .digits').textContent === '0:00'")
    places = "JSON.stringify([...document.querySelectorAll('.tile')].map(t => { const r = t.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] }))"
    before = await tab.ask(places)
    box.view.held.queues["ventas"].waiting = 1234
    box.tell()
    await tab.until("document.querySelector('[data-key=waiting] .digits').textContent === '1.234'")
    assert await tab.ask(places) == before
    assert tab.errors == []


async def test_link_down_is_said_in_words_with_held_and_oldest_counting_and_heals(browser: Browser, box: Box) -> None:
    tab = await opened(browser, box)
    box.tell(crm=Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155)))
    strip = "document.querySelector('.strip').innerText"
    await tab.until(f"{strip}.includes('Sin enlace con la central')")
    said = await tab.ask(strip)
    assert "Desde 09:00" in said
    assert "Retenidos 1.204" in said
    assert "El más antiguo 2:" in said
    await tab.until(f"{strip}.includes('El más antiguo 2:4')")
    box.tell(crm=Crm(state="down", since=ago(155), backlog=1300, oldest=ago(155)))
    await tab.until(f"{strip}.includes('Retenidos 1.300')")
    assert await tab.ask("document.querySelector('[data-key=waiting]').dataset.fresh") == "live"
    box.tell(crm=Crm(state="draining", backlog=300, oldest=ago(20), drain_s=9.0))
    await tab.until(f"{strip}.includes('Entregando a la central')")
    box.tell(crm=Crm(state="up", delivered=10500))
    await tab.until(f"{strip}.includes('Enlace con la central')")
    assert "Sin enlace" not in await tab.ask(strip)


async def test_troubles_differ_in_shape_and_word(browser: Browser, box: Box) -> None:
    tab = await opened(browser, box)
    floor = box.view.held
    for scope in (floor.floor, *floor.queues.values()):
        scope.fresh, scope.as_of = "stale", ago(95)
    box.tell(
        pbx={"central": Pbx(state="down", since=ago(95), reason="lost")},
        crm=Crm(state="no_consumer", since=ago(20), backlog=4, oldest=ago(20)),
        health=[Health(id="disk", level="red", text="disk 97 %")],
    )
    cells = "[...document.querySelectorAll('.cell')].filter(c => !c.hidden).map(c => [c.querySelector('strong').textContent, c.querySelector('use').getAttribute('href')])"
    await tab.until(f"{cells}.length === 3")
    said = dict(await tab.ask(cells))
    assert set(said) == {"Sin conexión con la planta telefónica", "La central no escucha", "Falla de la caja"}
    assert len(set(said.values())) == 3
    await tab.until("document.querySelector('[data-key=waiting] .stamp').textContent.startsWith('Dato de hace 1:')")
    assert await tab.ask("document.querySelector('[data-key=waiting] .digits').textContent") == "4"
    assert await tab.ask("getComputedStyle(document.querySelector('.hero')).borderStyle") == "dashed"


async def test_a_lost_stream_is_told_by_the_page_itself_and_heals(browser: Browser, box: Box) -> None:
    tab = await opened(browser, box)
    await box.stop()
    await tab.until("document.body.dataset.stream === 'lost'")
    strip = "document.querySelector('.strip').innerText"
    assert "Este tablero no recibe datos" in await tab.ask(strip)
    first = ticks((await tab.ask(strip)).rsplit(" ", 1)[1].strip())
    await tab.until(f"!{strip}.trim().endsWith('0:0{first}')")
    colour = await tab.ask("getComputedStyle(document.querySelector('[data-key=waiting] .digits')).color")
    waited = await tab.ask("document.querySelector('[data-key=longest_wait] .digits').textContent")
    await asyncio.sleep(1.2)
    assert abs(ticks(await tab.ask("document.querySelector('[data-key=longest_wait] .digits').textContent")) - ticks(waited)) <= 1
    await box.start()
    await tab.until(LIVE, 30)
    assert "Este tablero no recibe datos" not in await tab.ask(strip)
    assert await tab.ask("getComputedStyle(document.querySelector('[data-key=waiting] .digits')).color") != colour


async def test_a_pulled_cable_is_told_by_the_page_itself_and_heals(browser: Browser, box: Box) -> None:
    cable = Cable()
    box.base = await cable.lay(box.base)
    tab = await opened(browser, box)
    cable.whole.clear()
    await tab.until("document.body.dataset.stream === 'lost'", 20)
    said = await tab.ask("document.querySelector('.strip').innerText")
    assert "Este tablero no recibe datos" in said
    assert ticks(said.rsplit(" ", 1)[1].strip()) >= 7
    box.view.held.floor.waiting = 8
    box.tell()
    cable.whole.set()
    await tab.until("document.body.dataset.stream === 'live'", 30)
    await tab.until("document.querySelector('[data-key=waiting] .digits').textContent === '8'")
    await tab.close()
    await cable.take_away()


async def test_closed_unknown_and_urgent(browser: Browser, box: Box) -> None:
    tab = await opened(browser, box)
    box.view.held.announcements[0].severity = "urgent"
    box.tell(open=False)
    await tab.until("document.querySelector('.notice').dataset.severity === 'urgent'")
    assert await tab.ask("document.body.dataset.face") == "normal"
    box.view.held.floor.waiting = 0
    box.view.held.floor.agents = AgentCounts()
    box.tell()
    await tab.until("document.body.dataset.face === 'closed' && document.querySelector('.closed').innerText.includes('Cerrado')")
    box.view.held.floor.fresh = "unknown"
    box.tell(open=True)
    await tab.until("document.querySelector('[data-key=service_level] .digits').textContent === '–'")


async def test_the_led_chain_is_drawn_as_it_is(browser: Browser, box: Box) -> None:
    tab = await opened(browser, box)
    lit = """(() => { const c = document.querySelector('.led'); if (!c) return false; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      const pitch = c.width / 64; const rows = [];
      for (let y = 0; y < 8; y++) { let row = ''; for (let x = 0; x < 64; x++) { const at = 4 * (Math.floor((y + .5) * pitch) * c.width + Math.floor((x + .5) * pitch)); row += d[at] > 128 ? '1' : '0'; } rows.push(row); }
      return rows.join('|'); })()"""
    for _ in range(100):
        if (await tab.ask(lit)) == "|".join(box.led.chain.picture().rows):
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the page never showed the chain's frame")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (3840, 2160), (1080, 1920)])
async def test_nothing_overflows_at_any_size_or_language(browser: Browser, box: Box, width: int, height: int) -> None:
    box.view.held.floor.waiting = 999
    box.view.held.floor.today.asa = 3725.0
    box.view.held.floor.today.service_level = 1.0
    box.tell(crm=Crm(state="down", since=ago(9000), backlog=1204567, oldest=ago(9000)), pbx={"central": Pbx(state="down", since=ago(9000))})
    for language in ("es", "pt", "en"):
        tab = await opened(browser, box, f"/board/floor?lang={language}", width, height)
        await asyncio.sleep(0.2)
        out = await tab.ask("""[...document.querySelectorAll('.label, .value, .cell, .cell strong, .details, .clock, td, thead th, .top, .note, .target, .badge, .led, .foot > *')]
          .filter(e => e.offsetParent && !e.hidden && getComputedStyle(e).visibility !== 'hidden')
          .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' || e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().bottom > innerHeight + 1)
          .map(e => e.className + ':' + e.textContent)""")
        assert out == [], (language, width, height)
        hero = await tab.ask("parseFloat(getComputedStyle(document.querySelector('.hero[data-key=service_level] .digits')).fontSize)")
        if width > height:
            assert hero * 0.716 >= height / 9, "headline digits are at least a ninth of the height"
        await tab.close()


CONTRAST = """(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [0, 0, 0]; };
  const out = [];
  for (const e of document.querySelectorAll('main *')) {
    if (!e.offsetParent || e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (getComputedStyle(e).visibility === 'hidden') continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(ground(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 7) out.push([e.className, e.textContent, ratio]);
  }
  return out; })()"""


async def test_every_text_has_a_contrast_of_seven_to_one(browser: Browser, box: Box) -> None:
    tab = await opened(browser, box)
    assert await tab.ask(CONTRAST) == []
    box.tell(crm=Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155)), pbx={"central": Pbx(state="down", since=ago(9))})
    for scope in (box.view.held.floor, *box.view.held.queues.values()):
        scope.fresh, scope.as_of = "stale", ago(9)
    await tab.until("document.querySelectorAll('.cell[data-severe=true]').length === 2")
    box.view.held.announcements[0].severity = "urgent"
    box.tell()
    await tab.until("document.querySelector('.notice').dataset.severity === 'urgent'")
    assert await tab.ask(CONTRAST) == []


@pytest.mark.skipif(not os.environ.get("CALLFLOOR_PICTURES"), reason="draws docs/images anew: CALLFLOOR_PICTURES=1")
async def test_pictures_for_the_documentation(browser: Browser, box: Box) -> None:
    async def shoot(name: str, path: str = "/board/floor", width: int = 1920, height: int = 1080) -> None:
        tab = await opened(browser, box, path, width, height)
        await asyncio.sleep(0.8)
        path_out = PICTURES / f"{name}.png"
        await tab.picture(path_out)
        with Image.open(path_out) as full:
            full.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path_out, optimize=True)
        assert path_out.stat().st_size < 200_000
        await tab.close()

    PICTURES.mkdir(parents=True, exist_ok=True)
    await shoot("board-floor")
    await shoot("board-portrait", width=1080, height=1920)
    await shoot("board-queue-en", "/board/queue.ventas?lang=en")
    box.tell(crm=Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155)))
    await shoot("board-link-down")
    await asyncio.sleep(4)
    await shoot("board-led", "/board/led.entrada", 1280, 400)
    for scope in (box.view.held.floor, *box.view.held.queues.values()):
        scope.fresh, scope.as_of = "stale", ago(20)
    box.tell(pbx={"central": Pbx(state="down", since=ago(20))})
    await shoot("board-pbx-down-pt", "/board/floor?lang=pt")
