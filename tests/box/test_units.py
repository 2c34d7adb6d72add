"""The units as systemd's own readers see them on a root file system of their own: no fault in them, and what each service may do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "headsets", "wallboard", "uplink", "routing", "opcua")
UNITS = ("callfloor.target", *(f"callfloor@{service}.service" for service in SERVICES))
LINES = ("char-ttyACM:rw", "char-ttyAMA:rw", "char-ttyS:rw", "char-ttyUSB:rw")
#: Debian's own groups, by their numbers there.
GROUPS = ("root:x:0:", "dialout:x:20:", "audio:x:29:", "video:x:44:", "render:x:105:", "input:x:106:")

pytestmark = pytest.mark.box


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with what the package lays out, and the programs that the units name."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run([ROOT / "images/package/lay_out", ROOT / "systemd", root], check=True)
    for program in ("usr/bin/callfloor", "usr/bin/cage", "usr/bin/cog", "usr/bin/chromium"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        (root / program).symlink_to("/bin/true")
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n", encoding="ascii")
    (root / "etc/group").write_text("\n".join(GROUPS) + "\n", encoding="ascii")
    return root


@pytest.fixture(scope="module")
def folder(box: Path) -> Path:
    """The units alone, with a program that this machine has: `systemd-analyze --root` knows no systemd of its own."""
    units = box / "read"
    shutil.copytree(box / "lib/systemd/system", units)
    for unit in units.glob("*.service"):
        unit.write_text(re.sub(r"/usr/(s?bin|lib)/callfloor[^ \n]*", "/bin/true", unit.read_text(encoding="utf-8")), encoding="utf-8")
    return units


def analyze(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"}
    return subprocess.run(["systemd-analyze", *words], env=env, capture_output=True, text=True, check=False, timeout=60)


def all_units(folder: Path) -> list[str]:
    """Every unit there is: a template by its instances."""
    others = [path.name for kind in ("service", "timer", "path", "socket") for path in folder.glob(f"*.{kind}") if "@." not in path.name]
    return [*UNITS, *sorted(others)]


def test_systemd_finds_no_fault(folder: Path) -> None:
    said = analyze(folder, "verify", "--man=no", "--recursive-errors=no", *all_units(folder))
    ours = [line for line in said.stderr.splitlines() if "callfloor" in line]
    assert (said.returncode, ours) == (0, [])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("WatchdogSec=", "WatchdogSecs="), ("ProtectSystem=strict", "ProtectSystem=strickt"), ("/bin/true run", "/bin/no-such run")],
)
def test_what_is_misspelt_is_a_fault(folder: Path, tmp_path: Path, right: str, wrong: str) -> None:
    """Without --recursive-errors= systemd 252 says "Unknown key" and ends with 0."""
    shutil.copytree(folder, tmp_path / "units")
    unit = tmp_path / "units/callfloor@.service"
    text = unit.read_text(encoding="utf-8")
    assert right in text
    unit.write_text(text.replace(right, wrong), encoding="utf-8")
    said = analyze(tmp_path / "units", "verify", "--man=no", "--recursive-errors=no", "callfloor@gateway.service")
    assert said.returncode != 0
    assert "callfloor@" in said.stderr


def lasting(folder: Path) -> list[str]:
    """The units that stay up and face people and wires; root's errands (install, roll back, renew) begin, do their one thing and end."""
    units = [path for path in folder.glob("*.service") if "@." not in path.name and "Type=oneshot" not in path.read_text(encoding="utf-8")]
    return [*(f"callfloor@{service}.service" for service in SERVICES), *sorted(path.name for path in units)]


def test_no_unit_is_more_exposed_than_it_must_be(folder: Path) -> None:
    """2.0 at most on systemd's own scale."""
    levels: dict[str, float] = {}
    for name in lasting(folder):
        said = analyze(folder, "security", "--offline=true", "--no-pager", "--threshold=20", name)
        level = next(line for line in said.stdout.splitlines() if "Overall exposure" in line).partition(": ")[2].split()[0]
        levels[name] = float(level)
        assert (said.returncode == 0) == (float(level) <= 2.0)
    print(levels)
    assert {name: level for name, level in levels.items() if level > 2.0} == {}


def test_chromium_may_do_more_and_no_more_than_that(folder: Path, tmp_path: Path) -> None:
    """Its own sandbox needs namespaces, its scripts memory that is written and run: 3.0 at most."""
    shutil.copytree(folder, tmp_path / "units")
    subprocess.run(
        ["install", "-D", "-m", "644", "-t", tmp_path / "units/callfloor-kiosk.service.d", ROOT / "systemd/kiosk-chromium/chromium.conf"],
        check=True,
    )
    found = analyze(tmp_path / "units", "verify", "--man=no", "--recursive-errors=no", "callfloor-kiosk.service")
    assert [line for line in found.stderr.splitlines() if "callfloor" in line or "Unknown" in line] == []
    said = analyze(tmp_path / "units", "security", "--offline=true", "--no-pager", "--threshold=30", "callfloor-kiosk.service")
    assert said.returncode == 0, said.stdout


def test_an_unguarded_unit_is_over_the_threshold(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "plain.service").write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    assert analyze(tmp_path, "security", "--offline=true", "--no-pager", "--threshold=20", "plain.service").returncode != 0


