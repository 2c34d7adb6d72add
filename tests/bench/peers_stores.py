"""The stores that are set side by side: each takes events in a process that can be killed or frozen, and gives back what it kept."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Protocol

from tests.bench import peers_mosquitto
from tests.bench.box import Broker, free_port
from tests.bench.room import ROOT, SkippedError, child, line_from, result_of, stop

#: ThingsBoard gateway and what it needs, kept apart from our own environment; never part of the product.
VENV: Final = ROOT / "build" / "peers"
PYTHON: Final = VENV / "bin" / "python"
PACKAGE: Final = "thingsboard-gateway"


class Task:
    """What a writer is to do: which events, how many, how fast (0: as fast as it can), and where it writes down what it was told."""

    def __init__(self, folder: Path, events: Path, count: int, rate: float) -> None:
        self.folder, self.events, self.count, self.rate = folder, events, count, rate
        self.ledger = folder / "ledger"


class Running:
    """A writer at work. `victim` is the process that holds the events, `others` are those that hand them to it."""

    def __init__(self, victim: subprocess.Popen[Any], writer: subprocess.Popen[Any]) -> None:
        self.victim, self.writer = victim, writer
        self._all = {victim.pid: victim, writer.pid: writer}.values()

    def freeze(self) -> None:
        """Nothing of it runs on from here."""
        for process in self._all:
            process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """As SIGKILL does, at once."""
        for process in self._all:
            process.kill()
        for process in self._all:
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def end(self) -> None:
        """In good order, after all events were offered: the writer first, then what holds them."""
        if self.writer.stdin is not None:
            self.writer.stdin.write("\n")
            self.writer.stdin.flush()
        self.writer.wait(30)
        if self.victim is not self.writer:
            self.victim.terminate()
            self.victim.wait(30)
        self.kill()


class Store(Protocol):
    """One contestant."""

    name: str
    #: Whether it is too slow to be offered many events without pause.
    slow: bool

    def start(self, task: Task, disk: Path) -> Running:
        """Begin to take events onto a disk."""
        ...

    def kept(self, folder: Path, disk: Path) -> dict[str, Any]:
        """What can be had of that disk: `numbers` of events, `seconds` until the first (None: never), `faults`."""
        ...


class Ours:
    """The journal."""

    name = "ours"
    slow = False

    def start(self, task: Task, disk: Path) -> Running:
        """See `Store`."""
        process = child("peers_ours:writer", folder=str(disk), ledger=str(task.ledger), count=task.count, rate=task.rate)
        line_from(process)
        return Running(process, process)

    def kept(self, folder: Path, disk: Path) -> dict[str, Any]:
        """See `Store`."""
        del folder
        told: dict[str, Any] = result_of("peers_ours:reader", folder=str(disk))
        return told


class ThingsBoard:
    """ThingsBoard gateway's SQLite or file store."""

    slow = False

    def __init__(self, kind: str) -> None:
        self.name, self._kind = f"ThingsBoard {kind}", kind

    def start(self, task: Task, disk: Path) -> Running:
        """See `Store`."""
        where = {"kind": self._kind, "folder": str(disk), "ledger": str(task.ledger), "events": str(task.events)}
        process = child("peers_thingsboard:writer", python=PYTHON, **where, count=task.count, rate=task.rate)
        line_from(process)
        return Running(process, process)

    def kept(self, folder: Path, disk: Path) -> dict[str, Any]:
        """See `Store`."""
        del folder
        process = child("peers_thingsboard:reader", python=PYTHON, kind=self._kind, folder=str(disk))
        try:
            told: dict[str, Any] = line_from(process)
        finally:
            stop(process)
        return told


class Mosquitto:
    """A mosquitto with a bridge whose other side is away; `saves` are the settings that say when it writes its memory to disk."""

    def __init__(self, name: str, saves: tuple[str, ...], *, slow: bool) -> None:
        self.name, self._saves, self.slow = name, saves, slow

    def start(self, task: Task, disk: Path) -> Running:
        """See `Store`."""
        near = Broker(task.folder / "near", peers_mosquitto.settings(disk, free_port(), self._saves))
        where = {"port": near.port, "ledger": str(task.ledger), "events": str(task.events)}
        process = child("peers_mosquitto:writer", **where, count=task.count, rate=task.rate)
        line_from(process)
        return Running(near.process, process)

    def kept(self, folder: Path, disk: Path) -> dict[str, Any]:
        """See `Store`."""
        return peers_mosquitto.arrived(folder, disk, self._saves)


def stores() -> list[Store]:
    """All, ours first. Raises SkippedError where ThingsBoard gateway cannot be had."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    if subprocess.run([str(PYTHON), "-c", "import thingsboard_gateway"], capture_output=True, check=False).returncode:
        done = subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", PACKAGE], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SkippedError(f"{PACKAGE} could not be installed into {VENV}: {done.stderr.strip()[-200:]}")
    every_second = ("autosave_interval 1",)
    return [
        Ours(),
        ThingsBoard("sqlite"),
        ThingsBoard("file"),
        Mosquitto("mosquitto, saved each second", every_second, slow=False),
        Mosquitto("mosquitto, saved at each change", (*every_second, "autosave_on_changes true"), slow=True),
    ]
