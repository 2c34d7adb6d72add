"""Real devices at a rig: the same tests at a modem that lies outside the rig and is rung by the bench's own program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig_bench import Bench, FailedError
from rig_here import Here

from appliance.core.endpoint import Endpoint
from appliance.core.errors import MisconfiguredError
from appliance.rig.rig import Rig
from appliance.rig.site import device_of

pytestmark = [pytest.mark.rig, pytest.mark.broker]
HERE = Path(__file__).parent
BENCH = HERE / "bench_modem.py"
LINES = str(HERE / "test_rig_lines.py")


@pytest.fixture
def bench_modem(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """The modem's device and the program that rings its line."""
    device, control, program = short_path / "ttyUSB0", short_path / "bench", short_path / "hand"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {BENCH} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("RIG_BENCH_SOCKET", str(control))
    modem = subprocess.Popen([sys.executable, str(BENCH), "modem", str(device), str(control)], stdout=subprocess.PIPE, cwd=HERE.parents[1])
    assert modem.stdout is not None
    modem.stdout.readline()
    yield device, program
    modem.terminate()
    modem.wait(10)
    modem.stdout.close()


@pytest.mark.slow
def test_a_real_modem_is_rung_by_the_benchs_program(bench_modem: tuple[Path, Path]) -> None:
    device, program = bench_modem
    bench = Bench(Here({"line3": str(device)}, str(program)))
    bench.open()
    try:
        assert bench.value("rig/devices") == [f"line3=serial://{device}?baud=115200"]
        bench.until("tv/floor", lambda floor: '"fresh":"live"' in floor)
        rings = bench.do("lines/line3/ring")
        assert rings.result == {"by": str(program)}
        bench.event(rings, "line.ringing", line="line3")
        bench.sees(rings, "tv/waiting", lambda waiting: waiting == 1)
        with pytest.raises(FailedError, match="ended with 1: this bench cannot do lines/line3/noise"):
            bench.do("lines/line3/noise")
    finally:
        bench.close()


@pytest.mark.slow
def test_the_same_test_runs_at_a_real_device(bench_modem: tuple[Path, Path], tmp_path: Path) -> None:
    """As it stands, at a device that is named on the command line; the report says which one, and how long it took."""
    device, program = bench_modem
    report, junit = tmp_path / "rig.json", tmp_path / "rig.xml"
    words = ["-m", "rig", LINES, "-k", "test_a_line_rings or answered_and_hung_up", "--device", f"line3={device}", "--hand", str(program)]
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, "--rig-report", str(report), "--junitxml", str(junit)],
        capture_output=True, text=True, timeout=280, check=False, env={**os.environ, "PYTEST_ADDOPTS": ""},
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    figures = json.loads(report.read_text())
    assert figures["devices"] == [f"line3=serial://{device}?baud=115200"]
    rings = next(test for test in figures["tests"] if test["test"] == "test_a_line_rings")
    assert (rings["outcome"], rings["wiring"]) == ("passed", "docs/rig/test_a_line_rings.md")
    assert {each["output"] for each in rings["measured"]} >= {"mqtt/last line.ringing", "tv/waiting", "led/panel/text"}
    assert all(0 <= each["latency_ms"] < 60_000 for each in rings["measured"])
    assert 'name="lines/line3/ring -&gt; tv/waiting"' in junit.read_text()


async def test_a_person_is_asked_only_where_one_sits(short_path: Path) -> None:
    """Without a program and without a terminal an action by hand fails at once, and says what to do."""
    rig = Rig(short_path, Endpoint("127.0.0.1", 1), devices={"s-101": "usb:0b0e:0412"})
    answer = await rig.actions()["headsets/s-101/lift"].call({"lease": ""})
    assert answer.state == "failed"
    assert "start it in a terminal, or with --hand PROGRAM" in (answer.reason or "")


@pytest.mark.parametrize(
    ("place", "device", "fault"),
    [("line9", "/dev/ttyUSB0", "there is no line9"), ("panel", "/dev/spidev0.0", "spi:0.0"), ("s-101", "0b0e0412", "usb:")],
)
def test_a_device_that_is_none_is_refused(place: str, device: str, fault: str) -> None:
    with pytest.raises(MisconfiguredError, match=fault):
        device_of(place, device)
