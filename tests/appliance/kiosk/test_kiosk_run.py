"""The wrapper around a real browser that shows a real board: painted frames feed the watchdog, a frozen page does not."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.core.errors import TransientError
from appliance.kiosk.beat import Beat
from appliance.kiosk.plan import BEAT_PORT, Plan, plan_from_toml
from appliance.kiosk.run import Kiosk
from appliance.notify import Notifier


class Line:
    """The service manager's end."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "n"))
        self._socket.setblocking(False)
        self.notifier = Notifier(str(folder / "n"), 20.0)
        self.said: list[str] = []

    def take(self) -> list[str]:
        while True:
            try:
                self.said.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self.said

    async def until(self, word: str, wait_s: float = 60) -> None:
        async with asyncio.timeout(wait_s):
            while not any(word in said for said in self.take()):
                await asyncio.sleep(0.02)

    async def next(self, seconds: float) -> list[str]:
        before = len(self.take())
        await asyncio.sleep(seconds)
        return self.take()[before:]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def line(short_path: Path):
    made = Line(short_path)
    yield made
    made.close()


@asynccontextmanager
async def running(kiosk: Kiosk) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(kiosk.run(stop))
    try:
        yield task
    finally:
        stop.set()
        if not task.done():
            await task


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plan(port: int) -> Plan:
    return plan_from_toml(f'[wallboard.tv]\nlisten = "127.0.0.1:{port}"\n')


async def post(port: int, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    said = await reader.read()
    writer.close()
    return said


async def test_only_the_page_s_own_word_is_a_beat() -> None:
    beat = Beat()
    async with beat.listening(0) as port:
        for head in (b"GET / HTTP/1.1\r\n\r\n", b"POST /paintedX HTTP/1.1\r\n\r\n", b"x" * 5000 + b"\r\n"):
            await post(port, head)
        assert beat.painted_s is None
        assert (await post(port, b"POST /painted HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 204")
        assert beat.frames == 1


async def test_a_board_that_is_away_is_waited_for_and_the_watchdog_is_fed(line: Line) -> None:
    async with running(Kiosk(plan(free_port()), line.notifier, words=["false"], port=0)):
        await line.until("READY=1")
        await line.until("waiting for the board")
        await line.until("WATCHDOG=1")


async def test_a_browser_that_ends_takes_the_kiosk_with_it(line: Line) -> None:
    board = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with board:
        kiosk = Kiosk(plan(board.sockets[0].getsockname()[1]), line.notifier, words=["sh", "-c", "exit 3"], port=0)
        with pytest.raises(TransientError, match="exit code 3"):
            async with asyncio.timeout(30):
                await kiosk.run(asyncio.Event())


async def test_a_browser_without_a_frame_is_not_fed_and_one_at_night_is_ended(line: Line) -> None:
    board = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with board:
        night = False
        port = board.sockets[0].getsockname()[1]
        dark = plan_from_toml(f'[wallboard.tv]\nlisten = "127.0.0.1:{port}"\n[kiosk]\noff = ["00:00-12:00"]\n')
        kiosk = Kiosk(
            dark, line.notifier, words=["sleep", "600"], port=0, first_frame_s=0.5,
            wall_ns=lambda: (0 if night else 13 * 3600) * 10**9,
        )  # fmt: skip
        async with running(kiosk):
            await line.until("no frame is painted")
            assert "WATCHDOG=1" not in await line.next(1.5)
            night = True
            await line.until("the screen is off by its schedule")
            assert "WATCHDOG=1" in await line.next(1.5)


@pytest.mark.browser
async def test_painted_frames_of_a_real_board_feed_the_watchdog_and_a_frozen_page_does_not(line: Line, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "callfloor.toml").write_text(f'[wallboard.tv]\nlisten = "127.0.0.1:{port}"\n', encoding="utf-8")
    boards = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance.cli.main", "run", "wallboard", "-c", tmp_path / "callfloor.toml", stderr=asyncio.subprocess.DEVNULL
    )
    chromium = shutil.which("chromium") or "chromium"
    shown = plan(port)
    words = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", f"{shown.url}#kiosk"]
    kiosk = Kiosk(shown, line.notifier, words=words, port=BEAT_PORT, next_frame_s=6)
    try:
        async with running(kiosk):
            await line.until("showing http")
            assert kiosk.beat.frames > 0
            await line.until("WATCHDOG=1")
            assert kiosk._browser is not None
            os.killpg(kiosk._browser.pid, signal.SIGSTOP)
            await line.until("no frame is painted")
            assert "WATCHDOG=1" not in await line.next(2)
            os.killpg(kiosk._browser.pid, signal.SIGCONT)
            await line.until("WATCHDOG=1")
    finally:
        boards.terminate()
        await boards.wait()
