"""The background check: a sound journal stays, a damaged one is set aside and its successor says why."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config import Config, JournalConfig
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