def judged(folder: Path, service: str) -> dict[str, str]:
    """What systemd holds against a service: each is something that it may do, and in what words."""
    said = analyze(folder, "security", "--offline=true", "--no-pager", "--json=short", f"callfloor@{service}.service")
    rows = json.loads(said.stdout)
    assert len(rows) > 50
    return {row["json_field"]: row["description"] for row in rows if not row["set"]}


def test_only_the_headsets_hear_netlink(folder: Path) -> None:
    may = {service: "RestrictAddressFamilies_AF_NETLINK" in judged(folder, service) for service in SERVICES}
    assert may == {"gateway": False, "headsets": True, "wallboard": False, "uplink": False, "routing": False, "opcua": False}


@pytest.mark.parametrize(
    ("service", "devices"),
    [
        ("gateway", ["char-gpiochip:rw", *LINES]),
        ("headsets", ["char-hidraw:r", "char-usb_device:rw"]),
        ("wallboard", ["char-gpiochip:rw", "char-spi:rw", *LINES]),
        ("uplink", []),
        ("routing", []),
        ("opcua", []),
    ],
)
def test_each_class_of_devices_is_allowed_by_name(folder: Path, service: str, devices: Iterable[str]) -> None:
    said = judged(folder, service)["DeviceAllow"].rpartition(": ")[2].split()
    assert sorted(said) == sorted([*devices, "char-rtc:r"])  # the clock's comes with ProtectClock=


def test_the_clock_may_be_asked_and_a_process_may_be_nice(folder: Path) -> None:
    """Neither is of @system-service: without them whoever asks is killed, or refused and takes the clock for unsynchronised."""
    said = judged(folder, "gateway")
    assert "adjtimex is allowed" in said["SystemCallFilter_clock"]
    assert "setpriority is allowed" in said["SystemCallFilter_resources"]


def test_no_control_that_debian_ignores_stands_for_protection() -> None:
    """Debian 12 builds systemd without BPF_FRAMEWORK: these do nothing there, without a word in the log."""
    idle = ("SocketBind", "RestrictFileSystems", "RestrictNetworkInterfaces")
    files = [path for path in (ROOT / "systemd").rglob("*") if path.is_file() and path.suffix != ".md"]
    assert len(files) > 10
    assert [path.name for path in files for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(idle)] == []


def test_users_and_folders(box: Path) -> None:
    """On an empty root: fixed numbers, so that a data partition means the same to every version of the system."""
    subprocess.run(["systemd-sysusers", f"--root={box}", "callfloor.conf"], check=True, capture_output=True)
    users = {line.split(":")[0]: line.split(":")[2:7] for line in (box / "etc/passwd").read_text(encoding="ascii").splitlines()}
    assert users["callfloor"] == ["871", "871", "Callfloor", "/var/lib/callfloor", "/usr/sbin/nologin"]
    groups = {line.split(":")[0]: line.split(":")[3] for line in (box / "etc/group").read_text(encoding="ascii").splitlines()}
    assert [group for group, members in groups.items() if "callfloor" in members.split(",")] == ["dialout", "gpio", "spi"]
    assert groups["callfloor"] == "", "who is in it reads the journal"
    (box / "etc/callfloor/credentials").mkdir(parents=True)
    (box / "etc/callfloor/callfloor.toml").write_text("", encoding="ascii")
    (secret := box / "etc/callfloor/credentials/pbx.secret").write_text("s", encoding="ascii")
    secret.chmod(0o644)
    subprocess.run(["systemd-tmpfiles", f"--root={box}", "--create", "callfloor.conf"], check=True, capture_output=True)
    places = ("etc/callfloor", "etc/callfloor/callfloor.toml", "etc/callfloor/credentials", "etc/callfloor/credentials/pbx.secret",
              "var/lib/callfloor", "run/callfloor")  # fmt: skip
    found = [f"{(stat := (box / place).stat()).st_mode & 0o7777:o} {stat.st_uid}:{stat.st_gid}" for place in places]
    assert found == ["750 0:871", "640 0:871", "700 0:0", "600 0:0", "750 871:871", "750 871:871"]


def test_the_target_is_on_and_services_wait_for_a_configuration(box: Path) -> None:
    subprocess.run(["systemctl", f"--root={box}", "preset-all"], check=True, capture_output=True)
    wanted = {path.name for path in (box / "etc/systemd/system").rglob("*") if path.is_symlink()}
    assert "callfloor.target" in wanted
    assert [name for name in wanted if name.startswith(("callfloor@", "callfloor-kiosk"))] == []
    subprocess.run(["systemctl", f"--root={box}", "enable", "callfloor@gateway.service"], check=True, capture_output=True)
    assert (box / "etc/systemd/system/callfloor.target.wants/callfloor@gateway.service").is_symlink()


def test_what_an_image_has_beyond_a_package(tmp_path: Path) -> None:
    """The board's watchdog and what else is nobody's business on a Debian machine that does other things too."""
    subprocess.run([ROOT / "images/package/lay_out", ROOT / "systemd/image", tmp_path], check=True)
    text = (tmp_path / "usr/lib/systemd/system.conf.d/callfloor.conf").read_text(encoding="utf-8")
    assert "RuntimeWatchdogSec=15\n" in text
