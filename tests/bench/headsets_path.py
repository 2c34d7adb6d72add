"""`headsets.event_*`, `headsets.mute_p99`, `headsets.cpu_200`, `headsets.watch_*`: from a report on the wire to its event, durable.

Forty headsets, five changes a second each. An event's end is when another process has it in hand, which is a little after the commit.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetHook, HeadsetMute, event_from_stored, kind_of
from appliance.core.event import stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.box import Box
from tests.bench.headsets_bare import BareReader
from tests.bench.headsets_desks import DESKS, RATE, Act, Desks, desks, seat_of, seats
from tests.bench.room import Room, child, line_from, stop
from tests.bench.table import Row, alone, at_most, compared, no_more_than, percentile
from tests.bench.worker import tell

_MS = 1_000_000
#: By seat and kind: when each event of it was in hand, in monotonic ns.
Seen = dict[str, dict[str, list[int]]]


class _Measured:
    """What the rounds gave."""

    def __init__(self) -> None:
        self.hook: list[list[float]] = []
        self.mute: list[list[float]] = []
        self.bare: list[list[float]] = []
        self.cpu: list[tuple[float, float]] = []
        self.odd: list[float] = []


def own(room: Room) -> list[Row]:
    """Each headset owned by pyusb, its presses answered."""
    made = _measure(room, "own")
    note = f"{DESKS} headsets, {RATE} changes a second each"
    peer = f"bare pyusb, a thread a headset, SQLite FULL: {_median(made.bare, 0.99):.2f} ms p99"
    return [
        alone("headsets.event_p50", "ms", _each(made.hook, 0.5), no_more_than(20, "ms"), note, peer.replace("p99", "p99 a report")),
        alone("headsets.event_p99", "ms", _each(made.hook, 0.99), no_more_than(50, "ms"), note, peer),
        alone(
            "headsets.mute_p99", "ms", _each(made.mute, 0.99), no_more_than(50, "ms"), "press → lamp written, taken by the device → event"
        ),
        alone(
            "headsets.misread",
            "headsets",
            made.odd,
            no_more_than(0, "headsets"),
            "events more or fewer than changes; not in the rows above",
        ),
        compared("headsets.cpu_200", "% of a core", made.cpu, "bare pyusb, SQLite FULL", at_most(3, "× bare reader"), note),
    ]


def watch(room: Room) -> list[Row]:
    """Each headset watched by hidraw, while a softphone has it."""
    made = _measure(room, "watch")
    peer = f"bare hidraw, SQLite FULL: {_median(made.bare, 0.99):.2f} ms p99 a report"
    return [
        alone("headsets.watch_p50", "ms", _each(made.hook, 0.5), no_more_than(20, "ms"), against=peer),
        alone("headsets.watch_p99", "ms", _each(made.hook, 0.99), no_more_than(50, "ms"), against=peer),
        alone("headsets.watch_misread", "headsets", made.odd, no_more_than(0, "headsets")),
        compared("headsets.watch_cpu_200", "% of a core", made.cpu, "bare hidraw, SQLite FULL", at_most(3, "× bare reader")),
    ]


def _measure(room: Room, hold: str) -> _Measured:
    seconds = 5 if room.quick else 15
    made = _Measured()
    for again in room.rounds(3, 1):
        with room.passing() as folder, desks() as floor:
            room.say(f"round {again + 1}: {seconds} s of {DESKS * RATE} changes a second, {hold}")
            ours = _ours(folder, floor, hold, seconds, made)
            room.say(f"round {again + 1}: the same before a bare reader")
            with BareReader(folder / "bare", floor.env, hold) as bare:
                before = bare.cpu_s()
                acts = floor.play(seconds)
                time.sleep(0.5)
                made.cpu.append((ours, (bare.cpu_s() - before) / seconds * 100))
                made.bare.append(_bare_waits(acts, bare.durable()))
    return made


def _ours(folder: Path, floor: Desks, hold: str, seconds: float, made: _Measured) -> float:
    """One round of the service; its share of a core in per cent."""
    with Box(folder / "box", crm_port=None, more=seats(hold)) as box, Follower(box) as follower:
        service = floor.serve(box)
        box.wait_for("all headsets are attached", lambda: follower.attached() == DESKS)
        box.wait_for("all headsets are open", lambda: hold == "watch" or floor.open() == DESKS)
        floor.lift_and_hang_up()
        follower.seen()
        before = box.cpu_s()["headsets"]
        acts = floor.play(seconds)
        time.sleep(1.0)
        used = (box.cpu_s()["headsets"] - before) / seconds * 100
        assert service.poll() is None
        waits, odd = waits_ms(acts, follower.seen(), hold)
        made.odd.append(float(odd))
        made.hook.append(waits["hook"])
        made.mute.append(waits["mute"])
    return used


def waits_ms(acts: list[Act], seen: Seen, hold: str) -> tuple[dict[str, list[float]], int]:
    """Each change's way to its event, and of how many headsets nothing is counted: their events are fewer or more than their changes, which
    cannot be told apart then; it was read so late that its hook looked like a button (headsets/hook.py). Raises RuntimeError when many."""
    out: dict[str, list[float]] = defaultdict(list)
    wire: dict[tuple[str, str], list[int]] = defaultdict(list)
    for act in acts:
        if act.kind != "mute" or hold == "own":  # of a headset that is watched nobody knows whether it is muted
            wire[seat_of(act.port), act.kind].append(act.at_ns)
    odd = {seat for (seat, kind), sent in wire.items() if len(seen.get(seat, {}).get(kind, [])) != len(sent)}
    if len(odd) > DESKS // 10:
        raise RuntimeError(f"more or fewer events than changes: {' '.join(sorted(odd))}")
    for (seat, kind), sent in wire.items():
        if seat not in odd:
            out[kind] += [(at - began) / _MS for began, at in zip(sent, seen[seat][kind], strict=True)]
    return out, len(odd)


def _bare_waits(acts: list[Act], durable: dict[str, list[int]]) -> list[float]:
    """The same of each report; a press of mute is two."""
    wire: dict[str, list[int]] = defaultdict(list)
    for act in acts:
        wire[act.port] += [act.at_ns] * (1 if act.kind == "hook" else 2)
    return [(at - began) / _MS for port, sent in wire.items() for began, at in zip(sent, durable[port], strict=True)]


def _each(rounds: list[list[float]], share: float) -> list[float]:
    return [percentile(waits, share) for waits in rounds]


def _median(rounds: list[list[float]], share: float) -> float:
    return percentile(_each(rounds, share), 0.5)


class Follower:
    """Another process that follows the journal."""

    def __init__(self, box: Box) -> None:
        self._process = child("headsets_path:follow", path=str(box.journal), run_dir=str(box.folder / "run"))
        line_from(self._process)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    def _ask(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def attached(self) -> int:
        """How many are plugged by the events so far."""
        self._ask("attached")
        return int(line_from(self._process))

    def seen(self) -> Seen:
        """What came since the last call."""
        self._ask("seen")
        told: Seen = line_from(self._process)
        return told


def follow(path: str, run_dir: str) -> None:
    """Child: note when each headset event was in hand."""
    seen: Seen = {}
    attached: set[str] = set()

    async def run() -> None:
        journal = SqliteJournal.open(Path(path), run_dir=Path(run_dir))
        at = 0
        tell("ready")
        while True:
            await journal.wait(at, 5.0)
            rows = journal.read(at)
            now_ns = time.monotonic_ns()
            for row in rows:
                at = row.seq
                data = event_from_stored(stored_from_body(row.body)).data
                if not isinstance(data, HeadsetHook | HeadsetMute | HeadsetAttached | HeadsetDetached):
                    continue
                seen.setdefault(data.seat, {}).setdefault(kind_of(data).removeprefix("headset."), []).append(now_ns)
                if isinstance(data, HeadsetAttached):
                    attached.add(data.seat)
                elif isinstance(data, HeadsetDetached):
                    attached.discard(data.seat)

    async def serve() -> None:
        following = asyncio.ensure_future(run())
        loop = asyncio.get_running_loop()
        while word := await loop.run_in_executor(None, _word):
            if word == "attached":
                tell(len(attached))
            else:
                told = dict(seen)
                seen.clear()
                tell(told)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    asyncio.run(serve())


def _word() -> str:
    return sys.stdin.readline().strip()
