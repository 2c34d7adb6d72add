"""How fast a backlog may go, and how much of it may be under way: counted by hand, then over a real broker and a slow link."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.uplink.pace import Pace
from gateway.uplink.window import BESIDE_WORDS, LEAST, SOON, WORD_S, WORDS, Window


@given(st.floats(0.5, 5000), st.lists(st.tuples(st.floats(0, 3), st.integers(0, 400)), max_size=40))
def test_a_backlog_goes_no_faster_than_its_rate_and_new_events_are_on_top(per_s: float, turns: list[tuple[float, int]]) -> None:
    pace, now_s, sent, new = Pace(per_s), 0.0, 0, 0
    for step_s, arrived in turns:
        now_s += step_s
        pace.arrived(arrived)
        new += arrived
        room = pace.room(now_s)
        assert room >= arrived, "what is new never waits for a permit"
        pace.spent(room)
        sent += room
        assert sent <= new + now_s * per_s + max(1.0, per_s * 0.1) + 1e-6
    wait_s = pace.wait_s()
    assert pace.room(now_s + wait_s + 1e-6) >= 1


def test_without_a_rate_nothing_waits_and_permits_of_events_that_went_are_not_kept() -> None:
    assert Pace(None).room(0.0) > 1_000_000
    pace = Pace(10)
    pace.arrived(500)
    pace.caught_up()
    assert pace.room(0.0) == 1


def rounds(window: Window, count: int, took_s: float, now_s: float) -> float:
    for _ in range(count):
        mids = list(range(1, window.open + 1))
        window.sent(mids[-1], now_s)
        now_s += took_s
        window.acked(mids, now_s)
    return now_s


def test_the_window_doubles_with_each_round_up_to_what_the_broker_takes() -> None:
    window = Window()
    window.begin(100)
    seen = []
    now_s = 0.0
    for _ in range(9):
        seen.append(window.open)
        now_s = rounds(window, 1, 0.02, now_s)
    assert seen == [1, 2, 4, 8, 16, 32, 64, 100, 100]
    window.begin(1)
    rounds(window, 3, 5.0, 0.0)
    assert window.open == 1


def test_a_round_trip_that_grows_shrinks_the_window_and_one_that_was_always_long_does_not() -> None:
    window = Window()
    window.begin(1000)
    now_s = rounds(window, 12, 0.7, 0.0)
    assert window.open == 1000, "a satellite is far, not slow"
    now_s = rounds(window, 1, 1.9, now_s)
    assert window.open in {499, 500}
    rested = window.open
    now_s = rounds(window, 1, 1.1, now_s)
    assert window.open == rested, "between the two it rests"
    now_s = rounds(window, 20, 60.0, now_s)
    assert window.open == LEAST
    rounds(window, 12, 0.7, now_s)
    assert window.open == 1000, "it recovers as fast as it began"


def test_a_busy_machine_does_not_starve_the_drain() -> None:
    """A near broker that answers in 1 ms alone and in 40 ms where the processors are wanted by others."""
    window = Window()
    window.begin(1000)
    now_s = rounds(window, 1, 0.001, 0.0)
    now_s = rounds(window, 30, 0.04, now_s)
    assert window.open == SOON
    rounds(window, 30, 1.5, now_s)
    assert window.open == LEAST, "that is no noise any more"


def test_beside_words_of_the_live_lane_few_events_are_under_way_at_a_near_broker_alone() -> None:
    near, far = Window(), Window()
    for window, took_s in ((near, 0.001), (far, 0.7)):
        window.begin(1000)
        now_s = rounds(window, 12, took_s, 0.0)
        assert window.now(now_s) == 1000
        window.word(now_s)
        assert window.now(now_s) == (BESIDE_WORDS if window is near else 1000), "a satellite's way would only be left empty"
        assert window.now(now_s + WORD_S) == window.open, "the last word is long gone"
    near.begin(20)
    near.word(0.0)
    rounds(near, 12, 0.001, 0.0)
    assert near.now(0.1) == 20, "never more than the broker takes"


def test_only_words_that_follow_each_other_make_the_drain_pause_for_breath() -> None:
    window = Window()
    window.begin(1000)
    now_s = rounds(window, 12, 0.001, 0.0)
    for _ in range(20):
        window.word(now_s)
    assert not window.breath_s(now_s), "a connection's first words come at once"
    for _ in range(WORDS - 1):
        assert not window.breath_s(now_s)
        now_s += 0.01
        window.word(now_s)
    assert window.breath_s(now_s) > 0
    assert not window.breath_s(now_s + WORD_S), "the last word is long gone"
    for _ in range(2 * WORDS):
        now_s += 2 * WORD_S
        window.word(now_s)
    assert not window.breath_s(now_s), "one now and then"


class SlowLink:
    """A TCP proxy that lets so many bytes a second through, each way, as a phone line would: what is under way waits in it."""

    def __init__(self, port: int, bytes_per_s: int) -> None:
        self._to, self._rate = port, bytes_per_s
        self.port = 0

    @contextlib.asynccontextmanager
    async def standing(self) -> AsyncIterator[SlowLink]:
        server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to)
        for pair in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._carry(*pair))
            self._tasks.add(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(max(64, self._rate // 50)):
                await asyncio.sleep(len(data) / self._rate)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.mark.broker
async def test_a_slow_link_is_not_flooded(rig: Any) -> None:
    """At 40 kB a second a thousand events under way would be ten seconds of waiting for every state and reply."""
    broker = rig.broker("max_inflight_messages 2000")
    consumer = rig.consumer(broker, "callfloor/#")
    async with SlowLink(broker.port, 40_000).standing() as slow:
        box = rig.box(f"mqtt://127.0.0.1:{slow.port}", floor_every_s=5.0)
        box.calls(3000)
        box.start()
        await rig.until(lambda: len(consumer.events) > 250)
        consumer.send("callfloor/1/quito/p3/cmd/ping", b'{"id": "p1"}')
        sent = len(consumer.events)
        await rig.until(lambda: consumer.named("reply/p1"))
        between = len(consumer.events) - sent
        await box.stop()
    assert between < 250, "the reply waited behind what was under way, and that was far less than the window of 1000"
    numbers = [int(event["delivery"]) for event in consumer.events]
    assert numbers == sorted(numbers)


@pytest.mark.broker
async def test_a_limited_drain_takes_its_time_and_new_events_without_a_backlog_do_not(rig: Any) -> None:
    broker = rig.broker()
    consumer = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, drain_per_s=200)
    box.calls(200)
    loop = asyncio.get_running_loop()
    began = loop.time()
    box.start()
    await rig.until(box.settled)
    assert loop.time() - began > 0.8
    seen = len(consumer.events)
    box.calls(400, "new")  # two seconds' worth of permits
    await rig.until(lambda: len(consumer.events) >= seen + 400)
    late = [event for event in consumer.events if event.get("late")]
    assert late == []
    numbers = [int(event["delivery"]) for event in consumer.events]
    assert numbers == list(range(1, len(numbers) + 1))
