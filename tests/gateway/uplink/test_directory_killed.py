"""kill -9 at every step of a directory page: the page is filed once, and its command has exactly one end, which is never `unknown`."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from appliance.core.directory import Directory
from appliance.core.journal_readonly import ReadonlyJournal

pytestmark = pytest.mark.broker
BOX = Path(__file__).with_name("directory_box.py")
ROOT = BOX.parents[3]
#: `directory_box.STEPS`: what is done with a page, before and after each.
STEPS = (
    *(f"{when} {thing}" for thing in ("kept", "received", "filed", "finished", "dropped") for when in ("before", "after")),
    "within filed",
)


def begun(folder: Path, url: str, step: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(BOX), str(folder), url, step], cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    )


def page(command: str, version: int, *cards: dict, **more: object) -> bytes:
    return msgspec.json.encode({"id": command, "time": "2026-11-21T14:00:00Z", "args": {"version": version, "upserts": cards, **more}})


def ends(folder: Path, command: str) -> list[dict]:
    journal = ReadonlyJournal(folder / "journal.db", folder / "run")
    try:
        rows = [msgspec.json.decode(row.body) for row in journal.read(0)]
    finally:
        journal.close()
    return [row["d"] for row in rows if row["k"] == "command.finished" and row["d"]["id"] == command]


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_every_step(rig, step: str) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    folder = rig.folder
    killed = begun(folder, broker.url, step)
    try:
        await rig.until(lambda: crm.named("info"))
        crm.send("callfloor/1/quito/p3/cmd/directory", page("d1", 1, {"customer": "c-1", "numbers": ["0991234567"], "name": "Ana"}))
        assert await asyncio.to_thread(killed.wait, 30) == -9
        lives = begun(folder, broker.url)
        try:
            await rig.until(lambda: [row for row in crm.named("reply/d1") if row["state"] != "accepted"])
            crm.send("callfloor/1/quito/p3/cmd/directory", page("d2", 2, deletes=["c-2"]))
            await rig.until(lambda: crm.named("reply/d2"))
            await rig.until(lambda: not list((folder / "directory.pages").glob("*")))
        finally:
            lives.kill()
            lives.wait()
    finally:
        killed.kill()
        killed.wait()
    told = {msgspec.json.encode(reply) for reply in crm.named("reply/d1") if reply["state"] != "accepted"}
    assert len(told) == 1, "one end, however often it is told"
    assert crm.named("reply/d1")[-1]["state"] == "done"
    assert crm.named("reply/d2")[0]["result"]["version"] == 2
    assert [end["state"] for end in ends(folder, "d1")] == ["done"]
    assert b"Ana" not in (folder / "journal.db").read_bytes() + (folder / "journal.db-wal").read_bytes()
    with Directory(folder / "directory.db", country="EC") as directory:
        assert directory.entries == 1
        card = directory.lookup("+593991234567")
        assert card is not None
        assert card.name == "Ana"
    with sqlite3.connect(folder / "directory.db") as db:
        assert db.execute("SELECT command FROM settled ORDER BY id").fetchall() == [("d1",), ("d2",)]
    db.close()
