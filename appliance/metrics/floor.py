"""Decides which of the floor's figures are told, under labels of a bounded set: queues and groups of lines, never a person, never a caller.

What a queue counted today is told as counters that only grow, so that a rate over any span can be taken of them, and a service level
over any span as the quotient of two. At midnight the day's figures begin anew, and the counters go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from appliance.core.meter import Family, Sample, count, gauge
from appliance.floor.snapshot import Callbacks, Snapshot, Window

_T = TypeVar("_T")
#: Of more keys the rest is summed up under this one.
OTHER: Final = "other"
MOST_KEYS: Final = 50
_CRM_STATES: Final = ("up", "down", "draining", "no_consumer", "denied", "off")
_AGENTS: Final = ("available", "ringing", "talking", "holding", "wrap_up", "paused", "unknown")
_OUTCOMES: Final = ("answered", "abandoned", "left", "unknown")
_LEVELS: Final = ("ok", "amber", "red")
#: In a queue's place, for what is the whole floor's; no key of a queue is empty.
_FLOOR: Final = ""


class Ratchet:
    """Figures of today as counters that never go back: at midnight, and when a day is folded anew, they go on from where they were."""

    def __init__(self) -> None:
        self._day = ""
        self._last: dict[tuple[str, ...], float] = {}
        self._total: dict[tuple[str, ...], float] = {}

    def day(self, day: str) -> None:
        """Which day the figures that follow are of."""
        if day != self._day:
            self._day = day
            self._last.clear()

    def feed(self, key: tuple[str, ...], value: float) -> float:
        """The counter's value. A figure that was corrected downwards stands until it is passed again."""
        grown = max(0.0, value - self._last.get(key, 0.0))
        self._last[key] = max(value, self._last.get(key, 0.0))
        self._total[key] = total = self._total.get(key, 0.0) + grown
        return total

    def keep(self, keys: Iterable[str]) -> None:
        """Forget what is of none of these."""
        kept = set(keys)
        for books in (self._last, self._total):
            for key in [key for key in books if key[0] not in kept]:
                del books[key]


