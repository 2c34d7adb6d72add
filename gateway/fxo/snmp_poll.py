"""Decides how a gateway is polled: one request under way at a time, as often as it is set, more seldom while it is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from appliance.core.clock import NS, Clock
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.core.fxo_gateway_config import FxoGatewayConfig, Meaning
from drivers.snmp_peer import SnmpPeer, open_snmp, secret_from_file
from gateway.fxo.snmp_profile import PROFILES, Profile, meaning

#: So many polls in a row without an answer, and it is silent: UDP loses one now and then.
SILENT: Final = 3
SLOWEST_S: Final = 10.0

#: Told after every poll: per port the meaning of each object (None: no table knows it), and when the poll was sent.
Found = Callable[[Mapping[int, Mapping[str, Meaning | None]], int], None]


class SnmpPoll:
    """One gateway. `unknown` are the words that no table knows; `answers` and `losses` count polls."""

    def __init__(self, name: str, config: FxoGatewayConfig, ports: Sequence[int], clock: Clock) -> None:
        """Raises MisconfiguredError for a port that the make does not have, and without the file of the community."""
        if config.make is None:
            raise MisconfiguredError(f"gateway {name}: lines with a port need `make`; write one of {', '.join(PROFILES)}")
        self.profile: Profile = PROFILES[config.make]
        least, most = self.profile.ports
        if wrong := [port for port in ports if not least <= port <= most]:
            raise MisconfiguredError(f"gateway {name}: {self.profile.title} has no port {wrong[0]}; write one from {least} to {most}")
        if len(set(ports)) < len(ports):
            raise MisconfiguredError(f"gateway {name}: two lines at one port")
        if config.snmp_file is None:
            raise MisconfiguredError(f"gateway {name}: put the SNMP community into a file and write snmp_file = its name")
        self._name, self._config, self._ports, self._clock = name, config, tuple(ports), clock
        self._secret = secret_from_file(config.snmp_file)
        self.unknown: dict[str, None] = {}
        self.answers = self.losses = 0

    async def run(self, found: Found, silent: Callable[[str], None]) -> None:
        """Poll until cancelled: `found` is told of every answer, `silent` once when it no longer answers. Raises what no retry mends."""
        config = self._config
        async with open_snmp(config.address, config.snmp_port, self._secret, timeout_s=config.timeout_s) as peer:
            lost, kinds = 0, self.profile.kind is not None
            while True:
                began_ns = self._clock.mono_ns()
                try:
                    if kinds:
                        await self._check(peer)
                        kinds = False
                        began_ns = self._clock.mono_ns()
                    values = await peer.get([oid for port in self._ports for oid in self.profile.oids(port)])
                except (TransientError, PermissionError) as fault:
                    lost += 1
                    self.losses += 1
                    if lost == SILENT or isinstance(fault, PermissionError):
                        silent(str(fault))
                else:
                    lost, self.answers = 0, self.answers + 1
                    found(self._meanings(values), began_ns)
                spent_s = (self._clock.mono_ns() - began_ns) / NS
                pause_s = config.poll_s if lost < SILENT else min(SLOWEST_S, config.poll_s * 2 ** min(lost - SILENT, 8))
                await asyncio.sleep(max(0.05, pause_s - spent_s))

    async def _check(self, peer: SnmpPeer) -> None:
        """Whether the ports are FXO ports."""
        kind = self.profile.kind
        assert kind is not None
        said = await peer.get([kind.oid.format(port=port) for port in self._ports])
        for port, value in zip(self._ports, said.values(), strict=True):
            if value is not None and str(value) != self.profile.fxo:
                raise MisconfiguredError(
                    f"gateway {self._name}: port {port} is for a phone, not for a line; write the index of an FXO port"
                )

    def _meanings(self, values: Mapping[str, int | str | None]) -> dict[int, dict[str, Meaning | None]]:
        out: dict[int, dict[str, Meaning | None]] = {}
        for port in self._ports:
            said = out[port] = {}
            for oid, column in self.profile.oids(port).items():
                value = values.get(oid)
                told = said[column.name] = meaning(column, value, self._config.values)
                if told is None and len(self.unknown) < 16:
                    self.unknown[f"port {port}: {column.name} " + (f'says "{value}"'[:60] if value is not None else "is not there")] = None
        return out
