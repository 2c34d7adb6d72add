"""A gateway on a simulated PBX and a journal, to which commands are given as the uplink does; and their ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CommandFinished, CommandReceived, event_from_stored
from appliance.core.clock import SystemClock, rfc3339
from appliance.core.command import VERBS
from appliance.core.commands_config import CommandOnly, Commands, DialConfig
from appliance.core.config import AgentConfig, Config, JournalConfig, PbxConfig, Site
from appliance.core.event import Event, stored_from_body
from appliance.core.journal_memory import MemoryJournal
from appliance.core.outbound_config import Outbound
from appliance.service import Context
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan
from appliance.sim.freeswitch import SimFreeswitch
from appliance.sim.pbx import SimPbx
from gateway.pbx.service import Gateway

QUEUES = (
    QueuePlan(name="ventas", extension="600", ring_timeout_s=900.0, timeout_s=9000.0),
    QueuePlan(name="soporte", extension="601", ring_timeout_s=900.0, timeout_s=9000.0),
)
AGENTS = (
    *(AgentPlan(extension=f"{at}", name=f"Agente {at}", queues=("ventas", "soporte")) for at in range(101, 107)),
    AgentPlan(extension="190", name="Jefa", queues=("soporte",)),
    AgentPlan(extension="191", name="Jefa 2", queues=()),
)
EVERYTHING = Commands(
    allow=tuple(VERBS),
    supervisors=("jefa*",),
    only={"originate": CommandOnly(numbers=("*", "+*")), "transfer": CommandOnly(numbers=("*", "+*"))},
    per_minute=10_000,
)


class Watching:
    """The runner's side of a service."""

    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class Bench:
    """One gateway before one simulated PBX."""

    def __init__(self, context: Context, pbx: Any) -> None:
        self.context, self.pbx, self.gateway = context, pbx, Gateway()
        self._ids = (f"c-{at}" for at in itertools.count(1))

    @property
    def journal(self) -> Any:
        return self.context.journal

    async def give(self, verb: str, *, name: str | None = None, expires_s: float | None = 60.0, source: str = "uplink", **args: Any) -> str:
        """Have a command received; its id."""
        name = name or next(self._ids)
        expires = rfc3339(self.context.clock.wall_ns() + round(expires_s * 1e9)) if expires_s is not None else None
        received = CommandReceived(id=name, verb=verb, args=args, expires=expires)
        clock = self.context.clock
        event = Event(
            "command.received", f"{source}/x", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), received
        )  # fmt: skip
        await self.journal.appended([event])
        return name

    async def ended(self, name: str, within_s: float = 30.0) -> CommandFinished:
        """How it ended; asserts that it did so once."""
        async with asyncio.timeout(within_s):
            while not (found := self.ends(name)):
                await asyncio.sleep(0.01)
        assert len(found) == 1, found
        return found[0]

    async def do(self, verb: str, **args: Any) -> CommandFinished:
        """Give it and wait for its end."""
        return await self.ended(await self.give(verb, **args))

    @staticmethod
    def is_done(end: CommandFinished) -> None:
        """Assert that it was done; says how it ended instead."""
        assert end.state == "done", end

    def ends(self, name: str) -> list[CommandFinished]:
        return [data for data in self.events() if isinstance(data, CommandFinished) and data.id == name]

    def events(self) -> list[Any]:
        out, after = [], 0
        while page := self.journal.read(after):
            for entry in page:
                event = event_from_stored(stored_from_body(entry.body))
                assert event is not None
                out.append(event.data)
            after = page[-1].seq
        return out

    async def until(self, wanted: Callable[[Any], bool], within_s: float = 30.0) -> Any:
        """The first event of that kind."""
        async with asyncio.timeout(within_s):
            while True:
                for data in self.events():
                    if wanted(data):
                        return data
                await asyncio.sleep(0.01)

    def done(self, action: str) -> list[dict[str, str]]:
        """What the PBX was told to do."""
        return [each for each in self.pbx.done if each["action"] == action]

    async def talking(self) -> Any:
        """A call that an agent has answered, once its PBX says so."""
        return await self.until(lambda data: type(data).__name__ == "CallAnswered")


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., contextlib.AbstractAsyncContextManager[Bench]]:
    (tmp_path / "secret").write_text("callfloor\n")

    @contextlib.asynccontextmanager
    async def make(
        kind: str = "asterisk", *, calls: float = 0.0, commands: Commands = EVERYTHING, dial: DialConfig | None = None,
        run: bool = True, journal: Any = None, speed: float = 1.0, clock: Any = None, user: Any = None,
        outbound: Outbound | None = None, site: Site | None = None, **plan: Any,
    ) -> AsyncIterator[Bench]:  # fmt: skip
        whole = Plan(
            queues=QUEUES, agents=AGENTS, calls_per_min=max(calls, 0.001), surges=() if calls else ((0.0, 0.0),), pause_every_s=0.0,
            no_answer_share=0.0, exit_key_share=0.0, hold_share=0.0, transfer_share=0.0, **{"talk_mean_s": 600.0, **plan},
        )  # fmt: skip
        sim: Any = SimFreeswitch if kind == "freeswitch" else SimPbx
        more = {"password": "callfloor"} if kind == "freeswitch" else {"users": [user]} if user is not None else {}
        async with sim(whole, seed=3, speed=speed, **more) as pbx:
            settings: dict[str, Any] = {"dial": dial} if dial is not None else {}
            config = Config(
                pbx={"central": PbxConfig(kind=kind, port=pbx.port, secret_file=tmp_path / "secret", reconnect_max_s=0.5, **settings)},
                journal=JournalConfig(path=tmp_path / "journal.db", run_dir=tmp_path / "run"),
                commands=commands,
                outbound=outbound or Outbound(),
                site=site or Site(),
                agents={"jefa-2": AgentConfig(interfaces=("user/191@sim" if kind == "freeswitch" else "PJSIP/191",))},
            )
            clock_ = clock or SystemClock()
            made = Bench(Context(config, journal or MemoryJournal(), clock_, Watching(), "gateway"), pbx)
            task = asyncio.create_task(made.gateway.run(made.context)) if run else None
            try:
                if run:
                    await made.until(lambda data: type(data).__name__ == "PbxResynced")
                yield made
            finally:
                if task is not None:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

    return make


def replaced(commands: Commands, **more: Any) -> Commands:
    return msgspec.structs.replace(commands, **more)
