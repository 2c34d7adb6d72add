"""Rules: the first that fits, why not the others, hours with holidays; patterns that cover others do."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.hours_config import Hours
from appliance.core.route_pattern import Patterns
from appliance.core.routing_config import RoutingRule, RoutingRules
from appliance.floor.route import Asked, Passed, Router

ZONE = ZoneInfo("America/Guayaquil")
HOURS = Hours(mon=("08:00-18:00",), tue=("08:00-18:00",), fri=("22:00-02:00",), holidays=("2026-11-24",))


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 10**9


def router(*rules: RoutingRule, holidays: tuple[str, ...] = (), site: Hours | None = None) -> Router:
    return Router(RoutingRules(rule=rules, schedules={"laboral": HOURS}, holidays=holidays), "America/Guayaquil", site)


def takes(rule: RoutingRule, **asked: object) -> bool:
    given_router = router(rule)
    call = Asked(**{"at_ns": ns("2026-11-23T10:00"), **asked})  # type: ignore[arg-type]
    routed = given_router.route(call)
    assert (routed.rule is not None) == (given_router.explain(call).rule is not None)
    return routed.rule is not None


def test_the_first_that_fits_is_taken_and_each_before_it_says_why_not() -> None:
    rules = router(
        RoutingRule(name="noche", hours="laboral", open=False, queue="buzon"),
        RoutingRule(name="vip", segment=("vip", "oro*"), queue="ventas", priority=10),
        RoutingRule(name="insiste", gave_up_from=2, priority=5),
        RoutingRule(name="movil", caller=("+5939*",), queue="movil"),
        RoutingRule(name="resto", queue="general"),
    )
    call = Asked(at_ns=ns("2026-11-23T10:00"), caller=("0991234567", "+593991234567"), segment="plata", gave_up=1)
    routed = rules.explain(call)
    assert (routed.rule and routed.rule.name, routed.place) == ("movil", 4)
    assert routed.passed == (
        Passed("noche", "Mon 10:00 is within its hours"),
        Passed("vip", "segment plata does not fit vip, oro*"),
        Passed("insiste", "gave up 1 times today, wanted 2"),
    )
    assert rules.route(call).rule == routed.rule
    assert rules.route(Asked(at_ns=ns("2026-11-23T19:00"))).place == 1
    assert rules.route(Asked(at_ns=ns("2026-11-23T10:00"), withheld=True)).place == 5
    assert rules.queues() == ("buzon", "ventas", "movil", "general")


def test_none_takes_it_and_the_default_stands() -> None:
    routed = router(RoutingRule(name="a", caller=("1*",), queue="x")).explain(Asked(at_ns=0))
    assert (routed.rule, routed.place, routed.passed) == (None, None, (Passed("a", "caller is not known, and wanted: 1*"),))


@pytest.mark.parametrize(
    ("at", "is_open", "holiday"),
    [
        ("2026-11-23T08:00", True, False),
        ("2026-11-23T07:59", False, False),
        ("2026-11-23T18:00", False, False),
        ("2026-11-24T10:00", False, True),
        ("2026-12-25T23:00", False, True),  # a Friday, a holiday of all schedules
        ("2026-11-27T23:00", True, False),
        ("2026-11-28T01:59", True, False),  # past midnight
        ("2026-11-28T02:00", False, False),
    ],
)
def test_hours_with_holidays(at: str, *, is_open: bool, holiday: bool) -> None:
    def taken(**wanted: bool) -> bool:
        rules = router(RoutingRule(name="a", hours="laboral", queue="x", **wanted), holidays=("2026-12-25",))
        return rules.route(Asked(at_ns=ns(at))).rule is not None

    assert (taken(), taken(open=True), taken(open=False)) == (is_open, is_open, not is_open)
    assert (taken(holiday=True), taken(holiday=False)) == (holiday, not holiday)


def test_a_clock_that_is_not_set_closes_nothing() -> None:
    assert takes(RoutingRule(name="a", hours="laboral", queue="x"), at_ns=None)
    assert not takes(RoutingRule(name="a", hours="laboral", open=False, queue="x"), at_ns=None)
    assert not takes(RoutingRule(name="a", holiday=True, queue="x"), at_ns=None)
    why = router(RoutingRule(name="a", holiday=True, queue="x")).explain(Asked(at_ns=None)).passed[0].why
    assert why == "the box's clock is not set: every schedule counts as open"


def test_the_site_s_own_hours_where_a_rule_names_none() -> None:
    rule = RoutingRule(name="a", open=False, queue="x")
    assert router(rule, site=HOURS).route(Asked(at_ns=ns("2026-11-23T20:00"))).rule == rule
    assert router(rule).route(Asked(at_ns=ns("2026-11-23T20:00"))).rule is None  # always open
    assert router(rule, holidays=("2026-11-23",)).route(Asked(at_ns=ns("2026-11-23T20:00"))).rule == rule


@pytest.mark.parametrize(
    ("patterns", "caller", "fits"),
    [
        (("099*",), ("0991234567", "+593991234567"), True),
        (("+593 99 123-4567",), ("0991234567", "+593991234567"), True),
        (("0991234567",), ("0991234567",), True),
        (("099123456",), ("0991234567",), False),
        (("?????????",), ("999999999",), True),
        (("*4567",), ("0991234567",), True),
        (("5939*",), ("0991234567", "+593991234567"), False),
        (("*",), (), False),
    ],
)
def test_callers_whole_or_by_their_beginning_in_both_spellings(patterns: tuple[str, ...], caller: tuple[str, ...], *, fits: bool) -> None:
    assert takes(RoutingRule(name="a", caller=patterns, queue="x"), caller=caller) is fits
    assert takes(RoutingRule(name="a", dialled=patterns, queue="x"), dialled=caller) is fits


@pytest.mark.parametrize(
    ("patterns", "digits", "fits"),
    [
        (("2",), ("main:2", "sub:1"), True),
        (("main:2*",), ("main:25",), True),
        (("sub:2",), ("main:2",), False),
        (("2",), ("2",), True),
        (("2",), (), False),
    ],
)
def test_digits_by_menu_or_alone(patterns: tuple[str, ...], digits: tuple[str, ...], *, fits: bool) -> None:
    assert takes(RoutingRule(name="a", digits=patterns, queue="x"), digits=digits) is fits


def test_segments_in_any_case_withheld_and_who_gave_up() -> None:
    assert takes(RoutingRule(name="a", segment=("ORO*",), queue="x"), segment="Oro-1")
    assert not takes(RoutingRule(name="a", segment=("*",), queue="x"))
    assert takes(RoutingRule(name="a", withheld=True, queue="x"), withheld=True)
    assert not takes(RoutingRule(name="a", withheld=False, queue="x"), withheld=True)
    assert takes(RoutingRule(name="a", gave_up_from=2, queue="x"), gave_up=2)
    assert not takes(RoutingRule(name="a", gave_up_from=1, queue="x"), gave_up=None)


_PATTERN = st.text("01+*?", min_size=1, max_size=5)


@given(st.lists(_PATTERN, min_size=1, max_size=3), st.lists(_PATTERN, min_size=1, max_size=3), st.text("01+", min_size=1, max_size=6))
def test_what_is_covered_is_fitted(wide: list[str], narrow: list[str], number: str) -> None:
    """A rule is only called unreachable where it is."""
    if Patterns(wide).cover(Patterns(narrow)) and Patterns(narrow).fit([number]):
        assert Patterns(wide).fit([number])


@given(st.text("01+*?", min_size=1, max_size=6), st.text("01+", max_size=6))
def test_a_pattern_fits_what_a_walk_by_hand_fits(pattern: str, text: str) -> None:
    def by_hand(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return by_hand(pattern[1:], text) or (bool(text) and by_hand(pattern, text[1:]))
        return bool(text) and pattern[0] in ("?", text[0]) and by_hand(pattern[1:], text[1:])

    assert Patterns([pattern]).fit([text]) == by_hand(pattern, text)
