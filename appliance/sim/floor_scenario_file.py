"""Decides how a scenario's file is found, read and checked: every fault at once, each with file, line, key and mend."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from appliance.core.config_file import Fault, line_of, parsed
from appliance.core.config_rules import Finding
from appliance.core.config_shape import dotted, misfits
from appliance.core.errors import MisconfiguredError
from appliance.core.toml_lines import lines_from_toml
from appliance.sim.floor_scenario import TRUNKS, Scenario, seconds_of, span_of

FOLDER: Final = Path(__file__).parent / "scenarios"
_TIME: Final = 'write a time of day as "08:30" or "08:30:15"'
_MAX_BYTES: Final = 1024**2


class ScenarioFaultsError(MisconfiguredError):
    """A scenario cannot be played. `faults` holds all of them in the order of the file; the text is one per line."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["the scenario cannot be played:", *(f"  {fault}" for fault in faults)]))


def names() -> list[str]:
    """The scenarios that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def scenario_named(name: str) -> Scenario:
    """One of the package by its name, or one's own by the path of its file.

    Raises ScenarioFaultsError for a file with faults, MisconfiguredError for a name that is none.
    """
    path = Path(name) if name.endswith(".toml") or "/" in name else FOLDER / f"{name}.toml"
    try:
        text = path.read_bytes()[:_MAX_BYTES].decode("utf-8-sig")
    except FileNotFoundError:
        where = f"there is no file {path}" if path.parent != FOLDER else f"there is no scenario {name!r}"
        raise MisconfiguredError(f"{where}; there are {', '.join(names())}, or name a file of your own: ./mine.toml") from None
    except OSError as fault:
        raise MisconfiguredError(f"{path} cannot be read: {fault.strerror}; mend its rights, or name another") from fault
    except UnicodeDecodeError as fault:
        raise MisconfiguredError(f"{path} is not UTF-8 (byte {fault.start}); save it as UTF-8") from fault
    return scenario_from_toml(text, path)


def scenario_from_toml(text: str, path: Path) -> Scenario:
    """A scenario from its text; `path` is for the faults' places. Raises ScenarioFaultsError with every fault."""
    data, broken, sound = parsed(text)
    found: list[Finding] = []
    scenario: Scenario | None = None
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as fault:
        found = misfits(data, Scenario, _no_hook) or [Finding((), str(fault), "see docs/simulation.md, Scenarios")]
    if scenario is not None:
        found = [finding for rule in _RULES for finding in rule(scenario)]
    if scenario is None or found or broken:
        lines = lines_from_toml(sound)
        faults = [Fault(str(path), line, "", what, mend) for line, what, mend in broken]
        faults += [Fault(str(path), line_of(lines, find.path), dotted(find.path), find.what, find.mend) for find in found]
        raise ScenarioFaultsError(sorted(faults, key=lambda fault: fault.line or 0))
    return scenario


def _no_hook(kind: type, value: Any) -> Any:
    raise NotImplementedError(kind)


def _day(scenario: Scenario) -> Iterator[Finding]:
    try:
        date.fromisoformat(scenario.day)
    except ValueError:
        yield Finding(("day",), f'"{scenario.day}" is no day', 'write it as "2026-11-23"')
    try:
        ZoneInfo(scenario.timezone)
    except (OSError, ValueError):
        yield Finding(("timezone",), f'"{scenario.timezone}" is no timezone', 'write one as "America/Guayaquil"')
    for key in ("begins", "ends"):
        yield from _time((key,), getattr(scenario, key))
    if _seconds(scenario.begins) >= _seconds(scenario.ends) > 0:
        yield Finding(("ends",), "it is not after begins", "a scenario is within one day: end it by 24:00 at the latest")


