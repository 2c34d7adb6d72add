"""`agi.answer`: from a PBX's connection to the last byte of what it is told, while the floor lives.

A thousand rules of which the last but few fits, a million customers, a day of 100 000 calls, phones that ring fifty times a second beside it;
asked once a second, and fifty times a second. The environment goes out line by line, as Asterisk writes it.
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.bench.box import Box, free_port
from tests.bench.pop_ring import fill
from tests.bench.ringing import Ringing, number_of
from tests.bench.room import Room
from tests.bench.startup_board import make_day
from tests.bench.table import Row, alone, no_more_than, percentile

_RULES = 1000
_GOAL_MS = 20
_RATE = 50
_NAMES = (
    "channel",
    "language",
    "type",
    "version",
    "calleridname",
    "callingani2",
    "callington",
    "callingtns",
    "rdnis",
    "context",
    "accountcode",
)


def answer(room: Room) -> list[Row]:
    """The 99th percentile of each."""
    calls, customers = (2_000, 20_000) if room.quick else (100_000, 1_000_000)
    port = free_port()
    with room.passing() as folder:
        journal = folder / "day" / "journal.db"
        make_day(room, journal, calls)
        fill(journal.with_name("directory.db"), customers, room.say)
        more = f'[directory]\ncountry = "EC"\n[routing]\nlisten = "127.0.0.1:{port}"\nrules = "{rules(folder)}"\nanswer_ms = 1000\n'
        with Ringing() as pbx, Box(folder / "box", pbx_port=pbx.port, crm_port=None, journal=journal, more=more) as box:
            room.say("starting gateway and routing")
            box.start("gateway")
            box.start("routing")
            box.settled("routing")
            slow = _measure(room, pbx, port, 10 if room.quick else 100, 1.0)
            fast = _measure(room, pbx, port, _RATE * (5 if room.quick else 60), float(_RATE))
    note = f"{_RULES} rules, {customers} customers, day of {calls} calls, {_RATE} rings a second"
    goal = no_more_than(_GOAL_MS, "ms")
    return [
        alone("agi.answer_1", "ms p99", [percentile(slow, 0.99)], goal, f"{_said(slow)}, one a second; {note}"),
        alone("agi.answer_50", "ms p99", [percentile(fast, 0.99)], goal, f"{_said(fast)}, fifty a second"),
    ]


def rules(folder: Path) -> Path:
    """As many as a floor may have: numbers, segments, hours, digits, in turn; the last takes every customer."""
    kinds = (
        'caller = ["+5937{0:04d}*", "097{0:04d}*"]',
        'segment = ["clase-{0}"]\nhours = "laboral"',
        'digits = ["main:{0}", "sub:{0}*"]',
        'dialled = ["1800{0:06d}"]\ngave_up_from = {1}',
    )
    rows = [f'[[rule]]\nname = "r{at}"\npriority = 1\n{kinds[at % 4].format(at, at % 9 + 1)}\n' for at in range(_RULES - 1)]
    rows.append('[[rule]]\nname = "last"\nsegment = ["vip", "plata"]\nqueue = "ventas"\npriority = 5\nset = { SALUDO = "hola" }\n')
    path = folder / "rules.toml"
    path.write_text('[schedules.laboral]\nmon = ["08:00-18:00"]\ntue = ["08:00-18:00"]\n' + "".join(rows))
    return path


def _measure(room: Room, pbx: Ringing, port: int, asked: int, rate: float) -> list[float]:
    room.say(f"{asked} calls, {rate:g} a second")
    pbx.begin(round(asked / rate * _RATE), _RATE)
    out, due = [], time.monotonic()
    for number in range(asked):
        time.sleep(max(0.0, due - time.monotonic()))
        due += 1 / rate
        out.append(ask(port, number) * 1000)
    pbx.sent()
    return out


def ask(port: int, number: int) -> float:
    """One AGI(): the seconds from before its connection until the command was there. Raises RuntimeError where none came, or another rule."""
    fields = [
        ("network", "yes"),
        ("network_script", "route?default=ventas"),
        ("uniqueid", f"{number}.1"),
        ("callerid", number_of(number % 10_000)),
    ]
    lines = [f"agi_{name}: {text}\n".encode() for name, text in [*fields, *((name, "unknown") for name in _NAMES), ("dnid", "1800999")]]
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 5.0) as wire:
        for line in lines:
            wire.sendall(line)
        wire.sendall(b"\n")
        got = b""
        while not got.endswith(b"\n"):
            piece = wire.recv(4096)
            if not piece:
                raise RuntimeError("the routing help closed without an answer")
            got += piece
        took_s = time.perf_counter() - began
        wire.sendall(b"200 result=0\n")
        wire.recv(1)
    if b"CALLFLOOR_RULE=last" not in got or b"CALLFLOOR_SEGMENT=" not in got:
        raise RuntimeError(f"another answer than wanted: {got!r}")
    return took_s


def _said(waits_ms: list[float]) -> str:
    return f"p50 {percentile(waits_ms, 0.5):.2f} ms, max {max(waits_ms):.1f} ms"
