"""Which files a box takes: real bundles and packages, made and signed by the project's own tools with keys of this run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.core.errors import CallfloorError, CorruptError, DeniedError, MisconfiguredError, UnsupportedError
from appliance.update.candidate import looked_at, refuse_unfit, running_version, wanted_by
from appliance.update.package import prepared, repack
from appliance.update.place import Place
from appliance.update.state import Facts, load
from appliance.version import VERSION

ROOT = Path(__file__).parents[3]
RAUC = ROOT / "images/rauc"
SWAP = ROOT / "systemd/libexec/deb-swap"
need_rauc = pytest.mark.skipif(shutil.which("rauc") is None or shutil.which("mksquashfs") is None, reason="needs rauc and mksquashfs")
need_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg")
need_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def sign(keys: Path, *words: object) -> None:
    environ = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    command = [sys.executable, str(RAUC / "bundle.py"), "--test-keys", str(keys), *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, env=environ)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of 1.2 MB, so that the hash tree has two levels and more than one block."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "system.squashfs").write_bytes(os.urandom(1_200_000))
    (folder / "boot.vfat").write_bytes(os.urandom(10_000))
    parts = ("--system", folder / "system.squashfs", "--boot", folder / "boot.vfat", "--compatible", "callfloor-pc", "--version", "0.2.0")
    for keys in ("ours", "foreign"):
        sign(folder / keys, "image", *parts, "--into", folder / f"{keys}.raucb")
    return folder


def image_box(folder: Path, keys: Path) -> Place:
    """A root with slots, as images/rauc/lay_out makes it."""
    root = folder / "root"
    subprocess.run([str(RAUC / "lay_out"), str(root), "callfloor-pc", str(keys / "ca.pem")], check=True)
    (root / "usr/lib/os-release").write_text('ID=debian\nIMAGE_ID=callfloor\nIMAGE_VERSION="0.1.0"\n')
    return Place(root)


@need_rauc
def test_a_good_bundle_is_taken(made: Path, tmp_path: Path) -> None:
    place = image_box(tmp_path, made / "ours")
    found = looked_at(made / "ours.raucb", place)
    assert (found.kind, found.version, found.fits) == ("image", "0.2.0", "callfloor-pc")
    assert running_version(place) == "0.1.0"
    refuse_unfit(found, wanted_by(place), running_version(place), allow_downgrade=False)
    # The backend's mask: RAUC's own unit must not call good what nobody judged.
    assert (place.root / "etc/systemd/system/rauc-mark-good.service").is_symlink()


@need_rauc
@pytest.mark.parametrize("at", [0, 700_000, -3_000, -1_600, -9, -1])
def test_one_changed_byte_is_found_wherever_it_is(made: Path, tmp_path: Path, at: int) -> None:
    """In the payload, in the hash tree, in the signed manifest, in its length: before anything is written."""
    place = image_box(tmp_path, made / "ours")
    whole = bytearray((made / "ours.raucb").read_bytes())
    whole[at] ^= 1
    (tmp_path / "x.raucb").write_bytes(whole)
    with pytest.raises((CorruptError, DeniedError)):
        looked_at(tmp_path / "x.raucb", place)


@need_rauc
@pytest.mark.parametrize("left", [0, 1, 8, 4096, 1_000_000, -1])
def test_a_file_that_a_cut_left_short_is_refused(made: Path, tmp_path: Path, left: int) -> None:
    place = image_box(tmp_path, made / "ours")
    (tmp_path / "x.raucb").write_bytes((made / "ours.raucb").read_bytes()[:left])
    with pytest.raises(CallfloorError):
        looked_at(tmp_path / "x.raucb", place)


@need_rauc
def test_foreign_wrong_box_older_and_another_digest_are_refused(made: Path, tmp_path: Path) -> None:
    place = image_box(tmp_path, made / "ours")
    with pytest.raises(DeniedError, match="not signed by anybody"):
        looked_at(made / "foreign.raucb", place)
    with pytest.raises(CorruptError, match="has the SHA-256"):
        looked_at(made / "ours.raucb", place, "0" * 64)
    found = looked_at(made / "ours.raucb", place)
    with pytest.raises(UnsupportedError, match="is for callfloor-pc, and this box is callfloor-pi"):
        refuse_unfit(found, "callfloor-pi", "0.1.0", allow_downgrade=False)
    for running in ("0.2.1", "0.10.0"):
        with pytest.raises(DeniedError, match=f"older than {running}"):
            refuse_unfit(found, "callfloor-pc", running, allow_downgrade=False)
        refuse_unfit(found, "callfloor-pc", running, allow_downgrade=True)
    with pytest.raises(DeniedError, match="runs already"):
        refuse_unfit(found, "callfloor-pc", "0.2.0", allow_downgrade=False)
    refuse_unfit(found, "callfloor-pc", "0.2.0~rc1", allow_downgrade=False)
    with pytest.raises(UnsupportedError, match=r"take the \.deb"):
        looked_at(made / "ours.raucb", Place(tmp_path / "stock"))
    with pytest.raises(MisconfiguredError, match="there is no file"):
        looked_at(tmp_path / "nothing.raucb", place)


def package(folder: Path, version: str, name: str = "callfloor") -> Path:
    """A real, small package with a file and a script."""
    tree = folder / f"tree-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "opt/callfloor").mkdir(parents=True)
    (tree / "opt/callfloor/version").write_text(version)
    (tree / "opt/callfloor/link").symlink_to("version")
    (tree / "lib/systemd/system").mkdir(parents=True)
    (tree / "lib/systemd/system/callfloor.target").write_text("[Unit]\n")
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@localhost>\nDescription: floor\n box\n"
    (tree / "DEBIAN/control").write_text(control)
    (tree / "DEBIAN/postinst").write_text("#!/bin/sh\nexit 0\n")
    (tree / "DEBIAN/postinst").chmod(0o755)
    deb = folder / f"callfloor_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb)], check=True, capture_output=True)
    return deb


@need_dpkg
@need_openssl
def test_a_package_is_taken_with_its_signature_only(tmp_path: Path) -> None:
    deb, keys = package(tmp_path, "0.2.0"), tmp_path / "keys"
    place = Place(tmp_path / "root")
    with pytest.raises(UnsupportedError, match="trusts nobody's updates"):
        looked_at(deb, place)
    sign(keys, "deb", deb)
    (place.root / "etc/callfloor").mkdir(parents=True)
    shutil.copy(keys / "ca.pem", place.root / "etc/callfloor/update-keyring.pem")
    found = looked_at(deb, place)
    assert (found.kind, found.version, found.fits) == ("deb", "0.2.0", "all")
    assert running_version(place) == VERSION
    sign(tmp_path / "foreign", "deb", deb)
    with pytest.raises(DeniedError, match="nobody that"):
        looked_at(deb, place)
    sign(keys, "deb", deb)
    with deb.open("r+b") as file:
        file.seek(100)
        file.write(b"X")
    with pytest.raises(DeniedError, match="is not what"):
        looked_at(deb, place)
    deb.with_name(deb.name + ".sig").unlink()
    with pytest.raises(DeniedError, match="is missing"):
        looked_at(deb, place)


class Debian:
    """A dpkg of its own below a folder, and a `callfloor` whose judgement the test chooses."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        for name in ("info", "updates", "parts", "triggers"):
            (self.root / "var/lib/dpkg" / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        # As every Debian 12 is: /lib is a link.
        (self.root / "usr/lib").mkdir(parents=True)
        (self.root / "lib").symlink_to("usr/lib")
        self.update = folder / "update"
        self.dpkg = f"dpkg --root={self.root} --force-not-root --force-script-chrootless --force-unsafe-io --log={folder}/dpkg.log"
        self.callfloor = folder / "callfloor"
        self.judges("exit 0")

    def judges(self, how: str) -> None:
        self.callfloor.write_text(f'#!/bin/sh\necho "$@" >>{self.folder}/called\n[ "$2" != judge ] || {how}\nexit 0\n')
        self.callfloor.chmod(0o755)

    def install(self, deb: Path) -> None:
        subprocess.run([*self.dpkg.split(), "-i", str(deb)], check=True, capture_output=True)

    def swap(self) -> int:
        environ = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "CALLFLOOR_UPDATE_FOLDER": str(self.update),
            "CALLFLOOR": str(self.callfloor), "CALLFLOOR_DPKG": self.dpkg,
        }  # fmt: skip
        return subprocess.run(["/bin/sh", str(SWAP)], check=False, env=environ, capture_output=True, timeout=60).returncode

    @property
    def version(self) -> str:
        return (self.root / "opt/callfloor/version").read_text()

    @property
    def called(self) -> list[str]:
        return (self.folder / "called").read_text().splitlines()

    def ready(self, new: Path, old: Path) -> None:
        (self.update / "deb").mkdir(parents=True, exist_ok=True)
        shutil.copy(new, self.update / "deb/new.deb")
        shutil.copy(old, self.update / "deb/old.deb")


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    if shutil.which("dpkg") is None:
        pytest.skip("needs dpkg")
    return Debian(tmp_path)


