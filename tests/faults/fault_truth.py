"""How the box's events and boards are held against the simulated PBX's truth, visit by visit."""

from __future__ import annotations

import bisect
import time
from collections import Counter
from typing import Any

import msgspec
from fault_box import Box, Crm, until

from appliance.core.clock import NS, SystemClock
from appliance.core.config_file import load
from appliance.core.slug import slug
from appliance.floor_view import FloorView

ANSWERED = {"talking", "completed_agent", "completed_caller", "blind", "killed"}
LEFT = {"timeout", "exitkey", "exitempty", "withdrawn"}
ENDS = {"call.answered": "answered", "call.abandoned": "abandoned", "call.left": "left", "call.lost": "unknown"}
#: Between the PBX's moment and ours lie a socket, a loaded machine and a commit.
NEAR_S = 1.5
#: An ending may be held back for two seconds.
HELD_BACK_S = 2.3
#: The PBX tells waits in whole seconds; a visit first seen after blindness is as exact as that.
TOLD_S = 2.0
#: What had arrived and was not yet durable when the process died belongs to its absence.
UNSAVED_S = 1.0


class Seen(msgspec.Struct):
    """One visit as the box's events tell it."""

    visit: str
    call: str
    queue: str
    caller: str | None
    joined_s: float
    inferred: bool
    outcome: str = "waiting"
    reason: str | None = None
    wait_s: float | None = None
    agent: str | None = None
    talk_s: float | None = None
    talk_inferred: bool = False


def visits_of(events: list[Any]) -> dict[str, Seen]:
    """Visits from events (kind, wall seconds, data), asserting that each begins once, ends once and keeps its call."""
    found: dict[str, Seen] = {}
    for kind, at_s, d in events:
        name = d.get("visit")
        if not kind.startswith("call.") or name is None:
            continue
        if kind == "call.queued":
            assert name not in found, f"visit {name} begins twice"
            found[name] = Seen(name, d["call"], d["queue"], d.get("caller"), at_s - d.get("waited_s", 0.0), d.get("inferred", False))
            continue
        seen = found[name]
        assert seen.call == d["call"], f"visit {name} changed its call"
        assert seen.queue == d["queue"], f"visit {name} changed its queue"
        if kind in ENDS:
            assert seen.outcome == "waiting", f"visit {name} ends twice: {seen.outcome}, then {kind}"
            seen.outcome, seen.wait_s, seen.agent, seen.reason = ENDS[kind], d.get("wait_s"), d.get("agent"), d.get("reason")
        elif kind == "call.ended":
            assert seen.talk_s is None, f"the talk of visit {name} ends twice"
            seen.talk_s, seen.talk_inferred = d["talk_s"], d.get("inferred", False)
    return found


def true_outcome(row: dict[str, Any]) -> str:
    """The truth's word in ours."""
    if row["outcome"] in ANSWERED:
        return "answered"
    if row["outcome"] == "abandoned":
        return "left" if row.get("ended_by_pbx_restart") else "abandoned"
    if row["outcome"] in LEFT:
        return "left"
    return {"lost": "unknown", "waiting": "waiting"}[row["outcome"]]


def wait_ended_s(row: dict[str, Any]) -> float:
    return float(row.get("connect", row.get("end", 1e18)))


def paired(seen: dict[str, Seen], truth: dict[str, Any]) -> tuple[list[tuple[Seen, dict[str, Any]]], list[dict[str, Any]]]:
    """Each visit with its truth, one to one, and the truths that nobody saw. A visit without a truth is false: it fails."""
    free: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in truth["calls"]:
        free.setdefault((slug(row["queue"]), row["caller"]), []).append(row)
    pairs = []
    for one in sorted(seen.values(), key=lambda one: (one.inferred, one.outcome != "answered")):  # the surest first
        near = [row for row in free.get((one.queue, one.caller or ""), []) if abs(row["enter"] - one.joined_s) <= TOLD_S + NEAR_S]
        assert near, f"no caller of the truth is this visit: {one}"
        row = min(near, key=lambda row: (_is_another(one, row), abs(row["enter"] - one.joined_s)))
        free[one.queue, one.caller or ""].remove(row)
        pairs.append((one, row))
    return pairs, [row for rows in free.values() for row in rows]


def _is_another(one: Seen, row: dict[str, Any]) -> bool:
    """Of two calls that the same caller made within a second, this visit is the one that its agent took."""
    return one.agent is not None and one.outcome == "answered" and slug(row.get("agent", ""), "a") != one.agent


