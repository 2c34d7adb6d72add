"""The doctor on the directory of customers: there, whole, old, of no country; by what the box's own verb says."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.clock import NS
from appliance.core.config_file import load
from appliance.core.directory_store import Cards
from appliance.core.do_not_call import DoNotCall
from appliance.doctor.directory import findings, probe, wanted
from appliance.doctor.directory import judge as judged
from appliance.doctor.finding import Finding, Scene

DAY_NS = 86_400 * NS


@pytest.fixture
def box(tmp_path: Path) -> Path:
    file = tmp_path / "callfloor.toml"
    file.write_text('[site]\nname = "quito"\ntimezone = "America/Guayaquil"\n')
    return file


def filed(box: Path, as_of_ns: int) -> None:
    cards = Cards(box.with_name("directory.db"))
    with cards.writing():
        cards.note(7, as_of_ns)
    cards.close()


def seen(box: Path, now_ns: int = 0) -> tuple[Finding, ...]:
    return judged(probe(load(box), box), now_ns, box)


def test_it_is_looked_at_where_there_is_one(box: Path) -> None:
    assert not wanted(load(box))
    DoNotCall(box.with_name("do_not_call.db"), write=True).close()
    assert wanted(load(box))
    (found,) = findings(Scene(load(box), box))
    assert (found.level, found.finding) == ("ok", "there is none yet")


def test_whole_old_and_of_no_country(box: Path) -> None:
    filed(box, 100 * DAY_NS)
    (found,) = seen(box, 101 * DAY_NS)
    assert (found.level, found.finding, found.evidence) == ("ok", "it can be read", "version 7, 0 customers")
    box.write_text('[site]\ntimezone = "UTC"\n')
    country, old = seen(box, 131 * DAY_NS)
    assert (country.level, country.finding, country.mend[-26:]) == ("amber", "no country is known", '[directory] country = "EC"')
    assert (old.level, old.finding) == ("amber", "nothing was filed for 31 days")


def test_a_list_that_is_required_and_not_there(box: Path) -> None:
    rules = '[commands]\nallow = ["originate"]\n[commands.only.originate]\nnumbers = ["09*"]\n[outbound]\ndo_not_call = "required"\n'
    box.write_text(box.read_text() + rules)
    assert wanted(load(box))
    (found,) = seen(box)
    assert (found.level, found.finding) == ("red", "there is no do-not-call list")
    DoNotCall(box.with_name("do_not_call.db"), write=True).close()
    (found,) = seen(box)
    assert found.level == "ok"


def test_damaged(box: Path) -> None:
    box.with_name("directory.db").write_bytes(b"x" * 8192)
    (found,) = seen(box)
    assert (found.level, found.finding) == ("red", "it cannot be read")
    assert "damaged" in found.evidence
    box.with_name("directory.db").unlink()
    filed(box, DAY_NS)
    held = bytearray(box.with_name("directory.db").read_bytes())
    held[4096 * 3 : 4096 * 3 + 64] = b"\xff" * 64
    box.with_name("directory.db").write_bytes(held)
    (found,) = seen(box, DAY_NS)
    assert (found.level, found.finding) == ("red", "it is damaged")
    assert found.mend == f"sudo callfloor directory verify -c {box}"
