"""`callfloor update FILE.deb` on a Debian that runs: kept where the floor works with it, undone where not, also after a pulled plug.

The journal is one of an older format from the first start on, and is the same through all of it.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import PROJECT
from nspawn_box import Box, install, overlay

pytestmark = [pytest.mark.box, pytest.mark.slow]

_JOURNAL = PROJECT / "tests/journals/format-1.db.gz"
CONFIG = """
[site]
name = "demo"
box = "piso-3"
[pbx.central]
host = "127.0.0.1"
secret_file = "credentials/pbx.secret"
[wallboard.tv]
listen = "127.0.0.1:8080"
"""
PBX = """
[Unit]
Description=A PBX in the same machine
[Service]
ExecStart=/usr/bin/callfloor sim pbx --scenario load --speed 20 --secret-file /etc/callfloor/credentials/pbx.secret
[Install]
WantedBy=multi-user.target
"""
#: A shorter time for a verdict than a site gives; a busy machine still starts its services in it.
_LIMIT = "[Service]\nEnvironment=CALLFLOOR_HEALTH_LIMIT_S=40\n"


def altered(deb: Path, version: str, into: Path, spoil: Callable[[Path], None]) -> Path:
    """The same package as another version, its program spoilt."""
    tree = into / version
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
    spoil(next((tree / "opt/callfloor/lib").glob("python3*/site-packages")))
    made = into / f"callfloor_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "-b", tree, made], check=True, capture_output=True)
    shutil.rmtree(tree)
    return made


def deaf(packages: Path) -> None:
    """A version whose gateway ends at its start."""
    module = packages / "gateway/pbx/service.py"
    module.write_text('raise SystemExit("this version is broken")\n')
    for compiled in (module.parent / "__pycache__").glob("service.*"):
        compiled.unlink()


@pytest.fixture(scope="module")
def box(rootfs: Path, packages: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box that runs 1.0 on a journal of the first format, and signed packages of 1.1 and of 1.2, which is broken."""
    folder = tmp_path_factory.mktemp("box")
    deb = packages("1.0")
    with overlay(rootfs, folder) as root:
        box = Box(root, folder / "console")
        install(root, deb)
        (root / "etc/fstab").write_text("", encoding="ascii")
        for made in (altered(deb, "1.1", root / "root", lambda _: None), altered(deb, "1.2", root / "root", deaf)):
            words = [sys.executable, PROJECT / "images/rauc/bundle.py", "--test-keys", folder / "keys", "deb", made]
            environ = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
            subprocess.run(list(map(str, words)), check=True, capture_output=True, env=environ)
        shutil.copy(folder / "keys/ca.pem", root / "etc/callfloor/update-keyring.pem")
        (root / "etc/callfloor/callfloor.toml").write_text(CONFIG)
        (root / "etc/callfloor/credentials").mkdir(mode=0o700, exist_ok=True)
        (root / "etc/callfloor/credentials/pbx.secret").write_text("carrier pigeon")
        (root / "etc/systemd/system/pbx.service").write_text(PBX)
        drop_in = root / "etc/systemd/system/callfloor-update-deb.service.d"
        drop_in.mkdir()
        (drop_in / "limit.conf").write_text(_LIMIT)
        state = root / "var/lib/callfloor"
        state.mkdir(exist_ok=True)
        with gzip.open(_JOURNAL) as packed, (state / "journal.db").open("wb") as file:
            shutil.copyfileobj(packed, file)
        subprocess.run(["chroot", root, "chown", "-R", "callfloor:callfloor", "/var/lib/callfloor"], check=True)
        wanted = ("pbx.service", "callfloor.target", "callfloor@gateway", "callfloor@wallboard", "callfloor@uplink")
        subprocess.run(["systemctl", f"--root={root}", "enable", *wanted], check=True, capture_output=True)
        try:
            box.boot()
            box.until(lambda: box.do("callfloor", "doctor", "pbx", "services", check=False).endswith("nothing wrong"), "the floor")
            yield box
        finally:
            box.pull_the_plug()
            print(f"\n{json.dumps(box.timings)}")


