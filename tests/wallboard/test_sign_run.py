"""Signs end to end on real ptys and sockets: the service's own run against simulated signs that enforce a real one's rules."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from appliance.core.catalogue import AnnouncementShown
from appliance.core.clock import NS, SystemClock
from appliance.core.config import Config, Sign, Site
from appliance.core.config import Wallboard as Boards
from appliance.core.errors import MisconfiguredError
from appliance.core.journal_memory import MemoryJournal
from appliance.floor.snapshot import Alarm, Announcement, Crm
from appliance.service import Context
from appliance.sim.sign import Picture, SimSign
from appliance.sim.sign_line import Wire, on_pty, on_tcp
from drivers.alpha_command import Memory, WriteText, command_from_body
from drivers.alpha_pace import Timing
from wallboard.board_set import BoardSet
from wallboard.sample import HeldView, ago
from wallboard.service import Wallboard
from wallboard.sign.run import LineRun, line_runs
from wallboard.stream.feed import Feed

#: A sign in a hurry: everything else is as on a real one.
FAST = Timing(gap_s=0.0, after_stx_s=0.001, after_memory_s=0.05, after_reset_s=0.05, after_tone_s=0.05, answer_s=0.3)
#: The simulated sign hears again a little before the box speaks again.
HEARS = Timing(gap_s=0.0, after_stx_s=0.0, after_memory_s=0.04, after_reset_s=0.04, after_tone_s=0.04)
CLOCK = SystemClock()
ZONE = ZoneInfo("America/Guayaquil")


class Bench:
    """A floor in the hand, and the box's runs for the signs of a configuration."""

    def __init__(self, **signs: Sign) -> None:
        self.view = HeldView()
        self.config = Config(site=Site(name="quito-norte", timezone="America/Guayaquil"), wallboard=Boards(sign=signs))
        self.feed = Feed(self.view, CLOCK, self.config.privacy)
        self.runs: list[LineRun] = []

    def change(self) -> None:
        self.feed.changed()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.runs = line_runs(self.config, BoardSet(self.config), self.feed, CLOCK, FAST)
        tasks = [asyncio.create_task(run.run()) for run in self.runs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait_for(task, 10)


def sim(address: str = "01", *, answers: bool = True) -> SimSign:
    return SimSign(address, timing=HEARS, answers=answers)


def picture(sign: SimSign) -> Picture:
    return sign.picture(CLOCK.mono_ns() / NS)


def texts(sign: SimSign) -> list[str]:
    return [line.text for line in picture(sign).lines]


async def until(true: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"{what}: not within {within_s} s")


def memories(sign: SimSign) -> int:
    return sum(isinstance(command_from_body(body), Memory) for body in sign.bodies)


def text_writes(sign: SimSign) -> int:
    return sum(body.startswith(b"AA") for body in sign.bodies)


@pytest.mark.parametrize("answers", [True, False], ids=["answers", "silent"])
async def test_the_floor_stands_on_the_sign_and_follows(answers: bool) -> None:
    sign = sim(answers=answers)
    async with on_pty(Wire([sign], CLOCK)) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60))
        async with bench.running():
            await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
            await until(lambda: "Datos de las 09:03" in texts(sign), "when they are of")
            assert picture(sign).clock == "09:03"
            written = text_writes(sign)
            bench.view.held.floor.waiting = 7
            bench.change()
            await until(lambda: "En cola 7" in texts(sign), "the new figure")
            # The text was not restarted, nor the sign blanked.
            assert (text_writes(sign), memories(sign)) == (written, 1)
            assert sign.faults == []
            assert (bench.runs[0].heard_mono_ns is not None) == answers
        await until(lambda: texts(sign) == ["Este tablero no recibe datos"], "the farewell")


async def test_files_that_are_there_already_are_not_erased() -> None:
    sign = sim()
    async with on_pty(Wire([sign], CLOCK)) as path:
        for _ in range(2):
            bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60))
            async with bench.running():
                await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
                await until(lambda: "Datos de las 09:03" in texts(sign), "all of them")
        assert memories(sign) == 1


async def test_link_down_is_said_at_once_and_released_when_it_is_back() -> None:
    sign = sim()
    async with on_pty(Wire([sign], CLOCK)) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60))
        async with bench.running():
            await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
            bench.view.held.crm = Crm(state="down", since=ago(155), backlog=1204, oldest=ago(155))
            bench.change()
            await until(lambda: picture(sign).priority, "the priority file", within_s=5.0)
            await until(lambda: "Retenidos 1.204" in texts(sign)[0], "how many are held")
            assert texts(sign)[0].startswith("Sin enlace con la central: Desde 09:00 (2:35) - Retenidos 1.204")
            bench.view.held.crm = Crm(state="up")
            bench.change()
            await until(lambda: not picture(sign).priority, "the release")
            await until(lambda: not any("enlace" in text for text in texts(sign)), "the figures alone")
            assert "En cola 4" in texts(sign)


