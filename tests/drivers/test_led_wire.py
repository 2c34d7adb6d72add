"""What LED chips are really sent: real luma and real spidev write to a mocked /dev/spidev0.0, and models of the chips say what is seen.

The bytes are decoded by the data sheets (`max7219_model`, `strip_model`), not by our code: turned, mirrored and cascaded modules must
show the very picture that was handed in. The GPIO 18 library of WS2812 is simulated: it is C code for a Raspberry Pi's DMA.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from max7219_model import Cascade
from spi_rig import Client, Rig, open_client, seen
from strip_model import apa102_from, picture, ws2812_from

from appliance.floor.snapshot import Alarm, Snapshot
from drivers.led_colour import COLOURS
from drivers.led_matrix import Ink
from wallboard.board_set import BoardSet
from wallboard.led.chain import rows_from
from wallboard.led.page import pages_from
from wallboard.led.scene import frame
from wallboard.sample import NOW_NS, ago, sample

pytestmark = pytest.mark.spi
GOLDEN = Path(__file__).parent.parent / "golden"


def rows_of(key: str, width: int, height: int, *, since_s: float = 0.0, colours: bool = False) -> list[str]:
    """A page of a morning with an alarm, as the renderer composes it."""
    from appliance.core.config import Config  # noqa: PLC0415

    floor: Snapshot = sample()
    floor.alarms = [Alarm(id="floor.abandon_rate", level="red", since=ago(300))]
    page = next(page for page in pages_from(BoardSet(Config()).board("floor", floor, NOW_NS)) if page.key == key)
    return rows_from(frame(page, width, height, since_s), colours=colours)


def golden_rows(name: str, at: int) -> list[str]:
    """One picture of a golden file, its half blocks as rows of 0 and 1."""
    width = int(name.rsplit("_", 1)[1].partition("x")[0])
    height = int(name.rsplit("x", 1)[1])
    lines = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    heads = [number for number, line in enumerate(lines) if " +" in line and line.endswith(" s")]
    blocks = [line.ljust(width) for line in lines[heads[at] + 1 : heads[at] + 1 + height // 2]]
    rows = []
    for line in blocks:
        rows.append("".join("1" if sign in "▀█" else "0" for sign in line))
        rows.append("".join("1" if sign in "▄█" else "0" for sign in line))
    return rows


@pytest.mark.parametrize("turn", [0, 90, -90, 180])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("width", "height"), [(32, 8), (64, 8), (256, 8), (64, 16)])
def test_the_bytes_at_the_chips_are_the_golden_picture(rig: Rig, client: Client, width: int, height: int, turn: int, reverse: bool) -> None:
    client.do("open", f"spi:0.0?orientation={turn}&reverse={int(reverse)}", width, height)
    for name in ("floor", "link_down"):
        for at in range(3):
            rows = golden_rows(f"led_{name}_es_{width}x{height}", at)
            assert any("1" in row for row in rows)
            client.do("show", rows)
            assert seen(rig, width, height, turn=turn, reverse=reverse) == rows


@pytest.mark.parametrize("wired", [{"zigzag": True}, {"zigzag": True, "reverse": True}, {"zigzag": True, "reverse": True, "turn": 90}])
def test_two_rows_wired_there_and_back(rig: Rig, client: Client, wired: dict[str, int]) -> None:
    options = f"orientation={wired.get('turn', 0)}&zigzag=1&reverse={int(wired.get('reverse', False))}"
    rows = rows_of("floor.waiting", 64, 16)
    client.do("open", f"spi:0.0?{options}", 64, 16)
    client.do("show", rows)
    assert seen(rig, 64, 16, **wired) == rows


def test_the_longest_chain_of_two_rows(rig: Rig, client: Client) -> None:
    rows = rows_of("floor.waiting", 256, 16)
    client.do("open", "spi:0.0?cascaded=64&orientation=90&speed=8000000", 256, 16)
    client.do("show", rows)
    assert seen(rig, 256, 16, turn=90) == rows
    assert {len(sent) for sent in rig.transfers()} == {128}, "one transfer for all chips, latched at once"


def test_a_chain_that_hangs_upside_down(rig: Rig, client: Client) -> None:
    rows = rows_of("floor.waiting", 64, 8)
    client.do("open", "spi:0.0?rotate=2&orientation=90", 64, 8)
    client.do("show", rows)
    assert seen(rig, 64, 8, turn=90) == [row[::-1] for row in reversed(rows)]


def test_two_rows_at_a_chip_select_each(rig: Rig, client: Client) -> None:
    rows = rows_of("floor.waiting", 256, 16)
    client.do("open", "spi:0.0,1?orientation=-90", 256, 16)
    client.do("show", rows)
    halves = []
    for node in ("spidev0.0", "spidev0.1"):
        cascade = Cascade(32)
        cascade.feed(rig.transfers(node))
        halves += cascade.picture(256, 8, turn=-90)
    assert halves == rows


def test_set_up_brightness_sleep_and_speed_as_the_chips_see_them(rig: Rig, client: Client) -> None:
    client.do("open", "spi:0.0?speed=2000000", 32, 8)
    chips = Cascade(4)
    chips.feed(rig.transfers())
    assert all((chip.awake, chip.scan_limit, chip.decode, chip.test) == (True, 7, 0, False) for chip in chips.chips)
    assert [sent.data for sent in rig.sent() if sent.what == "speed"] == [(2_000_000).to_bytes(4, "little")]
    for percent, step in ((0, 0), (40, 6), (100, 15)):
        client.do("brightness", percent)
        chips = Cascade(4)
        chips.feed(rig.transfers())
        assert {chip.intensity for chip in chips.chips} == {step}
    client.do("close")
    chips = Cascade(4)
    chips.feed(rig.transfers())
    assert all(not chip.awake and not any(chip.digits) for chip in chips.chips), "asleep and empty when closed"


def test_a_set_up_sent_anew_heals_glitched_chips_and_never_darkens_well_ones(rig: Rig, client: Client) -> None:
    rows = rows_of("floor.waiting", 64, 8)
    client.do("open", "spi:0.0?orientation=0", 64, 8)
    client.do("brightness", 40)
    client.do("show", rows)
    before = len(rig.transfers())
    client.do("again")
    client.do("show", rows)
    fresh = rig.transfers()[before:]

    well = Cascade(8)
    well.feed(rig.transfers()[:before])
    blanked = well.blanked
    for sent in fresh:
        well.transfer(sent)
        assert well.picture(64, 8) == rows, "the picture stands through every single transfer"
        assert {chip.intensity for chip in well.chips} == {6}
    assert well.blanked == blanked

    ill = Cascade(8)
    ill.feed(rig.transfers()[:before])
    chips = ill.chips
    chips[1].awake, chips[2].test, chips[3].scan_limit, chips[4].decode, chips[5].intensity = False, True, 2, 0xFF, 15
    chips[6].digits = [0xAA] * 8
    assert ill.picture(64, 8) != rows
    ill.feed(fresh)
    assert ill.picture(64, 8) == rows
    assert all((chip.awake, chip.scan_limit, chip.decode, chip.test, chip.intensity) == (True, 7, 0, False, 6) for chip in ill.chips)


@pytest.mark.parametrize("url", ["spi:0.0", "apa102:0.0", "ws2812:0.0"])
def test_a_bus_that_fails_is_unplugged_and_may_be_closed_and_opened_again(rig: Rig, client: Client, url: str) -> None:
    rows = rows_of("floor.waiting", 32, 8)
    client.do("open", url, 32, 8)
    client.do("show", rows)
    rig.tell("pull")
    for order in (("show", rows_of("floor.busy", 32, 8)), ("again",), ("brightness", 10)):
        said = client.ask(*order)
        assert said["fault"] == "UnpluggedError", said
        assert url in said["text"]
    client.do("close")
    assert client.ask("open", url, 32, 8)["fault"] == "UnpluggedError"
    rig.tell("plug")
    client.do("open", url, 32, 8)
    client.do("show", rows)
    if url == "spi:0.0":
        assert seen(rig, 32, 8, turn=-90) == rows


@pytest.mark.parametrize("url", ["spi:0.0", "apa102:0.0", "ws2812:0.0"])
def test_a_bus_that_fails_while_it_is_opened_is_unplugged(rig: Rig, client: Client, url: str) -> None:
    rig.tell(f"fail {errno.EIO}")
    said = client.ask("open", url, 32, 8)
    assert said["fault"] == "UnpluggedError"
    assert "/dev/spidev0.0 does not answer" in said["text"]
    rig.tell("heal")
    client.do("open", url, 32, 8)


def test_no_right_to_the_bus_names_the_group(rig: Rig) -> None:
    rig.tell("deny")
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may open anything, and there is no setpriv to take that right away")
        before = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    with open_client(rig, *before) as client:
        said = client.ask("open", "spi:0.0", 32, 8)
    assert said["fault"] == "UnpluggedError"
    assert "no right to /dev/spidev0.0; put this service's user in the group spi" in said["text"]


@pytest.mark.parametrize(("hidden", "url"), [("luma", "spi:0.0"), ("spidev", "spi:0.0"), ("luma", "ws2812:0.0"), ("spidev", "apa102:0.0")])
def test_a_package_that_is_missing_is_named(rig: Rig, tmp_path: Path, hidden: str, url: str) -> None:
    # Python's own way to say that there is no such module, at the start of the driver's process.
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{hidden!r}] = None\n")
    with open_client(rig, PYTHONPATH=f"{tmp_path}{os.pathsep}{rig.env()['PYTHONPATH']}") as client:
        said = client.ask("open", url, 32, 8)
    assert said["fault"] == "UnsupportedError"
    assert hidden in said["text"]
    assert "install callfloor[led]" in said["text"]


WINDINGS = [
    {"path": "rows", "start": "top-left", "zigzag": True, "panel": 32},
    {"path": "columns", "start": "top-right", "zigzag": True, "panel": 32},
    {"path": "columns", "start": "bottom-left", "zigzag": True, "panel": 8},
    {"path": "rows", "start": "bottom-right", "zigzag": False, "panel": 16},
    {"path": "rows", "start": "top-left", "zigzag": True, "panel": 8},
]


def options_of(winding: dict[str, object]) -> str:
    return "&".join(f"{key}={int(value) if isinstance(value, bool) else value}" for key, value in winding.items())


def expected(rows: list[str], percent: int) -> list[list[tuple[int, int, int]]]:
    table = {str(int(ink)): tuple(int(part * percent / 100) for part in COLOURS[ink]) for ink in Ink}
    return [[table[dot] for dot in row] for row in rows]  # type: ignore[misc]


@pytest.mark.parametrize("winding", WINDINGS, ids=options_of)
def test_ws2812_on_an_spi_bus_shine_in_the_picture_s_colours(rig: Rig, client: Client, winding: dict[str, object]) -> None:
    rows = rows_of("floor.abandon_rate", 32, 8, since_s=2.1, colours=True)
    assert {dot for row in rows for dot in row} >= {"0", "4"}, "an alarm in red"
    client.do("open", f"ws2812:0.0?{options_of(winding)}", 32, 8)
    client.do("brightness", 40)
    client.do("show", rows)
    (speed,) = [int.from_bytes(sent.data, "little") for sent in rig.sent() if sent.what == "speed"]
    strip = ws2812_from(rig.transfers()[-1], speed)
    assert picture(strip, 32, 8, **winding) == expected(rows, 40)  # type: ignore[arg-type]
    client.do("close")
    assert set(ws2812_from(rig.transfers()[-1], speed)) == {(0, 0, 0)}


def test_ws2812_too_many_for_the_kernel_s_buffer_say_what_to_write(rig: Rig, client: Client) -> None:
    said = client.ask("open", "ws2812:0.0", 64, 8)
    assert said["fault"] == "MisconfiguredError"
    assert "spidev.bufsiz=65536" in said["text"]
    rig.tell("bufsiz 65536")
    rows = rows_of("floor.waiting", 64, 8, colours=True)
    client.do("open", "ws2812:0.0?zigzag=0&ma=60000", 64, 8)
    client.do("brightness", 100)
    client.do("show", rows)
    (frame_sent,) = rig.transfers()[-1:]
    assert picture(ws2812_from(frame_sent, 2_400_000), 64, 8, path="rows", start="top-left", zigzag=False, panel=64) == expected(rows, 100)


def test_apa102_shine_in_the_picture_s_colours(rig: Rig, client: Client) -> None:
    rows = rows_of("floor.abandon_rate", 64, 8, colours=True)
    client.do("open", "apa102:0.0?path=columns&start=top-left", 64, 8)
    client.do("brightness", 50)
    client.do("show", rows)
    leds = apa102_from(rig.transfers()[-1], 512)
    assert {share for share, _ in leds} == {15}
    assert picture([rgb for _, rgb in leds], 64, 8, path="columns", start="top-left", zigzag=True, panel=64) == expected(rows, 50)


STAND_IN = '''
"""Stands in for rpi_ws281x's C module: notes what the library is asked."""
import json
WS2811_STRIP_GRB = 0x00081000
_file = open({file!r}, "w")
_leds = {{}}
def new_ws2811_t(): return object()
def ws2811_led_set(channel, number, rgb):
    assert channel is not None
    _leds[number] = rgb
