"""Decides what happens at a demo's site without an ACD: analog lines on which people call, and a PBX that prints each call after it.

The box hears the lines by simulated voice modems, each on a pty that can be pulled, and the printer by TCP. What truly happened is booked
here, for the comparison at the end.
"""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final, Self

from msgspec import Struct

from appliance.core.clock import NS, Clock, SystemClock
from appliance.sim.floor_scenario import Analog
from appliance.sim.line_plan import Manner, Step, steps
from appliance.sim.line_wire import ModemWire
from appliance.sim.smdr import MAKES, Call
from appliance.sim.smdr_wire import Port

_MAKE: Final = "panasonic"
_COUNTRY: Final = "cl"
#: The demo's own site; its times are at a demo's speed 1.
OWN: Final = Analog(lines=4, every_s=30.0, talk_s=60.0)


class Adapter:
    """One modem's end of its cable. The box finds it at `path`, while it is plugged in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._wire: ModemWire | None = None
        self._master = self._slave = -1

    @property
    def is_heard(self) -> bool:
        """Whether the box hears it."""
        return self._wire is not None and self._wire.is_asked

    def plug(self) -> None:
        """A new device under the old name; it has forgotten what it was told."""
        if self._wire is not None:
            return
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(slave))
        self._slave = slave  # stays open, so that what has arrived there can be asked
        self._wire = ModemWire(self._master, f"serial://{self.path}", 0.0, 0, slave)
        asyncio.get_running_loop().add_reader(self._master, self._wire.heard)

    def pull(self) -> None:
        """Gone in the middle of whatever it did."""
        if self._wire is None:
            return
        self._wire = None
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self.path.unlink(missing_ok=True)

    def tell(self, step: Step) -> None:
        """What happens on the line, to whoever listens."""
        if self._wire is not None:
            self._wire.do(step)


class Rung(Struct):
    """One call on one line, in milliseconds of the wall: first and last ring, taken up, over (None: not, or not yet); what was printed."""

    line: int
    rang_ms: int
    last_ring_ms: int
    number: str | None = None
    taken_ms: int | None = None
    ended_ms: int | None = None
    gone: bool = False
    printed: tuple[int, int] | None = None


class Ledger:
    """What truly happened: counts as a PBX's own log would have them, and every call."""

    def __init__(self) -> None:
        self.offered = self.answered = self.abandoned = self.printed = 0
        self.waiting: dict[int, float] = {}
        self.talking: dict[int, tuple[Step, float, float]] = {}
        self.blind: list[str] = []
        self.calls: list[Rung] = []
        self.open: dict[int, Rung] = {}

    def truth(self) -> dict[str, Any]:
        """In the form of a simulated PBX's truth."""
        none = dict.fromkeys(("timeout", "exitkey", "exitempty", "withdrawn", "lost"), 0)
        counts = {"offered": self.offered, "answered": self.answered, "abandoned": self.abandoned, "waiting": len(self.waiting)}
        return {"totals": {**none, **counts}, "ended_by_pbx_restart": {"abandoned": 0}, "blind": self.blind, "printed": self.printed}