def test_a_package_that_passes_stays(debian: Debian, tmp_path: Path) -> None:
    old, new = package(tmp_path, "0.1.0"), package(tmp_path, "0.2.0")
    debian.install(old)
    debian.ready(new, old)
    assert debian.swap() == 0
    assert debian.version == "0.2.0"
    assert debian.called == ["update judge", "update settle good"]
    # What runs now is what the next update goes back to; and nothing waits.
    assert (debian.update / "deb/old.deb").read_bytes() == new.read_bytes()
    assert debian.swap() == 0
    assert len(debian.called) == 2


@pytest.mark.parametrize("how", ["exit 1", "kill -9 $$", "exec /nonexistent"])
def test_a_package_that_does_not_pass_goes_back(debian: Debian, tmp_path: Path, how: str) -> None:
    old, new = package(tmp_path, "0.1.0"), package(tmp_path, "0.2.0")
    debian.install(old)
    debian.ready(new, old)
    debian.judges(how)
    assert debian.swap() == 1
    assert debian.version == "0.1.0"
    assert debian.called[-1] == "update settle rolled-back"
    assert (debian.update / "reason").read_text().strip()
    assert not (debian.update / "deb/new.deb").exists(), "it is not tried again at the next start"


def test_what_dpkg_cannot_install_goes_back(debian: Debian, tmp_path: Path) -> None:
    old = package(tmp_path, "0.1.0")
    debian.install(old)
    debian.ready(old, old)
    (debian.update / "deb/new.deb").write_bytes(b"torn")
    assert debian.swap() == 1
    assert debian.version == "0.1.0"
    assert "dpkg could not install it" in (debian.update / "reason").read_text()


