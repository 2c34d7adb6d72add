"""Orders at their edges, without a socket: what is asked of a PBX says no more than was commanded, and nothing is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from appliance.core.command import Originate, Pause, judge
from appliance.core.config import AgentConfig, Config, PbxConfig
from gateway.freeswitch.commander import FreeswitchCommander
from gateway.freeswitch.source import FreeswitchSource
from gateway.pbx.order import Job, Order, RefusedOrderError
from gateway.pbx.orders import Orders

CONFIG = Config(pbx={"central": PbxConfig()}, agents={"jefa": AgentConfig(interfaces=("user/190@x",))})


def freeswitch(status: str) -> tuple[FreeswitchCommander, FreeswitchSource]:
    source = FreeswitchSource("central", CONFIG)
    source.tracker.agents.of("Ana", "user/101@x").status = status
    return FreeswitchCommander(source, CONFIG), source


def asked(commander: FreeswitchCommander, verb: str, args: Any) -> str:
    return str(commander.job(Order(id="c", verb=verb, args=args), 0).asks()[-1])


@pytest.mark.parametrize("verb", ["pause", "unpause"])
def test_a_pause_never_logs_anybody_in(verb: str) -> None:
    """To FreeSWITCH a pause is a status, and so is being logged out: the next call would ring who has gone home."""
    with pytest.raises(RefusedOrderError, match="logged_out"):
        asked(freeswitch("Logged Out")[0], verb, Pause(agent="ana"))


def test_who_takes_calls_on_demand_still_does_after_a_pause() -> None:
    commander, source = freeswitch("Available (On Demand)")
    assert asked(commander, "unpause", Pause(agent="ana")).endswith("'Available (On Demand)'")
    assert asked(commander, "pause", Pause(agent="ana")).endswith("'On Break'")
    source.tracker.agents.of("Ana").status = "On Break"
    assert asked(commander, "unpause", Pause(agent="ana")).endswith("'Available (On Demand)'")
    source.tracker.agents.of("Ana").status = "On Break"
    assert asked(commander, "unpause", Pause(agent="ana")).endswith("'Available'")


def test_a_phone_never_rings_longer_than_was_asked() -> None:
    """originate_timeout=0 is FreeSWITCH's own default of a minute."""
    told = asked(freeswitch("Available")[0], "originate", Originate(agent="jefa", number="2040", timeout_s=0.3))
    assert "originate_timeout=1," in told


class Stub:
    """A PBX's commander with one plain job."""

    def job(self, order: Order, now_ns: int) -> Job:
        return Job(["x"], now_ns)

    def knows(self, *, agent: str | None, call: str | None) -> bool:
        return True


async def test_an_order_that_cannot_be_written_is_forgotten() -> None:
    def broken(ask: Any) -> str:
        raise RuntimeError("the transport is gone")

    orders = Orders(Stub())
    orders.open(broken)
    with pytest.raises(RuntimeError):
        async with asyncio.timeout(5):
            await orders.carry_out(Order(id="c", verb="ping", args=None), lambda: None, 0)
    assert orders.next_due_ns is None


def test_an_expiry_is_no_longer_than_a_time() -> None:
    long = "2020-01-01T00:00:00." + "0" * 100_000 + "Z"
    verdict = judge("ping", {}, long, allow=("ping",), owned=("ping",), now_ns=10**18, quality="synced")
    assert (verdict.state, len(verdict.reason or "") < 200) == ("refused", True)
