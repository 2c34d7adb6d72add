"""Real services at their edges: a login refused, a stop in the middle of work, the same service twice."""

from __future__ import annotations

import signal
import time
from collections import Counter

import pytest
from fault_box import Site
from fault_mangler import Mangler
from fault_truth import absences_of, board_counts, crm_has_the_journal, crm_visits, judged, never_above_truth, paired, settled


def test_a_refused_login_is_one_message_and_the_board_says_why(site: Site) -> None:
    pbx = site.pbx(last_call=1)
    line = Mangler(pbx.port)  # it only counts here
    line.start()
    box = site.box(pbx_port=line.port)
    (site.folder / "pbx.secret").write_text("falsch\n")
    box.service("gateway").start()
    box.service("wallboard").start()
    shown = site.until(
        lambda: (floor := box.floor()) and floor["pbx"].get("central", {}).get("state") == "denied" and floor["pbx"]["central"],
        what=box.logs,
    )
    assert shown["reason"] == "denied"
    assert shown["since"] is not None
    (told,) = [event.data.text for event in box.events() if event.kind == "pbx.down"]  # type: ignore[attr-defined]
    assert "refused the login of 'callfloor'" in told
    assert "check username, secret_file and the permit lines of that user in manager.conf" in told
    time.sleep(2.5)
    assert line.connections == 1, "retried slowly: an Asterisk that bans who knocks too often is not provoked"
    assert box.services["gateway"].log().count("refused the login") == 1
    assert "falsch" not in box.services["gateway"].log()
    assert box.floor()["pbx"]["central"]["state"] == "denied"
    assert box.floor()["floor"]["waiting"] is None, "what cannot be known is a dash"
    line.close()


@pytest.mark.broker
@pytest.mark.parametrize("together", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["one process each", "one process"])
def test_sigterm_in_the_middle_of_work_drains_and_the_day_goes_on(site: Site, together: bool) -> None:
    pbx = site.pbx(seed=42, speed=8, rate=30, agents=30, patience=20, talk=12, last_call=4)
    broker = site.broker()
    crm = site.crm(broker.port)
    broker.stop()  # before anything flows: what a killed broker had acknowledged and not passed on is lost with it
    box = site.box(pbx_port=pbx.port, mqtt_port=broker.port)
    names = ("gateway", "wallboard", "uplink")
    running = [box.service(*names)] if together else [box.service(name) for name in names]
    for process in running:
        process.start()
    site.until(box.sighted, what=box.logs)
    site.until(lambda: (floor := box.floor()) and floor["crm"]["backlog"] > 20, what=box.logs)
    stopped_s, began_s = time.time(), time.monotonic()
    for process in running:
        process.signal(signal.SIGTERM)
    assert [process.wait(5.0) for process in running] == [0] * len(running)
    assert time.monotonic() - began_s < 5.0
    kinds = Counter(event.kind for event in box.events() if event.wall_ns / 1e9 >= stopped_s)
    assert kinds["pbx.down"] == 1
    broker.start()
    for process in running:
        process.start()
    truth = pbx.empty()
    floor = settled(box, crm)
    crm_has_the_journal(box, crm)
    pairs, missed = paired(crm_visits(crm, box), truth)
    judged(pairs, missed, absences_of(box, [stopped_s]))
    board_counts(floor, pairs)
    never_above_truth(floor, truth)
    assert all("Traceback" not in process.log() for process in running)


def test_two_processes_never_run_the_same_service(site: Site) -> None:
    box = site.box()
    first = box.service("gateway", "wallboard")
    first.start()
    site.until(box.floor, what=box.logs)
    second = box.service("gateway")
    second.start()
    assert second.wait(10) == 1
    assert first.process is not None
    assert f"service gateway already runs on {box.journal_path} (process {first.process.pid}); stop that one first" in second.log()
    assert first.process.poll() is None
    first.signal(signal.SIGKILL)
    first.wait()
    third = box.service("wallboard")
    third.start()
    assert site.until(box.floor, what=box.logs)["pbx"]["central"]["state"] == "down", (
        "the dead one's place is free, and its PBX out of sight"
    )