class DemoLines:
    """The site. Use as an async context manager; `folder` holds the modems' names."""

    def __init__(
        self, folder: Path, seed: int, speed: float, site: Analog = OWN, clock: Clock | None = None, zone: tzinfo | None = None
    ) -> None:
        """`clock`, `zone`: the printer's (None: this machine's)."""
        self._clock, self._zone = clock or SystemClock(), zone
        self._seed, self._speed, self._site = seed, speed, site
        self.ledger = Ledger()
        self.adapters = [Adapter(folder / f"line{number}") for number in range(1, site.lines + 1)]
        self._printer = Port()
        self.printer_port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()
        self._rests = False

    async def __aenter__(self) -> Self:
        self.printer_port = await self._stack.enter_async_context(self._printer.on_tcp("127.0.0.1", 0))
        for number, adapter in enumerate(self.adapters):
            adapter.plug()
            self._begin(self._line(number))
        self._printer.print("".join(f"{line}\r\n" for line in MAKES[_MAKE].heading).encode())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for adapter in self.adapters:
            adapter.pull()
        await self._stack.aclose()

    def unplug(self, seconds: float) -> None:
        """Pull the adapter of a line on which something goes on, and plug it in again."""
        busy = [*self.ledger.waiting, *self.ledger.talking, 0]
        self.ledger.blind.append("adapter")
        self._begin(self._away(self.adapters[busy[0]], seconds))

    async def _away(self, adapter: Adapter, seconds: float) -> None:
        adapter.pull()
        await asyncio.sleep(seconds)
        adapter.plug()

    def rest(self) -> None:
        """Nobody calls any more; those who ring hang up."""
        self._rests = True
        self.ledger.abandoned += len(self.ledger.waiting)
        self.ledger.waiting.clear()

    def _begin(self, life: Any) -> None:
        task = asyncio.get_running_loop().create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _line(self, line: int) -> None:
        loop = asyncio.get_running_loop()
        while not self.adapters[line].is_heard:  # noqa: ASYNC110 - nobody calls before the box is there
            await asyncio.sleep(0.05)
        began_s = loop.time()
        for step in self._steps(line):
            await asyncio.sleep(max(0.0, began_s + step.at_s - loop.time()))
            if self._rests:
                return
            self._book(line, step, loop.time())
            self.adapters[line].tell(step)

    def _steps(self, line: int) -> Iterator[Step]:
        site, speed = self._site, self._speed
        manner = Manner(
            every_s=site.every_s / speed, talk_s=site.talk_s / speed, taken=site.taken, withheld=site.withheld, country=_COUNTRY
        )
        return steps(self._seed * 1000 + line, manner)

    def _book(self, line: int, step: Step, now_s: float) -> None:
        ledger = self.ledger
        self._keep(line, step)
        match step.what:
            case "ring" if step.rings == 1:
                ledger.offered += 1
                ledger.waiting[line] = now_s
            case "off_hook":
                ledger.answered += 1
                ledger.talking[line] = step, ledger.waiting.pop(line, now_s), now_s
            case "on_hook" if line in ledger.talking:
                taken, rang_s, taken_s = ledger.talking.pop(line)
                self._print(line, taken, round(taken_s - rang_s), round(now_s - taken_s))
            case "gone":
                ledger.abandoned += 1
                self._print(line, step, round(now_s - ledger.waiting.pop(line, now_s)), None)

    def _keep(self, line: int, step: Step) -> None:
        ledger, now_ms = self.ledger, self._clock.wall_ns() // 1_000_000
        if step.what == "ring" and step.rings == 1:
            ledger.open[line] = Rung(line, now_ms, now_ms)
            ledger.calls.append(ledger.open[line])
        call = ledger.open.get(line)
        if call is None:
            return
        match step.what:
            case "ring":
                call.last_ring_ms = now_ms
            case "caller":
                call.number = None if step.number in ("P", "O") else step.number
            case "off_hook":
                call.taken_ms = now_ms
            case "on_hook":
                call.ended_ms = now_ms
            case _:
                call.ended_ms, call.gone = now_ms, True

    def _print(self, line: int, step: Step, ring_s: int, talk_s: int | None) -> None:
        """The PBX's line for a call that has ended."""
        if line in self.ledger.open:
            self.ledger.open[line].printed = ring_s, talk_s or 0
        local = datetime.fromtimestamp(self._clock.wall_ns() / NS, UTC).astimezone(self._zone)
        begun = local.replace(tzinfo=None) - timedelta(seconds=ring_s + (talk_s or 0))
        number = "" if step.number == "P" else step.number or ""
        call = Call(begun, "in", 101 + line, line + 1, number, ring_s, talk_s or 0, talk_s is None, transferred=False)
        self._printer.print(f"{MAKES[_MAKE].line(call)}\r\n".encode("latin-1"))
        self.ledger.printed += 1

    def configuration(self) -> str:
        """The box's configuration of all this, as a person would write it."""
        rows = "".join(
            f'[lines.line{number}]\nurl = "serial://{adapter.path}?baud=115200"\ncountry = "{_COUNTRY}"\nhook_sense = true\n'
            f'queue = "lines"\ntrunk = "pstn"\n\n'
            for number, adapter in enumerate(self.adapters, 1)
        )
        printer = f'[smdr.printer]\nurl = "tcp://127.0.0.1:{self.printer_port}"\nprofile = "{_MAKE}"\n\n'
        return f"{rows}{printer}[trunks.pstn]\nlines = {len(self.adapters)}\n"
