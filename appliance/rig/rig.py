"""Decides what a rig is as a whole: its parts around a box, one lease, a reset to a known state; it is the OPC UA server's `RigPort`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Self

from appliance.core.config import Config
from appliance.core.endpoint import Endpoint
from appliance.core.errors import CallfloorError, DeniedError, TransientError
from appliance.core.journal import Journal
from appliance.rig.box import RigBox
from appliance.rig.by_hand import Hand, HandPart
from appliance.rig.clock import MONDAY, RigClock
from appliance.rig.crm import RigCrm
from appliance.rig.headsets import SEATS, RigHeadset
from appliance.rig.lamps import LampTower
from appliance.rig.lease import Lease
from appliance.rig.led import LedPanel
from appliance.rig.lines import RigLine, Unread
from appliance.rig.outputs import JournalSight, TvSight
from appliance.rig.part import Deed, Part, number, text
from appliance.rig.pbx import STILL, RigPbx
from appliance.rig.sign import RigSign
from appliance.rig.site import BOARD, LINES, PANEL, PBX, PRINTER, SIGN, TOWER, ZONE, Wires, configuration, device_of
from appliance.rig.smdr import RigPrinter
from appliance.rig.values import Values
from gateway.opcua.rig_port import RigAction, RigAnswer, RigArgument, RigValue, Scalar

_LEASE: Final = RigArgument(name="lease", kind="text", text="the token of the lease, where the rig is held", required=False, default="")
_LOOK_S: Final = 0.5
_SETTLED_S: Final = 20.0


class Rig:
    """One rig. An async context manager: parts and box run while it does; `reset` has been done once then."""

    def __init__(self, folder: Path, listen: Endpoint, *, devices: Mapping[str, str] | None = None, hand: Hand | None = None) -> None:
        """`devices`: real ones by their place. `folder`: for sockets, so its name is short. Raises MisconfiguredError for a wrong place."""
        self.clock = RigClock()
        self.values_ = values = Values(self.clock)
        self._folder, self.listen, self._opcua = folder, listen, ""
        self._begin: dict[str, Scalar] = {"scenario": STILL, "seed": 1, "speed": 1.0, "time": MONDAY}
        self._real = {place: device_of(place, device) for place, device in (devices or {}).items()}
        self._hand = hand or Hand(None)
        self.crm = RigCrm(values, self.clock)
        self.pbx = RigPbx(PBX, values)
        self.printer = RigPrinter(PRINTER, values, self.clock, ZONE)
        self._lines = {name: RigLine(name, folder, values) for name in LINES}
        self._headsets = {seat: RigHeadset(seat, folder, values, self.clock) for seat in SEATS}
        self._sign = RigSign(SIGN, folder, values, self.clock)
        self._panel = LedPanel(PANEL, folder, values)
        self._tower = LampTower(TOWER, folder, values)
        self._simulated: dict[str, RigLine | RigHeadset | RigSign | LedPanel | LampTower] = {
            **self._lines, **self._headsets, SIGN: self._sign, PANEL: self._panel, TOWER: self._tower,
        }  # fmt: skip
        self._parts: tuple[Part, ...] = (self.crm, self.pbx, self.printer, *(self._part(place) for place in self._simulated))
        self._journal = JournalSight(values)
        self._tv = TvSight(values, self.clock, lambda: str(listen))
        self.box = RigBox(folder / "callfloor.toml", self.clock, self._follow)
        self._lease = Lease()
        self._one = asyncio.Lock()
        self._resets = 0
        self._stack = AsyncExitStack()
        values.tell("rig/resets", "int", "how often the rig was reset since it was started", "1")
        values.tell("rig/ready", "bool", "whether the box runs and may be tested; not while a reset goes on")
        values.tell("rig/scenario", "text", "what the PBX plays: still, or a seeded scenario")
        values.tell("rig/seed", "int", "the scenario's seed")
        values.tell("rig/time", "text", "when the box's clock began at the last reset")
        values.tell("rig/devices", "texts", "real devices, as place=url")
        values.tell("lease/owner", "text", "who holds the rig, empty for nobody")
        values.tell("lease/since", "text", "since when, by this machine's clock")
        values.tell("lease/until", "text", "until when, unless it is renewed")
        assert not values.all().keys() & {deed.name for deed in self._deeds()}, "one name for an action and a value"
        self._actions = {action.name: action for action in (self._action(deed) for deed in self._deeds())}

    # -- life --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._begun()
        except BaseException:
            await self.__aexit__()  # a broker that nobody stops would live on
            raise
        return self

    async def _begun(self) -> None:
        await self._stack.enter_async_context(self.crm)
        await self._stack.enter_async_context(self.pbx)
        await self._stack.enter_async_context(self.printer)
        unread = Unread(self._lines)
        source = logging.getLogger("callfloor.gateway")
        source.addHandler(unread)
        self._stack.callback(source.removeHandler, unread)
        self._stack.callback(source.setLevel, source.level)
        source.setLevel(logging.INFO)
        self.values_.put("rig/devices", tuple(f"{place}={url}" for place, url in self._real.items()))
        await self._reset(self._begin)
        look = asyncio.create_task(self._look(), name="rig-lease")
        self._stack.callback(look.cancel)

    async def __aexit__(self, *_: object) -> None:
        await self.box.stop()
        for part in self._simulated.values():
            closing = part.close()
            if closing is not None:
                await closing
        await self._stack.aclose()

    def serve(self, opcua: str) -> None:
        """The tables of the OPC UA server, to stand in the box's configuration too. Before the rig is entered."""
        self._opcua = opcua

    def play(self, scenario: str, seed: int, speed: float, moment: str) -> None:
        """What is played from the start on. Before the rig is entered."""
        self._begin = {"scenario": scenario, "seed": seed, "speed": speed, "time": moment or MONDAY}

    async def again(self) -> None:
        """As it began. Raises what a reset raises."""
        await self._reset(self._begin)

    # -- what the server sees ----------------------------------------------------------------------------------

    def actions(self) -> Mapping[str, RigAction]:
        """Every action by its name."""
        return self._actions

    def values(self) -> Mapping[str, RigValue]:
        """Every value by its path."""
        return self.values_.all()

    def changed(self) -> AsyncIterator[frozenset[str]]:
        """What changed since it was last asked."""
        return self.values_.changed()

    # -- what can be done --------------------------------------------------------------------------------------

    def _deeds(self) -> tuple[Deed, ...]:
        owner = RigArgument(name="owner", kind="text", text="who holds it, as ana@bench-2")
        seconds = RigArgument(name="seconds", kind="float", unit="s", text="until it is renewed", required=False, default=60.0)
        token = RigArgument(name="token", kind="text", text="as the answer to take names it")
        step = RigArgument(name="seconds", kind="float", unit="s", text="forward, or back where below 0")
        quality = RigArgument(
            name="quality", kind="text", text="how far it is to be trusted then", required=False, default="synced",
            choices=("synced", "holdover", "unset"),
        )  # fmt: skip
        return (
            *(deed for part in self._parts for deed in part.deeds()),
            Deed(
                name="reset",
                text="to the known state: new journal, counters zero, simulators at rest, the clock at its beginning",
                do=self._reset,
                arguments=(
                    RigArgument(name="scenario", kind="text", text="still, or a seeded one", required=False, default=STILL),
                    RigArgument(name="seed", kind="int", text="of the scenario", required=False, default=1),
                    RigArgument(name="speed", kind="float", text="of the scenario, times real", required=False, default=1.0, unit="1"),
                    RigArgument(name="time", kind="text", text="what the box's clock says then, RFC 3339", required=False, default=MONDAY),
                ),
            ),
            Deed(name="time/step", text="set the box's clock", do=self._step, arguments=(step, quality)),
            Deed(name="lease/take", text="hold the rig", do=self._take, arguments=(owner, seconds), free=True),
            Deed(name="lease/renew", text="hold it for longer", do=self._renew, arguments=(token, seconds), free=True),
            Deed(name="lease/free", text="let it go", do=self._free, arguments=(token,), free=True),
        )

    def _action(self, deed: Deed) -> RigAction:
        async def call(args: Mapping[str, Scalar]) -> RigAnswer:
            began_ns = self.clock.wall_ns()
            try:
                if not deed.free:
                    self._lease.check(text(args, "lease"), time.monotonic())
                    if deed.name != "reset" and self._one.locked():
                        raise TransientError("the rig is being reset; try again when rig/ready is true")
                given = {name: value for name, value in args.items() if name != "lease"}
                result = await deed.do(given)
            except DeniedError as fault:
                return RigAnswer(state="refused", reason=f"leased: {fault}")
            except (CallfloorError, ValueError) as fault:
                return RigAnswer(state="failed", reason=f"{_word(fault)}: {fault}")
            return RigAnswer(result=result, began_ns=began_ns, ended_ns=self.clock.wall_ns())

        arguments = deed.arguments if deed.free else (*deed.arguments, _LEASE)
        return RigAction(name=deed.name, text=deed.text, arguments=arguments, call=call)

    async def _reset(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        async with self._one:
            # What cannot be is told before anything stops.
            begin = text(args, "time") or MONDAY
            RigClock(begin)
            self.pbx.set(text(args, "scenario") or STILL, int(number(args, "seed")), number(args, "speed"))
            self.values_.put("rig/ready", False)
            await self.box.stop()
            for part in self._parts:
                await part.rest()
            self.clock.begin(begin)
            self._write()
            self.box.forget()
            await self.box.start()
            await self._settled()
            self._resets += 1
            told: dict[str, Scalar] = {
                "resets": self._resets, "scenario": self.pbx.scenario, "seed": self.pbx.seed, "time": begin, "ready": True
            }  # fmt: skip
            for name, value in told.items():
                self.values_.put(f"rig/{name}", value)
            return {"resets": self._resets, "epoch": self.values_.value("journal/epoch")}

    async def _step(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        quality = text(args, "quality")
        assert quality in ("synced", "holdover", "unset")
        self.clock.step(number(args, "seconds"), quality)  # type: ignore[arg-type]
        return None

    async def _take(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        held = self._lease.take(text(args, "owner"), number(args, "seconds"), time.monotonic(), time.time_ns())
        self._show_lease()
        return {"token": held.token, "since": held.since, "until": held.until}

    async def _renew(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        held = self._lease.renew(text(args, "token"), number(args, "seconds"), time.monotonic(), time.time_ns())
        self._show_lease()
        return {"until": held.until}

    async def _free(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._lease.free(text(args, "token"), time.monotonic())
        self._show_lease()
        return None

    # -- inside ------------------------------------------------------------------------------------------------

    def _part(self, place: str) -> Part:
        part = self._simulated[place]
        return HandPart(part, self._hand) if place in self._real else part

    def _write(self) -> None:
        """The box's files, as a person would write them."""
        places = {place: self._real.get(place) or part.url for place, part in self._simulated.items()}
        wires = Wires(
            places=places,
            real=frozenset(self._real),
            pbx_port=self.pbx.port,
            printer=self.printer.url,
            crm_url=self.crm.url,
            crm_protocol=self.crm.protocol,
            listen=str(self.listen),
        )
        (self._folder / "pbx.secret").write_text("callfloor\n", encoding="utf-8")
        (self._folder / "boards").mkdir(exist_ok=True)
        (self._folder / "boards" / "rig.toml").write_text(BOARD, encoding="utf-8")
        (self._folder / "callfloor.toml").write_text(configuration(wires, self._opcua), encoding="utf-8")

    async def _follow(self, journal: Journal, config: Config) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._journal.run(journal))
            tasks.create_task(self._tv.run(config))

    async def _settled(self) -> None:
        """Every simulator is in use, every output shows rest, the CRM has it all. Raises TransientError when that does not come about."""
        wanted: dict[str, Scalar] = {"tv/waiting": 0, "mqtt/status": "online", "journal/backlog": 0, "pbx/central/links": 1}
        wanted |= {f"lines/{name}/ready": True for name in self._lines}
        wanted |= {f"headsets/{seat}/open": True for seat in self._headsets}
        wanted |= {f"led/{PANEL}/open": True, f"lamps/{TOWER}/red": False}
        real = tuple(f"/{place}/" for place in self._real)
        wanted = {path: value for path, value in wanted.items() if not any(place in path for place in real)}
        if self.pbx.scenario != STILL:  # somebody may be waiting already
            del wanted["tv/waiting"], wanted["journal/backlog"]
        end_s = time.monotonic() + _SETTLED_S
        while missing := [path for path, value in wanted.items() if self.values_.value(path) != value]:
            if time.monotonic() > end_s:
                raise TransientError(f"the box runs, and these are not as at rest: {', '.join(missing)}; see the log")
            await asyncio.sleep(0.02)

    async def _look(self) -> None:
        """A lease ends by itself."""
        while True:
            self._show_lease()
            await asyncio.sleep(_LOOK_S)

    def _show_lease(self) -> None:
        held = self._lease.held(time.monotonic())
        self.values_.put("lease/owner", held.owner if held else "")
        self.values_.put("lease/since", held.since if held else "")
        self.values_.put("lease/until", held.until if held else "")


def _word(fault: Exception) -> str:
    """The first word of a reason.

    >>> _word(TransientError("the broker is away"))
    'transient'
    """
    name = type(fault).__name__.removesuffix("Error").lower()
    return "invalid" if name == "value" else name