async def test_an_alarm_shows_its_figure_then_lets_the_others_pass() -> None:
    sign = sim()
    async with on_pty(Wire([sign], CLOCK)) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60, priority_s=0.5, repeat_s=60))
        async with bench.running():
            await until(lambda: "Abandono 3,9 %" in texts(sign), "the floor's figures")
            bench.view.held.alarms = [Alarm(id="floor.abandon_rate", level="red", since=ago(5))]
            bench.change()
            await until(lambda: texts(sign) == ["Piso: Abandono !!3,9 %"], "the alarm with its figure")
            bench.view.held.floor.today.abandon_rate = 0.05
            bench.change()
            await until(lambda: "Abandono !!5,0 %" in texts(sign), "the figures again, this one marked")
            assert not picture(sign).priority


async def test_urgent_text_of_any_kind_and_length() -> None:
    sign = sim()
    async with on_pty(Wire([sign], CLOCK)) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60))
        async with bench.running():
            await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
            bench.view.held.announcements = [Announcement(id="x", text="¡Evacúen! 😀 مرحبا\x04\x1b\x00 " * 400, severity="urgent")]
            bench.change()
            await until(lambda: texts(sign)[0].startswith("Urgente: ¡Evacúen! ? ?????"), "the announcement")
            assert sign.faults == []


async def test_several_signs_share_a_line_by_address() -> None:
    signs = [sim("01"), sim("0A"), sim("22")]
    async with on_pty(Wire(signs, CLOCK)) as path:
        url = f"serial://{path}?baud=115200"
        bench = Bench(
            piso=Sign(url=url, address="01", width=60),
            ventas=Sign(url=url, address="0a", width=60, board="queue.ventas", checksum=True),
        )
        async with bench.running():
            assert len(bench.runs) == 1
            await until(lambda: "En cola 4" in texts(signs[0]), "the floor")
            await until(lambda: "En cola 3" in texts(signs[1]), "the queue")
            await until(lambda: "Ventas" in texts(signs[1]), "its name")
        assert signs[2].frames == 0
        assert signs[0].faults == signs[1].faults == []


async def test_a_sign_that_answers_rubbish_shows_the_floor() -> None:
    class Mad(Wire):
        def hear(self, data: bytes) -> bytes:
            super().hear(data)
            return b"\xff\x00\x01\x02rubbish\x06\x15" + bytes(range(256))

    sign = sim(answers=False)
    async with on_pty(Mad([sign], CLOCK)) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60))
        async with bench.running():
            await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
            assert bench.runs[0].heard_mono_ns is None
            assert memories(sign) == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallboard.sign.run.RETRY_S", 0.05)
    monkeypatch.setattr("drivers.led_sign.WRITE_S", 0.2)


@pytest.mark.usefixtures("impatient")
async def test_a_sign_that_vanishes_and_comes_back_is_told_everything_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    device = tmp_path / "ttyUSB0"
    bench = Bench(entrada=Sign(url=f"serial://{device}?baud=115200", width=60))
    async with bench.running():
        await until(lambda: "plug it in" in caplog.text, "that it is not there")
        for _ in range(2):
            sign = sim()
            async with on_pty(Wire([sign], CLOCK)) as path:
                device.symlink_to(path)
                await until(lambda: "En cola 4" in texts(sign), "the floor's figures")  # noqa: B023 - awaited here
                await until(lambda: "Datos de las 09:03" in texts(sign), "all of them")  # noqa: B023
            device.unlink()
            await until(lambda: not bench.runs[0].is_open, "that it vanished")
    assert caplog.text.count("is back") == 2


@pytest.mark.usefixtures("impatient")
async def test_a_stop_in_the_moment_that_a_line_is_given_up_is_obeyed() -> None:
    sign = sim()
    async with on_pty(Wire([sign], CLOCK)) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60))
        [run] = line_runs(bench.config, BoardSet(bench.config), bench.feed, CLOCK, FAST)
        task = asyncio.create_task(run.run())
        await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
    async with asyncio.timeout(10):
        while run.is_open:
            await asyncio.sleep(0)
    task.cancel()  # the port is being closed in its thread
    done, _ = await asyncio.wait([task], timeout=5)
    assert done, "it goes on as if nobody had stopped it"


