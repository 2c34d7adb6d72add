"""When the doctor warns of this box's own certificate."""

from __future__ import annotations

import pytest

from appliance.core.clock import NS
from appliance.doctor.broker import judge_own
from gateway.uplink.x509 import Validity

DAY = 86_400 * NS
END = 1_800_000_000 * NS


@pytest.mark.parametrize(
    ("days", "level", "word"), [(90, "ok", "until"), (29, "amber", "in 29 days"), (6, "red", "in 6 days"), (-1, "red", "expired on")]
)
def test_the_last_month_is_amber_and_the_last_week_red(days: int, level: str, word: str) -> None:
    (found,) = judge_own(Validity(0, END), "/etc/box.crt", END - days * DAY)
    assert found.level == level
    assert word in found.finding
    assert found.evidence == "/etc/box.crt"
    assert bool(found.mend) == (level != "ok")


def test_a_box_without_a_certificate_hears_nothing_of_it() -> None:
    assert judge_own(None, "None", END) == ()
