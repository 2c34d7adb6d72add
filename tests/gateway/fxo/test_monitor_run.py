"""A line monitor's life on a real pty and on real UDP packets: calls of its lines, records lost and doubled, other units, rubbish, pulled."""

from __future__ import annotations

import asyncio
import os
import socket
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from wire_rig import Ears, until

from appliance.core.clock import SystemClock
from appliance.core.errors import MisconfiguredError
from gateway.fxo.line import Line
from gateway.fxo.line_call import NS, Told
from gateway.fxo.line_queue import LineQueue
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.monitor_record import record_from_text
from gateway.fxo.monitor_run import MonitorLines, told_from_record

LINES = {number: LineSettings(line=f"linea-{number}", hook_sense=True) for number in (1, 2)}
#: A caller who is given up soon.
SOON = LineSettings(line="linea-1", hook_sense=True, ring_ms=(500, 500), grace_ms=200)
STAMP = "12/17 16:54:03"
RING, OFF, ON = (f"01 {letter}             {STAMP}" for letter in "RFN")
START = "01 I S 0000 G A1 12/17 04:54 PM 0987654321     ANA            "
TAKEN = "01 I E 0062 G A2 12/17 04:54 PM 0987654321     ANA            "
MISSED = "01 I E 0000 G A4 12/17 04:54 PM 0987654321     ANA            "


def heard(*records: tuple[float, str], settings: LineSettings = LINES[1]) -> list[Any]:
    line = Line(settings)
    line.found(0)
    out: list[Any] = []
    for at_s, text in records:
        record = record_from_text(text)
        assert record is not None
        out += line.tick(int(at_s * NS)) + told_from_record(line, record, int(at_s * NS))
    assert line.state in ("idle", "unknown")
    return out


def kinds(told: list[Told]) -> list[str]:
    return [type(each.event).__name__.removeprefix("Line") for each in told]


def test_calls_of_every_kind() -> None:
    answered = heard((10, RING), (14, START), (20, OFF), (80, ON), (80.1, TAKEN))
    assert kinds(answered) == ["Ringing", "CallerId", "Seized", "Released"]
    assert (answered[-1].event.outcome, answered[-1].event.rang_s) == ("answered", 10.0)
    # A long ringing is told once, at its beginning: it lasts until the end record.
    abandoned = heard((10, RING), (14, START), (55, MISSED))
    assert (kinds(abandoned), abandoned[-1].event.outcome, abandoned[-1].event.rang_s) == (
        ["Ringing", "CallerId", "Released"],
        "abandoned",
        45.0,
    )
    out = heard((10, OFF), (12, "01 O S 0000 G A0 12/17 04:54 PM 022345678"), (60, ON), (60.1, "01 O E 0050 G A0 12/17 04:54 PM 022345678"))
    assert (kinds(out), out[-1].event.outcome) == (["Seized", "Released"], None)


def test_without_details() -> None:
    """A unit that sends call records alone: the start is the ring, the end tells whether somebody talked."""
    taken = heard((10, START), (75, TAKEN))
    assert (kinds(taken), taken[-1].event.outcome) == (["Ringing", "CallerId", "Seized", "Released"], "answered")
    # It was taken 62 s before it ended: that is known, to the second.
    assert ([told.at_ns / NS for told in taken], taken[-1].event.rang_s) == ([10, 10, 13, 75], 3.0)
    numbers = iter("ab")
    queue = LineQueue("ventas", "lines", lambda: next(numbers), senses=lambda _: False)
    queued, answered, ended = queue.apply(taken, 75 * NS)
    assert (type(queued).__name__, answered.wait_s, ended.talk_s) == ("CallQueued", 3.0, 62.0)  # type: ignore[union-attr]
    assert kinds(heard((10, START), (40, MISSED))) == ["Ringing", "CallerId", "Released"]
    assert kinds(heard((12, "01 O S 0 12/17  022345678"), (60, "01 O E 0050 G A0 12/17 04:54 PM 022345678"))) == ["Seized", "Released"]


def test_an_end_record_without_its_seconds_makes_no_abandoned_call() -> None:
    short = "01 I E G A2 12/17 04:54 PM 0987654321"
    assert record_from_text(short) is not None
    assert heard((10, START), (40, short))[-1].event.outcome == "unknown"


def test_without_a_sense_of_the_hook_the_end_record_tells_it_all_the_same() -> None:
    """A call of some seconds was taken; one of none may have been, on a phone that nobody told of."""
    blind = LineSettings(line="linea-1")
    taken, missed = heard((10, RING), (75, TAKEN), settings=blind), heard((10, RING), (40, MISSED), settings=blind)
    assert (taken[-1].event.outcome, taken[-1].event.rang_s) == ("answered", 3.0)
    assert missed[-1].event.outcome == "unknown"
    # As many seconds as it rang: whoever counts so counts the ringing too.
    assert heard((10, RING), (72.5, TAKEN))[-1].event.outcome == "unknown"


def test_doubled_and_lost_records() -> None:
    doubled = heard(
        *((at_s + extra, text) for at_s, text in ((10, RING), (14, START), (20, OFF), (80, ON), (80.1, TAKEN)) for extra in (0, 0.01))
    )
    assert kinds(doubled) == ["Ringing", "CallerId", "Seized", "Released"]
    assert kinds(heard((14, START), (20, OFF), (80.1, TAKEN))) == ["Ringing", "CallerId", "Seized", "Released"]
    # The end record of the first call never came: nobody knows what became of it, and the second is a call of its own.
    for again in (RING, START):
        two = heard((10, RING), (14, START), (100, again), (104, START), (110, OFF), (150, ON))
        assert [told.event.outcome for told in two if kinds([told]) == ["Released"]] == ["unknown", "answered"]
        assert kinds(two).count("CallerId") == 2


