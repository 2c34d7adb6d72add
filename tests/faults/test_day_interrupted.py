"""A day interrupted: kill -9 of every service at random while a simulated PBX plays a busy morning whose truth is known.

Short in the default suite; in full (50 kills a part) by `make test-kill`, which prints a table and writes build/kill.json.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from typing import Any

import msgspec
import pytest
from fault_box import Box, Site
from fault_truth import (
    absences_of,
    board_counts,
    board_is_the_fold,
    crm_has_the_journal,
    crm_visits,
    journal_visits,
    judged,
    never_above_truth,
    paired,
    settled,
)

from appliance.core.slug import slug

pytestmark = pytest.mark.broker
SEED = 20261121


class Watcher(threading.Thread):
    """Looks at the account and at the board again and again while processes die, as a person with a terminal would."""

    def __init__(self, box: Box) -> None:
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


def killed_at_random(box: Box, names: tuple[str, ...], kills: int, seed: int, every_s: tuple[float, float]) -> list[tuple[float, str]]:
    """Kill -9 one of the services at a time; when and whom."""
    chance, done = random.Random(seed), []
    while len(done) < kills:
        time.sleep(chance.uniform(*every_s))
        name = chance.choice(names)
        process = box.services[name].process
        if process is not None and process.poll() is None:
            done.append((box.services[name].signal(signal.SIGKILL), name))
    return done


def starts(box: Box) -> Counter[str]:
    return Counter(service for event in box.events() if event.kind == "box.started" for service in event.data.services)


#: Times of the floor, in model seconds: a floor of these empties within seconds at six times the speed.
BRISK = {"speed": 6, "rate": 30, "agents": 24, "patience": 25, "talk": 12}


def readers_killed(site: Site, seed: int, kills: int, every_s: tuple[float, float], **floor_options: float) -> dict[str, Any]:
    """Kills of all but the PBX source: everything ends as if nobody had been killed."""
    began_s = time.monotonic()
    pbx = site.pbx(seed=seed, **floor_options)
    broker = site.broker()
    crm = site.crm(broker.port)
    box = site.box(pbx_port=pbx.port, mqtt_port=broker.port)
    box.keep("gateway", "wallboard", "uplink")
    site.until(box.sighted, what=box.logs)
    watcher = Watcher(box)
    watcher.start()
    done = killed_at_random(box, ("wallboard", "uplink"), kills, seed, every_s)
    truth = pbx.empty()
    floor = settled(box, crm)
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
    assert 0 < floor["crm"]["delivered"] <= len(crm.once())
    began = starts(box)
    assert began["gateway"] == 1
    return {
        "kills": len(done), "of wallboard": sum(n == "wallboard" for _, n in done), "of uplink": sum(n == "uplink" for _, n in done),
        "starts": dict(began), **figures, "events delivered": len(crm.once()), "redelivered": crm.doubles(), "missing": 0,
        "accounts looked at": watcher.looks, "boards looked at": watcher.boards, "seconds": round(time.monotonic() - began_s, 1),
    }  # fmt: skip


def source_killed(site: Site, seed: int, kills: int, every_s: tuple[float, float], **floor_options: float) -> dict[str, Any]:
    """Kills of the PBX source (and of the others): nothing false, unknown only what its absence excuses."""
    began_s = time.monotonic()
    pbx = site.pbx(seed=seed, **floor_options)
    broker = site.broker()
    crm = site.crm(broker.port)
    box = site.box(pbx_port=pbx.port, mqtt_port=broker.port)
    box.keep("gateway", "wallboard", "uplink")
    site.until(box.sighted, what=box.logs)
    watcher = Watcher(box)
    watcher.start()
    done = killed_at_random(box, ("gateway",), kills, seed, every_s)
    truth = pbx.empty()
    floor = settled(box, crm)
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


def test_boards_and_crm_end_the_same_whoever_of_the_readers_is_killed(site: Site) -> None:
    readers_killed(site, 45, 4, (0.4, 1.0), last_call=4, **BRISK)


def test_nothing_false_when_the_pbx_source_is_killed(site: Site) -> None:
    source_killed(site, 45, 2, (1.5, 2.0), last_call=4, **BRISK)


@pytest.mark.slow
def test_fifty_kills_of_all_but_the_pbx_source(site: Site, told: Any) -> None:
    told("kills of wallboard and uplink", readers_killed(site, SEED, 50, (0.3, 2.2), last_call=65, speed=6, rate=30, agents=24))


@pytest.mark.slow
def test_fifty_kills_of_the_pbx_source(site: Site, told: Any) -> None:
    told("kills of the gateway", source_killed(site, SEED, 50, (1.0, 6.0), last_call=180, speed=3, rate=36, agents=16, patience=60))
