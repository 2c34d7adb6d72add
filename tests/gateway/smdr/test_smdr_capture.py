"""Recording a port and folding the recording; decoding bytes, captures and pipes by the command."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from smdr_rig import line, pbx, until

from appliance.cli.main import main
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Site
from appliance.core.errors import CorruptError
from appliance.core.smdr_config import SmdrConfig
from appliance.replay import events_from_capture
from gateway.smdr.capture import record


async def test_a_recording_folds_to_the_same_calls(tmp_path: Path) -> None:
    file = tmp_path / "printed.jsonl"
    login = tmp_path / "login"
    login.write_text("SMDR\ngeheim\n")
    with file.open("wb") as out:
        async with pbx(b"-", b"Password:") as far:
            config = SmdrConfig(url=f"tcp://127.0.0.1:{far.port}", login_file=login, reconnect_max_s=0.1)
            task = asyncio.create_task(record("norte", config, SystemClock(), out.write, lambda _health: None))
            await until(lambda: len(far.peers) == 1)
            await far.write(b"".join(line(n) for n in range(20)))
            await asyncio.sleep(0)
            far.peers[-1].close()
            await until(lambda: len(far.peers) == 2)
            await far.write(b"".join(line(n) for n in range(10, 25)))
            await until(lambda: out.flush() or file.read_bytes().count(b"0990000024"))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    text = file.read_text()
    assert "geheim" not in text
    assert [json.loads(row)["event"] for row in text.splitlines() if '"event"' in row] == ["disconnected", "connected"]
    config = Config(site=Site(timezone="America/Guayaquil"))
    events = list(events_from_capture(file, config))
    assert [int(event.data.number) - 990_000_000 for event in events] == list(range(25))  # type: ignore[attr-defined]
    assert {event.source for event in events} == {"gateway/norte"}


def test_replay_and_decode_of_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "printed.jsonl"
    rows = [{"capture": 1, "kind": "smdr", "name": "norte", "started": "2024-03-01T10:00:00Z"}]
    data = "PIN 10:52 02/29 001 00:00:20 2017 0991234567\r\nPIN 10:53 03/01 002 0991234567 NO ANSWER\r\n"
    rows += [{"t": 0.5 + at / 10, "data": data[at : at + 9]} for at in range(0, len(data), 9)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["replay", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["queues"] == {}
    assert main(["decode", "smdr", str(file), "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    # The year is that of the recording, not today's.
    assert (first["start"], second["start"], second["abandoned"]) == ("2024-02-29T10:52:00", "2024-03-01T10:53:00", True)


def test_a_damaged_recording_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "printed.jsonl"
    file.write_text('{"capture": 1, "kind": "smdr", "name": "norte", "started": "2024-03-01T10:00:00Z"}\n{"t": 1, "data": "x"}\n{"t":\n')
    with pytest.raises(CorruptError, match="line 3"):
        list(events_from_capture(file, Config()))


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", 1, "no line"),
        ("nothing of this\r\nis a record\r\n", 1, "smdr learn"),
        ("  Date     Time    Ext CO        Dial Number        Ring Duration  Acc code  CD \r\n", 0, "profile panasonic: 0 records"),
        ("02/03/26 10:03AM 1200 01 5551234 00:01'05\r\nwhat is this, now\r\n", 0, "month/day"),
    ],
)
def test_what_decode_says(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, says: str) -> None:
    file = tmp_path / "printed.txt"
    file.write_bytes(text.encode())
    assert main(["decode", "smdr", str(file), "--json"]) == code
    assert says in capsys.readouterr().err


def test_a_profile_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "printed.txt"
    file.write_text("11/21/26 10:03AM 1200 01 5551234 00:01'05")
    assert main(["decode", "smdr", str(file), "--profile", "panasonic-ta", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["profile"], told["start"], told["ring_s"]) == ("panasonic-ta", "2026-11-21T10:03:00", None)
    assert set(told) >= {
        "profile", "direction", "extension", "trunk", "number", "start", "duration_s", "ring_s", "answered", "abandoned", "transferred",
    }  # fmt: skip
    assert main(["decode", "smdr", str(file), "--profile", "abc"]) == 1
    assert "there are: " in capsys.readouterr().err
