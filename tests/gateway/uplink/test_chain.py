"""What each headset event says of the one before it, whatever stands between them and wherever the reader begins."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import BoxHealth, CallHeld, HeadsetHook, JournalPurged, kind_of
from appliance.core.clock import ManualClock
from appliance.core.event import Event
from appliance.core.journal import PAGE
from appliance.core.journal_memory import MemoryJournal
from gateway.uplink.chain import Chain

CLOCK = ManualClock()
DATA = {
    "hook": HeadsetHook(seat="a", hook="off"),
    "call": CallHeld(call="c", pbx="p"),
    "local": BoxHealth(id="x", level="ok"),
    "purged": JournalPurged(),
}


def journal_of(kinds: list[str]) -> MemoryJournal:
    journal = MemoryJournal(lambda event: event.group != "box")
    for first in range(0, len(kinds), 500):
        data = [DATA[kind] for kind in kinds[first : first + 500]]
        journal.append([Event(kind_of(each), "t/t", CLOCK.wall_ns(), CLOCK.mono_ns(), "b", "synced", each) for each in data])
    return journal


@given(st.lists(st.sampled_from(sorted(DATA)), min_size=1, max_size=60), st.data())
def test_the_chain_is_whole_from_wherever_it_is_begun(kinds: list[str], data: st.DataObject) -> None:
    journal = journal_of(kinds)
    chain = Chain(journal)
    hooks = [entry for entry in journal.read(0) if b"headset.hook" in entry.body]
    begin = data.draw(st.integers(0, len(hooks)))
    told = {entry.seq: chain.before(entry) for entry in hooks[begin:]}
    back = data.draw(st.integers(0, len(hooks)))
    told |= {entry.seq: chain.before(entry) for entry in hooks[back:]}
    # A purged row was delivered long before, so that none needs to hear of it.
    for seq, previous in told.items():
        assert 0 <= previous < seq
        assert previous == 0 or kinds[previous - 1] in ("hook", "purged")
        assert not [between for between in range(previous + 1, seq) if kinds[between - 1] == "hook"]


def test_looking_back_has_an_end_and_says_so() -> None:
    journal = journal_of(["hook", *["call"] * (PAGE * 5), "hook"])
    last = journal.read(PAGE * 5 + 1)[0]
    assert 1 < Chain(journal).before(last) < last.seq, "nothing is said of what lies further back"
    near = journal_of(["hook", *["call"] * (PAGE * 3), "hook"])
    assert Chain(near).before(near.read(PAGE * 3 + 1)[0]) == 1
    first = journal_of(["call", "call", "hook"])
    assert Chain(first).before(first.read(2)[0]) == 0


def test_how_far_was_told() -> None:
    journal = journal_of(["call", "hook", "local", "call", "hook", "call"])
    assert [Chain(journal).last(seq) for seq in range(7)] == [0, 0, 2, 2, 2, 5, 5]
    chain = Chain(journal)
    assert chain.last(3) == 2, "before anything was sent, by the journal"
    chain.before(journal.read(4)[0])
    assert [chain.last(seq) for seq in (3, 4, 5, 6)] == [2, 2, 5, 5]


def test_of_many_on_the_way_back_each_is_told_the_same() -> None:
    journal = journal_of(["hook", "call"] * 3000)
    chain, entries, after = Chain(journal), [], 0
    while page := journal.read(after):
        entries += [entry for entry in page if b"headset" in entry.body]
        after = page[-1].seq
    once = [chain.before(entry) for entry in entries]
    assert once == [max(0, entry.seq - 2) for entry in entries]
    assert [chain.before(entry) for entry in entries] == once
