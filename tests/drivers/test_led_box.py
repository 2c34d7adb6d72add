"""The whole box at a mocked SPI bus: the wallboard service and `callfloor test led`, seen by the chips at the far end."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from max7219_model import Cascade
from spi_rig import ROOT, Rig, seen

from wallboard.led.chain import rows_from
from wallboard.led.trial import numbered, steps

pytestmark = pytest.mark.spi
CALLFLOOR = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", "from appliance.cli.main import main; raise SystemExit(main())"]


def site(folder: Path, url: str = "spi:0.0", more: str = "") -> Path:
    path = folder / "callfloor.toml"
    path.write_text(f'[site]\nname = "quito"\n[journal]\npath = "journal.db"\n[wallboard.led.entrada]\nurl = "{url}"\n{more}')
    return path


@contextlib.contextmanager
def box(rig: Rig, folder: Path, url: str = "spi:0.0") -> Iterator[Path]:
    """The running wallboard service; its log is a file."""
    log = folder / "log"
    with log.open("w") as out:
        command = [*CALLFLOOR, "run", "wallboard", "-c", str(site(folder, url))]
        with subprocess.Popen(command, env=rig.env(), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT) as process:
            try:
                yield log
            finally:
                process.terminate()
                process.wait(15)


def until(holds: Callable[[], bool], log: Path, patience_s: float = 20.0) -> None:
    end_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end_s, log.read_text()
        time.sleep(0.05)


def lit(rig: Rig) -> int:
    """Dots that shine but the heartbeat's corner."""
    rows = seen(rig, 64, 8, turn=-90)
    return sum(row.count("1") for row in rows[:7]) + rows[7][:63].count("1")


def test_the_service_shows_a_board_survives_the_bus_and_leaves_it_dark(rig: Rig, tmp_path: Path) -> None:
    with box(rig, tmp_path) as log:
        until(lambda: lit(rig) > 20, log)
        until(lambda: {row[-1] for row in seen(rig, 64, 8, turn=-90)[7:]} == {"1"}, log)
        rig.tell("pull")
        until(lambda: "trying again every 5 s" in log.read_text(), log)
        before = len(rig.transfers())
        rig.tell("plug")
        until(lambda: len(rig.transfers()) > before + 20 and lit(rig) > 20, log)
        until(lambda: "is back" in log.read_text(), log)
        chips = Cascade(8)
        chips.feed(rig.transfers())
        assert {chip.intensity for chip in chips.chips} == {6}, "as bright as before"
        text = log.read_text()
        assert text.count("took no") + text.count("there is no /dev") <= 2, "said once, not at each try"
        assert "Traceback" not in text
    chips = Cascade(8)
    chips.feed(rig.transfers())
    assert all(not chip.awake for chip in chips.chips), "asleep at exit"


def test_a_chain_that_the_kernel_cannot_serve_is_said_and_the_service_goes_on(rig: Rig, tmp_path: Path) -> None:
    with box(rig, tmp_path, "ws2812:0.0") as log:
        until(lambda: "write spidev.bufsiz=65536" in log.read_text(), log)
        assert "trying again every 5 s" in log.read_text()


def run(rig: Rig, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [*CALLFLOOR, "test", "led", "entrada", "-c", str(folder / "callfloor.toml"), "--seconds", "0.02", *more]
    return subprocess.run(command, env=rig.env(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def pictures(rig: Rig, turn: int = -90) -> list[list[str]]:
    """Every picture that stood on a chain of 4, in order."""
    cascade, out = Cascade(4), []
    for sent in rig.transfers():
        cascade.transfer(sent)
        if sent[0] == 8:  # the last digit line of a frame
            rows = cascade.picture(32, 8, turn=turn)
            if not out or out[-1] != rows:
                out.append(rows)
    return out


def test_a_walk_shows_every_dot_every_number_and_each_brightness(rig: Rig, tmp_path: Path) -> None:
    site(tmp_path, more="width = 32\n")
    done = run(rig, tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert [step for step in outcome["steps"] if "brightness" in step][-1] == "brightness 100 %"
    stood = pictures(rig)
    assert ["1" * 32] * 8 in stood
    for y in range(8):
        assert [("1" if row == y else "0") * 32 for row in range(8)] in stood
    for x in range(32):
        assert ["0" * x + "1" + "0" * (31 - x)] * 8 in stood
    assert rows_from(numbered(32, 8)) in stood
    levels = [sent[1] for sent in rig.transfers() if sent[0] == 0x0A]
    assert levels[-6:] == [0, 1, 3, 6, 11, 15]
    chips = Cascade(4)
    chips.feed(rig.transfers())
    assert all(not chip.awake for chip in chips.chips)


def test_every_way_of_wiring_is_tried_and_one_of_them_reads_right(rig: Rig, tmp_path: Path) -> None:
    site(tmp_path, "spi:0.0?speed=500000", more="width = 32\n")
    done = run(rig, tmp_path, "--find")
    assert done.returncode == 0, done.stderr
    urls = [line.split('"')[1] for line in done.stdout.splitlines() if line.startswith("url = ")]
    assert len(urls) == 8
    assert urls[3] == "spi:0.0?speed=500000&orientation=180&reverse=0"
    for turn in (0, 90, -90, 180):
        for reverse in (False, True):
            cascade, right = Cascade(4), 0
            for sent in rig.transfers():
                cascade.transfer(sent)
                right += sent[0] == 8 and cascade.picture(32, 8, turn=turn, reverse=reverse) == rows_from(numbered(32, 8))
            assert right == 1, "on any chain exactly one of the ways reads right"


def test_a_chain_that_nobody_described_is_named(rig: Rig, tmp_path: Path) -> None:
    path = site(tmp_path)
    command = [*CALLFLOOR, "test", "led", "pasillo", "-c", str(path)]
    done = subprocess.run(command, env=rig.env(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "[wallboard.led.pasillo]; there are entrada" in done.stderr


def test_numbers_are_told_apart_on_the_longest_chain() -> None:
    rows = rows_from(numbered(256, 16))
    modules = {
        tuple(row[8 * column : 8 * column + 8] for row in rows[8 * band : 8 * band + 8]) for band in range(2) for column in range(32)
    }
    assert len(modules) == 64
    assert [step.words for step in steps(256, 16, 1.0, colours=True) if "all of it" in step.words][-1] == "all of it in red"
