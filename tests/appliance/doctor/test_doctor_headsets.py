"""What doctor says of headsets, from facts made by hand: who has each, who may, where it hangs; every finding with its mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.doctor.finding import Finding
from appliance.doctor.headset_facts import Desk, HeadsetFacts
from appliance.doctor.headsets import judge
from appliance.doctor.who import Node, Who
from drivers.hid_device import HidInfo
from drivers.hid_holder import Holder
from drivers.hid_power import Feed

FILE = Path("/etc/callfloor/callfloor.toml")
RULES = Path("/etc/udev/rules.d/60-callfloor-headsets.rules")
WHO = Who("callfloor", 990, frozenset({990}))
OURS, PHONE = Holder(100, "callfloor"), Holder(4242, "zoiper")


def info(port: str = "1-1.2", **more: Any) -> HidInfo:
    told = {"driver": "usbhid", "hidraw": "/dev/hidraw0", "descriptor": b"d", "serial": "A1", "product": "Desk"} | more
    return HidInfo(port, 3, f"/sys/devices/usb1/{port}/{port}:1.3", 1, 4, 0x0B0E, 0x0307, **told)


def desk(port: str = "1-1.2", *, seat: str = "a12", device: HidInfo | None = None, **more: Any) -> Desk:
    told: dict[str, Any] = {
        "hold": "own", "named": True, "tells": True,
        "usb": Node("/dev/bus/usb/001/004", True, "root:callfloor 0660", may=True),
        "raw": Node("/dev/hidraw0", True, "root:callfloor 0660", may=True),
        "line": (Feed("1-1", self_powered=True, draws_ma=0), Feed(port, self_powered=False, draws_ma=500)),
    }  # fmt: skip
    return Desk(seat=seat, info=device or info(port), **(told | more))


def facts(*desks: Desk, config: HeadsetsConfig | None = None, **more: Any) -> HeadsetFacts:
    known = config or HeadsetsConfig(seat={each.seat: SeatConfig(url=f"usb:{each.info.port}") for each in desks if each.named})
    return HeadsetFacts(config=known, desks=desks, **({"who": WHO, "rules": RULES, "families": frozenset({"AF_NETLINK"})} | more))


def said(seen: HeadsetFacts) -> list[Finding]:
    """What is wrong; each of it told in full."""
    found = [finding for finding in judge(seen, FILE) if finding.level != "ok"]
    for finding in found:
        assert all((finding.item, finding.finding, finding.evidence, finding.consequence, finding.mend)), finding
    return found


def only(seen: HeadsetFacts) -> Finding:
    (finding,) = said(seen)
    return finding


def test_a_headset_as_it_should_be() -> None:
    (finding,) = judge(facts(desk()), FILE)
    assert (finding.item, finding.level, finding.finding) == ("headset a12", "ok", "fit to be owned")
    assert finding.evidence == "Desk (0b0e:0307:A1), with the kernel"


def test_nothing_there_and_nothing_wanted() -> None:
    assert [finding.level for finding in judge(facts(), FILE)] == ["ok"]


# -- own or watch -----------------------------------------------------------


def taken(**more: Any) -> Desk:
    return desk(device=info(driver="usbfs", descriptor=None, hidraw=None), raw=None, tells=None, **more)


def test_own_is_wise_where_nobody_else_reads() -> None:
    found = only(facts(desk(hold="watch")))
    assert (found.level, found.finding) == ("amber", "own would be wise")
    assert found.mend == "sudo callfloor config set headsets.seat.a12.hold own --restart   # or start the softphone"


def test_nobody_reads_is_not_said_when_not_all_can_be_seen() -> None:
    assert said(facts(desk(hold="watch"), unseen=12)) == []


def test_watch_is_wise_where_a_softphone_reads() -> None:
    found = only(facts(desk(by_raw=(PHONE,))))
    assert (found.level, found.finding) == ("amber", "watch would be wise")
    assert "zoiper (process 4242)" in found.evidence
    assert found.mend == "sudo callfloor config set headsets.seat.a12.hold watch --restart"
    assert said(facts(desk(hold="watch", by_raw=(PHONE,)))) == []


def test_where_no_seat_is_named_the_mend_is_for_all() -> None:
    assert "set headsets.hold watch --restart" in only(facts(desk(seat="usb-1-1.2", named=False, by_raw=(PHONE,)))).mend


def test_our_own_service_is_no_other_program() -> None:
    assert said(facts(taken(by_usb=(OURS,), ours=frozenset({100})), running=True)) == []
    assert said(facts(desk(hold="watch", by_raw=(OURS, PHONE), ours=frozenset({100})), running=True)) == []
    found = only(facts(desk(hold="watch", by_raw=(OURS,), ours=frozenset({100})), running=True))
    assert found.finding == "own would be wise"


@pytest.mark.parametrize("hold", ["own", "watch"])
def test_another_program_has_taken_it(hold: str) -> None:
    found = only(facts(taken(hold=hold, by_usb=(PHONE, Holder(4243, "helper"))), running=True))
    assert (found.level, found.finding) == ("red", "another program has taken it")
    assert "zoiper (process 4242), helper (process 4243)" in found.evidence
    assert found.mend == "sudo kill 4242"


def test_taken_and_nobody_shown() -> None:
    found = only(facts(taken(), unseen=3))
    assert (found.level, found.mend) == ("red", "sudo fuser -v /dev/bus/usb/001/004")
    # Ours runs, as another user whose files we do not see: it is the one.
    assert said(facts(taken(), unseen=3, running=True)) == []
    # Whoever may not even see whether it runs accuses nobody.
    assert said(facts(taken(), unseen=3, running=None)) == []


def test_owned_though_the_file_says_watch() -> None:
    found = only(facts(taken(hold="watch", by_usb=(OURS,), ours=frozenset({100})), running=True))
    assert (found.level, found.mend) == ("amber", "sudo systemctl restart callfloor@headsets")


def test_left_without_a_driver() -> None:
    found = only(facts(desk(device=info(driver=None, descriptor=None, hidraw=None), raw=None, tells=None)))
    assert (found.level, found.finding) == ("red", "nobody has it")
    assert found.mend == "echo 1-1.2:1.3 | sudo tee /sys/bus/usb/drivers/usbhid/bind"


def test_the_service_runs_and_has_not_taken_it() -> None:
    assert only(facts(desk(), running=True)).finding == "the service has not taken it"


# -- rights and what is installed --------------------------------------------


def test_no_right_and_no_rule() -> None:
    node = Node("/dev/bus/usb/001/004", True, "root:root 0664", may=False)
    rule, right = sorted(said(facts(desk(usb=node), rules=None)), key=lambda finding: finding.level)
    assert (rule.item, rule.level) == ("headsets", "amber")
    assert (right.item, right.level, right.evidence) == ("headset a12", "red", "/dev/bus/usb/001/004 (root:root 0664)")
    assert rule.mend == right.mend
    assert right.mend.startswith("sudo install -m 644 systemd/60-callfloor-headsets.rules /etc/udev/rules.d/")


def test_a_rule_that_came_after_the_headset_is_triggered() -> None:
    node = Node("/dev/bus/usb/001/004", True, "root:root 0664", may=False)
    assert only(facts(desk(usb=node))).mend.startswith("sudo udevadm control --reload && sudo udevadm trigger")


def test_whoever_runs_it_by_hand_joins_the_group() -> None:
    node = Node("/dev/hidraw0", True, "root:callfloor 0660", may=False)
    found = only(facts(desk(hold="watch", by_raw=(PHONE,), raw=node), who=Who("ana", 1000, frozenset({1000}))))
    assert found.mend.startswith("sudo usermod -aG callfloor ana")


def test_to_watch_needs_no_right_to_the_usb_device() -> None:
    assert said(facts(desk(hold="watch", by_raw=(PHONE,), usb=Node("/dev/bus/usb/001/004", True, "root:root 0664", may=False)))) == []


@pytest.mark.parametrize(
    ("missing", "mend"),
    [(("pyusb",), "pip install 'callfloor[headsets]'"), (("pyusb", "libusb-1.0"), "sudo apt install libusb-1.0-0")],
)
def test_packages(missing: tuple[str, ...], mend: str) -> None:
    found = only(facts(desk(), missing=missing))
    assert (found.level, found.mend, found.evidence) == ("red", mend, ", ".join(missing))


def test_a_unit_without_netlink() -> None:
    found = only(facts(desk(), families=frozenset({"AF_UNIX", "AF_INET"})))
    assert (found.item, found.level) == ("headsets", "amber")
    assert "AF_INET AF_UNIX" in found.evidence
    assert said(facts(desk(), families=None)) == []


# -- where it hangs -----------------------------------------------------------


def test_asleep() -> None:
    found = only(facts(desk(device=info(sleeps=True))))
    assert found.mend == "echo on | sudo tee /sys/bus/usb/devices/1-1.2/power/control"


def hubs(*powered: bool | None, draws_ma: int | None = 100) -> tuple[Feed, ...]:
    ports = ["1-1" + ".1" * at for at in range(len(powered) + 1)]
    between = [Feed(port, self_powered, 100) for port, self_powered in zip(ports, powered, strict=False)]
    return (*between, Feed(ports[-1], self_powered=False, draws_ma=draws_ma))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (hubs(), []),
        (hubs(True, True, True, True, draws_ma=500), []),
        (hubs(True, True, True, True, True), ["it hangs on too many hubs"]),
        (hubs(False, draws_ma=100), []),
        (hubs(False, draws_ma=500), ["its hub cannot feed it"]),
        (hubs(False, draws_ma=None), []),
        (hubs(None, None, draws_ma=500), []),
        (hubs(False, True, draws_ma=500), []),
        (hubs(True, False, False, draws_ma=500), ["a hub without supply feeds another"]),
    ],
)  # fmt: skip
def test_hubs_and_their_power(line: tuple[Feed, ...], wrong: list[str]) -> None:
    assert [finding.finding for finding in said(facts(desk(line=line)))] == wrong


def test_a_headset_that_tells_nothing() -> None:
    assert only(facts(desk(tells=False))).finding == "it tells nothing"


def test_a_seat_without_its_headset() -> None:
    config = HeadsetsConfig(seat={"a12": SeatConfig(url="usb:1-1.2")})
    found = only(facts(config=config, without=("a12",)))
    assert (found.item, found.level, found.evidence) == ("headset a12", "amber", 'no device fits url = "usb:1-1.2"')


def test_a_model_of_which_there_are_two() -> None:
    config = HeadsetsConfig(seat={"a12": SeatConfig(url="usb:0b0e:0307")})
    two = (desk("1-1.2", device=info(serial=None)), desk("1-1.3", seat="usb-1-1.3", named=False, device=info("1-1.3", serial=None)))
    found = only(facts(*two, config=config))
    assert found.finding == "its url fits 2 headsets"
    assert found.mend == "sudo callfloor config set headsets.seat.a12.url usb:1-1.2 --restart"
    # One that another seat claims by its port is no rival.
    config = replace(config, seat=config.seat | {"a13": SeatConfig(url="usb:1-1.3")})
    assert said(facts(two[0], replace(two[1], seat="a13", named=True), config=config)) == []


def test_a_serial_number_that_two_have() -> None:
    config = HeadsetsConfig(seat={"a12": SeatConfig(url="usb:0b0e:0307:A1")})
    found = only(facts(desk("1-1.2"), desk("1-1.3", seat="usb-1-1.3", named=False), config=config))
    assert (found.finding, found.evidence) == ("another has its serial number", "0b0e:0307:A1 is at 1-1.2, 1-1.3")
    assert found.mend == "sudo callfloor config set headsets.seat.a12.url usb:1-1.2 --restart"


# -- what the configuration asks for -------------------------------------------


def test_a_press_that_nobody_carries_out() -> None:
    config = HeadsetsConfig(hang_up=True, seat={"a12": SeatConfig(url="usb:1-1.2", answer=True)})
    answer, hang_up = said(facts(desk(), config=config, owned=frozenset()))
    assert (answer.item, answer.level, answer.finding, hang_up.finding) == (
        "headsets",
        "amber",
        "a press cannot answer",
        "a press cannot hang up",
    )
    assert said(facts(desk(), config=config)) == []


def test_where_all_is_simulated_the_machine_does_not_matter() -> None:
    config = HeadsetsConfig(seat={"a12": SeatConfig(url="sim:/run/a.sock")})
    nothing = {"config": config, "looks": False, "missing": ("pyusb",), "rules": None}
    assert said(facts(**nothing)) == []
    found = only(facts(**nothing, unheard={"a12": "/run/a.sock"}))
    assert (found.item, found.level, found.mend) == ("headset a12", "amber", "callfloor sim headset --socket /run/a.sock")
