"""`callfloor commands`: the history of what the box was told, from the journal alone; `callfloor send` of a verb that dials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.main import main
from appliance.core.catalogue import CommandFinished, CommandReceived, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event
from appliance.runner import open_journal

NUMBER = "+12025550143"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "callfloor.toml"
    file.write_text("[site]\nname = 'quito'\ntimezone = 'America/Guayaquil'\n[journal]\npath = 'journal.db'\n")
    clock = SystemClock()
    journal = open_journal(load(file), clock)
    told = [
        ("uplink/crm", CommandReceived(id="c-1", verb="originate", args={"agent": "agente-101", "number": NUMBER, "card": "Ana"})),
        ("gateway/gateway", CommandFinished(id="c-1", state="failed", reason="busy: the number: busy", result={"outcome": "busy"})),
        ("headsets/a12", CommandReceived(id="h-1", verb="hangup", args={"agent": "agente-101"}, by="local")),
        ("gateway/gateway", CommandFinished(id="h-1", state="done")),
        ("gateway/gateway", CommandFinished(id="h-1", state="unknown")),
        ("uplink/crm", CommandFinished(id="", state="refused", reason="not a command")),
        ("cli/send", CommandReceived(id="l-1", verb="pause", args={"agent": "agente-102", "queues": ["ventas"]}, by="local")),
    ]
    journal.append([Event(kind_of(data), who, clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data) for who, data in told])
    journal.close()
    return file


def run(capsys: pytest.CaptureFixture[str], site: Path, *words: str) -> tuple[int, str]:
    code = main(["commands", "-c", str(site), *words])
    return code, capsys.readouterr().out


def documents(capsys: pytest.CaptureFixture[str], site: Path, *words: str) -> list[dict[str, Any]]:
    code, out = run(capsys, site, "--json", *words)
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


def test_each_command_once_with_who_when_and_how_it_ended(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = documents(capsys, site)
    assert [(row["id"], row["verb"], row["by"], row["state"]) for row in rows] == [
        ("c-1", "originate", "crm", "failed"), ("h-1", "hangup", "headsets", "done"), ("l-1", "pause", "cli", "open"),
    ]  # fmt: skip
    assert rows[0]["args"] == {"agent": "agente-101", "number": "…43"}
    assert rows[0]["result"] == {"outcome": "busy"}
    _, text = run(capsys, site)
    assert "busy: the number: busy" in text
    assert NUMBER not in text
    assert "Ana" not in text
    assert "messages that were no commands: 1, the last at " in text
    assert text.splitlines()[-1].endswith(": not a command")


def test_who_wished_to_listen_to_whom_is_there_whether_he_might_or_not(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = SystemClock()
    journal = open_journal(load(site), clock)
    args = {"supervisor": "jefa-1", "agent": "agente-101", "mode": "listen"}
    told = [
        CommandReceived(id="s-1", verb="supervise", args=args), CommandFinished(id="s-1", state="done", result={"outcome": "answered"}),
        CommandReceived(id="s-2", verb="supervise", args={**args, "supervisor": "agente-102"}),
        CommandFinished(id="s-2", state="refused", reason="not_a_supervisor: agente-102 is not in [commands] supervisors"),
    ]  # fmt: skip
    stamp = ("uplink/crm", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality())
    journal.append([Event(kind_of(data), *stamp, data) for data in told])
    journal.close()
    rows = documents(capsys, site, "--verb", "supervise")
    assert [(row["args"]["supervisor"], row["args"]["agent"], row["args"]["mode"], row["state"]) for row in rows] == [
        ("jefa-1", "agente-101", "listen", "done"), ("agente-102", "agente-101", "listen", "refused"),
    ]  # fmt: skip
    _, text = run(capsys, site, "--agent", "jefa-1")
    assert "agente-101 jefa-1 listen" in text


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (("--verb", "pause"), ["l-1"]), (("--state", "open"), ["l-1"]), (("--state", "done"), ["h-1"]),
        (("--agent", "agente-101"), ["c-1", "h-1"]), (("--id", "h-1"), ["h-1"]), (("--since", "2999-01-01"), []),
    ],
)  # fmt: skip
def test_filters(site: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], ids: list[str]) -> None:
    assert [row["id"] for row in documents(capsys, site, *words)] == ids


def test_an_id_that_is_not_there_and_a_time_that_is_none(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["commands", "-c", str(site), "--id", "nada"]) == 1
    assert "no command nada" in capsys.readouterr().err
    assert main(["commands", "-c", str(site), "--since", "gestern"]) == 2


def test_send_reads_the_arguments_of_verbs_that_dial(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["send", "originate", "agent=agente-101", "number=0991234567", "preview=true", "timeout_s=20", "--wait", "0", "-c", str(site)])
        == 1
    )
    (row,) = documents(capsys, site, "--verb", "originate", "--state", "open")[-1:]
    assert row["args"] == {"agent": "agente-101", "number": "…67", "preview": True, "timeout_s": 20.0}
    assert row["expires"] is not None
    assert main(["send", "transfer", "call=x", "too=1", "-c", str(site)]) == 2


def test_what_nobody_can_read_hides_nothing_else(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row that does not fit its kind, and a command of a CRM that sends lists where names belong."""
    clock = SystemClock()
    odd: Any = {"no": "text"}
    journal = open_journal(load(site), clock)
    told = [
        CommandReceived(id="c-9", verb="originate", args={"agent": ["agente-101"], "supervisor": {"is": "eva"}, "number": 5}),
        CommandReceived(id=odd, verb="pause", args={}),
        CommandFinished(id=odd, state="done"),
        CommandReceived(id="c-10", verb="classify", args={"call": "c1", "type": "perfect", "question": "deudas"}),
        CommandFinished(id="c-9", state="refused", reason="unusable_args: agent: not a text"),
    ]
    journal.append([Event(kind_of(data), "x/y", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data) for data in told])
    journal.close()
    assert [row["id"] for row in documents(capsys, site)][-3:] == ["l-1", "c-9", "c-10"]
    assert "c-9" in run(capsys, site)[1]
    assert "deudas" not in run(capsys, site, "--json")[1]
    assert [row["id"] for row in documents(capsys, site, "--agent", "agente-101")] == ["c-1", "h-1"]
