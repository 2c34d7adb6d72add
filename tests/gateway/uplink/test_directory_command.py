"""A CRM sends its customers in pages over a real broker: what follows is filed, all else refused with a reason, and nobody waits."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import msgspec
import pytest

from appliance.core import directory_store
from appliance.core.catalogue import CommandReceived
from appliance.core.config import Config, Site
from appliance.core.directory import Directory
from appliance.core.directory_page import BYTES_MOST, CARDS_MOST
from appliance.core.directory_pages import FOLDER, WAITING_MOST, Pages
from appliance.core.directory_store import Cards
from appliance.sim.crm import SimCrm
from appliance.sim.crm_directory import nobodies, send_directory, version_after

pytestmark = pytest.mark.broker
TOPIC = "callfloor/1/quito/p3/cmd/directory"


def page(command: str, version: object, *cards: object, **more: object) -> bytes:
    return msgspec.json.encode({"id": command, "args": {"version": version, "upserts": cards, **more}})


def ana(**more: object) -> dict:
    return {"customer": "c-1", "numbers": ["+593 99 123 4567"], "name": "Ana", "segment": "VIP", **more}


@pytest.fixture
async def crm(rig):
    """One that sends a page and waits for its end."""
    broker = rig.broker()
    side = rig.consumer(broker, "callfloor/#")
    box = side.box = rig.box(broker.url, site=Site(name="quito", box="p3", timezone="America/Guayaquil"))
    box.start()
    await rig.until(lambda: side.named("info") and box.link() == "link.up")

    async def sent(payload: bytes) -> dict:
        command = msgspec.json.decode(payload)["id"]
        side.send(TOPIC, payload)
        return await rig.until(lambda: next((row for row in side.named(f"reply/{command}") if row["state"] != "accepted"), None))

    side.sent, side.broker = sent, broker
    return side


def directory(box) -> Directory:
    return Directory(box.config.journal.path.with_name("directory.db"), country="EC")


async def test_pages_that_follow_are_filed_and_others_refused(crm) -> None:
    done = await crm.sent(page("p1", 1, ana(colour="not known here"), {"customer": "c-2", "numbers": ["023456789", "0800FLOWERS", "2040"]}))
    assert (done["state"], done["result"]) == (
        "done",
        {
            "version": 1, "entries": 2, "upserts": 2, "deletes": 0, "rejected": 1,
            "rejects": [{"reason": "bad_number: 2 of its numbers are none (letters, too short, too long); the card is taken with the others",
                         "upsert": 1}],
        },
    )  # fmt: skip
    early = await crm.sent(page("p3", 3, ana(name="Nadie")))
    assert (early["state"], early["reason"]) == ("refused", "out_of_order: the box holds 1; send 2 (after 1), or a snapshot")
    assert early["result"] == {"version": 1, "entries": 2}
    old = await crm.sent(page("p1b", 1, ana(name="Nadie")))
    assert (old["state"], old["reason"]) == ("refused", "old_page: the box holds 1 already")
    again = await crm.sent(
        page("p1c", 1, ana(colour="not known here"), {"customer": "c-2", "numbers": ["023456789", "0800FLOWERS", "2040"]})
    )
    assert (again["state"], again["result"]) == ("done", {"version": 1, "entries": 2, "already": True})
    assert (await crm.sent(page("p2", 20, after=1, deletes=["c-2", "+593991112222"])))["result"] == {
        "version": 20, "entries": 1, "upserts": 0, "deletes": 1,
    }  # fmt: skip
    with directory(crm.box) as held:
        card = held.lookup("0991234567")
        assert card is not None
        assert (card.customer, card.name, card.segment, card.vip, card.version) == ("c-1", "Ana", "VIP", True, 20)
        assert held.lookup("023456789") is None


async def test_a_full_load_answers_at_its_end(crm) -> None:
    await crm.sent(page("p1", 7, ana(), after=0))
    assert (await crm.sent(page("m0", 9, snapshot="more")))["reason"] == "no_snapshot: none is under way; begin one"
    begun = await crm.sent(page("s1", 100, {"customer": "c-9", "numbers": ["022222345"]}, snapshot="begin"))
    assert begun["result"] == {"version": 7, "entries": 1, "snapshot": {"version": 100, "entries": 1}, "upserts": 1}
    with directory(crm.box) as held:
        assert held.lookup("0991234567") is not None
        assert held.lookup("022222345") is None
        wrong = await crm.sent(page("s3", 102, snapshot="end"))
        assert wrong["reason"] == "out_of_order: the snapshot holds 100; send 101 (after 100), or a snapshot"
        assert (await crm.sent(page("sd", 101, snapshot="more", deletes=["c-9"])))["reason"].startswith(
            "bad_args: a snapshot has no deletes"
        )
        ended = await crm.sent(page("s2", 101, {"customer": "c-8", "numbers": ["022222345", "022222346"]}, snapshot="end"))
        assert ended["result"] == {"version": 101, "entries": 2, "upserts": 1}
        assert held.lookup("0991234567") is None
        assert held.lookup("022222345").sharing == 2


NO_PAGES = [
    ({}, "bad_args: Object missing required field `version`"),
    ({"version": 0}, "bad_args: Expected `int` >= 1"),
    ({"version": "1"}, "bad_args: Expected `int`, got `str`"),
    ({"version": 1, "after": 1}, "bad_version: 1 cannot follow 1"),
    ({"version": 1, "upserts": 1}, "bad_args: Expected `array`, got `int`"),
    ({"version": 1, "upserts": [1]}, "bad_args: Expected `object`, got `int`"),
    ({"version": 1, "upserts": [{}] * (CARDS_MOST + 1)}, "bad_args: Expected `array` of length <= 1000"),
    ({"version": 1, "deletes": ["x" * 201]}, "bad_args: Expected `str` of length <= 200"),
    ({"version": 1, "snapshot": "again"}, "bad_args: Invalid enum value 'again'"),
    ({"version": 1, "colour": "red"}, "bad_args: Object contains unknown field `colour`"),
    ({"version": 1, "upserts": [{"customer": "c", "numbers": ["x" * 150], "name": "y" * 190}] * 999 + [{"z": "z" * 200_000}]}, "too_large: a page is 512 KiB"),
    ({"version": 1, "upserts": [{"customer": 7, "numbers": []}]}, "nothing_usable: bad_card: Expected `str`, got `int` - at `$.customer`"),
    ({"version": 1, "upserts": [{"customer": "c", "numbers": ["+593991234567"] * 17}]}, "nothing_usable: bad_card: Expected `array` of length <= 16"),
    ({"version": 1, "deletes": ["+5939912345678901234"]}, "nothing_usable: bad_number: no number of any country"),
]  # fmt: skip


async def test_what_is_no_page_is_refused_and_nothing_is_kept(crm) -> None:
    for number, (args, reason) in enumerate(NO_PAGES):
        told = await crm.sent(msgspec.json.encode({"id": f"x{number}", "args": args}))
        assert told["state"] == "refused", args
        assert told["reason"].startswith(reason), args
    with directory(crm.box) as held:
        assert not held.version
    async with asyncio.timeout(20):
        while list(crm.box.config.journal.path.with_name(FOLDER).glob("*")):
            await asyncio.sleep(0.01)


async def test_the_journal_has_no_cards_and_the_box_tells_its_version(rig, crm) -> None:
    await crm.sent(page("p1", 1, ana()))
    assert b"Ana" not in b"".join(row.body for row in crm.box.journal.read(0))
    received = next(row.body for row in crm.box.journal.read(0) if b'"command.received"' in row.body)
    assert msgspec.json.decode(received)["d"]["args"] == {"version": 1}
    await rig.until(lambda: crm.named("info")[-1].get("directory", {}).get("version") == 1)
    told = crm.named("info")[-1]["directory"]
    assert (told["entries"], told["as_of"][:2], told["snapshot"]) == (1, "20", None)


@pytest.mark.parametrize("how", ["damaged", "of a newer version", "UPDATE card1 SET body=x'9105'", "UPDATE state SET generation=7"])
async def test_a_file_that_cannot_be_used_is_begun_anew(rig, crm, how: str) -> None:
    await crm.sent(page("p1", 1, ana()))
    path = crm.box.config.journal.path.with_name("directory.db")
    if how == "damaged":
        directory_store.remove_damaged(path)
        path.write_bytes(b"no database at all" * 1000)
    elif how.startswith("UPDATE"):
        with sqlite3.connect(path) as db:
            db.execute(how)
        db.close()
    else:
        directory_store.remove_damaged(path)
        Cards(path).close()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version=99")
        db.close()
    told = await crm.sent(page("p2", 2, ana()))
    assert told["reason"] == "out_of_order: the box holds 0; send 1 (after 0), or a snapshot"
    assert (await crm.sent(page("s1", 2, ana(), snapshot="whole")))["result"]["entries"] == 1


async def test_who_waits_for_a_file_that_is_imported_is_answered_later(rig, crm) -> None:
    await crm.sent(page("p1", 1, ana()))
    cards = Cards(crm.box.config.journal.path.with_name("directory.db"))
    with cards.turn():
        crm.send(TOPIC, page("p2", 2, ana(name="Ana María")))
        crm.send("callfloor/1/quito/p3/cmd/ping", msgspec.json.encode({"id": "g1", "args": {}}))
        await rig.until(lambda: crm.named("reply/g1"))
        assert not crm.named("reply/p2")
    cards.close()
    await rig.until(lambda: crm.named("reply/p2"))
    assert crm.named("reply/p2")[0]["state"] == "done"


def test_pages_that_wait_are_bounded_and_leftovers_go(tmp_path) -> None:
    pages = Pages(tmp_path / "pages")
    assert all(pages.put(f"c{n}", b"{}") for n in range(WAITING_MOST))
    assert not pages.put("one-more", b"{}")
    assert pages.put("c0", b"{} "), "the same again is no more"
    assert pages.get("c0") == b"{} "
    (tmp_path / "pages" / "part-c9").write_bytes(b"")
    assert pages.keep({"c1", "c2"}) == WAITING_MOST - 1
    assert pages.get("c0") is None
    assert pages.put(".", b"x" * BYTES_MOST), "a name that a folder would have is an id as well"
    assert pages.get(".") == b"x" * BYTES_MOST


def test_a_page_may_go_while_another_comes(tmp_path) -> None:
    """The one in the thread of the lane, the other in the door's."""
    pages, stop = Pages(tmp_path / "pages"), threading.Event()
    other = Pages(tmp_path / "pages")
    (tmp_path / "pages").mkdir()

    def come_and_go() -> None:
        folder = tmp_path / "pages"
        while not stop.is_set():
            for n in range(20):
                (folder / f"page-t{n}").touch()
            for n in range(20):
                other.drop(f"t{n}")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        assert all(pages.put("here", b"{}") for _ in range(300))
    finally:
        stop.set()
        thread.join()


