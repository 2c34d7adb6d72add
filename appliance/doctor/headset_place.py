"""Decides what is wrong with where and how headsets are plugged: hubs, power, sleep, seats without one, urls that fit two. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from appliance.core.headset_url import headset_url
from appliance.doctor.finding import Finding
from appliance.doctor.headset_facts import Desk, HeadsetFacts
from appliance.doctor.headset_hold import item_of
from appliance.doctor.setting import setting

#: USB 2.0, 4.1.1: five hubs in a line at most between a device and the machine's own ports.
_MOST_HUBS: Final = 5
#: USB 2.0, 7.2.1.1: what a hub without a supply of its own gives to each port.
_BUS_POWERED_MA: Final = 100


def judge_place(facts: HeadsetFacts, file: Path) -> Iterator[Finding]:
    """Everything that is wrong."""
    for desk in facts.desks:
        yield from _asleep(desk)
        yield from _hubs(desk)
        if desk.tells is False:
            evidence = f"{desk.info.model}: its report descriptor names neither hook nor mute"
            so = "the box sees only whether it is plugged in"
            yield Finding(
                item_of(desk), "amber", "it tells nothing", evidence, so, f"callfloor headset record {desk.seat} -o {desk.seat}.jsonl"
            )
    yield from _ambiguous(facts, file)
    yield from _same_serial(facts, file)
    for seat in facts.without:
        what = f'no device fits url = "{facts.config.seat[seat].url}"'
        so = "its board row says unplugged; an available agent there is told as a finding"
        yield Finding(f"headset {seat}", "amber", "nothing is plugged in", what, so, "callfloor devices")
    for seat, path in facts.unheard.items():
        so = "nothing is known of this seat"
        yield Finding(
            f"headset {seat}",
            "amber",
            "its simulated headset is not there",
            f"no socket {path}",
            so,
            f"callfloor sim headset --socket {path}",
        )


def _asleep(desk: Desk) -> Iterator[Finding]:
    if desk.info.sleeps:
        control = f"/sys/bus/usb/devices/{desk.info.port}/power/control"
        so = "not every headset wakes at a press: the first press after a quiet time may be lost"
        yield Finding(item_of(desk), "amber", "the kernel may suspend it", f"{control} is auto", so, f"echo on | sudo tee {control}")


def _hubs(desk: Desk) -> Iterator[Finding]:
    hubs = desk.line[:-1]
    if len(hubs) >= _MOST_HUBS:
        evidence = f"{len(hubs)} hubs in a line to port {desk.info.port}; USB allows {_MOST_HUBS}"
        so = "one more hub and it is not seen; every hub in the line can take it down"
        yield Finding(item_of(desk), "amber", "it hangs on too many hubs", evidence, so, "plug it nearer to the box")
    weak = [hub for hub in hubs if hub.self_powered is False]
    for one, other in pairwise(hubs):
        if one in weak and other in weak:
            evidence = f"the hubs at {one.port} and {other.port} both say that they have no supply of their own"
            so = "headsets behind them fail together when one draws more"
            yield Finding(
                item_of(desk), "amber", "a hub without supply feeds another", evidence, so, "give one of the hubs its power supply"
            )
            return
    draws = desk.line[-1].draws_ma if desk.line else None
    if weak and hubs[-1] in weak and draws is not None and draws > _BUS_POWERED_MA:
        evidence = f"it wants {draws} mA, and the hub at {weak[-1].port} has no supply of its own: {_BUS_POWERED_MA} mA a port"
        so = "it may drop out when it rings, or others at that hub"
        yield Finding(item_of(desk), "amber", "its hub cannot feed it", evidence, so, "give the hub its power supply")


def _ambiguous(facts: HeadsetFacts, file: Path) -> Iterator[Finding]:
    """A seat named by model alone, and more than one of that model that no other seat claims."""
    for seat, config in facts.config.seat.items():
        url = headset_url(config.url)
        if url.rank > 1 or url.sim is not None:
            continue
        fit = [
            desk for desk in facts.desks
            if url.fits(desk.info.port, desk.info.model, desk.info.serial) and (not desk.named or desk.seat == seat)
        ]  # fmt: skip
        if len(fit) > 1:
            where = ", ".join(f"{desk.info.port} ({desk.info.serial or 'no serial number'})" for desk in fit)
            so = "which of them is at this seat depends on the ports, and changes when one is pulled"
            better = fit[0].info.identity if fit[0].info.serial else fit[0].info.port
            mend = setting(("headsets", "seat", seat, "url"), f"usb:{better}", file)
            yield Finding(f"headset {seat}", "amber", f"its url fits {len(fit)} headsets", f"{config.url}: {where}", so, mend)


def _same_serial(facts: HeadsetFacts, file: Path) -> Iterator[Finding]:
    """Some makers give every device one serial number."""
    like: dict[str, list[Desk]] = defaultdict(list)
    for desk in facts.desks:
        if desk.info.serial:
            like[desk.info.identity].append(desk)
    for identity, desks in like.items():
        ports = sorted({desk.info.port for desk in desks})
        named = [desk for desk in desks if desk.named and headset_url(facts.config.seat[desk.seat].url).serial is not None]
        if len(ports) > 1 and named:
            so = "the serial number does not tell them apart: the seat may get the other's headset"
            mend = setting(("headsets", "seat", named[0].seat, "url"), f"usb:{named[0].info.port}", file)
            yield Finding(item_of(named[0]), "amber", "another has its serial number", f"{identity} is at {', '.join(ports)}", so, mend)
