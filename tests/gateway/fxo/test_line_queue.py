"""A site without a PBX: its ringing lines are a queue; each kind of call, cuts, and a whole morning of four lines against its truth."""

from __future__ import annotations

import random
from collections import Counter
from itertools import count
from typing import Any

import pytest
from msgspec import Struct

from appliance.core.catalogue import CallAbandoned, CallAnswered, CallEnded, CallLost, CallQueued
from gateway.fxo.caller_id import CallerId
from gateway.fxo.line import Line
from gateway.fxo.line_call import NS
from gateway.fxo.line_queue import LineQueue
from gateway.fxo.line_settings import LineSettings


class Floor:
    """Some lines, one clock in seconds, and what their queue tells."""

    def __init__(self, lines: int = 4, **settings: Any) -> None:
        self.lines = [
            Line(LineSettings(line=f"linea-{at}", country="es", **{"hook_sense": True, **settings})) for at in range(1, lines + 1)
        ]
        ids = count(1)
        senses = {line.settings.line: line.settings.senses_answer for line in self.lines}
        self.queue = LineQueue("lineas", "analog", lambda: f"call-{next(ids)}", title="Líneas", senses=senses.__getitem__)
        self.events: list[Struct] = []
        for line in self.lines:
            self._apply(line.found(0, tells_hook=True) + line.hook(False, 0, edge=False), 0)

    def _apply(self, told: Any, now_ns: int) -> None:
        self.events += self.queue.apply(told, now_ns)

    def do(self, now_s: float, at: int, what: str, *args: Any, **named: Any) -> None:
        now_ns = int(now_s * NS)
        self.wait(now_s)
        self._apply(getattr(self.lines[at], what)(*args, now_ns, **named), now_ns)

    def wait(self, now_s: float) -> None:
        for line in self.lines:
            while (due_ns := line.due_ns) is not None and due_ns <= int(now_s * NS):
                self._apply(line.tick(due_ns), due_ns)

    def of(self, kind: type[Struct]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def test_one_call_of_each_kind() -> None:
    floor = Floor()
    floor.do(10, 0, "ring")
    floor.do(10.5, 0, "caller_id", CallerId(format="modem", number="0987654321"))
    floor.do(11, 1, "ring")
    assert floor.queue.waiting == [("linea-1", 10 * NS), ("linea-2", 11 * NS)]
    floor.do(14, 0, "hook", True)
    floor.do(74, 0, "hook", False)
    floor.wait(100)
    assert floor.queue.waiting == []
    queued, answered, ended, abandoned = floor.of(CallQueued), floor.of(CallAnswered), floor.of(CallEnded), floor.of(CallAbandoned)
    assert [(each.visit, each.queue, each.pbx, each.title) for each in queued] == [
        ("call-1", "lineas", "analog", "Líneas"),
        ("call-2", "lineas", "analog", "Líneas"),
    ]
    assert [(each.visit, each.wait_s, each.caller) for each in answered] == [("call-1", 4.0, "0987654321")]
    assert [(each.visit, each.talk_s, each.inferred) for each in ended] == [("call-1", 60.0, False)]
    assert [(each.visit, each.wait_s, each.ringing) for each in abandoned] == [("call-2", 0.0, True)]


def test_nothing_senses_that_calls_are_taken() -> None:
    floor = Floor(hook_sense=False)
    floor.do(10, 0, "ring")
    floor.do(14.5, 0, "ring")
    floor.wait(100)
    assert [each.reason for each in floor.of(CallLost)] == ["not_sensed"]
    assert floor.of(CallAbandoned) == []


@pytest.mark.parametrize(("off", "reason", "talking"), [(True, "blind", True), (False, "blind", False)])
def test_a_source_cut_while_it_rings_gives_unknown(off: bool, reason: str, talking: bool) -> None:
    floor = Floor()
    floor.do(10, 0, "ring")
    floor.do(12, 0, "lost")
    floor.do(14, 0, "found", tells_hook=True)
    floor.do(14, 0, "hook", off, edge=False)
    floor.do(50, 0, "hook", False)
    floor.wait(100)
    assert [(each.reason, each.found_talking) for each in floor.of(CallLost)] == [(reason, talking)]
    assert floor.of(CallAbandoned) == floor.of(CallAnswered) == floor.of(CallEnded) == []


def test_a_morning_of_four_lines() -> None:
    """Two hundred calls with a truth of their own: every count is right, each visit ends once, and cuts make none of them an abandon."""
    dice, floor, truth = random.Random(11), Floor(), Counter[str]()
    todo: list[tuple[float, int, str, tuple[Any, ...], dict[str, Any]]] = []
    for at in range(4):
        now = 5.0
        for _ in range(50):
            now += dice.uniform(30, 200)
            rings, fate = dice.randint(1, 6), dice.choice(["answered", "abandoned", "out", "cut"])
            truth[fate] += 1
            if fate == "out":
                todo += [(now, at, "hook", (True,), {}), (now + 20, at, "hook", (False,), {})]
                now += 30
                continue
            todo += [(now + 4.5 * ring, at, "ring", (), {}) for ring in range(rings)]
            now += 4.5 * (rings - 1)
            if fate == "answered":
                todo += [(now + 2, at, "hook", (True,), {}), (now + 62, at, "hook", (False,), {})]
                now += 70
            if fate == "cut":
                todo += [
                    (now + 1, at, "lost", (), {}),
                    (now + 3, at, "found", (), {"tells_hook": True}),
                    (now + 3, at, "hook", (False,), {"edge": False}),
                ]
            now += 20
    for now_s, at, what, args, named in sorted(todo, key=lambda each: each[0]):
        floor.do(now_s, at, what, *args, **named)
    floor.wait(1e6)
    assert len(floor.of(CallQueued)) == truth["answered"] + truth["abandoned"] + truth["cut"]
    assert len(floor.of(CallAnswered)) == len(floor.of(CallEnded)) == truth["answered"]
    assert len(floor.of(CallAbandoned)) == truth["abandoned"]
    assert len(floor.of(CallLost)) == truth["cut"]
    assert {each.talk_s for each in floor.of(CallEnded)} == {60.0}
    ends = Counter(each.visit for kind in (CallEnded, CallAbandoned, CallLost) for each in floor.of(kind))
    assert set(ends.values()) == {1}
    assert ends.keys() == {each.visit for each in floor.of(CallQueued)}
