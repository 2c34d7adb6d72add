"""The menus' book under anything at all: bounded, each call leaves the menus once, and no answer is off its scale."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from appliance.core.catalogue import CallDigits, CallSurvey
from appliance.core.ivr_config import CallbackMap, IvrConfig, MenuMap, SurveyMap
from gateway.pbx.ivr import _MAX_CALLS, _MAX_PATH, IvrBook, Whose
from gateway.pbx.ivr_word import word_of_event, word_of_variable

IVR = IvrConfig(menu=MenuMap(variable="OP"), survey=SurveyMap(variables={"N": "satisfaction"}), callback=CallbackMap(variable="T"))
TEXT = st.text(max_size=200)
HEADERS = st.dictionaries(st.sampled_from(["Menu", "Option", "IVRUniqueid", "CallUniqueid", "Queue", "Agent", "Q1", "CallbackNum"]), TEXT)
EVENTS = st.sampled_from(["IVRSelection", "SurveyResult", "CallbackRequest", "Otro"])
CALLERS = st.sampled_from(["1.1", "2.1", "3.1"])


def book(out: list[Struct]) -> IvrBook:
    return IvrBook("p", IVR, out.append, lambda uniqueid: Whose(f"c{uniqueid}"), lambda queue: f"q{len(queue)}", lambda *_: "ana")


@given(EVENTS, HEADERS, TEXT)
def test_any_words_are_understood_or_dropped(name: str, headers: dict[str, str], value: str) -> None:
    word_of_event(IVR, name, lambda header: headers.get(header, ""))
    for variable in ("OP", "N", "T", value):
        word_of_variable(IVR, variable, value)


@given(st.lists(st.tuples(st.sampled_from(["press", "score", "set", "ask", "answer", "go"]), CALLERS, TEXT), max_size=60))
def test_each_call_leaves_the_menus_once(steps: list[tuple[str, str, str]]) -> None:
    out: list[Struct] = []
    ivr = book(out)
    for now, (step, caller, text) in enumerate(steps):
        if step == "press":
            ivr.event("IVRSelection", {"Option": text}.get, caller, now)  # type: ignore[arg-type]
        elif step == "score":
            ivr.event("SurveyResult", {"Q1": text}.get, caller, now)  # type: ignore[arg-type]
        elif step == "set":
            ivr.variable(caller, "N", text, now)
        elif step == "ask":
            ivr.asked(caller, now)
        elif step == "answer":
            ivr.answered(caller, "v", "q", "a")
        else:
            ivr.gone(caller, now, inferred=len(text) % 2 == 1)
    assert all(1 <= event.score <= 5 for event in out if isinstance(event, CallSurvey))
    inside: Counter[str] = Counter()
    for event in out:
        if isinstance(event, CallDigits):
            assert event.ended is None or inside[event.call], "left without having been in"
            inside[event.call] = event.ended is None


def test_a_flood_of_callers_is_bounded() -> None:
    out: list[Struct] = []
    ivr = book(out)
    for number in range(_MAX_CALLS + 100):
        ivr.event("IVRSelection", {"Option": "1"}.get, f"{number}", number)  # type: ignore[arg-type]
        ivr.answered(f"{number}", None, None, None)
        ivr.variable(f"{number}", "N", "3", number)
    assert len(ivr._menus) == len(ivr._stays) == len(ivr._told) == _MAX_CALLS
    for _ in range(100):
        ivr.event("IVRSelection", {"Option": "x" * 900}.get, "last", 1)  # type: ignore[arg-type]
    last = [event for event in out if isinstance(event, CallDigits)][-1]
    assert (len(last.path), len(last.digits or "")) == (_MAX_PATH, 64)
