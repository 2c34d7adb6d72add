"""Decides how a headset is tried: hook, mute, its plug, its ring lamp, each waited for and told by the box itself; nobody has to answer.

Where the service `headsets` holds it, that service's events are followed, and its ring lamp lit by the service's own command. Else it is
read along, and nothing is written to it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from appliance.cli import issue
from appliance.cli.access import become_owner, configured
from appliance.cli.headset_target import Target, target_named
from appliance.cli.headset_watch import Watch
from appliance.cli.headset_words import words_of_change
from appliance.cli.terminal import complain, say, say_json
from appliance.cli.trial_ask import Asker, Tried, asker, outcome
from appliance.core.alive import is_alive
from appliance.core.catalogue import CommandFinished, HeadsetAttached, HeadsetDetached, HeadsetHook, HeadsetMute
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.runner import open_journal, run_dir_of

_RING_S: Final = 4
_FIRST_S: Final = 5.0
#: Without the service nobody answers presses: many models then take them back, or tell no mute at all, and that is no fault of theirs.
_ANSWERED: Final = frozenset(("hook_on", "mute_on", "mute_off"))
#: Step → what must be heard for it.
_PRESSES: Final[dict[str, Callable[[Struct], bool]]] = {
    "hook_off": lambda data: isinstance(data, HeadsetHook) and data.hook == "off",
    "mute_on": lambda data: isinstance(data, HeadsetMute) and data.mute is True,
    "mute_off": lambda data: isinstance(data, HeadsetMute) and data.mute is False,
    "hook_on": lambda data: isinstance(data, HeadsetHook) and data.hook == "on",
    "unplug": lambda data: isinstance(data, HeadsetDetached),
    "plug": lambda data: isinstance(data, HeadsetAttached),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--seconds, --no-plug."""
    parser.add_argument("--seconds", type=issue.seconds, default=20.0, metavar="S", help="how long to wait for each press (default 20)")
    parser.add_argument("--no-plug", action="store_true", help="leave its plug alone")


def main(args: argparse.Namespace) -> int:
    """Try it; 1 when something was not heard, or not seen. Raises MisconfiguredError for a name that no headset has."""
    config = configured(args)
    target = target_named(args.name, config)
    ask = asker(args, complain if args.json else say)
    service = is_alive(run_dir_of(config), "headsets")
    by_service = service and (target.info is not None or target.sim is not None)
    ask.say("headset.service") if by_service else ask.say("headset.own", where=_where(target))
    trial = Trial(config, args.name, ask, args.seconds, by_service=by_service)
    steps = asyncio.run(trial.presses([step for step in _PRESSES if not args.no_plug or step not in ("unplug", "plug")]))
    steps += _rung(config, target.seat, ask, service=service)
    tried = outcome("headset", args.name, _where(target), steps, "service" if by_service else "own")
    failed = [each.step for each in tried.steps if each.seen is False]
    ask.say("all.failed", steps=", ".join(failed)) if failed else ask.say("all.well")
    if args.json:
        say_json(tried)
    return 0 if tried.ok else 1


def _where(target: Target) -> str:
    if target.sim is not None:
        return f"sim:{target.sim}"
    return f"{target.info.product or target.info.identity}, port {target.info.port}" if target.info is not None else target.seat


class _Heard(Watch):
    """Reads along, or follows the service, and hands on what happened."""

    def __init__(self, config: Config, name: str, take: Callable[[Struct], None], note: Callable[[str], None]) -> None:
        super().__init__(config, name, reports=False, as_json=False)
        self._take, self._say_note = take, note

    async def _one(self, name: str) -> None:
        """Where the service lives it alone is asked: it answers presses, so that the headset behaves as it does at work."""
        if not self._journal.is_watched:
            await super()._one(name)
        self._begin_following(target_named(name, self._config).seat)
        await asyncio.Event().wait()

    def tell(self, time: str, seat: str, data: Struct) -> None:
        """One event."""
        self._take(data)

    def _note(self, seat: str, text: str) -> None:
        if self._said.get(seat) != text:
            self._said[seat] = text
            self._say_note(text)


class Trial:
    """One try of one headset."""

    def __init__(self, config: Config, name: str, ask: Asker, limit_s: float, *, by_service: bool) -> None:
        self._config, self._name, self._ask, self._limit_s = config, name, ask, limit_s
        self._by_service = by_service
        self._heard: asyncio.Queue[Struct] = asyncio.Queue(1000)

    async def presses(self, steps: list[str]) -> list[Tried]:
        """Each in turn; what somebody does not press is heard as missing. Those after Ctrl-C are left out."""
        watch = _Heard(self._config, self._name, self._put, lambda text: self._ask.say("headset.heard", text=text))
        running = asyncio.create_task(watch.run(None))
        out: list[Tried] = []
        try:
            await self._until(lambda _: True, running, _FIRST_S)  # that it is there
            await asyncio.sleep(0)
            for step in steps:
                while not self._heard.empty():
                    self._heard.get_nowait()
                if running.done():
                    running.result()
                    break
                self._ask.say(f"headset.{step}")
                found = await self._until(_PRESSES[step], running, self._limit_s)
                if not found and not running.done():
                    self._ask.say("headset.late", seconds=self._limit_s)
                    if not self._by_service and step in _ANSWERED:
                        self._ask.say("headset.unanswered")
                out.append(Tried(step, found or (None if step in _ANSWERED and not self._by_service else False)))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return out

    def _put(self, data: Struct) -> None:
        if not self._heard.full():
            self._heard.put_nowait(data)

    async def _until(self, so: Callable[[Struct], bool], running: asyncio.Task[int], limit_s: float) -> bool:
        """Whether such an event came in time; what else comes is told too."""
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    getting = asyncio.ensure_future(self._heard.get())
                    try:
                        await asyncio.wait((getting, running), return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        if not getting.done():
                            getting.cancel()
                    if not getting.done() or getting.cancelled():
                        return False
                    data = getting.result()
                    if (said := words_of_change(data)) is not None:
                        self._ask.say("headset.heard", text=said[0])
                    if so(data):
                        return True
        except TimeoutError:
            return False


def _rung(config: Config, seat: str, ask: Asker, *, service: bool) -> Iterator[Tried]:
    """Its ring lamp, by the running service."""
    if not service:
        ask.say("headset.no_ring")
        yield Tried("ring", None)
        return
    end = _ring(config, seat)
    if end is None or end.state != "done":
        ask.say("headset.ring_refused", reason=(end.reason or end.state) if end is not None else f"{_FIRST_S:g} s")
        yield Tried("ring", seen=False)
        return
    ask.say("headset.ring", seconds=_RING_S)
    yield Tried("ring", ask.seen())


def _ring(config: Config, seat: str) -> CommandFinished | None:
    """Let the service ring it; how that ended, None: it did not within 5 s. As root, as the journal's owner from here on."""
    clock = SystemClock()
    become_owner(config.journal.path)
    journal = open_journal(config, clock)
    try:
        command = issue.command_from_args("headset_ring", {"seat": seat, "seconds": _RING_S}, clock, expires_s=_FIRST_S)
        after = issue.append(journal, clock, [command])
        return issue.ends(journal, [command.id], after, _FIRST_S).get(command.id)
    finally:
        journal.close()
