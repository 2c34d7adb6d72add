"""What a small board tells of itself, read from trees of the kernel's files as a Pi, a PC and a dying card show them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.box import budget, heat, memory, mounts, power, timekeeping, watchdog, wear
from appliance.box.watch import CALM_NS, BoardWatch
from appliance.core.catalogue import BoxHealth
from appliance.core.clock import NS
from appliance.doctor.finding import Finding

MIB = 1024**2


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def said(found: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(each.level, each.finding) for each in found]


def whole(found: tuple[Finding, ...]) -> None:
    """What is not well says what shows it, what follows, and what mends it."""
    for each in found:
        assert each.level == "ok" or (each.evidence and each.consequence and each.mend), each


# -- power ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "level", "text"),
    [
        ("0", "ok", "the supply holds"),
        ("50005", "red", "the voltage is too low now"),
        ("50000", "amber", "the voltage was too low since the start"),
        ("80008", "amber", "the board slows itself down now"),
        ("a0000", "amber", "the board slowed itself down since the start"),
    ],
)
def test_the_firmware_s_word(tmp_path: Path, word: str, level: str, text: str) -> None:
    root = put(tmp_path, {"sys/devices/platform/soc/soc:firmware/get_throttled": f"{word}\n"})
    found = power.judge(power.read(root))
    whole(found)
    assert said(found) == [(level, text)]
    assert f"0x{word}" in found[0].evidence or word == "0"


def test_debian_s_kernel_tells_of_the_voltage_alone(tmp_path: Path) -> None:
    root = put(tmp_path, {"sys/class/hwmon/hwmon0/name": "cpu_thermal\n", "sys/class/hwmon/hwmon1/name": "rpi_volt\n"})
    assert power.read(root).word is None
    put(root, {"sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"})
    assert said(power.judge(power.read(root))) == [("red", "the voltage is too low now")]
    put(root, {"sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n"})
    assert said(power.judge(power.read(root))) == [("ok", "the supply holds")]


# -- heat ----------------------------------------------------------------------


@pytest.mark.parametrize(("milli", "level"), [("79900", "ok"), ("80000", "amber"), ("84900", "amber"), ("85000", "red")])
def test_a_pi_is_hot_from_80_degrees_on(tmp_path: Path, milli: str, level: str) -> None:
    zone = "sys/class/thermal/thermal_zone0/"
    root = put(tmp_path, {f"{zone}type": "cpu-thermal\n", f"{zone}temp": milli, f"{zone}trip_point_0_type": "critical\n"})
    put(root, {f"{zone}trip_point_0_temp": "110000\n"})
    found = heat.judge(heat.read(root))
    whole(found)
    assert found[0].level == level


def test_a_pc_is_hot_near_its_own_critical_point(tmp_path: Path) -> None:
    zone = "sys/class/thermal/thermal_zone0/"
    files = {"type": "x86_pkg_temp", "temp": "88000", "trip_point_0_type": "passive", "trip_point_0_temp": "0"}
    files |= {"trip_point_1_type": "critical", "trip_point_1_temp": "105000"}
    root = put(tmp_path, {f"{zone}{name}": text for name, text in files.items()})
    assert said(heat.judge(heat.read(root))) == [("ok", "it is not too hot")]
    put(root, {f"{zone}temp": "101000"})
    assert heat.judge(heat.read(root))[0].level == "red"


def test_a_sensor_that_is_not_wired_counts_for_nothing(tmp_path: Path) -> None:
    root = put(tmp_path, {"sys/class/thermal/thermal_zone0/temp": "-273200", "sys/class/thermal/thermal_zone1/temp": "warm"})
    assert heat.read(root) == ()


# -- memory --------------------------------------------------------------------


def of_memory(left_mib: int, full: str | None = "0.00", kills: int = 0) -> dict[str, str]:
    files = {"proc/meminfo": f"MemTotal:        1024000 kB\nMemFree:  1 kB\nMemAvailable:    {left_mib * 1024} kB\n"}
    files["proc/vmstat"] = f"pgfault 1\noom_kill {kills}\nnr_free 2\n"
    if full is not None:
        line = "some avg10=9.00 avg60=9.00 avg300=1.00 total=1\nfull avg10=0.00 avg60={} avg300=0.00 total=1\n"
        files["proc/pressure/memory"] = line.format(full)
    return files


@pytest.mark.parametrize(
    ("files", "levels"),
    [
        (of_memory(500), ["ok"]),
        (of_memory(500, None), ["ok"]),
        (of_memory(99), ["amber"]),
        (of_memory(39), ["red"]),
        (of_memory(500, "5.00"), ["amber"]),
        (of_memory(500, "20.10"), ["red"]),
        (of_memory(500, kills=2), ["ok", "amber"]),
    ],
)
def test_memory(tmp_path: Path, files: dict[str, str], levels: list[str]) -> None:
    seen = memory.read(put(tmp_path, files))
    assert seen is not None
    found = memory.judge(seen)
    whole(found)
    assert [each.level for each in found] == levels


# -- card and file systems -----------------------------------------------------


@pytest.mark.parametrize(
    ("age", "spare", "level"),
    [
        ("0x01 0x01", "0x01", "ok"),
        ("0x02 0x09", "0x01", "amber"),
        ("0x0b 0x01", "0x01", "red"),
        ("0x01 0x01", "0x03", "red"),
        ("", "", "ok"),
    ],
)
def test_an_emmc_tells_its_age(tmp_path: Path, age: str, spare: str, level: str) -> None:
    device = "sys/block/mmcblk0/device/"
    root = put(tmp_path, {f"{device}type": "MMC\n", f"{device}name": "DG4016\n", "sys/block/mmcblk0boot0/x": "", "sys/block/sda/x": ""})
    if age:
        put(root, {f"{device}life_time": f"{age}\n", f"{device}pre_eol_info": f"{spare}\n"})
    found = wear.judge(wear.read(root))
    whole(found)
    assert [each.level for each in found] == [level]
    assert "DG4016" in found[0].evidence


def test_a_file_system_that_recorded_errors_is_red(tmp_path: Path) -> None:
    root = put(tmp_path, {"sys/fs/ext4/mmcblk0p2/errors_count": "0\n", "sys/fs/ext4/mmcblk0p2/lifetime_write_kbytes": "2500000\n"})
    (root / "sys/fs/ext4/features").mkdir()
    found = wear.judge(wear.read(root))
    assert said(found) == [("ok", "nothing tells of wear")]
    assert found[0].evidence == "mmcblk0p2: 2.5 GB written in its life"
    put(root, {"sys/fs/ext4/mmcblk0p2/errors_count": "3\n"})
    assert said(wear.judge(wear.read(root))) == [("red", "a file system has recorded errors")]


def test_the_controller_s_errors_are_counted_where_root_looks(tmp_path: Path) -> None:
    real = tmp_path / "sys/devices/mmc0/mmc0:0001"
    put(real, {"type": "SD\n"})
    (tmp_path / "sys/block/mmcblk0").mkdir(parents=True)
    (tmp_path / "sys/block/mmcblk0/device").symlink_to(real)
    put(tmp_path, {"sys/kernel/debug/mmc0/err_stats": "# Command Timeout Occurred:\t 0\n# Data CRC Errors Occurred:\t 7\n"})
    found = wear.judge(wear.read(tmp_path))
    assert said(found) == [("amber", "the card makes errors on its wire")]
    assert "7 errors" in found[0].evidence


@pytest.mark.parametrize(
    ("line", "is_red"),
    [("rw,noatime", False), ("ro,noatime", True), ("rw,noatime,emergency_ro", True)],
)
def test_a_file_system_that_went_read_only(tmp_path: Path, line: str, is_red: bool) -> None:
    fstab = "# a comment\nPARTLABEL=data /var/lib ext4 defaults,errors=remount-ro 0 2\nPARTLABEL=a / ext4 ro 0 1\n/dev/x none swap sw 0 0\n"
    table = (
        "21 1 179:5 / / ro,noatime - ext4 /dev/mmcblk0p5 ro\n"
        f"22 21 179:7 / /var/lib ro,nosuid shared:2 - ext4 /dev/mmcblk0p7 {line}\n"
        "23 21 0:20 / /tmp rw shared:3 - tmpfs tmpfs rw\n"
    )
    found = mounts.judge(*mounts.read(put(tmp_path, {"proc/self/mountinfo": table, "etc/fstab": fstab})))
    whole(found)
    assert [each.level for each in found] == ["red" if is_red else "ok"]
    assert found[0].evidence.startswith("/var/lib (/dev/mmcblk0p7, ext4)") is is_red


@given(st.text())
def test_no_table_of_mounts_is_too_odd(text: str) -> None:
    for mount in (*mounts.table_from(text), *mounts.mounted_from(text)):
        assert mount.place


# -- the watchdog --------------------------------------------------------------

PI = {"proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0"}
DOG = "sys/class/watchdog/watchdog0/"
BCM = {f"{DOG}identity": "Broadcom BCM2835 Watchdog timer\n", f"{DOG}state": "active\n", f"{DOG}timeout": "15\n", f"{DOG}bootstatus": "0\n"}


def fed(text: str, file: str = "etc/systemd/system.conf.d/10-watchdog.conf") -> dict[str, str]:
    return {file: f"[Manager]\n#RuntimeWatchdogSec=1\nRuntimeWatchdogSec={text}\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ("ok", "this machine has no hardware watchdog")),
        (PI, ("amber", "its hardware watchdog is not there")),
        (PI | BCM | fed("15s"), ("ok", "it counts, and is fed")),
        (PI | BCM | fed("1min"), ("red", "its time is longer than this board's 15 s")),
        (BCM | fed("1min"), ("ok", "it counts, and is fed")),
        (PI | BCM | {f"{DOG}state": "inactive\n"}, ("amber", "nobody feeds the hardware watchdog")),
        (PI | BCM | fed("15s") | {f"{DOG}bootstatus": "32\n"}, ("amber", "the watchdog made the last restart")),
    ],
)
def test_the_hardware_watchdog(tmp_path: Path, files: dict[str, str], expected: tuple[str, str]) -> None:
    found = watchdog.judge(watchdog.read(put(tmp_path, files)))
    whole(found)
    assert said(found) == [expected]


def test_systemd_s_files_are_read_in_its_own_order(tmp_path: Path) -> None:
    put(tmp_path, fed("10s", "etc/systemd/system.conf") | fed("20s", "usr/lib/systemd/system.conf.d/40-x.conf"))
    assert watchdog.configured_s(tmp_path) == (20.0, "/usr/lib/systemd/system.conf.d/40-x.conf")
    put(tmp_path, {"etc/systemd/system.conf.d/40-x.conf": "[Manager]\n"})
    assert watchdog.configured_s(tmp_path) == (10.0, "/etc/systemd/system.conf")


# -- the clock -----------------------------------------------------------------

KEPT = {"var/lib/systemd/timesync/clock": ""}
ON_CARD = {"proc/mounts": "/dev/mmcblk0p2 / ext4 rw 0 0\n"}


@pytest.mark.parametrize(
    ("files", "quality", "levels"),
    [
        ({"sys/class/rtc/rtc0/since_epoch": "1795000000"}, "synced", ["ok"]),
        ({"sys/class/rtc/rtc0/since_epoch": "86400"}, "synced", ["amber"]),
        (KEPT | ON_CARD, "synced", ["ok"]),
        ({"etc/fake-hwclock.data": "2026-11-21 10:00:00"} | ON_CARD, "synced", ["ok"]),
        (ON_CARD, "synced", ["amber"]),
        (KEPT | {"proc/mounts": "/dev/mmcblk0p2 / ext4 ro 0 0\ntmpfs /var/lib/systemd tmpfs rw 0 0\n"}, "synced", ["amber"]),
        (KEPT | {"proc/mounts": "overlay / overlay rw 0 0\n"}, "synced", ["amber"]),
        (KEPT | ON_CARD, "holdover", ["amber"]),
        (ON_CARD, "unset", ["red", "amber"]),
    ],
)
def test_the_clock_now_and_after_a_power_cut(tmp_path: Path, files: dict[str, str], quality: str, levels: list[str]) -> None:
    found = timekeeping.judge(timekeeping.read(put(tmp_path, files), quality))  # type: ignore[arg-type]
    whole(found)
    assert [each.level for each in found] == levels


# -- the budget ----------------------------------------------------------------


@pytest.mark.parametrize(("taken", "free", "level"), [(0, 3000, "ok"), (1500, 600, "ok"), (100, 600, "amber")])
def test_a_budget_larger_than_the_disk(taken: int, free: int, level: str) -> None:
    found = budget.judge(budget.Room(2048 * MIB, taken * MIB, free * MIB, Path("/var/lib/callfloor")))
    whole(found)
    assert found[0].level == level


# -- among the box's health ----------------------------------------------------


def test_a_board_that_tells_nothing_has_no_items(tmp_path: Path) -> None:
    assert BoardWatch(tmp_path).look(0) == []


def test_a_trouble_is_told_at_once_and_over_after_ten_calm_minutes(tmp_path: Path) -> None:
    word = "sys/devices/platform/soc/soc:firmware/get_throttled"
    watch = BoardWatch(put(tmp_path, {word: "0"}))
    assert watch.look(0) == [BoxHealth(id="power", level="ok")]
    put(tmp_path, {word: "50005"})
    assert watch.look(4 * NS) == [BoxHealth(id="power", level="red", text="the voltage is too low now (get_throttled: 0x5)")]
    put(tmp_path, {word: "50000"})  # since the start says nothing of now
    assert watch.look(8 * NS)[0].level == "red"
    put(tmp_path, {word: "50004"})  # slowed down: the worse one stands for its time
    assert watch.look(12 * NS)[0].level == "red"
    assert watch.look(4 * NS + CALM_NS)[0].level == "amber"
    put(tmp_path, {word: "50000"})
    assert watch.look(3 * CALM_NS)[0] == BoxHealth(id="power", level="ok")


def test_kills_of_the_night_do_not_stand_there_for_months(tmp_path: Path) -> None:
    watch = BoardWatch(put(tmp_path, of_memory(500, kills=7)))
    assert watch.look(0) == [BoxHealth(id="memory", level="ok")]
    put(tmp_path, of_memory(500, kills=8))
    assert watch.look(NS) == [BoxHealth(id="memory", level="ok")], "looked at once a minute"
    assert [each.level for each in watch.look(60 * NS)] == ["amber"]
    assert [each.level for each in watch.look(60 * NS + CALM_NS)] == ["ok"]


def test_a_card_is_told_with_what_went_read_only(tmp_path: Path) -> None:
    files = {"sys/fs/ext4/mmcblk0p2/errors_count": "0\n", "etc/fstab": "LABEL=x /data ext4 defaults 0 2\n"}
    watch = BoardWatch(put(tmp_path, files | {"proc/self/mountinfo": "22 21 179:2 / /data rw - ext4 /dev/mmcblk0p2 rw\n"}))
    assert [(each.id, each.level) for each in watch.look(0)] == [("card", "ok")]
    put(tmp_path, {"proc/self/mountinfo": "22 21 179:2 / /data rw - ext4 /dev/mmcblk0p2 ro\n"})
    assert [(each.id, each.level) for each in watch.look(60 * NS)] == [("card", "red")]
