"""What a supervisor records of its services' lives, and when it feeds the watchdog."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from appliance.core.catalogue import BoxStarted, event_from_stored
from appliance.core.clock import ManualClock
from appliance.core.config import Config
from appliance.core.errors import TransientError
from appliance.core.event import stored_from_body
from appliance.core.journal_memory import MemoryJournal
from appliance.notify import Notifier
from appliance.runner_supervise import Backoff, Supervisor
from appliance.service import Context, Service

QUICK = Backoff(first_s=0.01, most_s=0.02, well_s=0.05, forget_s=60.0)


class Made:
    """A service whose life is a function of how often it was started."""

    def __init__(self, life: Callable[[Context, int], Awaitable[None]], starts: list[str]) -> None:
        self.name, self._life, self._starts = "made", life, starts

    async def run(self, context: Context) -> None:
        self._starts.append(context.service)
        await self._life(context, len(self._starts))


def supervisor(
    journal: MemoryJournal, life: Callable[[Context, int], Awaitable[None]], names: list[str], notifier: Notifier | None = None
) -> tuple[Supervisor, list[str]]:
    starts: list[str] = []

    def make(name: str) -> Service:
        return Made(life, starts)

    return Supervisor(Config(), journal, ManualClock(), names, backoff=QUICK, make=make, notifier=notifier, stuck_s=0.3), starts


def told(journal: MemoryJournal) -> list[tuple[str, str, str]]:
    found: list[Any] = [event_from_stored(stored_from_body(row.body)) for row in journal.read(0)]
    return [(event.data.id, event.data.level, event.data.text) for event in found if event.kind == "box.health"]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def steady(context: Context) -> None:
    context.watch.ready()
    while True:
        context.watch.progress()
        await asyncio.sleep(0.01)


async def test_the_first_fault_and_the_recovery_are_events_and_the_faults_between_are_not() -> None:
    async def life(context: Context, start: int) -> None:
        if start in (2, 3, 4):
            raise TransientError("port 8080 is in use; stop what holds it")
        if start == 1:
            context.watch.ready()
            await asyncio.sleep(0.1)
            raise RuntimeError("odd")
        await steady(context)

    journal, stop = MemoryJournal(), asyncio.Event()
    made, starts = supervisor(journal, life, ["wallboard"])
    task = asyncio.create_task(made.run(stop))
    await until(lambda: len(told(journal)) == 3)
    stop.set()
    assert await task == []
    assert told(journal) == [
        ("service.wallboard", "ok", ""),
        ("service.wallboard", "red", "RuntimeError: odd"),
        ("service.wallboard", "ok", ""),
    ]
    assert len(starts) == 5


async def test_a_service_that_ends_or_cancels_itself_is_started_again() -> None:
    async def life(context: Context, start: int) -> None:
        if start == 1:
            return
        if start == 2:
            raise asyncio.CancelledError
        await steady(context)

    journal, stop = MemoryJournal(), asyncio.Event()
    made, starts = supervisor(journal, life, ["uplink"])
    task = asyncio.create_task(made.run(stop))
    await until(lambda: len(starts) == 3)
    stop.set()
    await task
    assert told(journal)[0] == ("service.uplink", "red", "ended by itself")


async def test_a_service_whose_task_group_failed_is_started_again() -> None:
    """Until Python 3.13 a task group that fails leaves the task around it marked as cancelled: that is nobody who stops the box."""

    async def part() -> None:
        await asyncio.sleep(0.01)
        raise TransientError("the chain is gone")

    async def life(context: Context, start: int) -> None:
        if start < 3:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(part())
            except ExceptionGroup as faults:
                raise faults.exceptions[0] from faults
        await steady(context)

    journal, stop = MemoryJournal(), asyncio.Event()
    made, starts = supervisor(journal, life, ["wallboard"])
    task = asyncio.create_task(made.run(stop))
    await until(lambda: len(starts) == 3 or task.done())
    assert starts == ["wallboard"] * 3
    await until(lambda: len(told(journal)) == 2)
    stop.set()
    assert await task == []
    assert told(journal) == [("service.wallboard", "red", "the chain is gone"), ("service.wallboard", "ok", "")]


async def test_each_service_has_a_name_and_a_source_of_its_own() -> None:
    async def life(context: Context, start: int) -> None:
        assert context.event(BoxStarted(version="1")).source == f"{context.service}/{context.service}"
        await steady(context)

    journal, stop = MemoryJournal(), asyncio.Event()
    made, starts = supervisor(journal, life, ["gateway", "uplink"])
    task = asyncio.create_task(made.run(stop))
    await until(lambda: len(told(journal)) == 2)
    stop.set()
    await task
    assert starts == ["gateway", "uplink"]


async def test_a_service_without_progress_starves_the_watchdog_until_it_moves_again(tmp_path: Path) -> None:
    moving = asyncio.Event()

    async def life(context: Context, start: int) -> None:
        context.watch.ready()
        await moving.wait()
        await steady(context)

    journal, stop = MemoryJournal(), asyncio.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "n"))
        line.setblocking(False)

        def heard() -> list[bytes]:
            out = []
            try:
                while True:
                    out.append(line.recv(4096))
            except BlockingIOError:
                return out

        made, _ = supervisor(journal, life, ["uplink"], Notifier(str(tmp_path / "n"), 0.2))
        task = asyncio.create_task(made.run(stop))
        await until(lambda: len(told(journal)) == 2)
        assert told(journal)[1][:2] == ("service.uplink", "red")
        assert "no progress" in told(journal)[1][2]
        heard()
        await asyncio.sleep(0.3)
        assert b"WATCHDOG=1" not in heard()
        moving.set()
        await until(lambda: len(told(journal)) == 3)
        await until(lambda: b"WATCHDOG=1" in heard())
        stop.set()
        await task
    assert told(journal)[2] == ("service.uplink", "ok", "")


async def test_a_service_that_fails_while_it_is_stopped_is_not_started_again() -> None:
    async def falls(context: Context, start: int) -> None:
        context.watch.ready()
        try:
            await asyncio.Event().wait()
        finally:
            raise TransientError("the disk is full")

    journal, stop = MemoryJournal(), asyncio.Event()
    box, starts = supervisor(journal, falls, ["gateway"])
    running = asyncio.create_task(box.run(stop))
    await until(lambda: starts)
    await asyncio.sleep(0.05)
    stop.set()
    async with asyncio.timeout(2):
        assert await running == []
    assert starts == ["gateway"]
