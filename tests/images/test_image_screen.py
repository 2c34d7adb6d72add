"""What the image's tests make of a picture: a dark screen is not a text console, a board is not another page, a shifted one is the same."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1] / "image"))

import screen


def black(lines: int) -> Image.Image:
    """So many lines of white text, as a console or the emulator writes them."""
    picture = Image.new("RGB", screen.SIZE)
    for number in range(lines):
        ImageDraw.Draw(picture).text(
            (8, 16 * number), "[   11.098411] callfloor: this is what a kernel says of itself", fill=(255, 255, 255)
        )
    return picture


def board(left: int = 0, tiles: int = 6) -> Image.Image:
    picture = Image.new("RGB", screen.SIZE, (16, 20, 24))
    draw = ImageDraw.Draw(picture)
    for number in range(tiles):
        x, y = left + 40 + 400 * (number % 3), 60 + 320 * (number // 3)
        draw.rectangle((x, y, x + 360, y + 280), fill=(30, 60, 90), outline=(120, 200, 240), width=4)
        draw.text((x + 20, y + 20), f"queue {number}", fill=(250, 250, 250), font_size=48)
    return picture


def test_dark_is_black_but_for_the_emulators_own_line() -> None:
    assert screen.look(black(0)).is_dark
    assert screen.look(black(1)).is_dark
    assert not screen.look(black(20)).is_dark  # a text console that is lit
    assert not screen.look(board()).is_dark
    assert not screen.look(Image.new("RGB", screen.SIZE, (255, 255, 255))).is_dark


def test_a_board_that_moved_by_pixels_is_like_itself_and_a_console_is_not() -> None:
    assert screen.likeness(board(left=4), board()) > 0.9
    assert screen.likeness(black(30), board()) < 0.3
    assert screen.changed(board(), board()) == 0
    assert screen.changed(board(left=4), board()) > 0