class FloorFamilies:
    """One per listener: it remembers what the counters were."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._most = most_keys
        self._ratchet = Ratchet()

    def of(self, snapshot: Snapshot, day: str) -> list[Family]:
        """The floor at this moment; `day`: the floor's own day, in any words."""
        queues = self._queues(snapshot, day)
        return [*_links(snapshot), *queues, *self._classes(snapshot), *_channels(snapshot), *self._people(snapshot), *self._box(snapshot)]

    def _queues(self, snapshot: Snapshot, day: str) -> Iterable[Family]:
        queues = bounded(snapshot.queues, self._most)
        yield gauge("callfloor_queue_waiting", "Calls waiting now.",
                    [({"queue": key}, _sum(queue.waiting for queue in held)) for key, held in queues.items()])  # fmt: skip
        yield gauge("callfloor_queue_longest_wait_seconds", "Longest wait now.",
                    [({"queue": key}, _most(queue.longest_wait for queue in held)) for key, held in queues.items()])  # fmt: skip
        yield gauge("callfloor_queue_fresh", "Whether the queue's figures are live; 0 while its PBX is out of sight.",
                    [({"queue": key}, all(queue.fresh == "live" for queue in held)) for key, held in queues.items()])  # fmt: skip
        yield gauge("callfloor_queue_service_level_ratio", "Service level of today.",
                    [({"queue": key}, held[0].today.service_level) for key, held in queues.items() if key != OTHER])  # fmt: skip
        yield gauge("callfloor_queue_agents", "Agents of the queue by state.",
                    [({"queue": key, "state": state}, _sum(getattr(queue.agents, state) for queue in held if queue.agents is not None))
                     for key, held in queues.items() for state in _AGENTS])  # fmt: skip
        yield gauge("callfloor_queue_callbacks", "Callers of the queue who are to be called back, by whether somebody has taken it on.",
                    [sample for key, held in queues.items()
                     for sample in _to_call({"queue": key}, [queue.callbacks for queue in held])])  # fmt: skip
        yield gauge("callfloor_callbacks", "Callers of the whole floor who are to be called back, by whether somebody has taken it on.",
                    _to_call({}, [snapshot.floor.callbacks]))  # fmt: skip
        yield from self._counted({key: [queue.today for queue in held] for key, held in queues.items()}, day)

    def _counted(self, windows: Mapping[str, list[Window]], day: str) -> Iterable[Family]:
        """What the day's windows count, as counters."""
        ratchet = self._ratchet
        ratchet.day(day)
        ratchet.keep((*windows, _FLOOR))

        def counted(name: str, text: str, figure: str, **labels: str) -> Family:
            return count(name, text, [
                ({"queue": key, **labels}, ratchet.feed((key, name, *labels.values()), sum(getattr(window, figure) for window in held)))
                for key, held in windows.items()
            ])  # fmt: skip

        yield counted("callfloor_queue_offered_calls", "Calls that joined the queue.", "offered")
        ended = [counted("callfloor_queue_ended_calls", "", each, outcome=each).samples for each in _OUTCOMES]
        text = "Waits that ended, by outcome; abandoned without the short ones."
        yield Family("callfloor_queue_ended_calls", "counter", text, tuple(sample for samples in ended for sample in samples))
        yield counted("callfloor_queue_short_abandoned_calls", "Calls abandoned so soon that they count as none.", "short_abandoned")
        yield counted("callfloor_queue_wait_seconds", "Waits of answered calls, added up.", "wait_sum")
        yield counted("callfloor_queue_talk_seconds", "Conversations that ended, with holds, added up.", "talk_sum")
        yield counted("callfloor_queue_hold_seconds", "Holds of conversations that ended, added up.", "hold_sum")
        yield counted("callfloor_queue_wrap_up_seconds", "Work after conversations that ended, added up.", "wrap_up_sum")
        for at, (name, text) in enumerate((
            ("callfloor_queue_service_level_met_calls", "Numerator of the service level, as the queue's variant has it."),
            ("callfloor_queue_service_level_counted_calls", "Denominator of the service level, as the queue's variant has it."),
        )):  # fmt: skip
            yield count(name, text, [
                ({"queue": key}, ratchet.feed((key, name), sum(w.service_level_of[at] for w in held if w.service_level_of is not None)))
                for key, held in windows.items()
            ])  # fmt: skip

    def _classes(self, snapshot: Snapshot) -> Iterable[Family]:
        counts = bounded(dict(sorted(snapshot.floor.today.classes.items())), self._most)
        told = [({"type": name}, self._ratchet.feed((_FLOOR, "classes", name), sum(held))) for name, held in counts.items()]
        yield count("callfloor_classified_calls", "Calls of the whole floor that were classified, by type.", told)

    def _people(self, snapshot: Snapshot) -> Iterable[Family]:
        counts = snapshot.floor.agents
        states = [({"state": state}, getattr(counts, state)) for state in _AGENTS] if counts is not None else []
        yield gauge("callfloor_agents", "Agents by state.", states)
        seats = (snapshot.headsets or {}).values()
        plugged = Counter("plugged" if seat.attached else "unplugged" if seat.attached is False else "unknown" for seat in seats)
        told = ("plugged", "unplugged", "unknown") if snapshot.headsets is not None else ()
        yield gauge("callfloor_headsets", "Headsets by whether they are plugged.", [({"state": state}, plugged[state]) for state in told])
        found = Counter(finding for seat in seats for finding in seat.findings)
        yield gauge("callfloor_headset_findings", "Seats where headset and PBX disagree now, by what about.",
                    [({"finding": finding}, amount) for finding, amount in sorted(found.items())])  # fmt: skip

    def _box(self, snapshot: Snapshot) -> Iterable[Family]:
        trunks = bounded(snapshot.trunks, self._most)
        yield gauge("callfloor_trunk_lines", "Lines of the group.",
                    [({"trunk": key}, _sum(trunk.lines for trunk in held)) for key, held in trunks.items()])  # fmt: skip
        yield gauge("callfloor_trunk_busy_lines", "Lines of the group that are busy.",
                    [({"trunk": key}, _sum(trunk.busy for trunk in held)) for key, held in trunks.items()])  # fmt: skip
        yield gauge("callfloor_trunk_faulty_lines", "Lines of the group at fault.",
                    [({"trunk": key}, sum(len(trunk.faults) for trunk in held)) for key, held in trunks.items()])  # fmt: skip
        health = bounded({item.id: item for item in snapshot.health}, 4 * self._most)
        yield gauge("callfloor_health", "Health items: 0 ok, 1 amber, 2 red.",
                    [({"item": key}, max(_LEVELS.index(item.level) for item in held)) for key, held in health.items()])  # fmt: skip
        raised = Counter((alarm.level, alarm.acknowledged is not None) for alarm in snapshot.alarms)
        yield gauge("callfloor_alarms", "Alarms raised now, by level and whether somebody acknowledged them.",
                    [({"level": level, "acknowledged": str(seen).lower()}, raised[level, seen])
                     for level in ("amber", "red") for seen in (False, True)])  # fmt: skip


