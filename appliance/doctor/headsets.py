"""Decides what is wrong with the headsets of this machine: packages, rights, who has each, where it hangs. Nothing is opened or taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.headset_facts import RULES, Desk, HeadsetFacts, probe
from appliance.doctor.headset_hold import item_of, judge_hold
from appliance.doctor.headset_place import judge_place
from appliance.doctor.setting import setting
from appliance.doctor.who import USER

LIMIT_S: Final = 15.0
_RELOAD: Final = "sudo udevadm control --reload && sudo udevadm trigger --action=add --subsystem-match=usb --subsystem-match=hidraw"
_INSTALL: Final = f"sudo install -m 644 systemd/{RULES} /etc/udev/rules.d/ && {_RELOAD}"
#: The package's own unit lets them in: what shuts them out was put over it here.
_DROP_IN: Final = "sudo systemctl revert callfloor@headsets && sudo systemctl restart callfloor@headsets"
_APT: Final = {"libusb-1.0": "libusb-1.0-0", "libudev": "libudev1"}


def wanted(config: Config) -> bool:
    """There is a [headsets]."""
    return config.headsets is not None


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(probe(scene.config), scene.file)


def judge(facts: HeadsetFacts, file: Path) -> tuple[Finding, ...]:
    """Everything that is wrong; of a headset with which nothing is, that it is well."""
    found = [*_machine(facts, file), *judge_place(facts, file)]
    for desk in facts.desks:
        wrong = [*_rights(desk, facts), *filter(None, [judge_hold(desk, facts, file)])]
        found += wrong
        if not wrong and not any(each.item == item_of(desk) for each in found):
            found.append(_well(desk))
    if not found:
        what, seen = "none is plugged in, and no seat is configured", "all that headsets need is there"
        if not facts.looks:
            what, seen = "all seats are simulated", "the USB headsets of this machine are left alone"
        found = [Finding("headsets", "ok", what, seen)]
    return tuple(sorted(found, key=lambda finding: finding.item))


def _machine(facts: HeadsetFacts, file: Path) -> Iterator[Finding]:
    """What concerns all of them."""
    yield from _presses(facts, file)
    if not facts.looks:
        return
    if facts.missing:
        apt = [_APT[name] for name in facts.missing if name in _APT]
        mend = f"sudo apt install {' '.join(apt)}" if apt else "pip install 'callfloor[headsets]'"
        yield Finding("headsets", "red", "what they need is not installed", ", ".join(facts.missing), "no headset is read", mend)
    if facts.rules is None and facts.who.uid != 0:
        what, evidence = "the udev rules are not installed", f"no {RULES} in /etc/udev/rules.d or /usr/lib/udev/rules.d"
        so = f"a headset that is plugged in belongs to root, and may be suspended; the user {facts.who.name} may not open it"
        yield Finding("headsets", "amber", what, evidence, so, _INSTALL)
    if facts.families is not None and "AF_NETLINK" not in facts.families:
        evidence = f"RestrictAddressFamilies of callfloor@headsets is {' '.join(sorted(facts.families))}"
        so = "the service hears nothing of the kernel's events: what is plugged or pulled shows after 1 s instead of at once"
        yield Finding("headsets", "amber", "its unit shuts out udev's events", evidence, so, _DROP_IN)


def _presses(facts: HeadsetFacts, file: Path) -> Iterator[Finding]:
    """What the hook is to ask of the PBX, and nothing here can do."""
    seats = facts.config.seat.values()
    for key, verb in (("answer", "answer"), ("hang_up", "hangup")):
        asked = getattr(facts.config, key) or any(getattr(seat, key) for seat in seats)
        if asked and verb not in facts.owned:
            evidence = f"{key} = true, and no service of this box carries out the command {verb}"
            so = "each such press is told as a command that was refused, and nothing happens to the call"
            yield Finding(
                "headsets", "amber", f"a press cannot {key.replace('_', ' ')}", evidence, so, setting(("headsets", key), None, file)
            )


def _rights(desk: Desk, facts: HeadsetFacts) -> Iterator[Finding]:
    """Whether the service's user may open what it needs: to own the USB device, to watch the hidraw node."""
    node = desk.usb if desk.hold == "own" else desk.raw
    if node is None or not node.there or node.may:
        return
    what = f"{facts.who.name} may not {'write' if desk.hold == 'own' else 'read'} it"
    so = "the service cannot open it: its hook and mute are not known"
    mend = _INSTALL
    if facts.rules is not None:
        grouped = f":{USER} " in node.owner
        mend = f"sudo usermod -aG {USER} {facts.who.name}   # then log in anew" if grouped else _RELOAD
    yield Finding(item_of(desk), "red", what, str(node), so, mend)


def _well(desk: Desk) -> Finding:
    who = {"usbhid": "with the kernel", "usbfs": "with the service"}.get(desk.info.driver or "", "with nobody")
    name = desk.info.product or desk.info.model
    return Finding(
        item_of(desk), "ok", f"fit to be {'owned' if desk.hold == 'own' else 'watched'}", f"{name} ({desk.info.identity}), {who}"
    )
