"""Whether a line monitor is there: asked when it is quiet, believed once it has spoken, gone by its own silence or by a rule."""

from __future__ import annotations

from appliance.core.clock import NS
from gateway.fxo.monitor_watch import TRIES, MonitorWatch


def pass_time(watch: MonitorWatch, from_s: float, to_s: float, *, answers: bool = False) -> int:
    """How often it was asked."""
    asked, at_ns = 0, round(from_s * NS)
    while (due_ns := max(at_ns, watch.due_ns)) <= to_s * NS:
        at_ns = due_ns
        if watch.tick(at_ns):
            asked += 1
            if answers:
                watch.heard(at_ns + NS // 10)
        at_ns += 1
    return asked


def test_one_that_answers_is_there_all_night() -> None:
    watch = MonitorWatch(0)
    assert pass_time(watch, 0, 8 * 3600, answers=True) == 480
    assert watch.fault is None


def test_one_that_stops_answering_is_gone_soon_and_comes_back() -> None:
    watch = MonitorWatch(0)
    pass_time(watch, 0, 200, answers=True)
    pass_time(watch, 200, 300)
    assert "does not answer any more" in str(watch.fault)
    assert pass_time(watch, 300, 3900) <= 61  # and is not pestered
    watch.heard(4000 * NS)
    assert watch.fault is None


def test_one_that_never_answers_is_believed_from_its_first_word() -> None:
    watch = MonitorWatch(0)
    pass_time(watch, 0, 5 * (TRIES + 1))
    assert "nothing was heard of it yet" in str(watch.fault)
    watch.heard(100 * NS)
    pass_time(watch, 100, 8 * 3600)
    assert watch.fault is None


def test_unless_the_site_says_for_how_long() -> None:
    watch = MonitorWatch(0, 600)
    watch.heard(10 * NS)
    pass_time(watch, 10, 609)
    assert watch.fault is None
    pass_time(watch, 609, 611)
    assert "for 600 s" in str(watch.fault)
