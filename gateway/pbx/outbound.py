"""Decides whether a command may call outside the house now: calling hours, the do-not-call list, how often somebody was tried today.

Own extensions (`[pbx.NAME.dial] internal`) are none of this. What cannot be known is not dialled: a list that is there and cannot
be read, a number that cannot be compared with it.
"""

from __future__ import annotations

from typing import Final, Protocol

from appliance.core.commands_config import DialConfig
from appliance.core.config import Config
from appliance.core.dial_number import fits
from appliance.core.errors import CallfloorError
from appliance.floor.calendar import Calendar
from gateway.pbx.attempts import Attempts

#: A number with fewer digits is nobody's whom a list could name.
_LEAST: Final = 6
_AHEAD_NS: Final = 400 * 86_400 * 1_000_000_000
#: Looked at in steps, so that a far holiday costs nothing where tomorrow is open.
_STEP_NS: Final = 8 * 86_400 * 1_000_000_000


class DoNotCall(Protocol):
    """The directory's list; see `appliance.core.directory`."""

    @property
    def has_do_not_call(self) -> bool:
        """Whether there is one."""
        ...

    def is_do_not_call(self, number: str) -> bool:
        """Whether it may not be dialled. Raises CallfloorError where the list cannot be read."""
        ...

    def e164(self, number: str | None) -> str | None:
        """The number as `+` and digits; None for what is none."""
        ...


class OutboundRules:
    """The rules of one box; `attempts` is told by whoever dials."""

    def __init__(self, config: Config, listed: DoNotCall, attempts: Attempts) -> None:
        self._rules, self._listed = config.outbound, listed
        self._calendar = Calendar(config.site.timezone, config.outbound.hours)
        self.attempts = attempts

    def refusal(self, command: str, number: str, dial: DialConfig | None, now_ns: int) -> str | None:
        """Why this command may not dial it now, None when it may. `number`: as `number_from_text` gives it; `now_ns`: wall clock.

        `dial`: of the PBX that would dial it, None where none is known: then it is taken as outside.
        """
        if is_internal(number, dial):
            return None
        return self._closed(now_ns) or self._on_list(number, dial) or self._too_often(command, number, dial, now_ns)

    def key(self, number: str, dial: DialConfig | None) -> str:
        """What a number is counted under: the same however it is written."""
        return next((found for form in _forms(number, dial) if (found := self._listed.e164(form))), number)

    def _closed(self, now_ns: int) -> str | None:
        calendar = self._calendar
        if calendar.is_open(now_ns):
            return None
        at_ns = now_ns
        while at_ns < now_ns + _AHEAD_NS:
            if spans := calendar.open_spans(at_ns, at_ns + _STEP_NS):
                return f"calling_hours: nobody outside is called now; again from {calendar.local_text(spans[0][0])}"
            at_ns += _STEP_NS
        return "calling_hours: nobody outside is called, and [outbound] hours names no later hour"

    def _on_list(self, number: str, dial: DialConfig | None) -> str | None:
        listed = self._listed
        try:
            if not listed.has_do_not_call:
                if self._rules.do_not_call == "if_there":
                    return None
                return (
                    "do_not_call: the box has no do-not-call list, and [outbound] do_not_call = required; `callfloor directory` brings one"
                )
            forms = _forms(number, dial)
            if any(listed.is_do_not_call(form) for form in forms):
                return "do_not_call: this number is not to be called"
        except CallfloorError as fault:
            return f"do_not_call: the list cannot be read, so nobody outside is called: {fault}"[:400]
        if len(number) >= _LEAST and not any(listed.e164(form) for form in forms):
            return "do_not_call: it cannot be compared with the list; write it with + and its country's code, or set [directory] country"
        return None

    def day_ns(self, now_ns: int) -> int:
        """When the local day began."""
        return self._calendar.day(now_ns)[0]

    def _too_often(self, command: str, number: str, dial: DialConfig | None, now_ns: int) -> str | None:
        most = self._rules.attempts_per_day
        if most is None:
            return None
        day = self._calendar.day(now_ns)
        if self.attempts.of(self.key(number, dial), day[0], command) < most:
            return None
        again = self._calendar.local_text(day[1])
        return f"attempts_per_day: this number was dialled {most} times today ([outbound] attempts_per_day); again from {again}"


def is_internal(number: str, dial: DialConfig | None) -> bool:
    """Whether it is one of the house's own extensions."""
    return dial is not None and fits(number, dial.internal)


def _forms(number: str, dial: DialConfig | None) -> list[str]:
    """The ways in which a dialplan may read it."""
    return dial.readings(number) if dial is not None else [number]
