"""What only shows after long or from outside: no violation of accessibility rules on any page, memory that stays flat, figures that follow a real journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from appliance.core.alive import Alive
from appliance.core.catalogue import CallQueued, LinkDown, LinkUp, PbxDown, PbxResynced, PbxUp
from appliance.core.clock import SystemClock
from appliance.core.config import Config, PbxConfig, Site, Tv
from appliance.core.config import Crm as CrmConfig
from appliance.core.config import Wallboard as Boards
from appliance.core.journal_sqlite import SqliteJournal
from appliance.service import Context
from wallboard.service import Wallboard
from wallboard.stream.feed import sse

if TYPE_CHECKING:
    from conftest import Box, Browser, Tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = Path(__file__).parent.parent.parent / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
STRIP = "document.querySelector('.strip').innerText"
UPDATES = 100_000
EVERY = "".join(f'[[page]]\nkind = "{kind}"\n' for kind in ("floor", "queues", "totals", "agents", "trunks", "headsets", "announcements"))


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is installed by make test-browser")
@pytest.mark.parametrize("language", ["es", "en", "pt"])
async def test_axe_finds_no_violation(browser: Browser, box: Box, language: str) -> None:
    box.write("every", "distance_m = 5\n" + EVERY)
    source = AXE.read_text(encoding="utf-8")
    run = """axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag2aaa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
      .then((found) => JSON.stringify(found.violations.map((v) => [v.id, v.nodes.map((n) => [n.html.slice(0, 160), n.failureSummary])])))"""
    for face in ("normal", "alarm", "link_down", "pbx_down", "closed"):
        box.show(face)
        pages = ["floor", "queues", "totals", "agents", "trunks", "headsets", "announcements"] + ["link"] * (face == "link_down")
        for path in [f"/board/every?lang={language}&page={page}" for page in (pages if face != "closed" else pages[:1])]:
            tab = await box.open(browser, path)
            await asyncio.sleep(0.2)
            await tab.ask(source + "; true")
            assert json.loads(await tab.ask(run)) == [], (path, face)
            await tab.close()
    tab = await browser.tab()
    await tab.open(f"{box.base}/?lang={language}")
    await tab.until("document.querySelectorAll('li').length > 3")
    await tab.ask(source + "; true")
    assert json.loads(await tab.ask(run)) == []


async def heap_bytes(tab: Tab) -> int:
    for _ in range(3):
        await tab.call("HeapProfiler.collectGarbage")
    return int((await tab.call("Runtime.getHeapUsage"))["usedSize"])


async def test_memory_stays_flat_over_a_day_of_updates(browser: Browser, box: Box) -> None:
    box.write("every", "distance_m = 4\n" + EVERY.replace("\nkind", "\ndwell_s = 2\nkind"))
    tab = await box.open(browser, "/board/every")
    await tab.call("HeapProfiler.enable")
    dice = random.Random(3)
    seen: dict[int, int] = {}
    for at in range(1, UPDATES + 1):
        agent = f"agente-{101 + at % 26}"
        patch: dict[str, Any] = {
            "floor": {
                "waiting": at % 1200,
                "longest_since": box.held.time,
                "today": {"service_level": round(dice.random(), 4), "answered": at},
            },
            "queues": {"ventas": {"waiting": at % 7, "today": {"asa": dice.random() * 60}}},
            "agents": {
                agent: {"state": dice.choice(["talking", "available", "paused"]), "reason": dice.choice(["almuerzo", "baño", None])}
            },
        }
        if at % 97 == 0:
            patch["announcements"] = [{"id": f"a{at}", "text": f"Aviso número {at} " * dice.randrange(1, 9), "severity": "info"}]
        if at % 501 == 0:
            patch["crm"] = {"state": dice.choice(["up", "down"]), "backlog": at}
        box.feed.hub.send(sse("patch", patch, 1_000_000 + at))
        # The first thousand one frame each, as on a busy floor: what is compiled, once hot, has been compiled then.
        if at <= 1000 or at % 40 == 0:
            await asyncio.sleep(0.025 if at <= 1000 else 0.01)
        if at in (1000, UPDATES):
            await asyncio.sleep(16)  # each page has been on: what is made once has been made
            seen[at] = await heap_bytes(tab)
    counters = await tab.call("Memory.getDOMCounters")
    print(
        f"\nheap after 1 000 updates {seen[1000] / 1e6:.2f} MB, after {UPDATES:,} {seen[UPDATES] / 1e6:.2f} MB; nodes {counters['nodes']}, listeners {counters['jsEventListeners']}"
    )
    assert box.feed.hub.dropped == 0
    assert seen[UPDATES] <= 1.1 * seen[1000]


class Notes:
    def __init__(self) -> None:
        self.is_ready = asyncio.Event()

    def ready(self) -> None:
        self.is_ready.set()

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


@contextlib.asynccontextmanager
async def wallboard(context: Context) -> AsyncIterator[None]:
    notes = Notes()
    task = asyncio.create_task(Wallboard().run(Context(context.config, context.journal, context.clock, notes, "wallboard")))
    await asyncio.wait_for(notes.is_ready.wait(), 10)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_figures_follow_a_real_journal_and_its_troubles_show_and_heal(browser: Browser, tmp_path: Path, free_port: int) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "near.toml").write_text('distance_m = 3\n[[page]]\nkind = "queue"\nqueue = "ventas"\n', encoding="utf-8")
    config = Config(
        site=Site(name="quito-norte", box="piso-3", language="es"),
        pbx={"central": PbxConfig()},
        crm=CrmConfig(url="mqtt://127.0.0.1:1"),
        wallboard=Boards(boards=tmp_path / "boards", tv=Tv(listen=f"127.0.0.1:{free_port}")),
    )
    with (
        contextlib.closing(SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path, due=lambda _: True)) as journal,
        contextlib.ExitStack() as alive,
    ):
        # As if the other services ran: a dead one's word counts for nothing.
        for service in ("gateway", "uplink"):
            alive.callback(Alive.open(tmp_path, service).close)
        context = Context(config, journal, SystemClock(), Notes(), "gateway")
        uplink = Context(config, journal, context.clock, Notes(), "uplink")

        async def tell(*events: Any) -> None:
            await context.emit(*events, name="central")

        waits: list[float] = []
        async with wallboard(context):
            await tell(PbxUp(pbx="central"), PbxResynced(pbx="central"))
            await uplink.emit(LinkUp())
            tab = await browser.tab()
            await tab.open(f"http://127.0.0.1:{free_port}/board/near")
            await tab.until("document.body.dataset.stream === 'live' && document.body.dataset.face === 'normal'")
            # The moment at which a frame with the new figure has been painted, on the machine's one wall clock.
            await tab.ask("""(() => { window.painted = {}; let last = null; const look = () => { const now = document.querySelector('.tile[data-key=waiting] .digits')?.textContent;
              if (now !== last) { last = now; const port = new MessageChannel(); port.port1.onmessage = () => { window.painted[now] ??= Date.now(); }; port.port2.postMessage(0); }
              requestAnimationFrame(look); }; look(); })()""")
            for at in range(1, 41):
                began = time.time()
                await tell(CallQueued(call=f"c{at}", pbx="central", visit=f"v{at}", queue="ventas", title="Ventas"))
                await tab.until(f"window.painted['{at}']", 5)
                waits.append((await tab.ask(f"window.painted['{at}']")) - began * 1000)
                await asyncio.sleep(random.uniform(0.02, 0.1))
            waits.sort()
            print(
                f"\nappended to painted: median {statistics.median(waits):.0f} ms, p90 {waits[int(len(waits) * 0.9)]:.0f} ms, worst {waits[-1]:.0f} ms"
            )
            await uplink.emit(LinkDown(reason="unreachable"))
            await tab.until(f"{STRIP}.includes('Sin enlace con la central') && {STRIP}.includes('Retenidos')", 5)
            # Nobody delivers here: what is held stays held, and the link is said to catch up.
            await uplink.emit(LinkUp())
            await tab.until(f"!{STRIP}.includes('Sin enlace')", 5)
            await tell(PbxDown(pbx="central", reason="lost"))
            await tab.until(f"{STRIP}.includes('Sin conexión con la planta telefónica')", 5)
            await tell(PbxUp(pbx="central"), PbxResynced(pbx="central"))
            await tab.until(f"!{STRIP}.includes('Sin conexión con la planta telefónica')", 5)
        await tab.until("document.body.dataset.stream === 'lost'", 10)
        assert "Este tablero no recibe datos" in await tab.ask(STRIP)
        async with wallboard(context):
            await tab.until(f"document.body.dataset.stream === 'live' && !{STRIP}.includes('Este tablero no recibe datos')", 30)
        assert statistics.median(waits) < 2000, "the box was not even nearly awake"
