"""Decides what the demo's CRM does beside listening: it lends its customers, tells of its other channels, classifies, calls back and dials.

All of it goes over the broker as commands, as any CRM would send them; what it knows of the floor it has from the events that it got.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Final

import msgspec

from appliance.core.clock import Clock, SystemClock, rfc3339
from appliance.core.errors import CallfloorError
from appliance.sim.crm import SimCrm
from appliance.sim.crm_book import CloudEvent, kind_of
from appliance.sim.floor_model_callers import Callers
from appliance.sim.floor_model_plan import Plan
from appliance.sim.floor_model_state import chance_of

#: Where the simulated callers' numbers are dialled from.
COUNTRY: Final = "EC"
#: So many of those who call first are looked at, and these shares of them are customers, and VIPs among the customers.
_CALLERS, _KNOWN, _VIPS = 600, 0.55, 0.25
_PAGE: Final = 500
_SEGMENTS: Final = ("hogar", "pyme", "empresas")
#: Type → how often a call is of it; the rest nobody classifies. One call of so many is extraordinary.
_TYPES: Final = {"perfect": 0.5, "imperfect": 0.2, "improper": 0.08}
_EXTRAORDINARY_OF: Final = 20
#: Numbers that nobody has (5550 1xx); what the simulated exchange makes of one is told by its last two digits.
_NUMBERS: Final = tuple(f"02555501{end}" for end in ("50", "60", "70", "80", "17", "19", "19", "21", "34", "01"))
#: Other channels: longest wait in seconds that its target allows, most who wait.
_CHANNELS: Final = {"email": (14_400.0, 14), "chat": (60.0, 5), "web": (600.0, 4), "fax": (3_600.0, 2), "social": (900.0, 6)}
_TELL_EVERY_S, _DIAL_EVERY_S, _CALL_BACK_EVERY_S = 10.0, 7.0, 9.0
#: Of a call that was just answered, and of an alarm, somebody says something so much later.
_CLASSIFY_S, _SEEN_S = 4.0, 12.0
_LOOK_S: Final = 0.25
_REPLY_S: Final = 5.0
_QUEUED: Final = 500


class _Channel:
    """One channel's queue, which fills and empties."""

    def __init__(self, chance: Random, target_s: float, most: int) -> None:
        self._chance, self.target_s, self._most = chance, target_s, most
        self.waiting, self.wait_s = chance.randrange(most), chance.uniform(0.1, 0.6) * target_s
        self.done = chance.randrange(20, 90)
        self.in_time = round(self.done * chance.uniform(0.75, 0.95))

    def figures(self) -> dict[str, Any]:
        """As of now, a little later than when they were asked for last."""
        chance = self._chance
        served = chance.randrange(2)
        self.done, self.in_time = self.done + served, self.in_time + served * (chance.random() < 0.85)
        self.waiting = min(self._most, max(0, self.waiting + chance.choice((-1, 0, 0, 1))))
        longest = self.wait_s + _TELL_EVERY_S if chance.random() < 0.8 else chance.uniform(0.1, 0.5) * self.target_s
        self.wait_s = min(longest, 1.3 * self.target_s) if self.waiting else 0.0
        return {
            "waiting": self.waiting, "longest_wait": round(self.wait_s, 1), "service_level_of": [self.in_time, self.done],
            "target_s": self.target_s,
        }  # fmt: skip


