"""The package: installed, upgraded, removed and purged in a bare Debian, and what it leaves behind each time."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.box

_JOURNAL = Path(__file__).parents[1] / "journals" / "format-1.db.gz"
_CONFIG = '[site]\nname = "demo"\nbox = "piso-3"\ntimezone = "Etc/UTC"\n'
_UNITS = ("callfloor.target", "callfloor@.service")


def inside(root: Path, *words: str) -> str:
    """The output of a command in a root."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["chroot", str(root), *words], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def install(root: Path, package: Path) -> None:
    shutil.copy(package, root / "tmp")
    inside(root, "dpkg", "-i", f"/tmp/{package.name}")


def of_the_product(root: Path) -> set[str]:
    """All files of ours below a root."""
    places = ("opt", "etc", "usr/bin", "usr/lib", "lib/systemd", "lib/udev", "var/lib", "var/cache", "usr/share")
    found = subprocess.run(
        ["find", *(str(root / place) for place in places if (root / place).exists()), "-name", "*callfloor*"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {line.removeprefix(str(root)) for line in found.stdout.splitlines() if "/dpkg/info/" not in line}


def test_installs_runs_and_leaves_nothing_behind(roots: Callable[[], Path], packages: Callable[[str], Path]) -> None:
    root = roots()
    before = of_the_product(root)
    install(root, packages("1.0"))
    assert inside(root, "callfloor", "--version").startswith("callfloor ")
    assert "callfloor" in inside(root, "id", "callfloor")
    for unit in _UNITS:
        assert (root / "lib/systemd/system" / unit).is_file()
    stat = (root / "etc/callfloor").stat()
    assert oct(stat.st_mode & 0o777) == "0o750"
    assert stat.st_uid == 0
    assert not (root / "etc/systemd/system/callfloor.target.wants").exists(), "nothing runs before somebody configured it"
    # Every package that it carries can be imported by the box's own Python, native parts too.
    modules = "msgspec, aiohttp, paho.mqtt.client, serial, usb, gpiozero, lgpio, asyncua, pysnmp, PIL, luma.led_matrix, cryptography, pyudev, spidev"
    inside(root, "/opt/callfloor/bin/python3", "-c", f"import {modules}")
    completing = "source /usr/share/bash-completion/completions/callfloor; COMP_WORDS=(callfloor pro); COMP_CWORD=1; _shtab_callfloor"
    assert inside(root, "bash", "-c", f"{completing}; echo ${{COMPREPLY[@]}}").strip() == "provision"
    assert "usr/share/man/man1/callfloor-provision.1.gz" in inside(root, "dpkg", "-c", f"/tmp/{packages('1.0').name}")

    inside(root, "dpkg", "-r", "callfloor")
    assert not (root / "opt/callfloor").exists()
    assert (root / "etc/callfloor").is_dir(), "removed, not purged: what was configured stays"
    inside(root, "dpkg", "-P", "callfloor")
    assert of_the_product(root) == before


def test_an_upgrade_keeps_configuration_and_journal(roots: Callable[[], Path], packages: Callable[[str], Path]) -> None:
    root = roots()
    install(root, packages("1.0"))
    (root / "etc/callfloor/callfloor.toml").write_text(_CONFIG)
    state = root / "var/lib/callfloor"
    state.mkdir(parents=True, exist_ok=True)
    with gzip.open(_JOURNAL) as packed, (state / "journal.db").open("wb") as file:
        shutil.copyfileobj(packed, file)
    inside(root, "chown", "-R", "callfloor:callfloor", "/var/lib/callfloor")

    install(root, packages("1.1"))
    assert inside(root, "dpkg-query", "-W", "-f=${Version}", "callfloor") == "1.1"
    assert (root / "etc/callfloor/callfloor.toml").read_text() == _CONFIG
    report = json.loads(inside(root, "callfloor", "report", "--day", "2026-11-22", "--json"))
    assert report["floor"]["offered"] == 79
    # And back: what a technician does who is sent the old file.
    inside(root, "dpkg", "-i", "--force-downgrade", "/tmp/" + packages("1.0").name)
    assert json.loads(inside(root, "callfloor", "report", "--day", "2026-11-22", "--json"))["floor"]["offered"] == 79
    inside(root, "dpkg", "-P", "callfloor")
    assert not state.exists()
