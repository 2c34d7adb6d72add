"""A day interrupted: kill -9 of every service at random while a simulated PBX plays a busy morning whose truth is known.

Short in the default suite; in full (50 kills a part) by `make test-kill`, which prints a table and writes build/kill.json.
"""

from __future__ import annotations

import bisect
import random
import signal
import threading
import time
from collections import Counter
from typing import Any

import msgspec
import pytest

from appliance.core.clock import NS, SystemClock
from appliance.core.config_file import load
from appliance.core.slug import slug
from appliance.floor_view import FloorView

pytestmark = pytest.mark.broker

SEED = 20261121
ANSWERED = {"talking", "completed_agent", "completed_caller", "blind", "killed"}
LEFT = {"timeout", "exitkey", "exitempty", "withdrawn"}
ENDS = {"call.answered": "answered", "call.abandoned": "abandoned", "call.left": "left", "call.lost": "unknown"}
#: Between the PBX's moment and ours lie a socket, a loaded machine and a commit.
NEAR_S = 1.5
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
    for one in seen.values():
        near = [row for row in free.get((one.queue, one.caller or ""), []) if abs(row["enter"] - one.joined_s) <= TOLD_S + NEAR_S]
        assert near, f"no caller of the truth is this visit: {one}"
        row = min(near, key=lambda row: abs(row["enter"] - one.joined_s))
        free[one.queue, one.caller or ""].remove(row)
        pairs.append((one, row))
    return pairs, [row for rows in free.values() for row in rows]


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

    @property
    def total_s(self) -> float:
        return sum(ends - begins for begins, ends in self.spans)


def absences_of(box: Any, blindings: list[float]) -> Absences:
    """From each blinding (a kill, a lost link) to the next time the box says that sight is whole; and before the first."""
    sighted = [event.wall_ns / NS for event in box.events() if event.kind == "pbx.resynced"]
    spans = [(0.0, sighted[0] + UNSAVED_S)]
    for at_s in blindings:
        after = [s for s in sighted if s > at_s]
        spans.append((at_s - UNSAVED_S, (after[0] if after else 1e18) + UNSAVED_S))
    return Absences(spans)


class Watcher(threading.Thread):
    """Looks at the account and at the board again and again while processes die, as a person with a terminal would."""

    def __init__(self, box: Any) -> None:
        super().__init__(daemon=True)
        self.box, self.looks, self.boards, self.unknown_max = box, 0, 0, 0
        self.faults: list[str] = []
        self._ends = threading.Event()

    def run(self) -> None:
        last = None
        while not self._ends.wait(0.1):
            if not self.box.journal_path.exists():
                continue
            account = self.box.account()
            self.looks += 1
            self._check("journal", msgspec.structs.asdict(account) | {"backlog": account.waiting}, last)
            last = account
            floor = self.box.floor()
            if floor is not None and "crm" in floor:
                self.boards += 1
                self._check("board", floor["crm"], None)
                self.faults += [f"health: {item}" for item in floor["health"] if item["id"] in {"identity", "journal"}]

    def _check(self, where: str, crm: dict[str, Any], last: Any) -> None:
        parts = [crm[name] for name in ("delivered", "backlog", "shed", "skipped")]
        if crm["recorded"] != sum(parts) or min(parts) < 0:
            self.faults.append(f"the {where}'s account does not balance: {crm}")
        if last is not None and (crm["delivered"] < last.delivered or crm["recorded"] < last.recorded):
            self.faults.append(f"the {where}'s account went back: {crm} after {last}")

    def stop(self) -> None:
        self._ends.set()
        self.join()
        assert self.looks > 10
        assert not self.faults, "\n".join(self.faults[:10])


def killed_at_random(box: Any, names: tuple[str, ...], kills: int, seed: int, every_s: tuple[float, float]) -> list[tuple[float, str]]:
    """Kill -9 one of the services at a time; when and whom."""
    chance, done = random.Random(seed), []
    while len(done) < kills:
        time.sleep(chance.uniform(*every_s))
        name = chance.choice(names)
        process = box.services[name].process
        if process is not None and process.poll() is None:
            done.append((box.services[name].signal(signal.SIGKILL), name))
    return done


