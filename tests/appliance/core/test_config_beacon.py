"""What the description of a stack light may not say: each fault with its line, its key and its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.config_beacon import minutes_of_span, pin_number
from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.registry import enabled


def read(text: str) -> Config:
    return config_from_toml(text, Path("/nowhere/callfloor.toml"), {})


def faults(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(ConfigFaultsError) as caught:
        read(text)
    return [(fault.key, fault.fault, fault.mend) for fault in caught.value.faults]


def test_a_sound_one_enables_the_boards_service() -> None:
    config = read('[wallboard.beacon.torre]\ngreen = 17\nred = "gpio:22"\nquiet = ["22:00-07:00"]\n')
    beacon = config.wallboard.beacon["torre"]
    assert (pin_number(beacon.green), pin_number(beacon.red), pin_number(beacon.blue)) == (17, 22, None)
    assert enabled(config) == ("wallboard", "uplink")


@pytest.mark.parametrize(
    ("lines", "key", "fault", "mend"),
    [
        ("red = 28", "red", "28 is not allowed", "a whole number from 0 to 27"),
        ('red = "17"\ngreen = 17', "green|red", "GPIO 17 is taken already: torre,", "another pin"),
        ('red = "gpio:28"', "red", '"gpio:28" is no pin', 'red = "gpio:17"'),
        ('red = "gpio:²"', "red", "is no pin", "Broadcom"),
        ("red = 1", "red", "identity chip", "2 to 27"),
        ("red = true", "red", "true is not allowed", "whole number"),
        ("button = 17", "", "neither a lamp nor a buzzer", "green = 17"),
        ('red = 22\nnormally_closed = ["blue"]', "normally_closed[0]", "there is no blue lamp", "blue = 23"),
        ('red = 22\nnormally_closed = ["buzzer"]', "normally_closed[0]", "not allowed", "green"),
        ('red = 22\nqueue = "a"\ngroup = "b"', "group", "a queue and at a group", "one of the two"),
        ('red = 22\ngroup = "b"', "group", 'no group "b"', "[groups.NAME]"),
        ('red = 22\nquiet = ["22-7"]', "quiet[0]", "no span", "22:00-07:00"),
        ('red = 22\nquiet = ["07:00-07:00"]', "quiet[0]", "empty", "22:00-07:00"),
        ('red = 22\nurl = "gpiochip0"', "url", "no place of pins", '"gpio:"'),
        ("red = 22\nbounce_s = 1", "bounce_s", "1 is not allowed", "0.3"),
        ("red = 22\nwaiting_from = 0", "waiting_from", "0 is not allowed", "from 1 to 1000"),
        ("rot = 22\nred = 22", "rot", "unknown key", "red"),
    ],
)
def test_each_fault(lines: str, key: str, fault: str, mend: str) -> None:
    found = [each for each in faults(f"[wallboard.beacon.torre]\n{lines}\n") if fault in each[1]]
    assert len(found) == 1
    assert found[0][0] in [f"wallboard.beacon.torre.{name}".rstrip(".") for name in key.split("|")]
    assert mend in found[0][2]


def test_two_lights_share_no_pin_and_none_with_an_led_chain() -> None:
    both = "[wallboard.beacon.a]\ngreen = 17\n[wallboard.beacon.b]\ngreen = 17\n"
    assert [fault[1] for fault in faults(both)] == ["GPIO 17 is taken already: a, green"]
    chain = '[wallboard.led.pasillo]\nurl = "{}"\nwidth = 64\n[wallboard.beacon.a]\ngreen = {}\n'
    for url, taken in (
        ("spi:0.0?cascaded=8", (8, 9, 10, 11)),
        ("spi:0.0,1", (7, 8, 10)),
        ("apa102:0.1", (7, 11)),
        ("ws2812:pwm", (18,)),
        ("spi:1.2", (16, 19, 20, 21)),
    ):
        for pin in taken:
            assert any("LED chain pasillo" in fault[1] for fault in faults(chain.format(url, pin))), (url, pin)
    read(chain.format("spi:0.0?cascaded=8", 7))
    read(chain.format("spi:1.0?cascaded=8", 8))
    read(both.replace("green = 17", 'green = 17\nurl = "sim:"'))


def test_a_sign_on_the_header_has_its_two_pins() -> None:
    both = '[wallboard.sign.entrada]\nurl = "serial://{}?baud=9600"\n[wallboard.beacon.a]\ngreen = 14\n'
    assert any("the sign entrada" in fault[1] for fault in faults(both.format("/dev/serial0")))
    read(both.format("/dev/ttyUSB0"))


def test_a_name_is_a_slug() -> None:
    assert faults('[wallboard.beacon."Torre Norte"]\nred = 22\n')[0][2] == "write [wallboard.beacon.torre-norte]"


@pytest.mark.parametrize(
    "text", ["", "-", "7-8", "07:00", "25:00-07:00", "07:60-08:00", "24:00-07:00", "0７:00-08:00", "07:00-08:00-09:00"]
)
def test_what_is_no_span_of_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no span|is empty"):
        minutes_of_span(text)
