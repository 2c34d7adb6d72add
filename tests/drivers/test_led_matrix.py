"""LED chains by URL: what a description means, its faults, the twin, and the parts of the drivers that need no bus."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from strip_model import ws2812_from

from appliance.core.errors import MisconfiguredError, UnpluggedError, UnsupportedError
from drivers.led_colour import COLOURS, coloured, mapping_from
from drivers.led_matrix import Ink, SimMatrix, blocks_text, open_matrix
from drivers.led_strip import strip_bytes
from drivers.led_url import checked_url, led_url_from


def test_the_twin_remembers_its_last_image() -> None:
    with open_matrix("sim:", 32, 8) as matrix:
        assert isinstance(matrix, SimMatrix)
        image = Image.new("L", (32, 8))
        image.putpixel((3, 4), Ink.RED)
        matrix.show(image)
        image.putpixel((0, 0), Ink.PLAIN)
        assert matrix.image is not None
        assert [matrix.image.getpixel(at) for at in ((3, 4), (0, 0))] == [Ink.RED, Ink.DARK]
        matrix.brightness(70)
        assert (matrix.size, matrix.frames, matrix.percent) == ((32, 8), 1, 70)
        for wrong in (Image.new("L", (8, 8)), Image.new("1", (32, 8))):
            with pytest.raises(ValueError, match="for a chain of"):
                matrix.show(wrong)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("usb:1", "use spi:0.0"), ("spi:0", "name the port"), ("spi:a.b", "name the port"), ("spi:0.0?cascade=8", 'no option "cascade"'),
        ("spi:0.0?cascaded=0", "cascaded=0"), ("spi:0.0?cascaded=65", "1 to 64"), ("spi:0.0?orientation=45", "0, 90, -90, 180"),
        ("spi:0.0?speed=9", "500000"), ("spi:0.0?rotate=", "rotate="), ("spi:0.0?rotate=1", "0, 2"), ("spi:0.0,0.1", "name the port"),
        ("spi:0.0,0", "two chip selects"), ("spi:0.0,1,2", "two chip selects"), ("ws2812:0.0,1", "one chip select"),
        ("ws2812:0.0?orientation=90", 'no option "orientation"'), ("ws2812:0.0?path=spiral", "rows, columns"),
        ("ws2812:0.0?ma=5", "100 to 60000 in steps of 50"), ("apa102:", "name the port"), ("sim:?cascaded=4", 'no option "cascaded"'),
    ],
)  # fmt: skip
def test_a_bad_description_says_its_mend(url: str, word: str) -> None:
    with pytest.raises(MisconfiguredError, match=word.replace("?", r"\?")):
        led_url_from(url)


@given(st.text(max_size=40) | st.from_regex(r"\A(spi|ws2812|apa102|sim):[0-9.,]{0,6}(\?[a-z]{1,9}=[a-z0-9-]{0,6})?\Z"))
def test_any_url_is_a_chain_or_a_fault_in_words(url: str) -> None:
    try:
        made = led_url_from(url)
    except MisconfiguredError:
        return
    assert made.text == url


@pytest.mark.parametrize(("width", "height"), [(30, 8), (64, 7), (64, 24), (264, 8), (0, 8)])
def test_a_bad_size_says_its_mend(width: int, height: int) -> None:
    with pytest.raises(MisconfiguredError, match="multiple of 8"), open_matrix("sim:", width, height):
        pass


@pytest.mark.parametrize(
    ("url", "width", "height", "word"),
    [("spi:0.0?cascaded=4", 64, 8, "4 modules"), ("spi:0.0,1", 64, 8, "two rows"), ("ws2812:0.0?panel=24", 64, 8, "panels of 24")],
)
def test_url_and_size_must_agree(url: str, width: int, height: int, word: str) -> None:
    with pytest.raises(MisconfiguredError, match=word):
        checked_url(url, width, height)


def test_the_largest_chains_are_allowed() -> None:
    assert checked_url("spi:0.0?cascaded=64", 256, 16).cascaded == 64
    assert checked_url("spi:0.0,1", 256, 16).selects == (0, 1)


@pytest.mark.spi
@pytest.mark.parametrize("url", ["spi:7.3", "apa102:7.3", "ws2812:7.3"])
def test_a_chain_that_is_not_there_is_unplugged(url: str) -> None:
    with pytest.raises(UnpluggedError, match=r"/dev/spidev7\.3; enable SPI"), open_matrix(url, 32, 8):
        pass


def test_the_library_of_gpio_18_is_named_where_it_is_missing() -> None:
    with pytest.raises(UnsupportedError, match="_rpi_ws281x is not installed; install callfloor"), open_matrix("ws2812:pwm", 32, 8):
        pass


def test_colours_never_draw_more_than_the_supply_gives() -> None:
    all_lit = Image.new("L", (32, 8), int(Ink.PLAIN))
    for percent in (100, 40, 5, 0):
        for limit_ma in (500, 2500, 60_000):
            shown = coloured(all_lit, percent, limit_ma).tobytes()
            drawn_ma = 256 * 1.0 + sum(shown) / 255 * 20.0
            assert drawn_ma <= max(limit_ma, 256.0), (percent, limit_ma)
            assert max(shown) <= 255 * percent / 100


def test_what_the_supply_can_give_is_as_bright_as_asked() -> None:
    image = Image.new("L", (32, 8))
    for x, ink in enumerate((Ink.PLAIN, Ink.AMBER, Ink.RED, Ink.LABEL)):
        image.putpixel((x, 0), int(ink))
    shown = coloured(image, 40, 2500)
    for x, ink in enumerate((Ink.PLAIN, Ink.AMBER, Ink.RED, Ink.LABEL)):
        assert shown.getpixel((x, 0)) == tuple(int(part * 0.4) for part in COLOURS[ink])
    assert shown.getpixel((9, 0)) == (0, 0, 0)


@pytest.mark.parametrize(
    "options", ["", "?zigzag=0", "?path=columns", "?path=columns&start=bottom-right&panel=8", "?start=top-right&panel=16"]
)
def test_every_pixel_has_its_own_led(options: str) -> None:
    mapping = mapping_from(checked_url(f"ws2812:0.0{options}", 32, 8), 32, 8)
    assert sorted(mapping) == list(range(256))


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=40))
def test_any_colours_pass_a_ws2812_s_wire(colours: list[tuple[int, int, int]]) -> None:
    sent = strip_bytes([red << 16 | green << 8 | blue for red, green, blue in colours])
    assert ws2812_from(sent, 2_400_000) == colours


def test_half_blocks() -> None:
    image = Image.new("L", (4, 2))
    for at in ((1, 0), (2, 1), (3, 0), (3, 1)):
        image.putpixel(at, 3)
    assert blocks_text(image) == " ▀▄█"