class Absences:
    """When the box could not see the PBX: joined spans of wall time."""

    def __init__(self, spans: list[tuple[float, float]]) -> None:
        self.spans: list[tuple[float, float]] = []
        for begins, ends in sorted(spans):
            if self.spans and begins <= self.spans[-1][1]:
                self.spans[-1] = (self.spans[-1][0], max(ends, self.spans[-1][1]))
            else:
                self.spans.append((begins, ends))

    def hold(self, at_s: float) -> bool:
        index = bisect.bisect_right(self.spans, (at_s, 1e18)) - 1
        return index >= 0 and at_s <= self.spans[index][1]

    def cover(self, from_s: float, to_s: float) -> bool:
        """Whether one span covers it whole."""
        return any(begins <= from_s and to_s <= ends for begins, ends in self.spans)

    def lateness_s(self, at_s: float) -> float:
        """From a moment to the end of its span; 0 outside."""
        return max((ends - at_s for begins, ends in self.spans if begins <= at_s <= ends), default=0.0)

    @property
    def total_s(self) -> float:
        return sum(ends - begins for begins, ends in self.spans)


def absences_of(box: Box, blindings: list[float]) -> Absences:
    """From each blinding (a kill, a lost link) to the next time the box says that sight is whole; and before the first."""
    sighted = [event.wall_ns / NS for event in box.events() if event.kind == "pbx.resynced"]
    spans = [(0.0, sighted[0] + UNSAVED_S)]
    for at_s in blindings:
        after = [s for s in sighted if s > at_s]
        spans.append((at_s - UNSAVED_S, (after[0] if after else 1e18) + UNSAVED_S))
    return Absences(spans)


def settled_alone(box: Box) -> dict[str, Any]:
    """The board's last word, once everything is recorded and shown."""

    seq, changed_s = 0, time.monotonic()

    def quiet() -> Any:
        nonlocal seq, changed_s
        with box.journal() as journal:
            while page := journal.read(seq):
                seq = page[-1].seq
                if any(row.body.startswith(b'{"k":"call.') for row in page):  # agents go on to take their breaks
                    changed_s = time.monotonic()
        floor = box.floor() if time.monotonic() - changed_s > HELD_BACK_S else None
        return floor if floor and floor["seq"] >= seq else None

    floor: dict[str, Any] = until(quiet, 60.0, box.logs)
    return floor


def settled(box: Box, crm: Crm) -> dict[str, Any]:
    """The same, once everything is delivered too."""

    def delivered() -> Any:
        with box.journal() as journal:
            return journal.account("uplink").waiting == 0 and len(crm.once()) >= journal.head().n

    until(delivered, 60.0, box.logs)
    floor = settled_alone(box)
    until(delivered, 10.0, box.logs)
    return box.floor() or floor


def crm_has_the_journal(box: Box, crm: Crm) -> None:
    """Every due row arrived, under its own id, with its own content, and nothing else did."""
    with box.journal() as journal:
        epoch = journal.epoch
    due = [row for row in box.rows() if row.n is not None]
    until(lambda: len(crm.once()) >= len(due), 10.0, box.logs)
    got = {n: event for event in crm.once().values() if (n := int(event["delivery"])) <= len(due)}
    assert [row.n for row in due] == list(range(1, len(due) + 1)), "delivery numbers are dense"
    assert sorted(got) == [row.n for row in due], "a gap, or more than was recorded"
    for row in due:
        stored, event = msgspec.json.decode(row.body), got[row.n]
        assert event["id"] == f"{epoch}-{row.seq}"
        assert event["type"] == f"callfloor.{stored['k']}.v1"
        assert event["data"] == stored["d"]


def board_is_the_fold(box: Box, floor: dict[str, Any]) -> None:
    """The board that was killed and came back shows what a fresh fold of the journal shows."""
    with box.journal() as journal:
        view = FloorView(journal, load(box.folder / "callfloor.toml"), SystemClock())
        while view.catch_up():
            pass
        fresh = msgspec.to_builtins(view.snapshot())
    for key in (
        "offered",
        "answered",
        "answered_ended",
        "abandoned",
        "short_abandoned",
        "left",
        "left_by",
        "unknown",
        "waiting",
        "wait_sum",
        "talk_sum",
        "hold_sum",
    ):
        assert floor["floor"]["today"].get(key) == fresh["floor"]["today"].get(key), key
        for name, queue in fresh["queues"].items():
            assert floor["queues"][name]["today"].get(key) == queue["today"].get(key), (name, key)
    assert {key: agent["answered"] for key, agent in floor["agents"].items()} == {key: a["answered"] for key, a in fresh["agents"].items()}


