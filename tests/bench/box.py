"""A whole box as it runs at a site: its configuration, its services as processes of their own, what they use of the machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

from tests.bench.room import ROOT, SkippedError, stop

CALLFLOOR = ROOT / ".venv" / "bin" / "callfloor"
SERVICES = ("gateway", "wallboard", "uplink")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


class Box:
    """A configuration in a folder, and the processes started on it; all are stopped at the end of the block."""

    def __init__(self, folder: Path, *, pbx_port: int = 9, crm_port: int | None = 9, journal: Path | None = None, more: str = "") -> None:
        self.folder = folder
        self.journal = journal or folder / "journal.db"
        self.board_port = free_port()
        self.processes: dict[str, subprocess.Popen[Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pbx.secret").write_text("bench\n")
        self.config = folder / "callfloor.toml"
        self.config.write_text(
            f'[site]\nname = "bench"\nbox = "bench"\ntimezone = "UTC"\n'
            f'[journal]\npath = "{self.journal}"\nrun_dir = "{folder / "run"}"\nmax_bytes = {1 << 40}\nkeep_days = 3650\n'
            f'[pbx.central]\nport = {pbx_port}\nsecret_file = "pbx.secret"\n'
            + ("" if crm_port is None else f'[crm]\nurl = "mqtt://127.0.0.1:{crm_port}"\nreconnect_max_s = 2\n')
            + f'[wallboard.tv]\nlisten = "127.0.0.1:{self.board_port}"\n{more}'
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        for name in reversed(list(self.processes)):
            self.stop(name)

    def start(self, service: str, env: dict[str, str] | None = None, *, session: bool = True) -> subprocess.Popen[Any]:
        """`callfloor run SERVICE` in a process of its own; its log lies beside the configuration. `session`: in one of its own too."""
        with (self.folder / f"{service}.log").open("ab") as log:
            command = [str(CALLFLOOR), "run", service, "-c", str(self.config)]
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(env or {})}, start_new_session=session)
        self.processes[service] = process
        return process

    def stop(self, service: str) -> None:
        """SIGTERM and wait."""
        stop(self.processes.pop(service))

    def settled(self, service: str, seconds: float = 120.0) -> None:
        """Wait until a service has read what it had to at its start: until it takes next to nothing of the machine."""
        time.sleep(1.0)
        before, until = self.cpu_s()[service], time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.5)
            now = self.cpu_s()[service]
            if now - before < 0.05:
                return
            before = now
        raise RuntimeError(f"{service} is still busy after {seconds:.0f} s: {self.log(service)}")

    def floor(self) -> Any:
        """The snapshot as the board's listener gives it; None while nobody listens."""
        try:
            with urlopen(f"http://127.0.0.1:{self.board_port}/api/floor", timeout=30) as answer:
                return json.load(answer)
        except OSError:
            return None

    def wait_for(self, what: str, told: Any, seconds: float = 30.0, pause_s: float = 0.02) -> Any:
        """Look until `told()` is true and give it. Raises RuntimeError with the services' logs when it never is."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if answer := told():
                return answer
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}: {self.log(name)}")
            time.sleep(pause_s)
        raise RuntimeError(f"{what}: not within {seconds:.0f} s; {' / '.join(self.log(name) for name in self.processes)}")

    def log(self, service: str) -> str:
        """The end of a service's log."""
        return (self.folder / f"{service}.log").read_text(errors="replace")[-800:]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds used so far, by service."""
        return {name: cpu_s(process.pid) for name, process in self.processes.items()}


def cpu_s(pid: int) -> float:
    """User and system seconds of a process, all its threads: its CPU clock, to the nanosecond (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError as fault:
        raise RuntimeError(f"process {pid} is gone") from fault


def memory_mb(pid: int) -> dict[str, float]:
    """Resident and proportional size in MB."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in {"Rss", "Pss"}:
            sizes[name.lower()] = int(rest.split()[0]) / 1024
    return sizes


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A mosquitto of our own. `extra` lines go into its configuration."""

    def __init__(self, folder: Path, extra: Sequence[str] = (), port: int | None = None) -> None:
        program = shutil.which("mosquitto", path=_PATH)
        if program is None:
            raise SkippedError("no mosquitto here: make setup installs it")
        self.port = port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "set_tcp_nodelay true",
            "max_queued_messages 0",
            "log_dest none",
        ]
        (folder / "mosquitto.conf").write_text("\n".join([*lines, *extra, ""]))
        self.process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("mosquitto does not listen")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        stop(self.process)


class Consumer:
    """Somebody who listens to every event at a broker, as the CRM does: mosquitto's own client, its messages counted as they come.

    `expect` calls back at the first message and when as many as told have come.
    """

    def __init__(self, broker: Broker) -> None:
        program = shutil.which("mosquitto_sub", path=_PATH)
        if program is None:
            raise SkippedError("no mosquitto_sub here: apt-get install mosquitto-clients")
        command = [program, "-V", "5", "-h", "127.0.0.1", "-p", str(broker.port), "-q", "0", "-t", "callfloor/+/+/+/event/#", "-F", "%l"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        self.count = 0
        self._expected: tuple[int, Callable[[], None], Callable[[], None]] | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait()

    def expect(self, count: int, first: Callable[[], None], last: Callable[[], None]) -> None:
        """Call before anything is sent."""
        self._expected = (count, first, last)

    def _run(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            while data := os.read(stream.fileno(), 1 << 20):
                before, self.count = self.count, self.count + data.count(b"\n")
                if self._expected is not None:
                    count, first, last = self._expected
                    if before == 0:
                        first()
                    if before < count <= self.count:
                        last()
