"""What `check` finds in the description of call-record ports that only their reader knows: urls, profiles, a profile's file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli.main import main


def faults(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, int]]:
    path = folder / "callfloor.toml"
    path.write_text(text)
    assert main(["check", "-c", str(path), "--json"]) in (0, 1)
    return [(fault["key"], fault["line"]) for fault in json.loads(capsys.readouterr().out)["faults"]]


def test_what_only_the_reader_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "acme.toml").write_text('name = "acme"')
    text = """[smdr.norte]
url = "serial:///dev/ttyUSB0?baud=9601"
[smdr.sur]
url = "tcp://192.168.1.10:2300"
profile = "panasonik"
[smdr.este]
url = "listen://127.0.0.1:10300"
profile_file = "acme.toml"
"""
    assert faults(tmp_path, text, capsys) == [("smdr.norte.url", 2), ("smdr.sur.profile", 5), ("smdr.este.profile_file", 8)]


def test_what_is_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = '[smdr.norte]\nurl = "serial:///dev/ttyUSB0?baud=1200&format=7E1"\nprofile = "nec"\n'
    assert faults(tmp_path, text, capsys) == []
