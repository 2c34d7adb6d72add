"""docs/simulation.md: its commands are commands, and do what they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.config_file import ConfigFaultsError
from appliance.sim.floor_scenario_file import ScenarioFaultsError, names, scenario_from_toml, scenario_named

PAGE = (Path(__file__).parents[3] / "docs" / "simulation.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    callfloor (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_page_is_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*shlex.split(command), "--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert all(word in told for word in shlex.split(command) if word.startswith("--"))


@pytest.mark.slow
def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    for command in COMMANDS:
        words = shlex.split(command)
        if words[0] == "demo" or words[0] == "run":
            continue
        more = ["--for", "3"] if "--speed" in words else []
        done = subprocess.run(
            [sys.executable, "-m", "appliance.cli.main", *words, *more],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "truth.json").stat().st_size > 1000
    assert (tmp_path / "day.jsonl.gz").stat().st_size > 1000
    assert (tmp_path / "floor" / "truth.json").exists()


@pytest.mark.slow
def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True)
    assert re.fullmatch(r"\d{4} figures, 0 differ\n", done.stdout)


def test_a_box_runs_on_the_floor_that_the_command_simulates(short_path: Path) -> None:
    """Two processes, as the page has them."""
    floor = short_path / "floor"
    simulate = [
        sys.executable,
        "-m",
        "appliance.cli.main",
        "sim",
        "floor",
        "--scenario",
        "monday-peak",
        "--speed",
        "60",
        "--listen",
        "127.0.0.1:0",
    ]
    with subprocess.Popen([*simulate, "--dir", str(floor)], stdout=subprocess.PIPE, text=True) as outside:
        assert outside.stdout is not None
        assert "Monday peak" in outside.stdout.readline()
        main(["check", "-c", str(floor / "callfloor.toml")])
        outside.terminate()
        outside.wait(30)
    until_s = time.monotonic() + 5
    while not (floor / "truth.json").exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert '"totals"' in (floor / "truth.json").read_text()


def test_every_scenario_of_the_package_is_sound_and_says_what_it_is() -> None:
    assert {"quiet-morning", "monday-peak", "link-cut", "pbx-restart", "headset-chaos", "analog-site"} <= set(names())
    assert all(scenario_named(name).text for name in names())


FAULTY = """title = "x"
begins = "9"
[calls]
profile = { "08:00" = 12, "25:00" = 3 }
talks_s = 3
[[queues]]
name = "ventas"
extension = "six"
[[team]]
count = 2
first = 101
queues = ["ventas", "soporte"]
shift = "16:00-08:00"
[trunks]
trunk-west = 3
[[happens]]
at = "03:00"
what = "pbx-burns"
"""


def test_a_scenario_of_ones_own_is_told_all_its_faults_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(ScenarioFaultsError) as found:
        scenario_from_toml(FAULTY, tmp_path / "mine.toml")
    text = str(found.value)
    assert f"{tmp_path}/mine.toml:5: calls.talks_s: unknown key; did you mean talk_s?" in text
    assert 'mine.toml:18: happens[0].what: "pbx-burns" is not allowed' in text
    whole = FAULTY.replace("talks_s", "talk_s").replace("pbx-burns", "pbx-drop")
    with pytest.raises(ScenarioFaultsError) as found:
        scenario_from_toml(whole, tmp_path / "mine.toml")
    lines = {(fault.line, fault.key) for fault in found.value.faults}
    assert {(2, "begins"), (4, 'calls.profile."25:00"'), (8, "queues[0].extension"), (12, "team[0].queues[1]")} <= lines
    assert {(13, "team[0].shift"), (15, "trunks.trunk-west")} <= lines
    assert not isinstance(found.value, ConfigFaultsError)


def test_a_name_that_is_none_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "floor", "--scenario", "monday-peek", "--check"]) == 2
    assert "monday-peak" in capsys.readouterr().err
    assert main(["sim", "floor", "--list"]) == 0
    assert "analog-site" in capsys.readouterr().out
