"""Decides how FreeSWITCH is a dialect like any other: its wire, its source, its recordings."""

from __future__ import annotations

from appliance.core.config import Config, PbxConfig
from gateway.freeswitch.commander import FreeswitchCommander
from gateway.freeswitch.esl import Parser
from gateway.freeswitch.source import FreeswitchSource
from gateway.freeswitch.wire import Wire, asked_in, open_wire
from gateway.pbx.dialect import Source, Tap


class Freeswitch:
    """`kind = "freeswitch"`: the event socket of FreeSWITCH 1.6 to 1.10 and FusionPBX, with mod_callcenter."""

    def source(self, pbx: str, config: Config) -> FreeswitchSource:
        """A source that knows nothing yet."""
        return FreeswitchSource(pbx, config)

    async def open(self, config: PbxConfig, tap: Tap | None = None) -> Wire:
        """Connect. Raises TransientError, MisconfiguredError."""
        return await open_wire(config, tap)

    def parser(self) -> Parser:
        """The event socket's messages."""
        return Parser()

    def commander(self, source: FreeswitchSource, config: Config) -> FreeswitchCommander:
        """What carries out commands there."""
        return FreeswitchCommander(source, config)

    def replay_sent(self, source: Source, data: bytes) -> None:
        """Which questions the box asked then."""
        for request, job in asked_in(data):
            source.sent(request, job)
