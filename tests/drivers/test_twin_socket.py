"""LED chains and lamps that somebody plays at a socket: what is told arrives, a pull is a pull, a press is heard."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest
from PIL import Image

from appliance.core.errors import UnpluggedError
from drivers.gpio import Wiring, open_pins
from drivers.led_matrix import open_matrix


def listener(path: Path) -> socket.socket:
    player = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    player.bind(str(path))
    player.listen(1)
    player.settimeout(5)
    return player


def test_frames_arrive_as_inks(short_path: Path) -> None:
    with listener(short_path / "led") as player, open_matrix(f"sim:{short_path}/led", 16, 8) as matrix:
        far, _ = player.accept()
        with far:
            assert json.loads(far.recv(100)) == {"width": 16, "height": 8}
            image = Image.new("L", (16, 8))
            image.putpixel((3, 2), 4)
            matrix.show(image)
            matrix.brightness(70)
            matrix.again()
            frame = far.recv(1000)
            assert (frame[:1], len(frame)) == (b"F", 1 + 16 * 8)
            assert [at for at, ink in enumerate(frame[1:]) if ink] == [2 * 16 + 3]
            assert far.recv(10) == b"BF"
            assert far.recv(10) == b"S"


def test_a_pulled_chain_is_unplugged(short_path: Path) -> None:
    with listener(short_path / "led") as player, open_matrix(f"sim:{short_path}/led", 16, 8) as matrix:
        player.accept()[0].close()
        with pytest.raises(UnpluggedError, match="gone"):
            matrix.again()
    with pytest.raises(UnpluggedError, match="no simulated device"), open_matrix(f"sim:{short_path}/none", 16, 8):
        pass


async def test_lamps_are_switched_and_a_press_is_heard(short_path: Path) -> None:
    with listener(short_path / "gpio") as player, open_pins(f"sim:{short_path}/gpio", Wiring((17, 22), button=25)) as pins:
        far, _ = player.accept()
        with far:
            assert json.loads(far.recv(100)) == {"outputs": [17, 22], "button": 25}
            pins.write(17, True)
            pins.write(22, False)
            assert (far.recv(10), far.recv(10)) == (bytes((17, 1)), bytes((22, 0)))
            pressed = asyncio.Event()
            pins.watch(asyncio.get_running_loop(), pressed.set)
            far.send(b"press")
            async with asyncio.timeout(5):
                await pressed.wait()
