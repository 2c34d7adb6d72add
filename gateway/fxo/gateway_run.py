"""Decides how an external FXO gateway senses its lines: its SIP calls, which are followed and never answered, and its hooks by SNMP.

A gateway that answers neither pings nor polls is out of sight, and with it what the silent one of both tells of its lines.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from appliance.core.clock import NS, Clock
from appliance.core.errors import MisconfiguredError
from appliance.core.fxo_gateway_config import FxoGatewayConfig, Meaning
from gateway.fxo.gateway_port import GatewayLine, GatewayPort
from gateway.fxo.gateway_row import SIP_SILENT, SNMP_SILENT, poll_text
from gateway.fxo.sip_ear import Guest, SipEar, plain
from gateway.fxo.sip_invite import Peer, Rang
from gateway.fxo.sip_server import SipServer
from gateway.fxo.snmp_poll import SnmpPoll
from gateway.fxo.snmp_profile import PROFILES
from gateway.fxo.source import LineSource

#: So many pings without an answer, and it is gone.
_LOST_PINGS: Final = 3


class GatewayLines(LineSource):
    """One gateway and its lines. `counts` are what its SIP did that is no call; see also `ear.strangers`, `poll.unknown`."""

    def __init__(
        self,
        name: str,
        config: FxoGatewayConfig,
        lines: Sequence[GatewayLine],
        clock: Clock,
        *,
        ear: SipEar | None = None,
        ring_max_s: float = 180.0,
        token: Callable[[], str] = lambda: secrets.token_hex(8),
        **more: Any,
    ) -> None:
        """`ear`: where SIP is heard, one for all gateways. Raises MisconfiguredError for lines that nothing senses, or two that are one."""
        self.config, self.ear = config, ear
        self._address = plain(config.address)
        self._ping_s = max(0.1, config.ping_s) if config.ping_s else None
        hook = config.make is not None and PROFILES[config.make].hook
        self.ports = [GatewayPort(msgspec.structs.replace(line, hook=hook)) for line in lines]
        by_port = {port.spec.port: port for port in self.ports if port.spec.port is not None}
        self._by_user = {port.spec.user: port for port in self.ports if port.spec.user is not None}
        if not self.ports or any(port.spec.port is None and port.spec.user is None for port in self.ports):
            raise MisconfiguredError(f"gateway {name}: each line needs `port` (SNMP), `user` (SIP), or both")
        if len(self._by_user) < sum(port.spec.user is not None for port in self.ports):
            raise MisconfiguredError(f"gateway {name}: two lines with one user: calls could not be told apart")
        if self._by_user and ear is None:
            raise MisconfiguredError(f"gateway {name}: its lines have users, but nobody listens for SIP")
        self.poll = SnmpPoll(name, config, list(by_port), clock) if by_port else None
        self._by_port: dict[int, GatewayPort] = by_port
        self._token, self._ring_max_s = token, ring_max_s
        self._server: SipServer | None = None
        self._guest: Guest | None = None
        self._news = asyncio.Event()
        self._sip = self._snmp = False
        self._silent: dict[str, str] = {}
        self._heard_ns = self._ping_ns = 0
        super().__init__(name, [port.line for port in self.ports], clock, **more)

    @property
    def counts(self) -> dict[str, int]:
        """What came over SIP and is no call."""
        return {**(self._server.counts if self._server else {}), "held": self._guest.held if self._guest else 0}

    async def _session(self) -> None:
        polling: asyncio.Task[None] | None = None
        now_ns = self.clock.mono_ns()
        self._sip, self._snmp, self._silent = False, False, {}
        try:
            async with AsyncExitStack() as stack:
                if self._by_user and self.ear is not None:
                    self._server = SipServer(self._by_user, token=self._token, ring_max_s=self._ring_max_s)
                    self._guest = await stack.enter_async_context(self.ear.joined(self._address, self._packet))
                    self._heard_ns, self._ping_ns = now_ns, now_ns
                    self._sip = self._ping_s is None
                if self.poll is not None:
                    polling = asyncio.create_task(self.poll.run(self._polled, self._unpolled), name=f"snmp {self.name}")
                    polling.add_done_callback(lambda _: self._news.set())
                self._sight()
                while polling is None or not polling.done():
                    self._news.clear()
                    await self._within(self._some(), self._due_ns())
                    self._tick(self.clock.mono_ns())
                polling.result()
        finally:
            self._sip = self._snmp = False
            self._server = None  # between two sessions nothing of SIP is due
            if polling is not None:
                polling.cancel()
                await asyncio.wait([polling])
                if not polling.cancelled():
                    polling.exception()

    async def _some(self) -> bytes:
        await self._news.wait()
        return b""

    def _due_ns(self) -> int | None:
        dues = [super()._due_ns()]
        if self._server is not None:
            dues.append(self._server.due_ns)
            if self._ping_s is not None:
                dues.append(self._ping_ns)
        return min((due for due in dues if due is not None), default=None)

    def _tick(self, now_ns: int) -> None:
        if self._server is not None:
            self._server.tick(now_ns)
            self._ping(self._server, now_ns)
            self._drain(self._server, now_ns)
        super()._tick(now_ns)
        self._sight()

    # -- SIP ---------------------------------------------------------------------------------------------------

    def _packet(self, data: bytes, source: Peer) -> None:
        server = self._server
        if server is None:
            return
        now_ns = self.clock.mono_ns()
        self._received(data)
        if server.feed(data, source, now_ns):
            self._heard_ns = now_ns
            self._sip = True
            self._silent.pop("sip", None)
        else:
            self.health.noise_bytes += len(data)
        self._sight()
        self._drain(server, now_ns)
        self._news.set()

    def _drain(self, server: SipServer, now_ns: int) -> None:
        out, news = server.take()
        for data, peer in out:
            self._tap("out", data)
            if self.ear is not None:
                self.ear.send(data, peer)
        for each in news:
            if each == "pong":
                continue
            port = self._by_user[each.call.user]
            if isinstance(each, Rang):
                self._say(port.rang(each.call.id, each.call.caller, now_ns))
            else:
                self._say(port.ended(each.call.id, each.how, now_ns))

    def _ping(self, server: SipServer, now_ns: int) -> None:
        ping_s = self._ping_s
        if ping_s is None or now_ns < self._ping_ns or self.ear is None or self.ear.port is None:
            return
        self._ping_ns = now_ns + int(ping_s * NS)
        if now_ns - self._heard_ns > _LOST_PINGS * int(ping_s * NS):
            self._tap("in", SIP_SILENT)
            self._sip = False
            self._silent["sip"] = f"SIP {self._address}:{self.config.sip_port}: no answer to OPTIONS; is it on, and may it answer this box?"
        server.ping(Peer(self._address, self.config.sip_port), (self.ear.here(self._address), self.ear.port))

    # -- SNMP --------------------------------------------------------------------------------------------------

    def _polled(self, found: Mapping[int, Mapping[str, Meaning | None]], asked_ns: int) -> None:
        now_ns = self.clock.mono_ns()
        self.health.heard_ns = now_ns
        self._snmp = True
        self._silent.pop("snmp", None)
        self._sight()
        for number, said in found.items():
            self._say(self._by_port[number].polled_as(said, asked_ns, now_ns))
        self._tap("in", poll_text(found, (now_ns - asked_ns) / NS))
        self._sight()
        self._news.set()

    def _unpolled(self, fault: str) -> None:
        self._tap("in", SNMP_SILENT)
        self._snmp = False
        self._silent["snmp"] = fault
        self._sight()
        self._news.set()

    # -- sight -------------------------------------------------------------------------------------------------

    def _sight(self) -> None:
        now_ns = self.clock.mono_ns()
        for port in self.ports:
            self._say(port.sight(self._sip, self._snmp, now_ns))
        if (self._sip or not self._by_user) and (self._snmp or self.poll is None):
            self._up(tells_hook=True)
        elif self._silent:
            self._down("; ".join(self._silent.values()))
        self._limited(*self._lacks())

    def _lacks(self) -> list[str]:
        """What doctor is to say of it."""
        out = []
        server = self._server
        if self._by_user and self._ping_s is None:
            out.append(f"gateway {self.name}: without ping_s nothing tells when its SIP is gone")
        if self._by_user and not self._sip and self.ear is not None and self.ear.last_stranger is not None:
            out.append(f"gateway {self.name}: {self.ear.last_stranger} speaks SIP to the box, and is no gateway's address")
        if server is not None and server.counts["unknown_user"]:
            out.append(f"gateway {self.name}: calls for {(server.asked_for or 'nobody')[:40]!r}, which is no line's user")
        if server is not None and server.counts["extension"]:
            out.append(f"gateway {self.name}: its calls need an extension (100rel); turn PRACK off there")
        if any(port.early for port in self.ports):
            out.append(f"gateway {self.name}: takes lines up before it tells of the call; let it wait until SIP answers")
        if self.poll is not None and self.poll.unknown:
            out.append(f"gateway {self.name}: words that are not known ({'; '.join(self.poll.unknown)}); map them in `values`")
        return out
