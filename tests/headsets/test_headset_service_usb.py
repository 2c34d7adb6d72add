"""The service on the wire: real pyusb, libusb and pyudev at a mocked bus, the real journal, the command as systemd starts it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "drivers"))

from hid_rig import DESCRIPTOR, MUTE_PRESS, OFF_HOOK, Bus, open_box, open_bus
from service_rig import Service, open_service

pytestmark = pytest.mark.usb
#: What an owned headset tells when it is lifted: the lamps that answer it say that the microphone is open.
LIFTED = ("hook off", "mute false")


@pytest.fixture(scope="module")
def shared() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


@pytest.fixture
def bus(shared: Bus) -> Iterator[Bus]:
    yield shared
    shared.do("clear")


def taken(bus: Bus, service: Service, port: str = "1-2", times: int = 1) -> None:
    """Till the box has it: what it says before is the kernel's."""
    service.wait(lambda: [what for what, _ in bus.log(port)].count("set_idle 0000 3") >= times)


def lamps(bus: Bus, port: str = "1-2") -> list[str]:
    return [data for what, data in bus.log(port) if what.startswith("set_report")]


def test_from_plug_to_pull_and_again_at_the_same_port(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    with open_service(bus, tmp_path) as service:
        told = ["attached", *LIFTED, "mute true", "detached"]
        taken(bus, service)
        bus.do("report", "1-2", OFF_HOOK)
        service.until("usb-1-2", *told[:3])
        assert lamps(bus) == ["020100"]
        bus.do("report", "1-2", MUTE_PRESS)
        service.until("usb-1-2", *told[:4])
        assert lamps(bus) == ["020100", "020300"]
        bus.do("pull", "1-2")
        service.until("usb-1-2", *told)
        bus.plug("1-2")
        taken(bus, service)
        bus.do("report", "1-2", OFF_HOOK)
        service.until("usb-1-2", *told, "attached", *LIFTED)
        service.stop()
        assert "not given back" not in service.log()
    assert bus.log()[-2:] == [("release", "03"), ("attach", "03")]
    first = service.events()[0].data
    assert (first.vendor_id, first.product_id, first.product, first.serial) == ("1209", "0001", "Desk", "S1")  # type: ignore[attr-defined]


def test_a_watched_headset_is_never_written(bus: Bus, tmp_path: Path) -> None:
    """Nor does what it says right after a press come back: who holds it answers."""
    bus.plug("1-2")
    with open_service(bus, tmp_path, '[headsets]\nhold = "watch"\n[headsets.seat.d4]\nurl = "usb:1-2"\n') as service:
        service.until("d4", "attached")
        bus.do("report", "1-2", OFF_HOOK)
        service.until("d4", "attached", "hook off")
        bus.do("report", "1-2", MUTE_PRESS)
        assert {what for what, _ in bus.log("1-2")} == {"in"}
        bus.do("pull", "1-2")
        service.until("d4", "attached", "hook off", "detached")


def test_seats_that_are_empty_and_seats_that_nobody_named(bus: Bus, tmp_path: Path) -> None:
    """Two of the same without serial numbers: by their ports; a third of them nobody has named."""
    for port in ("1-1.2", "1-1.10", "1-3"):
        bus.plug(port, serial="")
    seats = (
        '[headsets]\n[headsets.seat.a]\nurl = "usb:1-1.10"\n[headsets.seat.b]\nurl = "usb:1209:0001"\n[headsets.seat.c]\nurl = "usb:1-9"\n'
    )
    with open_service(bus, tmp_path, seats) as service:
        for port in ("1-1.2", "1-1.10", "1-3"):
            taken(bus, service, port)
        service.until("c", "detached")
        for port, seat in (("1-1.10", "a"), ("1-1.2", "b"), ("1-3", "usb-1-3")):
            bus.do("report", port, OFF_HOOK)
            service.until(seat, "attached", *LIFTED)
        bus.plug("1-9", serial="")
        service.until("c", "detached", "attached")
        bus.do("pull", "1-3")
        service.until("usb-1-3", "attached", *LIFTED, "detached")


def test_one_that_another_program_holds_is_told_and_taken_once_it_is_free(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    with open_box(bus) as other:
        other.do("open", "own", "1-2")
        with open_service(bus, tmp_path, "[headsets]\n[headsets.hold_s]\nheld_elsewhere = 0.05\n") as service:
            told = ["attached", "fault", "finding held_elsewhere"]
            service.until("usb-1-2", *told)
            fault = service.events()[1].data.fault  # type: ignore[attr-defined]
            assert "another program holds it: python" in fault
            assert f"(process {other.process.pid})" in fault
            other.do("close", "1-2")
            taken(bus, service, times=2)
            service.until("usb-1-2", *told, "hook unknown", "mute none")
            bus.do("report", "1-2", OFF_HOOK)
            service.wait(lambda: {"hook off", "mute false"} <= set(service.told("usb-1-2")))


def test_one_that_another_program_takes_while_it_is_watched(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    with open_box(bus) as other, open_service(bus, tmp_path, '[headsets]\nhold = "watch"\n') as service:
        bus.do("report", "1-2", OFF_HOOK)
        service.until("usb-1-2", "attached", "hook off")
        other.do("open", "own", "1-2")
        service.until("usb-1-2", "attached", "hook off", "fault")
        other.do("close", "1-2")
        service.until("usb-1-2", "attached", "hook off", "fault", "hook unknown", "mute none")


def test_what_a_killed_box_left_is_repaired_at_the_start(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    bus.plug("1-3", serial="S2")
    with open_service(bus, tmp_path) as service:
        for port in ("1-2", "1-3"):
            taken(bus, service, port)
            service.until(f"usb-{port}", "attached")
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(10)
    bus.do("crash", "1-2")  # the kernel ends the claims of a process that died, and binds nothing
    bus.do("crash", "1-3")
    bus.do("pull", "1-3")
    with open_service(bus, tmp_path) as service:
        taken(bus, service, times=2)
        assert ("attach", "03") in bus.log()
        service.until("usb-1-2", "attached", "attached")
        service.until("usb-1-3", "attached", "detached")  # nobody saw it go


def test_no_right_to_it_is_a_fault_and_tried_again(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    bus.plug("1-3", serial="S2")
    bus.do("deny", "1-2")
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may open anything, and there is no setpriv to take that right away")
        before = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    with open_service(bus, tmp_path, "[headsets]\n", *before) as service:
        service.until("usb-1-2", "attached", "fault")
        assert "no right to /dev/bus/usb/001/" in next(event.data.fault for event in service.events() if event.kind == "headset.fault")  # type: ignore[attr-defined]
        taken(bus, service, "1-3")
        bus.do("allow", "1-2")
        taken(bus, service)
        service.until("usb-1-2", "attached", "fault", "hook unknown", "mute none")


def test_a_descriptor_that_is_broken_is_told_and_nothing_is_taken(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2", descriptor=DESCRIPTOR[:24])
    bus.plug("1-3", serial="S2")
    with open_service(bus, tmp_path) as service:
        taken(bus, service, "1-3")
        service.until("usb-1-2", "attached", "fault")
        assert "report descriptor is malformed" in service.log()
        assert "1209:0001) at port 1-2" in service.log()
        faults = [event.data.fault for event in service.events() if event.kind == "headset.fault"]  # type: ignore[attr-defined]
        assert "S1" not in service.log() + "".join(faults), "a serial number is somebody's headset"
    assert bus.log("1-2") == []


def test_reports_that_are_no_reports_are_counted_and_told_once(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    with open_service(bus, tmp_path) as service:
        taken(bus, service)
        bus.do("report", "1-2", *["07ffff", "02", "0207" + "00" * 60, "00"] * 20)
        bus.do("report", "1-2", OFF_HOOK)
        service.wait(lambda: "hook off" in service.told("usb-1-2"))
        assert service.log().count("passed over") == 1
        assert "headset Desk (1209:0001) at port 1-2: report 7 is not in the descriptor; passed over 1" in service.log()


def test_one_that_takes_no_lamps_is_told_and_heard_all_the_same(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2", stall=["set_report"])
    with open_service(bus, tmp_path) as service:
        taken(bus, service)
        bus.do("report", "1-2", OFF_HOOK)
        service.wait(lambda: "fault" in service.told("usb-1-2"))
        assert service.told("usb-1-2")[:2] == ["attached", "hook off"]
        assert "it refuses (stall) while writing report 02" in service.log()


def test_one_that_hangs_holds_up_neither_the_others_nor_the_stop(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2", hang=["set_report"])
    bus.plug("1-3", serial="S2")
    with open_service(bus, tmp_path) as service:
        for port in ("1-2", "1-3"):
            taken(bus, service, port)
        bus.do("report", "1-2", OFF_HOOK)
        bus.do("report", "1-3", OFF_HOOK)
        service.until("usb-1-3", "attached", *LIFTED)
        bus.do("report", "1-3", MUTE_PRESS)
        service.until("usb-1-3", "attached", *LIFTED, "mute true")
        service.stop()
        assert "not given back" not in service.log()
    for port in ("1-2", "1-3"):
        assert bus.log(port)[-1] == ("attach", "03")


def test_one_seat_owned_and_one_watched(bus: Bus, tmp_path: Path) -> None:
    bus.plug("1-2")
    bus.plug("1-3", serial="S2")
    seats = '[headsets]\n[headsets.seat.a]\nurl = "usb:1-2"\nhold = "watch"\n[headsets.seat.b]\nurl = "usb:1-3"\n'
    with open_service(bus, tmp_path, seats) as service:
        taken(bus, service, "1-3")
        for port in ("1-2", "1-3"):
            bus.do("report", port, OFF_HOOK)
        service.until("a", "attached", "hook off")
        service.until("b", "attached", *LIFTED)
    assert [what for what, _ in bus.log("1-2")] == ["in"]


def test_a_storm_of_the_same_port_ends_in_what_is_plugged(bus: Bus, tmp_path: Path) -> None:
    """Nobody waits for anything: pulled while it is opened, while it is closed, and before it was seen."""
    with open_service(bus, tmp_path) as service:
        service.wait(lambda: "up: headsets" in service.log())
        for _ in range(8):
            bus.plug("1-2")
            bus.do("pull", "1-2")
        bus.plug("1-2", serial="LAST")
        taken(bus, service)
        service.wait(lambda: service.told() and service.told()[-1] == "attached")
        bus.do("report", "1-2", OFF_HOOK)
        service.wait(lambda: service.told()[-3:] == ["attached", *LIFTED])
        told = [each for each in service.told() if each in ("attached", "detached")]
        assert told == ["attached", "detached"] * (len(told) // 2) + ["attached"]
        assert service.events()[-3].data.serial == "LAST"  # type: ignore[attr-defined]
    assert bus.log()[-1] == ("attach", "03")
