"""Decides what the floor of another site's box is worth here: whether it is sound, how fresh it is, and what all sites come to. Pure.

A total is told only where every site is known: a sum that lacks one would pass for the whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS, rfc3339, wall_ns_from_rfc3339
from appliance.core.site_file import SiteFile
from appliance.floor import snapshot as out
from appliance.floor.build import summed_queue

#: Nothing that is counted on a floor in a day, nor its seconds added up, comes near this.
_MOST: Final = 1e12
_TEXT_MOST: Final = 64
_REASONS_MOST: Final = 64
_LATEST_NS: Final = 7_258_118_400 * NS  # the year 2200
_SHARES: Final = ("service_level", "abandon_rate", "coverage", "fcr", "repeat_call_share")
#: Clocks that differ by less are taken as agreeing: the way over the network takes its time too.
_SKEW_NS: Final = 5 * NS
_COUNTS: Final = out.AgentCounts.__struct_fields__


class Told(Struct, frozen=True):
    """What of another box's `floor` topic is read: whose it is, its position, and the sum of its queues. Its own `all_sites` is not."""

    v: int
    site: str
    box: str
    time: str
    floor: out.Queue
    epoch: str | None = None
    seq: int = 0
    open: bool | None = None


def told_from_payload(payload: bytes, site: str, box: str) -> Told:
    """A floor message of that box. Raises ValueError for one that is none, is another's, or holds what no floor can."""
    try:
        told = msgspec.json.decode(payload, type=Told)
    except (msgspec.DecodeError, RecursionError) as fault:
        raise ValueError(f"no floor: {fault}") from fault
    if told.v != 1:
        raise ValueError(f"a floor of version {told.v}; this box knows 1")
    if (told.site, told.box) != (site, box):
        raise ValueError(f"the floor of {told.site[:_TEXT_MOST]}/{told.box[:_TEXT_MOST]} stands where that of {site}/{box} belongs")
    if not 0 <= told.seq < _MOST or len(told.epoch or "") > _TEXT_MOST:
        raise ValueError("no position of a journal")
    _moment(told.time)
    _check(told.floor)
    return told


def site_from_file(
    file: SiteFile | None,
    title: str,
    place: tuple[str, str],
    *,
    now_ns: int,
    heard_ns: int | None,
    floor_ns: int | None,
    day_ns: int,
    tick_ns: int,
) -> out.Site:
    """One site as the boards see it now.

    All times are on this box's time line: `heard_ns` when it was last heard and `floor_ns` when its floor came (None: by the
    broker's replay alone), `day_ns` when today began, `tick_ns` the `as_of` of what is live. Its own clock dates its floor only
    within itself, so that a box whose clock is wrong shows no wrong wait here.
    """
    queue = _queue(file) if file is not None else None
    if file is None or queue is None:
        return out.Site(title=title, site=place[0], box=place[1])
    said_ns = wall_ns_from_rfc3339(file.time)
    state = _state(file, now_ns, heard_ns)
    skew_ns = floor_ns - said_ns if floor_ns is not None else 0
    if abs(skew_ns) < _SKEW_NS:
        skew_ns = 0
    fresh: out.Fresh = queue.fresh
    as_of_ns = tick_ns
    if queue.fresh == "stale" and queue.as_of is not None:
        as_of_ns = wall_ns_from_rfc3339(queue.as_of) + skew_ns
    elif state != "up" and queue.fresh == "live":
        fresh, as_of_ns = "stale", heard_ns if heard_ns is not None else said_ns + skew_ns
    as_of_ns = min(as_of_ns, now_ns)
    # Of a day that is over nobody may read "today" any more.
    if fresh == "unknown" or (fresh == "stale" and as_of_ns < day_ns):
        return out.Site(title=title, site=place[0], box=place[1], state=state)
    longest_since, callbacks = _moved(queue.longest_since, skew_ns), queue.callbacks
    if callbacks is not None:
        callbacks = msgspec.structs.replace(callbacks, oldest_since=_moved(callbacks.oldest_since, skew_ns))
    until_ns = now_ns if fresh == "live" else as_of_ns
    waited_ns = None if longest_since is None else until_ns - wall_ns_from_rfc3339(longest_since)
    return out.Site(
        title=title, site=place[0], box=place[1], state=state, open=file.open, fresh=fresh, as_of=rfc3339(as_of_ns), waiting=queue.waiting,
        longest_wait=queue.longest_wait if waited_ns is None else round(max(0.0, waited_ns / NS), 1),
        longest_since=longest_since, agents=queue.agents,
        vip_waiting=queue.vip_waiting, vip_longest_since=_moved(queue.vip_longest_since, skew_ns), callbacks=callbacks,
        today=queue.today, interval=queue.interval, rolling=queue.rolling,
    )  # fmt: skip


