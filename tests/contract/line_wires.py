"""The wires on which a line is sensed, as one: an exchange that rings and gives up, a phone that is taken up and put down, a cable that is pulled."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
import sys
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from gpiozero import Device

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "fxo"))

from gateway_rig import HOOK, BareSocket, Snmpd, request
from wire_rig import Ears, ModemRig, until

from appliance.core.clock import SystemClock
from appliance.core.fxo_gateway_config import FxoGatewayConfig
from appliance.sim.line_plan import Step
from appliance.sim.line_wire import monitor_records
from appliance.sim.modem import SimModem
from gateway.fxo.gateway_port import GatewayLine
from gateway.fxo.gateway_run import GatewayLines
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_run import ModemLine
from gateway.fxo.monitor_run import MonitorLines
from gateway.fxo.sense_run import SenseLine, SensePins
from gateway.fxo.sip_ear import SipEar
from gateway.fxo.source import LineSource

#: A bell so slow that a busy machine is never late for the next, and a caller who is given up soon.
SETTINGS = LineSettings(line="linea-1", trunk="pstn", ring_ms=(500, 500), grace_ms=200, flash_ms=100, hook_sense=True)


#: How often a monitor that says nothing is asked whether it is there.
ASKED: dict[str, Any] = {"ask_s": 0.3, "answer_s": 0.3, "spread": lambda: 0.0}
SETTINGS_TOLD = b"V 5.0 E c X d A o u b k"


class Wire(Protocol):
    """What happens on the line, and to the cable. `noise` is the share of the bytes that come as others."""

    source: LineSource
    noise: float

    async def ring(self) -> None: ...
    async def give_up(self) -> None: ...
    async def take(self) -> None: ...
    async def put_down(self) -> None: ...
    async def rubbish(self) -> None: ...
    async def flood(self) -> None: ...
    async def cut(self) -> None: ...
    async def restore(self) -> None: ...


class ByModem:
    """A voice modem on a pty."""

    def __init__(self, folder: Path) -> None:
        self._rig = ModemRig(folder, SimModem())
        self.source: LineSource = ModemLine(self._rig.url, SETTINGS, SystemClock(), answer_s=0.5, spread=lambda: 0.0)

    @property
    def noise(self) -> float:
        return self._rig.noise

    @noise.setter
    def noise(self, share: float) -> None:
        self._rig.noise = share

    async def flood(self) -> None:
        for _ in range(200):
            self._rig.say(b"RING\r\n" * 500 + bytes(range(256)) * 8)
            await asyncio.sleep(0)

    async def ring(self) -> None:
        self._rig.say(self._rig.modem.ring())

    async def give_up(self) -> None:
        """Nothing is heard any more."""

    async def take(self) -> None:
        self._rig.say(self._rig.modem.hook(True))

    async def put_down(self) -> None:
        self._rig.say(self._rig.modem.hook(False))

    async def rubbish(self) -> None:
        self._rig.say(bytes(range(128, 256)) * 10 + b"\r\n")

    async def cut(self) -> None:
        self._rig.pull()

    async def restore(self) -> None:
        self._rig.plug()


class ByMonitor:
    """A line monitor, its lines by whatever carries them."""

    source: LineSource
    noise = 0.0

    def __init__(self) -> None:
        self._dice = random.Random(3)

    def damaged(self, data: bytes) -> bytes:
        return bytes(self._dice.randrange(256) if self._dice.random() < self.noise else byte for byte in data) if self.noise else data

    def tell(self, data: bytes) -> None:
        raise NotImplementedError

    def _step(self, what: Any, rings: int = 1, talk_s: int = 0) -> None:
        for record in monitor_records(1, Step(0.0, what, "0987654321", rings=rings, talk_s=talk_s)):
            self.tell(record.encode())

    async def ring(self) -> None:
        self._step("ring")

    async def give_up(self) -> None:
        self._step("gone")

    async def take(self) -> None:
        self._step("off_hook")

    async def put_down(self) -> None:
        self._step("on_hook", talk_s=9)

    async def rubbish(self) -> None:
        self.tell(bytes(range(128, 256)))


class BySerialMonitor(ByMonitor):
    """Over a serial port."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._path = folder / "monitor"
        self._master = -1
        self.source = MonitorLines(f"serial://{self._path}", "monitor", {1: SETTINGS}, SystemClock(), **ASKED)

    def tell(self, data: bytes) -> None:
        with suppress(BlockingIOError):  # the line is full: a flood is lost, as on a wire
            os.write(self._master, self.damaged(data + b"\r\n"))

    def _asked(self) -> None:
        with suppress(OSError):  # nobody has it open
            if b"V" in os.read(self._master, 4096):
                self.tell(SETTINGS_TOLD)

    async def flood(self) -> None:
        for _ in range(200):
            self.tell(bytes(range(256)) * 16)
            self.tell(b"01 R             12/17 16:54:03\r\n" * 100)
            await asyncio.sleep(0)

    async def cut(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        self._path.unlink()
        os.close(self._master)

    async def restore(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self._path.symlink_to(os.ttyname(slave))
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._asked)


class ByUdpMonitor(ByMonitor):
    """Over UDP, where nothing but silence tells that it is gone."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._box: socket.socket | None = None
        self.source = self._made = MonitorLines("udp://127.0.0.1:0", "monitor", {1: SETTINGS}, SystemClock(), **ASKED)

    def tell(self, data: bytes) -> None:
        if self._box is not None and self._made.port is not None:
            with suppress(BlockingIOError):
                self._box.sendto(self.damaged(b"^^<U>123456<S>123456$" + data), ("127.0.0.1", self._made.port))

    def _asked(self) -> None:
        if self._box is not None and self._box.recv(4096) == b"^^Id-V":
            self.tell(SETTINGS_TOLD)

    async def flood(self) -> None:
        for _ in range(200):
            for _ in range(50):
                self.tell(bytes(range(256)) * 4)
                self.tell(b"01 R             12/17 16:54:03")
            await asyncio.sleep(0)

    async def cut(self) -> None:
        if self._box is not None:
            asyncio.get_running_loop().remove_reader(self._box)
            self._box.close()
            self._box = None

    async def restore(self) -> None:
        self._box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._box.setblocking(False)
        asyncio.get_running_loop().add_reader(self._box, self._asked)
        asyncio.get_running_loop().call_later(0.05, self.tell, SETTINGS_TOLD)  # as one that was just switched on


class ByPins:
    """Opto-couplers on gpiozero's mock pins."""

    noise = 0.0

    def __init__(self, folder: Path) -> None:
        self._pins = SensePins(ring=5, loop=6)
        self.source: LineSource = SenseLine("gpio:", self._pins, SETTINGS, SystemClock(), spread=lambda: 0.0)

    def _set(self, pin: int, active: bool) -> None:
        wire: Any = Device.pin_factory.pin(pin)
        wire.drive_low() if active else wire.drive_high()

    async def ring(self) -> None:
        # Until it is heard, for a busy machine may stretch the pulses; and so long that nobody who takes it meets it unheard.
        line, loop = self.source.lines[0], asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.timeout(60):
            while line.state != "ringing" or loop.time() - began_s < 0.6:
                for active in (True, False):
                    self._set(5, active)
                    await asyncio.sleep(0.02)

    async def give_up(self) -> None:
        """Nothing is heard any more."""

    async def take(self) -> None:
        self._set(6, True)

    async def put_down(self) -> None:
        self._set(6, False)

    async def rubbish(self) -> None:
        for _ in range(100):
            self._set(5, True)
            self._set(5, False)

    async def flood(self) -> None:
        for _ in range(100):
            await self.rubbish()
            await asyncio.sleep(0)

    async def cut(self) -> None:
        """Their chip is gone (one at USB was pulled, a driver was unloaded): no edge comes any more, and who reads hears of it."""

        def gone() -> None:
            raise OSError(errno.ENODEV, "No such device")

        for pin in self._pins.all:
            Device.pin_factory.pin(pin)._get_state = gone

    async def restore(self) -> None:
        """They are there, and their contacts open."""
        for pin in self._pins.all:
            Device.pin_factory.pin(pin).__dict__.pop("_get_state", None)
            self._set(pin, False)


class ByGateway:
    """An external gateway: its hook by a real snmpd, its SIP by a bare socket; the same network carries both."""

    noise = 0.0

    def __init__(self, folder: Path) -> None:
        self._agent = Snmpd(folder, {f"{HOOK}.0": 1})
        self._sip = BareSocket()
        self._sip.alive = False
        self._dice = random.Random(4)
        self._ear = SipEar("127.0.0.1:0", SystemClock())
        self._call = 0
        config = FxoGatewayConfig(
            address="127.0.0.1", make="audiocodes", snmp_port=self._agent.port, snmp_file=self._agent.community, poll_s=0.2,
            timeout_s=0.3, sip_port=self._sip.port, ping_s=0.3,
        )  # fmt: skip
        line = GatewayLine(settings=SETTINGS, port=0, user="linea-1", parallel_phones=False)
        self.source: LineSource = GatewayLines("rack", config, [line], SystemClock(), ear=self._ear, spread=lambda: 0.0)

    def _say(self, method: str) -> None:
        self._sip.box = self._ear.port or 9
        asked = request(method, self._sip.port, call=f"c{self._call}")
        if self.noise:  # datagrams are sent again until they are answered: some copies come damaged, one whole
            for _ in range(3):
                self._sip.say(bytes(byte ^ (1 << self._dice.randrange(8)) if self._dice.random() < self.noise else byte for byte in asked))
        self._sip.say(asked)

    async def ring(self) -> None:
        self._call += 1
        self._say("INVITE")

    async def give_up(self) -> None:
        self._say("CANCEL")

    async def take(self) -> None:
        self._agent.set(**{f"{HOOK}.0": 2})

    async def put_down(self) -> None:
        self._agent.set(**{f"{HOOK}.0": 1})
        self._say("CANCEL")

    async def rubbish(self) -> None:
        self._sip.box = self._ear.port or 9
        self._sip.say(bytes(range(128, 256)))

    async def flood(self) -> None:
        self._sip.box = self._ear.port or 9
        for number in range(4_000):
            self._sip.say(bytes(range(128, 256)) * 8 if number % 2 else request("OPTIONS", self._sip.port, call=f"f{number}"))
            if number % 50 == 0:
                await asyncio.sleep(0)

    async def cut(self) -> None:
        """For so long that both are missed; and nobody speaks any more when it is mended."""
        self._sip.alive = False
        self._agent.stop()
        self._agent.set(**{f"{HOOK}.0": 1})
        await until(lambda: all(word in str(self.source.health.fault) for word in ("SIP", "snmp")))

    async def restore(self) -> None:
        self._sip.alive = True
        self._agent.start()

    def close(self) -> None:
        self._agent.stop()
        self._sip.close()


WIRES: dict[str, Callable[[Path], Wire]] = {
    "modem": ByModem, "monitor": BySerialMonitor, "udp": ByUdpMonitor, "pins": ByPins, "gateway": ByGateway,
}  # fmt: skip
#: Those with a cable whose end is noticed.
CABLES = ("modem", "monitor", "udp", "pins", "gateway")
#: What a wire needs of the machine.
NEEDS = {"gateway": "snmp"}
__all__ = ["CABLES", "NEEDS", "SETTINGS", "WIRES", "Ears", "Wire", "running", "until"]


@asynccontextmanager
async def running(wire: Wire, tell: Callable[[Any], None]) -> AsyncIterator[None]:
    """Its source at work and in sight."""
    await wire.restore()
    task = asyncio.create_task(wire.source.run(tell))
    try:
        await until(lambda: wire.source.health.up)
        yield
    finally:
        task.cancel()
        async with asyncio.timeout(30):  # a stop is obeyed
            await asyncio.gather(task, return_exceptions=True)
        if isinstance(wire, ByGateway):
            wire.close()
        else:
            with suppress(OSError, AssertionError):
                await wire.cut()
