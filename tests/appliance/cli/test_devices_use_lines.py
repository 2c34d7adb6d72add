"""`callfloor devices` says which port is whose: analog lines and call records too."""

from __future__ import annotations

from appliance.cli.devices_use import uses_of
from appliance.core.config import Config
from appliance.core.line_config import LinesConfig
from appliance.core.smdr_config import SmdrConfig


def test_ports_of_lines_and_call_records() -> None:
    lines = {
        "l1": LinesConfig(url="serial:///dev/ttyUSB0?baud=115200"),
        "door": LinesConfig(url="gpio:?chip=4", ring=5),
        "rack": LinesConfig(url="udp://0.0.0.0"),
        "bad": LinesConfig(url="COM3"),
    }
    smdr = {"norte": SmdrConfig(url="serial:///dev/ttyUSB1?format=7E1"), "sur": SmdrConfig(url="listen://127.0.0.1:10300")}
    assert uses_of(Config(lines=lines, smdr=smdr)) == {
        "/dev/ttyUSB0": ("lines l1",), "/dev/gpiochip4": ("lines door",), "/dev/ttyUSB1": ("smdr norte",),
    }  # fmt: skip
