"""What becomes of an update: at a start after every kind of end, and by the facts of a floor."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import DeniedError
from appliance.doctor.update import judge as findings_of
from appliance.update.boot import RESUMES, step_at_boot
from appliance.update.facts import services_from
from appliance.update.health import Judge, missing_of
from appliance.update.note import health_of
from appliance.update.slots import Slots
from appliance.update.state import Facts, Past, State, alone, at_work, load, save
from appliance.update.words import LANGUAGES, text

ON_A = Slots("A", "A", "", "A", "pi")
TRIAL = Slots("B", "A", "B", "A", "pi")
WELL = Facts({"callfloor@gateway.service": "active"}, {"pbx main": True, "broker mqtts://crm:8883": True}, board=True, restarts=1)


@pytest.mark.parametrize(
    ("state", "slots", "step"),
    [
        (State(), ON_A, "nothing"),
        # The new slot runs for the first time, whatever else is remembered of it.
        (State(phase="trying", slot="B"), TRIAL, "judge"),
        (State(phase="staged", slot="B"), TRIAL, "judge"),
        (State(), TRIAL, "judge"),
        # It was committed, and the power was cut before that was remembered.
        (State(phase="trying", slot="B"), Slots("B", "B", "", "AB", "pi"), "settled"),
        # A panic, a hang, a rollback, a cut on the way: the old one runs again.
        (State(phase="trying", slot="B"), Slots("A", "A", "B", "A", "pi"), "came-back"),
        # A cut between installing and the restart.
        (State(phase="staged", slot="B", activate=True), Slots("A", "A", "B", "A", "pi"), "resume"),
        (State(phase="staged", slot="B"), Slots("A", "A", "B", "A", "pi"), "staged"),
        (State(phase="staged", slot="B", activate=True, resumed=RESUMES), Slots("A", "A", "B", "A", "pi"), "staged"),
        # A cut while writing: the other slot is half a system.
        (State(phase="writing", slot="B"), ON_A, "interrupted"),
        (State(phase="writing", slot="B", activate=True), Slots("A", "A", "B", "A", "pi"), "interrupted"),
        # Packages are deb-swap's.
        (State(phase="trying", kind="deb"), ON_A, "nothing"),
    ],
)
def test_what_a_start_means(state: State, slots: Slots, step: str) -> None:
    assert step_at_boot(state, slots) == step


@given(st.sampled_from(["idle", "writing", "staged", "trying"]), st.booleans(), st.integers(0, 5), st.sampled_from(["", "A", "B"]))
def test_a_committed_slot_never_judges_itself_nor_restarts_for_ever(phase: str, activate: bool, resumed: int, staged: str) -> None:
    state = State(phase=phase, slot="B", activate=activate, resumed=resumed)  # type: ignore[arg-type]
    step = step_at_boot(state, Slots("A", "A", staged, "A", "pi"))
    assert step != "judge"
    assert step != "resume" or resumed < RESUMES


def test_good_is_what_worked_before_for_a_while() -> None:
    judge = Judge(WELL, 0.0, stable_s=15, limit_s=300)
    starting = Facts({"callfloor@gateway.service": "activating"}, {"pbx main": False}, board=False)
    assert judge.look(starting, 1).level == "wait"
    assert judge.look(WELL, 20).level == "wait"
    assert judge.look(WELL, 30).level == "wait"
    assert judge.look(WELL, 35.5).level == "good"


def test_a_service_that_restarts_again_and_again_is_never_good() -> None:
    judge = Judge(WELL, 0.0, stable_s=15, limit_s=300)
    looks = [judge.look(Facts(WELL.services, WELL.reach, board=True, restarts=at // 10), at) for at in range(0, 310, 3)]
    assert {verdict.level for verdict in looks[:-4]} == {"wait"}
    assert looks[-1].level == "bad"
    assert looks[-1].missing == ("services restart again and again",)


@pytest.mark.parametrize(
    ("now", "missing"),
    [
        (Facts({"callfloor@gateway.service": "failed"}, WELL.reach, board=True), "callfloor@gateway.service is failed"),
        (Facts({}, WELL.reach, board=True), "callfloor@gateway.service ran before and is not there"),
        (Facts(WELL.services, {"pbx main": False}, board=True), "pbx main answered before and does not now"),
        (Facts(WELL.services, WELL.reach, board=False), "the board is not drawn"),
    ],
)
def test_bad_says_why_at_the_limit(now: Facts, missing: str) -> None:
    judge = Judge(WELL, 0.0, limit_s=60)
    assert judge.look(now, 59).level == "wait"
    verdict = judge.look(now, 60)
    assert (verdict.level, verdict.missing) == ("bad", (missing,))


def test_nothing_is_asked_that_was_not_so_before() -> None:
    before = Facts({}, {"pbx main": False}, board=None)
    assert missing_of(before, Facts({}, {"pbx main": False}, board=None)) == ()
    # A peer that the configuration names no more is not missed; a board where none was seen must be there all the same.
    assert missing_of(WELL, Facts(WELL.services, {}, board=True)) == ()
    assert missing_of(Facts(), Facts(board=False)) == ("the board is not drawn",)


def test_systemctls_answer_with_units_that_are_not_there() -> None:
    text = (
        "Id=callfloor@gateway.service\nLoadState=loaded\nActiveState=active\nNRestarts=0\nUnitFileState=enabled\n\n"
        "Id=callfloor@uplink.service\nLoadState=loaded\nActiveState=activating\nNRestarts=4\nUnitFileState=enabled\n\n"
        "Id=callfloor@wallboard.service\nLoadState=masked\nActiveState=inactive\nNRestarts=0\nUnitFileState=masked\n\n"
        "Id=callfloor-kiosk.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
    )
    assert services_from(text) == ({"callfloor@gateway.service": "active", "callfloor@uplink.service": "activating"}, 4)
    assert services_from("") == ({}, 0)


def test_state_is_whole_or_as_before(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere") == State()
    state = State(phase="staged", version="0.2.0", slot="B", before=WELL, past=(Past("0.1.1", "good", at="2026-11-22T06:00:00.000Z"),))
    save(tmp_path, state)
    assert load(tmp_path) == state
    whole = (tmp_path / "state.json").read_bytes()
    (tmp_path / "state.json").write_bytes(whole[: random.Random(7).randrange(1, len(whole) - 2)])
    assert load(tmp_path) == State()


def test_one_update_at_a_time_and_a_dead_one_lets_go(tmp_path: Path) -> None:
    assert not at_work(tmp_path)
    words = f"import pathlib, time; from appliance.update.state import alone\nwith alone(pathlib.Path('{tmp_path}')): print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert at_work(tmp_path)
        with pytest.raises(DeniedError, match="another update is at work"), alone(tmp_path):
            pass
        other.kill()
    assert not at_work(tmp_path)
    with alone(tmp_path):
        assert at_work(tmp_path)


def test_the_past_is_bounded() -> None:
    state = State()
    for number in range(40):
        state = State(version=f"0.{number}", phase="trying", past=state.past).ended("rolled-back", "no", "")
    assert [past.version for past in state.past] == [f"0.{number}" for number in range(30, 40)]
    assert state.phase == "idle"


def test_what_the_journal_and_doctor_say() -> None:
    failed = State(phase="trying", version="0.2.0", slot="B").ended("rolled-back", "the board is not drawn", "2026-11-22T06:00:00.000Z")
    assert health_of(failed).level == "amber"
    assert "the board is not drawn" in health_of(failed).text
    assert health_of(State(phase="trying", version="0.2.0").ended("good", "", "")).level == "ok"
    (found,) = findings_of(failed, ON_A)
    assert found.level == "amber"
    assert "the board is not drawn" in found.evidence
    (found,) = findings_of(State(phase="staged", version="0.2.0"), ON_A)
    assert found.mend == "sudo callfloor update activate"
    assert findings_of(State(), None)[0].level == "ok"
    writing = State(phase="writing", version="0.2.0", slot="B", source="/x.raucb")
    assert findings_of(writing, ON_A)[0].mend == "sudo callfloor update /x.raucb"
    assert findings_of(writing, ON_A, at_work=True)[0].level == "ok"
    assert findings_of(State(phase="trying", version="0.2.0", slot="B"), TRIAL)[0].finding == "0.2.0 is being tried"


def test_every_text_is_there_in_three_languages_with_the_same_values() -> None:
    import string  # noqa: PLC0415

    from appliance.update import words  # noqa: PLC0415

    for key, texts in words._TEXTS.items():
        assert len(texts) == len(LANGUAGES)
        fields = [{name for _, name, _, _ in string.Formatter().parse(each) if name} for each in texts]
        assert fields[0] == fields[1] == fields[2], key
    assert text("running", "pt", running="1.0") == "1.0 em funcionamento"
