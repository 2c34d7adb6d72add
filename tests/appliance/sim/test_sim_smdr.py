"""What the simulated PBXs print is what happened: read by the box's own reader, make by make, named or told by the lines."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.core.clock import SystemClock
from appliance.core.smdr_config import SmdrConfig
from appliance.sim.smdr import MAKES, Call, Printer
from appliance.sim.smdr_wire import KEPT, Port
from gateway.smdr.record import CallRecord
from gateway.smdr.shelf import profile
from gateway.smdr.source import SmdrSource
from gateway.smdr.stream import Stream

NOON = datetime(2026, 11, 21, 12, 0)  # noqa: DTZ001 - printed times have no zone


def printed(make: str, count: int = 200) -> list[tuple[datetime, Call, bytes]]:
    printer, out = Printer(make), []
    for n in range(count):
        now = NOON + timedelta(seconds=47 * n)
        out.append((now, *printer.next(now)))
    return out


def read(make: str, *, named: bool) -> list[CallRecord]:
    stream = Stream(profile(make) if named else None)
    stream.connected(0.0)
    records = [record for n, (now, _, data) in enumerate(printed(make)) for record in stream.feed(data, now, float(n))]
    return records + stream.idle(NOON, 999.0)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("make", MAKES)
def test_each_call_is_read_as_it_was(make: str, named: bool) -> None:
    told, meant = read(make, named=named), [call for _, call, _ in printed(make)]
    assert len(told) == len(meant)
    for record, call in zip(told, meant, strict=True):
        assert record.profile == make
        assert record.direction == call.direction or (make == "nec" and call.transferred and record.direction is None)
        assert (record.number, bool(record.abandoned)) == (call.number, call.abandoned), record
        assert bool(record.transferred) == call.transferred, record
        assert record.duration_s == call.talk_s
        assert int((record.trunk or "").lstrip("T")) % 100 == call.trunk
        assert record.extension == str(call.extension) or call.abandoned
        assert record.start is not None
        assert abs(record.start - call.begun) <= timedelta(seconds=60)
        if record.ring_s is not None:
            assert record.ring_s == call.ring_s


@pytest.mark.parametrize("make", MAKES)
def test_the_same_seed_prints_the_same(make: str) -> None:
    assert [data for _, _, data in printed(make, 70)] == [data for _, _, data in printed(make, 70)]


async def heard(url: str, port: Port, count: int) -> list[CallRecord]:
    """What the box hears of a port until so many calls have come."""
    records: list[CallRecord] = []

    async def take(more: list[CallRecord]) -> None:
        records.extend(more)

    source = SmdrSource("norte", SmdrConfig(url=url, profile="panasonic", reconnect_max_s=0.2), SystemClock(), lambda: NOON, take)
    task = asyncio.create_task(source.run())
    try:
        async with asyncio.timeout(20):
            while len(records) < count:
                await asyncio.sleep(0.01)
                port._flush()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return records


async def test_what_nobody_heard_is_kept_and_the_oldest_is_lost() -> None:
    port, printer = Port(), Printer("panasonic")
    async with port.on_tcp("127.0.0.1", 0) as number:
        for n in range(KEPT + 20):
            port.print(printer.next(NOON + timedelta(seconds=n))[1])
        assert port.lost == 20
        assert len(await heard(f"tcp://127.0.0.1:{number}", port, KEPT)) == KEPT


async def test_by_a_pty() -> None:
    port, printer = Port(), Printer("panasonic")

    async def print_on() -> None:
        while True:
            port.print(printer.next(NOON + timedelta(seconds=printer.printed))[1])
            await asyncio.sleep(0.01)

    async with port.on_pty() as path:
        printing = asyncio.create_task(print_on())  # what was printed before the line was opened is gone, as on a wire
        assert len(await heard(f"serial://{path}", port, 30)) >= 30
        printing.cancel()
        await asyncio.gather(printing, return_exceptions=True)


async def test_by_calling_the_box() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    port, printer = Port(), Printer("panasonic")
    for n in range(30):
        port.print(printer.next(NOON + timedelta(seconds=n))[1])
    calling = asyncio.create_task(port.call("127.0.0.1", number))
    assert len(await heard(f"listen://127.0.0.1:{number}", port, 30)) == 30
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)


def test_the_command_prints_until_it_is_told_to_end() -> None:
    root = Path(__file__).parent.parent.parent.parent
    command = [sys.executable, "-m", "appliance.cli.main", "sim", "smdr", "--make", "nec", "--tcp", "127.0.0.1:0", "--every", "0.05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        told = re.search(r"tcp://127.0.0.1:(\d+)", process.stdout.readline())
        assert told is not None
        with socket.create_connection(("127.0.0.1", int(told[1])), timeout=20) as wire:
            data = b""
            while data.count(b"\n") < 5:
                data += wire.recv(4096)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert data.startswith(b"CLASS")
