"""Decides what `callfloor headset watch` tells: each headset read along where the kernel has it, else the service's events of its seat."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import closing
from datetime import datetime
from typing import Any, Final

import msgspec

from appliance.cli.headset_target import Target, target_named, targets
from appliance.cli.headset_words import words_of_change, words_of_report
from appliance.cli.seat_journal import SeatJournal
from appliance.cli.terminal import coloured, complain, say, say_json
from appliance.core.catalogue import HeadsetHook, HeadsetMute, kind_of
from appliance.core.clock import NS, SystemClock, rfc3339, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.errors import CallfloorError, MisconfiguredError, UnpluggedError
from headsets.model import device_of, layout_from
from headsets.report import fault, split, values
from headsets.seat import Seat, Step

#: Between two looks for a headset that is not there, and at the journal.
_LOOK_S: Final = 0.3


class Watch:
    """Follows one headset, or all."""

    def __init__(self, config: Config | None, name: str | None, *, reports: bool, as_json: bool) -> None:
        self._config, self._name, self._reports, self._as_json = config, name, reports, as_json
        self._clock = SystemClock()
        self._journal = SeatJournal(config)
        self._said: dict[str, str] = {}
        #: Seats whose events come from the journal.
        self._followed: set[str] = set()

    async def run(self, for_s: float | None) -> int:
        """Until Ctrl-C; 0. Raises MisconfiguredError for a name that no headset has."""
        done = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, done.set)
        if self._name is not None:
            target_named(self._name, self._config)
        self._journal.catch_up()
        tasks = [asyncio.create_task(self._all() if self._name is None else self._one(self._name)), asyncio.create_task(self._follow())]
        ended = asyncio.create_task(done.wait())
        try:
            finished, _ = await asyncio.wait((ended, *tasks), timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                task.result()
        finally:
            for task in (ended, *tasks):
                task.cancel()
            await asyncio.gather(ended, *tasks, return_exceptions=True)
            self._journal.close()
        return 0

    async def _all(self) -> None:
        """Every headset that is there, and each that comes."""
        running: dict[str, asyncio.Task[None]] = {}
        try:
            first = True
            while True:
                now = {seat for seat, target in targets(self._config).items() if target.info is not None or target.sim is not None}
                if first and not now:
                    complain("no headset is plugged in; waiting for one")
                first = False
                for seat in now - running.keys():
                    running[seat] = asyncio.create_task(self._one(seat))
                for seat, task in list(running.items()):
                    if task.done():
                        del running[seat]
                        task.result()
                await asyncio.sleep(_LOOK_S)
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)

    async def _one(self, name: str) -> None:
        """One headset, however often it comes and goes."""
        while True:
            try:
                target = target_named(name, self._config)
            except MisconfiguredError:  # it was there when we began, and may come back
                await asyncio.sleep(_LOOK_S)
                continue
            if target.is_held and self._journal.is_watched:
                self._note(target.seat, "the service headsets holds it; what follows are its events, from the journal")
                self._begin_following(target.seat)
            else:
                self._followed.discard(target.seat)
                try:
                    await self._along(target)
                except CallfloorError as fault_:
                    self._note(target.seat, str(fault_))
            await asyncio.sleep(_LOOK_S)

    async def _along(self, target: Target) -> None:
        """Read along until it is gone. Raises what opening it raises."""
        loop = asyncio.get_running_loop()
        with closing(target.open()) as device:
            self._said.pop(target.seat, None)
            desk = _Desk(target.seat, self, device.report_descriptor())
            lost: asyncio.Future[CallfloorError] = loop.create_future()
            desk.take(desk.seat.plugged(device_of(device.info), desk.layout, self._clock.mono_ns()))
            device.listen(loop, desk.heard, lost.set_result)
            try:
                gone = await lost
            finally:
                desk.end()
        if isinstance(gone, UnpluggedError):
            desk.take(desk.seat.pulled())
        raise gone

    def _begin_following(self, seat: str) -> None:
        if seat in self._followed:
            return
        self._followed.add(seat)
        state = self._journal.state(seat)
        if state is not None:
            now = rfc3339(self._clock.wall_ns())
            self.tell(now, seat, HeadsetHook(seat=seat, agent=state.agent, hook=state.hook))
            self.tell(now, seat, HeadsetMute(seat=seat, agent=state.agent, mute=state.mute))

    async def _follow(self) -> None:
        """The service's events of the seats that it holds."""
        while True:
            for event in self._journal.catch_up():
                seat = getattr(event.data, "seat", "")
                if seat in self._followed:
                    self.tell(rfc3339(event.wall_ns), seat, event.data)
            await asyncio.sleep(_LOOK_S)

    # -- telling -------------------------------------------------------------------

    def now(self) -> str:
        """This instant, as told."""
        return rfc3339(self._clock.wall_ns())

    def mono_ns(self) -> int:
        """This instant, for the state machines."""
        return self._clock.mono_ns()

    def tell(self, time: str, seat: str, data: msgspec.Struct) -> None:
        """One event."""
        if self._as_json:
            self._line({"time": time, "seat": seat, "kind": kind_of(data), "data": msgspec.to_builtins(data)})
            return
        said = words_of_change(data)
        if said is not None:
            text, colour = said
            self._line(f"{_local(time)}  {seat:<16} {coloured(text, colour) if colour else text}")

    def tell_report(self, seat: str, report: bytes, said: dict[str, int], wrong: str | None) -> None:
        """One report, where they were asked for."""
        if self._as_json and self._reports:
            self._line({"time": self.now(), "seat": seat, "report": report.hex(), "says": said, "fault": wrong})
        elif self._reports:
            self._line(f"{_local(self.now())}  {seat:<16} {coloured(words_of_report(report, said), 'dim')}")
        if wrong and not self._as_json:
            self._note(seat, wrong)

    def _note(self, seat: str, text: str) -> None:
        """On stderr, once until something else is so."""
        if self._said.get(seat) != text:
            self._said[seat] = text
            complain(f"{seat}: {text}")

    def _line(self, line: Any) -> None:
        say(line) if isinstance(line, str) else say_json(line)
        sys.stdout.flush()


class _Desk:
    """One headset that is read along: its reports go to the same state machines as the service's, as those of a watched one."""

    def __init__(self, seat: str, watch: Watch, descriptor: bytes) -> None:
        self.layout = layout_from(descriptor)
        self.seat = Seat(seat, hold="watch")
        self._watch = watch
        self._timer: asyncio.TimerHandle | None = None

    def heard(self, report: bytes, at_ns: int) -> None:
        """A report came."""
        report_id, payload = split(self.layout, report)
        said = values(self.layout, report_id, payload)
        self._watch.tell_report(self.seat.seat, report, said, fault(self.layout, report_id, payload))
        if said:
            self.take(self.seat.reported(said, at_ns))

    def take(self, step: Step) -> None:
        """Tell what follows, and come back when time has to pass."""
        for event in step.events:
            self._watch.tell(self._watch.now(), self.seat.seat, event)
        self.end()
        if self.seat.due_ns is not None:
            wait_s = max(0.002, (self.seat.due_ns - self._watch.mono_ns()) / NS)
            self._timer = asyncio.get_running_loop().call_later(wait_s, lambda: self.take(self.seat.tick(self._watch.mono_ns())))

    def end(self) -> None:
        """Time passes no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _local(time: str) -> str:
    """The time of day at this terminal, with milliseconds."""
    return datetime.fromtimestamp(wall_ns_from_rfc3339(time) / NS).astimezone().strftime("%H:%M:%S.%f")[:-3]
