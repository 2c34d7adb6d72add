"""The fleet's processes as their parent sees them: words in, JSON lines out; and the broker, killed or stopped and started again."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


class FleetError(Exception):
    """The run cannot go on; says why."""


class Child:
    """A process of our own that takes words and says JSON objects. `last` holds the newest value of every member said."""

    def __init__(self, name: str, module: str, log: Path, *args: str) -> None:
        self.name = name
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *args],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._path = log
        self.last: dict[str, Any] = {}
        self.worst_late_s = 0.0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{word}\n".encode())
            self.process.stdin.flush()
        except OSError as fault:
            raise FleetError(f"{self.name} is gone: {self.log()}") from fault

    def ask(self, word: str, answer: str, within_s: float = 60.0) -> Any:
        """Say a word and wait for the member that answers it."""
        self.last.pop(answer, None)
        self.say(word)
        return self.wait_for(answer, within_s)

    def wait_for(self, answer: str, within_s: float = 60.0) -> Any:
        until(
            lambda: answer in self.last or self.process.poll() is not None, within_s, f"{self.name} does not say {answer!r}: {self.log()}"
        )
        if answer not in self.last:
            raise FleetError(f"{self.name} ended with {self.process.returncode}: {self.log()}")
        return self.last[answer]

    def log(self) -> str:
        return self._path.read_text(errors="replace")[-800:]

    def end(self, within_s: float = 120.0) -> None:
        """Ask it to stop, and wait."""
        with contextlib.suppress(FleetError):
            self.say("stop")
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.close()

    def close(self) -> None:
        """Gone, whatever it was doing."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._log.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout:
                said = json.loads(line)
                self.worst_late_s = max(self.worst_late_s, said.get("late_s", 0.0))
                self.last.update(said)


class Mosquitto:
    """One broker on a port of its own: mosquitto with persistence. The others below differ in how they are started."""

    name = "mosquitto"
    #: The newest MQTT that it speaks, and whether what it holds outlives it.
    protocol = "5"
    keeps = True

    def __init__(self, folder: Path, inflight: int = 20, autosave_s: int = 10) -> None:
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.command = self._written(inflight, autosave_s)
        self._process: subprocess.Popen[bytes] | None = None
        self._gone_cpu_s = 0.0

    def _written(self, inflight: int, autosave_s: int) -> list[str]:
        """Write down what it needs; the command that starts it. Raises FleetError where it is not here."""
        if MOSQUITTO is None:
            raise FleetError("no mosquitto here: make setup installs it")
        config, folder = self.folder / "mosquitto.conf", self.folder
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\nlog_type error\nlog_type warning\n"
            f"log_dest file {folder / 'mosquitto.log'}\nmax_queued_messages 0\nmax_inflight_messages {inflight}\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval {autosave_s}\n"
        )
        return [MOSQUITTO, "-c", str(config)]

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Returns the moment since which it listens."""
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
        end_s = time.monotonic() + 20
        while time.monotonic() < end_s:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
                return time.monotonic()
            time.sleep(0.005)
        raise FleetError(f"{self.name} does not listen: {(self.folder / 'broker.log').read_text(errors='replace')[-500:]}")

    def kill(self) -> None:
        """As a crash or a power cut of its machine does."""
        self._gone(signal.SIGKILL)

    def stop(self) -> None:
        """In order: it writes down what it keeps."""
        self._gone(signal.SIGTERM)

    def save(self) -> None:
        """Let it write down what it keeps now. One that is killed comes back with what it wrote last: sessions of consumers that left since,
        too, and for those it takes what nobody reads any more.
        """
        if self._process is not None and self.keeps:
            self._process.send_signal(signal.SIGUSR1)
            time.sleep(1.2)  # it looks once a second

    def cpu_s(self) -> float:
        """CPU seconds, all its lives together."""
        return self._gone_cpu_s + (_cpu_s(self._process.pid) if self._process is not None else 0.0)

    def resident_mb(self) -> float:
        assert self._process is not None
        return resident_mb(self._process.pid)

    def _gone(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._gone_cpu_s += _cpu_s(self._process.pid)
            self._process.send_signal(number)
            self._process.wait()
            self._process = None


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _cpu_s(pid: int) -> float:
    """User and system seconds of a process (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], within_s: float, what: str) -> Any:
    """Wait until something is so. Raises FleetError when it never is."""
    end_s = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > end_s:
            raise FleetError(f"not within {within_s:.0f} s: {what}")
        time.sleep(0.02)
    return value


def raise_file_limit(wanted: int) -> int:
    """Take as many open files as this process may have, for itself and its children; returns how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
