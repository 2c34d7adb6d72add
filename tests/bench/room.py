"""Where a benchmark works: its folder under build/, its child processes, its word to the person who waits. All is removed at the end."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "build" / "bench"


class SkippedError(Exception):
    """This machine lacks what a measurement needs; the text says what."""


class Room:
    """One run's place. `quick` shortens every measurement: for looking whether it works, not for figures."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.name = ""
        self._exits = ExitStack()
        self._made = 0
        self._shared: dict[str, Any] = {}
        self._line = False

    def __enter__(self) -> Self:
        FOLDER.parent.mkdir(exist_ok=True)
        lock = self._exits.enter_context((FOLDER.parent / "bench.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("bench: another run is under way here; two would spoil each other's figures") from None
        let_go()
        FOLDER.mkdir(parents=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.say("")
        let_go()
        self._exits.close()

    def folder(self) -> Path:
        """A new empty folder."""
        self._made += 1
        path = FOLDER / f"{self._made:03d}"
        path.mkdir(parents=True)
        return path

    @contextmanager
    def passing(self) -> Iterator[Path]:
        """A new empty folder that is gone at the end of the block."""
        path = self.folder()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def rounds(self, full: int, quick: int = 2) -> range:
        """How often to repeat."""
        return range(quick if self.quick else full)

    def shared(self, name: str, make: Callable[[], Any]) -> Any:
        """Something that several measurements use and that is dear to make."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def say(self, text: str) -> None:
        """Progress: one line that is written over on a terminal, a line each in a log."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{self.name}: {text}" if text else "\r\033[K")
        elif text:
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {self.name}: {text}\n")
        sys.stderr.flush()

    def need_disk(self, gigabytes: float) -> None:
        """Raise SkippedError when build/ has no room for so much."""
        free = shutil.disk_usage(FOLDER).free / 1e9
        if free < gigabytes + 1:
            raise SkippedError(f"needs {gigabytes:g} GB free under {FOLDER}, there are {free:.1f}")


def child(call: str, env: dict[str, str] | None = None, python: Path | None = None, **arguments: Any) -> subprocess.Popen[str]:
    """Start `module:function(**arguments)` of this folder in a process of its own, and of another `python`; it prints JSON lines."""
    command = [str(python or sys.executable), "-m", "tests.bench.worker", call, json.dumps(arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def line_from(process: subprocess.Popen[str]) -> Any:
    """The next JSON line of a child. Raises RuntimeError when it died instead."""
    assert process.stdout is not None
    text = process.stdout.readline()
    if not text:
        raise RuntimeError(f"{' '.join(process.args[3:])} ended with {process.wait()}")  # type: ignore[index,arg-type]
    return json.loads(text)


def result_of(call: str, env: dict[str, str] | None = None, **arguments: Any) -> Any:
    """Run a child to its end and give what it printed first."""
    process = child(call, env, **arguments)
    try:
        return line_from(process)
    finally:
        stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process that this run started, gently first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def let_go() -> None:
    """Unmount and remove whatever an earlier run, or this one, left under build/bench."""
    mounts = [line.split(" ")[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in mounts:
        if Path(point).is_relative_to(FOLDER):
            subprocess.run(["umount", point], check=False)
    shutil.rmtree(FOLDER, ignore_errors=True)
