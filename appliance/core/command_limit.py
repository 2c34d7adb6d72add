"""Decides whether a command may reach the PBX: its agent, its queues, its number, who supervises, how often. Pure but for what it counts.

The verb itself, its arguments and its time are judged by `command.judge`; this is asked after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from appliance.core.command import Originate, Pause, Supervise, Transfer
from appliance.core.config import Config
from appliance.core.dial_number import fits, number_from_text
from appliance.core.emergency import codes_of, country_of, is_emergency

_MINUTE_S: Final = 60.0
#: So many agents' minutes are counted apart; nobody has more.
_MOST_KEYS: Final = 10_000


class CommandLimit:
    """The limits of one box. `refusal` and `too_many` count what they let through."""

    def __init__(self, config: Config) -> None:
        self._commands = config.commands
        self._dials = [pbx.dial for pbx in config.pbx.values()]
        self._codes = codes_of(config.commands.country or country_of(config.site.timezone))
        self._passed: dict[str, deque[float]] = {}

    def refusal(self, verb: str, args: Struct, now_s: float) -> str | None:
        """Why the command may not be, None when it may: then it counts. `now_s`: monotonic seconds."""
        return self.forbidden(verb, args) or self.too_many(verb, args, now_s)

    def forbidden(self, verb: str, args: Struct) -> str | None:
        """Why the command may not be, however seldom it is given."""
        return self._target(verb, args) or self._number(verb, args)

    def too_many(self, verb: str, args: Struct, now_s: float) -> str | None:
        """Why it may not be now, after so many of them; None when it may: then it counts."""
        return self._rate(verb, args, now_s)

    def _target(self, verb: str, args: Struct) -> str | None:
        only = self._commands.of(verb)
        if isinstance(args, Supervise) and not _named(args.supervisor, self._commands.supervisors):
            return f"not_a_supervisor: {args.supervisor} is not in [commands] supervisors"
        agent = getattr(args, "agent", None)
        if agent is not None and only.agents and not _named(agent, only.agents):
            return f"not_allowed: {agent} is not among the agents of [commands.only.{verb}]"
        if agent is None and only.agents and not isinstance(args, Supervise):
            return f"not_allowed: [commands.only.{verb}] names agents, so give agent"
        queues: tuple[str, ...] = args.queues if isinstance(args, Pause) else tuple(filter(None, [getattr(args, "queue", None)]))
        if isinstance(args, Pause) and not queues and only.queues:
            return f"not_allowed: [commands.only.{verb}] names queues, so say which"
        for queue in queues:
            if only.queues and not _named(queue, only.queues):
                return f"not_allowed: {queue} is not among the queues of [commands.only.{verb}]"
        return None

    def _number(self, verb: str, args: Struct) -> str | None:
        text = args.number if isinstance(args, Originate) else args.to if isinstance(args, Transfer) else None
        if text is None:
            return None
        try:
            number = number_from_text(text)
        except ValueError as fault:
            return str(fault)
        forms = {number, *(dial.dialled(number) for dial in self._dials)}
        # The dialplan takes the prefix for a line, and the sign for abroad, also where they are dialled as part of the number.
        forms.update(*(dial.readings(number) for dial in self._dials))
        if any(is_emergency(form, self._codes) for form in forms):
            return "emergency: emergency numbers are never dialled; dial at the phone"
        if any(fits(form, self._commands.never) for form in forms):
            return "never: this number is in [commands] never"
        if not fits(number, self._commands.of(verb).numbers):
            return f"number_not_allowed: it fits none of the numbers of [commands.only.{verb}]"
        return None

    def _rate(self, verb: str, args: Struct, now_s: float) -> str | None:
        only, agent = self._commands.of(verb), getattr(args, "agent", None)
        limits = [("", self._commands.per_minute, "[commands] per_minute")]
        if only.per_minute is not None:
            limits.append((verb, only.per_minute, f"[commands.only.{verb}] per_minute"))
        if only.per_agent_minute is not None and agent is not None:
            limits.append((f"{verb} {agent}", only.per_agent_minute, f"[commands.only.{verb}] per_agent_minute"))
        for key, most, name in limits:
            if len(self._recent(key, now_s)) >= most:
                return f"rate: {most} a minute are carried out at most ({name})"
        for key, _, _ in limits:
            self._recent(key, now_s).append(now_s)
        return None

    def _recent(self, key: str, now_s: float) -> deque[float]:
        if key not in self._passed and len(self._passed) >= _MOST_KEYS:
            self._passed = {each: times for each, times in self._passed.items() if times and now_s - times[-1] < _MINUTE_S}
        times = self._passed.setdefault(key, deque())
        while times and now_s - times[0] >= _MINUTE_S:
            times.popleft()
        return times


def _named(key: str, names: Iterable[str]) -> bool:
    """Whether a key is one of the names; `*` at a name's end stands for anything."""
    return any(key.startswith(name[:-1]) if name.endswith("*") else key == name for name in names)
