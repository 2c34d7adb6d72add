"""Decides how a voice modem on a serial line is kept at work: opened, set up, listened to, given up when it is silent, opened again."""

from __future__ import annotations

from typing import Any, Final

from appliance.core.clock import NS, Clock
from appliance.core.errors import MisconfiguredError, TransientError
from drivers.serial_line import open_line
from drivers.serial_url import serial_url
from gateway.fxo.line import Line
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_profile import PROFILES
from gateway.fxo.modem_sense import ModemSense
from gateway.fxo.modem_talk import ANSWER_NS, ModemTalk
from gateway.fxo.source import LineSource

BAUD: Final = 115_200


class ModemLine(LineSource):
    """One modem on one line."""

    def __init__(
        self,
        url: str,
        settings: LineSettings,
        clock: Clock,
        *,
        profile: str = "v253",
        packets: bool = False,
        answer_s: float = ANSWER_NS / NS,
        **more: Any,
    ) -> None:
        """`packets`: callers as whole packets where the modem can; `answer_s`: how long it may take to answer a command.

        Raises MisconfiguredError for a URL or a profile that is none.
        """
        if profile not in PROFILES:
            raise MisconfiguredError(f'modem {url}: there is no profile "{profile}"; write one of {", ".join(PROFILES)}')
        self._url = serial_url(url, "modem", baud=BAUD)
        self._profile, self._packets, self._answer_ns = PROFILES[profile], packets, int(answer_s * NS)
        self._line = Line(settings)
        super().__init__(settings.line, [self._line], clock, **more)

    async def _session(self) -> None:
        talk = ModemTalk(self._profile, packets=self._packets, hook=self._line.settings.hook_sense, answer_ns=self._answer_ns)
        sense = ModemSense(self._line, talk)
        noise_before = self.health.noise_bytes
        async with open_line(self._url, "modem") as wire:
            sense.begin(self.clock.mono_ns())
            while talk.failed is None:
                self._say(sense.told)
                sense.told = []
                if not self._line.blind:
                    self._up()
                if sense.say:
                    out, sense.say = sense.say, b""
                    self._tap("out", out)
                    await wire.write(out)
                data = await self._heard(wire, sense.due_ns)
                if data:
                    self._received(data)
                    sense.feed(data, self.clock.mono_ns())
                sense.tick(self.clock.mono_ns())
                self._unread(noise_before + sense.noise_bytes)
                self._limited(*talk.limits.values())
        self._say(sense.told)
        # How many is in the figures: a text that changes with each attempt would be a row of the journal each time.
        unread = "; what comes cannot be read" if sense.unread_bytes else ""
        raise TransientError(f"modem {self._url.url}: {talk.failed}{unread}")
