"""What any open headset does, owned, watched or simulated: the same suite at the wire of each."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "drivers"))

from hid_rig import DESCRIPTOR, MUTE_PRESS, OFF_HOOK, ON_HOOK, UNNUMBERED, Bus, Talk, open_box, open_bus

PORT = "1-2"
#: Those that are on no bus: a twin in the box's own process, and one at a socket, here.
TWINS = ("sim", "socket")
KINDS = ("own", "watch", *TWINS)
pytestmark = pytest.mark.usb


class Twin:
    """A simulated headset that listens at a socket (drivers/hid_sim_socket.py says what is said there)."""

    def __init__(self, path: Path, box: Talk, descriptor: str) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            box.begin("open_socket", PORT, str(path))
            self.line, _ = server.accept()
        self.line.settimeout(5.0)
        hello = {"vid": "1209", "pid": "0001", "serial": "S1", "product": None, "port": PORT, "descriptor": descriptor}
        self.line.sendall(json.dumps(hello).encode() + b"\n")
        assert box.answer() == {}

    def report(self, report: str) -> int:
        at = time.monotonic_ns()
        # In pieces, as a stream may hand them over.
        data = (len(report) // 2).to_bytes(2) + bytes.fromhex(report)
        for byte in data:
            self.line.sendall(bytes((byte,)))
        return at

    def written(self) -> list[str]:
        self.line.setblocking(False)
        data, frames = b"", list[str]()
        with suppress(BlockingIOError):
            while some := self.line.recv(4096):
                data += some
        while data:
            length = int.from_bytes(data[:2])
            frames.append(data[2 : 2 + length].hex())
            data = data[2 + length :]
        return frames


class Desk:
    """A headset that is open in a process of its own, and what happens to it."""

    def __init__(self, kind: str, bus: Bus, box: Talk, descriptor: str, folder: Path) -> None:
        self.kind, self.bus, self.box, self.pulled = kind, bus, box, False
        self.twin = Twin(folder / "twin", box, descriptor) if kind == "socket" else None
        if self.twin is not None:
            return
        if kind == "sim":
            box.do("open_sim", PORT, descriptor)
        else:
            bus.plug(PORT, descriptor=descriptor)
            box.do("open", kind, PORT)

    def report(self, *reports: str) -> list[int]:
        """The headset sends these; when."""
        if self.twin is not None:
            return [self.twin.report(each) for each in reports]
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
        if self.twin is not None:
            self.twin.line.close()
        else:
            self.bus.do("pull", PORT)
        return self.box.answer()

    def leave(self) -> None:
        """The test is over."""
        if self.twin is not None:
            self.twin.line.close()
        elif self.kind not in TWINS and not self.pulled:
            self.bus.do("pull", PORT)

    def written(self) -> list[str]:
        """What reached the headset."""
        if self.twin is not None:
            return self.twin.written()
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


@pytest.fixture(params=KINDS)
def desk(request: pytest.FixtureRequest, shared: Bus, tmp_path: Path) -> Iterator[Desk]:
    with open_box(shared) as box:
        made = Desk(request.param, shared, box, DESCRIPTOR, tmp_path)
        yield made
    made.leave()


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
    if desk.kind not in TWINS:
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


@pytest.mark.parametrize("kind", KINDS)
def test_without_report_ids_data_is_all_there_is(kind: str, shared: Bus, tmp_path: Path) -> None:
    with open_box(shared) as box:
        desk = Desk(kind, shared, box, UNNUMBERED, tmp_path)
        desk.report("01", "05")
        assert [desk.read(), desk.read()] == ["01", "05"]
        if kind != "watch":
            box.do("write", PORT, "0300")
            assert desk.written() == ["0300"]
    desk.leave()