def crm_visits(crm: Crm, box: Box) -> dict[str, Seen]:
    """The visits as the CRM knows them, in its own order of delivery."""
    events = sorted(crm.once().values(), key=lambda event: int(event["delivery"]))
    times = {row.seq: msgspec.json.decode(row.body)["w"] / NS for row in box.rows()}
    return visits_of([(e["type"][10:-3], times[int(e["sequence"])], e["data"]) for e in events])


def journal_visits(box: Box) -> dict[str, Seen]:
    bodies = [msgspec.json.decode(row.body) for row in box.rows()]
    return visits_of([(body["k"], body["w"] / NS, body["d"]) for body in bodies])


def queue_figures(pairs: list[tuple[Seen, dict[str, Any]]], say: Any) -> dict[str, Counter[str]]:
    figures: dict[str, Counter[str]] = {}
    for one, row in pairs:
        figures.setdefault(one.queue, Counter())[say(one, row)] += 1
    return figures


def board_counts(floor: dict[str, Any], pairs: list[tuple[Seen, dict[str, Any]]]) -> None:
    """The board's counts are those of the visits."""
    for queue, counts in queue_figures(pairs, lambda one, _: one.outcome).items():
        today = floor["queues"][queue]["today"]
        shown = {key: today[key] for key in ("answered", "abandoned", "left", "unknown", "waiting")}
        assert shown == {key: counts[key] for key in shown}, queue
        assert today["offered"] == counts.total()


def never_above_truth(floor: dict[str, Any], truth: dict[str, Any]) -> None:
    for name, row in truth["queues"].items():
        today = floor["queues"][slug(name)]["today"]
        true = Counter(true_outcome(call) for call in truth["calls"] if call["queue"] == name)
        for key in ("answered", "abandoned", "left"):
            assert today[key] <= true[key], (name, key)
        assert today["offered"] <= row["offered"]


def judged(
    pairs: list[tuple[Seen, dict[str, Any]]], missed: list[dict[str, Any]], absences: Absences, late: Absences | None = None
) -> dict[str, Any]:
    """Hold every visit to its truth; what remains unknown must be excused by an absence. `late`: when the PBX held its events back."""
    faults: list[str] = []
    unknown = resumed = 0
    worst_join = worst_wait = 0.0
    for one, row in pairs:
        true = true_outcome(row)
        late_s = max((late.lateness_s(row.get(key, 0.0)) for key in ("enter", "connect", "end")), default=0.0) if late else 0.0
        blind = absences.hold(row["enter"]) or absences.hold(wait_ended_s(row))
        if one.outcome == "unknown" and true != "unknown":
            unknown += 1
            if not blind:
                faults.append(f"unknown without an absence: {one} is {row}")
        elif one.outcome != true:
            faults.append(f"{one.outcome} instead of {true}: {one} is {row}")
        worst_join = max(worst_join, abs(one.joined_s - row["enter"]))
        if abs(one.joined_s - row["enter"]) > (TOLD_S if one.inferred else NEAR_S) + late_s:
            faults.append(f"joined {one.joined_s - row['enter']:+.1f} s from the truth: {one}")
        if one.outcome in {"answered", "abandoned", "left"} and one.outcome == true:
            true_wait_s = wait_ended_s(row) - row["enter"]
            worst_wait = max(worst_wait, abs((one.wait_s or 0.0) - true_wait_s))
            if abs((one.wait_s or 0.0) - true_wait_s) > (TOLD_S if one.inferred else NEAR_S) + late_s:
                faults.append(f"waited {one.wait_s} instead of {true_wait_s:.1f}: {one}")
        resumed += not one.inferred and any(row["enter"] < begins and wait_ended_s(row) > ends for begins, ends in absences.spans)
        if one.outcome == "answered" and true == "answered":
            if one.agent != slug(row["agent"], "a"):
                faults.append(f"answered by {one.agent} instead of {row['agent']}: {one}")
            if one.talk_s is not None and "talk" in row:
                off_s = one.talk_s - row["talk"]
                if (one.talk_inferred and off_s > NEAR_S + late_s) or (not one.talk_inferred and abs(off_s) > NEAR_S + late_s):
                    faults.append(f"talked {one.talk_s} ({'inferred' if one.talk_inferred else 'seen'}) instead of {row['talk']}: {one}")
            if one.talk_s is None and row["outcome"] != "talking":
                faults.append(f"its conversation never ends: {one} is {row}")
    faults += [f"never seen, though the box was there: {row}" for row in missed if not absences.cover(row["enter"], wait_ended_s(row))]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:12])
    return {
        "visits": len(pairs), "unknown": unknown, "never seen": len(missed), "taken up again": resumed,
        "worst join s": round(worst_join, 2), "worst wait s": round(worst_wait, 2),
    }  # fmt: skip
