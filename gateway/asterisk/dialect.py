"""Decides how Asterisk is a dialect like any other: its wire, its source, its recordings."""

from __future__ import annotations

from appliance.core.config import Config, PbxConfig
from gateway.asterisk.ami import Parser
from gateway.asterisk.commander import AsteriskCommander
from gateway.asterisk.source import PbxSource
from gateway.asterisk.wire import Wire, open_wire
from gateway.pbx.dialect import Source, Tap


class Asterisk:
    """`kind = "asterisk"`: the manager interface of Asterisk 1.8 to 22, FreePBX, Issabel, Wazo."""

    def source(self, pbx: str, config: Config) -> PbxSource:
        """A source that knows nothing yet."""
        return PbxSource(pbx, config)

    async def open(self, config: PbxConfig, tap: Tap | None = None) -> Wire:
        """Connect. Raises TransientError, MisconfiguredError."""
        return await open_wire(config, tap)

    def parser(self) -> Parser:
        """AMI's messages."""
        return Parser()

    def commander(self, source: PbxSource, config: Config) -> AsteriskCommander:
        """What carries out commands there."""
        return AsteriskCommander(source, config)

    def replay_sent(self, source: Source, data: bytes) -> None:
        """Actions look like messages without their first line."""
        for message in Parser().feed(b"Response: \r\n" + data):
            source.sent(message.get("Action"), message.get("ActionID"))
