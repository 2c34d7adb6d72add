"""A port's life on real wires: serial, called, calling; cut and mended, half open, flooding, asking for a name."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from pathlib import Path

import pytest
from smdr_rig import gone, line, living, local, pbx, pty, until

from appliance.core.clock import SystemClock
from appliance.core.errors import MisconfiguredError
from appliance.core.smdr_config import SmdrConfig
from gateway.smdr.port import Pace
from gateway.smdr.record import CallRecord
from gateway.smdr.source import SmdrSource


async def test_a_serial_line_in_pieces() -> None:
    with pty() as (master, path):
        async with living(url=f"serial://{path}?baud=1200") as port:
            await until(lambda: port.source.sessions == 1)
            data = b"".join(line(n) for n in range(20))
            for at in range(0, len(data), 7):
                os.write(master, data[at : at + 7])
            await until(lambda: port.numbers == list(range(20)))
    assert port.source.health.level == "ok"


async def test_a_last_line_without_an_end_is_told_after_a_silence() -> None:
    with pty() as (master, path):
        async with living(url=f"serial://{path}") as port:
            await until(lambda: port.source.sessions == 1)
            os.write(master, line(1).rstrip())
            await until(lambda: port.numbers == [1])


async def test_a_wrong_speed_is_told_and_heals() -> None:
    dice = random.Random(3)
    with pty() as (master, path):
        async with living(url=f"serial://{path}") as port:
            await until(lambda: port.source.sessions == 1)
            for _ in range(40):
                os.write(master, bytes(dice.choice(b"\xfe\x80\x06\xf8~\x1e") for _ in range(60)) + b"\r\n")
            await until(lambda: port.source.health.level == "amber")
            for n in range(60):
                os.write(master, line(n))
                await asyncio.sleep(0)
            await until(lambda: port.numbers == list(range(60)))
            assert port.source.health.level == "ok"


async def test_an_adapter_that_is_pulled_and_plugged_in_again(tmp_path: Path) -> None:
    node = tmp_path / "ttyUSB0"
    with pty() as (first, path):
        node.symlink_to(path)
        async with living(url=f"serial://{node}") as port:
            await until(lambda: port.source.sessions == 1)
            os.write(first, line(1))
            await until(lambda: port.numbers == [1])
            with pty() as (second, other):
                node.unlink()
                os.dup2(os.open(os.devnull, os.O_RDWR), first)  # its other end is gone: the line hangs up
                await until(lambda: port.source.health.level == "red")
                node.symlink_to(other)
                await until(lambda: port.source.sessions == 2)
                os.write(second, line(1) + line(2))
                await until(lambda: port.numbers == [1, 2])
    assert port.levels[-1] == "ok"


async def test_a_pbx_that_is_called_hangs_up_and_prints_its_buffer_again() -> None:
    async with pbx() as far, living(url=f"tcp://127.0.0.1:{far.port}") as port:
        await until(lambda: len(far.peers) == 1)
        await far.write(b"".join(line(n) for n in range(10)) + line(10)[:40])
        await until(lambda: port.numbers == list(range(10)))
        far.hang_up()
        await until(lambda: len(far.peers) == 2)
        await far.write(b"".join(line(n) for n in range(4, 13)))
        await until(lambda: port.numbers == list(range(13)))
        assert port.source.streams[""].twice.dropped == 6


async def test_a_pbx_that_is_not_there_yet() -> None:
    async with pbx() as far:
        await far.stop()
        async with living(url=f"tcp://127.0.0.1:{far.port}") as port:
            await until(lambda: port.source.health.level == "red")
            await far.start()
            await until(lambda: far.peers)
            await far.write(line(1))
            await until(lambda: port.numbers == [1])
    assert port.levels == ["red", "ok"]


async def test_a_port_that_asks_who_calls(tmp_path: Path) -> None:
    login = tmp_path / "login"
    login.write_text("SMDR\ngeheim\n")
    async with pbx(b"-", b"Enter Password:") as far, living(url=f"tcp://127.0.0.1:{far.port}", login_file=login) as port:
        await until(lambda: far.peers)
        await far.write(line(1))
        await until(lambda: port.numbers == [1])
    assert far.heard == [b"SMDR\r\n", b"geheim\r\n"]
    assert not any(b"geheim" in data or b"SMDR" in data for _, data in port.bytes)


async def test_a_peer_half_open_is_given_up_after_the_silence_that_is_set() -> None:
    async with pbx() as far, living(url=f"tcp://127.0.0.1:{far.port}", silent_s=0.5) as port:
        await until(lambda: len(far.peers) >= 2)
        await far.write(line(1))
        await until(lambda: port.numbers == [1])


async def call(port: int) -> asyncio.StreamWriter:
    return (await asyncio.open_connection("127.0.0.1", port))[1]


async def test_a_pbx_that_calls() -> None:
    async with living(url="listen://127.0.0.1:0") as port:
        await until(lambda: port.source.listener and port.source.listener.port)
        assert port.source.listener is not None
        assert port.source.listener.port is not None
        at = port.source.listener.port
        first = await call(at)
        first.write(b"".join(line(n) for n in range(5)))
        await until(lambda: port.numbers == list(range(5)))
        # It was cut off without a word, and calls again: what it prints again is dropped.
        second = await call(at)
        second.write(b"".join(line(n) for n in range(7)))
        await until(lambda: port.numbers == list(range(7)))
        await gone(first)
        second.write(line(8))
        await until(lambda: port.numbers == [*range(7), 8])
        await gone(second)


async def test_a_pbx_that_calls_for_each_record_and_ends_it_by_hanging_up() -> None:
    async with living(url="listen://127.0.0.1:0") as port:
        await until(lambda: port.source.listener and port.source.listener.port)
        assert port.source.listener is not None
        for n in range(3):
            writer = await call(port.source.listener.port or 0)
            writer.write(line(n).rstrip())
            writer.close()
            await until(lambda count=n + 1: len(port.numbers) == count)
            await gone(writer)
        assert port.levels == ["ok"]


async def test_calls_that_come_at_once_are_all_heard() -> None:
    async with living(url="listen://127.0.0.1:0") as port:
        await until(lambda: port.source.listener and port.source.listener.port)
        assert port.source.listener is not None
        at = ("127.0.0.1", port.source.listener.port or 0)
        for n in range(6):  # nothing is accepted meanwhile
            with socket.create_connection(at) as far:
                far.sendall(line(n))
        await until(lambda: len(port.numbers) == 6)
    assert port.numbers == list(range(6))


async def test_two_pbxs_behind_one_address_are_both_heard() -> None:
    async with living(url="listen://127.0.0.1:0") as port:
        await until(lambda: port.source.listener and port.source.listener.port)
        assert port.source.listener is not None
        at = port.source.listener.port or 0
        north, south = await call(at), await call(at)
        for n in range(0, 12, 2):  # each line comes in two pieces, and the other's between them
            north.write(line(n)[:30])
            south.write(line(n + 1)[:40])
            await asyncio.sleep(0)
            north.write(line(n)[30:])
            south.write(line(n + 1)[40:])
        await until(lambda: len(port.numbers) == 12)
        assert sorted(port.numbers) == list(range(12))
        await gone(south)
        again = await call(at)  # it prints its buffer again, while the other goes on
        again.write(b"".join(line(n) for n in range(1, 14, 2)))
        north.write(line(20))
        await until(lambda: len(port.numbers) == 14)
        assert sorted(port.numbers) == [*range(12), 13, 20]
        await gone(north, again)


async def test_strangers_may_not_call() -> None:
    async with living(url="listen://127.0.0.1:0", allow=("192.0.2.1",)) as port:
        await until(lambda: port.source.listener and port.source.listener.port)
        listener = port.source.listener
        assert listener is not None
        writer = await call(listener.port or 0)
        writer.write(line(1))
        await until(lambda: listener.refused == 1)
        await gone(writer)
    assert port.numbers == []


async def test_a_flood_is_held_back_and_counted() -> None:
    async with pbx() as far, living(url=f"tcp://127.0.0.1:{far.port}") as port:
        port.source.pace = Pace(1000.0)
        await until(lambda: far.peers)
        await far.write(b"".join(line(n) for n in range(800)))
        await until(lambda: port.source.pace.held > 0)


async def test_a_journal_that_takes_nothing_holds_the_port_back() -> None:
    room = asyncio.Event()
    taken: list[CallRecord] = []

    async def take(records: list[CallRecord]) -> None:
        await room.wait()
        taken.extend(records)

    async with pbx() as far:
        config = SmdrConfig(url=f"tcp://127.0.0.1:{far.port}", profile="panasonic")
        task = asyncio.create_task(SmdrSource("norte", config, SystemClock(), local, take).run())
        await until(lambda: far.peers)
        await far.write(b"".join(line(n) for n in range(30)))
        assert taken == []
        room.set()
        await until(lambda: len(taken) == 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"url": "tcp://127.0.0.1:1", "profile": "panasonik"}, "panasonic"),
        ({"url": "tcp://127.0.0.1:1", "profile_file": Path("/nowhere.toml")}, "nowhere"),
        ({"url": "tty3"}, "url"),
    ],
)
async def test_what_no_retry_mends(config: dict[str, object], says: str) -> None:
    async def take(_records: list[CallRecord]) -> None: ...

    source = SmdrSource("norte", SmdrConfig(**config), SystemClock(), local, take)  # type: ignore[arg-type]
    with pytest.raises(MisconfiguredError, match=says):
        await source.run()


async def test_after_a_flood_forty_good_lines_are_enough() -> None:
    """However much rubbish came: it is judged by what comes of late."""
    with pty() as (master, path):
        async with living(url=f"serial://{path}") as port:
            await until(lambda: port.source.sessions == 1)
            for _ in range(400):
                await asyncio.to_thread(os.write, master, b"\xfe\x80\x06\xf8~" * 12 + b"\r\n")
            await until(lambda: port.source.health.level == "amber")
            stream = next(iter(port.source.streams.values()))
            await until(lambda: stream.counts.unknown + stream.splitter.overlong >= 400)
            for n in range(60):
                os.write(master, line(n))
                await asyncio.sleep(0)
            await until(lambda: port.numbers == list(range(60)))
            assert port.source.health.level == "ok"
            assert port.levels[-2:] == ["amber", "ok"]
