"""The disk as it is made for real, from the real tar: clean of its builder, the same bytes twice, every part where the table says. As root.

timeout 1200 .venv/bin/pytest -m image tests/image/test_disk.py          CALLFLOOR_DEB names a package, else one is built
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "images"))

import hygiene  # noqa: E402
import layout  # noqa: E402
import recipe  # noqa: E402
import rootfs  # noqa: E402
import system  # noqa: E402

import build  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.image]


def _tar(machine: recipe.Machine) -> Path:
    return rootfs.make(
        machine.packages(kiosk=False), machine.architecture, PROJECT / "build/box", machine.boot_packages, machine.path_excludes()
    )


@pytest.fixture(scope="module")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built once."""
    folder = tmp_path_factory.mktemp("deb")
    if told := os.environ.get("CALLFLOOR_DEB"):
        return Path(shutil.copy(told, folder))  # lest another one is built there meanwhile
    words = ["/usr/bin/python3", "images/package/build.py", "--into", str(folder)]
    return Path(subprocess.run(words, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split()[-1])


def test_the_bare_tar_is_as_dirty_as_feared_and_the_system_is_clean(deb: Path, tmp_path: Path) -> None:
    tar = _tar(recipe.AMD64)
    before = {stain.path for stain in hygiene.stains(hygiene.in_tar(tar))}
    assert any(path.startswith("etc/ssh/ssh_host_") for path in before)  # else the look itself is broken
    assert "etc/apt/sources.list" in before
    root = tmp_path / "root"
    system.unpack(tar, root)
    system.install(root, deb)
    keyring = tmp_path / "ca.pem"
    keyring.write_text("an authority\n")
    system.finish(root, PROJECT / "images/overlay", "1", (str(PROJECT / "images/rauc/lay_out"), str(root), "callfloor-pc", str(keyring)))
    assert list(hygiene.stains(hygiene.in_folder(root), (str(PROJECT), os.uname().nodename))) == []
    assert (root / "etc/machine-id").read_bytes() == b""


def test_another_day_s_tar_of_the_same_packages_is_the_same_system(deb: Path, tmp_path: Path) -> None:
    """mmdebstrap once more, elsewhere and later: what of the finished systems differs, file by file; times are the file system's own (`-all-time`)."""
    machine = recipe.AMD64
    first = _tar(machine)
    again = rootfs.make(machine.packages(kiosk=False), "amd64", tmp_path / "tar", machine.boot_packages, machine.path_excludes())
    assert first != again
    keyring = tmp_path / "ca.pem"
    keyring.write_text("an authority\n")
    seen: list[tuple[frozenset[str], dict[str, object]]] = []
    for tar in (first, again):
        root = tmp_path / "root"
        system.unpack(tar, root)
        packages = _packages(root)
        if seen and packages != seen[0][0]:
            pytest.skip(f"Debian published others meanwhile: {sorted(packages ^ seen[0][0])}; remove build/box and run again")
        system.install(root, deb, 1_790_000_000)
        (root / rootfs.BOOT).rename(tmp_path / f"boot-{len(seen)}")
        system.finish(
            root, PROJECT / "images/overlay", "1", (str(PROJECT / "images/rauc/lay_out"), str(root), "callfloor-pc", str(keyring))
        )
        seen.append((packages, _content(root)))
    one, other = (content for _, content in seen)
    assert {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)} == set()


def _packages(root: Path) -> frozenset[str]:
    """Name and version of each."""
    text = (root / "var/lib/dpkg/status").read_text()
    return frozenset(re.findall(r"^Package: (\S+)$(?:\n(?!Version|\n).*)*\nVersion: (\S+)$", text, re.MULTILINE))


def _content(root: Path) -> dict[str, object]:
    """Every file's kind, rights, owner and what it holds."""
    told: dict[str, object] = {}
    for path in root.rglob("*"):
        stat = path.lstat()
        held = str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        told[str(path.relative_to(root))] = (stat.st_mode, stat.st_uid, stat.st_gid, held)
    return told


def test_the_same_input_is_the_same_disk_partition_by_partition(deb: Path, tmp_path: Path) -> None:
    """Two builds in two places, one of them a week later by the clock that files get."""
    told = []
    keyring = tmp_path / "ca.pem"
    keyring.write_text("an authority\n")
    for name in ("one", "two"):
        into = tmp_path / name
        into.mkdir()
        system.unpack(_tar(recipe.AMD64), into / "root")
        disk = build.build(recipe.AMD64, into / "root", deb, keyring, into, "1.0", 1_790_000_000, lambda _: None)
        told.append(build.digests(disk, "amd64"))
        subprocess.run(["rm", "-r", str(into)], check=True)
    assert {name: digest for name, digest in told[0].items() if told[1][name] != digest} == {}
    assert set(told[0]) == {"callfloor-1.0-amd64.img", *(part.name for part in layout.partitions("amd64"))}