@asynccontextmanager
async def running(source: MonitorLines) -> AsyncIterator[Ears]:
    ears = Ears()
    task = asyncio.create_task(source.run(ears.hear))
    try:
        yield ears
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_over_udp() -> None:
    source = MonitorLines("udp://127.0.0.1:0", "monitor", LINES, SystemClock(), unit="000000008979", spread=lambda: 0.0)
    async with running(source) as ears:
        await until(lambda: source.health.up and source.port is not None)
        assert source.port is not None
        unit, other = (
            b"^^<U>\x00\x00\x00\x00\x89\x79<S>\x00\x00\x00\x84\x48\x84$",
            b"^^<U>\x00\x00\x00\x00\x00\x01<S>\x00\x00\x00\x84\x48\x84$",
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
            box.connect(("127.0.0.1", source.port))
            for data in (
                other + RING.encode(),
                b"rubbish" * 100,
                unit + b"07" + RING.encode()[2:],
                *(unit + text.encode() for text in (RING, START, OFF, ON, TAKEN)),
            ):
                box.send(data)
            await until(lambda: "Released" in ears.kinds)
        assert ears.kinds == ["Ringing", "CallerId", "Seized", "Released"]
        assert (source.foreign, source.unknown_lines, source.health.noise_bytes) == (1, 1, 700)


async def test_a_port_that_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind(("127.0.0.1", 0))
        source = MonitorLines(f"udp://127.0.0.1:{box.getsockname()[1]}", "monitor", LINES, SystemClock(), spread=lambda: 0.0)
        async with running(source):
            await until(lambda: source.health.fault is not None)
            assert "cannot listen there" in str(source.health.fault)
            box.close()
            await until(lambda: source.health.up)


async def test_over_a_serial_port_that_is_pulled(tmp_path: Path) -> None:
    path = tmp_path / "monitor"
    master, slave = os.openpty()
    tty.setraw(slave)
    path.symlink_to(os.ttyname(slave))
    os.close(slave)
    source = MonitorLines(f"serial://{path}", "monitor", LINES, SystemClock(), spread=lambda: 0.0)
    async with running(source) as ears:
        await until(lambda: source.health.up)
        os.write(master, f"\xff\xfejunk\r\n{RING}\r\n$02{RING[2:]}\r\n".encode("latin-1"))
        await until(lambda: len(ears.of("Ringing")) == 2)
        assert source.health.noise_bytes == 6
        path.unlink()
        os.close(master)
        await until(lambda: not source.health.up)
        assert all(line.blind for line in source.lines)


async def test_a_unit_that_answered_and_stops_is_gone_until_its_next_word() -> None:
    """Nobody rings at night: it is asked whether it is there."""
    source = MonitorLines("udp://127.0.0.1:0", "monitor", {1: SOON}, SystemClock(), ask_s=0.2, answer_s=0.1, spread=lambda: 0.0)
    unit = b"^^<U>\x00\x00\x00\x00\x89\x79<S>\x00\x00\x00\x84\x48\x84$"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        async with running(source) as ears:
            await until(lambda: source.port is not None)
            box.connect(("127.0.0.1", source.port or 0))
            box.setblocking(False)
            asked = 0

            def answer() -> None:
                nonlocal asked
                assert box.recv(100) == b"^^Id-V"
                asked += 1
                box.send(unit + b"V 5.0 E c X d A o u b k")

            loop = asyncio.get_running_loop()
            loop.add_reader(box, answer)
            box.send(unit + RING.encode())
            await until(lambda: asked > 5)  # of a quiet line nothing else is heard, and it stays in sight
            assert (source.health.up, source.health.noise_bytes) == (True, 0)
            box.send(unit + RING.encode())
            await until(lambda: "Ringing" in ears.kinds)
            loop.remove_reader(box)
            await until(lambda: not source.health.up)
            assert "does not answer any more" in str(source.health.fault)
            await until(lambda: "Released" in ears.kinds)  # what rang then is not known
            released: Any = ears.of("Released")[0].event
            assert released.outcome == "unknown"
            box.send(unit + RING.encode())
            await until(lambda: source.health.up and len(ears.of("Ringing")) == 2)


async def test_a_serial_unit_at_the_wrong_rate_is_never_seen() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    source = MonitorLines(f"serial://{os.ttyname(slave)}", "monitor", LINES, SystemClock(), ask_s=0.2, answer_s=0.1, spread=lambda: 0.0)
    async with running(source) as ears:
        for _ in range(20):
            os.write(master, bytes(128 + byte for byte in range(50)) + b"\r\n")
            await asyncio.sleep(0.03)
        await until(lambda: not source.health.up)
        assert "baud rate" in str(source.health.fault)
        os.write(master, RING.encode() + b"\r\n")  # somebody set it right
        await until(lambda: source.health.up and ears.kinds == ["Ringing"])
    for end in (master, slave):
        os.close(end)


def test_what_is_misconfigured() -> None:
    for url in ("udp://host:port", "usb:1", "serial:x"):
        with pytest.raises(MisconfiguredError):
            MonitorLines(url, "monitor", LINES, SystemClock())
