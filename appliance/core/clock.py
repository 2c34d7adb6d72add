"""One clock for the box: monotonic time for durations, wall time for people, and how far to trust the wall.

A Raspberry Pi has no clock battery: at boot the wall clock may stand at 1970 or at the last shutdown. Nothing
here sleeps or schedules; asyncio's own loop time is for that.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from appliance.core.event import ClockQuality

NS: Final = 1_000_000_000
#: No box of this version was built before this instant (2025-01-01), so an earlier wall clock is unset.
EARLIEST_WALL_NS: Final = 1_735_689_600 * NS
_TIMESYNC_FLAG: Final = Path("/run/systemd/timesync/synchronized")
#: adjtimex(2): the clock is not synchronised.
_TIME_ERROR: Final = 5
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Where every time of the box comes from."""

    @property
    def boot(self) -> str:
        """The id of this boot: monotonic times compare only within one."""
        ...

    def mono_ns(self) -> int:
        """Nanoseconds on a clock that never steps (CLOCK_MONOTONIC)."""
        ...

    def wall_ns(self) -> int:
        """Nanoseconds since 1970 UTC, as far as the box knows."""
        ...

    def quality(self) -> ClockQuality:
        """`synced`: disciplined by NTP; `holdover`: plausible but not disciplined; `unset`: not to be believed."""
        ...


class SystemClock:
    """The kernel's clocks. Quality is looked up at most once a second: it is stamped on every event."""

    def __init__(self) -> None:
        self._quality: ClockQuality | None = None
        self._looked_ns = 0
        try:
            self._boot = _BOOT_ID.read_text().replace("-", "").strip()[:12]
        except OSError:
            self._boot = f"t{int(time.time() - time.monotonic()):x}"

    @property
    def boot(self) -> str:
        return self._boot

    def mono_ns(self) -> int:
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        return time.time_ns()

    def quality(self) -> ClockQuality:
        now_ns = time.monotonic_ns()
        if self._quality is None:
            self._quality = _quality(disciplined=False)  # the first event need not wait for the kernel to be asked
        elif now_ns - self._looked_ns >= NS:
            self._quality, self._looked_ns = _quality(disciplined=_disciplined()), now_ns
        return self._quality


def quality_now() -> ClockQuality:
    """How far the wall clock is to be trusted, asked of the kernel at once: for whoever looks a single time."""
    return _quality(disciplined=_disciplined())


def _quality(*, disciplined: bool) -> ClockQuality:
    if time.time_ns() < EARLIEST_WALL_NS:
        return "unset"
    return "synced" if disciplined or _TIMESYNC_FLAG.exists() else "holdover"


def _disciplined() -> bool:
    """Whether any NTP client (timesyncd, chrony, ntpd) keeps the kernel's clock: adjtimex(2) without STA_UNSYNC."""
    import ctypes  # noqa: PLC0415 - not before the first event

    timex = (ctypes.c_char * 512)()  # modes = 0: only read; struct timex is shorter on every platform
    try:
        state = ctypes.CDLL(None).adjtimex(timex)
    except (OSError, AttributeError):
        return False
    return 0 <= int(state) < _TIME_ERROR


class ManualClock:
    """A clock that stands still until it is moved: for replays, and for tests of whatever takes time."""

    def __init__(
        self, wall_ns: int = 1_795_000_000 * NS, mono_ns: int = 1_000 * NS, boot: str = "manual", quality: ClockQuality = "synced"
    ) -> None:
        self._wall, self._mono, self._boot, self._quality = wall_ns, mono_ns, boot, quality

    @property
    def boot(self) -> str:
        return self._boot

    def mono_ns(self) -> int:
        return self._mono

    def wall_ns(self) -> int:
        return self._wall

    def quality(self) -> ClockQuality:
        return self._quality

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        step = round(seconds * NS)
        self._wall += step
        self._mono += step

    def step_wall(self, seconds: float, quality: ClockQuality | None = None) -> None:
        """Step the wall clock alone, as NTP or a person does."""
        self._wall += round(seconds * NS)
        self._quality = quality or self._quality

    def reboot(self, boot: str) -> None:
        """Start a new boot: monotonic time begins again."""
        self._boot, self._mono = boot, NS


def rfc3339(wall_ns: int) -> str:
    """Wall time as RFC 3339 in UTC with milliseconds.

    >>> rfc3339(1_795_270_000_123_000_000)
    '2026-11-21T14:06:40.123Z'
    """
    whole, rest = divmod(wall_ns, NS)
    return f"{_to_the_second(whole)}.{rest // 1_000_000:03d}Z"


@lru_cache(maxsize=512)  # a snapshot names a few dozen moments, and nearly all of them stood in the one before
def _to_the_second(wall_s: int) -> str:
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%dT%H:%M:%S}"


def wall_ns_from_rfc3339(text: str) -> int:
    """Parse RFC 3339 with an offset or Z. Raises ValueError for anything else.

    >>> wall_ns_from_rfc3339("2026-11-21T14:06:40.123Z")
    1795270000123000000
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without an offset: {text!r}; write it as 2026-11-21T14:00:00Z")
    return int(moment.timestamp()) * NS + moment.microsecond * 1000
