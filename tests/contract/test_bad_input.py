"""Every source under everything that a wire does to it: bounded, counted, shown, and well again without a person; nothing false told.

What a wire cannot do is not in the table: pins have no bytes, a datagram is whole or not there, and where UDP is silent it is half-open and
unplugged alike.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

sys.path.insert(0, str(Path(__file__).parent))

from bad_rigs import ByBeingCalled, OfLine, OfPbx, OfRecords, Rig, rig, until

ALL = ("asterisk", "freeswitch", "modem", "monitor", "udp", "pins", "gateway", "smdr-serial", "smdr-client", "smdr-server")
SERIAL = ("modem", "monitor", "smdr-serial")
QUICK = ("asterisk", "udp", "smdr-client")
#: Bytes that a flood may leave in memory: far more than any buffer that is meant, far less than what was sent.
BOUND_MB = 48


def table(kinds: tuple[str, ...]) -> Any:
    """Each kind, in the quick suite where it is quick."""
    marks = {kind: [pytest.mark.slow] for kind in ALL if kind not in QUICK}
    marks["gateway"] = [pytest.mark.snmp, pytest.mark.slow]
    return pytest.mark.parametrize("source", [pytest.param(kind, marks=marks.get(kind, [])) for kind in kinds], indirect=True)


@pytest.fixture(autouse=True)
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Raspberry Pi's header, as gpiozero's own tests have it."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield
    Device.pin_factory.reset()
    Device.pin_factory = before


@pytest.fixture
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(request.param, tmp_path) as made:
        yield made


def resident_mb() -> float:
    """What this process holds of the machine's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def counted(source: Rig) -> int:
    """Bytes or pieces that were no message."""
    if isinstance(source, OfLine):
        health = source.wire.source.health
        return int(health.noise_bytes)
    if isinstance(source, OfRecords):
        return sum(s.counts.unknown + s.splitter.overlong + s.unread for s in source.port.source.streams.values())
    assert isinstance(source, OfPbx)
    return int(source.link.damaged)


@table(ALL)
async def test_one_byte_in_a_hundred_is_noise(source: Rig) -> None:
    await source.works()
    await source.noise()
    await source.works()
    assert source.false() == []
    await until(source.up)
    if not isinstance(source, OfLine) or type(source.wire).__name__ != "ByPins":
        assert counted(source) > 0


@table(SERIAL)
async def test_another_baud_rate(source: Rig, tmp_path: Path) -> None:
    """Nothing can be read; the way out is named; and once it is set right, it works."""
    if isinstance(source, OfLine):
        source.wire.noise = 1.0
        await source.cut()
        await source.restore()
        for _ in range(400):
            if not source.up() and "baud rate" in source.shown():
                break
            await source.wire.rubbish()
            await asyncio.sleep(0.05)
        assert "baud rate" in source.shown(), source.shown()
        source.wire.noise = 0.0
    else:
        assert isinstance(source, OfRecords)
        for _ in range(60):
            await source.write(bytes(range(128, 255)) + b"\r\n")
        await until(lambda: "speed" in source.shown())
        assert source.port.records == []
    await source.works()
    assert source.false() == []


@table(ALL)
async def test_unplugged_and_plugged_in_again(source: Rig) -> None:
    await source.works()
    await source.cut()
    if not isinstance(source, ByBeingCalled):  # some PBXs call for each record: that none has called is no fault
        await until(lambda: not source.up())
        assert source.shown()
    await source.restore()
    await until(source.up)
    await source.works()
    assert source.false() == []


@table(("asterisk", "freeswitch", "smdr-client", "smdr-server"))
async def test_a_peer_that_is_gone_without_a_word(source: Rig) -> None:
    """No FIN, no RST: the socket stands, and nothing comes."""
    await source.works()
    if isinstance(source, OfPbx):
        stall = source.pbx.fault("stall", seconds=3.0)
        await until(lambda: source.shown().startswith("silent"))
        await stall
        await until(source.up)
    elif type(source).__name__ == "ByCalling":
        sessions = source.port.source.sessions  # type: ignore[attr-defined]
        await until(lambda: source.port.source.sessions > sessions)  # type: ignore[attr-defined]
    else:
        await source.restore()  # it calls anew, and the old call stands
    await source.works()
    assert source.false() == []


@table(ALL)
async def test_a_flood_is_bounded_and_over_when_it_is_over(source: Rig) -> None:
    await source.works()
    before_mb = resident_mb()
    await source.flood()
    assert resident_mb() - before_mb < BOUND_MB
    if isinstance(source, OfLine):
        assert len(source.ears.told) < 500
    async with asyncio.timeout(30):
        while True:
            await source.works()
            if source.up():
                break
    assert source.false() == []
