"""Every kind of source on its own wire, as one: what can be done to the wire, whether the source shows it, and whether it counts true again.

`works` lets one more call come through and waits until it is counted; `false` names what was told and was not so.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "smdr"))

from line_wires import WIRES, Ears, running
from pbx_day import check, ends_of, events_in, floor, gateway, resyncs, seen_waiting, settings, until, waiting
from smdr_rig import Living, gone, line, living
from smdr_rig import Pbx as Printer

from appliance.core import catalogue as c
from appliance.core.journal_memory import MemoryJournal

#: What is not printable and no line's end, without a pause.
RUBBISH = bytes(range(256)) * 64


class Rig(Protocol):
    """One source and its wire. Not every wire has each of the faults."""

    def up(self) -> bool: ...
    def shown(self) -> str: ...
    def false(self) -> list[Any]: ...
    async def works(self) -> None: ...
    async def noise(self) -> None: ...
    async def flood(self) -> None: ...
    async def cut(self) -> None: ...
    async def restore(self) -> None: ...


class OfLine:
    """What senses a line. Every call here is taken, so that an abandoned one is false."""

    def __init__(self, wire: Any, ears: Ears) -> None:
        self.wire, self.ears = wire, ears
        #: A hook is polled by SNMP: what is shorter than a poll is not seen.
        self._pace_s = 0.6 if type(wire).__name__ == "ByGateway" else 0.12

    def up(self) -> bool:
        return bool(self.wire.source.health.up)

    def shown(self) -> str:
        return str(self.wire.source.health.fault)

    def false(self) -> list[Any]:
        return [told.event for told in self.ears.of("Released") if told.event.outcome == "abandoned"]  # type: ignore[union-attr]

    async def works(self) -> None:
        seen = self._answered()
        async with asyncio.timeout(20):
            while self._answered() == seen:  # one that comes too early after a flood is not counted, and people call again
                for what in (self.wire.ring, self.wire.take, self.wire.put_down):
                    await what()
                    await asyncio.sleep(self._pace_s)
                await asyncio.sleep(0.1)

    def _answered(self) -> int:
        return sum(told.event.outcome == "answered" and not told.event.inferred for told in self.ears.of("Released"))  # type: ignore[union-attr]

    async def noise(self) -> None:
        self.wire.noise = 0.01
        for _ in range(6):
            await self.wire.rubbish()
            for what in (self.wire.ring, self.wire.take, self.wire.put_down):
                await what()
                await asyncio.sleep(self._pace_s)
        self.wire.noise = 0.0

    async def flood(self) -> None:
        await self.wire.flood()

    async def cut(self) -> None:
        await self.wire.cut()

    async def restore(self) -> None:
        await self.wire.restore()


class OfPbx:
    """A PBX's manager port, and the whole gateway behind it."""

    def __init__(self, pbx: Any, journal: MemoryJournal, link: Any) -> None:
        self.pbx, self.journal, self.link = pbx, journal, link

    def _last(self) -> Any:
        return [event for event in events_in(self.journal) if isinstance(event, c.PbxUp | c.PbxDown | c.PbxResynced)][-1]

    def up(self) -> bool:
        return isinstance(self._last(), c.PbxResynced)

    def shown(self) -> str:
        last = self._last()
        return f"{last.reason}: {last.text}" if isinstance(last, c.PbxDown) else ""

    def false(self) -> list[Any]:
        check(self.pbx, events_in(self.journal))
        return []

    async def works(self) -> None:
        self.pbx.model.up = True
        visits = len(self.pbx.model.visits)
        await until(lambda: len(self.pbx.model.visits) > visits + 3 and ends_of(events_in(self.journal)) >= seen_waiting(self.pbx))
        self.pbx.model.up = False

    async def noise(self) -> None:
        await self.pbx.fault("garbage", seconds=0.5)

    async def flood(self) -> None:
        """A megabyte a turn without an end of a line, for as long as the session takes it."""
        for _ in range(24):
            for session in list(self.pbx.sessions):
                session.send(b"Event: " + b"A" * 1_000_000)
                await asyncio.sleep(0.02)
        for session in list(self.pbx.sessions):
            session.send(b"\r\n\r\n")

    async def cut(self) -> None:
        self.pbx.deaf()
        for session in list(self.pbx.sessions):
            session.abort(reset=True)

    async def restore(self) -> None:
        await self.pbx.listen()