def _channels(snapshot: Snapshot) -> Iterable[Family]:
    """What the CRM told of its other channels, whatever its age; `callfloor_channel_fresh` says whether that still holds."""
    channels = snapshot.channels
    yield gauge("callfloor_channel_waiting", "Messages or people that wait in another channel's queue.",
                [({"channel": key}, channel.waiting) for key, channel in channels.items()])  # fmt: skip
    yield gauge("callfloor_channel_longest_wait_seconds", "Longest wait in it now.",
                [({"channel": key}, channel.longest_wait) for key, channel in channels.items()])  # fmt: skip
    yield gauge("callfloor_channel_service_level_ratio", "Its service level, as the CRM tells it.",
                [({"channel": key}, channel.service_level) for key, channel in channels.items()])  # fmt: skip
    yield gauge("callfloor_channel_fresh", "Whether its figures are live; 0 while the CRM is away or silent about it.",
                [({"channel": key}, channel.fresh == "live") for key, channel in channels.items()])  # fmt: skip
    yield gauge("callfloor_first_contact_resolution_ratio", "First-contact resolution, as the CRM tells it.",
                [({}, snapshot.floor.today.fcr)])  # fmt: skip


def _to_call(labels: dict[str, str], each: list[Callbacks | None]) -> list[tuple[dict[str, str], int]]:
    """By state; nothing where it is not known."""
    known = [callbacks for callbacks in each if callbacks is not None]
    claimed = sum(callbacks.claimed for callbacks in known)
    states = {"open": sum(callbacks.open for callbacks in known) - claimed, "claimed": claimed} if len(known) == len(each) else {}
    return [({**labels, "state": state}, amount) for state, amount in states.items()]


def _links(snapshot: Snapshot) -> Iterable[Family]:
    crm = snapshot.crm
    states = tuple(Sample({"callfloor_crm_state": state}, crm.state == state) for state in _CRM_STATES)
    yield Family("callfloor_crm_state", "stateset", "State of the link to the CRM.", states)
    # The account as the boards have it; the journal tells it too, for a box without a floor.
    yield gauge("callfloor_crm_backlog", "Events that wait for the CRM.", [({}, crm.backlog)])
    yield count("callfloor_crm_recorded", "Events recorded for the CRM in this epoch.", [({}, crm.recorded)])
    yield count("callfloor_crm_delivered", "Events delivered to the CRM in this epoch.", [({}, crm.delivered)])
    yield count("callfloor_crm_shed", "Events let go undelivered in this epoch, by budget or age.", [({}, crm.shed)])
    yield count("callfloor_crm_skipped", "Events given up as undeliverable in this epoch.", [({}, crm.skipped)])
    yield gauge("callfloor_crm_full_in_seconds", "After how long the journal has no more room, at the present rate, while the CRM is away.",
                [({}, crm.full_in_s)])  # fmt: skip
    yield gauge("callfloor_crm_drain_seconds", "For how long the backlog will still be sent, at the present rate.", [({}, crm.drain_s)])
    yield gauge(
        "callfloor_pbx_up", "Whether the PBX is in sight.", [({"pbx": key}, pbx.state == "up") for key, pbx in snapshot.pbx.items()]
    )
    yield gauge("callfloor_clock_synced", "Whether the time of day is synchronised.", [({}, snapshot.clock == "synced")])


def bounded(things: Mapping[str, _T], most: int) -> dict[str, list[_T]]:
    """Each under its key, up to so many; all that is beyond, in the order that they have, under `other`.

    >>> bounded({"a": 1, "b": 2, "c": 3}, 2)
    {'a': [1], 'b': [2], 'other': [3]}
    """
    out: dict[str, list[_T]] = {}
    for key in things:
        out.setdefault(key if len(out) < most and key != OTHER else OTHER, []).append(things[key])
    return out


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
