"""`board.tvs_*`: fifty TVs on one box, each with its own connection, beside the barest fan-out that the same library makes."""

from __future__ import annotations

import asyncio
import sys
import time
from bisect import bisect_left

from aiohttp import web

from tests.bench.box import Box, cpu_s, memory_mb
from tests.bench.room import Room, child, line_from, stop
from tests.bench.table import Row, alone, at_most, compared, no_more_than, percentile
from tests.bench.wallboard_floor import QUEUE, Floor, Told
from tests.bench.wallboard_tvs import Notes, Tvs
from tests.bench.worker import tell

_TVS = 50
_RATE, _FLOOD = 50, 500


def crowd(room: Room) -> list[Row]:
    """Fifty changes a second in front of fifty TVs; then the bare one sends as many and as large patches to as many connections."""
    seconds = 4 if room.quick else 7
    cpu, late, middle, joins, grown, flood, bare_late = [], [], [], [], [], [], []
    told_rate = flood_rate = 0.0
    with room.passing() as folder:
        box = Box(folder / "box", crm_port=None)
        with box, Floor(box) as floor:
            process = box.start("wallboard")
            box.wait_for("the board", lambda: (seen := box.floor()) and QUEUE in seen["queues"])
            box.settled("wallboard")
            alone_mb = memory_mb(process.pid)["rss"]
            for again in room.rounds(3, 1):
                room.say(f"round {again + 1}: {_TVS} TVs for {seconds} s, then a bare fan-out")
                with Tvs(box.board_port, _TVS) as tvs:
                    joins.append(tvs.joined_s)
                    time.sleep(1)
                    tvs.seen()
                    before = box.cpu_s()["wallboard"]
                    floor.begin(seconds * _RATE, _RATE)
                    told = floor.told()
                    time.sleep(0.5)
                    ours = (box.cpu_s()["wallboard"] - before) / seconds * 100
                    seen = tvs.seen()
                    before = box.cpu_s()["wallboard"]
                    floor.begin(seconds * _FLOOD, _FLOOD)
                    floor.told()
                    flood.append((box.cpu_s()["wallboard"] - before) / seconds * 100)
                    flood_rate = sum(len(notes) for notes in tvs.seen()) / _TVS / seconds
                    grown.append(memory_mb(process.pid)["rss"] - alone_mb)
                waits = [wait for notes in seen for wait in waits_ms(told, notes)]
                middle.append(percentile(waits, 0.5))
                told_rate = sum(len(notes) for notes in seen) / len(seen) / seconds
                late.append(percentile(waits, 0.99))
                bare, bare_ms = _bare(told_rate, seconds)
                cpu.append((ours, bare))
                bare_late.append(bare_ms)
    bare_note = "append returned → read by the TV"
    against_late = f"a bare write → read: {percentile(bare_late, 0.5):.1f} ms p99"
    note = f"{_RATE} changes a second, {told_rate:.0f} patches a second to each of {_TVS}"
    against = "bare aiohttp, the same patches from a list, no floor"
    return [
        compared("board.tvs_cpu", "% of a core", cpu, against, at_most(4, "× bare fan-out"), note),
        alone(
            "board.tvs_p99",
            "ms p99",
            late,
            no_more_than(100, "ms"),
            f"p50 {percentile(middle, 0.5):.1f} ms, {bare_note}; {note}",
            against_late,
        ),
        alone(
            "board.tvs_flood",
            "% of a core",
            flood,
            no_more_than(30, "% of a core"),
            f"{_FLOOD} changes a second, {flood_rate:.0f} patches a second to each",
        ),
        alone("board.tvs_memory", "MB RSS", grown, no_more_than(25, "MB"), f"{_TVS} TVs, beside none"),
        alone("board.tvs_join", "s", joins, no_more_than(2, "s"), f"{_TVS} TVs knock at once: until the last has its floor"),
    ]


def waits_ms(told: list[Told], notes: Notes) -> list[float]:
    """Each change's way to one TV. Raises RuntimeError when one never came."""
    out = []
    for change in told:
        place = bisect_left(notes, change.seq, key=lambda note: note[0])
        if place == len(notes):
            raise RuntimeError(f"a TV never heard of position {change.seq}; its last was {notes[-1:]}")
        out.append((notes[place][1] - change.at_s) * 1000)
    return out


def _bare(rate: float, seconds: int) -> tuple[float, float]:
    """CPU share of the bare fan-out at so many patches a second, and the 99th percentile of its way to a TV in ms."""
    process = child("wallboard_crowd:bare")
    try:
        with Tvs(line_from(process), _TVS, "/") as tvs:
            time.sleep(0.5)
            tvs.seen()
            before = cpu_s(process.pid)
            assert process.stdin is not None
            process.stdin.write(f"{round(rate * seconds)} {rate}\n")
            process.stdin.flush()
            told = [Told(seq, 0, at) for seq, at in line_from(process)]
            time.sleep(0.3)
            share = (cpu_s(process.pid) - before) / seconds * 100
            return share, percentile([wait for notes in tvs.seen() for wait in waits_ms(told, notes)], 0.99)
    finally:
        stop(process)


def bare() -> None:
    """Child: what the wallboard's server would be without anything to know or to bound."""
    asyncio.run(_serve())


async def _serve() -> None:
    responses: list[web.StreamResponse] = []
    gone = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"event: floor\nid: 0\ndata: {}\n\n")
        responses.append(response)
        await gone.wait()
        return response

    app = web.Application()
    app.router.add_get("/", stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    tell(runner.addresses[0][1])
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, _line):
        count, rate = line.split()
        out = []
        due = loop.time()
        for number in range(1, int(count) + 1):
            await asyncio.sleep(max(0.0, due - loop.time()))
            due += 1 / float(rate)
            at = time.monotonic()
            patch = f"event: patch\nid: {number}\ndata: {'x' * 700}\n\n".encode()
            for response in responses:
                await response.write(patch)
            out.append((number, at))
        tell(out)


def _line() -> str:
    return sys.stdin.readline()