def fill(fd: int) -> int:
    """Write until no more is taken; how much that was."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            count += os.write(fd, b"x" * 4096)
    return count


@pytest.mark.usefixtures("impatient")
async def test_a_sign_that_takes_no_bytes_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    master, slave = os.openpty()  # nobody ever reads
    tty.setraw(slave)
    os.set_blocking(slave, False)
    while fill(slave):
        await asyncio.sleep(0.05)
    blocked = os.ttyname(slave)
    sign = sim()
    try:
        async with on_tcp(Wire([sign], CLOCK), "127.0.0.1", 0) as (host, port):
            bench = Bench(sordo=Sign(url=f"serial://{blocked}?baud=115200"), entrada=Sign(url=f"tcp://{host}:{port}", width=60))
            async with bench.running():
                await until(lambda: "En cola 4" in texts(sign), "the other sign's figures")
                await until(lambda: "takes no bytes" in caplog.text, "that it blocks")
            assert caplog.text.count("takes no bytes") <= 3  # told once, not at each try
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.usefixtures("impatient")
async def test_a_serial_server_that_hangs_up_is_dialled_again() -> None:
    sign = sim()
    wire = Wire([sign], CLOCK)
    async with on_tcp(wire, "127.0.0.1", 0) as (host, port):
        bench = Bench(entrada=Sign(url=f"tcp://{host}:{port}", width=60))
        async with bench.running():
            await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
            await until(lambda: "Datos de las 09:03" in texts(sign), "all of them")
            written = text_writes(sign)
            await wire.hang_up()
            await until(lambda: text_writes(sign) > written, "everything again")
            assert memories(sign) == 1  # so short an outage erases nothing


@pytest.mark.parametrize("answers", [True, False], ids=["answers", "silent"])
async def test_a_sign_that_is_switched_on_after_the_box(answers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallboard.sign.run.CHECK_FIRST_S", 1.5)
    sign = sim(answers=answers)
    wire = Wire([], CLOCK)
    async with on_pty(wire) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60, refresh_s=1))
        async with bench.running():
            await until(lambda: wire.received > 1000, "that the box speaks")
            wire.signs = [sign]
            await until(lambda: "En cola 4" in texts(sign), "the floor's figures")


async def test_the_service_tells_its_signs() -> None:
    sign = sim()
    async with on_pty(Wire([sign], CLOCK)) as path:
        boards = Boards(sign={"entrada": Sign(url=f"serial://{path}?baud=115200", width=60)})
        context = Context(Config(wallboard=boards), MemoryJournal(due=lambda _: True), CLOCK, Watch(), "wallboard")
        service = asyncio.create_task(Wallboard().run(context))
        try:
            await until(lambda: picture(sign).frames > 2, "that the box speaks")
            await context.emit(AnnouncementShown(id="a1", text="Simulacro a las 16:00", severity="urgent"))
            await until(lambda: texts(sign) == ["Urgente: Simulacro a las 16:00"], "the announcement")
        finally:
            service.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(service, 10)
        await until(lambda: texts(sign) == ["Este tablero no recibe datos"], "its last words, which may still be on the line")


class Watch:
    """A runner that wants to know nothing."""

    def ready(self) -> None: ...

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


async def test_a_line_that_is_none() -> None:
    bench = Bench(entrada=Sign(url="serial:ttyUSB0"))
    with pytest.raises(MisconfiguredError, match="serial:///dev"):
        line_runs(bench.config, BoardSet(bench.config), bench.feed, CLOCK)


async def test_a_board_that_grows_keeps_its_sign_lawful() -> None:
    """Queues come: the table grows, everything is written again, and nothing is refused."""
    sign = sim()
    async with on_pty(Wire([sign], CLOCK)) as path:
        bench = Bench(entrada=Sign(url=f"serial://{path}?baud=115200", width=60))
        async with bench.running():
            await until(lambda: "En cola 4" in texts(sign), "the floor's figures")
            queue = bench.view.held.queues["ventas"]
            for n in range(9):
                bench.view.held.queues[f"q{n}"] = msgspec.structs.replace(queue, title=f"Cola {n}", waiting=n)
            bench.change()
            await until(lambda: any(text.startswith("Cola 8 8  0:41") for text in texts(sign)), "the last queue")
            assert memories(sign) == 2
            assert sign.faults == []


def test_the_priority_file_is_released_by_nothing_at_all() -> None:
    assert WriteText("0").body == b"A0"
