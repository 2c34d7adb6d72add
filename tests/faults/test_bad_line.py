"""What a PBX and its line can do to a living gateway: rubbish, cuts, silence, restarts, kills. Nothing false, and the good events right."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from fault_box import Box, Site
from fault_mangler import RUBBISH, Mangler
from fault_truth import Absences, absences_of, board_counts, journal_visits, judged, never_above_truth, paired, settled_alone

from appliance.core.clock import NS

SEED = 20261122


def wait_for_sight(box: Box, count: int) -> None:
    """Until sight was whole for the count-th time."""
    Site.until(lambda: sum(event.kind == "pbx.resynced" for event in box.events()) >= count, 30.0, box.logs)


def soiled(site: Site, seed: int, last_call_s: float) -> dict[str, Any]:
    """A day over a line that chops, soils and once cuts what the PBX says."""
    began_s = time.monotonic()
    pbx = site.pbx(seed=seed, speed=6, rate=60, agents=30, patience=25, talk=15, last_call=last_call_s)
    line = Mangler(pbx.port, SEED)
    line.start()
    box = site.box(pbx_port=line.port)
    box.keep("gateway", "wallboard")
    site.until(box.sighted, what=box.logs)
    line.chops = line.soils = True
    site.until(lambda: len(line.said) == len(RUBBISH), 30.0, lambda: str(line.said))
    sights = sum(event.kind == "pbx.resynced" for event in box.events())
    cut_s = time.time()
    line.cut()
    wait_for_sight(box, sights + 1)
    assert line.connections == 2
    truth = pbx.empty()
    floor = settled_alone(box)
    line.close()

    pairs, missed = paired(journal_visits(box), truth)
    figures = judged(pairs, missed, absences_of(box, [cut_s]))
    board_counts(floor, pairs)
    never_above_truth(floor, truth)
    assert floor["floor"]["waiting"] == 0
    assert (box.services["gateway"].starts, box.services["gateway"].log().count("Traceback")) == (1, 0), "it survives"
    return {"rubbish": dict(line.said), **figures, "of": len(truth["calls"]), "seconds": round(time.monotonic() - began_s, 1)}


def test_a_line_full_of_rubbish_and_cuts_tells_nothing_false(site: Site) -> None:
    assert soiled(site, 62, 3.0)["visits"] > 10


@pytest.mark.slow
def test_a_minute_of_rubbish_is_counted_and_the_lists_read_again(site: Site, told: Any) -> None:
    told("a soiled line", soiled(site, SEED, 60.0))
    log = (site.folder / "gateway.log").read_text()
    assert "damaged pieces in what it sent; its lists are read again" in log


def faults_of_the_pbx(site: Site, faults: list[tuple[str, float]], every_s: float) -> dict[str, Any]:
    """The PBX fails in each of these ways, one after the other, the gateway alive."""
    began_s = time.monotonic()
    pbx = site.pbx(seed=SEED, speed=3, rate=40, agents=12, patience=45, last_call=every_s * (len(faults) + 1) + sum(f[1] for f in faults))
    box = site.box(pbx_port=pbx.port)
    box.keep("gateway", "wallboard")
    site.until(box.sighted, what=box.logs)
    for name, seconds in faults:
        time.sleep(every_s)
        sights = sum(event.kind == "pbx.resynced" for event in box.events())
        assert pbx.say(f"{name} {seconds}").startswith("ok")
        time.sleep(seconds)
        if name not in {"stall", "garbage"}:
            wait_for_sight(box, sights + 1)
    truth = pbx.empty()
    floor = settled_alone(box)

    seen = journal_visits(box)
    pairs, missed = paired(seen, truth)
    sighted = [event.wall_ns / NS for event in box.events() if event.kind == "pbx.resynced"]
    blind = [
        (w["from"] - 1.0, min(s for s in sighted if s > w["to"] - 0.5) + 1.0)
        for w in truth["blind"]
        if w["fault"] in {"drop", "kill", "restart"}
    ]
    late = Absences([(w["from"], w["to"] + 0.5) for w in truth["blind"] if w["fault"] == "stall"])
    absences = Absences([(0.0, sighted[0] + 1.0), *blind])
    figures = judged(pairs, missed, absences, late)
    for one, row in pairs:
        if row.get("ended_by_pbx_restart") and row["outcome"] == "abandoned":
            assert (one.outcome, one.reason) == ("left", "pbx_stopped"), (one, row)
        if row["outcome"] == "lost":
            assert one.outcome == "unknown"
    board_counts(floor, pairs)
    never_above_truth(floor, truth)
    assert box.services["gateway"].starts == 1
    assert all(agent["state"] not in {"ringing", "talking", "holding"} for agent in floor["agents"].values())
    down = Counter(event.data.reason for event in box.events() if event.kind == "pbx.down")  # type: ignore[attr-defined]
    return {
        "faults": dict(Counter(name for name, _ in faults)), **figures, "hung up by restarts": sum(bool(r.get("ended_by_pbx_restart")) for _, r in pairs),
        "lost in kills": sum(r["outcome"] == "lost" for _, r in pairs), "said of it": dict(down), "seconds": round(time.monotonic() - began_s, 1),
    }  # fmt: skip


@pytest.mark.slow
def test_a_pbx_that_fails_in_every_way(site: Site, told: Any) -> None:
    faults = [
        ("drop", 2.0),
        ("stall", 3.0),
        ("restart", 3.0),
        ("garbage", 3.0),
        ("kill", 2.0),
        ("drop", 6.0),
        ("restart", 1.0),
        ("kill", 5.0),
        ("garbage", 3.0),
    ]
    told("faults of the PBX", faults_of_the_pbx(site, faults, 4.0))
