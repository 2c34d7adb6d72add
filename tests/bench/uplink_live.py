"""`uplink.live_during_drain`: how long a new event's word takes to the CRM while a backlog drains, beside the same with nothing else to do.

A call that rings is appended by another process, as a PBX's does; its screen pop is awaited at the broker. The events themselves
go in the journal's order; what must not wait for that is the live lane.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

from appliance.core.catalogue import CallRinging, kind_of
from appliance.core.clock import SystemClock
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.box import Box, Broker, Consumer, free_port
from tests.bench.room import Room, SkippedError
from tests.bench.table import Row, at_most, compared, percentile
from tests.bench.work import event

_RATE = 100
_SETTINGS = ("max_inflight_messages 1000", "persistence false")


def live_during_drain(room: Room) -> list[Row]:
    """Idle and drain in turns."""
    backlog = 80_000 if room.quick else 300_000
    pairs, counts, behind = [], [], []
    for again in room.rounds(3, 1):
        with room.passing() as folder:
            room.say(f"round {again + 1}: writing {backlog} events")
            idle, drain, left = _round(folder, backlog, 3 if room.quick else 10)
            pairs.append((percentile(drain, 0.99) * 1000, percentile(idle, 0.99) * 1000))
            counts.append(len(drain))
            behind.append(left)
    note = f"{min(counts)} pops in each drain of {backlog} events, the last with {min(behind)} still to go"
    return [compared("uplink.live_during_drain", "ms p99", pairs, "the same when idle", at_most(2, "× idle p99"), note)]


def _round(folder: Path, backlog: int, idle_s: float) -> tuple[list[float], list[float], int]:
    """Seconds of each pop when idle, and during a drain; and how many events still waited when the last of these was appended."""
    port = free_port()
    with Box(folder, crm_port=port) as box:
        journal = SqliteJournal.open(box.journal, run_dir=folder / "run")
        try:
            box.start("uplink")
            with Broker(folder / "broker", _SETTINGS, port) as broker, Consumer(broker), _Pops(broker) as pops:
                time.sleep(2.0)
                pops.ring(journal, 10, 10)
                idle = pops.ring(journal, int(idle_s * _RATE), _RATE)
            box.settled("uplink")
            for first in range(0, backlog, 500):
                journal.append([event(number) for number in range(first, first + 500)])
            box.settled("uplink")
            with Broker(folder / "broker", _SETTINGS, port) as broker, Consumer(broker) as consumer, _Pops(broker) as pops:
                box.wait_for("the drain begins", lambda: consumer.count > 500, pause_s=0.005)
                drain = pops.ring(journal, 1000, _RATE, until=lambda: consumer.count > 0.85 * backlog)
                left = backlog - consumer.count
        finally:
            journal.close()
    if len(drain) < 30 or left < 0:
        raise RuntimeError(f"the drain was over after {len(drain)} pops: too short to judge")
    return idle, drain, left


class _Pops:
    """Somebody at the broker who sees screen pops as they come."""

    def __init__(self, broker: Broker) -> None:
        program = shutil.which("mosquitto_sub")
        if program is None:
            raise SkippedError("no mosquitto_sub here: apt-get install mosquitto-clients")
        command = [program, "-V", "5", "-h", "127.0.0.1", "-p", str(broker.port), "-q", "0", "-t", "callfloor/+/+/+/pop/#"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        self._seen: dict[bytes, float] = {}
        self._clock = SystemClock()
        self._number = 0
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> _Pops:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ring(self, journal: SqliteJournal, most: int, rate: float, until: object = None) -> list[float]:
        """Append calls that ring, so many a second, and wait for their pops; seconds each. Raises RuntimeError when one never came."""
        sent: dict[bytes, float] = {}
        due = time.monotonic()
        for _ in range(most):
            if callable(until) and until():
                break
            self._number += 1
            call = f"bench-{os.getpid()}-{self._number}"
            data = CallRinging(call=call, pbx="central", queue="ventas", agent="agente-1", caller="0991234567")
            clock = self._clock
            made = Event(kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
            sent[call.encode()] = time.monotonic()
            journal.append([made])
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
        end = time.monotonic() + 30
        while any(call not in self._seen for call in sent):
            if time.monotonic() > end:
                raise RuntimeError(f"{sum(call not in self._seen for call in sent)} of {len(sent)} pops never came")
            time.sleep(0.05)
        return [self._seen[call] - at for call, at in sent.items()]

    def _run(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            now = time.monotonic()
            self._seen[line.partition(b'"call":"')[2].partition(b'"')[0]] = now
