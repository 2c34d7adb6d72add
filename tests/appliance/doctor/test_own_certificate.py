"""When the doctor warns of this box's own certificate, and which command it gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.core.clock import NS, ManualClock, SystemClock
from appliance.core.config import Crm
from appliance.doctor.own_certificate import findings, judge
from appliance.enroll import identity, work
from appliance.enroll.keep import Place
from appliance.sim.enrolment import EnrolmentServer
from gateway.uplink.x509 import Validity

DAY = 86_400 * NS
END = 1_800_000_000 * NS


@pytest.mark.parametrize(
    ("days", "level", "word"), [(90, "ok", "until"), (29, "amber", "in 29 days"), (6, "red", "in 6 days"), (-1, "red", "expired on")]
)
def test_the_last_month_is_amber_and_the_last_week_red(days: int, level: str, word: str) -> None:
    (found,) = judge(Validity(0, END), "/etc/box.crt", END - days * DAY)
    assert found.level == level
    assert word in found.finding
    assert found.evidence == "/etc/box.crt"
    assert bool(found.mend) == (level != "ok")


def test_a_box_without_a_certificate_hears_nothing_of_it() -> None:
    assert judge(None, "None", END) == ()
    assert findings(Crm(url="mqtts://crm"), END) == ()


def test_the_command_is_the_one_that_renews_this_certificate(tmp_path: Path) -> None:
    """Enrolled at the reference CRM: early by renewal, too late by a new code; a key of another pair is told as that."""
    place = Place(tmp_path / "tls")
    server = EnrolmentServer(tmp_path / "crm", ("127.0.0.1", 0), {"quito/p3": "7f3a"})
    try:
        issued = work.enrol(place, "quito/p3", server.url, "7f3a", server.authority.file.read_bytes(), SystemClock())
        crm = Crm(url="mqtts://crm", cert_file=place.box, key_file=place.box)
        late_ns = int(issued.not_after_s * NS)
        assert findings(crm, SystemClock().wall_ns())[0].level == "ok"
        assert findings(crm, late_ns - 9 * DAY)[0].mend == "sudo callfloor enroll --renew --now"
        assert findings(crm, late_ns + DAY)[0].mend.startswith(f"sudo callfloor enroll {server.url} ")
        assert work.renew(place, "quito/p3", ManualClock(wall_ns=late_ns - 9 * DAY), early=True) is not None
    finally:
        server.close()
    assert findings(crm, SystemClock().wall_ns())[0].level == "ok"
    other = tmp_path / "other.key"
    other.write_bytes(identity.new_key())
    (found,) = findings(Crm(url="mqtts://crm", cert_file=place.box, key_file=other), END)
    assert (found.level, found.finding) == ("red", "certificate and key are no pair")
    assert "mismatch" in found.evidence
    (found,) = findings(Crm(url="mqtts://crm", cert_file=place.box, key_file=tmp_path / "none.key"), END)
    assert "No such file" in found.evidence
    half = tmp_path / "half.pem"
    half.write_bytes(identity.read_certificate(issued.chain).public_bytes(Encoding.PEM))
    (found,) = findings(Crm(url="mqtts://crm", cert_file=half), END)
    assert found.level == "red"
