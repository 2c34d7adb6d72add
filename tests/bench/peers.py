"""Sets the journal beside other makers' stores: which loses what it had acknowledged. The part of docs/performance.md on peers.

make bench-peers                          all, twenty rounds of each, about half an hour
make bench-peers ARGS="--only peers.kill" one part
make bench-peers ARGS=--quick             two rounds of each: does it work

ThingsBoard gateway is installed into build/peers, apart from everything else; the disks are ext4 in files, mounted for a round: needs root.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.ledger import ACCEPTED, REFUSED, Ledger
from tests.bench.peers_stores import Store, Task, stores
from tests.bench.room import ROOT, Room, SkippedError
from tests.bench.suite import run
from tests.bench.table import Goal, Row, no_more_than, number, rounded
from tests.bench.work import body

BENCHES: Final[dict[str, tuple[str, ...]]] = {
    "peers:kill": ("peers.kill.lost", "peers.kill.twice", "peers.kill.recover"),
    "peers:power": ("peers.power.lost", "peers.power.twice", "peers.power.recover"),
    "peers:full": ("peers.full.lost", "peers.full.twice", "peers.full.refused"),
}
_ROUNDS: Final = 20
#: Events a second while something is about to break; how long until it does.
_RATE: Final = 500.0
_BREAKS_S: Final = (0.7, 3.2)
#: Offered to a disk that cannot hold them.
_FLOOD: Final = 40_000
_SMALL_MB, _LARGE_MB = 16, 64


class Round(msgspec.Struct, frozen=True):
    """What became of one round's events: lost and twice are of those that were accepted; `recover_s` None: nothing came back."""

    accepted: int
    refused: int
    lost: int
    twice: int
    recover_s: float | None


def kill(room: Room) -> list[Row]:
    """SIGKILL at a random moment."""

    def play(store: Store, folder: Path, events: Path, moment_s: float) -> Round:
        task, disk = Task(folder, events, _count(), _RATE), folder / "disk"
        disk.mkdir()
        running = store.start(task, disk)
        time.sleep(moment_s)
        running.kill()
        return _judged(store, task, disk)

    return _rows("kill", _played(room, play, slow=True), f"kill -9 after {_BREAKS_S[0]} to {_BREAKS_S[1]} s")


def power(room: Room) -> list[Row]:
    """The power of the disk goes: what had reached the block device is all that there is."""

    def play(store: Store, folder: Path, events: Path, moment_s: float) -> Round:
        task, image, cut = Task(folder, events, _count(), _RATE), folder / "disk.img", folder / "cut.img"
        with mounted(image, folder / "disk", _LARGE_MB) as disk:
            subprocess.run(["sync", "-f", str(disk)], check=True)
            running = store.start(task, disk)
            time.sleep(moment_s)
            running.freeze()
            # The image's bytes are what the device was given; dirty pages of the file system on it are in memory only, and are not in the copy.
            shutil.copyfile(image, cut)
            running.kill()
        with mounted(cut, folder / "after", None) as disk:
            return _judged(store, task, disk)

    return _rows("power", _played(room, play, slow=True), f"power cut after {_BREAKS_S[0]} to {_BREAKS_S[1]} s")


def full(room: Room) -> list[Row]:
    """More events than the disk holds, an orderly end, and then what is there."""

    def play(store: Store, folder: Path, events: Path, moment_s: float) -> Round:
        del moment_s
        task = Task(folder, events, _FLOOD, 0.0)
        with mounted(folder / "disk.img", folder / "disk", _SMALL_MB) as disk:
            running = store.start(task, disk)
            ledger, until = Ledger(str(task.ledger), task.count), time.monotonic() + 120
            while not ledger.ended and time.monotonic() < until:
                time.sleep(0.05)
            running.end()
            return _judged(store, task, disk)

    return _rows("full", _played(room, play, slow=False), f"{_FLOOD} events onto a disk of {_SMALL_MB} MB")


def _count() -> int:
    return int(_RATE * (_BREAKS_S[1] + 1))


