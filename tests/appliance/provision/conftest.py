"""A box to spoil: a root folder with what the package lays there, as its own user's or root's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SHEET = """\
# The site sheet of Quito's third floor.
site_sheet = 1

[site]
name = "quito"
box = "piso-3"
timezone = "America/Guayaquil"
language = "es"

[time]
ntp = ["192.168.1.1"]

[ssh]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBJ1c2VsZXNzIGtleSBvZiBhIHRlc3Qh ana@oficina"]

[pbx.central]
host = "192.168.1.10"
secret = "s3cr3t of the manager"

[crm]
url = "mqtts://crm.example.com:8883"

[queues.ventas]
title = "Ventas"

[wallboard.tv]
listen = "127.0.0.1:8080"

[callfloor.kpi]
target_s = 20
"""


@pytest.fixture
def make_root(tmp_path: Path) -> Callable[[str], Path]:
    """A new box with the package on it and nothing else done."""

    def made(name: str = "root") -> Path:
        root = tmp_path / name
        for folder in ("etc/callfloor/credentials", "usr/bin", "usr/share/zoneinfo/America", "root", "var/lib/callfloor", "run/callfloor"):
            (root / folder).mkdir(parents=True)
        subprocess.run([ROOT / "images/package/lay_out", ROOT / "systemd", root], check=True)
        (root / "usr/share/zoneinfo/America/Guayaquil").write_bytes(b"TZif")
        (root / "usr/bin/callfloor").symlink_to("/opt/callfloor/bin/callfloor")
        (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\ncallfloor:x:871:871::/var/lib/callfloor:/usr/sbin/nologin\n")
        (root / "etc/group").write_text("root:x:0:\ncallfloor:x:871:\n")
        return root

    return made


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    """A site sheet with a secret in it."""
    path = tmp_path / "site.toml"
    path.write_text(SHEET)
    return path


def tree(folder: Path) -> dict[str, tuple[str, int, int, bytes]]:
    """Everything below a folder but the ways back: kind, rights, owner, content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(("var/lib/callfloor/provision", "var/lib/callfloor/config")):
            continue
        status = path.lstat()
        if path.is_symlink():
            found[name] = ("link", 0, 0, str(path.readlink()).encode())
        elif path.is_dir():
            found[name] = ("folder", status.st_mode, status.st_uid, b"")
        else:
            found[name] = ("file", status.st_mode, status.st_uid, path.read_bytes())
    return found
