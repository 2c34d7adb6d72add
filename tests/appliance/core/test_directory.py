"""The directory's file: who is found, in which generation, what stays deleted, and what a reader sees beside a writer."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.core.config import Config, JournalConfig, Site
from appliance.core.directory import Directory
from appliance.core.directory_card import Filed, card_from, filed_from
from appliance.core.directory_reader import Reader
from appliance.core.directory_store import Cards
from appliance.core.do_not_call import DoNotCall, Listed
from appliance.core.e164 import e164, key_of
from appliance.core.errors import CorruptError, TransientError
from appliance.core.sqlite_file import fault_of


def card(customer: str, *numbers: str, **more: object) -> Filed:
    return filed_from(card_from({"customer": customer, "numbers": list(numbers), **more}), "EC")[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory.db"


@pytest.fixture
def cards(path: Path):
    made = Cards(path)
    yield made
    made.close()


def file(cards: Cards, version: int, *filed: Filed, **more: object) -> dict[str, int]:
    with cards.turn(), cards.writing():
        told = cards.upsert(filed, version, **({"newest": True} | more))
        cards.note(max(version, cards.books().version), 1)
    return told


def gone(cards: Cards, version: int, *customers: str, numbers: tuple[str, ...] = (), **more: bool) -> int:
    with cards.writing():
        went = cards.delete(customers, [key_of(e164(number, "EC")) for number in numbers], version, **more)
        cards.note(version, 1)
    return went


def found(path: Path, number: str) -> str | None:
    with Directory(path, country="EC") as directory:
        row = directory.lookup(number)
    return None if row is None else row.customer


def test_nobody_is_known_without_a_file(path: Path) -> None:
    with Directory(path, country="EC") as directory:
        assert directory.lookup("0991234567") is None
        assert not directory.is_do_not_call("0991234567")
        assert (directory.version, directory.entries, directory.has_do_not_call) == (None, 0, False)
        assert list(path.parent.iterdir()) == [], "who only looks makes no file"
        made = Cards(path)
        file(made, 1, card("a", "0991234567"))
        assert directory.lookup("0991234567").customer == "a", "one that comes later is found"
        assert directory.has_do_not_call
        made.close()


def test_a_box_without_a_directory_loads_no_rules_of_countries(path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from appliance.core.directory import Directory
assert Directory(Path({str(path)!r}), country="EC").lookup("0991234567") is None
sys.exit("phonenumbers" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_card_in_any_spelling(path: Path, cards: Cards) -> None:
    file(cards, 3, card("a", "099 123 4567", "02 345 6789", name="Ana", segment="Oro", language="es", last_case="T-9"))
    with Directory(path, country="EC", vip=("ORO",)) as directory:
        for spelled in ("0991234567", "+593991234567", "593 99 123 4567", "00593991234567", "sip:+593991234567@pbx", "023456789"):
            row = directory.lookup(spelled)
            assert (row.customer, row.name, row.vip, row.language, row.last_case, row.version) == ("a", "Ana", True, "es", "T-9", 3)
        assert directory.lookup("2040") is None
        assert directory.lookup(None) is None
        assert directory.lookup("anonymous") is None
    assert (path.stat().st_mode & 0o777) == 0o600


def test_the_boxs_own_directory_dials_from_its_country(tmp_path: Path, path: Path, cards: Cards) -> None:
    file(cards, 1, card("a", "0991234567"))
    config = Config(site=Site(timezone="America/Guayaquil"), journal=JournalConfig(path=tmp_path / "journal.db"))
    with Directory.open(config) as directory:
        assert directory.lookup("0991234567") is not None


def test_a_number_of_several(path: Path, cards: Cards) -> None:
    file(cards, 1, card("father", "023456789"), card("mother", "023456789", do_not_call=True))
    with Directory(path, country="EC") as directory:
        row = directory.lookup("023456789")
        assert (row.customer, row.sharing, row.do_not_call) == ("mother", 2, True)
        assert directory.is_do_not_call("023456789")
    gone(cards, 2, "mother")
    assert found(path, "023456789") == "father"
    file(cards, 3, *(card(f"c{n}", "099 876 5432") for n in range(40)))
    with Directory(path, country="EC") as directory:
        assert directory.lookup("0998765432").sharing == 10, "what clerks write for none is not counted to its end"


def test_one_of_very_many_who_may_not_be_called_is_enough(path: Path, cards: Cards) -> None:
    file(cards, 1, card("first", "0998765432", do_not_call=True), *(card(f"c{n}", "0998765432") for n in range(40)))
    with Directory(path, country="EC") as directory:
        assert directory.is_do_not_call("0998765432"), "the switchboard of a company is the number of many"


def test_a_number_of_more_than_can_be_looked_through_is_not_called(path: Path, cards: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.core.directory._LOOKED_MOST", 5)
    file(cards, 1, *(card(f"c{n}", "0998765432") for n in range(6)), *(card(f"d{n}", "0991234567") for n in range(5)))
    with Directory(path, country="EC") as directory:
        assert directory.is_do_not_call("0998765432")
        assert not directory.is_do_not_call("0991234567")


@pytest.mark.parametrize(
    "broken", ["UPDATE state SET generation=7", "UPDATE card1 SET body=5", "UPDATE card1 SET body=x'9105'", "DELETE FROM state"]
)
def test_whatever_stands_in_a_damaged_file_raises_nothing_at_a_call(path: Path, cards: Cards, broken: str) -> None:
    file(cards, 1, card("a", "0991234567"))
    with sqlite3.connect(path) as db:
        db.execute(broken)
    db.close()
    with Directory(path, country="EC") as directory:
        assert directory.lookup("0991234567") is None
        assert directory.fault
        with pytest.raises(CorruptError):
            directory.is_do_not_call("0991234567")
    assert Reader(path).faults(), "and the full check says so"


def test_a_file_that_somebody_holds_alone_holds_no_call(path: Path, cards: Cards) -> None:
    file(cards, 1, card("a", "0991234567"))
    cards.close()
    alone = sqlite3.connect(path, isolation_level=None)
    alone.execute("PRAGMA locking_mode=EXCLUSIVE")
    alone.execute("UPDATE state SET version=2")
    began = time.monotonic()
    with Directory(path, country="EC") as directory:
        assert directory.lookup("0991234567") is None
        assert "locked" in directory.fault
        with pytest.raises(TransientError):
            directory.is_do_not_call("0991234567")
        assert time.monotonic() - began < 8, "the gateway's whole loop stands as long"
        alone.close()
        assert directory.lookup("0991234567").customer == "a"


def test_a_customer_changes_numbers(path: Path, cards: Cards) -> None:
    file(cards, 1, card("a", "0991234567", "023456789"))
    file(cards, 2, card("a", "023456789", "0987654321"))
    assert [found(path, number) for number in ("0991234567", "023456789", "0987654321")] == [None, "a", "a"]
    file(cards, 3, card("a"))
    assert found(path, "023456789") is None
    assert Reader(path).books().entries == 0
    assert Reader(path).faults() == []


def test_who_was_deleted_is_not_brought_back_by_an_older_file(path: Path, cards: Cards) -> None:
    file(cards, 4, card("a", "0991234567"), card("b", "023456789", "0987654321"))
    assert gone(cards, 5, "a", numbers=("023456789",)) == 1
    assert file(cards, 4, card("a", "0991234567"), card("b", "023456789", "0987654321"), newest=False) == {
        "filed": 0,
        "older": 1,
        "deleted": 1,
    }
    assert [found(path, number) for number in ("0991234567", "023456789", "0987654321")] == [None, None, "b"]
    assert file(cards, 5, card("a", "0991234567"), newest=False, as_of=0)["deleted"] == 1, "of no known age"
    assert file(cards, 6, card("a", "0991234567"), newest=False)["filed"] == 1
    gone(cards, 7, "a")
    assert file(cards, 8, card("a", "0991234567"))["filed"] == 1, "the CRM's next page may"
    assert found(path, "0991234567") == "a"


def test_tombstones_are_bounded_and_tell_nobody(path: Path, cards: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.core.directory_store.TOMBSTONES_MOST", 10)
    gone(cards, 1, "first", forgotten=True)
    gone(cards, 2, *(f"c{n}" for n in range(50)))
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*), sum(forgotten) FROM tombstone").fetchone() == (10, 1)
    db.close()
    assert b"first" not in path.read_bytes() + Path(f"{path}-wal").read_bytes()


def test_a_load_takes_the_place_of_what_is_held_at_its_end(path: Path, cards: Cards) -> None:
    file(cards, 1, card("a", "0991234567"), card("old", "023456789"))
    gone(cards, 2, "old", forgotten=True)
    gone(cards, 3, "x")
    with Directory(path, country="EC") as directory:
        with cards.writing():
            assert not cards.begin_load(2)
            cards.load([card("a", "022222222", name="first"), card("b", "022222345"), card("old", "023456789")], 2)
            assert cards.load([card("a", "022222346", name="second")], 2)["filed"] == 1
        assert directory.lookup("0991234567") is not None
        with cards.writing():
            cards.end_load(9, 1)
        with cards.writing():
            cards.drop_old()
        assert directory.lookup("0991234567") is None
        assert directory.lookup("022222346").name == "second"
        assert directory.lookup("022222222") is None
        assert directory.lookup("023456789") is None, "forgotten in version 2, and the load is of no later one"
        assert (directory.version, directory.entries) == (9, 2)
    file(cards, 10, card("a", "0991234567"))
    assert found(path, "022222346") is None, "a load's cards are found by customer like others"
    assert Reader(path).faults() == []


def test_a_full_load_of_a_lower_version_has_all_who_are_in_it(path: Path, cards: Cards) -> None:
    file(cards, 4000, card("a", "0991234567"), card("b", "023456789"))
    gone(cards, 5000, "a", numbers=("022222345",))
    with cards.writing():
        cards.begin_load(1)
        assert cards.load([card("a", "0991234567"), card("c", "022222345")], 1)["deleted"] == 0, "a CRM that counts anew"
        cards.end_load(1, 1)
    assert [found(path, number) for number in ("0991234567", "022222345", "023456789")] == ["a", "c", None]
    assert file(cards, 1, card("a", "0991234567", name="Ana"), newest=False, as_of=0)["deleted"] == 0


def test_a_load_that_is_given_up_leaves_nothing(path: Path, cards: Cards) -> None:
    file(cards, 1, card("a", "0991234567"))
    with cards.writing():
        cards.begin_load(5)
        cards.load([card("b", "023456789")], 5)
    with cards.writing():
        assert cards.begin_load(7), "another one begins"
        assert cards.books().load_entries == 0
        assert cards.give_up_load()
    assert found(path, "0991234567") == "a"
    with sqlite3.connect(path) as db:
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    db.close()
    assert names == {"state", "card1", "number1", "tombstone", "settled"}


def test_lookups_go_on_while_a_load_is_filed(path: Path, cards: Cards) -> None:
    """Another thread looks up all the time: it always finds one of the two generations, never nobody, never half of one."""
    file(cards, 1, card("a", "0991234567", name="v0"))
    stop, seen, wrong = threading.Event(), set[str](), list[object]()

    def look() -> None:
        with Directory(path, country="EC") as directory:
            while not stop.is_set():
                row = directory.lookup("0991234567")
                if row is None or row.name != f"v{(row.version - 1) // 2}":
                    wrong.append(row)
                else:
                    seen.add(row.name)

    thread = threading.Thread(target=look)
    thread.start()
    for n in range(1, 8):
        version = 2 * n + 1
        with cards.writing():
            cards.begin_load(version)
        with cards.writing():
            cards.load([card("a", "0991234567", name=f"v{n}"), *(card(f"c{i}", f"09{80000000 + i}") for i in range(300))], version)
            cards.end_load(version, 1)
        with cards.writing():
            cards.drop_old()
    stop.set()
    thread.join()
    assert not wrong
    assert len(seen) > 1


def test_the_log_does_not_grow_beside_a_reader(path: Path, cards: Cards) -> None:
    with Directory(path, country="EC") as directory:
        for version in range(1, 60):
            file(cards, version, *(card(f"c{n}", f"09{80000000 + n}", name="x" * 150) for n in range(150)))
            directory.lookup("0980000001")
        assert Path(f"{path}-wal").stat().st_size < 9 * 1024**2


def test_only_one_files_at_a_time(path: Path, cards: Cards) -> None:
    other = Cards(path)
    with cards.turn(), pytest.raises(TransientError, match="busy"), other.turn():
        pass
    with other.turn():
        pass
    other.close()


def test_a_damaged_file_makes_nobody_known_and_nobody_callable(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(b"this is no database at all, but a long text " * 200)
    caplog.set_level(logging.WARNING)
    with Directory(path, country="EC") as directory:
        assert directory.lookup("0991234567") is None
        assert directory.lookup("0991234568") is None
        assert directory.version is None
        with pytest.raises(CorruptError, match="damaged"):
            directory.is_do_not_call("0991234567")
        assert "damaged" in Reader(path).faults()[0]
    assert len(caplog.records) == 1, "told once"
    assert "099123" not in caplog.text
    with pytest.raises(CorruptError):
        Cards(path)


@pytest.mark.parametrize(
    "name", ["SQLITE_PROTOCOL", "SQLITE_INTERRUPT", "SQLITE_SCHEMA", "SQLITE_NOMEM", "SQLITE_MISUSE", "SQLITE_BUSY_SNAPSHOT"]
)
def test_what_is_no_damage_throws_no_customers_away(path: Path, name: str) -> None:
    fault = sqlite3.OperationalError("as SQLite says it")
    fault.sqlite_errorname = name
    assert isinstance(fault_of(fault, path), TransientError)


def test_a_connection_that_was_closed_is_no_damage(path: Path, cards: Cards) -> None:
    cards.close()
    with pytest.raises(TransientError):
        cards.settled("c1")


def test_a_file_of_another_kind_or_a_newer_version(path: Path, cards: Cards, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    DoNotCall(other, write=True).close()
    assert "not a file of this kind" in Reader(other).faults()[0]
    with pytest.raises(CorruptError):
        Cards(other)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    assert found(path, "0991234567") is None


def test_the_do_not_call_list_is_its_own(path: Path) -> None:
    key = key_of("+593991234567")
    held = DoNotCall(path.with_name("do_not_call.db"), write=True)
    assert held.add([Listed(key, 5, "asked"), Listed(key + 1, 5)]) == 2
    assert held.add([Listed(key, 9, "again")]) == 0
    assert held.get(key) == Listed(key, 5, "asked")
    with Directory(path, country="EC") as directory:
        assert directory.is_do_not_call("099 123 4567")
        assert not directory.is_do_not_call("099 123 4569")
        held.close()
        held = DoNotCall(held.path, write=True)
        assert held.remove([key, 7]) == 1
        assert key.to_bytes(8, "big")[2:] not in held.path.read_bytes(), "who is taken off goes from the disk"
        assert not directory.is_do_not_call("099 123 4567")
        assert [row.number for row in held.walk()] == [key + 1]
        assert len(held) == 1
        assert held.faults() == []
    held.close()
    held.path.write_bytes(b"broken" * 4000)
    with Directory(path, country="EC") as directory, pytest.raises(CorruptError):
        directory.is_do_not_call("099 123 4567")


def test_what_went_is_overwritten(path: Path, cards: Cards) -> None:
    file(cards, 1, card("a", "0991234567", name="Ana Nadie"))
    cards.overwrite()
    gone(cards, 1, "a", numbers=("0991234567",), forgotten=True)
    assert cards.scrub()
    whole = b"".join(one.read_bytes() for one in path.parent.iterdir())
    assert b"Ana Nadie" not in whole
    assert key_of("+593991234567").to_bytes(8, "big")[2:] not in whole


def test_what_sqlite_puts_aside_lies_beside_the_file_and_not_in_memory(path: Path, cards: Cards) -> None:
    """A box's /tmp and /var/tmp are 64 MiB of its memory; a million customers' index and a file made anew need more."""
    aside: set[str] = set()

    def look() -> None:
        for each in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                where = str(each.readlink())
                if "etilqs_" in where:
                    aside.add(where)

    cards._db.execute("PRAGMA cache_size=10")
    cards._db.set_progress_handler(look, 200)
    with cards.writing():
        cards.begin_load(1)
        cards.load([card(f"{n:x}".rjust(200, "c"), f"09{80000000 + n}") for n in range(8000)], 1)
        cards.end_load(1, 1)
    sorted_aside = len(aside)
    with cards.writing():
        cards.delete([f"{n:x}".rjust(200, "c") for n in range(2000)], [], 2)
    cards.scrub()
    cards._db.set_progress_handler(None, 0)
    assert 0 < sorted_aside < len(aside), "both put something aside"
    assert {str(Path(where).parent) for where in aside} == {str(path.parent)}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(path: Path, cards: Cards) -> None:
    path.chmod(0)
    assert found(path, "0991234567") is None
