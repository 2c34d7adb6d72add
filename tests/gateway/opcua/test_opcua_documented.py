"""docs/opcua.md is true: its commands are run, its client connects, at a real box."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from opcua_box import Box

from appliance.cli.main import main

#: One worker has the box that all of these share: a server takes seconds to start.
pytestmark = pytest.mark.xdist_group("opcua")

PAGE = Path(__file__).parents[3] / "docs" / "opcua.md"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    assert found is not None
    return found[1]


def test_the_commands_and_the_client(box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callfloor = Path(sys.executable).with_name("callfloor")
    script = (
        block("sh")
        .replace("callfloor opcua", f"{callfloor} opcua")
        .replace(f"{callfloor} opcua password", f"echo a good password | {callfloor} opcua password")
    )
    script = re.sub(r"(opcua (?:trust|clients)[^\n]*)", rf"\1 -c {box.file}", script)
    ran = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "trusted: CN=bench" in ran.stdout
    assert "a good password" not in (tmp_path / "ana.password").read_text()
    kept = (box.folder / "ana.pw").read_text()
    (box.folder / "ana.pw").write_text((tmp_path / "ana.password").read_text())
    try:
        client = block("python").replace("opc.tcp://127.0.0.1:4840", box.url)
        client = client.replace('Client("', 'Client(timeout=30, watchdog_intervall=20, url="')
        said = subprocess.run([sys.executable, "-c", client], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
        assert said.returncode == 0, said.stderr
        assert "'done'" in said.stdout
        # Whoever was turned away stands in the list until he is trusted.
        assert main(["opcua", "clients", "--json", "-c", str(box.file)]) == 0
        assert "CN=bench" in capsys.readouterr().out
    finally:
        (box.folder / "ana.pw").write_text(kept)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["password"], "whose"),
        (["trust"], "which"),
        (["trust", "/nowhere.pem"], "neither a certificate's file nor"),
        (["trust", "0123456789abcdef"], "neither a certificate's file nor"),
    ],
)
def test_what_the_verb_refuses(box: Box, words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["opcua", *words, "-c", str(box.file)]) == 1
    assert says in capsys.readouterr().err


def test_a_password_that_is_too_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:

    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert main(["opcua", "password", "ana", "-o", str(tmp_path / "pw")]) == 1
    assert not (tmp_path / "pw").exists()
    assert "8 to 1024" in capsys.readouterr().err
