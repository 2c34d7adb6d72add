"""Decides whether the command `headset_ring` can be carried out at a seat, for how long, and why not."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from appliance.command_run import CommandRun
from appliance.core.clock import NS
from appliance.core.command import HeadsetRing
from appliance.core.headset_config import HeadsetsConfig
from appliance.service import Context
from headsets.keeper import SeatKeeper
from headsets.seat import Seat

VERB: Final = "headset_ring"
SINK: Final = "headsets.ring"
#: What a headset can do: its ring lamp, and the bell of its base.
PATTERN: Final = "ring"
#: Headsets that are there are found within this time.
_FIRST_LOOK_S, _LOOK_S = 5.0, 0.1
_RINGS: Final = frozenset({"ring", "ringer"})


class Rings:
    """The owner of the verb `headset_ring`."""

    def __init__(self, context: Context, keeper: SeatKeeper) -> None:
        self._context, self._keeper = context, keeper
        self._config = context.config.headsets or HeadsetsConfig()

    async def run(self) -> None:
        """Follow the journal until cancelled. What was asked for while nobody listened waits until the headsets were looked for."""
        for _ in range(round(_FIRST_LOOK_S / _LOOK_S)):
            if all(seat.attached is not None for seat in self._keeper.seats.values()):
                break
            await asyncio.sleep(_LOOK_S)
        await CommandRun(self._context, VERB, SINK, self).run()

    def seconds(self, args: HeadsetRing) -> float:
        """For how long it is asked."""
        return args.seconds or self._config.ring_s

    def carry_out(self, args: HeadsetRing, seconds: float) -> dict[str, Any]:
        """Ring. Raises ValueError: the reason why not."""
        if args.pattern not in (None, PATTERN):
            raise ValueError(f"unknown_pattern: {args.pattern}; a headset knows {PATTERN}")
        self._check(args.seat)
        self._keeper.apply(args.seat, lambda seat, now_ns: seat.ring(now_ns + round(seconds * NS), now_ns))
        return {"seat": args.seat}

    def _check(self, key: str) -> None:
        seat = self._keeper.seats.get(key)
        if seat is None:
            known = ", ".join(sorted(self._keeper.seats)) or "none"
            raise ValueError(f"unknown_seat: {key} is no seat of this box; there are {known}"[:500])
        configured = self._config.seat.get(key)
        if ((configured and configured.hold) or self._config.hold) == "watch":
            raise ValueError(f"watched: the headset at {key} belongs to a softphone and is only watched; nothing is written to it")
        if seat.attached is None:
            raise ValueError(f"unknown: nobody has looked yet whether a headset is plugged in at {key}")
        if not seat.attached:
            raise ValueError(f"unplugged: no headset is plugged in at {key}")
        if seat.fault is not None:
            raise ValueError(f"fault: the headset at {key} cannot be written: {seat.fault}"[:500])
        if seat.host.leaves_alone:
            raise ValueError(f"busy: at {key} a call goes on that is older than this service; nothing is written until it ends")
        if not can_ring(seat, self._context.clock.mono_ns()):
            raise ValueError(f"unsupported: the headset at {key} ({seat.device.product or 'no name'}) has nothing that rings")


def can_ring(seat: Seat, now_ns: int) -> bool:
    """Whether the device has a lamp or a bell for it."""
    return not _RINGS.isdisjoint(seat.host.wanted(now_ns))
