"""Each state has its own face on the TV: link down, PBX out of sight, box unwell, nothing heard, closed, unknown, alarms. Each heals."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from appliance.floor.snapshot import AgentCounts, Alarm, Announcement, Callbacks, Crm, Pbx
from wallboard.sample import ago, stocked

if TYPE_CHECKING:
    from conftest import Box, Browser

pytestmark = pytest.mark.browser
STRIP = "document.querySelector('.strip').innerText"
TROUBLES = """[...document.querySelectorAll('.trouble')].filter(c => !c.hidden).map(c => [c.querySelector('strong').textContent, c.querySelector('use').getAttribute('href'), c.dataset.trouble])"""


def figure(key: str, part: str = ".digits") -> str:
    return f"document.querySelector('.tile[data-key={key}]:not([hidden]) {part}').textContent"


def ticks(value: str) -> int:
    """A duration on the board in seconds."""
    seconds = 0
    for part in value.split(":"):
        seconds = seconds * 60 + int(part)
    return seconds


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


NEAR = 'distance_m = 3\n[[page]]\nkind = "floor"\n'


async def test_link_down_is_said_in_words_with_since_held_and_oldest_counting_and_heals(browser: Browser, box: Box) -> None:
    box.write("near", NEAR)
    tab = await box.open(browser, "/board/near")
    box.tell(crm=Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155), full_in_s=7200.0))
    await tab.until(f"{STRIP}.includes('Sin enlace con la central')", 5)
    said = await tab.ask(STRIP)
    for part in ("Desde 09:00", "Retenidos 1.204", "El más antiguo 2:", "Lleno en 2 h"):
        assert part in said
    await tab.until(f"{STRIP}.includes('El más antiguo 2:4')")
    box.tell(crm=Crm(state="down", since=ago(155), backlog=1300, oldest=ago(155)))
    await tab.until(f"{STRIP}.includes('Retenidos 1.300')")
    assert await tab.ask("document.querySelector('.tile[data-key=waiting]').dataset.fresh") == "live"
    box.view.held.floor.waiting = 9
    box.tell()
    await tab.until(f"{figure('waiting')} === '9'")
    box.tell(crm=Crm(state="draining", backlog=300, oldest=ago(20), drain_s=9.0))
    await tab.until(f"{STRIP}.includes('Entregando a la central') && {STRIP}.includes('Faltan 0:09')")
    box.tell(crm=Crm(state="up", delivered=10500))
    await tab.until("document.querySelector('.strip').hidden")


async def test_from_afar_every_detail_of_a_trouble_has_its_turn(browser: Browser, box: Box) -> None:
    tab = await box.open(browser)
    box.tell(crm=Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155)))
    for part in ("Sin enlace con la central", "Desde 09:00", "Retenidos 1.204", "El más antiguo 2:"):
        for _ in range(16):
            if part in await tab.ask(STRIP):
                break
            box.view.clock.advance(3.5)
            box.tell()
            await asyncio.sleep(0.3)
        else:
            pytest.fail(f"{part} never had its turn")


async def test_what_the_link_holds_has_a_page_and_the_account_balances(browser: Browser, box: Box) -> None:
    box.write("near", NEAR)
    box.tell(
        crm=Crm(
            state="down", since=ago(155), backlog=1204, oldest=ago(155), recorded=10400, delivered=9120, shed=70, skipped=6, full_in_s=9e5
        )
    )
    tab = await box.open(browser, "/board/near?page=link")
    await tab.until("document.body.dataset.page === 'link'")
    recorded, delivered, held, shed, skipped = [
        int((await tab.ask(figure(key))).replace(".", "")) for key in ("recorded", "delivered", "held", "shed", "skipped")
    ]
    assert recorded == delivered + held + shed + skipped == 10400
    assert await tab.ask(figure("full_in")) == "10 d"
    box.tell(crm=Crm(state="up", delivered=10500))
    await tab.until("document.body.dataset.page === 'floor'")


async def test_troubles_differ_in_shape_and_word(browser: Browser, box: Box) -> None:
    box.write("near", NEAR)
    tab = await box.open(browser, "/board/near")
    box.show("pbx_down")
    box.tell(crm=Crm(state="no_consumer", since=ago(20), backlog=4, oldest=ago(20)), announcements=[])
    await tab.until(f"{TROUBLES}.length === 2")
    both = await tab.ask(TROUBLES)
    box.show("box")
    await tab.until(f"{TROUBLES}.length === 1 && {TROUBLES}[0][2] === 'box'")
    box_fault = (await tab.ask(TROUBLES))[0]
    box.show("link_down")
    await tab.until(f"{TROUBLES}[0][2] === 'link'")
    said = [*both, box_fault, (await tab.ask(TROUBLES))[0]]
    assert [word for word, _, _ in said] == [
        "Sin conexión con la planta telefónica",
        "La central no escucha",
        "Falla del equipo",
        "Sin enlace con la central",
    ]
    assert len({shape for _, shape, _ in said}) == 4


async def test_pbx_out_of_sight_dims_and_stamps_every_figure_and_heals(browser: Browser, box: Box) -> None:
    tab = await box.open(browser)
    colour = "getComputedStyle(document.querySelector('.tile[data-key=waiting] .digits')).color"
    bright = await tab.ask(colour)
    for scope in (box.view.held.floor, *box.view.held.queues.values()):
        scope.fresh, scope.as_of = "stale", ago(95)
    box.tell(pbx={"central": Pbx(state="down", since=ago(95), reason="lost")})
    await tab.until(f"{figure('waiting', '.state')}.includes('Dato de hace 1:')")
    assert await tab.ask("document.querySelector('.tile[data-key=waiting] .state use').getAttribute('href')") == "#s-clock"
    assert await tab.ask(figure("waiting")) == "4"
    assert await tab.ask("getComputedStyle(document.querySelector('.tile[data-key=waiting]')).borderStyle") == "dashed"
    assert await tab.ask(colour) != bright
    box.show("normal")
    await tab.until("document.querySelector('.tile[data-key=waiting] .state').hidden")
    assert await tab.ask(colour) == bright


async def test_a_lost_stream_is_told_by_the_page_itself_and_heals(browser: Browser, box: Box) -> None:
    tab = await box.open(browser)
    await box.stop()
    await tab.until("document.body.dataset.stream === 'lost'")
    assert "Este tablero no recibe datos" in await tab.ask(STRIP)
    state = figure("waiting", ".state span")
    first = await tab.ask(state)
    assert first.startswith("Dato de hace 0:")
    await tab.until(f"{state} !== {first!r}")
    waited = await tab.ask(figure("longest_wait"))
    await asyncio.sleep(1.2)
    assert abs(ticks(await tab.ask(figure("longest_wait"))) - ticks(waited)) <= 1, "nobody knows whether that caller still waits"
    await box.start()
    await tab.until("document.body.dataset.stream === 'live' && document.querySelector('.strip').hidden", 30)
    assert await tab.ask("document.querySelector('.tile[data-key=waiting]').dataset.fresh") == "live"


async def test_a_pulled_cable_is_told_by_the_page_itself_and_heals(browser: Browser, box: Box) -> None:
    cable = Cable()
    box.base = await cable.lay(box.base)
    tab = await box.open(browser)
    cable.whole.clear()
    await tab.until("document.body.dataset.stream === 'lost'", 20)
    said = await tab.ask(STRIP)
    assert "Este tablero no recibe datos" in said
    assert ticks((await tab.ask(figure("waiting", ".state span"))).rsplit(" ", 1)[1]) >= 7
    box.view.held.floor.waiting = 8
    box.tell()
    cable.whole.set()
    await tab.until("document.body.dataset.stream === 'live'", 30)
    await tab.until(f"{figure('waiting')} === '8'")
    await tab.close()
    await cable.take_away()


async def test_closed_and_unknown(browser: Browser, box: Box) -> None:
    tab = await box.open(browser)
    box.tell(open=False)
    await asyncio.sleep(0.3)
    assert await tab.ask("document.body.dataset.face") == "normal", "somebody still waits"
    box.view.held.floor.waiting = 0
    box.view.held.floor.agents = AgentCounts()
    box.tell()
    await tab.until("document.body.dataset.face === 'closed' && document.querySelector('.closed').innerText.includes('Cerrado')")
    assert await tab.ask("[...document.querySelectorAll('.tile')].every(t => !t.offsetParent)"), "no red zeros"
    assert await tab.ask("document.querySelector('.hour').textContent") == "09:03"
    box.view.held.floor.fresh = "unknown"
    box.tell(open=True)
    await tab.until(f"{figure('service_level')} === '–'")
    assert await tab.ask(figure("service_level", ".state span")) == "Sin dato"


async def test_levels_come_from_the_snapshots_alarms_and_never_hide_the_figure(browser: Browser, box: Box) -> None:
    tab = await box.open(browser)
    tile = "document.querySelector('.tile[data-key=longest_wait]')"
    box.view.held.floor.today.service_level = 0.3  # far beyond the target, and no alarm
    box.tell(alarms=[Alarm(id="floor.longest_wait", level="red", since=ago(9))])
    await tab.until(f"{tile}.dataset.level === 'red'")
    assert await tab.ask("document.querySelector('.tile[data-key=service_level]').dataset.level") == "none"
    assert await tab.ask(f"{tile}.querySelector('.state span').textContent") == "Fuera de meta"
    assert ticks(await tab.ask(figure("longest_wait"))) >= 41
    flashes = f"getComputedStyle({tile}.querySelector('.state .icon')).animationName"
    assert await tab.ask(flashes) == "flash"
    box.tell(alarms=[Alarm(id="floor.longest_wait", level="red", since=ago(9), acknowledged=ago(1))])
    await tab.until(f"{tile}.querySelector('.state use').getAttribute('href') === '#s-red-seen'")
    assert await tab.ask(flashes) == "none"
    box.tell(alarms=[])
    await tab.until(f"{tile}.dataset.level === 'none'")


async def test_a_vip_who_waits_is_told_with_a_clock_that_ticks_in_the_page(browser: Browser, box: Box) -> None:
    box.write("near", NEAR + '[[page]]\nkind = "queues"\n')
    box.show("vip")
    tab = await box.open(browser, "/board/near?page=floor")
    tile = "document.querySelector('.tile[data-key=vip_wait]')"
    assert await tab.ask(f"{tile}.dataset.vip") == "true"
    assert await tab.ask(f"{tile}.querySelector('.state use').getAttribute('href')") == "#s-vip"
    assert (await tab.ask(TROUBLES)) == [["VIP esperando", "#s-vip", "vip"]]
    first = await tab.ask(figure("vip_wait"))
    await tab.until(f"{figure('vip_wait')} !== {first!r}", 4)  # no patch in between: the page's own clock
    assert ticks(first) >= 42
    assert "Ventas (2)" in await tab.ask(STRIP)
    for queue in (box.held.floor, *box.held.queues.values()):
        queue.vip_waiting, queue.vip_longest_since = 0, None
    box.tell()
    await tab.until(f"document.querySelector('.strip').hidden && {tile}.dataset.vip === 'false' && {figure('vip_wait')} === '0:00'")


async def test_a_vip_has_a_star_in_the_table_in_his_queues_row(browser: Browser, box: Box) -> None:
    box.write("near", 'distance_m = 3\n[[page]]\nkind = "queues"\n')
    box.show("vip")
    tab = await box.open(browser, "/board/near")
    stars = "[...document.querySelectorAll('td[data-key=vip_wait]')].map((cell) => cell.dataset.vip)"
    assert await tab.ask(stars) == ["true", "false", "true", "false"]
    assert await tab.ask("document.querySelector('td[data-vip=true] use').getAttribute('href')") == "#s-vip"


async def test_an_extraordinary_call_stands_above_all_and_is_plain_once_seen(browser: Browser, box: Box) -> None:
    box.write("near", NEAR)
    tab = await box.open(browser, "/board/near")
    box.tell(alarms=[Alarm(id="call.extraordinary.agente-112", level="red", since=ago(9), agent="agente-112", seat="a12")])
    await tab.until(f"{TROUBLES}.length === 1")
    line = "document.querySelector('.trouble')"
    assert "puesto A12" in await tab.ask(STRIP)
    assert await tab.ask(f"[{line}.dataset.trouble, {line}.dataset.severe]") == ["call", "true"]
    box.tell(crm=Crm(state="down", since=ago(155), backlog=9))
    await tab.until(f"{TROUBLES}.length === 2 && {TROUBLES}[0][2] === 'call' && {TROUBLES}[1][2] === 'link'")
    box.held.alarms[0].acknowledged = ago(1)
    box.tell(crm=Crm(state="up"))
    await tab.until(f"{line}.dataset.severe === 'false' && {STRIP}.includes('Visto')")
    box.tell(alarms=[])
    await tab.until("document.querySelector('.strip').hidden")


async def test_a_channel_turns_stale_where_it_stands_and_its_wait_with_it(browser: Browser, box: Box) -> None:
    box.write("canales", 'distance_m = 3\n[[page]]\nkind = "channels"\n')
    stocked(box.held)
    box.tell()
    tab = await box.open(browser, "/board/canales")
    cell = "document.querySelector('tr[data-key=chat] td[data-key={}] .digits').textContent"
    first = await tab.ask(cell.format("longest_wait"))
    await tab.until(f"{cell.format('longest_wait')} !== {first!r}", 4)
    box.held.channels["chat"].fresh = "stale"
    box.tell()
    await tab.until("document.querySelector('tr[data-key=chat]').dataset.fresh === 'stale'")
    stood = await tab.ask(cell.format("longest_wait"))
    age = await tab.ask(cell.format("as_of"))
    await tab.until(f"{cell.format('as_of')} !== {age!r}", 4)
    assert await tab.ask(cell.format("longest_wait")) == stood == "1:35"
    assert await tab.ask("document.querySelector('tr[data-key=fax] td[data-key=waiting] .digits').textContent") == "–"


async def test_with_nobody_to_call_back_the_sum_stands_in_large_and_a_table_comes_with_the_first(browser: Browser, box: Box) -> None:
    box.write("devolver", 'distance_m = 3\n[[page]]\nkind = "callbacks"\n')
    stocked(box.held)
    due = box.held.queues["ventas"].callbacks
    for scope in (box.held.floor, *box.held.queues.values()):
        scope.callbacks = Callbacks()
    box.tell()
    tab = await box.open(browser, "/board/devolver")
    assert await tab.ask(figure("callbacks")) == "0"
    box.held.floor.callbacks = box.held.queues["ventas"].callbacks = due
    box.tell()
    await tab.until("document.querySelector('tr[data-key=ventas] td[data-key=callbacks] .digits').textContent === '4'")
    assert await tab.ask("document.querySelector('tr[data-sum=true] td[data-key=callbacks] .digits').textContent") == "4"
    assert await tab.ask("[...document.querySelectorAll('.tile')].every((tile) => !tile.offsetParent)")


async def test_announcements_take_turns_and_roll_only_where_they_do_not_fit(browser: Browser, box: Box) -> None:
    box.write("near", NEAR)
    tab = await box.open(browser, "/board/near")
    words = "document.querySelector('.notice .words').textContent"
    foot = "document.querySelector('.foot')"
    box.tell(
        announcements=[Announcement(id="a", text="Corto", boards=["near"]), Announcement(id="b", text="No es de aquí", boards=["otro"])]
    )
    await tab.until(f"{words} === 'Corto' && {foot}.dataset.rolls === 'false'")
    long = "Hoy a las 16:00 " * 30
    box.tell(announcements=[Announcement(id="c", text=long, severity="urgent")])
    await tab.until(f"{foot}.dataset.severity === 'urgent' && {foot}.dataset.rolls === 'true'")
    assert await tab.ask("document.querySelector('.words').getAnimations().length") == 1
    odd = "\u202eאבג \u0007" + "😀" * 40 + "x" * 10_000
    box.tell(announcements=[Announcement(id="e", text="Aviso"), Announcement(id="f", text="Evacuar", severity="urgent")])
    await tab.until(f"{foot}.dataset.severity === 'urgent' && {foot}.innerText.includes('Evacuar')")
    box.tell(announcements=[Announcement(id="d", text=odd)])
    await tab.until(f"{words}.includes('אבג')")
    assert await tab.ask(f"{words}.length") < 1100
    assert "\u0007" not in await tab.ask(words)
    assert await tab.ask("document.documentElement.scrollWidth <= innerWidth")
    box.tell(announcements=[])
    await tab.until(
        "document.querySelector('.notice').hidden && document.querySelector('.calm').innerText.includes('Enlace con la central')"
    )


async def test_the_led_chain_is_drawn_as_it_is(browser: Browser, box: Box) -> None:
    tab = await box.open(browser, "/board/led.entrada")
    lit = """(() => { const c = document.querySelector('.led'); if (!c || !c.width) return false; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      const pitch = c.width / 64; const rows = [];
      for (let y = 0; y < 8; y++) { let row = ''; for (let x = 0; x < 64; x++) { const at = 4 * (Math.floor((y + .5) * pitch) * c.width + Math.floor((x + .5) * pitch)); row += d[at] > 128 ? '1' : '0'; } rows.push(row); }
      return rows.join('|'); })()"""
    for _ in range(100):
        if (await tab.ask(lit)) == "|".join(box.led.chain.picture().rows):
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the page never showed the chain's frame")


async def test_a_changed_board_file_loads_the_page_anew(browser: Browser, box: Box) -> None:
    box.write("mine", NEAR)
    tab = await box.open(browser, "/board/mine")
    box.write("mine", NEAR + 'title = "Otro"\n')
    await tab.until("document.querySelector('.top h1').textContent.includes('Otro')", 20)
