"""Decides what the time of day is worth now, and what it will be worth after a power cut without a network.

A board without a battery-backed clock begins at the time that systemd-timesyncd(8) (`/var/lib/systemd/timesync/clock`) or
fake-hwclock (`/etc/fake-hwclock.data`) kept last, if that lies on a disk that outlives the cut. Durations are right all the same, and
events are dated anew once the time is known (`box.clock_stepped`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import folders, number_of, text_of
from appliance.box.model import ROOT
from appliance.box.mounts import VOLATILE, mount_under, table_from
from appliance.core.clock import EARLIEST_WALL_NS, NS, quality_now
from appliance.core.config import Config
from appliance.core.event import ClockQuality
from appliance.doctor.finding import Finding, Scene

LIMIT_S: Final = 5.0
#: Whose file it is, and where; of a service with a dynamic user the real place is below private.
_KEPT: Final = (
    "var/lib/systemd/timesync/clock",
    "var/lib/private/systemd/timesync/clock",
    "etc/fake-hwclock.data",
    "data/fake-hwclock.data",
)
_LATER: Final = "after a power cut without a network the time stands wrong until a time server answers; commands to the PBX wait for it"


class Timekeeping(Struct, frozen=True):
    """`quality`: None where another machine's files are looked at. `rtc_s`: what a clock with a battery says, None where there is none;
    `kept`: the file of the last time, and its file system.
    """

    quality: ClockQuality | None
    rtc_s: int | None = None
    kept: str | None = None
    kept_on: str = ""
    is_kept_readonly: bool = False


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(read(scene.root, quality_now() if scene.root == ROOT else None))


def read(root: Path, quality: ClockQuality | None) -> Timekeeping:
    """The clocks of the board, and the files that stand in for one."""
    mounts = table_from(text_of(root / "proc/mounts") or "")
    rtc_s = next(
        (since for folder in folders(root / "sys/class/rtc", "rtc*") if (since := number_of(folder / "since_epoch")) is not None), None
    )
    for name in _KEPT:
        path = root / name
        if path.exists():
            mount = mount_under(Path("/") / name, mounts)
            if mount is None:
                return Timekeeping(quality, rtc_s, f"/{name}")
            return Timekeeping(quality, rtc_s, f"/{name}", mount.kind, mount.is_readonly)
    return Timekeeping(quality, rtc_s)


def judge(time: Timekeeping) -> tuple[Finding, ...]:
    """What follows: first of now, then of the next start."""
    found = []
    if time.quality == "unset":
        so = "times of day are wrong, durations right; events are dated anew once it is set; commands that touch calls are refused"
        found.append(
            Finding("clock", "red", "the time of day is not set", "the clock stands before 2025", so, "timedatectl timesync-status")
        )
    elif time.quality == "holdover":
        so = "times of day may be off by minutes, and half-hours of reports with them"
        mend = "timedatectl timesync-status; name a server that this network lets through in /etc/systemd/timesyncd.conf"
        found.append(Finding("clock", "amber", "no time server keeps the clock", "plausible, and not synchronised", so, mend))
    if time.rtc_s is not None and time.rtc_s * NS < EARLIEST_WALL_NS:
        evidence = f"its hardware clock stands at {time.rtc_s} s since 1970"
        found.append(Finding("clock", "amber", "the clock's battery is empty", evidence, _LATER, "replace the battery; sudo hwclock -w"))
    elif time.rtc_s is None:
        found += _without_battery(time)
    if found:
        return tuple(found)
    how = (
        "a clock with a battery" if time.rtc_s is not None else f"no battery; {time.kept} on {time.kept_on or 'a disk'} holds the last time"
    )
    return (
        Finding(
            "clock", "ok", "the time of day is right, and outlives a power cut", how if time.quality is None else f"synchronised; {how}"
        ),
    )


def _without_battery(time: Timekeeping) -> list[Finding]:
    if time.kept is None:
        mend = "sudo systemctl enable --now systemd-timesyncd   # or: sudo apt-get install fake-hwclock"
        return [Finding("clock", "amber", "nothing keeps the time over a power cut", "no battery, no file of the last time", _LATER, mend)]
    if time.kept_on in VOLATILE or time.is_kept_readonly:
        evidence = f"{time.kept} is on {time.kept_on}{', read-only' if time.is_kept_readonly else ''}"
        mend = f"put {Path(time.kept).parent} on a disk that is written to: a bind mount in /etc/fstab"
        return [Finding("clock", "amber", "the file of the last time does not outlive a power cut", evidence, _LATER, mend)]
    return []
