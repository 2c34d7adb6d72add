"""`callfloor ack` over the real command path, and `callfloor alarms`: the history that the journal holds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct

from appliance.cli import issue
from appliance.cli.alarms import since_from_text
from appliance.cli.main import main
from appliance.core.catalogue import AlarmAcknowledged, AlarmCleared, AlarmRaised, kind_of
from appliance.core.clock import NS, ManualClock, SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.runner import open_journal
from appliance.service import Context
from gateway.uplink.service import Uplink

ASA, SL = "queue.ventas.asa", "floor.service_level"


class Quiet:
    """A runner that listens to nothing."""

    def ready(self) -> None:
        pass

    def progress(self) -> None:
        pass

    def status(self, text: str) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "callfloor.toml"
    file.write_text(
        "[site]\nname = 'quito'\ntimezone = 'America/Guayaquil'\n[journal]\npath = 'journal.db'\n[wallboard.tv]\nlisten = '127.0.0.1:0'\n"
    )
    return file


def tell(journal: SqliteJournal, clock: ManualClock | SystemClock, *told: Struct) -> None:
    journal.append(
        [Event(kind_of(data), "wallboard/alarm", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data) for data in told]
    )


@contextlib.asynccontextmanager
async def uplink(site: Path) -> AsyncIterator[SqliteJournal]:
    """The service that carries commands out, on a box without a CRM."""
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


async def call(capsys: pytest.CaptureFixture[str], site: Path, *words: str) -> tuple[int, str, str]:
    code = await asyncio.to_thread(main, [*words, "-c", str(site)])
    told = capsys.readouterr()
    return code, told.out, told.err


async def test_ack_lists_acknowledges_one_and_all(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with uplink(site) as journal:
        tell(journal, SystemClock(), AlarmRaised(alarm=ASA, level="red"), AlarmRaised(alarm=SL, level="amber"))
        code, out, _ = await call(capsys, site, "ack")
        assert code == 0
        assert [line.split()[:2] for line in out.splitlines()] == [["red", ASA], ["amber", SL]]
        assert out.count("not seen") == 2
        code, out, _ = await call(capsys, site, "ack", ASA)
        assert (code, out) == (0, f"{ASA}: acknowledged\n")
        code, out, _ = await call(capsys, site, "ack", "--json")
        assert [alarm["acknowledged"] is not None for alarm in json.loads(out)] == [True, False]
        code, out, _ = await call(capsys, site, "ack", "queue.gone.asa", "--json")
        assert (code, json.loads(out)["state"]) == (1, "failed")
        tell(journal, SystemClock(), AlarmRaised(alarm="floor.asa", level="red"))
        code, out, _ = await call(capsys, site, "ack", "--all")
        assert (code, out) == (0, f"{SL}: acknowledged\nfloor.asa: acknowledged\n")
        assert await call(capsys, site, "ack", "--all") == (0, "nothing to acknowledge\n", "")
        tell(journal, SystemClock(), AlarmRaised(alarm=SL, level="red"))
        assert "not seen" in (await call(capsys, site, "ack"))[1], "it got worse"


async def test_ack_without_a_service_says_so_and_is_not_carried_out_later(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (await call(capsys, site, "ack"))[0] == 1, "no journal yet"
    journal = open_journal(load(site), SystemClock())
    tell(journal, SystemClock(), AlarmRaised(alarm=ASA, level="red"))
    journal.close()
    code, _, err = await call(capsys, site, "ack", ASA, "--wait", "0")
    assert code == 1
    assert "is the uplink service running?" in err
    journal = open_journal(load(site), SystemClock())
    commands = [row.body for row in journal.read(0) if row.body.startswith(b'{"k":"command.received')]
    journal.close()
    assert len(commands) == 1
    assert b'"expires"' in commands[0]
    assert (await call(capsys, site, "ack", "x" * 129))[0] == 2


def test_the_history(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock(wall_ns=int(datetime(2026, 11, 20, 14, 0, tzinfo=UTC).timestamp()) * NS)
    journal = SqliteJournal.open(site.with_name("journal.db"), run_dir=site.with_name("run"), clock=clock)
    steps: list[tuple[Struct, float]] = [
        (AlarmRaised(alarm=ASA, level="amber"), 60),
        (AlarmAcknowledged(alarm=ASA, by="crm"), 30),
        (AlarmRaised(alarm=SL, level="red"), 10),
        (AlarmRaised(alarm=ASA, level="red"), 20),
        (AlarmAcknowledged(alarm=SL), 0),
        (AlarmCleared(alarm=SL), 3600),
        (AlarmCleared(alarm="floor.asa"), 1),
        (AlarmAcknowledged(alarm="floor.asa", by="crm"), 1),
    ]
    for data, seconds in steps:
        tell(journal, clock, data)
        clock.advance(seconds)
    clock.step_wall(-7200)
    tell(journal, clock, AlarmRaised(alarm="trunk.pstn.all_busy_now", level="red"))
    clock.advance(90)
    clock.step_wall(50_000)
    tell(journal, clock, AlarmCleared(alarm="trunk.pstn.all_busy_now"))
    journal.close()

    assert main(["alarms", "-c", str(site), "--since", "2026-11-20", "--json"]) == 0
    told = {row["alarm"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert set(told) == {ASA, SL, "trunk.pstn.all_busy_now"}
    asa = told[ASA]
    assert (asa["cleared"], asa["lasted_s"], asa["level"], asa["acknowledged"]) == (None, None, "red", False)
    assert [step["level"] for step in asa["levels"]] == ["amber", "red"]
    assert asa["seen"] == [{"time": "2026-11-20T14:01:00.000Z", "by": "crm"}]
    assert (told[SL]["lasted_s"], told[SL]["acknowledged"], told[SL]["seen"][0]["by"]) == (30.0, True, None)
    assert told["trunk.pstn.all_busy_now"]["lasted_s"] == 90.0, "right though the clock was stepped"

    assert main(["alarms", "-c", str(site), "--since", "2026-11-20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"2026-11-20 09:00:00  {ASA}") and "stands  amber → red  seen 09:01:00 by crm" in line for line in lines)
    assert any(SL in line and "0:30  red  seen 09:02:00" in line for line in lines)

    assert main(["alarms", "-c", str(site), "--since", "2026-11-22"]) == 0
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == [ASA], "what stands is always told"
    assert main(["alarms", "-c", str(site), "--since", "yesterday"]) == 2
    assert "8h or 3d" in capsys.readouterr().err


def test_since() -> None:
    quito = ZoneInfo("America/Guayaquil")
    now_ns = int(datetime(2026, 11, 21, 14, 6, tzinfo=UTC).timestamp()) * NS

    def hours_ago(text: str | None) -> float:
        return (now_ns - since_from_text(text, now_ns, quito)) / NS / 3600

    assert hours_ago(None) == pytest.approx(9.1)
    assert hours_ago("8h") == 8
    assert hours_ago("3d") == 72
    assert hours_ago("30m") == 0.5
    assert hours_ago("2026-11-21T13:06:00Z") == 1
    assert hours_ago("2026-11-21 09:00") == pytest.approx(0.1)
    for text in ("9999-12-31T23:59:59-12:00", "0001-01-01", "1970-01-01T00:00+14:00"):
        with pytest.raises(ValueError, match="a year from 1971"):
            since_from_text(text, now_ns, quito)
    with pytest.raises(ValueError, match="8h or 3d"):
        since_from_text("", now_ns, quito)


def test_more_commands_than_one_append_takes(site: Path) -> None:
    """`ack --all` on a floor of hundreds of alarms."""
    clock = SystemClock()
    journal = open_journal(load(site), clock)
    commands = [issue.command_from_args("acknowledge", {"alarm": f"queue.q{at}.asa"}, clock) for at in range(600)]
    before = journal.head().seq
    assert issue.append(journal, clock, commands) == before + 500, "the ends of the first ones stand behind it"
    assert journal.head().seq == before + 600
    journal.close()


@pytest.mark.parametrize("wait", ["nan", "-1", "inf", "soon"])
def test_a_wait_that_would_never_end_is_refused(site: Path, wait: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["ack", ASA], ["send", "ping"]):
        with pytest.raises(SystemExit) as end:
            main([*words, "--wait", wait, "-c", str(site)])
        assert end.value.code == 2
        assert "0 to 86400" in capsys.readouterr().err


def test_an_extraordinary_call_stands_with_its_seat_and_the_next_one_is_another(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock(SystemClock().wall_ns() - 3600 * NS)
    journal = open_journal(load(site), clock)
    name = "call.extraordinary.ana"
    steps = (
        AlarmRaised(alarm=name, level="red", agent="ana", seat="a12", call="k1"),
        AlarmAcknowledged(alarm=name, by="crm"),
        AlarmRaised(alarm=name, level="red", agent="ana", seat="a14", call="k2"),
        AlarmCleared(alarm=name),
    )
    for data in steps:
        tell(journal, clock, data)
        clock.advance(60)
    journal.close()
    assert main(["alarms", "--since", "2d", "--json", "-c", str(site)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["call"], row["seat"], row["acknowledged"], row["lasted_s"]) for row in rows] == [
        ("k1", "a12", True, 120.0),
        ("k2", "a14", False, 60.0),
    ]
    assert main(["alarms", "--since", "2d", "-c", str(site)]) == 0
    assert "call.extraordinary.ana" in (text := capsys.readouterr().out)
    assert "at a12" in text
