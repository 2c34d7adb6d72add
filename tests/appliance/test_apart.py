"""Media live apart: what kills one is told once, tried again, and costs the others nothing; a stop stays a stop."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from appliance.apart import Apart


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_a_death_is_told_once_and_it_is_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    lives = 0
    well = asyncio.Event()

    async def part() -> None:
        raise KeyError("best_effort")

    async def life() -> None:
        nonlocal lives
        lives += 1
        if lives == 4:
            well.set()
            await asyncio.Event().wait()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(part())
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from faults

    task = asyncio.create_task(Apart("LED chain entrada", 0.01).run(life))
    async with asyncio.timeout(10):
        await well.wait()
    assert not task.done()
    await stopped(task)
    assert task.cancelled()
    assert caplog.text.count("LED chain entrada failed: KeyError: 'best_effort'; again in 0 s") == 1
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("falls", [False, True])
async def test_a_stop_is_a_stop_also_for_one_that_falls_while_it_is_stopped(falls: bool) -> None:
    lives = 0
    begun = asyncio.Event()

    async def life() -> None:
        nonlocal lives
        lives += 1
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            if falls:
                raise ValueError("on the way out")

    task = asyncio.create_task(Apart("sign", 0.01).run(life))
    await begun.wait()
    await stopped(task)
    assert (task.done(), lives) == (True, 1)


async def test_one_that_ends_or_cancels_itself_is_begun_again() -> None:
    lives = 0
    third = asyncio.Event()

    async def life() -> None:
        nonlocal lives
        lives += 1
        if lives == 2:
            raise asyncio.CancelledError
        if lives == 3:
            third.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(Apart("history", 0.01).run(life))
    async with asyncio.timeout(10):
        await third.wait()
    await stopped(task)


def test_a_turn_that_fails_is_told_once_until_one_was_well(caplog: pytest.LogCaptureFixture) -> None:
    part, faulty = Apart("the alarm watch"), True

    def turn() -> None:
        if faulty:
            raise ValueError("odd")

    part.turn(turn)
    part.turn(turn)
    assert caplog.text.count("the alarm watch failed: ValueError: odd") == 1
    faulty = False
    part.turn(turn)
    faulty = True
    part.turn(turn)
    assert caplog.text.count("the alarm watch failed: ValueError: odd") == 2
