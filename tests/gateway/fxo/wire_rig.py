"""A simulated modem on a real pty behind a path that stays: it can be pulled, plugged in again, and its bytes damaged."""

from __future__ import annotations

import asyncio
import os
import random
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from appliance.sim.modem import SimModem
from gateway.fxo.line_call import Told


class ModemRig:
    """The modem's end of the wire. `url` is ours, from the moment that it is plugged in."""

    def __init__(self, folder: Path, modem: SimModem) -> None:
        self.modem = modem
        self.path = folder / "modem"
        self.url = f"serial://{self.path}"
        self.noise = 0.0
        self._dice = random.Random(3)
        self._master: int | None = None

    def plug(self) -> None:
        """A new device appears under the old name."""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        with suppress(FileNotFoundError):
            self.path.unlink()
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._heard)

    def pull(self) -> None:
        """It is gone in the middle of whatever it did."""
        if self._master is not None:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._master = None
            self.path.unlink()

    def say(self, data: bytes) -> None:
        """The modem tells something; some of its bytes may be damaged on the way."""
        assert self._master is not None
        if self.noise:
            data = bytes(self._dice.randrange(256) if self._dice.random() < self.noise else byte for byte in data)
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                return  # the line is full: a flood is lost, as on a wire

    def _heard(self) -> None:
        with suppress(OSError):  # nobody has it open at the moment
            assert self._master is not None
            data = os.read(self._master, 4096)
            if data:
                self.say(self.modem.feed(data))


class Ears:
    """What was told, and when it was."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self._news = asyncio.Event()

    def hear(self, told: list[Told]) -> None:
        self.told += told
        self._news.set()

    @property
    def kinds(self) -> list[str]:
        return [type(each.event).__name__.removeprefix("Line") for each in self.told]

    def of(self, kind: str) -> list[Told]:
        return [each for each in self.told if type(each.event).__name__ == f"Line{kind}"]


async def until(seen: Callable[[], bool]) -> None:
    """Wait for a condition, with patience for a slow machine."""
    async with asyncio.timeout(60):
        while not seen():
            await asyncio.sleep(0.01)
