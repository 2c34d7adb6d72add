"""Decides which lamps the command `beacon` means, what is played on them, and why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from appliance.command_run import FULL_S, CommandRun
from appliance.core.command import Beacon
from appliance.service import Context
from wallboard.beacon.pattern import PATTERNS, Pattern, beeps

SINK: Final = "wallboard.beacon"
VERB: Final = "beacon"
SECONDS: Final = 60.0
BUZZER: Final = "buzzer"


class Light(Protocol):
    """What a command needs of a stack light: `wallboard.beacon.run.BeaconRun`."""

    @property
    def lamps(self) -> tuple[str, ...]:
        """What can be lit or heard."""
        ...

    def play(self, lamp: str, pattern: Pattern, seconds: float) -> bool:
        """Play a pattern on one lamp for so long; False while its pins are not held."""
        ...

    def is_quiet(self) -> bool:
        """Whether the buzzer must be silent now."""
        ...


class BeaconCommands:
    """The owner of the verb `beacon`."""

    def __init__(self, context: Context, lights: Mapping[str, Light], *, full_s: float = FULL_S) -> None:
        """`full_s`: how long to wait before a full journal is tried again."""
        self._lights = lights
        self._run = CommandRun(context, VERB, SINK, self, full_s=full_s)

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        await self._run.run()

    def seconds(self, args: Beacon) -> float:
        """For how long it is asked."""
        return args.seconds or SECONDS

    def carry_out(self, args: Beacon, seconds: float) -> dict[str, Any]:
        """Play it. Raises ValueError: the reason why not."""
        name, lamps = self._meant(args.lamp)
        light = self._lights[name]
        if lamps == (BUZZER,):
            if args.pattern not in (None, "beep"):
                raise ValueError(f"unknown_pattern: {args.pattern}; a buzzer knows beep")
            if light.is_quiet():
                raise ValueError("quiet_hours: the buzzer is silent now")
            pattern = beeps(3)
        elif (args.pattern or "flash") not in PATTERNS:
            raise ValueError(f"unknown_pattern: {args.pattern}; there are {', '.join(PATTERNS)}")
        else:
            pattern = PATTERNS[args.pattern or "flash"]
        if not all(light.play(lamp, pattern, seconds) for lamp in lamps):
            raise ValueError(f"unplugged: the pins of {name} are not held; `callfloor status` and the log say why")
        return {"lamps": [f"{name}.{lamp}" for lamp in lamps]}

    def _meant(self, lamp: str) -> tuple[str, tuple[str, ...]]:
        """The light, and which of its lamps: all but the buzzer where only the light is named."""
        if lamp in self._lights:
            lamps = tuple(each for each in self._lights[lamp].lamps if each != BUZZER)
            if lamps:
                return lamp, lamps
        name, _, role = lamp.rpartition(".")
        if name in self._lights and role in self._lights[name].lamps:
            return name, (role,)
        known = ", ".join(f"{name}.{role}" for name, light in self._lights.items() for role in light.lamps)
        raise ValueError(f"unknown_lamp: none here is called {lamp}; there are {known}"[:500])
