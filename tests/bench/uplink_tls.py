"""`uplink.drain_tls`: a backlog's way to a broker over TLS with certificates on both sides, beside plain paho over the same."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.bench.authority import authority, files_toml, listener
from tests.bench.box import Box, Broker, free_port
from tests.bench.room import Room, child, line_from, stop
from tests.bench.table import Row, at_least, compared
from tests.bench.uplink_drain import SETTINGS, WINDOW, Pace, journal_of, timed


def drain_tls(room: Room) -> list[Row]:
    """Both in turns, each with a fresh broker; whoever counts subscribed on the broker's plain port."""
    count = 3_000 if room.quick else 30_000
    pairs, cpu = [], []
    with room.passing() as folder:
        keys = folder / "keys"
        authority(keys)
        for again in room.rounds(3, 1):
            place = folder / str(again)
            messages = journal_of(place, count)
            room.say(f"round {again + 1}: {count} messages by the uplink")
            ours = _by_uplink(place, keys, count)
            room.say(f"round {again + 1}: {count} messages by plain paho")
            peer = _by_paho(place, keys, messages, count)
            pairs.append((ours[0], peer[0]))
            cpu.append(ours[1] / peer[1])
            shutil.rmtree(place)
    note = f"CPU {sorted(cpu)[len(cpu) // 2]:.2f} × the thread's"
    against = f"plain paho thread over TLS, inflight {WINDOW}"
    return [compared("uplink.drain_tls", "msg/s", pairs, against, at_least(3, "× plain paho thread"), note)]


def _by_uplink(folder: Path, keys: Path, count: int) -> Pace:
    out: list[Pace] = []
    port, plain = free_port(), free_port()
    crm = f'[crm]\nurl = "mqtts://127.0.0.1:{port}"\nreconnect_max_s = 2\n{files_toml(keys)}'
    with Box(folder / "box", crm_port=None, journal=folder / "journal.db", more=crm) as box:
        box.start("uplink")
        box.settled("uplink")
        settings = (*SETTINGS, *listener(keys, port))
        with Broker(folder / "broker", settings, plain) as broker, timed(broker, count, lambda: box.processes["uplink"].pid, out):
            pass
    return out[0]


def _by_paho(folder: Path, keys: Path, messages: Path, count: int) -> Pace:
    out: list[Pace] = []
    port = free_port()
    with Broker(folder / "broker", (*SETTINGS, *listener(keys, port))) as broker:
        process = child("uplink_drain:plain_paho", port=port, messages=str(messages), tls=str(keys))
        try:
            line_from(process)
            with timed(broker, count, lambda: process.pid, out):
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
        finally:
            stop(process)
    return out[0]
