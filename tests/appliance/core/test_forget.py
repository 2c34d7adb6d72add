"""A caller's number goes: in every spelling, from every page of the file, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import catalogue as c
from appliance.core.callers import MARK, Marks, changed, digits_of, same_number
from appliance.core.clock import ManualClock
from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError
from appliance.core.event import Event, Stored, stored_from_body
from appliance.core.forget import Forget, Forgotten, told
from appliance.core.journal import Cursor
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.upkeep import Callers
from appliance.floor_view import FloorView

DAY = 86_400
MIND = {"call": "e-1", "pbx": "central", "visit": "e-1.1", "queue": "ventas"}
SPELLINGS = ("+593991234567", "0991234567", "00593991234567", "593 99 123-4567", "+593 (0)99 123 4567", "(099) 123.4567", "9,0991234567")
OTHERS = ("+593991234568", "0981234567", "1234567", "2040", "1800", "4567")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def event(clock: ManualClock, data: msgspec.Struct) -> Event:
    return Event(c.kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)


def opened(folder: Path, clock: ManualClock, due: bool = False, callers: Callers | None = None) -> SqliteJournal:
    return SqliteJournal.open(folder / "journal.db", keep_days=30, clock=clock, due=lambda _event: due, callers=callers)


def rows(journal: SqliteJournal) -> list[tuple[int, int | None, Stored]]:
    found, after = [], 0
    while page := journal.read(after):
        found += [(row.seq, row.n, stored_from_body(row.body)) for row in page]
        after = page[-1].seq
    return found


def forgotten(journal: SqliteJournal, number: str, **more: bool) -> Forgotten:
    return Forget(number, journal.path.parent / "privacy.salt", **more).walk(journal, lambda _at: None)


def bytes_held(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize("asked", SPELLINGS[:-1])
def test_every_spelling_goes_and_no_other_number(tmp_path: Path, clock: ManualClock, asked: str) -> None:
    journal = opened(tmp_path, clock)
    numbers = (*SPELLINGS, *OTHERS)
    journal.append([event(clock, c.CallQueued(**MIND, caller=number, dialled="1800")) for number in numbers])
    before = rows(journal)
    done = forgotten(journal, asked)
    after = rows(journal)
    assert [(seq, n, row.kind, row.wall_ns, row.mono_ns) for seq, n, row in after] == [
        (seq, n, row.kind, row.wall_ns, row.mono_ns) for seq, n, row in before
    ]
    callers = [json.loads(bytes(row.data))["caller"] for _, _, row in after if row.kind == "call.queued"]
    assert callers[len(SPELLINGS) :] == list(OTHERS)
    assert {caller.removeprefix("9,") for caller in callers[: len(SPELLINGS)]} == {done.mark}
    assert done.events == len(SPELLINGS)
    assert journal.check() == []
    journal.close()


@pytest.mark.parametrize("gone", [30, 217, 900, 1811])
def test_nothing_is_left_in_the_files(tmp_path: Path, clock: ManualClock, gone: int) -> None:
    journal = opened(tmp_path, clock)
    for at in range(40):
        journal.append([event(clock, c.CallQueued(**{**MIND, "call": f"e-{at}-{row}"}, caller="+593991234567")) for row in range(50)])
    reader = ReadonlyJournal(journal.path)  # looks on, and holds nothing
    reader.read(0)
    with journal.locked_store() as store:
        store.prune(gone, 0, lambda _first: (b"{}", False))
    assert b"991234567" in bytes_held(tmp_path)
    done = forgotten(journal, "099 123 4567")
    with journal.locked_store() as store:
        assert store.scrub() == (True, 0)
    assert done.events == len(rows(journal)) > 100
    assert b"991234567" not in bytes_held(tmp_path)
    assert journal.check() == []
    journal.append([event(clock, c.CallQueued(**MIND, caller="2040"))])
    reader.close()
    journal.close()


def test_what_is_free_beyond_a_bound_stays_and_is_told(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    for at in range(20):
        journal.append([event(clock, c.CallQueued(**{**MIND, "call": f"e-{at}-{row}"}, caller="+593991234567")) for row in range(100)])
    with journal.locked_store() as store:
        store.prune(1900, 0, lambda _first: (b"{}", False))
        free = store.bytes_free()
        assert free > 50 * 4096
        assert store.scrub(most_pages=10) == (True, free - 10 * 4096)
        assert store.scrub(most_pages=0)[0]
    assert journal.check() == []
    journal.close()


def test_numbers_where_nobody_expects_them(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    number = "+12025550143"
    held: list[msgspec.Struct] = [
        c.LineCallerId(line="l1", number="2025550143", name="PEREZ JUAN"),
        c.LineCallerId(line="l1", number="2025550144", name="GOMEZ ANA"),
        c.CallDigits(**MIND, digits="2025550143", path=("menu:1", "cuenta:2025550143")),
        c.CommandReceived(id="c-1", verb="originate", args={"agent": "a", "number": "1 202 555 0143", "card": {"x": ["202-555-0143"]}}),
        c.PbxRecord(pbx="n", profile="p", number="2025550143", name="PEREZ", start="2026-11-21T09:04:00"),
        c.AnnouncementShown(id="2025550143", text="Llamar al 202 555 0143 hoy"),
        c.BoxHealth(id="x", level="red", text="sip:2025550143@10.0.0.1 5060"),
    ]
    journal.append([event(clock, data) for data in held])
    done = forgotten(journal, number)
    text = {row.kind + str(seq): json.loads(bytes(row.data)) for seq, _, row in rows(journal)}
    shown = json.dumps(text)
    assert shown.count("5550143") == 1, "an id is none of anybody's numbers"
    assert "PEREZ" not in shown
    assert "GOMEZ ANA" in shown
    assert f"Llamar al {done.mark} hoy" in shown
    assert f"cuenta:{done.mark}" in shown
    assert f"sip:{done.mark}@10.0.0.1 5060" in shown
    assert "2026-11-21T09:04:00" in shown
    for _, _, row in rows(journal):
        assert c.event_from_stored(row) is not None, "it still is an event of its kind"
    journal.close()


def test_what_waits_for_the_crm_stays_unless_forced(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock, due=True)
    journal.append([event(clock, c.CallQueued(**MIND, caller="0991234567")) for _ in range(5)])
    journal.save("uplink", Cursor(journal.epoch, 3, 3))
    done = forgotten(journal, "0991234567")
    assert (done.events, done.deliveries, done.waiting) == (2, (2, 3), 3)  # the first row is journal.started
    assert [notice.deliveries for notice in told(done.mark, done.deliveries)] == [(2, 3)]
    assert forgotten(journal, "0991234567", dry=True).waiting == 3
    done = forgotten(journal, "0991234567", force=True)
    assert (done.events, done.deliveries, done.waiting) == (3, (4, 5, 6), 0), "they may be on their way already"
    assert list(told(done.mark, ())) == []
    assert [len(notice.deliveries) for notice in told("~aaaaaaaaaa", range(1, 1202))] == [500, 500, 201]
    assert forgotten(journal, "0991234567").events == 0
    journal.close()


def test_a_dry_run_changes_nothing(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    journal.append([event(clock, c.CallQueued(**MIND, caller="0991234567"))])
    before = rows(journal)
    assert forgotten(journal, "0991234567", dry=True).events == 1
    assert rows(journal) == before
    journal.close()


@pytest.mark.parametrize("text", ["", "2040", "~abcdefghij", "juan", "00000000"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(MisconfiguredError, match="no caller's number"):
        Forget(text)


def test_figures_stay_as_they_are(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    for at, caller in enumerate(["0991234567", "0981111111", "0991234567", "0981111111", "0972222222"]):
        mind = {**MIND, "call": f"e-{at}", "visit": f"e-{at}.1", "caller": caller}
        journal.append([event(clock, c.CallQueued(**mind))])
        clock.advance(7)
        journal.append([event(clock, c.CallAnswered(**mind, agent="a", wait_s=7.0))])
        clock.advance(30)
        journal.append([event(clock, c.CallEnded(**mind, agent="a", talk_s=30.0))])
    before = FloorView(journal, Config(), clock)
    before.catch_up()
    assert forgotten(journal, "0991234567").events == 6
    after = FloorView(journal, Config(), clock)
    after.catch_up()
    was, now = (view.snapshot().queues["ventas"].today for view in (before, after))
    assert was == now
    assert was.repeat_call_share == 0.4
    journal.close()


@pytest.mark.parametrize("how", ["hash", "erase"])
def test_numbers_go_after_their_days(tmp_path: Path, clock: ManualClock, how) -> None:
    journal = opened(tmp_path, clock, callers=Callers(3, how))
    for day in range(6):
        journal.append([event(clock, c.CallQueued(**MIND, caller="0991234567", dialled="1800"))])
        journal.append([event(clock, c.LineCallerId(line="l", number=f"098000000{day}", name="GOMEZ"))])
        clock.advance(DAY)
    for _ in range(8):
        journal.upkeep()
    data = [json.loads(bytes(row.data)) for _, _, row in rows(journal)[1:]]
    gone, kept = data[:6], data[6:]
    assert all(MARK.fullmatch(row.get("caller") or row["number"]) for row in gone)
    assert len({row["caller"] for row in gone if "caller" in row}) == 1, "who called twice is one who called twice"
    assert len({row["number"] for row in gone if "number" in row}) == 3
    assert all(row.get("dialled", "1800") == "1800" for row in data)
    assert [row.get("name") for row in data if "number" in row] == [None] * 3 + ["GOMEZ"] * 3
    assert [row["caller"] for row in kept if "caller" in row] == ["0991234567"] * 3
    assert (tmp_path / "privacy.salt").exists() == (how == "hash")
    done = forgotten(journal, "+593991234567")
    assert done.events == (6 if how == "hash" else 3), "a mark of the box's own salt is found; one of a salt thrown away leads nowhere"
    journal.close()
    again = opened(tmp_path, clock, callers=Callers(3, how))  # walks on from where it was
    before = rows(again)
    again.upkeep()
    assert rows(again) == before
    again.close()


def test_days_wait_for_the_crm_and_for_a_clock(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock, due=True, callers=Callers(2))
    journal.append([event(clock, c.CallQueued(**MIND, caller="0991234567")) for _ in range(3)])
    clock.advance(5 * DAY)
    journal.upkeep()
    assert b"~" not in b"".join(bytes(row.data) for _, _, row in rows(journal))
    journal.save("uplink", Cursor(journal.epoch, 3, 3))
    journal.upkeep()
    assert [json.loads(bytes(row.data)).get("caller", "")[:1] for _, _, row in rows(journal)] == ["", "~", "~", "0"]
    journal.close()


def test_the_salt_is_the_owners_alone_and_stays(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock, callers=Callers(2))
    journal.append([event(clock, c.CallQueued(**MIND, caller="0991234567"))])
    clock.advance(3 * DAY)
    journal.upkeep()
    salt = tmp_path / "privacy.salt"
    assert salt.stat().st_mode & 0o777 == 0o600
    kept = salt.read_bytes()
    assert json.loads(bytes(rows(journal)[1][2].data))["caller"] == Marks(kept).of("991234567")
    assert Marks(kept).of("991234567") in Marks(kept).of_spellings("593991234567")
    assert Marks(kept).of("593991234567") in Marks(kept).of_spellings("991234567")
    assert Marks(bytes(32)).of("991234567") != Marks(kept).of("991234567")
    journal.close()


NUMBERS = st.from_regex(r"[1-9][0-9]{7,9}", fullmatch=True)


@given(NUMBERS, st.text("0123456789 -.()", max_size=3), st.sampled_from(["", "0", "+593", "00593", "593", "9"]))
def test_spellings_are_one_number(number: str, between: str, front: str) -> None:
    separators = "".join(sign for sign in between if sign in " -.")
    spelt = front + number[:3] + separators + number[3:]
    assert same_number(digits_of(spelt), digits_of(number))
    assert not same_number(digits_of(spelt), digits_of(number[:-1] + ("1" if number[-1] != "1" else "2")))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=5), one, max_size=3),
    )
)
def test_any_arguments_of_a_command_stay_json(args: object) -> None:
    data = msgspec.Raw(msgspec.json.encode({"id": "c-1", "verb": "directory", "args": {"upserts": args, "number": "0991234567"}}))
    body = changed(Stored("command.received", "uplink/crm", 1, 1, "b", "synced", data), Marks(b"salt").of)
    assert body is not None
    assert c.event_from_stored(stored_from_body(body)) is not None


def test_who_he_is_in_the_crm_and_his_card_go_with_his_number() -> None:
    clock = ManualClock()
    matched = c.CallMatched(**MIND, caller="+593991234567", customer="k-Ana", segment="vip", vip=True)
    shown = c.CallPreviewed(call="e-2", pbx="central", dialled="0991234567", command="cmd-1", card="Ana debe una factura")
    marks = Marks(b"s" * 32)

    def after(data: msgspec.Struct, *, everywhere: bool = False, number: str = "") -> dict[str, str] | None:
        made = event(clock, data)
        stored = Stored(made.kind, made.source, 1, 1, "b", "synced", msgspec.Raw(msgspec.json.encode(data)))

        def change(digits: str) -> str | None:
            return marks.of(digits) if not number or same_number(digits, digits_of(number)) else None

        body = changed(stored, change, everywhere=everywhere)
        return None if body is None else json.loads(bytes(stored_from_body(body).data))

    purged = after(matched)
    assert purged is not None
    assert (purged["customer"], purged["segment"], purged["vip"]) == ("~", "vip", True)
    again = msgspec.convert(purged, c.CallMatched)
    assert after(again) is None, "once is enough"
    assert "card" not in (after(shown) or {"card": ""})
    assert after(matched, everywhere=True, number="0981234567") is None, "somebody else's"
    assert (after(matched, everywhere=True, number="099 123 4567") or {})["customer"] == "~"