def ws2811_render(leds):
    assert leds is not None
    print(json.dumps([_leds.get(at, 0) for at in range(max(_leds, default=-1) + 1)]), file=_file, flush=True)
    return 0
def ws2811_init(leds): return {init}
def ws2811_fini(leds): print(json.dumps("fini"), file=_file, flush=True)
def ws2811_channel_get(leds, number): return number
def __getattr__(name): return lambda *args: None
'''


def test_ws2812_on_gpio_18_as_the_library_is_asked(rig: Rig, tmp_path: Path) -> None:
    """Simulated: the library's C module is a stand-in, for it drives a Raspberry Pi's PWM and DMA."""
    told = tmp_path / "told.jsonl"
    (tmp_path / "_rpi_ws281x.py").write_text(STAND_IN.format(file=str(told), init=0))
    rows = rows_of("floor.abandon_rate", 32, 8, since_s=2.1, colours=True)
    with open_client(rig, PYTHONPATH=f"{tmp_path}{os.pathsep}{rig.env()['PYTHONPATH']}") as client:
        client.do("open", "ws2812:pwm?ma=60000", 32, 8)
        client.do("brightness", 100)
        client.do("show", rows)
        shown = json.loads(told.read_text().splitlines()[-1])
        client.do("close")
    strip = [(rgb >> 16, rgb >> 8 & 255, rgb & 255) for rgb in shown]
    assert picture(strip, 32, 8, path="rows", start="top-left", zigzag=True, panel=32) == expected(rows, 100)
    said = [json.loads(line) for line in told.read_text().splitlines()]
    assert said.count("fini") == 1, "its memory is freed once, though luma asks twice"
    assert said[-1] == "fini"
    assert set(said[-2]) == {0}, "dark when closed"


def test_ws2812_whose_library_refuses_is_unplugged(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "_rpi_ws281x.py").write_text(STAND_IN.format(file=str(tmp_path / "told.jsonl"), init=-5))
    with open_client(rig, PYTHONPATH=f"{tmp_path}{os.pathsep}{rig.env()['PYTHONPATH']}") as client:
        said = client.ask("open", "ws2812:pwm", 32, 8)
    assert said["fault"] == "UnpluggedError"
    assert "root" in said["text"]
