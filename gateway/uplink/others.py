"""Decides what is believed of other sites' boxes: their retained `floor` and `status`, checked, the newest only, handed to the boards.

A floor that the broker replays may be of last week; live is only what came the moment it was said, or what its box names as its
newest in a `status` said just now. Which of the two came first is told by their order, never by another box's clock.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from msgspec import Struct

from appliance.core.clock import NS, Clock
from appliance.core.config import Config
from appliance.core.config_sites import MAX_SITES, place_of
from appliance.core.site_file import SiteFile, SiteFiles
from appliance.floor.sites import Told, told_from_payload
from gateway.uplink.link import Message
from gateway.uplink.topic import Topics

_log = logging.getLogger(__name__)

#: A floor of 2 000 queues; whatever is longer is none.
MAX_BYTES: Final = 1 << 20
_STATUS_MOST: Final = 4096
_WRITE_EVERY_NS: Final = NS
#: So long after a box's own rhythm its last word counts as live; a broker tells of a lost box after one and a half keep-alives.
_GRACE_S: Final = 15.0
_EVERY_S: Final = 5.0
_EVERY_MOST_S: Final = 600.0
#: After so long without a word the log says so, once.
_SILENT_NS: Final = 30 * NS
_STATES: Final = re.compile(r"callfloor/1/[^/]+/[^/]+/(floor|status)")
_REFUSED: Final = 0x80


class _Status(Struct, frozen=True):
    """What is read of a `status`."""

    state: Literal["online", "offline"] | None = None
    floor: str | None = None
    every_s: float | None = None


class _Came(Struct, frozen=True):
    """A message as it came: `order` counts all of them, `live` when it was said now and not replayed."""

    payload: bytes
    order: int
    mono_ns: int
    live: bool


class _Site:
    """One site: what came and was not looked at yet, and what is held."""

    def __init__(self, key: str, place: tuple[str, str]) -> None:
        self.key, self.place = key, place
        self.floor: _Came | None = None
        self.status: _Came | None = None
        self.held: SiteFile | None = None
        self.state: Literal["online", "offline"] | None = None
        self.live_s = _GRACE_S + _EVERY_S
        self.floor_order = 0
        self.changed = False
        self.written_ns = -_WRITE_EVERY_NS
        self.asked_ns: int | None = None
        self.complained = False
        self.dropped = 0


class Others:
    """Follows the sites that the configuration names. `run_dir` None: there are no boards to tell.

    `dropped` counts messages that were none, another's or too long, `old` floors that came after a newer one.
    """

    def __init__(self, config: Config, clock: Clock, files: SiteFiles | None) -> None:
        self._clock, self._files = clock, files
        #: Ends the subscription to a topic that nobody here reads any more.
        self.forget: Callable[[str], None] | None = None
        own = Topics(config.site.name, config.site.box)
        self._by_topic: dict[str, _Site] = {}
        self._sites: dict[str, _Site] = {}
        for key, site in list(config.sites.items())[:MAX_SITES]:
            topics = Topics(*place_of(key, site))
            if topics == own:
                continue
            one = self._sites[key] = _Site(key, place_of(key, site))
            self._by_topic |= dict.fromkeys(topics.others, one)
        self._order = 0
        self._unwritable = False
        self.dropped = 0
        self.old = 0
        self._recall()

    @property
    def filters(self) -> tuple[str, ...]:
        """Each site's floor, then its status."""
        return tuple(self._by_topic)

    def asked(self) -> None:
        """A connection stands: from now on silence says something."""
        for site in self._sites.values():
            site.asked_ns = self._clock.mono_ns()

    def subscribed(self, topic_filter: str, code: int) -> None:
        """The broker refuses a topic: said once, the site stays unknown."""
        site = self._by_topic.get(topic_filter)
        if site is not None and code >= _REFUSED:
            self._complain(site, f"the broker lets this box not read {topic_filter} ({code:#04x}): mend its access rules")

    def takes(self, message: Message) -> bool:
        """Keep the newest message of each topic for `turn`; False for what is not ours to read."""
        site = self._by_topic.get(message.topic)
        if site is None:
            stray = _STATES.fullmatch(message.topic) is not None
            if stray and self.forget is not None:
                self.forget(message.topic)
            return stray
        self._order += 1
        came = _Came(message.payload, self._order, self._clock.mono_ns(), not message.retain)
        if message.topic.endswith("/floor"):
            site.floor = came
        else:
            site.status = came
        return True

    def turn(self) -> None:
        """Look at what came and tell the boards. Call twice a second or so."""
        now_ns = self._clock.mono_ns()
        for site in self._sites.values():
            floor, status = site.floor, site.status
            site.floor = site.status = None
            if floor is not None:
                self._floor(site, floor)
            if status is not None:
                self._status(site, status)
            if site.changed and now_ns - site.written_ns >= _WRITE_EVERY_NS:
                self._write(site, now_ns)
            if site.asked_ns is not None and site.held is None and now_ns - site.asked_ns > _SILENT_NS:
                floor_topic = Topics(*site.place).floor
                self._complain(site, f"nothing has come on {floor_topic}: is that the name of its box, and may this box read the topic?")

    def _floor(self, site: _Site, came: _Came) -> None:
        if not came.payload:
            self._clear(site)
            return
        try:
            if len(came.payload) > MAX_BYTES:
                raise ValueError(f"{len(came.payload)} bytes are no floor")
            told = told_from_payload(came.payload, *site.place)
        except ValueError as fault:
            self._drop(site, "floor", fault)
            return
        held = site.held
        if held is not None and _is_older(told, held, live=came.live):
            self.old += 1
            return
        same = held is not None and (held.epoch, held.seq, held.time) == (told.epoch, told.seq, told.time)
        site.floor_order = came.order
        file = SiteFile(
            site=site.place[0], box=site.place[1], boot=self._clock.boot, state=site.state, live_s=site.live_s,
            epoch=told.epoch, seq=told.seq, time=told.time, open=told.open, floor=msgspec.Raw(msgspec.json.encode(told.floor)),
            floor_ns=came.mono_ns if came.live else held.floor_ns if held is not None and same else None,
            heard_ns=came.mono_ns if came.live else held.heard_ns if held is not None and same else None,
        )  # fmt: skip
        self._hold(site, file)

    def _status(self, site: _Site, came: _Came) -> None:
        said = _Status()
        try:
            if len(came.payload) > _STATUS_MOST:
                raise ValueError(f"{len(came.payload)} bytes are no status")
            if came.payload:  # an empty one was taken away
                said = msgspec.json.decode(came.payload, type=_Status)
        except (ValueError, RecursionError) as fault:
            self._drop(site, "status", fault)
            return
        site.state, site.live_s = said.state, _GRACE_S + min(max(said.every_s or _EVERY_S, 0.0), _EVERY_MOST_S)
        held = site.held
        if held is None:
            return
        heard_ns = held.heard_ns
        if said.floor is not None and came.order > site.floor_order:
            # Said after the floor that is held: it must be the one that the box calls its newest. If not, that one never came.
            if said.floor != held.time:
                heard_ns = None
            elif came.live and said.state == "online":
                heard_ns = came.mono_ns
        self._hold(site, msgspec.structs.replace(held, state=site.state, live_s=site.live_s, heard_ns=heard_ns))

    def _hold(self, site: _Site, file: SiteFile) -> None:
        if site.held is None or site.complained:
            _log.info("site %s: its floor is heard", site.key)
            site.complained = False
        site.held, site.changed = file, True

    def _clear(self, site: _Site) -> None:
        """Somebody took the retained floor away: the box is no more."""
        site.held, site.changed, site.floor_order = None, True, self._order

    def _write(self, site: _Site, now_ns: int) -> None:
        site.changed, site.written_ns = False, now_ns
        if self._files is None:
            return
        try:
            if site.held is None:
                self._files.forget(site.key)
            else:
                self._files.write(site.key, site.held)
            self._unwritable = False
        except OSError as fault:
            site.changed = True
            if not self._unwritable:
                _log.error("the boards cannot be told of site %s; tried again: %s", site.key, fault)
            self._unwritable = True

    def _recall(self) -> None:
        """Take up what the service held before it was started anew; it stays as old as it is."""
        if self._files is None:
            return
        try:
            self._files.keep_only(frozenset(self._sites))
        except OSError as fault:
            _log.warning("what is left of sites that are no longer read cannot be removed: %s", fault)
        for site in self._sites.values():
            file = self._files.read(site.key)
            if file is not None and (file.site, file.box) == site.place and file.boot == self._clock.boot:
                site.held, site.state, site.live_s = file, file.state, file.live_s

    def _drop(self, site: _Site, topic: str, fault: Exception) -> None:
        self.dropped += 1
        site.dropped += 1
        if site.dropped.bit_count() == 1:  # the 1st, 2nd, 4th, 8th…: a box of another make says it every five seconds
            _log.warning("site %s: message %d on its %s dropped: %s", site.key, site.dropped, topic, str(fault)[:200])

    def _complain(self, site: _Site, text: str) -> None:
        if not site.complained:
            site.complained = True
            _log.warning("site %s stays unknown: %s", site.key, text)


def _is_older(told: Told, held: SiteFile, *, live: bool) -> bool:
    """Is this floor older than the one held? Of one journal the position tells; at one position a replay is older by its time."""
    if told.epoch != held.epoch:
        return False
    return told.seq < held.seq or (not live and told.seq == held.seq and told.time < held.time)