def _played(room: Room, play: Callable[[Store, Path, Path, float], Round], *, slow: bool) -> dict[str, list[Round]]:
    """Each contestant in turns, so that a busy machine is busy for all."""
    contestants = [store for store in stores() if slow or not store.slow]
    found: dict[str, list[Round]] = {store.name: [] for store in contestants}
    with room.passing() as place:
        events = place / "events"
        events.write_bytes(b"".join(body(each) + b"\n" for each in range(_FLOOD)))
        for again in room.rounds(_ROUNDS):
            moment_s = random.Random(again).uniform(*_BREAKS_S)  # the same for all
            for store in contestants:
                room.say(f"round {again + 1}: {store.name}")
                folder = place / "round"
                folder.mkdir()
                try:
                    found[store.name].append(play(store, folder, events, moment_s))
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
    return found


def _judged(store: Store, task: Task, disk: Path) -> Round:
    ledger = Ledger(str(task.ledger), task.count)
    accepted, told = ledger.numbers(ACCEPTED), store.kept(task.folder, disk)
    numbers = told["numbers"]
    return Round(
        accepted=len(accepted),
        refused=len(ledger.numbers(REFUSED)),
        lost=len(accepted - set(numbers)),
        twice=len(numbers) - len(set(numbers)),
        recover_s=told["seconds"],
    )


@contextmanager
def mounted(image: Path, point: Path, megabytes: int | None) -> Iterator[Path]:
    """An ext4 in a file, made anew (`megabytes`) or as it is. Raises SkippedError where that is not allowed."""
    point.mkdir()
    if megabytes is not None:
        with image.open("wb") as file:
            file.truncate(megabytes * 1024**2)
        _ran("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    _ran("mount", "-o", "loop,noatime", str(image), str(point))
    try:
        yield point
    finally:
        for _ in range(50):
            if not subprocess.run(["umount", str(point)], capture_output=True, check=False).returncode:
                break
            time.sleep(0.1)


def _ran(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SkippedError(f"no {command[0]} here") from None
    if done.returncode:
        raise SkippedError(f"{' '.join(command)}: {done.stderr.strip()[:200]}")


def _rows(part: str, found: dict[str, list[Round]], note: str) -> list[Row]:
    none = no_more_than(0, "in any round")
    rows = [
        _row(f"peers.{part}.lost", "events", found, lambda one: one.lost, none, note),
        _row(f"peers.{part}.twice", "events", found, lambda one: one.twice, none),
    ]
    if part == "full":
        rows.append(_row("peers.full.refused", "events", found, lambda one: one.refused, Goal("≥", 1, "with an error", on_value=True)))
    else:
        rows.append(
            _row(f"peers.{part}.recover", "ms", found, lambda one: None if one.recover_s is None else 1000 * one.recover_s,
                 no_more_than(1000, "ms")),
        )  # fmt: skip
    return rows


def _row(name: str, unit: str, found: dict[str, list[Round]], of: Callable[[Round], float | None], goal: Goal, note: str = "") -> Row:
    """Ours as the value, the worst round where nothing may be lost; the peers beside it, each with its median, lowest and highest round."""
    ours, *peers = found
    mine = [value for one in found[ours] if (value := of(one)) is not None]
    worst = goal.bound == 0
    value = max(mine) if worst else statistics.median(mine)
    taken = f"accepted {number(statistics.median(one.accepted for one in found[ours]))} a round" if note else ""
    return Row(
        name=name, value=rounded(value), unit=unit, against="; ".join(_told(peer, found[peer], of) for peer in peers), ratio=None,
        goal=str(goal), runs=len(mine), met=goal.met(value, None), spread=(rounded(min(mine)), rounded(max(mine))),
        note=", ".join(word for word in (note, taken) if word),
    )  # fmt: skip


def _told(name: str, rounds: list[Round], of: Callable[[Round], float | None]) -> str:
    values = [value for one in rounds if (value := of(one)) is not None]
    if not values:
        return f"{name}: never"
    accepted = statistics.median(one.accepted for one in rounds)
    spread = f"[{number(min(values))} – {number(max(values))}]" if min(values) != max(values) else ""
    some = f", in {len(values)} of {len(rounds)}" if len(values) < len(rounds) else ""
    return f"{name}: {number(statistics.median(values))} {spread}{some} (of {number(accepted)})".replace("  ", " ")


def main() -> int:
    """Exit code 0 when nothing that the journal acknowledged was lost."""
    return run(BENCHES, ROOT / "build" / "bench-peers.json", "bench-peers", "bench-peers", __doc__)


if __name__ == "__main__":
    sys.exit(main())
