"""`callfloor decode alpha`: hex on the command line, files of bytes or of hex, standard input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from appliance.cli.main import main

HEX = "00 00 00 00 00 01 5A 30 31 02 47 61 30 35 3A 31 32 04"


class Input:
    """A standard input that holds these bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize("given", ["hex", "hex file", "bytes file", "hex input", "bytes input"])
def test_however_it_is_given(given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = HEX.encode() + b"\n" if given.startswith("hex") else bytes.fromhex(HEX)
    name = HEX
    if given.endswith("file"):
        name = str(tmp_path / "frames")
        Path(name).write_bytes(data)
    elif given.endswith("input"):
        name = "-"
        monkeypatch.setattr(sys, "stdin", Input(data))
    assert main(["decode", "alpha", name, "--json"]) == 0
    (record,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (record["type"], record["address"]) == ("Z", "01")
    assert record["packets"] == [{"command": "G", "label": "a", "text": "05:12", "means": "write STRING"}]


def test_what_is_neither_hex_nor_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "alpha", "no-such-file"]) == 1
    assert "no-such-file" in capsys.readouterr().err


def test_noise_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "alpha", "ff fe 15 50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["noise"] == "FF FE 15 50"
