"""Commands by OPC UA run at most once, whatever is killed and whatever is lost: on a real journal, its owner played by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import SystemClock
from appliance.core.command_owner import UPLINK
from appliance.core.config import Commands, Config, JournalConfig
from appliance.core.event import stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from appliance.service import Context
from gateway.opcua.desk import Desk
from gateway.opcua.follower import Follower
from gateway.uplink.effects import OWNED
from gateway.uplink.ledger import Ledger
from gateway.uplink.resend import VERB as RESEND


class Quiet:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class House:
    """One run of the service's part that takes commands."""

    def __init__(self, journal: SqliteJournal, folder: Path, wait_s: float) -> None:
        config = Config(journal=JournalConfig(path=folder / "journal.db"), commands=Commands(allow=("announce", "ping", "hangup")))
        self.journal = journal
        self.context = Context(config, journal, SystemClock(), Quiet(), "opcua")
        self.ledger = Ledger(folder / "opcua-commands.jsonl")
        self.desk = Desk(self.context, self.ledger, wait_s=wait_s)
        self.follower = Follower(journal, self.ledger, self.desk, lambda *_: None)

    async def run(self) -> None:
        while True:
            while await self.follower.page():
                pass
            self.desk.ready.set()
            await self.journal.wait(self.follower.at, 0.05)

    async def owner(self) -> None:
        """Carries out what is received, as another process would."""
        after = self.journal.head().seq
        while True:
            for row in self.journal.read(after):
                after = row.seq
                stored = stored_from_body(row.body)
                if stored.kind == "command.received":
                    command = msgspec.json.decode(stored.data, type=CommandReceived)
                    await self.context.emit(CommandFinished(id=command.id, state="done", result={"seq": row.seq}))
            await self.journal.wait(after, 0.05)

    async def take(self, name: str, verb: str = "ping", **more: Any) -> Any:
        return await self.desk.take(verb, more.pop("args", {}), name=name, expires_s=more.pop("expires_s", None), who="opcua:ana")

    def received(self) -> list[CommandReceived]:
        rows = [stored_from_body(row.body) for row in self.journal.read(0)]
        return [msgspec.json.decode(row.data, type=CommandReceived) for row in rows if row.kind == "command.received"]


@asynccontextmanager
async def house(folder: Path, *, owner: bool = True) -> AsyncIterator[House]:
    journal = SqliteJournal.open(folder / "journal.db", run_dir=folder)
    made = House(journal, folder, 30.0 if owner else 0.3)
    tasks = [asyncio.create_task(made.run()), *([asyncio.create_task(made.owner())] if owner else [])]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        journal.close()


async def test_a_repeat_after_a_kill_gets_the_first_reply(tmp_path: Path) -> None:
    async with house(tmp_path) as first:
        reply = await first.take("c-1")
        assert (reply.state, reply.result) == ("done", {"seq": 2})
    # Killed before the place was saved; with the file of commands, and without it: the journal tells all the same.
    for lost in (False, True):
        if lost:
            (tmp_path / "opcua-commands.jsonl").unlink()
        async with house(tmp_path) as again:
            assert await again.take("c-1") == reply
            assert len(again.received()) == 1
            refused = await again.take("c-1", "announce", args={"text": "x"})
            assert (refused.state, refused.reason) == ("refused", "id_reused")


async def test_what_has_no_end_yet_is_accepted_and_asked_for_again(tmp_path: Path) -> None:
    async with house(tmp_path, owner=False) as made:
        reply = await made.take("c-1")
        assert reply.state == "accepted"
        await made.context.emit(CommandFinished(id="c-1", state="failed", reason="no"))
        async with asyncio.timeout(30):
            while (reply := await made.take("c-1")).state == "accepted":
                pass
        assert (reply.state, reply.reason) == ("failed", "no")
        assert len(made.received()) == 1


async def test_the_same_id_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        replies = await asyncio.gather(*(made.take("c-1") for _ in range(20)))
        assert len({msgspec.json.encode(reply) for reply in replies}) == 1
        assert len(made.received()) == 1


async def test_an_id_of_the_crm_is_known_too(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.take("warm-up")
        await made.context.emit(CommandReceived(id="crm-1", verb="ping", digest="other"))
        async with asyncio.timeout(30):
            while made.ledger.get("crm-1") is None:
                await asyncio.sleep(0.02)
        assert (await made.take("crm-1")).reason == "id_reused"


@pytest.mark.parametrize(
    ("verb", "expires_s", "reason"), [("hangup", None, "unsupported"), ("originate", 30.0, "not_allowed"), ("pause", None, "not_allowed")]
)
async def test_what_may_not_run_ends_at_the_door(tmp_path: Path, verb: str, expires_s: float | None, reason: str) -> None:
    async with house(tmp_path, owner=False) as made:
        reply = await made.take("c-1", verb, args={"agent": "a"}, expires_s=expires_s)
        assert reply.state == "refused"
        assert reply.reason.startswith(reason)
        assert made.received()[0].who == "opcua:ana"
        assert made.received()[0].args == {}


def test_the_uplinks_verbs_are_named_rightly() -> None:
    assert OWNED | {RESEND} == UPLINK
