"""A real headless Chromium, driven over its DevTools protocol, and a real wallboard server for it to look at."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import msgspec
import pytest

from appliance.core.clock import NS, rfc3339
from appliance.core.config import Config, GroupConfig, Led, Privacy, Site, SiteConfig, Tv
from appliance.core.config import Wallboard as Boards
from appliance.floor.snapshot import AgentCounts, Headset, Snapshot
from wallboard.board import Board
from wallboard.board_set import BoardSet
from wallboard.history.trend import Trend
from wallboard.history.trend_document import trend_document
from wallboard.layout import WindowName
from wallboard.led.run import LedRun
from wallboard.sample import HeldView, ago, faced, sample
from wallboard.stream.feed import Feed
from wallboard.web.http import Server, open_server

ZONE = "America/Guayaquil"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb",
    "--remote-debugging-port=0", "--disable-extensions", "--no-default-browser-check", "--disable-default-apps",
]  # fmt: skip


class Tab:
    """One page under test: go somewhere, ask it things, look at what it asked of the network."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._id = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._closed = False
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(said["params"]["exceptionDetails"])[:600])
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.errors.append(said["params"]["entry"]["text"])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._id] = answer
        await self._socket.send_json({"id": self._id, "method": method, "params": params})
        said = await asyncio.wait_for(answer, 20)
        assert "error" not in said, said
        result: dict[str, Any] = said["result"]
        return result

    async def open(self, url: str, width: int = 1920, height: int = 1080, scale: float = 1) -> None:
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)
        await self.call("Page.navigate", url=url)

    async def ask(self, expression: str) -> Any:
        said = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def until(self, expression: str, timeout_s: float = 15.0) -> Any:
        """Wait until an expression is true in the page."""
        value = None
        guarded = f"(() => {{ try {{ return {expression} }} catch (e) {{ return false }} }})()"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not (value := await self.ask(guarded)):
                    await asyncio.sleep(0.05)
        assert value, f"never true within {timeout_s} s: {expression}; the page says: {(await self.ask('document.body.innerText'))[:800]}"
        return value

    async def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"]))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await self.call("Page.close")
        self._task.cancel()
        await self._socket.close()


