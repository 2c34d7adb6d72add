"""`callfloor route`: which rule and why, offline; `check` and `doctor` of the rules' file."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.catalogue import CallAbandoned, CallQueued, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event
from appliance.doctor.routing import judge, probe
from appliance.runner import open_journal

CALLER = "0991234567"
RULES = """
[[rule]]
name = "noche"
hours = "laboral"
open = false
queue = "buzon"
[[rule]]
name = "insiste"
gave_up_from = 2
priority = 8
[[rule]]
name = "movil"
caller = ["+5939*"]
queue = "ventas"
[schedules.laboral]
mon = ["08:00-18:00"]
holidays = ["2026-12-28"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "callfloor.toml"
    file.write_text(
        "[site]\ntimezone = 'America/Guayaquil'\n[journal]\npath = 'journal.db'\n[routing]\nlisten = '127.0.0.1:1'\nrules = 'rules.toml'\n"
    )
    (tmp_path / "rules.toml").write_text(RULES)
    return file


def told(site: Path, *data: object) -> None:
    clock = SystemClock()
    journal = open_journal(load(site), clock)
    journal.append(
        [Event(kind_of(one), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), one) for one in data]  # type: ignore[arg-type]
    )
    journal.close()


def run(capsys: pytest.CaptureFixture[str], site: Path, *words: str) -> tuple[int, str, str]:
    code = main(["route", *words, "-c", str(site)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_directory_that_cannot_be_read_is_no_missing_one(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    site.with_name("directory.db").write_bytes(b"no database at all " * 500)
    code, _, err = run(capsys, site, "test", CALLER)
    assert code == 0
    assert "directory.db is damaged" in err
    assert "there is no directory" not in err


def test_which_rule_and_why(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    code, out, err = run(capsys, site, "test", CALLER, "--at", "2026-12-21 10:00")
    assert code == 0
    assert out.splitlines() == [
        "   1  noche                    no: Mon 10:00 is within its hours",
        "   2  insiste                  no: how often he gave up is not known",
        "   3  movil                    takes it",
        "caller 0991234567 = +593991234567: segment –, gave up – times today",
        "      CALLFLOOR_RULE=movil",
        "      CALLFLOOR_QUEUE=ventas",
    ]
    assert "no journal at" in err
    assert "there is no directory" in err
    told(site, *(CallAbandoned(call="c", pbx="central", wait_s=9.0, caller=CALLER) for _ in range(2)))
    code, out, _ = run(capsys, site, "test", "+593 99 123-4567", "--at", "2026-12-21 10:00", "--json")
    document = json.loads(out)
    assert (document["rule"], document["place"], document["gave_up"]) == ("insiste", 2, 2)
    assert document["variables"] == {"CALLFLOOR_RULE": "insiste", "CALLFLOOR_PRIORITY": "8", "CALLFLOOR_GAVE_UP": "2"}
    assert document["passed"] == [{"rule": "noche", "why": "Mon 10:00 is within its hours"}]


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("2040", "--at", "2026-12-21 10:00"), None),
        (("withheld", "--at", "2026-12-21T18:00"), "noche"),
        ((CALLER, "--at", "2026-12-28 10:00"), "noche"),
        ((CALLER, "--at", "2026-12-21 10:00", "--gave-up", "3"), "insiste"),
    ],
)
def test_what_if(capsys: pytest.CaptureFixture[str], site: Path, words: tuple[str, ...], rule: str | None) -> None:
    code, out, _ = run(capsys, site, "test", *words, "--json")
    assert (code, json.loads(out)["rule"]) == (0, rule)


def test_the_list_and_what_cannot_be(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    code, out, _ = run(capsys, site, "list")
    assert code == 0
    assert out.splitlines()[2].split() == ["3", "movil", "caller", "+5939*", "→", "queue", "ventas"]
    assert [row["rule"] for row in json.loads(run(capsys, site, "list", "--json")[1])] == ["noche", "insiste", "movil"]
    assert run(capsys, site, "test", CALLER, "--at", "morgen")[0] == 2
    site.write_text("[site]\nname = 'quito'\n")
    code, _, err = run(capsys, site, "list")
    assert code == 1
    assert "has no [routing]" in err


def test_check_and_doctor_look_into_the_file(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    assert main(["check", "-c", str(site)]) == 0
    told(site, CallQueued(call="c", pbx="central", visit="v", queue="ventas", title="Ventas"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        site.write_text(site.read_text().replace("127.0.0.1:1", f"127.0.0.1:{server.getsockname()[1]}"))
        found = judge(probe(load(site)))
    assert [(row.level, row.finding, row.evidence) for row in found[1:]] == [("amber", "a rule names a queue that no PBX has", "buzon")]
    assert (found[0].level, found[0].finding) == ("ok", "it listens")
    (site.parent / "rules.toml").write_text(RULES.replace('"laboral"\n', '"labroal"\n'))
    capsys.readouterr()
    assert main(["check", "-c", str(site)]) == 1
    assert 'rules.toml:4: rule[0].hours: there are no hours "labroal"' in capsys.readouterr().out
    found = judge(probe(load(site)))
    assert [(row.level, row.finding) for row in found] == [("red", "nothing listens there"), ("red", "its rules cannot be used")]
