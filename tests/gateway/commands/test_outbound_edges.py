"""Calls outside at their edges, without a socket: what counts as an attempt, and the ways a number may be written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.core.catalogue import CommandReceived
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.command import Originate, judge
from appliance.core.command_limit import CommandLimit
from appliance.core.commands_config import CommandOnly, Commands, DialConfig
from appliance.core.config import AgentConfig, Config, JournalConfig, PbxConfig, Site
from appliance.core.directory import Directory
from appliance.core.do_not_call import LIST_FILE, DoNotCall, Listed
from appliance.core.event import Stored, stored_from_body
from appliance.core.journal_memory import MemoryJournal
from appliance.core.outbound_config import Outbound
from appliance.service import Context
from gateway.freeswitch.commander import FreeswitchCommander
from gateway.freeswitch.source import FreeswitchSource
from gateway.pbx.attempts import Attempts, attempt_of, was_dialled
from gateway.pbx.commands import PbxCommands
from gateway.pbx.order import Order
from gateway.pbx.outbound import OutboundRules


class Watching:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


def received(name: str) -> CommandReceived:
    args = {"agent": "ana", "number": "0991234500"}
    return CommandReceived(id=name, verb="originate", args=args, expires=rfc3339(SystemClock().wall_ns() + 60 * NS), digest="d")


async def test_a_command_that_the_disk_kept_until_it_was_too_old_is_no_attempt(tmp_path: Path) -> None:
    """It was judged, and then again: what the first verdict counted as under way never was."""
    config = Config(
        site=Site(timezone="America/Guayaquil"),
        journal=JournalConfig(path=tmp_path / "journal.db"),
        commands=Commands(allow=("originate",), only={"originate": CommandOnly(numbers=("09*",))}),
        outbound=Outbound(attempts_per_day=1),
    )
    context = Context(config, MemoryJournal(), SystemClock(), Watching(), "gateway")
    await context.emit(received("first"))
    row: Stored = stored_from_body(context.journal.read(0)[0].body)
    commands = PbxCommands(context, {})
    assert commands.judge(received("first"), row, 1.0).state == "run"
    assert commands.judge(received("second"), row, 1.0).reason.startswith("attempts_per_day"), "one under way counts"  # type: ignore[union-attr]
    assert commands.judge(received("first"), row, 400.0).state == "expired"
    assert commands.judge(received("second"), row, 1.0).state == "run"


@pytest.mark.parametrize("rang", [True, False])
def test_who_gives_up_while_the_number_rings_has_dialled_it(rang: bool) -> None:
    """FreeSWITCH may tell the agent's own hang-up before that of the leg that it ended."""
    config = Config(pbx={"central": PbxConfig()}, agents={"jefa": AgentConfig(interfaces=("user/190@x",))})
    args = Originate(agent="jefa", number="0991234500")
    job = FreeswitchCommander(FreeswitchSource("central", config), config).job(Order(id="c", verb="originate", args=args), 0)
    own = job.asks()[-1].partition("origination_uuid=")[2].partition(",")[0]

    def hears(name: str, at_s: int, **fields: str) -> None:
        told = {key.replace("_", "-"): value for key, value in fields.items()}
        message: Any = SimpleNamespace(name=name, type="event", text="", get=lambda key, default="": told.get(key, default))
        job.hears(message, at_s * NS)

    hears("CHANNEL_ANSWER", 1, Unique_ID=own)
    if rang:
        hears("CHANNEL_CREATE", 2, Unique_ID="leg", Other_Leg_Unique_ID=own)
    hears("CHANNEL_HANGUP", 7, Unique_ID=own, Hangup_Cause="NORMAL_CLEARING")
    assert job.ended is not None
    attempt = attempt_of("c", args, "central", job.ended)
    assert attempt is not None
    assert (was_dialled(attempt.outcome), attempt.outcome == "cancelled", attempt.ring_s) == (rang, rang, 5.0 if rang else None)


@pytest.mark.parametrize("number", ["7999593991234500", "999593991234500", "+593991234500", "0991234500"])
def test_a_number_behind_the_prefix_and_a_sites_own_sign_for_abroad_is_the_listed_one(number: str, tmp_path: Path) -> None:
    held = DoNotCall(tmp_path / LIST_FILE, write=True)
    held.add([Listed(593991234500, 1)])
    held.close()
    config = Config(site=Site(timezone="America/Guayaquil"))
    rules = OutboundRules(config, Directory(tmp_path / "directory.db", country="EC"), Attempts())
    dial = DialConfig(prefix="7", international="999")
    assert rules.refusal("c", number, dial, SystemClock().wall_ns()) == "do_not_call: this number is not to be called"
    assert rules.key(number, dial) == "+593991234500"


@pytest.mark.parametrize(("number", "word"), [("799934112", "emergency"), ("79995312345678", "never"), ("7999593991234500", "None")])
def test_behind_the_prefix_and_a_sites_own_sign_for_abroad_a_forbidden_number_stays_one(number: str, word: str) -> None:
    commands = Commands(allow=("originate",), only={"originate": CommandOnly(numbers=("*",))}, never=("+53*",))
    config = Config(
        site=Site(timezone="America/Guayaquil"),
        pbx={"central": PbxConfig(dial=DialConfig(prefix="7", international="999"))},
        commands=commands,
    )
    told = CommandLimit(config).forbidden("originate", Originate(agent="ana", number=number))
    assert str(told).partition(":")[0] == word


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("originate", {"agent": "ana", "number": "0991234500", "card": "x" * 100_000}),
        ("pause", {"agent": "ana", "queues": ["ventas"] * 10_000}),
    ],
)
def test_what_would_fill_the_journal_is_refused(verb: str, args: dict[str, Any]) -> None:
    told = judge(verb, args, "2999-01-01T00:00:00Z", allow=(verb,), owned=(verb,), now_ns=10**18, quality="synced")
    assert (told.state, (told.reason or "").partition(":")[0]) == ("refused", "too_large")
