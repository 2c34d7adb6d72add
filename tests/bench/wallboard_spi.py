"""`board.spi_p50`, `board.spi_p99`: from an event's append to its digits in the bytes at the SPI device (mocked by umockdev)."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.bench.box import Box
from tests.bench.room import ROOT, Room, SkippedError
from tests.bench.table import Row, alone, no_more_than, percentile
from tests.bench.wallboard_floor import QUEUE, Floor, Told
from tests.bench.wallboard_paint import BOARD

_WIDTH, _HEIGHT = 64, 8
_RATE = 2
#: The transfers of one frame lie no further apart.
_ONE_FRAME_S = 0.05
_LED = f'[wallboard.led.entrada]\nurl = "spi:0.0?cascaded=8"\nwidth = {_WIDTH}\nheight = {_HEIGHT}\nboard = "bench"\n'


def spi(room: Room) -> list[Row]:
    """Changes at two a second on a chain of eight modules that shows one figure."""
    rig = _rig()
    changes = 12 if room.quick else 50
    medians, lasts = [], []
    with room.passing() as folder, rig.open_rig(folder) as bus:
        box = Box(folder / "box", crm_port=None, more=_LED)
        (folder / "box" / "boards").mkdir()
        (folder / "box" / "boards" / "bench.toml").write_text(BOARD)
        with box, Floor(box) as floor:
            box.start("wallboard", bus.env())
            box.wait_for("the board", lambda: (seen := box.floor()) and QUEUE in seen["queues"])
            box.wait_for("the chain", lambda: len(bus.transfers()) > _HEIGHT)
            time.sleep(2)
            began_s = time.monotonic()
            time.sleep(2.5)
            moving = _moving([rows for at, rows in _pictures(rig, bus) if at > began_s])
            if len(moving) > 2:
                raise RuntimeError(f"{len(moving)} dots move by themselves: the figure's changes cannot be told from theirs")
            for again in room.rounds(2, 1):
                room.say(f"round {again + 1}: {changes} changes before {_WIDTH // 8} modules")
                floor.begin(changes, _RATE)
                told = floor.told()
                time.sleep(1.5)
                waits = waits_ms(told, list(_pictures(rig, bus, moving)))
                medians.append(percentile(waits, 0.5))
                lasts.append(percentile(waits, 0.99))
    note = f"{changes} changes a run, {_RATE} a second; append returned → the transfer that completes the new digits"
    return [
        alone("board.spi_p50", "ms", medians, no_more_than(300, "ms"), note, "real luma.led_matrix and spidev, MAX7219, 64 × 8"),
        alone("board.spi_p99", "ms", lasts, no_more_than(600, "ms"), note),
    ]


def _rig() -> Any:
    """The tests' own mocked bus. Raises SkippedError where it cannot stand."""
    if shutil.which("umockdev-wrapper") is None:
        raise SkippedError("no umockdev here: make setup installs it")
    if importlib.util.find_spec("spidev") is None or importlib.util.find_spec("luma") is None:
        raise SkippedError("no spidev or luma.led_matrix here")
    sys.path.insert(0, str(ROOT / "tests" / "drivers"))
    import spi_rig  # noqa: PLC0415 - needs the path above

    if subprocess.run(
        [spi_rig.SYSTEM_PYTHON, "-c", "import gi; gi.require_version('UMockdev', '1.0')"], check=False, capture_output=True
    ).returncode:
        raise SkippedError("no gir1.2-umockdev-1.0 and python3-gi here: make setup installs them")
    return spi_rig


def _pictures(rig: Any, bus: Any, without: frozenset[int] = frozenset()) -> Iterator[tuple[float, str]]:
    """Each picture that an eye saw on the chain, as one text, from the monotonic second at which it stood there; `without`: dots left out."""
    cascade, last = rig.Cascade(_WIDTH * _HEIGHT // 64), None
    for sent in bus.sent():
        if sent.what != "transfer":
            continue
        cascade.feed([sent.data])
        picture = "".join(dot for at, dot in enumerate("".join(cascade.picture(_WIDTH, _HEIGHT))) if at not in without)
        if picture != last:
            last = picture
            yield sent.mono_ns / 1e9, picture


def _moving(pictures: list[str]) -> frozenset[int]:
    """The dots that change while the floor stands still: the heartbeat."""
    return frozenset(at for at, dots in enumerate(zip(*pictures, strict=True)) if len(set(dots)) > 1)


def waits_ms(told: list[Told], pictures: list[tuple[float, str]]) -> list[float]:
    """Each change's way to the last of the transfers of the next new picture. Raises RuntimeError when none came."""
    out = []
    for change in told:
        caused = [at for at, _ in pictures if at > change.at_s - 0.002]
        if not caused:
            raise RuntimeError(f"the chain never showed {change.waiting}")
        out.append((max(at for at in caused if at - caused[0] < _ONE_FRAME_S) - change.at_s) * 1000)
    return out
