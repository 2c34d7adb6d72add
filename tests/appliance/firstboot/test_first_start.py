"""A new box, its CONFIG partition as a folder and its root as another: the sheet is made true whatever happens in between."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.firstboot.personal import CODE, KEPT, REPORT, SHEET, personalise
from appliance.provision.machine import Machine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl technician"
TEXT = f"""# Written for the floor in Quito.
site_sheet = 1

[site]
name = "quito"
box = "floor-1"
timezone = "America/Guayaquil"
language = "en"

[network]
address = "192.168.7.40/24"
gateway = "192.168.7.1"

[time]
ntp = ["192.168.7.1"]

[ssh]
keys = ["{KEY}"]

[crm]
url = "mqtts://broker.quito.example:8883"
username = "floor-1"
password_file = "crm.txt"  # beside this

[pbx.main]
host = "192.168.7.10"
secret = "manager-secret"

[queues.sales]

[wallboard.tv]
listen = "127.0.0.1:8089"
"""


class PowerCutError(Exception):
    """The plug was pulled."""


def new_box(root: Path) -> Path:
    """A root as the image has it: the package installed, nothing told."""
    for folder in ("etc/systemd/system", "usr/share/zoneinfo/America", "usr/bin", "lib/systemd/system", "root/.ssh", "var/lib"):
        (root / folder).mkdir(parents=True)
    for file in ("usr/share/zoneinfo/America/Guayaquil", "usr/bin/callfloor", "lib/systemd/system/callfloor.target"):
        (root / file).touch()
    for name in ("callfloor@.service", "systemd-networkd.service"):
        (root / "lib/systemd/system" / name).touch()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\ncallfloor:x:871:871::/var/lib/callfloor:/usr/sbin/nologin\n")
    (root / "etc/group").write_text("root:x:0:\ncallfloor:x:871:\n")
    return root


def new_config(folder: Path) -> Path:
    """CONFIG with a sheet and the secret that it names."""
    folder.mkdir()
    (folder / SHEET).write_text(TEXT)
    (folder / "crm.txt").write_text("broker-secret\n")
    return folder


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return new_box(tmp_path / "root")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return new_config(tmp_path / "config")


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that lies there but the log of runs, whose number of states a cut may change."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            yield name, str(path.readlink()).encode()
        elif path.is_file() and not name.startswith("var/lib/callfloor/provision/"):
            yield name, path.read_bytes()


def become(box: Path, config: Path, cut_at: int | None = None) -> tuple[int, object]:
    """Run it, with the plug pulled before deed number `cut_at`; how many deeds were begun, and the outcome."""
    count = 0

    def at(_: str) -> None:
        nonlocal count
        if count == cut_at:
            raise PowerCutError
        count += 1

    outcome = None
    with suppress(PowerCutError):
        outcome = personalise(Machine(box, live=False), config, at, 1_790_000_000.0)
    return count, outcome


def test_the_box_becomes_what_the_sheet_says(box: Path, config: Path) -> None:
    _, outcome = become(box, config)
    assert getattr(outcome, "done", False), outcome
    assert (box / "etc/hostname").read_text() == "callfloor-quito-floor-1\n"
    assert "Address=192.168.7.40/24" in (box / "etc/systemd/network/10-callfloor.network").read_text()
    assert KEY in (box / "root/.ssh/authorized_keys").read_text()
    assert (box / "root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    assert (box / "etc/systemd/system/callfloor.target.wants/callfloor@gateway.service").is_symlink()
    assert (box / "etc/callfloor/credentials/crm.password").read_text() == "broker-secret"


def test_no_secret_stays_on_config_or_in_the_copy(box: Path, config: Path) -> None:
    _, outcome = become(box, config)
    assert sorted(path.name for path in config.iterdir()) == []
    kept = box / KEPT.lstrip("/")
    assert "manager-secret" not in kept.read_text()
    assert "# Written for the floor in Quito." in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "secret" not in "\n".join(getattr(outcome, "lines", ("secret",))).replace("secrets", "")


def test_a_cut_before_any_deed_is_healed_by_the_next_start(box: Path, config: Path, tmp_path: Path) -> None:
    """At every deed: what stands after the next start is what stands without a cut; the sheet is whole until all of it is true."""
    deeds, _ = become(box, config)
    whole = dict(files(box))
    assert deeds > 15
    for cut in range(deeds):
        again, sheet = new_box(tmp_path / f"box-{cut}"), new_config(tmp_path / f"config-{cut}")
        begun, outcome = become(again, sheet, cut)
        assert outcome is None
        assert begun == cut
        if cut % 8 == 0 or not (sheet / SHEET).exists():  # the unit's own program, now and then: a start of Python each
            done = started(again, sheet)
            assert done.returncode == 0, done.stdout + done.stderr
        else:
            assert getattr(become(again, sheet)[1], "done", False)
        assert dict(files(again)) == whole, f"cut before deed {cut}"
        assert {path.name for path in sheet.iterdir()} <= {REPORT}, f"cut before deed {cut}"


def started(box: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """What the unit runs."""
    words = [sys.executable, "-m", "appliance.firstboot", "--root", str(box), "--config", str(config)]
    return subprocess.run(words, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("site_sheet = 1\n[site\n", f"{SHEET}:2"),
        (TEXT.replace('timezone = "America/Guayaquil"', 'timezone = "America/Quito"'), "timezone"),
        (TEXT.replace("[ssh]", "[ssh]\nkeyz = 1"), "keyz"),
        ("", "site_sheet"),
    ],
)
def test_a_bad_sheet_changes_nothing_and_says_where(box: Path, config: Path, text: str, says: str) -> None:
    (config / SHEET).write_text(text)
    before = dict(files(box))
    done = subprocess.run(
        [sys.executable, "-m", "appliance.firstboot", "--root", str(box), "--config", str(config)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout
    assert dict(files(box)) == before
    report = (config / REPORT).read_text()
    assert says in report
    assert (config / SHEET).read_text() == text
    assert "manager-secret" not in report


def test_an_enrolment_code_is_kept_for_root_alone(box: Path, config: Path) -> None:
    (config / SHEET).write_text(TEXT + '\n[enrol]\nurl = "https://crm.quito.example/enrol"\ncode = "7F3K-9Q2M"\n')
    _, outcome = become(box, config)
    assert getattr(outcome, "done", False), outcome
    code = box / CODE.lstrip("/")
    assert code.read_text() == "7F3K-9Q2M\n"
    assert code.stat().st_mode & 0o777 == 0o600
    assert "7F3K" not in (box / KEPT.lstrip("/")).read_text()
    assert "callfloor enroll https://crm.quito.example/enrol" in "\n".join(getattr(outcome, "lines", ()))
