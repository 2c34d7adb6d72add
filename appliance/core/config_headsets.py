"""Decides what the description of headsets and seats may not say: headsets that are none or have two seats, people at two seats,
presses that could reach no PBX, seat boxes that could not be heard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from appliance.core.config import Config
from appliance.core.config_rules import Finding
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.headset_url import headset_url
from appliance.core.slug import is_key, slug

#: What a headset at no named seat is called: by its port.
_BY_PORT: Final = re.compile(r"usb-(\d+-\d+(?:\.\d+)*)")
_HERE: Final = ("headsets",)


def findings_of_headsets(config: Config) -> Iterator[Finding]:
    """Everything wrong with [headsets]."""
    headsets = config.headsets
    if headsets is None:
        return
    yield from _seats(headsets, config)
    yield from _presses(headsets, config)
    yield from _boxes(headsets, config)
    if config.site.role == "seat":
        yield from _seat_box(config)
    default = HeadsetsConfig().keep_days
    if config.journal.keep_days < headsets.keep_days != default:
        what = f"{headsets.keep_days:g} days of hook and mute, and the journal itself keeps {config.journal.keep_days:g}"
        yield Finding((*_HERE, "keep_days"), what, f"write keep_days = {config.journal.keep_days:g}, or more for [journal]")


def _seats(headsets: HeadsetsConfig, config: Config) -> Iterator[Finding]:
    first: dict[tuple[str, str], str] = {}
    for key, seat in headsets.seat.items():
        here = (*_HERE, "seat", key)
        if not is_key(key):
            what = f'"{key}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
            yield Finding(here, what, f"write [headsets.seat.{slug(key, 's').replace('.', '-')}]")
        url = None
        try:
            url = headset_url(seat.url)
        except ValueError as mend:
            yield Finding((*here, "url"), f'"{seat.url}" is no headset', str(mend))
        if url and url.sim is not None and not url.sim.startswith("/"):
            yield Finding((*here, "url"), f'"{seat.url}" is no absolute path', f'write where the socket is from / on: "sim:/run/{url.sim}"')
        by_port = _BY_PORT.fullmatch(key)
        if by_port and url and url.port != by_port[1]:
            what = f'"{key}" is what a headset at port {by_port[1]} is called that has no seat of its own'
            yield Finding(here, what, "give the seat another name")
        yield from _person(here, seat, config)
        for name, text in (("url", str(url) if url else None), ("agent", seat.agent), ("interface", seat.interface)):
            other = first.setdefault((name, text), key) if text is not None else key
            if other != key:
                yield Finding((*here, name), f'"{text}" is at seat {other} already', "leave it with one of the two")


def _person(here: tuple[str, ...], seat: SeatConfig, config: Config) -> Iterator[Finding]:
    agent = seat.agent
    if agent is not None:
        if not is_key(agent):
            mend = f'write agent = "{slug(agent, "a")}"; `callfloor status --json | jq .agents` lists them'
            yield Finding((*here, "agent"), f'"{agent}" is no agent\'s key', mend)
        elif len(config.pbx) > 1 and agent.partition(".")[0] not in config.pbx:
            mend = f'write agent = "{next(iter(config.pbx))}.{agent}", with the name of its [pbx.NAME]'
            yield Finding((*here, "agent"), f'with more than one PBX "{agent}" does not tell of which', mend)
    if seat.interface is not None and not re.fullmatch(r"hint:.+|[^/]+/.+", seat.interface):
        mend = 'write it as the PBX does: interface = "PJSIP/101"'
        yield Finding((*here, "interface"), f'"{seat.interface}" is no phone', mend)
    elif seat.interface is not None and agent is None and not config.pbx:
        mend = 'write agent = "…", the key of who sits there as `callfloor status --json` of the floor box has it'
        yield Finding((*here, "interface"), "nobody will ever sit here: this box hears no PBX that logs anybody in at a phone", mend)


def _presses(headsets: HeadsetsConfig, config: Config) -> Iterator[Finding]:
    """What the hook is to do, where it cannot be done."""
    some_own = headsets.hold == "own" or any(seat.hold == "own" for seat in headsets.seat.values())
    for key, what in (("answer", "answers a call"), ("hang_up", "ends a call")):
        asked: list[tuple[tuple[str, ...], bool]] = [((*_HERE, key), some_own)] if getattr(headsets, key) else []
        for name, seat in headsets.seat.items():
            if getattr(seat, key):
                asked.append(((*_HERE, "seat", name, key), (seat.hold or headsets.hold) == "own"))
        for path, own in asked:
            if not own:
                said = f"a watched headset never {what}: the softphone that has it does"
                yield Finding(path, said, f'write hold = "own", or take {key} out')
            elif not config.pbx:
                said = f"nothing {what}: this box reaches no PBX"
                yield Finding(path, said, f"write a [pbx.NAME], or take {key} out")


def _boxes(headsets: HeadsetsConfig, config: Config) -> Iterator[Finding]:
    boxes = headsets.boxes
    here = (*_HERE, "boxes")
    if not boxes:
        return
    if config.site.role == "seat":
        yield Finding(here, "a seat box shows no other's headsets", "take it out here; it belongs into the floor box's configuration")
    elif config.crm is None or not config.crm.url:
        mend = 'write [crm] with url = "mqtts://…": the seat boxes publish their headsets there'
        yield Finding(here, "seat boxes are read from the broker, and none is configured", mend)
    for index, box in enumerate(boxes):
        if box == "*":
            if len(boxes) > 1:
                yield Finding((*here, index), '"*" stands for all boxes of the site', 'write boxes = ["*"] alone, or take it out')
        elif not is_key(box):
            yield Finding((*here, index), f'"{box}" is no name of a box', f'write "{slug(box, "x")}", as its [site] box')
        elif box == config.site.box:
            yield Finding((*here, index), "this is this very box, whose headsets are shown anyway", "take it out")
        elif box in boxes[:index]:
            yield Finding((*here, index), f'"{box}" stands here twice', "take one of them out")


def _seat_box(config: Config) -> Iterator[Finding]:
    """A box that only reads headsets tells them to the floor box, or to nobody."""
    if config.crm is None or not config.crm.url:
        mend = 'write [crm] with url = "mqtts://…", the broker that the floor box uses too'
        yield Finding(("site", "role"), "a seat box tells its headsets through the broker, and none is configured", mend)
    elif config.crm.events is not None and "headset" not in config.crm.events:
        mend = 'write events = ["headset"] or take events out'
        yield Finding(("crm", "events"), "a seat box's headsets are left out, so the floor box would see none", mend)