class Browser:
    """One Chromium process."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._port = session, port
        self.tabs: list[Tab] = []

    async def tab(self) -> Tab:
        async with self._session.put(f"http://127.0.0.1:{self._port}/json/new?about:blank") as answer:
            page = await answer.json()
        tab = Tab(await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=64 * 1024 * 1024))
        self.tabs.append(tab)
        return tab


@contextlib.contextmanager
def started_chromium(profile: Path) -> Iterator[int]:
    """A Chromium process; yields the port of its DevTools."""
    assert CHROMIUM is not None
    profile.mkdir(parents=True, exist_ok=True)
    with (profile / "chromium.log").open("wb") as log:
        process = subprocess.Popen([CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"], stdout=log, stderr=log)
    try:
        stamp = profile / "DevToolsActivePort"
        for _ in range(600):
            if stamp.exists() and stamp.read_text().count("\n"):
                break
            time.sleep(0.05)
        yield int(stamp.read_text().splitlines()[0])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.asynccontextmanager
async def running_chromium(profile: Path) -> AsyncIterator[Browser]:
    with started_chromium(profile) as port:
        async with aiohttp.ClientSession() as session:
            yield Browser(session, port)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with started_chromium(tmp_path_factory.mktemp("chromium") / "profile") as port:
        yield port


@pytest.fixture
async def browser(chromium: int) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession() as session:
        opened = Browser(session, chromium)
        yield opened
        for tab in opened.tabs:
            await tab.close()


class Hour:
    """The last hour of a box's figures, and last week's: the real lines and the real document, over samples made here."""

    def __init__(self, snapshot: Snapshot, now_ns: int) -> None:
        self._trend = Trend()
        for minute in range(60, -1, -1):
            at_ns = now_ns - minute * 60 * NS
            wave, swell = 0.5 + 0.4 * math.sin(minute / 5), 0.5 + 0.4 * math.sin(minute / 9 + 1) + 0.1 * math.sin(minute * 1.7)
            for scope in (snapshot.floor, *snapshot.queues.values()):
                scope.fresh = "stale" if 30 < minute < 36 else "live"
                scope.waiting = round(6 * wave + 3 * swell)
                scope.longest_since = rfc3339(at_ns - round((5 + 50 * wave) * NS))
                scope.agents = AgentCounts(
                    logged_in=26, available=round(8 * swell), talking=round(14 * wave), wrap_up=round(4 * swell), paused=round(2 + 3 * wave)
                )
                today = scope.today
                today.service_level, today.abandon_rate = round(0.78 + 0.1 * wave, 4), round(0.02 + 0.02 * swell, 4)
                today.asa, today.answered, today.offered = round(8 + 5 * swell, 1), 386 - 5 * minute, 413 - 5 * minute
            snapshot.trunks["pstn"].busy, snapshot.trunks["pstn"].all_busy_share = round(20 * wave), round(0.004 * swell, 4)
            snapshot.utilisation.ab_allocation, snapshot.utilisation.bc_on_phone = round(0.8 + 0.1 * wave, 4), round(0.8 + 0.08 * swell, 4)
            self._trend.sample(snapshot, at_ns)
        self._week = {"service_level": 0.812, "abandon_rate": 0.031, "asa": 11.0, "answered": 371, "offered": 402}

    def answer(self, window: WindowName, scopes: Collection[str], figures: Collection[str]) -> tuple[bytes, str]:
        document = msgspec.to_builtins(trend_document(self._trend, None, window, scopes, figures))
        document["last_week"] = {"floor": {"today": self._week, "interval": self._week}, "queues": {}, "groups": {}}
        return json.dumps(document).encode(), '"hour"'


class Box:
    """A wallboard server whose floor, clock and board files the test holds; it can be stopped and started on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.view = HeldView()
        self.held = self.view.held
        self.config = Config(
            site=Site(name="Quito Norte", box="piso-3", timezone=ZONE),
            privacy=Privacy(agent_names=True, headsets=True),
            sites={"cuenca": SiteConfig(box="piso-2"), "loja": SiteConfig(box="piso-1")},
            groups={"todas": GroupConfig(queues=("ventas", "soporte", "cobranzas"))},
            wallboard=Boards(boards=folder, tv=Tv(listen="127.0.0.1:0")),
        )
        self.boards = BoardSet(self.config)
        self.feed = Feed(self.view, self.view.clock, self.config.privacy)
        self.led = LedRun("entrada", Led(url="sim:", width=64, height=8), self.boards, self.feed, self.view.clock)
        self.hour = Hour(sample(), self.view.clock.wall_ns())
        self.base = ""
        self._listen = "127.0.0.1:0"
        self._server: contextlib.AsyncExitStack | None = None
        self.held_since = self.view.clock.wall_ns()
        self.show("normal")

    async def start(self) -> None:
        tv = Tv(listen=self._listen)
        self._server = contextlib.AsyncExitStack()
        server = Server(self.config, tv, self.feed, self.boards, self.view.clock, {"entrada": self.led.chain}, cast("Any", self.hour))
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

    def write(self, name: str, text: str) -> None:
        """A board file, read at once."""
        (self.folder / f"{name}.toml").write_text(text, encoding="utf-8")
        self.boards.look()
        assert not [fault for fault in self.boards.faults if fault.file.endswith(f"/{name}.toml")]

    def show(self, face: str) -> Snapshot:
        """The sample floor in one of its faces."""
        self.view.held = self.held = faced(face)
        self.held.site = "Quito Norte"
        self.held.headsets = {
            "a1": Headset(seat="a1", agent="agente-101", hook="off", mute=True, fresh="live", since=ago(30)),
            "a2": Headset(seat="a2", hook="on", mute=False, fresh="live", since=ago(3000)),
            "a3": Headset(seat="a3"),
            "a4": Headset(seat="a4", attached=False, hook="off", since=ago(20), fresh="live"),
            "a5": Headset(seat="a5", attached=True, hook="on", since=ago(9), fresh="live", findings=("call_on_hook", "muted_in_call")),
        }
        self.held.groups = {"todas": self.held.floor} if face != "unknown" else {}
        states = ("talking", "talking", "available", "paused", "wrap_up", "ringing", "holding")
        for at, agent in enumerate((self.held.agents or {}).values()):
            agent.state = states[at % len(states)]
            agent.reason = ("almuerzo", "baño")[at % 2] if agent.state == "paused" else None
            agent.since = ago(20 + 37 * at)
        self.tell()
        return self.held

    def tell(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self.held, name, value)
        self.held.seq += 1
        self.feed.changed()

    def board(self, name: str = "floor", language: str = "es") -> Board:
        """What the view model says of a board now."""
        return self.boards.board(name, self.view.snapshot(), self.view.clock.wall_ns(), language)

    async def open(self, browser: Browser, path: str = "/board/floor", width: int = 1920, height: int = 1080) -> Tab:
        """A tab with a board on it, its first floor painted."""
        tab = await browser.tab()
        await tab.open(self.base + path, width, height)
        await tab.until(
            "document.body.dataset.stream === 'live' && document.body.dataset.face !== 'starting' && Boolean(document.querySelector('.hour').textContent)"
        )
        return tab


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    folder = tmp_path / "boards"
    folder.mkdir()
    made = Box(folder)
    await made.start()
    tasks = [asyncio.create_task(made.turn()), asyncio.create_task(made.led.run())]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await made.stop()
