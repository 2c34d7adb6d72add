"""The units as systemd itself reads them: no fault in them, and what each service may do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
SERVICES = ("gateway", "headsets", "wallboard", "uplink")

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units as they are installed, with a program that this machine has."""
    for path in SYSTEMD.iterdir():
        if path.suffix in {".target", ".d"}:
            (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    unit = (SYSTEMD / "callfloor@.service").read_text(encoding="utf-8")
    (tmp_path / "callfloor@.service").write_text(unit.replace("/usr/bin/callfloor", "/bin/true"), encoding="utf-8")
    return tmp_path


def analyze(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"}
    return subprocess.run(["systemd-analyze", *words], env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("unit", ["callfloor.target", *(f"callfloor@{service}.service" for service in SERVICES)])
def test_systemd_finds_no_fault(folder: Path, unit: str) -> None:
    said = analyze(folder, "verify", "--man=no", "--recursive-errors=no", unit)
    ours = [line for line in said.stderr.splitlines() if "callfloor" in line]
    assert (said.returncode, ours) == (0, [])


def judged(folder: Path, service: str) -> dict[str, str]:
    """What systemd holds against a service: each is something that it may do, and in what words."""
    said = analyze(folder, "security", "--offline=true", "--no-pager", "--json=short", f"callfloor@{service}.service")
    rows = json.loads(said.stdout)
    assert len(rows) > 50
    return {row["json_field"]: row["description"] for row in rows if not row["set"]}


def test_only_the_headsets_hear_netlink_and_they_have_no_other_device(folder: Path) -> None:
    usual, headsets = judged(folder, "gateway"), judged(folder, "headsets")
    assert headsets.keys() - usual.keys() == {"RestrictAddressFamilies_AF_NETLINK"}
    assert sorted(headsets["DeviceAllow"].rpartition(": ")[2].split()) == ["char-hidraw:r", "char-usb_device:rw"]


def test_boards_have_their_devices(folder: Path) -> None:
    """Whatever list of devices there is shuts out all others, lines, SPI and pins too; also a list that a setting brings along."""
    assert "no device ACL" in judged(folder, "wallboard")["DeviceAllow"]
