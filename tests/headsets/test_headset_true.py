"""A simulated headset and its seat, one sequence at a time: hook and mute are shown as the person at the desk would say, or as not known.

Nobody lifts and hangs up within half a second here; what is shown is looked at when a press has been made sure of.
"""

from __future__ import annotations

from heapq import heappop, heappush

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import AgentState
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_model import MODELS
from headsets.report import led_report, split, values
from headsets.seat import Device, Hold, Seat, Step

MS = 1_000_000
#: A USB device is asked every few milliseconds what it has to say; a write takes one.
BUS_NS, WRITE_NS = 4 * MS, 1 * MS
#: A look waits so long after the last touch, and nobody is faster.
SURE_MS = 600
HOLDS: tuple[Hold, ...] = ("own", "watch")
CALLS: tuple[AgentState, ...] = ("available", "ringing", "talking", "holding", "wrap_up", "unknown")
ACTS = ("lift", "hang_up", "hook", "mute", "look", "pull", "pull_found", *(f"pbx {state}" for state in CALLS))


class Desk:
    """One headset at its host, which is a box (or somebody's softphone), and a box that reads along."""

    def __init__(self, model: str) -> None:
        self.model, self.now_ns = MODELS[model], 50_000 * MS
        self.state: AgentState = "available"
        self._wire: list[tuple[int, int, str, list[bytes]]] = []
        self._count = 0
        self.seats = {hold: Seat("a", hold=hold) for hold in HOLDS}
        self.plug(found=True)

    def plug(self, *, found: bool) -> None:
        self.headset = SimHeadset(self.model)
        self._wire.clear()
        device = Device(vendor_id=self.model.vendor_id, product_id=self.model.product_id)
        for hold, seat in self.seats.items():
            self._take(hold, seat.plugged(device, self.headset.layout, self.now_ns, found=found))
            self._take(hold, seat.told(self.state, self.now_ns))

    def act(self, act: str) -> None:
        word, _, state = act.partition(" ")
        if word == "pbx":
            self.state = state  # type: ignore[assignment]
            for hold, seat in self.seats.items():
                self._take(hold, seat.told(self.state, self.now_ns))
        elif word.startswith("pull"):
            for hold, seat in self.seats.items():
                self._take(hold, seat.pulled())
            self._wire.clear()
            self.wait(SURE_MS)
            self.plug(found=word == "pull_found")
        elif word != "look":
            self._put(BUS_NS, "device", getattr(self.headset, word)(self.now_ns))

    def wait(self, ms: int) -> None:
        """Let time pass: for the headset, the wire and the seats."""
        until_ns = self.now_ns + ms * MS
        for _ in range(10_000):
            due = [self.headset.due_ns, self._wire[0][0] if self._wire else None, *(seat.due_ns for seat in self.seats.values())]
            next_ns = min((at_ns for at_ns in due if at_ns is not None), default=until_ns)
            if next_ns > until_ns:
                break
            self.now_ns = max(self.now_ns, next_ns)
            self._pass()
            if next_ns == until_ns and not self._is_due(until_ns):
                break
        self.now_ns = until_ns

    def _is_due(self, at_ns: int) -> bool:
        due = [self.headset.due_ns, self._wire[0][0] if self._wire else None, *(seat.due_ns for seat in self.seats.values())]
        return any(each is not None and each <= at_ns for each in due)

    def _pass(self) -> None:
        self._put(BUS_NS, "device", self.headset.tick(self.now_ns))
        while self._wire and self._wire[0][0] <= self.now_ns:
            _, _, whose, reports = heappop(self._wire)
            if whose == "host":
                for report in reports:
                    self._put(BUS_NS, "device", self.headset.written(report, self.now_ns) or [])
                self._take("own", self.seats["own"].wrote(True, self.now_ns))
                continue
            for report in reports:
                said = values(self.headset.layout, *split(self.headset.layout, report))
                for hold, seat in self.seats.items():
                    self._take(hold, seat.reported(said, self.now_ns))
        for hold, seat in self.seats.items():
            if seat.due_ns is not None and seat.due_ns <= self.now_ns:
                self._take(hold, seat.tick(self.now_ns))

    def _put(self, after_ns: int, whose: str, reports: list[bytes]) -> None:
        if reports:
            self._count += 1
            heappush(self._wire, (self.now_ns + after_ns, self._count, whose, reports))

    def _take(self, hold: Hold, step: Step) -> None:
        if step.lamps is not None:
            assert hold == "own"
            self._put(WRITE_NS, "host", led_report(self.headset.layout, step.lamps))

    def wrong(self) -> list[str]:
        """What is shown and is not so."""
        truth, out = self.headset, []
        for hold, seat in self.seats.items():
            if hold == "watch" and not self.model.habits.echo:
                continue  # where the softphone's lamp moves the hook such a model tells nothing: docs/limits.md
            if seat.hook.value != "unknown" and (seat.hook.value == "off") != truth.off_hook:
                out.append(f"{hold}: hook {seat.hook.value} by {seat.hook.by}")
            # Of a softphone that mutes by itself a watcher sees nothing: there presses are counted.
            if hold == "own" and truth.off_hook and seat.hook.value == "off" and seat.mute.value not in (None, truth.muted):
                out.append(f"{hold}: mute {seat.mute.value} by {seat.mute.by}")
        return out


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=60, deadline=None)
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from((SURE_MS, 900, 2600))), max_size=14))
def test_it_is_shown_as_it_is_or_as_not_known(model: str, acts: list[tuple[str, int]]) -> None:
    desk = Desk(model)
    for act, wait_ms in acts:
        desk.act(act)
        desk.wait(wait_ms)
        assert not desk.wrong(), acts
