"""`callfloor check` over LED chains: an address that the driver would refuse is told before the box runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli.main import main


@pytest.mark.parametrize(
    ("lines", "fault", "mend"),
    [
        ('url = "spi:0.0?cascaded=4"', "4 modules of 8 × 8 are not 64 × 8", "mend cascaded"),
        ('url = "spi:0.0?orientation=45"', "orientation=45", "0, 90, -90, 180"),
        ('url = "spi:0.0?cascade=8"', 'no option "cascade"', "there are cascaded"),
        ('url = "spi:0"', 'LED url "spi:0"', "name the port"),
        ('url = "spi:0.0,1"', "two chip selects are two rows", "height = 16"),
        ('url = "ws2812:0.0?panel=24"', "panels of 24 columns", "mend panel"),
    ],
)
def test_an_address_is_told_with_line_key_and_mend(
    lines: str, fault: str, mend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "callfloor.toml"
    path.write_text(f'[site]\nname = "quito"\n\n[wallboard.led.entrada]\n{lines}\n')
    assert main(["check", "-c", str(path), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["faults"]
    assert (found["file"], found["line"], found["key"]) == (str(path), 5, "wallboard.led.entrada.url")
    assert fault in found["fault"]
    assert mend in found["mend"]


def test_a_sound_chain_has_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "callfloor.toml"
    path.write_text('[wallboard.led.entrada]\nurl = "spi:0.0?cascaded=8"\n')
    assert main(["check", "-c", str(path)]) == 0
    assert "no fault" in capsys.readouterr().out


def test_a_file_saved_with_a_byte_order_mark_is_checked_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "callfloor.toml"
    file.write_bytes(b'\xef\xbb\xbf[wallboard.led.entrada]\r\nurl = "spi:0.0?cascaded=3"\r\n')
    assert main(["check", "-c", str(file)]) == 1
    assert f"{file}:2: wallboard.led.entrada.url" in capsys.readouterr().out