def settled(site: Any, box: Any, crm: Any) -> dict[str, Any]:
    """The board's last word, once everything is recorded, delivered and shown."""

    def quiet() -> Any:
        with box.journal() as journal:
            head, account = journal.head(), journal.account("uplink")
        time.sleep(2.5)  # an ending may be held back for two seconds
        floor = box.floor()
        with box.journal() as journal:
            same = journal.head() == head
        return floor if same and account.waiting == 0 and floor and floor["seq"] == head.seq and len(crm.once()) >= head.n else None

    floor: dict[str, Any] = site.until(quiet, 60.0, box.logs)
    return floor


def crm_has_the_journal(box: Any, crm: Any) -> None:
    """Every due row arrived, under its own id, with its own content, and nothing else did."""
    got = {int(event["delivery"]): event for event in crm.once().values()}
    with box.journal() as journal:
        epoch = journal.epoch
    due = [row for row in box.rows() if row.n is not None]
    assert [row.n for row in due] == list(range(1, len(due) + 1)), "delivery numbers are dense"
    assert sorted(got) == [row.n for row in due], "a gap, or more than was recorded"
    for row in due:
        stored, event = msgspec.json.decode(row.body), got[row.n]
        assert event["id"] == f"{epoch}-{row.seq}"
        assert event["type"] == f"callfloor.{stored['k']}.v1"
        assert event["data"] == stored["d"]


def board_is_the_fold(box: Any, floor: dict[str, Any]) -> None:
    """The board that was killed and came back shows what a fresh fold of the journal shows."""
    with box.journal() as journal:
        view = FloorView(journal, load(box.folder / "callfloor.toml"), SystemClock())
        while view.catch_up():
            pass
        fresh = msgspec.to_builtins(view.snapshot())
    for key in ("offered", "answered", "answered_ended", "abandoned", "short_abandoned", "left", "left_by", "unknown", "waiting", "wait_sum", "talk_sum", "hold_sum"):
        assert floor["floor"]["today"].get(key) == fresh["floor"]["today"].get(key), key
        for name, queue in fresh["queues"].items():
            assert floor["queues"][name]["today"].get(key) == queue["today"].get(key), (name, key)
    assert {key: agent["answered"] for key, agent in floor["agents"].items()} == {key: a["answered"] for key, a in fresh["agents"].items()}


def crm_visits(crm: Any, box: Any) -> dict[str, Seen]:
    """The visits as the CRM knows them, in its own order of delivery."""
    times = {row.seq: msgspec.json.decode(row.body)["w"] / NS for row in box.rows()}
    events = sorted(crm.once().values(), key=lambda event: int(event["delivery"]))
    return visits_of([(e["type"][10:-3], times[int(e["sequence"])], e["data"]) for e in events])


def journal_visits(box: Any) -> dict[str, Seen]:
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


def judged(pairs: list[tuple[Seen, dict[str, Any]]], missed: list[dict[str, Any]], absences: Absences, late_s: float = 0.0) -> dict[str, Any]:
    """Hold every visit to its truth; what remains unknown must be excused by an absence. `late_s`: how long the PBX held events back."""
    faults: list[str] = []
    unknown = resumed = 0
    worst_join = worst_wait = 0.0
    for one, row in pairs:
        true = true_outcome(row)
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
    for row in missed:
        if not absences.cover(row["enter"], wait_ended_s(row)):
            faults.append(f"never seen, though the box was there: {row}")
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:12])
    return {
        "visits": len(pairs), "unknown": unknown, "never seen": len(missed), "taken up again": resumed,
        "worst join s": round(worst_join, 2), "worst wait s": round(worst_wait, 2),
    }  # fmt: skip


def starts(box: Any) -> Counter[str]:
    return Counter(service for event in box.events() if event.kind == "box.started" for service in event.data.services)


