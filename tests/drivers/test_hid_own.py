"""An owned headset: real pyusb on real libusb at a mocked bus, and how headsets misbehave there."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hid_rig import DESCRIPTOR, KEYBOARD, MUTE_PRESS, OFF_HOOK, ON_HOOK, ROOT, Bus, Talk, open_box, open_bus
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import CallfloorError, UnpluggedError
from drivers.hid_device import numbers_reports
from drivers.hid_inbox import Inbox

pytestmark = pytest.mark.usb


@pytest.fixture(scope="module")
def shared() -> Iterator[Bus]:
    with open_bus() as made:
        yield made


@pytest.fixture
def bus(shared: Bus) -> Iterator[Bus]:
    yield shared
    shared.do("clear")


@pytest.fixture
def box(bus: Bus) -> Iterator[Talk]:
    with open_box(bus) as made:
        yield made


def heard(box: Talk, count: int, timeout_s: float = 5.0) -> list[str]:
    return [what for _, what, _ in box.do("heard", count, timeout_s)["heard"]]


def test_the_kernel_loses_the_one_interface_and_gets_it_back(bus: Bus, box: Talk) -> None:
    """Its volume keys are a HID interface too: they and its sound stay with the kernel."""
    bus.plug()
    assert [info["interface"] for info in box.do("list")["headsets"]] == [3]
    box.do("open", "own", "1-2")
    assert bus.log() == [("detach", "03"), ("claim", "03"), ("set_idle 0000 3", "")]
    assert [info["driver"] for info in box.do("list")["held"]] == ["usbfs"]
    assert box.do("close", "1-2")["logged"] == []
    assert bus.log()[3:] == [("release", "03"), ("attach", "03")]
    listed = box.do("list")
    assert [(info["driver"], info["descriptor"]) for info in listed["headsets"]] == [("usbhid", DESCRIPTOR)]
    assert listed["held"] == listed["left"] == []


def test_a_process_that_ends_gives_back(bus: Bus) -> None:
    bus.plug()
    with open_box(bus) as box:
        box.do("open", "own", "1-2")
        box.do("listen", "1-2")
    assert bus.log()[-2:] == [("release", "03"), ("attach", "03")]


def test_closed_the_moment_it_begins_to_listen(bus: Bus, box: Talk) -> None:
    """The reader may be about to begin its read when its interface is let go."""
    bus.plug()
    for _ in range(40):
        box.do("open", "own", "1-2")
        box.begin("listen", "1-2")
        box.begin("close", "1-2")
        assert [box.answer(), box.answer()] == [{}, {"logged": []}]
        assert [info["driver"] for info in box.do("list")["headsets"]] == ["usbhid"]


def test_what_a_killed_process_left_is_repaired_at_the_next_start(bus: Bus) -> None:
    bus.plug()
    bus.plug("1-3", descriptor=KEYBOARD, serial="K")
    with open_box(bus) as box:
        box.do("open", "own", "1-2")
        box.process.send_signal(signal.SIGKILL)
        box.process.wait(5)
    bus.do("crash", "1-2")  # the kernel ends the claims of a process that died, and binds nothing
    with open_box(bus) as box:
        listed = box.do("list")
        assert (listed["headsets"], [info["port"] for info in listed["left"]]) == ([], ["1-2"])
        assert box.ask("open", "own", "1-2")["fault"] == "TransientError"
        assert [info["port"] for info in box.do("repair")["mended"]] == ["1-2"]
        assert box.do("repair")["mended"] == []
        assert [info["port"] for info in box.do("list")["headsets"]] == ["1-2"]
        box.do("open", "own", "1-2")
    assert [what for what, _ in bus.log("1-3")] == []


def test_an_endpoint_for_output_is_used_where_there_is_one(bus: Bus, box: Talk) -> None:
    bus.plug(out=True)
    box.do("open", "own", "1-2")
    box.do("write", "1-2", "020300")
    assert bus.log()[-1] == ("out", "020300")
    bus.plug("1-3", serial="S2")
    box.do("open", "own", "1-3")
    box.do("write", "1-3", "020300")
    assert bus.log("1-3")[-1] == ("set_report 0202 3", "020300")


@pytest.mark.parametrize("habit", [{"stall": ["set_idle"]}, {"hang": ["set_idle"]}])
def test_set_idle_is_optional(bus: Bus, box: Talk, habit: dict[str, list[str]]) -> None:
    bus.plug(**habit)
    box.do("open", "own", "1-2")
    bus.do("report", "1-2", OFF_HOOK)
    assert box.do("read", "1-2", 5)["report"] == OFF_HOOK


@pytest.mark.parametrize(("habit", "why"), [({"stall": ["set_report"]}, "refuses"), ({"hang": ["set_report"]}, "does not answer")])
def test_lamps_that_it_does_not_take_are_a_fault_that_may_pass(bus: Bus, box: Talk, habit: dict[str, list[str]], why: str) -> None:
    bus.plug(**habit)
    box.do("open", "own", "1-2")
    said = box.ask("write", "1-2", "020300")
    assert said["fault"] == "TransientError"
    assert why in said["text"]
    assert "writing report 02" in said["text"]
    bus.do("report", "1-2", OFF_HOOK)
    assert box.do("read", "1-2", 5)["report"] == OFF_HOOK
    bus.do("habit", "1-2", {"stall": [], "hang": []})
    box.do("write", "1-2", "020300")


def test_a_stalled_endpoint_is_cleared_and_heard_again(bus: Bus, box: Talk) -> None:
    bus.plug(stall=["in"])
    box.do("open", "own", "1-2")
    box.do("listen", "1-2")
    bus.do("report", "1-2", OFF_HOOK)
    assert heard(box, 1) == [OFF_HOOK]
    assert ("clear_halt", "") in bus.log()


def test_a_wire_that_is_dead_before_the_bus_notices(bus: Bus, box: Talk) -> None:
    """As a real kernel does it: the transfer fails with EIO, and only later there is no such device."""
    bus.plug()
    box.do("open", "own", "1-2")
    box.do("listen", "1-2")
    bus.do("pull", "1-2", "late")
    (what,) = heard(box, 1)
    assert what.startswith("UnpluggedError: headset Desk (1209:0001) at port 1-2")
    assert box.do("close", "1-2")["logged"] == []


def test_pulled_and_plugged_again_it_is_another_plugging_of_the_same_headset(bus: Bus, box: Talk) -> None:
    bus.plug()
    before = box.do("list")["headsets"][0]
    bus.do("pull", "1-2")
    assert box.do("list")["headsets"] == []
    bus.plug()
    after = box.do("list")["headsets"][0]
    assert (after["identity"], after["port"], after["folder"]) == (before["identity"], before["port"], before["folder"])
    assert after["address"] != before["address"]
    for kind in ("own", "watch"):
        assert box.ask("open_stale", kind, before)["fault"] == "UnpluggedError"
    assert bus.log() == []


def test_two_of_the_same_without_serial_are_told_apart_by_their_ports(bus: Bus, box: Talk) -> None:
    bus.plug("1-2.1", serial="")
    bus.plug("1-2.2", serial="")
    assert [info["identity"] for info in box.do("list")["headsets"]] == ["1209:0001@1-2.1", "1209:0001@1-2.2"]
    for port in ("1-2.1", "1-2.2"):
        box.do("open", "own", port)
        box.do("listen", port)
    bus.do("report", "1-2.2", OFF_HOOK)
    assert [each[:2] for each in box.do("heard", 1)["heard"]] == [["1-2.2", OFF_HOOK]]
    bus.do("report", "1-2.1", MUTE_PRESS)
    assert [each[:2] for each in box.do("heard", 1)["heard"]] == [["1-2.1", MUTE_PRESS]]
    box.do("write", "1-2.1", "020100")
    assert [what for what, _ in bus.log("1-2.2")].count("set_report 0202 3") == 0


def test_a_headset_that_another_program_holds(bus: Bus, box: Talk) -> None:
    bus.plug()
    with open_box(bus) as other:
        stale = box.do("list")["headsets"][0]
        other.do("open", "own", "1-2")
        for order in (("open", "own", "1-2"), ("open", "watch", "1-2"), ("open_stale", "own", stale)):
            said = box.ask(*order)
            assert said["fault"] == "DeniedError", order
            assert "another program holds it" in said["text"]
            assert f"(process {other.process.pid})" in said["text"]
        assert ("release", "03") not in bus.log(), "theirs was taken away"
    assert box.ask("open", "own", "1-2") == {}


def test_no_right_to_it_names_the_group_and_the_rule(bus: Bus) -> None:
    bus.plug()
    bus.do("deny", "1-2")
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may open anything, and there is no setpriv to take that right away")
        before = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    with open_box(bus, *before) as box:
        own, watch = box.ask("open", "own", "1-2"), box.ask("open", "watch", "1-2")
    assert (own["fault"], watch["fault"]) == ("DeniedError", "DeniedError")
    assert "no right to /dev/bus/usb/001/" in own["text"]
    assert 'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="1209", GROUP="callfloor", MODE="0660"' in own["text"]
    assert 'SUBSYSTEM=="hidraw", ATTRS{idVendor}=="1209", GROUP="callfloor", MODE="0660"' in watch["text"]
    assert bus.log() == []


@pytest.mark.parametrize(("hidden", "verb"), [("usb", ("open", "own", "1-2")), ("pyudev", ("plugs_on", 10))])
def test_a_package_that_is_missing_is_named(bus: Bus, tmp_path: Path, hidden: str, verb: tuple[object, ...]) -> None:
    # Python's own way to say that there is no such module, at the start of the process.
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{hidden!r}] = None\n")
    bus.plug()
    with open_box(bus, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}") as box:
        said = box.ask(*verb)
    assert said["fault"] == "UnsupportedError"
    assert "install callfloor[headsets]" in said["text"]


def test_a_mute_that_nobody_answers_is_taken_back_and_an_answered_one_is_not(bus: Bus, box: Talk) -> None:
    bus.plug(patience_s=0.05, reverts=ON_HOOK)
    box.do("open", "own", "1-2")
    box.do("listen", "1-2")
    bus.do("press", "1-2", MUTE_PRESS)
    assert heard(box, 2) == [MUTE_PRESS, ON_HOOK]
    bus.do("habit", "1-2", {"patience_s": 1.0})
    bus.do("press", "1-2", MUTE_PRESS)
    assert heard(box, 1) == [MUTE_PRESS]
    box.do("write", "1-2", "020300")
    assert heard(box, 1, 1.2) == []


def test_presses_and_repeats_come_as_they_were_sent(bus: Bus, box: Talk) -> None:
    """What they mean is decided above: one then zero, the same again and again, an echo of what the host wrote."""
    bus.plug(echo=OFF_HOOK)
    box.do("open", "own", "1-2")
    box.do("listen", "1-2")
    sent = [MUTE_PRESS, ON_HOOK, *[MUTE_PRESS] * 40]
    bus.do("report", "1-2", *sent)
    assert heard(box, len(sent)) == sent
    box.do("write", "1-2", "020100")
    assert heard(box, 1) == [OFF_HOOK]


def test_whether_the_kernel_may_suspend_it_is_told(bus: Bus, box: Talk) -> None:
    bus.plug("1-2", power="auto")
    bus.plug("1-3", serial="S2")
    assert [info["sleeps"] for info in box.do("list")["headsets"]] == [True, False]


def test_text_of_a_device_reaches_nobodys_terminal(bus: Bus, box: Talk) -> None:
    bus.plug(serial="A\x1b[31m\x07" + "9" * 300, product="Dësk \u202e" + "x" * 300)
    info = box.do("list")["headsets"][0]
    assert (len(info["serial"]), len(info["product"])) == (64, 64)
    assert info["serial"].isprintable()
    assert info["product"].startswith("Dësk x")


def test_headsets_that_are_pulled_and_plugged_in_storms_are_lost_and_found(bus: Bus, box: Talk) -> None:
    ports = [f"1-{hub}.{port}" for hub in range(2, 5) for port in range(1, 5)]
    for round_ in range(3):
        for number, port in enumerate(ports):
            bus.plug(port, serial=f"S{number}")
        for port in ports:
            box.do("open", "own" if round_ < 2 else "watch", port)
            box.do("listen", port)
        for port in ports:
            bus.do("report", port, OFF_HOOK)
            bus.do("pull", port, "clean" if round_ else "late")
        told = box.do("heard", 2 * len(ports))["heard"]
        assert sorted((port, what.partition(":")[0]) for port, what, _ in told) == sorted(
            (port, what) for port in ports for what in (OFF_HOOK, "UnpluggedError")
        )
        for port in ports:
            assert box.do("close", port)["logged"] == []


async def test_a_flood_keeps_the_newest_and_counts_the_rest() -> None:
    """A device that sends without end while the loop is busy."""
    heard: list[bytes] = []
    lost: list[CallfloorError] = []
    loop = asyncio.get_running_loop()

    def take(report: bytes, _mono_ns: int) -> None:
        heard.append(report)
        if len(heard) == 2:
            raise ValueError("of whoever listens")

    told: list[str] = []
    loop.set_exception_handler(lambda _loop, context: told.append(str(context.get("exception"))))
    inbox = Inbox(loop, take, lost.append)
    await asyncio.to_thread(lambda: [inbox.put(number.to_bytes(2), number) for number in range(256)])
    assert [int.from_bytes(each) for each in heard] == list(range(256))
    heard.clear()
    for number in range(1000):
        inbox.put(number.to_bytes(2), number)
    inbox.end(UnpluggedError("pulled"))
    inbox.end(UnpluggedError("twice"))
    while not lost:
        await asyncio.sleep(0)
    assert [int.from_bytes(each) for each in heard] == list(range(744, 1000))
    assert inbox.dropped == 744
    assert told == ["of whoever listens"] * 2
    assert [str(each) for each in lost] == ["pulled"]


async def test_what_is_dropped_while_older_reports_are_taken_is_not_told_before_them() -> None:
    """Whoever counts presses must forget at the gap: told too early, he counts on over it."""
    told: list[tuple[int, int]] = []

    def take(report: bytes, _mono_ns: int) -> None:
        if not told:
            for number in range(2, 2 + 300):
                inbox.put(number.to_bytes(2), number)
        told.append((int.from_bytes(report), inbox.dropped))

    inbox = Inbox(asyncio.get_running_loop(), take, lambda _fault: None)
    for number in range(2):
        inbox.put(number.to_bytes(2), number)
    while len(told) < 2 + 256:
        await asyncio.sleep(0)
    assert told[:3] == [(0, 0), (1, 0), (46, 44)]


@given(st.binary(max_size=200))
def test_looking_for_report_ids_survives_any_bytes(raw: bytes) -> None:
    assert numbers_reports(raw) in (True, False)
    assert not numbers_reports(b"\xfe\xff\x00" + b"\x85" * 255)
