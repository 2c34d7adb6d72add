"""LED chains by URL: the twin, the faults of a description, and what a MAX7219 chain is really sent, byte by byte."""

from __future__ import annotations

import pytest
from PIL import Image

from appliance.core.errors import MisconfiguredError, UnpluggedError
from drivers.led_matrix import SimMatrix, _Luma, blocks_text, chain_from_url, open_matrix

# luma.led_matrix 1.9 reads frames by a way that Pillow 13 calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")


def test_the_twin_remembers_its_last_image() -> None:
    with open_matrix("sim:", 32, 8) as matrix:
        assert isinstance(matrix, SimMatrix)
        image = Image.new("1", (32, 8))
        image.putpixel((3, 4), 1)
        matrix.show(image)
        image.putpixel((0, 0), 1)
        assert matrix.image is not None
        assert [bool(matrix.image.getpixel(at)) for at in ((3, 4), (0, 0))] == [True, False]
        matrix.brightness(70)
        assert (matrix.size, matrix.frames, matrix.percent) == ((32, 8), 1, 70)
        with pytest.raises(ValueError, match="for a chain of"):
            matrix.show(Image.new("1", (8, 8)))


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("usb:1", "use spi:0.0"), ("spi:0", "name the port"), ("spi:a.b", "name the port"), ("spi:0.0?cascade=8", 'no option "cascade"'),
        ("spi:0.0?cascaded=0", "cascaded=0"), ("spi:0.0?cascaded=33", "1 to 32"), ("spi:0.0?orientation=45", "0, 90, -90, 180"),
        ("spi:0.0?speed=9", "500000"), ("spi:0.0?rotate=", "rotate="),
    ],
)  # fmt: skip
def test_a_bad_description_says_its_mend(url: str, word: str) -> None:
    with pytest.raises(MisconfiguredError, match=word.replace("?", r"\?")):
        chain_from_url(url)


@pytest.mark.parametrize(("width", "height"), [(30, 8), (64, 7), (64, 24), (264, 8), (0, 8)])
def test_a_bad_size_says_its_mend(width: int, height: int) -> None:
    with pytest.raises(MisconfiguredError, match="multiple of 8"), open_matrix("sim:", width, height):
        pass


def test_modules_and_pixels_must_agree() -> None:
    with pytest.raises(MisconfiguredError, match="4 modules"), open_matrix("spi:0.0?cascaded=4", 64, 8):
        pass


def test_a_chain_that_is_not_there_is_unplugged() -> None:
    with pytest.raises(UnpluggedError, match=r"/dev/spidev7\.3"), open_matrix("spi:7.3", 32, 8):
        pass


class Wire:
    """The chips' end of the wire: 16-bit words as they arrive, latched into registers per chip."""

    def __init__(self, chips: int) -> None:
        self.registers: list[dict[int, int]] = [{} for _ in range(chips)]
        self.broken = False

    def command(self, *words: int) -> None:
        self.data(list(words))

    def data(self, words: list[int]) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        pairs = list(zip(words[::2], words[1::2], strict=True))
        assert len(pairs) == len(self.registers)
        # The first word is pushed on to the far end of the chain.
        for chip, (register, value) in zip(reversed(self.registers), pairs, strict=True):
            chip[register] = value

    def cleanup(self) -> None:
        pass


def luma_on(wire: Wire, width: int) -> _Luma:
    from luma.led_matrix.device import max7219  # noqa: PLC0415 - luma is a driver's dependency

    return _Luma(max7219(wire, width=width, height=8, block_orientation=0), "spi:0.0")


def test_what_the_chips_latch_is_the_picture() -> None:
    wire = Wire(4)
    chain = luma_on(wire, 32)
    image = Image.new("1", (32, 8))
    for x, y in ((0, 0), (9, 3), (31, 7)):
        image.putpixel((x, y), 1)
    chain.show(image)
    lit = {
        (chip * 8 + column, row)
        for chip in range(4)
        for column in range(8)
        for row in range(8)
        if wire.registers[chip][column + 1] >> row & 1
    }
    assert lit == {(0, 0), (9, 3), (31, 7)}


def test_the_set_up_is_sent_anew_and_brightness_has_sixteen_steps() -> None:
    wire = Wire(4)
    chain = luma_on(wire, 32)
    chain.brightness(100)
    assert wire.registers[0][0x0A] == 15
    for chip in wire.registers:
        chip.update({0x0C: 0, 0x0F: 1, 0x0B: 3, 0x09: 255, 0x0A: 2})
    chain.again()
    assert all(chip[0x0C] == 1 and chip[0x0F] == 0 and chip[0x0B] == 7 and chip[0x09] == 0 and chip[0x0A] == 15 for chip in wire.registers)


def test_a_wire_that_fails_is_unplugged() -> None:
    wire = Wire(4)
    chain = luma_on(wire, 32)
    wire.broken = True
    image = Image.new("1", (32, 8), 1)
    for attempt in (lambda: chain.show(image), chain.again, lambda: chain.brightness(10)):
        with pytest.raises(UnpluggedError, match=r"LED spi:0\.0"):
            attempt()


def test_half_blocks() -> None:
    image = Image.new("1", (4, 2))
    for at in ((1, 0), (2, 1), (3, 0), (3, 1)):
        image.putpixel(at, 1)
    assert blocks_text(image) == " ▀▄█"