def test_a_cut_while_the_package_was_changed_goes_back_at_the_next_start(debian: Debian, tmp_path: Path) -> None:
    old, new = package(tmp_path, "0.1.0"), package(tmp_path, "0.2.0")
    debian.install(old)
    debian.ready(new, old)
    debian.install(new)
    (debian.update / "deb/tried").touch()
    assert debian.swap() == 1
    assert debian.version == "0.1.0"
    assert "cut off" in (debian.update / "reason").read_text()


def test_the_package_that_runs_is_made_again_where_nobody_kept_it(debian: Debian, tmp_path: Path) -> None:
    old = package(tmp_path, "0.1.0")
    debian.install(old)
    again = tmp_path / "again.deb"
    repack("0.1.0", again, debian.root)
    debian.install(package(tmp_path, "0.2.0"))
    debian.install(again)
    assert debian.version == "0.1.0"
    assert (debian.root / "opt/callfloor/link").is_symlink()
    assert (debian.root / "usr/lib/systemd/system/callfloor.target").is_file()
    assert (debian.root / "lib").is_symlink()


def test_both_packages_are_laid_ready(debian: Debian, tmp_path: Path) -> None:
    debian.install(package(tmp_path, "0.1.0"))
    new, keys, place = package(tmp_path, "0.2.0"), tmp_path / "keys", Place(debian.root)
    sign(keys, "deb", new)
    (place.root / "etc/callfloor").mkdir(parents=True)
    shutil.copy(keys / "ca.pem", place.root / "etc/callfloor/update-keyring.pem")
    before = Facts(reach={"pbx main": True})
    prepared(looked_at(new, place), place, before, "callfloor_0.2.0_all.deb")
    state = load(place.folder)
    assert (state.phase, state.kind, state.version, state.was, state.before) == ("trying", "deb", "0.2.0", "0.1.0", before)
    assert (place.folder / "deb/new.deb").read_bytes() == new.read_bytes()
    with pytest.raises(DeniedError, match="another package"):
        prepared(looked_at(new, place), place, before, "x")