def _moved(moment: str | None, by_ns: int) -> str | None:
    return None if moment is None else rfc3339(wall_ns_from_rfc3339(moment) + by_ns)


def all_sites(own: out.Queue, sites: Iterable[out.Site], tick_ns: int) -> out.Queue:
    """This floor and all other sites as one; unknown, and without a figure, while one of them is."""
    floors: list[out.Queue] = [own, *sites]
    if any(floor.fresh == "unknown" for floor in floors):
        return out.Queue()
    total = summed_queue("", floors, _agents(floors), tick_ns)
    for window in ("interval", "rolling"):  # large floors leave these out of what they publish
        if any(getattr(floor, window) is None for floor in floors):
            setattr(total, window, None)
    if total.fresh == "stale":
        # Live and old waits have no one moment from which to tick.
        total.longest_since = total.vip_longest_since = None
        total.longest_wait = max((wait for floor in floors if (wait := _longest_wait_s(floor)) is not None), default=None)
    return total


def _queue(file: SiteFile) -> out.Queue | None:
    """The floor in the file; None where another version of the program wrote it: the uplink writes it anew."""
    try:
        return msgspec.json.decode(file.floor, type=out.Queue)
    except msgspec.DecodeError:
        return None


def _longest_wait_s(floor: out.Queue) -> float | None:
    """The longest wait of a floor as it was last seen: what is out of sight does not wait on."""
    if floor.fresh != "stale" or floor.as_of is None or floor.longest_since is None:
        return floor.longest_wait
    return round(max(0, wall_ns_from_rfc3339(floor.as_of) - wall_ns_from_rfc3339(floor.longest_since)) / NS, 1)


def _state(file: SiteFile, now_ns: int, heard_ns: int | None) -> out.SiteState:
    if file.state == "offline":
        return "down"
    if file.state is None or heard_ns is None or now_ns - heard_ns > file.live_s * NS:
        return "silent"
    return "up"


def _agents(floors: list[out.Queue]) -> out.AgentCounts | None:
    """People of different sites are different people."""
    counts = [floor.agents for floor in floors]
    if any(each is None for each in counts):
        return None
    return out.AgentCounts(**{name: sum(getattr(each, name) for each in counts) for name in _COUNTS})


def _check(floor: out.Queue) -> None:
    """Raises ValueError for what the types allow and no floor can say."""
    oldest = floor.callbacks.oldest_since if floor.callbacks is not None else None
    for moment in (floor.as_of, floor.longest_since, floor.vip_longest_since, oldest):
        if moment is not None:
            _moment(moment)
    _check_numbers(msgspec.to_builtins(floor), "floor")
    for window in (floor.today, floor.interval, floor.rolling):
        if window is None:
            continue
        texts = max(len(window.left_by), len(window.classes), len(window.outbound.outcomes) if window.outbound is not None else 0)
        if len(window.service_level_variant or "") > _TEXT_MOST or texts > _REASONS_MOST:
            raise ValueError("a window with too much text")
        for share in _SHARES:
            if (value := getattr(window, share)) is not None and value > 1:
                raise ValueError(f"{share} is {value}, more than the whole")


def _moment(text: str) -> int:
    """A time of day in nanoseconds; a box without a clock battery begins in 1970. Raises ValueError for any other text."""
    try:
        at_ns = wall_ns_from_rfc3339(text[:_TEXT_MOST])
    except OverflowError as fault:
        raise ValueError(f"{text[:_TEXT_MOST]!r}: {fault}") from fault
    if not 0 <= at_ns < _LATEST_NS:
        raise ValueError(f"{text[:_TEXT_MOST]} is no time of a floor")
    return at_ns


def _check_numbers(member: Any, name: str) -> None:
    if isinstance(member, dict):
        for key, value in member.items():
            if len(key) > _TEXT_MOST:
                raise ValueError(f"a member of {name} with a name of {len(key)} letters")
            _check_numbers(value, key)
    elif isinstance(member, list | tuple):
        for value in member:
            _check_numbers(value, name)
    elif isinstance(member, int | float) and not 0 <= member < _MOST:
        raise ValueError(f"{name} is {member}")