def test_the_table_of_settled_commands_is_bounded(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(directory_store, "_SETTLED_MOST", 10)
    cards = Cards(tmp_path / "directory.db")
    with cards.writing():
        for n in range(50):
            cards.settle(f"c{n}", b"", n, b"{}", 0)
    cards.close()
    with sqlite3.connect(tmp_path / "directory.db") as db:
        assert db.execute("SELECT count(*) FROM settled").fetchone() == (10,)
    db.close()
    assert Config().directory.max_entries > 1_000_000


async def test_a_simulated_crm_sends_what_follows(rig, crm) -> None:
    """Its customers in a full load of several pages, some of them under way at once; then a page out of order ends it with a reason."""
    async with SimCrm(crm.broker.url, site="quito", box="p3", from_now=True) as simulated:
        async with asyncio.timeout(20):
            await simulated.stood.wait()
            while "quito/p3" not in simulated.boxes or simulated.boxes["quito/p3"].info is None:
                await asyncio.sleep(0.02)
        version = version_after(simulated, "quito", "p3")
        sent = await send_directory(simulated, "quito", "p3", nobodies(700), version=version, size=20)
        assert (sent.reason, sent.pages, sent.result["entries"]) == (None, 35, 700)
        lost = await simulated.send("quito", "p3", "directory", {"version": version + 40, "snapshot": "more"})
        assert lost.state == "refused"
        async with asyncio.timeout(20):
            while simulated.boxes["quito/p3"].report()["customers"] != 700:
                await asyncio.sleep(0.02)
    known = next(nobodies(1))
    with directory(crm.box) as held:
        assert held.lookup(known["numbers"][0]).name == known["name"]


async def test_a_page_given_at_the_box_itself_is_whole_in_the_journal(rig, crm) -> None:
    """As by `callfloor send`: it is filed in the same way; what is no page is refused at the lane, without a door before it."""
    for command, args in (
        ("l1", {"version": 1, "upserts": [ana()]}),
        ("l2", {"version": 2, "upserts": [{}] * 1001}),
        ("l3", {"version": 2}),
    ):
        await crm.box.context.emit(CommandReceived(id=command, verb="directory", args=args, by="local", digest=command))

    def ends() -> dict[str, tuple[str, str | None]]:
        rows = [msgspec.json.decode(row.body) for row in crm.box.journal.read(0)]
        return {row["d"]["id"]: (row["d"]["state"], row["d"].get("reason")) for row in rows if row["k"] == "command.finished"}

    await rig.until(lambda: len(ends()) == 3)
    assert ends() == {
        "l1": ("done", None),
        "l2": ("refused", "bad_args: Expected `array` of length <= 1000 - at `$.upserts`"),
        "l3": ("done", None),
    }
    with directory(crm.box) as held:
        assert (held.version, held.entries) == (2, 1)