class OfRecords:
    """A call-record port, over whatever carries it."""

    def __init__(self, port: Living) -> None:
        self.port = port
        self._n = 0
        self._dice = random.Random(5)

    def up(self) -> bool:
        return self.port.source.health.level == "ok"

    def shown(self) -> str:
        return self.port.source.health.text

    def false(self) -> list[Any]:
        """A damaged number cannot be told from another; what must not be is a record of a line that nobody printed."""
        return self.port.records[self._n :]

    def _has(self, n: int) -> bool:
        return n > 0 and any(record.number == f"099{n:07d}" for record in self.port.records[-50:])

    async def write(self, data: bytes) -> None:
        raise NotImplementedError

    async def works(self) -> None:
        async with asyncio.timeout(20):
            # Where a line was cut, the first one after it belongs to the rubbish before; a PBX prints on.
            seen = self._n
            while self._n == seen or not self._has(self._n):
                self._n += 1
                await self.write(b"\r\n" + line(self._n))
                await asyncio.sleep(0.05)

    async def noise(self) -> None:
        for _ in range(100):
            self._n += 1
            await self.write(bytes(self._dice.randrange(256) if self._dice.random() < 0.01 else byte for byte in line(self._n)))

    async def flood(self) -> None:
        for _ in range(60):
            with suppress(OSError, TimeoutError):  # held back: the peer waits
                async with asyncio.timeout(0.05):
                    await self.write(RUBBISH)


class BySerialPort(OfRecords):
    def __init__(self, port: Living, path: Path) -> None:
        super().__init__(port)
        self._path, self._master = path, -1

    async def write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.005)

    async def cut(self) -> None:
        self._path.unlink()
        os.close(self._master)

    async def restore(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self._path.symlink_to(os.ttyname(slave))
        os.close(slave)


class ByCalling(OfRecords):
    """We call the PBX."""

    def __init__(self, port: Living, far: Printer) -> None:
        super().__init__(port)
        self._far = far

    async def write(self, data: bytes) -> None:
        with suppress(OSError, IndexError):  # nobody is connected at this moment
            await self._far.write(data)

    async def cut(self) -> None:
        await self._far.stop()

    async def restore(self) -> None:
        self._far.peers.clear()
        await self._far.start()


class ByBeingCalled(OfRecords):
    """The PBX calls us."""

    def __init__(self, port: Living) -> None:
        super().__init__(port)
        self._writers: list[asyncio.StreamWriter] = []

    async def write(self, data: bytes) -> None:
        self._writers[-1].write(data)
        await self._writers[-1].drain()

    async def cut(self) -> None:
        """It falls silent, and hangs up without a word that we could hear."""
        await gone(*self._writers)

    async def restore(self) -> None:
        await until(lambda: bool((found := self.port.source.listener) and found.port))
        listener = self.port.source.listener
        assert listener is not None
        self._writers.append((await asyncio.open_connection("127.0.0.1", listener.port or 0))[1])


@asynccontextmanager
async def rig(kind: str, folder: Path) -> AsyncIterator[Rig]:
    """The source at work on its wire, in sight."""
    if kind in WIRES:
        wire, ears = WIRES[kind](folder), Ears()
        async with running(wire, ears.hear):
            yield OfLine(wire, ears)
    elif kind.startswith("smdr"):
        async with _records(kind, folder) as made:
            yield made
    else:
        journal = MemoryJournal()
        async with floor(kind, seed=5, transfer_share=0.0) as pbx:
            config = settings(kind, pbx, folder)
            config = type(config)(kind=kind, port=pbx.port, secret_file=config.secret_file, ping_s=0.3, silent_s=1.5, reconnect_max_s=0.5)
            async with gateway(folder, config, journal) as service:
                await until(lambda: resyncs(journal) == 1)
                (link,) = service.links.values()
                yield OfPbx(pbx, journal, link)
                pbx.model.up = False
                await until(lambda: not waiting(pbx))


@asynccontextmanager
async def _records(kind: str, folder: Path) -> AsyncIterator[Any]:
    if kind == "smdr-serial":
        path = folder / "port"
        async with living(url=f"serial://{path}") as port:
            made = BySerialPort(port, path)
            await made.restore()
            await until(lambda: port.source.sessions > 0)
            yield made
            with suppress(OSError):
                await made.cut()
    elif kind == "smdr-client":
        far = Printer()
        await far.start()
        async with living(url=f"tcp://127.0.0.1:{far.port}", silent_s=1.0) as port:
            await until(lambda: bool(far.peers))
            yield ByCalling(port, far)
        await far.stop()
    else:
        async with living(url="listen://127.0.0.1:0") as port:
            called = ByBeingCalled(port)
            await called.restore()
            yield called
            await called.cut()
