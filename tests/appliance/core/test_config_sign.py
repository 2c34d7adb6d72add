"""What the description of serial signs may not say, each fault with its key and its mend; and what it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config_file import load
from appliance.core.config_rules import findings
from appliance.core.errors import MisconfiguredError

LINE = 'url = "serial:///dev/ttyUSB0"'


def write(folder: Path, text: str) -> Path:
    path = folder / "callfloor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_several_signs_on_one_line_and_one_elsewhere(tmp_path: Path) -> None:
    text = f"""
[wallboard.sign.piso]
{LINE}
address = "01"
[wallboard.sign.ventas]
{LINE}
address = "0a"
board = "queue.ventas"
width = 30
slow = true
[wallboard.sign.entrada]
url = "tcp://192.168.1.30:10001"
"""
    config = load(write(tmp_path, text))
    assert list(config.wallboard.sign) == ["piso", "ventas", "entrada"]
    assert findings(config) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[wallboard.sign.a]\nurl = "COM1"', "is no line of a sign"),
        ("[wallboard.sign.a]\nwidth = 20", "url"),
        (f'[wallboard.sign.a]\n{LINE}\naddress = "1"', "is no address"),
        (f'[wallboard.sign.a]\n{LINE}\naddress = "0G"', "is no address"),
        (f'[wallboard.sign.a]\n{LINE}\naddress = "01"\n[wallboard.sign.b]\n{LINE}\naddress = "01"', "has the address 01 too"),
        (f'[wallboard.sign.a]\n{LINE}\n[wallboard.sign.b]\n{LINE}\naddress = "01"', "speaks to all signs"),
        (f"[wallboard.sign.a]\n{LINE}\npriority_s = 20\nrepeat_s = 30", "leaves the figures less time"),
        (f"[wallboard.sign.a]\n{LINE}\nspeed = 6", "speed"),
        (f"[wallboard.sign.a]\n{LINE}\nrows = 2", "rows"),
        (f'[wallboard.sign."Año Ñ"]\n{LINE}', "may hold only"),
    ],
)
def test_what_it_may_not_say(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MisconfiguredError, match=words):
        load(write(tmp_path, text))