class Office:
    """The people behind the CRM. `crm` is given once it stands; `linked` tells whether the box can be reached."""

    def __init__(self, site: str, box: str, plan: Plan, seed: int, clock: Clock | None = None) -> None:
        self._site, self._box, self._clock = site, box, clock or SystemClock()
        self._chance = chance_of(f"{seed}/office")
        self.customers = customers_of(plan, seed)
        self.crm: SimCrm | None = None
        self.linked: Callable[[], bool] = lambda: True
        self._channels = {key: _Channel(self._chance, *habits) for key, habits in _CHANNELS.items()}
        self._states: dict[str, str] = {}
        self._due: dict[str, float | None] = {}
        self._answered: deque[tuple[float, str]] = deque(maxlen=_QUEUED)
        self._alarms: deque[tuple[float, str]] = deque(maxlen=_QUEUED)
        self._task: asyncio.Task[None] | None = None
        self._talked = self.told = self.classified = self.extraordinary = self.opened = self.closed = self.dialled = self.reached = 0

    async def __aenter__(self) -> Office:
        self._task = asyncio.create_task(self._work(), name="office")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest()

    async def rest(self) -> None:
        """The office closes: nobody sends anything any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def heard(self, payload: bytes) -> None:
        """An event of the box, as the CRM got it."""
        event = msgspec.json.decode(payload, type=CloudEvent)
        kind = kind_of(event)
        if kind not in ("agent.state", "call.answered", "callback.opened", "callback.closed", "alarm.raised", "call.attempted"):
            return
        data, now_s = msgspec.json.decode(event.data), asyncio.get_running_loop().time()
        if kind == "agent.state":
            self._states[data["agent"]] = data["state"]
        elif kind == "call.answered":
            self._answered.append((now_s + _CLASSIFY_S, data["call"]))
        elif kind == "alarm.raised" and data["alarm"].startswith("call.extraordinary"):
            self.extraordinary += 1
            self._alarms.append((now_s + _SEEN_S, data["alarm"]))
        elif kind == "callback.opened":
            self.opened += data["callback"] not in self._due
            self._due.setdefault(data["callback"], None)
        elif kind == "callback.closed":
            self.closed += self._due.pop(data["callback"], 0) != 0
        elif kind == "call.attempted":
            self.dialled += 1
            self.reached += data["outcome"] == "answered"

    def summary(self) -> list[str]:
        """What it did, for the demo's last lines."""
        vips = sum(card["segment"] == "vip" for card in self.customers)
        pops = self.crm.pops if self.crm is not None else 0
        return [
            f"  customers              {len(self.customers)} in the directory, {vips} of them VIPs; {pops} screen pops",
            f"  callbacks              {self.opened} opened, {self.closed} closed",
            f"  classified             {self.classified} calls, {self.extraordinary} extraordinary",
            f"  dialled                {self.dialled}, {self.reached} of them reached",
            f"  other channels         {len(self._channels)}, told {self.told} times",
        ]

    def configuration(self) -> str:
        """What the box must know besides."""
        return f'[directory]\ncountry = "{COUNTRY}"\n'

    # -- what it sends -----------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        turns: list[tuple[float, Callable[[float], Coroutine[Any, Any, None]]]] = [
            (_TELL_EVERY_S, self._tell), (_DIAL_EVERY_S, self._dial), (_CALL_BACK_EVERY_S, self._call_back), (0.0, self._say),
        ]  # fmt: skip
        due = [loop.time()] * len(turns)
        lent = 0
        while True:
            if self.crm is not None and self.crm.connected and self.linked():
                with contextlib.suppress(CallfloorError):  # the link is cut, or the box is slow: the next turn tries again
                    while lent < len(self.customers):
                        lent = await self._lend(lent)
                    for at, (every_s, turn) in enumerate(turns):
                        if loop.time() >= due[at]:
                            due[at] = loop.time() + every_s
                            await turn(loop.time())
            await asyncio.sleep(_LOOK_S)

    async def _send(self, verb: str, args: dict[str, Any], expires_s: float | None = None) -> bool:
        """Whether it was done. Raises TransientError when nobody answers."""
        assert self.crm is not None
        reply = await self.crm.send(self._site, self._box, verb, args, expires_s=expires_s, timeout_s=_REPLY_S + (expires_s or 0.0))
        return reply.state == "done"

    async def _lend(self, lent: int) -> int:
        """A page of customers; returns how many are lent then."""
        page = self.customers[lent : lent + _PAGE]
        last = lent + len(page) == len(self.customers)
        part = ("whole" if last else "begin") if lent == 0 else "end" if last else "more"
        done = await self._send("directory", {"version": lent // _PAGE + 1, "snapshot": part, "upserts": page})
        return lent + len(page) if done else 0

    async def _tell(self, _now_s: float) -> None:
        channels = {key: channel.figures() for key, channel in self._channels.items()}
        self.told += await self._send("kpi", {"as_of": rfc3339(self._clock.wall_ns()), "channels": channels})

    async def _dial(self, _now_s: float) -> None:
        free = [agent for agent, state in self._states.items() if state == "available"]
        if free:
            args = {"agent": self._chance.choice(free), "number": self._chance.choice(_NUMBERS), "preview": True, "card": "Encuesta"}
            await self._send("originate", args, expires_s=_REPLY_S)

    async def _call_back(self, _now_s: float) -> None:
        """Somebody takes the oldest on, and a turn later he is done with it."""
        for callback, taken_s in list(self._due.items()):
            if taken_s is not None:
                await self._send("callback", {"callback": callback, "action": "close", "by": "oficina"})
                break
        for callback, taken_s in list(self._due.items()):
            if taken_s is None:
                self._due[callback] = _now_s
                await self._send("callback", {"callback": callback, "action": "claim", "by": "oficina"})
                break

    async def _say(self, now_s: float) -> None:
        """Of which type a call was, and that somebody has seen an alarm."""
        while self._answered and self._answered[0][0] <= now_s:
            _, call = self._answered.popleft()
            self._talked += 1
            name = self._type()
            if name is not None:
                self.classified += await self._send("classify", {"call": call, "type": name})
        while self._alarms and self._alarms[0][0] <= now_s:
            await self._send("acknowledge", {"alarm": self._alarms.popleft()[1]})

    def _type(self) -> str | None:
        """What the agent says of the call that he has."""
        if self._talked % _EXTRAORDINARY_OF == _EXTRAORDINARY_OF // 2:
            return "extraordinary"
        dice = self._chance.random()
        for name, share in _TYPES.items():
            dice -= share
            if dice < 0:
                return name
        return None


def customers_of(plan: Plan, seed: int) -> list[dict[str, Any]]:
    """Cards of some of those who will call: customers by number and segment, named by it, as nobody is called.

    >>> from appliance.sim.floor_model_plan import plan_named
    >>> cards = customers_of(plan_named("morning"), 1)
    >>> 200 < len(cards) < 400, sorted(cards[0])
    (True, ['customer', 'language', 'name', 'numbers', 'segment'])
    """
    callers, chance = Callers(plan, seed), chance_of(f"{seed}/customers")
    numbers = dict.fromkeys(callers.next_call(0.0).caller for _ in range(_CALLERS))
    known = [number for number in numbers if chance.random() < _KNOWN]
    return [
        {
            "customer": f"C-{at:04}", "numbers": [number], "name": f"Cliente {at}", "language": "es",
            "segment": "vip" if chance.random() < _VIPS else chance.choice(_SEGMENTS),
        }
        for at, number in enumerate(known, 1)
    ]  # fmt: skip
