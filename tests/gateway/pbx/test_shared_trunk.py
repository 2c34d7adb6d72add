"""A group with a PBX's channels and analog lines: full where both together are, and only seen while both are."""

from __future__ import annotations

import asyncio
from typing import Any

from appliance.core import catalogue as c
from appliance.core.catalogue import event_from_stored
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig, TrunkConfig
from appliance.core.event import Event, stored_from_body
from appliance.core.journal_memory import MemoryJournal
from appliance.core.line_config import LinesConfig
from appliance.core.trunk_watch import shared_trunks
from appliance.floor.floor import Floor
from appliance.floor.shot import Shots
from gateway.fxo.line_books import LineBooks
from gateway.pbx.calls import Channel
from gateway.pbx.lines import LineBook
from gateway.pbx.shared_trunk import SharedOutbox, SharedTrunks

CONFIG = Config(
    pbx={"central": PbxConfig(kind="asterisk")},
    trunks={"pstn": TrunkConfig(channels=("DAHDI/",), lines=3)},
    lines={"l1": LinesConfig(url="serial:///dev/ttyUSB0", trunk="pstn", queue="ventas")},
)
T0 = 1_700_000_000 * NS


def event(data: Any, at_s: float) -> Event:
    source = f"gateway/{'l1' if getattr(data, 'pbx', '') == 'lines' else 'central'}"
    return Event(c.kind_of(data), source, T0 + int(at_s * NS), int(at_s * NS), "b", "synced", data)


def seized(line: str, at_s: float, **more: Any) -> Event:
    return event(c.LineSeized(line=line, trunk="pstn", pbx="central", direction="out", **more), at_s)


def released(line: str, at_s: float, pbx: str = "central") -> Event:
    return event(c.LineReleased(line=line, trunk="pstn", pbx=pbx), at_s)


def ringing(at_s: float) -> Event:
    return event(c.LineRinging(line="l1", trunk="pstn", pbx="lines"), at_s)


DAY = [
    ringing(1),
    seized("DAHDI/1-1", 2),
    seized("DAHDI/2-1", 3),
    seized("DAHDI/3-1", 4),
    released("DAHDI/3-1", 5),
    released("l1", 13.5, "lines"),
]


def test_full_by_both_together() -> None:
    trunks = SharedTrunks(shared_trunks(CONFIG))
    out = trunks.apply(DAY)
    assert [each.kind for each in out] == [
        "line.ringing", "line.seized", "line.seized", "line.all_busy", "line.seized", "line.released", "line.released", "line.all_busy_ended",
    ]  # fmt: skip
    assert [each.data.beyond for each in out if isinstance(each.data, c.LineSeized)] == [False, False, True]
    assert out[-1].data == c.LineAllBusyEnded(trunk="pstn", lines=3, busy_s=10.5)


def test_neither_tells_it_alone() -> None:
    told: list[Any] = []
    book = LineBook("central", CONFIG, told.append)
    for number in range(4):
        book.seized(Channel(uniqueid=str(number), name=f"DAHDI/{number}-1", call="c"), NS)
    assert {type(each) for each in told} <= {c.LineSeized, c.CallOffered}
    assert not any(getattr(each, "beyond", False) for each in told)
    assert LineBooks(CONFIG, lambda: "v").groups == {}


def test_what_was_busy_before_a_restart_is_busy_still() -> None:
    first = SharedTrunks(shared_trunks(CONFIG))
    journal = first.apply(DAY[:3])
    again = SharedTrunks(shared_trunks(CONFIG))
    again.restore(journal)
    assert (again.busy, again.full.keys()) == (first.busy, first.full.keys())
    assert [each.kind for each in again.apply([released("DAHDI/1-1", 9)])] == ["line.released", "line.all_busy_ended"]


async def test_a_journal_that_takes_none_leaves_the_count_as_it_was() -> None:
    journal = MemoryJournal()
    outbox = SharedOutbox(journal, 3, SharedTrunks(shared_trunks(CONFIG)))
    task = asyncio.create_task(outbox.run())
    assert not outbox.put(DAY[:3])  # with the group's own event they are one too many
    assert outbox.trunks.busy == {"pstn": set()}
    for each in DAY:
        assert outbox.put([each])
        await outbox.drained()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kinds = [event_from_stored(stored_from_body(entry.body)).kind for entry in journal.read(0)]  # type: ignore[union-attr]
    assert kinds.count("line.all_busy") == kinds.count("line.all_busy_ended") == 1


def test_the_floor_s_figures_are_of_both_and_only_while_both_are_seen() -> None:
    floor, seq = Floor(CONFIG), 0

    def shown(*events: Event, at_s: float) -> Any:
        nonlocal seq
        for each in events:
            seq += 1
            floor.apply(seq, each)
        return Shots(floor).take(T0 + int(at_s * NS)).trunks["pstn"]

    sights = [event(c.PbxUp(pbx="central"), 0), event(c.PbxResynced(pbx="central"), 0)]
    assert shown(*sights, at_s=0.5).busy is None  # nobody sees the analog line
    lines = [event(c.PbxUp(pbx="lines"), 0.5), event(c.PbxResynced(pbx="lines"), 0.5)]
    trunks = SharedTrunks(shared_trunks(CONFIG))
    full = shown(*lines, *trunks.apply(DAY[:4]), at_s=4.5)
    assert (full.busy, full.lines, full.all_busy_now, full.blocked_share_of) == (4, 3, True, (1, 4))
    away = shown(event(c.PbxDown(pbx="lines", reason="lost"), 4.5), at_s=5)
    assert (away.busy, away.all_busy_now) == (None, None)
    back = shown(event(c.PbxResynced(pbx="lines"), 6.5), *trunks.apply(DAY[4:]), at_s=10.5)
    assert (back.busy, back.all_busy_now) == (2, False)
    # Full from 3 s to 4.5 and from 6.5 to 13.5, as nearly as it was seen.
    assert round(floor.state.trunks["pstn"].all_busy_ms.popitem()[1] / 1000, 1) == 8.5
