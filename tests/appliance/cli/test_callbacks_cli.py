"""`callfloor callbacks` over the real command path, on a box without a CRM; and what becomes of a callback whose number is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.main import main
from appliance.core.catalogue import CallAbandoned, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.runner import open_journal
from appliance.service import Context
from gateway.uplink import callbacks as keeper
from gateway.uplink.service import Uplink

ANA, LUIS = "+12025550143", "+12025550144"


class Quiet:
    """A runner that listens to nothing."""

    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("x\n")
    file = tmp_path / "callfloor.toml"
    file.write_text(
        "[site]\nname = 'quito'\ntimezone = 'America/Guayaquil'\n[journal]\npath = 'journal.db'\n"
        "[pbx.central]\nhost = '127.0.0.1'\nusername = 'u'\nsecret_file = 'secret'\n"
    )
    return file


@contextlib.asynccontextmanager
async def uplink(site: Path) -> AsyncIterator[SqliteJournal]:
    """The service that keeps callbacks and carries commands out."""
    config, clock = load(site), SystemClock()
    journal = open_journal(config, clock)
    task = asyncio.create_task(Uplink().run(Context(config, journal, clock, Quiet(), "uplink")))
    try:
        yield journal
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        journal.close()


def gave_up(journal: SqliteJournal, *numbers: str) -> None:
    clock = SystemClock()
    told = [
        CallAbandoned(call=f"{at}", visit=f"{at}.1", pbx="central", queue=f"q{at}", caller=number, wait_s=40.0)
        for at, number in enumerate(numbers)
    ]
    journal.append([Event(kind_of(d), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", d) for d in told])


async def verb(*words: str) -> int:
    """The verb in a thread, as it is a process of its own."""
    return await asyncio.to_thread(main, list(words))


async def listed(site: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert await verb("callbacks", "list", "-c", str(site), "--json", *words) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 40
    while not (value := await condition()):
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.02)
    return value


async def test_listed_shown_claimed_and_closed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with uplink(site) as journal:
        gave_up(journal, ANA, LUIS, "0" + ANA[2:])
        rows = await until(lambda: _some(listed(site, capsys), 2))
        assert [(row["number"], row["times"], row["waited_s"], row["queue"], row["state"]) for row in rows] == [
            ("…43", 2, 80.0, "q2", "open"),
            ("…44", 1, 40.0, "q1", "open"),
        ]
        first, second = (row["callback"] for row in rows)
        assert [row["callback"] for row in await listed(site, capsys, "--queue", "q1")] == [second]
        assert await verb("callbacks", "claim", first, "--by", "ana", "-c", str(site)) == 0
        assert capsys.readouterr().out == f"{first}: claimed by ana\n"
        assert await verb("callbacks", "claim", first, "--by", "eva", "-c", str(site)) == 1
        assert "claimed_by_other: ana has it since" in capsys.readouterr().err
        assert [row["by"] for row in await listed(site, capsys, "--state", "claimed")] == ["ana"]
        assert await verb("callbacks", "show", first, "--numbers", "-c", str(site)) == 0
        assert ANA in capsys.readouterr().out
        assert await verb("callbacks", "close", second, "--json", "-c", str(site)) == 0
        assert json.loads(capsys.readouterr().out)["result"]["state"] == "closed"
        assert await verb("callbacks", "close", second, "-c", str(site)) == 1
        assert "already_closed: closed at" in capsys.readouterr().err
        assert await verb("callbacks", "show", second, "-c", str(site)) == 1
        assert await verb("callbacks", "-c", str(site)) == 0
        told = capsys.readouterr()
        assert "…43" in told.out
        assert ANA[-8:] not in told.out


async def _some(rows: Any, count: int) -> Any:
    found = await rows
    return found if len(found) == count else None


async def test_who_is_forgotten_is_called_no_more(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_SWEEP_S", 0.2)
    async with uplink(site) as journal:
        gave_up(journal, ANA, LUIS)
        await until(lambda: _some(listed(site, capsys), 2))
        assert await verb("privacy", "forget", LUIS, "--force", "-c", str(site)) == 0
        [left] = await until(lambda: _some(listed(site, capsys), 1))
        assert left["number"] == "…43"
        bodies = b"".join(row.body for row in journal.read(0))
        assert b'"reason":"forgotten"' in bodies
        assert LUIS[-8:].encode() not in bodies


def test_what_is_wrong_is_said(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["callbacks", "claim", "-c", str(site)]) == 2
    assert main(["callbacks", "list", "cb-x-1", "-c", str(site)]) == 2
    assert main(["callbacks", "-c", str(site)]) == 1  # no journal yet
    bare = site.with_name("bare.toml")
    bare.write_text("[journal]\npath = 'journal.db'\n")
    assert main(["callbacks", "-c", str(bare)]) == 1
    assert "keeps no callbacks" in capsys.readouterr().err
