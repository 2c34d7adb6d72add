"""`check` says that the box's key is not that of its certificate; the box starts all the same, for its boards are not the link's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.config_file import load


def config(folder: Path, *, other_key: bool) -> Path:
    for name in ("box", "other"):
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"]
        files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run([*made, *files], check=True, capture_output=True)
    path = folder / "callfloor.toml"
    path.write_text(
        '[site]\nname = "quito"\nbox = "p3"\ntimezone = "America/Guayaquil"\n'
        f'[crm]\nurl = "mqtts://crm.example:8883"\ncert_file = "box.pem"\nkey_file = "{"other" if other_key else "box"}.key"\n'
    )
    return path


def test_the_key_of_another_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, other_key=True)
    assert main(["check", "-c", str(path)]) == 1
    said = capsys.readouterr().out
    assert "callfloor.toml:7: crm.cert_file" in said
    assert "is not the key of" in said
    assert load(path).crm is not None


def test_a_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(config(tmp_path, other_key=False))]) == 0
    assert "no fault" in capsys.readouterr().out