def readers_killed(site: Any, kills: int, last_call_s: float, every_s: tuple[float, float]) -> dict[str, Any]:
    """Kills of all but the PBX source: everything ends as if nobody had been killed."""
    began_s = time.monotonic()
    pbx = site.pbx(seed=SEED, speed=6, rate=30, agents=24, last_call=last_call_s)
    broker = site.broker()
    crm = site.crm(broker.port)
    box = site.box(pbx_port=pbx.port, mqtt_port=broker.port)
    box.keep("gateway", "wallboard", "uplink")
    site.until(box.sighted, what=box.logs)
    watcher = Watcher(box)
    watcher.start()
    done = killed_at_random(box, ("wallboard", "uplink"), kills, SEED, every_s)
    truth = pbx.empty()
    floor = settled(site, box, crm)
    watcher.stop()

    crm_has_the_journal(box, crm)
    board_is_the_fold(box, floor)
    seen = crm_visits(crm, box)
    assert seen == journal_visits(box)
    pairs, missed = paired(seen, truth)
    figures = judged(pairs, missed, absences_of(box, []))
    assert figures["unknown"] == 0
    board_counts(floor, pairs)
    for agent, row in truth["agents"].items():
        got = sum(one.agent == slug(agent, "a") for one, _ in pairs if one.outcome == "answered")
        assert floor["agents"][slug(agent, "a")]["answered"] == got
        assert got == row["answered"] - sum(call.get("agent") == agent for call in missed)
    assert all(agent["state"] not in {"ringing", "talking", "holding"} for agent in floor["agents"].values()), "the floor is empty"
    assert floor["crm"]["delivered"] == len(crm.once())
    began = starts(box)
    assert began["gateway"] == 1
    return {
        "kills": len(done), "of wallboard": sum(n == "wallboard" for _, n in done), "of uplink": sum(n == "uplink" for _, n in done),
        "starts": dict(began), **figures, "events delivered": len(crm.once()), "redelivered": crm.doubles(), "missing": 0,
        "accounts looked at": watcher.looks, "boards looked at": watcher.boards, "seconds": round(time.monotonic() - began_s, 1),
    }  # fmt: skip


def source_killed(site: Any, kills: int, last_call_s: float, every_s: tuple[float, float], names: tuple[str, ...]) -> dict[str, Any]:
    """Kills of the PBX source (and of the others): nothing false, unknown only what its absence excuses."""
    began_s = time.monotonic()
    pbx = site.pbx(seed=SEED + 1, speed=3, rate=24, agents=16, patience=60, last_call=last_call_s)
    broker = site.broker()
    crm = site.crm(broker.port)
    box = site.box(pbx_port=pbx.port, mqtt_port=broker.port)
    box.keep("gateway", "wallboard", "uplink")
    site.until(box.sighted, what=box.logs)
    watcher = Watcher(box)
    watcher.start()
    done = killed_at_random(box, names, kills, SEED, every_s)
    truth = pbx.empty()
    floor = settled(site, box, crm)
    watcher.stop()

    crm_has_the_journal(box, crm)
    board_is_the_fold(box, floor)
    seen = crm_visits(crm, box)
    assert seen == journal_visits(box)
    pairs, missed = paired(seen, truth)
    absences = absences_of(box, [at_s for at_s, name in done if name == "gateway"])
    figures = judged(pairs, missed, absences)
    board_counts(floor, pairs)
    never_above_truth(floor, truth)
    assert floor["floor"]["waiting"] == 0
    assert all(agent["state"] not in {"ringing", "talking", "holding"} for agent in floor["agents"].values()), "the floor is empty"
    return {
        "kills": len(done), "of gateway": sum(n == "gateway" for _, n in done), "starts": dict(starts(box)), **figures,
        "offered in truth": len(truth["calls"]), "seconds absent": round(absences.total_s - absences.spans[0][1], 1),
        "events delivered": len(crm.once()), "redelivered": crm.doubles(), "missing": 0,
        "accounts looked at": watcher.looks, "boards looked at": watcher.boards, "seconds": round(time.monotonic() - began_s, 1),
    }  # fmt: skip


def test_boards_and_crm_end_the_same_whoever_of_the_readers_is_killed(site: Any) -> None:
    readers_killed(site, 4, 5.0, (0.5, 1.5))


def test_nothing_false_when_the_pbx_source_is_killed(site: Any) -> None:
    source_killed(site, 2, 6.0, (1.5, 2.5), ("gateway",))


@pytest.mark.slow
def test_fifty_kills_of_all_but_the_pbx_source(site: Any, told: Any) -> None:
    told("kills of wallboard and uplink", readers_killed(site, 50, 65.0, (0.3, 2.2)))


@pytest.mark.slow
def test_fifty_kills_of_the_pbx_source(site: Any, told: Any) -> None:
    told("kills of the gateway", source_killed(site, 50, 190.0, (1.0, 6.0), ("gateway",)))
