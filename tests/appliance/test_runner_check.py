"""The background check: a sound journal stays, a damaged one is set aside and its successor says why."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from pathlib import Path

import pytest

from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config import Config, JournalConfig
from appliance.core.errors import CorruptError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.runner_check import faults_of
from appliance.runner_house import Housekeeper


def filled(path: Path) -> SqliteJournal:
    journal = SqliteJournal.open(path)
    held = CallHeld(call="c", pbx="p")
    journal.append([Event(kind_of(held), "t/t", 1, 1, "b", "synced", held)] * 50)
    return journal


async def test_a_sound_journal_has_no_faults(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.db")
    assert await faults_of(tmp_path / "journal.db") == []
    journal.close()


async def test_the_house_sets_a_damaged_journal_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = filled(path)
    epoch = journal.epoch
    with sqlite3.connect(path) as raw:
        raw.execute("DELETE FROM event WHERE seq=20")
    house = Housekeeper(Config(journal=JournalConfig(path=path)), journal, SystemClock(), journal.run_dir, check_after_s=0)
    task = asyncio.create_task(house.run())
    async with asyncio.timeout(20):
        while journal.epoch == epoch:
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (row, *_) = journal.read(0)
    assert b"row 20 is missing" in row.body
    journal.close()


def scribbled(path: Path) -> None:
    """Every page behind the first is written over where it lies, as a dying card does it."""
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in range(1, pages):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)


async def test_what_cannot_even_be_opened_is_a_finding_of_the_full_check(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path).close()
    scribbled(path)
    (fault,) = await faults_of(path)
    assert "damaged" in fault


@pytest.mark.parametrize("held", [False, True], ids=["ours", "another process keeps the house"])
async def test_damage_that_a_read_meets_while_running_is_set_aside_by_the_process_that_met_it(tmp_path: Path, held: bool) -> None:
    path = tmp_path / "journal.db"
    journal = filled(path)
    epoch = journal.epoch
    house = Housekeeper(Config(journal=JournalConfig(path=path)), journal, SystemClock(), journal.run_dir, every_s=0.1)
    lock = os.open(journal.run_dir / "box.lock", os.O_RDWR | os.O_CREAT)
    if held:
        fcntl.flock(lock, fcntl.LOCK_EX)
    task = asyncio.create_task(house.run())
    scribbled(path)
    with pytest.raises(CorruptError):
        SqliteJournal.read(journal, 0)
    async with asyncio.timeout(20):
        while journal.epoch == epoch:
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    os.close(lock)
    assert b"damaged" in journal.read(0)[0].body
    assert list(tmp_path.glob("journal.db.damaged-*"))
    journal.close()


async def test_a_new_journal_is_told_how_the_box_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = filled(path)
    house = Housekeeper(Config(journal=JournalConfig(path=path)), journal, SystemClock(), journal.run_dir, every_s=0.05)
    task = asyncio.create_task(house.run())

    async def told() -> None:
        async with asyncio.timeout(20):
            while not any(b'"id":"disk"' in row.body for row in journal.read(0)):
                await asyncio.sleep(0.05)

    await told()
    journal.replace_damaged("a check said so")
    await told()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    journal.close()
