"""What the description of an LED chain may not say: each fault with its key and its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, config_from_toml


def read(lines: str) -> Config:
    return config_from_toml(f"[wallboard.led.entrada]\n{lines}\n", Path("/nowhere/callfloor.toml"), {})


@pytest.mark.parametrize(
    "lines",
    [
        "", 'url = "spi:0.0?cascaded=64"\nwidth = 256\nheight = 16', 'url = "ws2812:pwm"', 'url = "apa102:0.0"',
        'dim = ["20:00-07:00", "12:00-13:00"]\ndim_brightness = 0\nclosed = "dark"', 'board = "planta"',
    ],
)  # fmt: skip
def test_a_sound_one(lines: str) -> None:
    assert "entrada" in read(lines).wallboard.led


@pytest.mark.parametrize(
    ("lines", "key", "fault", "mend"),
    [
        ('url = "hdmi:0"', "url", "no LED chain's address", "ws2812:0.0"),
        ('url = "spi"', "url", "no LED chain's address", "spi:0.0?cascaded=8"),
        ("width = 60", "width", "60 pixels wide", "multiple of 8 up to 256"),
        ("width = 264", "width", "264 pixels wide", "multiple of 8 up to 256"),
        ("height = 24", "height", "24 pixels high", "16 for two rows"),
        ('dim = ["20-7"]', "dim[0]", "no span", "20:00-07:00"),
        ('dim = ["08:00-09:00", "09:00-09:00"]', "dim[1]", "empty", "20:00-07:00"),
        ("brightness = 101", "brightness", "101 is not allowed", "100"),
        ("dim_brightness = -1", "dim_brightness", "-1 is not allowed", "0"),
        ('closed = "off"', "closed", "not allowed", "dark"),
        ("colour = 1", "colour", "unknown key", ""),
    ],
)
def test_each_fault(lines: str, key: str, fault: str, mend: str) -> None:
    with pytest.raises(ConfigFaultsError) as caught:
        read(lines)
    (found,) = caught.value.faults
    assert found.key == f"wallboard.led.entrada.{key}"
    assert fault in found.fault
    assert mend in found.mend