def version(box: Box) -> str:
    return box.do("dpkg-query", "-W", "-f=${Version} ${db:Status-Status}", "callfloor")


def journal(box: Box) -> tuple[str, int]:
    """Its epoch, and the last event's number."""
    stats = json.loads(box.do("callfloor", "journal", "stats", "--json"))
    return stats["epoch"], stats["last_seq"]


def settled(box: Box) -> dict[str, str]:
    """Wait for the verdict, and for the floor to be well; what became of it."""
    over = ("inactive", "failed")
    box.until(lambda: box.facts("callfloor-update-deb", "ActiveState")["ActiveState"] in over, "the verdict", 150)
    for name in ("gateway", "wallboard", "uplink"):
        box.until(lambda: box.facts(f"callfloor@{name}", "ActiveState")["ActiveState"] == "active", name)  # noqa: B023 - called at once
    past: dict[str, str] = json.loads(box.do("callfloor", "update", "status", "--json"))["past"][-1]
    return past


def test_a_version_that_works_is_kept(box: Box) -> None:
    epoch, seq = journal(box)
    assert seq > 100, "the older format's events were taken over"
    assert version(box) == "1.0 installed"
    with box.timed("1.0 to 1.1, kept"):
        said = box.do("env", "LC_ALL=es_EC.UTF-8", "callfloor", "update", "/root/callfloor_1.1_amd64.deb", wait_s=150)
        assert "1.1" in said
        past = settled(box)
    assert (past["outcome"], past["version"]) == ("good", "1.1"), box.do("journalctl", "-u", "callfloor-update-deb", "-n", "50")
    assert version(box) == "1.1 installed"
    after, last = journal(box)
    assert after == epoch
    assert last > seq
    assert box.do("systemctl", "list-units", "--failed", "--plain", "--no-legend") == ""
    assert (box.root / "var/lib/callfloor/update/deb/old.deb").exists(), "what runs is what the next one goes back to"


def test_a_version_that_is_deaf_is_undone(box: Box) -> None:
    epoch, seq = journal(box)
    with box.timed("1.1 to 1.2, undone"):
        box.do("callfloor", "update", "/root/callfloor_1.2_amd64.deb", wait_s=150)
        past = settled(box)
    assert (past["outcome"], past["version"]) == ("rolled-back", "1.2")
    assert "callfloor@gateway" in past["reason"]
    assert version(box) == "1.1 installed"
    after, last = journal(box)
    assert after == epoch
    assert last > seq
    assert "1.2 did not pass" in box.do("callfloor", "doctor", "update", check=False)


def test_a_pulled_plug_before_the_verdict_goes_back(box: Box) -> None:
    epoch, _ = journal(box)
    box.do("callfloor", "update", "/root/callfloor_1.2_amd64.deb", wait_s=150)
    box.until(lambda: version(box) == "1.2 installed", "the new package")
    box.do("sync")
    box.pull_the_plug()
    with box.timed("plug pulled in the trial, back"):
        box.boot()
        box.until(lambda: version(box) == "1.1 installed", "the package before", 120)
        past = settled(box)
    assert past["outcome"] in ("rolled-back", "interrupted")
    assert "cut off" in past["reason"]
    assert journal(box)[0] == epoch


def test_removed_and_purged_while_it_runs(box: Box) -> None:
    """Nothing of ours runs on; what was configured and recorded stays until it is purged, and no link of ours is left then."""
    box.do("dpkg", "-r", "callfloor", wait_s=120)
    assert box.do("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "callfloor*") == ""
    assert (box.root / "var/lib/callfloor/journal.db").exists()
    assert (box.root / "etc/callfloor/callfloor.toml").exists()
    box.do("dpkg", "-P", "callfloor", wait_s=120)
    assert not (box.root / "var/lib/callfloor").exists()
    assert not (box.root / "etc/callfloor").exists()
    left = box.do("find", "/etc/systemd/system", "-name", "callfloor*", "-not", "-path", "*update-deb.service.d*")
    assert left == ""
