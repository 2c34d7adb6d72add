"""The rule of a command that takes a while, without any hardware: the cursor is durable before it is touched, and each has one end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import pytest
from msgspec.structs import replace

from appliance.command_crew import CommandCrew, Ended, Given
from appliance.core.catalogue import BoxHealth, CommandFinished, CommandReceived, event_from_stored
from appliance.core.clock import SystemClock
from appliance.core.command import Verdict
from appliance.core.config import Config
from appliance.core.errors import FullError, TransientError
from appliance.core.event import Event, Stored, stored_from_body
from appliance.core.journal import Cursor
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context

SINK = "test.commands"


class Watching:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class Hands:
    """Hardware that does what it is told when it is let; what it saw of the cursor as it began."""

    verbs: Collection[str] = frozenset({"pause", "originate"})

    def __init__(self, journal: MemoryJournal) -> None:
        self.journal = journal
        self.begun: list[str] = []
        self.cursors: list[int] = []
        self.go = asyncio.Event()
        self.accepts = True
        self.verdict: Callable[[CommandReceived], Verdict] = lambda command: Verdict("run")

    def key(self, verb: str, args: Any) -> str:
        return str(args.agent)

    def judge(self, command: CommandReceived, row: Stored, age_s: float) -> Verdict:
        return self.verdict(command)

    async def ready(self) -> None: ...

    async def carry_out(self, given: Given) -> Ended:
        self.begun.append(given.id)
        self.cursors.append(self.journal.cursor(SINK).seq)
        if self.accepts:
            given.accepted()
        if given.id.startswith("broken"):
            raise RuntimeError("a fault of the program")
        await self.go.wait()
        return Ended("done", None, {"verb": given.verb}, (BoxHealth(id=f"end.{given.id}", level="ok", text="told with its end"),))

    def lost(self, command: CommandReceived) -> list[BoxHealth]:
        return [BoxHealth(id=f"lost.{command.id}", level="red", text="told with its end")]


class Bench:
    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self.context = Context(Config(), self.journal, SystemClock(), Watching(), "gateway")
        self.hands = Hands(self.journal)

    def crew(self, **more: Any) -> CommandCrew:
        return CommandCrew(self.context, SINK, self.hands, **more)

    async def give(self, name: str, agent: str = "a") -> int:
        clock = self.context.clock
        data = CommandReceived(id=name, verb="pause", args={"agent": agent})
        return await self.journal.appended(
            [Event("command.received", "uplink/x", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)]
        )

    def events(self) -> list[Any]:
        events = [event_from_stored(stored_from_body(entry.body)) for entry in self.journal.read(0)]
        return [event.data for event in events if event is not None]

    def ends(self) -> list[tuple[str, str]]:
        return [(data.id, data.state) for data in self.events() if isinstance(data, CommandFinished)]

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.005)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_cursor_stands_at_a_command_before_it_is_touched_and_several_are_under_way() -> None:
    box = Bench()
    rows = [await box.give(f"c{at}", agent=f"a{at}") for at in range(5)]
    crew = box.crew()
    task = asyncio.create_task(crew.run())
    await box.until(lambda: len(box.hands.begun) == 5)
    assert box.hands.begun == [f"c{at}" for at in range(5)]
    assert all(cursor >= row for cursor, row in zip(box.hands.cursors, rows, strict=True))
    assert (crew.under_way, box.ends()) == (5, [])
    box.hands.go.set()
    await box.until(lambda: len(box.ends()) == 5)
    await stopped(task)
    assert {state for _, state in box.ends()} == {"done"}


async def test_what_was_begun_and_has_no_end_is_unknown_and_what_was_not_begun_runs() -> None:
    box = Bench()
    await box.give("begun", agent="a1")
    await box.give("broken", agent="a2")
    task = asyncio.create_task(box.crew().run())
    await box.until(lambda: len(box.hands.begun) == 2 and box.ends())
    await stopped(task)
    assert box.ends() == [("broken", "unknown")]
    await box.give("later", agent="a1")
    again = Bench(box.journal)
    again.hands.go.set()
    task = asyncio.create_task(again.crew().run())
    await again.until(lambda: len(again.ends()) == 3)
    await stopped(task)
    assert again.hands.begun == ["later"]
    assert again.ends() == [("broken", "unknown"), ("begun", "unknown"), ("later", "done")]
    third = Bench(box.journal)
    task = asyncio.create_task(third.crew().run())
    await asyncio.sleep(0.05)
    await stopped(task)
    assert (third.hands.begun, len(third.ends())) == ([], 3)


async def test_the_next_of_the_same_agent_waits_until_the_hardware_has_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.command_crew._TURN_S", 0.3)
    box = Bench()
    box.hands.accepts = False
    for name, agent in (("first", "a1"), ("other", "a2"), ("second", "a1")):
        await box.give(name, agent)
    task = asyncio.create_task(box.crew().run())
    await box.until(lambda: len(box.hands.begun) == 2)
    assert box.hands.begun == ["first", "other"]
    await box.until(lambda: len(box.hands.begun) == 3)  # who is never taken does not hold up the rest for ever
    await stopped(task)


async def test_no_more_than_so_many_are_under_way() -> None:
    box = Bench()
    for at in range(4):
        await box.give(f"c{at}", agent=f"a{at}")
    crew = box.crew(most=2)
    task = asyncio.create_task(crew.run())
    await box.until(lambda: len(box.hands.begun) == 2)
    await asyncio.sleep(0.05)
    assert crew.under_way == 2
    box.hands.go.set()
    await box.until(lambda: len(box.ends()) == 4)
    await stopped(task)


async def test_what_is_judged_away_is_never_begun_and_an_id_runs_once() -> None:
    box = Bench()
    box.hands.go.set()
    box.hands.verdict = lambda command: Verdict("expired", "late") if command.id == "late" else Verdict("run")
    for name in ("late", "good", "good"):
        await box.give(name)
    task = asyncio.create_task(box.crew().run())
    await box.until(lambda: len(box.ends()) == 2)
    await asyncio.sleep(0.05)
    await stopped(task)
    assert box.hands.begun == ["good"]
    assert box.ends() == [("late", "expired"), ("good", "done")]


async def test_a_cursor_that_cannot_be_saved_holds_everything_back() -> None:
    box = Bench()
    box.hands.go.set()
    save, faults = box.journal.save, [OSError("no space left")] * 3

    def refusing(name: str, cursor: Cursor) -> None:
        assert box.hands.begun == [], "it was touched before the cursor was durable"
        if faults:
            raise faults.pop()
        save(name, cursor)

    box.journal.save = refusing  # type: ignore[method-assign]
    await box.give("c")
    task = asyncio.create_task(box.crew(full_s=0.02).run())
    await box.until(lambda: box.ends() == [("c", "done")])
    await stopped(task)
    assert not faults


async def test_a_full_journal_holds_ends_back_and_the_watchdog_is_fed_all_the_while() -> None:
    box = Bench()
    box.hands.verdict = lambda command: Verdict("refused", "no")
    await box.give("c")
    appended, fed = box.journal.appended, 0
    full = asyncio.Event()

    async def refusing(*args: Any, **more: Any) -> int:
        if not full.is_set():
            raise FullError("no room")
        return await appended(*args, **more)

    class Fed(Watching):
        def progress(self) -> None:
            nonlocal fed
            fed += 1

    box.journal.appended = refusing  # type: ignore[method-assign]
    box.context = replace(box.context, watch=Fed())
    task = asyncio.create_task(box.crew(full_s=0.01).run())
    await asyncio.sleep(0.05)
    before = fed
    await box.until(lambda: fed > before + 3)
    full.set()
    await box.until(lambda: box.ends() == [("c", "refused")])
    await stopped(task)


async def test_in_a_journal_that_was_replaced_nothing_is_begun_and_no_cursor_of_the_old_one_stands() -> None:
    box = Bench()
    await box.give("earlier")
    await box.give("c")
    new = MemoryJournal().epoch

    async def replaced() -> None:
        box.journal._epoch = new

    box.hands.ready = replaced  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="replaced"):
        async with asyncio.timeout(5):
            await box.crew().run()
    assert (box.hands.begun, box.ends()) == ([], [])
    cursor = box.journal.cursor(SINK)
    assert cursor.epoch != new or cursor.seq == 0, "commands of the new journal would pass for begun"


async def test_what_is_told_with_an_end_stands_right_before_it_whether_it_was_seen_or_lost() -> None:
    box = Bench()
    await box.give("lost", agent="a1")
    task = asyncio.create_task(box.crew().run())
    await box.until(lambda: box.hands.begun)
    await stopped(task)
    again = Bench(box.journal)
    again.hands.go.set()
    await again.give("seen", agent="a1")
    task = asyncio.create_task(again.crew().run())
    await again.until(lambda: len(again.ends()) == 2)
    await stopped(task)
    told = [data.id for data in again.events() if isinstance(data, BoxHealth | CommandFinished)]
    assert told == ["lost.lost", "lost", "end.seen", "seen"]


async def test_a_kill_between_a_refusal_and_its_end_leaves_the_reason_and_no_unknown() -> None:
    box = Bench()
    box.hands.verdict = lambda command: Verdict("refused", "no")
    await box.give("c")
    appended = box.journal.appended

    async def dies(*args: Any, **more: Any) -> int:
        raise asyncio.CancelledError

    box.journal.appended = dies  # type: ignore[method-assign]
    await asyncio.gather(box.crew().run(), return_exceptions=True)
    assert box.ends() == []
    box.journal.appended = appended  # type: ignore[method-assign]
    again = Bench(box.journal)
    again.hands.verdict = lambda command: Verdict("refused", "no")
    task = asyncio.create_task(again.crew().run())
    await again.until(again.ends)
    await stopped(task)
    assert again.ends() == [("c", "refused")]


async def test_a_command_whose_time_was_over_while_the_disk_kept_it_waiting_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.command_crew._STALE_S", 0.0)
    box = Bench()
    judged = 0

    def verdict(command: CommandReceived) -> Verdict:
        nonlocal judged
        judged += 1
        return Verdict("run") if judged == 1 else Verdict("expired", "late")

    box.hands.verdict = verdict
    await box.give("c")
    task = asyncio.create_task(box.crew().run())
    await box.until(box.ends)
    await stopped(task)
    assert (box.hands.begun, box.ends()) == ([], [("c", "expired")])