def _callers(scenario: Scenario) -> Iterator[Finding]:
    if scenario.analog is None and not scenario.queues:
        yield Finding((), "nobody can call: neither queues nor analog lines", "write [[queues]], or [analog]")
    if scenario.analog is not None and (scenario.queues or scenario.team or scenario.calls):
        yield Finding(("analog",), "an analog site has no queues of a PBX", "take out [analog], or [[queues]], [[team]] and [calls]")
    if scenario.queues and scenario.calls is None:
        yield Finding((), "the table [calls] is missing", 'write [calls] with profile = { "08:00" = 60 }')
    if scenario.calls is not None:
        if not scenario.calls.profile:
            yield Finding(("calls", "profile"), "nobody ever calls", 'write at least { "08:00" = 60 }: calls per half-hour from then on')
        for at in scenario.calls.profile:
            yield from _time(("calls", "profile", at), at)


def _queues(scenario: Scenario) -> Iterator[Finding]:
    names, extensions = [queue.name for queue in scenario.queues], [queue.extension for queue in scenario.queues]
    for index, queue in enumerate(scenario.queues):
        if queue.name in names[:index]:
            yield Finding(("queues", index, "name"), f'there are two queues "{queue.name}"', "give each a name of its own")
        if not queue.extension.isdecimal():
            yield Finding(("queues", index, "extension"), f'"{queue.extension}" is no extension', 'write digits in quotes: "601"')
        if queue.extension in extensions[:index]:
            yield Finding(("queues", index, "extension"), f"two queues have the extension {queue.extension}", "give each its own")
    for key, members in scenario.groups.items():
        for index, member in enumerate(members):
            yield from _known(("groups", key, index), member, names)
    for key in scenario.trunks:
        if key not in TRUNKS:
            yield Finding(("trunks", key), "the simulated PBX has no such lines", f"write one of {', '.join(TRUNKS)}")


def _staff(scenario: Scenario) -> Iterator[Finding]:
    names = [queue.name for queue in scenario.queues]
    phones: dict[int, int] = {}
    for index, team in enumerate(scenario.team):
        for at, queue in enumerate(team.queues):
            yield from _known(("team", index, "queues", at), queue, names)
        if team.shift is not None:
            try:
                span_of(team.shift)
            except ValueError as fault:
                yield Finding(("team", index, "shift"), str(fault), 'write it as "08:00-16:00"')
        for phone in range(team.first, team.first + team.count):
            if phone in phones:
                yield Finding(("team", index, "first"), f"phone {phone} is of two teams", "let each team begin beyond the one before")
                break
            phones[phone] = index
        if any(str(phone) == queue.extension for phone in range(team.first, team.first + team.count) for queue in scenario.queues):
            yield Finding(("team", index, "first"), "a phone has the extension of a queue", "choose other numbers")
    if scenario.queues and not scenario.team:
        yield Finding((), "nobody answers", "write [[team]] with count, first and queues")


def _happenings(scenario: Scenario) -> Iterator[Finding]:
    for index, happening in enumerate(scenario.happens):
        yield from _time(("happens", index, "at"), happening.at)
        at_s = _seconds(happening.at)
        if at_s and not _seconds(scenario.begins) <= at_s < _seconds(scenario.ends):
            yield Finding(("happens", index, "at"), "it is outside the scenario's hours", "between begins and ends")
        if (happening.what == "adapter-pull") != (scenario.analog is not None) and happening.what != "link-cut":
            what = "there is no adapter" if scenario.analog is None else "there is no PBX"
            yield Finding(("happens", index, "what"), f"{what} here", "adapter-pull is for analog sites, pbx-* for the others")


_RULES: Final = (_day, _callers, _queues, _staff, _happenings)


def _time(path: tuple[str | int, ...], text: str) -> Iterator[Finding]:
    try:
        seconds_of(text)
    except ValueError as fault:
        yield Finding(path, str(fault), _TIME)


def _seconds(text: str) -> int:
    try:
        return seconds_of(text)
    except ValueError:
        return 0


def _known(path: tuple[str | int, ...], queue: str, names: list[str]) -> Iterator[Finding]:
    if queue not in names:
        yield Finding(path, f'there is no queue "{queue}"', f"there are {', '.join(names) or 'none'}")
