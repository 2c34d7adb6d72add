"""Decides what a process tells of itself: memory, processor, open files, threads; and how its services fare."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from appliance.core.meter import Family, count, gauge

_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Fares(Protocol):
    """One service's place in the process: `appliance.runner_supervise.Post`."""

    name: str
    failures_ever: int

    def is_up(self) -> bool:
        """Whether it runs and does its job."""
        ...

    def stuck_s(self) -> float:
        """For how long a running service has shown no progress."""
        ...


def of_process(process: str, proc: Path = Path("/proc")) -> list[Family]:
    """What the kernel says of this process; nothing where it says nothing. `process` names it: the services that it runs."""
    try:
        status = dict(line.split(":", 1) for line in (proc / "self/status").read_text().splitlines() if ":" in line)
        fields = (proc / "self/stat").read_text().rpartition(")")[2].split()
        booted_s = next(float(line.split()[1]) for line in (proc / "stat").read_text().splitlines() if line.startswith("btime "))
        files = len(os.listdir(proc / "self/fd"))  # noqa: PTH208 - names alone, without a Path each
    except (OSError, ValueError, StopIteration):
        return []
    one = {"process": process}
    own_kb = int(status["RssAnon"].split()[0]) + int(status["VmSwap"].split()[0])
    return [
        gauge("callfloor_process_resident_memory_bytes", "Memory of the process that is in RAM.",
              [(one, int(status["VmRSS"].split()[0]) * 1024)]),
        gauge("callfloor_process_own_memory_bytes", "Memory that belongs to the process alone, in RAM or swapped out.",
              [(one, own_kb * 1024)]),
        count("callfloor_process_cpu_seconds", "Processor time of the process, user and system.",
              [(one, (int(fields[11]) + int(fields[12])) / _TICKS)]),
        gauge("callfloor_process_open_fds", "Open files and sockets of the process.", [(one, files)]),
        gauge("callfloor_process_max_fds", "Open files and sockets that the process may have.",
              [(one, resource.getrlimit(resource.RLIMIT_NOFILE)[0])]),
        gauge("callfloor_process_threads", "Threads of the process.", [(one, int(status["Threads"]))]),
        gauge("callfloor_process_start_time_seconds", "When the process began, since 1970.",
              [(one, booted_s + int(fields[19]) / _TICKS)]),
    ]  # fmt: skip


def of_services(posts: Sequence[Fares]) -> Iterable[Family]:
    """How each service of this process fares."""
    yield gauge("callfloor_service_up", "Whether the service runs and does its job.", [({"service": p.name}, p.is_up()) for p in posts])
    yield count("callfloor_service_failures", "How often the service ended by a fault and was started again, since the process began.",
                [({"service": p.name}, p.failures_ever) for p in posts])  # fmt: skip
    yield gauge("callfloor_service_idle_seconds", "For how long the service has shown no progress.",
                [({"service": p.name}, round(p.stuck_s(), 3)) for p in posts])  # fmt: skip
