"""Decides who should have a headset: the configuration says who does (own or watch), what is seen says which would be wise. Pure.

Own is wise where the box is the only host program of the headset: a press that nobody answers is taken back by many models. Watch is
wise where a program on this machine reads it already: a softphone that is to answer and to light its lamps.
"""

from __future__ import annotations

from pathlib import Path

from appliance.doctor.finding import Finding
from appliance.doctor.headset_facts import Desk, HeadsetFacts
from appliance.doctor.setting import setting
from drivers.hid_holder import Holder

_UNKNOWN = "its hook and mute are not known to the box"
_LOG = "journalctl -u callfloor@headsets -n 30"


def judge_hold(desk: Desk, facts: HeadsetFacts, file: Path) -> Finding | None:
    """What is wrong with who has it; None: nothing."""
    if desk.info.descriptor is not None:
        return _with_the_kernel(desk, facts, file)
    if desk.info.driver == "usbfs":
        return _taken(desk, facts)
    folder = Path(desk.info.folder).name
    evidence = f"{folder} has no driver: a program that held it has died, or gave it back badly"
    mend = f"echo {folder} | sudo tee /sys/bus/usb/drivers/usbhid/bind"
    return Finding(item_of(desk), "red", "nobody has it", evidence, f"{_UNKNOWN} until it is bound or replugged; its sound works", mend)


def item_of(desk: Desk) -> str:
    """What it goes by."""
    return f"headset {desk.seat}"


def _taken(desk: Desk, facts: HeadsetFacts) -> Finding | None:
    """A program has it from the kernel: whose is it?"""
    others = tuple(holder for holder in desk.by_usb if holder.pid not in desk.ours)
    mine = len(others) < len(desk.by_usb)
    item, node = item_of(desk), desk.info.node
    if others and not mine:
        what = "another program has taken it"
        so = f"{_UNKNOWN}, neither owned nor watched; the seat shows a fault"
        return Finding(item, "red", what, f"{node} is open in {_names(others)}", so, f"sudo kill {others[0].pid}")
    if not mine and not (facts.running is not False and facts.unseen):  # ours, as far as can be seen
        what, evidence = "some program has taken it", f"its driver is usbfs, and /proc shows nobody who has {node} open"
        return Finding(item, "red", what, evidence, f"{_UNKNOWN}; the seat shows a fault", f"sudo fuser -v {node}")
    if desk.hold == "watch":
        evidence = f'{node} is held by the box\'s own service, and the configuration says hold = "watch"'
        so = "no program on this machine can use it beside the box"
        return Finding(item, "amber", "it is owned, and should be watched", evidence, so, "sudo systemctl restart callfloor@headsets")
    return None


def _with_the_kernel(desk: Desk, facts: HeadsetFacts, file: Path) -> Finding | None:
    """The kernel's driver has it: anybody may read along."""
    readers = tuple(holder for holder in desk.by_raw if holder.pid not in desk.ours)
    item = item_of(desk)
    key = ("headsets", "seat", desk.seat, "hold") if desk.named else ("headsets", "hold")
    if desk.hold == "own" and readers:
        evidence = f"{desk.info.hidraw} is open in {_names(readers)}"
        so = f"to own it takes it away from {readers[0].name}, whose buttons and lamps on it then do nothing"
        return Finding(item, "amber", "watch would be wise", evidence, so, setting(key, "watch", file))
    if desk.hold == "own" and facts.running and desk.usb.may and not facts.missing:
        evidence = f"the service runs, and {desk.info.hidraw or 'the interface'} is with the kernel's driver still"
        return Finding(item, "amber", "the service has not taken it", evidence, _UNKNOWN, _LOG)
    if desk.hold == "watch" and not readers and not facts.unseen:
        evidence = f"no program but the box's own has {desk.info.hidraw} open"
        so = "presses that nobody answers are taken back by many models (Jabra: after 2 s), and the board then shows a wrong state"
        return Finding(item, "amber", "own would be wise", evidence, so, f"{setting(key, 'own', file)}   # or start the softphone")
    return None


def _names(holders: tuple[Holder, ...]) -> str:
    shown = ", ".join(str(holder) for holder in holders[:3])
    return shown + (f" and {len(holders) - 3} more" if len(holders) > 3 else "")
