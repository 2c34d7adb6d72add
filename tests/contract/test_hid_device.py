"""What any open headset does, owned, watched or simulated: the same suite at the wire of each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "drivers"))

from hid_rig import DESCRIPTOR, MUTE_PRESS, OFF_HOOK, ON_HOOK, UNNUMBERED, Bus, Talk, open_box, open_bus

PORT = "1-2"
pytestmark = pytest.mark.usb


class Desk:
    """A headset that is open in a process of its own, and what happens to it."""

    def __init__(self, kind: str, bus: Bus, box: Talk, descriptor: str) -> None:
        self.kind, self.bus, self.box, self.pulled = kind, bus, box, False
        if kind == "sim":
            box.do("open_sim", PORT, descriptor)
        else:
            bus.plug(PORT, descriptor=descriptor)
            box.do("open", kind, PORT)

    def report(self, *reports: str) -> list[int]:
        """The headset sends these; when."""
        at: list[int] = (self.box.do("sim", PORT, "report", *reports) if self.kind == "sim" else self.bus.do("report", PORT, *reports))[
            "at"
        ]
        return at

    def pull(self, *order: Any) -> dict[str, Any]:
        """Somebody pulls it while the box does this; what that came to."""
        self.pulled = True
        if self.kind == "sim":
            self.box.do("sim", PORT, "pull")
            return self.box.ask(*order)
        self.box.begin(*order)
        self.bus.do("pull", PORT)
        return self.box.answer()

    def written(self) -> list[str]:
        """What reached the headset."""
        if self.kind == "sim":
            written: list[str] = self.box.do("sim", PORT, "written")["written"]
            return written
        return [data for what, data in self.bus.log(PORT) if what.startswith(("set_report", "out", "raw_write"))]

    def read(self, timeout_s: float = 5.0) -> str | None:
        report: str | None = self.box.do("read", PORT, timeout_s)["report"]
        return report


@pytest.fixture(scope="module")
def shared() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


@pytest.fixture(params=["own", "watch", "sim"])
def desk(request: pytest.FixtureRequest, shared: Bus) -> Iterator[Desk]:
    with open_box(shared) as box:
        made = Desk(request.param, shared, box, DESCRIPTOR)
        yield made
    if made.kind != "sim" and not made.pulled:
        shared.do("pull", PORT)


def test_the_descriptor_is_what_the_device_gave(desk: Desk) -> None:
    assert desk.box.do("descriptor", PORT)["descriptor"] == DESCRIPTOR


def test_reports_come_whole_in_order_and_once(desk: Desk) -> None:
    desk.report(OFF_HOOK, MUTE_PRESS, MUTE_PRESS, ON_HOOK)
    assert [desk.read() for _ in range(4)] == [OFF_HOOK, MUTE_PRESS, MUTE_PRESS, ON_HOOK]
    assert desk.read(0.05) is None


def test_a_wait_that_ends_without_a_report_loses_none_of_those_after_it(desk: Desk) -> None:
    assert desk.read(0.02) is None
    desk.report(OFF_HOOK)
    assert desk.read() == OFF_HOOK


def test_pulled_while_a_reader_waits(desk: Desk) -> None:
    said = desk.pull("read", PORT, 10.0)
    assert said["fault"] == "UnpluggedError"
    assert f"at port {PORT}" in said["text"]
    assert "plug it in again" in said["text"]
    assert desk.box.ask("read", PORT, 0.1)["fault"] == "UnpluggedError"


def test_listening_hears_all_and_says_when(desk: Desk) -> None:
    desk.report(ON_HOOK)
    desk.box.do("listen", PORT)
    sent = desk.report(OFF_HOOK, MUTE_PRESS, ON_HOOK)
    heard = desk.box.do("heard", 4)["heard"]
    assert [report for _, report, _ in heard] == [ON_HOOK, OFF_HOOK, MUTE_PRESS, ON_HOOK]
    stamps = [stamp for *_, stamp in heard]
    assert stamps == sorted(stamps)
    assert all(stamp >= at for stamp, at in zip(stamps[1:], sent, strict=True))


def test_listening_says_once_that_it_was_pulled(desk: Desk) -> None:
    desk.box.do("listen", PORT)
    heard = desk.pull("heard", 1)["heard"]
    assert [what.partition(":")[0] for _, what, _ in heard] == ["UnpluggedError"]
    assert desk.box.do("heard", 1, 0.1)["heard"] == []


def test_closed_while_listening_nothing_is_heard_any_more(desk: Desk) -> None:
    desk.box.do("listen", PORT)
    desk.report(OFF_HOOK)
    assert len(desk.box.do("heard", 1)["heard"]) == 1
    assert desk.box.do("close", PORT)["logged"] == []
    if desk.kind != "sim":
        desk.report(ON_HOOK)
    assert desk.box.do("heard", 1, 0.1)["heard"] == []


def test_what_is_closed_says_so(desk: Desk) -> None:
    desk.box.do("close", PORT)
    for order in (("read", PORT, 0.1), ("listen", PORT), ("write", PORT, "020300")):
        said = desk.box.ask(*order)
        assert said["fault"] == ("DeniedError" if (desk.kind, order[0]) == ("watch", "write") else "TransientError"), order
    assert desk.written() == []


def test_what_is_written_arrives_unless_it_is_only_watched(desk: Desk) -> None:
    said = desk.box.ask("write", PORT, "020300")
    if desk.kind == "watch":
        assert said["fault"] == "DeniedError"
        assert "never written" in said["text"]
        assert desk.written() == []
    else:
        assert said == {}
        assert desk.written() == ["020300"]


def test_written_after_it_was_pulled(desk: Desk) -> None:
    desk.pull("read", PORT, 10.0)
    assert desk.box.ask("write", PORT, "020300")["fault"] == ("DeniedError" if desk.kind == "watch" else "UnpluggedError")


@pytest.mark.parametrize("kind", ["own", "watch", "sim"])
def test_without_report_ids_data_is_all_there_is(kind: str, shared: Bus) -> None:
    with open_box(shared) as box:
        desk = Desk(kind, shared, box, UNNUMBERED)
        desk.report("01", "05")
        assert [desk.read(), desk.read()] == ["01", "05"]
        if kind != "watch":
            box.do("write", PORT, "0300")
            assert desk.written() == ["0300"]
    if kind != "sim":
        shared.do("pull", PORT)
