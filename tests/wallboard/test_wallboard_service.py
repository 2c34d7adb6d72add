"""The service as the runner starts it: journal in, HTTP and LED out; a port in use; a chain that is not there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from appliance.core.catalogue import AnnouncementShown, CallQueued, PbxResynced, PbxUp
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Led, PbxConfig, Site, Tv
from appliance.core.config import Wallboard as Boards
from appliance.core.errors import MisconfiguredError
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from wallboard.service import Wallboard


class Notes:
    """What the service tells its runner."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()
        self.steps = 0
        self.said: list[str] = []

    def ready(self) -> None:
        self.is_ready.set()

    def progress(self) -> None:
        self.steps += 1

    def status(self, text: str) -> None:
        self.said.append(text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def service(boards: Boards) -> AsyncIterator[tuple[Context, Notes]]:
    config = Config(site=Site(name="quito-norte", box="piso-3"), pbx={"central": PbxConfig()}, wallboard=boards)
    notes = Notes()
    context = Context(config, MemoryJournal(due=lambda _: True), SystemClock(), notes, "wallboard")
    task = asyncio.create_task(Wallboard().run(context))
    ready = asyncio.create_task(notes.is_ready.wait())
    try:
        await asyncio.wait({task, ready}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        assert notes.is_ready.is_set()
        yield context, notes
    finally:
        ready.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, MisconfiguredError):
            await asyncio.wait_for(task, 5)


async def test_an_event_reaches_the_stream() -> None:
    port = free_port()
    tv = Tv(listen=f"127.0.0.1:{port}")
    async with service(Boards(tv=tv, led={"entrada": Led(url="sim:")})) as (context, notes), aiohttp.ClientSession() as session:
        gateway = Context(context.config, context.journal, context.clock, notes, "gateway")
        await gateway.emit(PbxUp(pbx="central"), PbxResynced(pbx="central"), name="central")
        async with session.get(f"http://127.0.0.1:{port}/api/stream") as answer:
            await gateway.emit(CallQueued(call="c1", pbx="central", visit="v1", queue="ventas", title="Ventas"), name="central")
            await context.emit(AnnouncementShown(id="a1", text="Simulacro a las 16:00"))
            seen = ""
            async with asyncio.timeout(10):
                while '"waiting":1' not in seen or "Simulacro" not in seen:
                    seen += (await answer.content.readline()).decode()
        async with session.get(f"http://127.0.0.1:{port}/api/floor") as answer:
            floor = json.loads(await answer.text())
        assert floor["queues"]["ventas"]["waiting"] == 1
        async with session.get(f"http://127.0.0.1:{port}/api/led/entrada") as answer:
            assert any("1" in row for row in (await answer.json())["rows"])
        assert notes.steps > 0
        assert any(str(port) in text for text in notes.said)


async def test_a_port_in_use_is_said_and_taken_when_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallboard.service._PORT_RETRY_S", 0.05)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with service(Boards(tv=Tv(listen=f"127.0.0.1:{port}"))) as (_, notes):
            assert "the port is in use" in notes.said[0]
            taken.close()
            async with asyncio.timeout(5):
                while not any("boards on" in text for text in notes.said):
                    await asyncio.sleep(0.02)
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                assert answer.status == 200


async def test_a_chain_that_is_not_there_does_not_stop_the_tv() -> None:
    port = free_port()
    boards = Boards(tv=Tv(listen=f"127.0.0.1:{port}"), led={"pasillo": Led(url="spi:7.3")})
    async with service(boards), aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/api/floor") as answer:
        assert answer.status == 200


async def test_an_address_that_is_not_here_yet_does_not_stop_the_chains(caplog: pytest.LogCaptureFixture) -> None:
    """At night the router gives the box another address: lamps, signs and chains are not on the network."""
    boards = Boards(tv=Tv(listen="192.0.2.7:8080", allow=("192.0.2.0/24",)), led={"entrada": Led(url="sim:")})
    async with service(boards) as (_, notes):
        assert "no such address here" in notes.said[0]
        await asyncio.sleep(0.1)
    assert caplog.text.count("no such address here") == 1


@pytest.mark.parametrize(
    ("boards", "word"),
    [
        (Boards(tv=Tv(listen="0.0.0.0:0")), "open to the network"),
        (Boards(led={"x": Led(url="sim:", width=30)}), "multiple of 8"),
        (Boards(led={"x": Led(url="hdmi:")}), "spi:0.0"),
    ],
)
async def test_what_a_person_must_mend_ends_the_service_with_its_text(boards: Boards, word: str) -> None:
    with pytest.raises(MisconfiguredError, match=word):
        async with service(boards):
            await asyncio.sleep(0.2)
            pytest.fail("the service went on")
