"""The live view over a real journal: catching up, caches, stepped clocks, dead gateways, forecasts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from appliance.core.alive import Alive, Sight
from appliance.core.catalogue import (
    AgentStateChanged,
    BoxClockStepped,
    CallAnswered,
    CallQueued,
    HeadsetAttached,
    HeadsetHook,
    LinkDown,
    LinkUp,
    PbxDown,
    PbxResynced,
    PbxUp,
    kind_of,
)
from appliance.core.clock import NS, ManualClock, rfc3339
from appliance.core.config import Config, Crm, Privacy
from appliance.core.event import Event, Origin
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal import Account, Cursor, Limits
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView
from appliance.forecast import Forecast, Held

CONFIG = Config(crm=Crm(url="mqtt://127.0.0.1:1"))


class Box:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.path = folder / "journal.db"
        self.journal = SqliteJournal.open(self.path, clock=self.clock)

    def tell(self, *data, source: str = "gateway/p") -> int:
        clock = self.clock
        return self.journal.append(
            [Event(kind_of(d), source, clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), d) for d in data]
        )

    def view(self, cache: Path | None = None) -> FloorView:
        view = FloorView(self.journal, CONFIG, self.clock, cache)
        view.catch_up()
        return view


@pytest.fixture
def box(tmp_path: Path):
    made = Box(tmp_path)
    made.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"), CallQueued(call="c", pbx="p", visit="v", queue="ventas", title="Ventas"))
    yield made
    made.journal.close()


@pytest.fixture
def gateway(box: Box):
    alive, uplink = Alive.open(box.journal.run_dir, "gateway"), Alive.open(box.journal.run_dir, "uplink")
    yield alive
    alive.close()
    uplink.close()


def test_the_snapshot_shows_what_was_appended(box: Box, gateway: Alive) -> None:
    box.clock.advance(7)
    shot = box.view().snapshot()
    queue = shot.queues["ventas"]
    assert (queue.title, queue.waiting, queue.longest_wait, queue.fresh) == ("Ventas", 1, 7.0, "live")
    assert shot.floor.waiting == 1
    assert shot.seq == box.journal.head().seq
    assert shot.crm.state == "down"
    assert shot.crm.backlog == box.journal.head().n


def test_the_link_and_its_books(box: Box, gateway: Alive) -> None:
    view = box.view()
    box.tell(LinkUp(), source="uplink/crm")
    head = box.journal.head()
    box.journal.save("uplink", Cursor(head.epoch, head.seq, head.n))
    view.catch_up()
    assert (view.snapshot().crm.state, view.snapshot().crm.backlog) == ("up", 0)
    box.tell(LinkDown(reason="no_consumer"), source="uplink/crm")
    box.clock.advance(30)
    view.catch_up()
    crm = view.snapshot().crm
    assert (crm.state, crm.backlog, crm.recorded) == ("no_consumer", 1, head.n + 1)
    assert crm.oldest is not None
    box.tell(LinkUp(), source="uplink/crm")
    view.catch_up()
    assert view.snapshot().crm.state == "draining"


def test_a_dead_gateway_makes_the_floor_stale_as_of_its_last_sight(box: Box, gateway: Alive) -> None:
    box.tell(AgentStateChanged(agent="ana", pbx="p", state="talking", queues={"ventas": "talking"}))
    box.clock.advance(20)
    gateway.saw("p", Sight(box.clock.boot, box.clock.mono_ns(), box.clock.wall_ns()))
    box.clock.advance(10)
    view = box.view()
    assert view.snapshot().agents["ana"].state == "talking"
    gateway.close()
    gateway._descriptor = __import__("os").open("/dev/null", 0)
    box.clock.advance(10)
    shot = view.snapshot()
    assert (shot.pbx["p"].state, shot.pbx["p"].reason) == ("down", "service_stopped")
    assert (shot.queues["ventas"].fresh, shot.queues["ventas"].waiting) == ("stale", 1)
    assert shot.queues["ventas"].as_of == shot.pbx["p"].since
    assert shot.agents["ana"].state == "unknown"
    assert (shot.agents["ana"].seconds.talking, shot.agents["ana"].seconds.unknown) == (20.0, 20.0)
    assert shot.floor.agents.unknown == 1
    with_again = Alive.open(box.journal.run_dir, "gateway")
    box.clock.advance(1)
    assert view.snapshot().queues["ventas"].fresh == "stale"  # it reads the journal yet, and has not seen the PBX
    box.tell(PbxDown(pbx="p", reason="service_stopped", unseen_s=11))
    view.catch_up()
    box.clock.advance(1)
    assert (view.snapshot().pbx["p"].state, view.snapshot().queues["ventas"].fresh) == ("down", "stale")
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
    view.catch_up()
    assert view.snapshot().queues["ventas"].fresh == "live"
    with_again.close()


def test_a_view_that_begins_beside_a_new_gateway_waits_for_its_word(box: Box) -> None:
    """Both were killed together and started anew: this view has not seen the old gateway die."""
    box.clock.advance(3)
    now = Sight(box.clock.boot, box.clock.mono_ns(), box.clock.wall_ns())
    alive = Alive.open(box.journal.run_dir, "gateway", now)
    view = box.view()
    assert (view.snapshot().queues["ventas"].fresh, view.snapshot().pbx["p"].state) == ("stale", "down")
    alive.saw("p", now)
    box.clock.advance(1)
    assert view.snapshot().queues["ventas"].fresh == "stale", "heard is not yet told"
    box.tell(PbxDown(pbx="p", reason="service_stopped", unseen_s=3), PbxUp(pbx="p"), PbxResynced(pbx="p"))
    view.catch_up()
    box.clock.advance(1)
    assert view.snapshot().queues["ventas"].fresh == "live"
    assert box.view().snapshot().queues["ventas"].fresh == "live", "whoever begins after that word has it"
    alive.close()


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_was_stepped_while_all_were_dead_is_no_gateways_word(box: Box, years: int) -> None:
    """What the old gateway told moves with the clock, and so does the moment in which the new one began."""
    box.clock.advance(3)
    box.clock.step_wall(years * 365 * 86400)
    alive = Alive.open(box.journal.run_dir, "gateway", Sight(box.clock.boot, box.clock.mono_ns(), box.clock.wall_ns()))
    view = box.view()
    assert view.snapshot().queues["ventas"].fresh == "stale"
    box.clock.advance(0.1)
    box.tell(
        BoxClockStepped(offset_ns=box.clock.wall_ns() - box.clock.mono_ns(), by_s=years * 365 * 86400, quality="synced"), source="uplink"
    )
    view.catch_up()
    assert view.snapshot().queues["ventas"].fresh == "stale"
    assert box.view().snapshot().queues["ventas"].fresh == "stale"
    box.tell(PbxDown(pbx="p", reason="service_stopped", unseen_s=3), PbxUp(pbx="p"), PbxResynced(pbx="p"))
    view.catch_up()
    box.clock.advance(1)
    assert view.snapshot().queues["ventas"].fresh == "live"
    alive.close()


def test_a_gateway_that_was_replaced_between_two_looks_is_seen(box: Box, gateway: Alive) -> None:
    view = box.view()
    assert view.snapshot().queues["ventas"].fresh == "live"
    gateway.close()
    gateway._descriptor = __import__("os").open("/dev/null", 0)
    box.clock.advance(1)
    again = Alive.open(box.journal.run_dir, "gateway", Sight(box.clock.boot, box.clock.mono_ns(), box.clock.wall_ns()))
    assert view.snapshot().queues["ventas"].fresh == "stale"
    again.close()


def test_a_gateway_that_hangs_makes_the_floor_stale_though_it_lives(box: Box, gateway: Alive) -> None:
    gateway.saw("p", Sight(box.clock.boot, box.clock.mono_ns(), box.clock.wall_ns()))
    view = box.view()
    box.clock.advance(30)
    assert view.snapshot().queues["ventas"].fresh == "live"
    box.clock.advance(10)
    shot = view.snapshot()
    assert (shot.queues["ventas"].fresh, shot.pbx["p"].state, shot.pbx["p"].reason) == ("stale", "down", "service_stopped")
    gateway.saw("p", Sight(box.clock.boot, box.clock.mono_ns(), box.clock.wall_ns()))
    box.clock.advance(1)
    assert view.snapshot().queues["ventas"].fresh == "live"


def test_what_was_told_before_a_reboot_is_not_live_until_the_pbx_is_seen_again(box: Box, gateway: Alive) -> None:
    gateway.saw("p", Sight(box.clock.boot, box.clock.mono_ns(), box.clock.wall_ns()))
    box.clock.reboot("second")
    assert box.view().snapshot().queues["ventas"].fresh == "stale"


def test_a_cache_gives_the_same_snapshot_and_bytes_as_a_fold_from_nothing(box: Box, gateway: Alive, tmp_path: Path) -> None:
    cache = tmp_path / "fold.cache"
    view = box.view(cache)
    view.save()
    assert FloorView(box.journal, CONFIG, box.clock, cache).seq == view.seq > 0
    for k in range(700):
        box.clock.advance(1)
        box.tell(
            CallQueued(call=f"c{k}", pbx="p", visit=f"v{k}", queue="ventas"),
            CallAnswered(call=f"c{k}", pbx="p", visit=f"v{k}", queue="ventas", agent="ana", wait_s=0.5),
        )
    with_cache, without = box.view(cache), box.view()
    assert with_cache.seq == without.seq
    assert with_cache.snapshot() == without.snapshot()
    with_cache.save()
    first = cache.read_bytes()
    cache.unlink()
    again = FloorView(box.journal, CONFIG, box.clock, cache)
    again.catch_up()
    again.snapshot()
    again.save()
    assert cache.read_bytes() == first
    cache.write_bytes(first[: len(first) // 2])
    assert box.view(cache).snapshot() == without.snapshot()


def test_when_the_clock_is_set_earlier_events_of_the_boot_are_dated_anew(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.clock.step_wall(-1_700_000_000, "unset")
    alive = Alive.open(box.journal.run_dir, "gateway")
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"), CallQueued(call="c", pbx="p", visit="v", queue="ventas"))
    view = box.view()
    box.clock.advance(60)
    box.clock.step_wall(1_700_000_000, "synced")
    offset = box.clock.wall_ns() - box.clock.mono_ns()
    box.tell(BoxClockStepped(offset_ns=offset, by_s=1.7e9, quality="synced"), source="box/box")
    view.catch_up()
    shot = view.snapshot()
    assert shot.queues["ventas"].longest_wait == 60.0
    assert shot.queues["ventas"].today.offered == 1
    assert shot.time.startswith("2026-")
    assert shot.queues["ventas"].longest_since.startswith("2026-")
    assert box.view().snapshot() == shot
    alive.close()
    box.journal.close()


def test_an_hour_forward_and_back_leaves_waits_right(box: Box, gateway: Alive) -> None:
    view = box.view()
    for hours in (1, -1):
        box.clock.advance(10)
        box.clock.step_wall(3600 * hours)
        offset = box.clock.wall_ns() - box.clock.mono_ns()
        box.tell(BoxClockStepped(offset_ns=offset, by_s=3600.0 * hours, quality="synced"), source="box/box")
        view.catch_up()
    shot = view.snapshot()
    assert (shot.queues["ventas"].longest_wait, shot.queues["ventas"].today.offered) == (20.0, 1)


def test_rows_that_cannot_be_decoded_are_counted_not_fatal(box: Box, gateway: Alive) -> None:
    view = box.view()
    with box.journal._locked():
        box.journal._store.insert(
            [(b'{"k":"call.queued","s":"x","w":1,"m":1,"b":"b","c":"synced","d":{"call":1}}', True), (b"junk", True)], ()
        )
    view.catch_up()
    assert view.undecodable == 2
    assert view.seq == box.journal.head().seq


def test_forecasts_are_straight_lines_and_none_when_nothing_moves() -> None:
    forecast = Forecast()
    for second in range(11):
        account = Account(recorded=1000, delivered=second * 10, waiting=1000 - second * 10, shed=0, skipped=0)
        limits = Limits(bytes_used=1_000_000 + second * 1000, max_bytes=2_000_000, first_seq=1)
        forecast.feed(second * NS, account, limits)
    assert forecast.drain_s(account) == 90.0
    started = Held(rows=1000, waiting_rows=1000, oldest_s=11.0, oldest_waiting_s=11.0, keep_s=7 * 86_400)
    assert forecast.full_in_s(limits, started) == 990
    still = Forecast()
    for second in range(5):
        still.feed(second * NS, account, limits)
    assert still.drain_s(account) is None
    assert still.full_in_s(limits, started) is None


def test_a_dead_uplink_is_a_link_down_whatever_it_said_last(box: Box) -> None:
    alive = Alive.open(box.journal.run_dir, "uplink")
    box.tell(LinkUp(), source="uplink/crm")
    head = box.journal.head()
    box.journal.save("uplink", Cursor(head.epoch, head.seq, head.n))
    view = box.view()
    assert view.snapshot().crm.state == "up"
    alive.close()
    box.clock.advance(1)
    died = view.snapshot().crm
    box.clock.advance(10)
    assert (died.state, view.snapshot().crm.state) == ("down", "down")
    assert view.snapshot().crm.since == died.since
    again = Alive.open(box.journal.run_dir, "uplink")
    box.clock.advance(1)
    assert view.snapshot().crm.state == "up"
    again.close()


def test_no_time_to_go_is_told_while_nothing_flows(box: Box) -> None:
    alive = Alive.open(box.journal.run_dir, "uplink")
    box.tell(LinkUp(), source="uplink/crm")
    for call in range(200):
        box.tell(CallQueued(call=f"c{call}", pbx="p", visit=f"v{call}", queue="ventas"))
    view, head = box.view(), box.journal.head()
    for second in range(10):
        box.journal.save("uplink", Cursor(head.epoch, head.seq, 10 * (second + 1)))
        flowing = view.snapshot().crm
        box.clock.advance(1)
    assert flowing.backlog > 0
    assert flowing.drain_s == pytest.approx(flowing.backlog / 10, rel=0.3)
    alive.close()
    box.clock.advance(1)
    cut = view.snapshot().crm
    assert (cut.state, cut.backlog, cut.drain_s) == ("down", flowing.backlog, None)


def test_a_clock_stepped_many_times_costs_one_more_fold_and_not_one_a_step(box: Box, gateway: Alive) -> None:
    reads = 0

    class Counted:
        def __getattr__(self, name: str):
            return getattr(box.journal, name)

        def read(self, after: int, limit: int = 500):
            nonlocal reads
            reads += 1
            return box.journal.read(after, limit)

    for _ in range(40):
        box.clock.advance(10)
        box.clock.step_wall(1)
        offset = box.clock.wall_ns() - box.clock.mono_ns()
        told = [LinkUp()] * 100
        box.tell(BoxClockStepped(offset_ns=offset, by_s=1, quality="synced"), *told, source="box/box")
    view = FloorView(Counted(), CONFIG, box.clock)
    view.catch_up()
    pages = box.journal.head().seq // 500 + 1
    assert reads <= 2 * pages
    assert view.snapshot().time == rfc3339(box.clock.wall_ns())


def test_seats_are_live_while_whoever_tells_of_them_is_heard(box: Box) -> None:
    """The own ones while their service runs, and until its successor has spoken of each; those of a seat box while the uplink runs."""
    config = Config(crm=CONFIG.crm, headsets=HeadsetsConfig(boxes=("isla-4",)), privacy=Privacy(headsets=True))
    view = FloorView(box.journal, config, box.clock)

    def fresh() -> dict[str, str]:
        box.clock.advance(1)
        view.catch_up()
        return {key: one.fresh for key, one in (view.snapshot().headsets or {}).items()}

    headsets, uplink = Alive.open(box.journal.run_dir, "headsets"), Alive.open(box.journal.run_dir, "uplink")
    box.tell(LinkUp(), HeadsetAttached(seat="a1"), HeadsetAttached(seat="a2"))
    clock = box.clock
    there = Event(
        "headset.hook", "headsets/headsets", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", HeadsetHook(seat="a1", hook="off"),
        Origin("e-7", "isla-4", clock.wall_ns(), "synced"),
    )  # fmt: skip
    box.journal.append([there, msgspec.structs.replace(there, origin=Origin("e-8", "isla-5", 1, "unset"))])
    assert fresh() == {"a1": "live", "a2": "live", "isla-4.a1": "live"}, "isla-5 is not asked for"
    headsets.close()
    assert fresh() == {"a1": "stale", "a2": "stale", "isla-4.a1": "live"}
    headsets = Alive.open(box.journal.run_dir, "headsets")
    assert fresh() == {"a1": "stale", "a2": "stale", "isla-4.a1": "live"}
    box.tell(HeadsetAttached(seat="a2"))
    assert fresh() == {"a1": "stale", "a2": "live", "isla-4.a1": "live"}
    uplink.close()
    assert fresh() == {"a1": "stale", "a2": "live", "isla-4.a1": "stale"}
    assert (view.floor.state.boxes["isla-4"].seq, view.floor.state.boxes["isla-5"].seq) == (7, 8)
    headsets.close()
