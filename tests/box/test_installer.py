"""The one file that installs without a network: in a Debian without python3, cut off; spoilt, for another box, over a newer one, twice."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PROJECT, PYTHON, printed

pytestmark = pytest.mark.box

_PROGRAM = PROJECT / "images/package/installer.sh"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installer(packages: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file for the package of this tree; what comes of Debian is fetched once into build/deb."""
    into = tmp_path_factory.mktemp("installer")
    cache = PROJECT / "build/deb/apt-amd64"
    cache.mkdir(parents=True, exist_ok=True)
    (into / "apt-amd64").symlink_to(cache)
    said = printed(PYTHON, "images/package/installer.py", "--arch", "amd64", "--deb", packages("1.0"), "--into", into)
    return Path(said.splitlines()[-1])


def put(root: Path, file: Path) -> Run:
    """Copy the file to a root as from a USB stick; what runs it there, with no network at all."""
    shutil.copy(file, root / "root/callfloor.run")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["unshare", "--net", "chroot", str(root), "sh", "/root/callfloor.run", *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "es_EC.UTF-8"}
        )

    return run


def inside(root: Path, *words: str) -> str:
    return printed("chroot", root, *words, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})


def installed(root: Path) -> str:
    """All packages and their versions, as dpkg has written them down."""
    return (root / "var/lib/dpkg/status").read_text()


def stanza(root: Path, package: str) -> str:
    """What dpkg has written down of a package."""
    return next((each for each in installed(root).split("\n\n") if each.startswith(f"Package: {package}\n")), "")


def left_behind(root: Path) -> list[Path]:
    return list((root / "var/tmp").glob("callfloor-install*"))


def test_installs_without_a_network_and_once(bare_roots: Callable[[], Path], installer: Path) -> None:
    root = bare_roots()
    assert not (root / "usr/bin/python3").exists()
    run = put(root, installer)
    before = installed(root)

    looked = run("--check")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert re.search(r"^  python3 3\.11", looked.stdout, re.M)
    assert "No se cambió nada" in looked.stdout
    assert installed(root) == before

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  + callfloor (1.0)" in done.stdout
    assert "sudo callfloor provision" in done.stdout
    assert inside(root, "callfloor", "--version").startswith("callfloor ")
    inside(root, "/opt/callfloor/bin/python3", "-c", "import usb.core, spidev, cryptography, aiohttp")
    assert inside(root, "dpkg", "--audit") == ""
    assert not (root / "var/lib/apt/lists").exists() or not list((root / "var/lib/apt/lists").glob("*callfloor*"))
    assert left_behind(root) == []

    after = installed(root)
    again = run("--lang", "pt")
    assert (again.returncode, again.stdout) == (0, "callfloor: 1.0 já está instalado; nada a fazer\n")
    assert installed(root) == after


def test_goes_on_after_the_plug_was_pulled(bare_roots: Callable[[], Path], installer: Path) -> None:
    """Cut at two moments: while packages are unpacked, and while they are set up."""
    root = bare_roots()
    run = put(root, installer)
    log = root / "var/log/callfloor-install.log"
    for sign in ("Unpacking python3.11", "Setting up libpython3"):
        command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "chroot", str(root), "sh", "/root/callfloor.run"]
        cut = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        until = time.monotonic() + 120
        while not (log.exists() and sign in log.read_text()):
            assert cut.poll() is None, log.read_text()
            assert time.monotonic() < until
            time.sleep(0.02)
        cut.kill()
        cut.wait(30)
        assert not (root / "usr/bin/callfloor").exists() or "Status: install ok installed\n" not in stanza(root, "callfloor")
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert inside(root, "callfloor", "--version").startswith("callfloor ")
    assert inside(root, "dpkg", "--audit") == ""
    assert left_behind(root) == []


def test_a_full_disk_is_told_before_anything_changes(bare_roots: Callable[[], Path], installer: Path) -> None:
    root = bare_roots()
    before = installed(root)
    printed("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", root / "var/tmp")
    try:
        done = put(root, installer)("--lang", "en")
    finally:
        printed("umount", root / "var/tmp")
    assert done.returncode == 1
    assert re.search(r"/var/tmp/\S+ lacks \d+ MB of free space\. Nothing was changed", done.stderr)
    assert installed(root) == before


@pytest.mark.parametrize("place", ["program", "package", "sum", "end"])
def test_what_was_spoilt_on_the_way_changes_nothing(bare_roots: Callable[[], Path], installer: Path, tmp_path: Path, place: str) -> None:
    whole = bytearray(installer.read_bytes())
    at = {"program": whole.index(b"Nothing was changed"), "package": len(whole) // 2, "sum": len(whole) - 20, "end": 0}[place]
    if at:
        whole[at] ^= 1
    else:
        del whole[-100_000:]
    spoilt = tmp_path / "spoilt.run"
    spoilt.write_bytes(whole)
    root = bare_roots()
    before = installed(root)
    for words in ((), ("--check",)):
        done = put(root, spoilt)(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "dañado o incompleto" in done.stderr
    assert installed(root) == before
    assert left_behind(root) == []


def test_an_older_box_keeps_what_is_newer(bare_roots: Callable[[], Path], installer: Path) -> None:
    """A newer version stands; the file goes over it only when asked to; a word that it does not know is wrong usage."""
    root = bare_roots()
    run = put(root, installer)
    assert run("--now").returncode == 2
    assert run("--help").stdout.startswith("uso: ")
    assert run("--version").stdout == "callfloor 1.0 amd64\n"
    status = root / "var/lib/dpkg/status"
    status.write_text(
        status.read_text()
        + "\nPackage: callfloor\nStatus: install ok installed\nMaintainer: x <x@localhost>\nArchitecture: amd64\nVersion: 2.0\nDescription: newer\n\n"
    )
    refused = run()
    assert refused.returncode == 1
    assert "2.0: --allow-downgrade" in refused.stderr
    looked = run("--check", "--allow-downgrade")
    assert looked.returncode == 0, looked.stderr
    assert re.search(r"^  callfloor .*1\.0", looked.stdout, re.M)


def test_another_box_is_refused(bare_roots: Callable[[], Path], installer: Path) -> None:
    root = bare_roots()
    release = root / "etc/os-release"
    text = release.read_text()
    release.unlink()
    release.write_text(text.replace('VERSION_ID="12"', 'VERSION_ID="13"'))
    done = put(root, installer)("--lang", "en")
    assert done.returncode == 1
    assert done.stderr == "callfloor: this file is for Debian 12, and the system is 13\n"


def test_the_program_is_plain_sh() -> None:
    printed("dash", "-n", _PROGRAM)
    if shutil.which("shellcheck"):
        printed("shellcheck", _PROGRAM)
