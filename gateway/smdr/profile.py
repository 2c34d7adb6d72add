"""Decides what a profile may say: how one make's call records look and what they mean, as data; ours and a site's own, in TOML.

A line is told by its columns (1-based, both ends included; what lies between them must be blank) or by a pattern, a regular expression
with named groups, in which `%date%`, `%time%` and `%clock%` stand for the usual shapes and blanks do not count. See docs/smdr.md.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from appliance.core.errors import MisconfiguredError
from gateway.smdr.moment import Order
from gateway.smdr.record import FLAGS, SPANS, TEXTS
from gateway.smdr.span import Form

#: What is known of the format: real lines with their spacing; real lines whose blanks were lost; descriptions alone.
Known = Literal["verbatim", "spacing lost", "manuals", "site"]
MAX_FILE_BYTES: Final = 256 * 1024
#: What the words between per cent signs stand for.
SHAPES: Final = {
    "%date%": r"\d{1,4}[/.\-]\d{1,2}(?:[/.\-]\d{2,4})?",
    "%time%": r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[AaPp][Mm]?)?",
    "%clock%": r"\d{1,4}:\d\d(?:[:;']\d\d(?:\.\d+)?)?[\"]?",
}
_COLUMNS: Final = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?")
_SPECIAL: Final = frozenset(("direction", "time_is", "party"))


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where every field of `when` fits its pattern whole, `set` tells these members: a word, true or false, a number, or `@field`."""

    when: dict[str, str] = field(default_factory=dict)
    set: dict[str, str | bool | float]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that is part of another: what the pattern's first group finds at its beginning."""

    of: str
    pattern: str


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of line. `need`: each entry names fields, `|` between, of which one at least must be there; `least`: so many CSV fields."""

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    check: dict[str, str] = field(default_factory=dict)
    pattern: str | None = None
    csv: tuple[str, ...] = ()
    least: Annotated[int, Meta(ge=1, le=200)] = 2
    parts: dict[str, Part] = field(default_factory=dict)
    need: tuple[str, ...] = ()
    continues: bool = False
    begins: bool = False
    closes: bool = False
    day: bool = False
    rules: tuple[Rule, ...] = ()


class Chain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records of one call passed on: field `by` fits `opens` where it begins, `closes` where it goes on or ends; `key` is the same."""

    by: str
    opens: str
    closes: str
    key: str
    number: str


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One make's records, as its file has them. `more`: rules that follow those of every line."""

    name: Annotated[str, Meta(pattern="^[a-z0-9._-]{1,64}$")]
    title: str
    known: Known = "site"
    source: str = ""
    time: Literal["start", "end"] = "start"
    order: Order = "mdy"
    duration: Form = "clock"
    ring: Form = "clock"
    skip: tuple[str, ...] = ()
    line: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=64)]
    more: tuple[Rule, ...] = ()
    chain: Chain | None = None


class _Ready(Struct, frozen=True):
    when: tuple[tuple[str, re.Pattern[str]], ...]
    set: tuple[tuple[str, str | bool | float], ...]


class ReadyLine(Struct, frozen=True):
    """A line, ready to be tried: a regular expression, or columns of which `gaps` must be blank, or the fields of a CSV line."""

    spec: Line
    regex: re.Pattern[str] | None
    slices: tuple[tuple[str, int, int], ...]
    gaps: tuple[tuple[int, int], ...]
    parts: tuple[tuple[str, str, re.Pattern[str]], ...]
    check: tuple[tuple[str, re.Pattern[str]], ...]
    need: tuple[tuple[str, ...], ...]
    rules: tuple[_Ready, ...]


class ReadyProfile(Struct, frozen=True):
    """A profile, ready to be used."""

    spec: Profile
    skip: re.Pattern[str] | None
    lines: tuple[ReadyLine, ...]
    #: The same lines by letters of either case, made when the first text asks for them (`match.find`).
    loose: list[ReadyLine] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name, as records and the configuration have it."""
        return self.spec.name


def profile_from_file(path: Path) -> ReadyProfile:
    """Read a profile. Raises MisconfiguredError, naming the file and what is wrong."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise MisconfiguredError(f"{path}: larger than any profile ({MAX_FILE_BYTES} bytes); name the right file")
        return profile_from_toml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as fault:
        raise MisconfiguredError(f"{path}: {getattr(fault, 'strerror', None) or fault}; name a profile's file") from fault


def profile_from_toml(text: str, where: str) -> ReadyProfile:
    """As `profile_from_file`, from the text of the file called `where`."""
    try:
        spec = msgspec.convert(tomllib.loads(text), Profile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise MisconfiguredError(f"{where}: {fault}; see docs/smdr.md, A profile of your own") from fault
    return ready(spec, where)


def ready(spec: Profile, where: str) -> ReadyProfile:
    """Compile a profile. Raises MisconfiguredError for what can never fit or means nothing."""
    try:
        skip = re.compile("|".join(f"(?:{part})" for part in spec.skip), re.IGNORECASE) if spec.skip else None
    except re.error as fault:
        raise MisconfiguredError(f"{where}: skip: {fault}; mend the pattern") from fault
    more = tuple(_rule(rule, f"{where}: more", None) for rule in spec.more)
    return ReadyProfile(spec, skip, tuple(_line(line, f'{where}: line "{line.name}"', more) for line in spec.line))


def _line(line: Line, where: str, more: tuple[_Ready, ...]) -> ReadyLine:
    ways = bool(line.columns) + (line.pattern is not None) + bool(line.csv)
    if ways != 1:
        raise MisconfiguredError(f"{where}: it needs columns, a pattern or csv, one of the three")
    regex = _pattern(line.pattern, where, re.VERBOSE) if line.pattern is not None else None
    slices = tuple(sorted((_slice(name, text, where) for name, text in line.columns.items()), key=lambda each: each[1]))
    gaps, at = [], 0
    for name, begin, end in slices:
        if begin < at:
            raise MisconfiguredError(f"{where}: column {name} begins within the one before it")
        if begin > at:
            gaps.append((at, begin))
        at = end
    parts = tuple((name, part.of, _pattern(part.pattern, f"{where}: part {name}")) for name, part in line.parts.items())
    if any(pattern.groups != 1 for _, _, pattern in parts):
        raise MisconfiguredError(f"{where}: the pattern of a part has one group, in ( )")
    fields = set(line.parts) | (set(regex.groupindex) if regex is not None else {name for name, _, _ in slices} | set(line.csv))
    plain = {re.sub(r"_\d$", "", name) for name in fields}
    check = tuple((name, _pattern(text, f"{where}: check {name}")) for name, text in line.check.items())
    need = tuple(tuple(each.split("|")) for each in line.need)
    for name in [*line.check, *(name for each in need for name in each)]:
        if name not in plain:
            raise MisconfiguredError(f"{where}: there is no field {name}; there are: {', '.join(sorted(plain))}")
    rules = tuple(_rule(rule, where, plain) for rule in line.rules)
    return ReadyLine(line, regex, slices, tuple(gaps), parts, check, need, (*rules, *more))


def _slice(name: str, text: str, where: str) -> tuple[str, int, int]:
    m = _COLUMNS.fullmatch(text)
    if m is None or not 1 <= int(m[1]) <= int(m[2] or m[1]):
        raise MisconfiguredError(f'{where}: column {name} = "{text}"; write it as "14-18", counted from 1')
    return name, int(m[1]) - 1, int(m[2] or m[1])


def _pattern(text: str, where: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    for name, shape in SHAPES.items():
        text = text.replace(name, shape)
    try:
        return re.compile(text, flags | re.ASCII)
    except (re.error, OverflowError, RecursionError) as fault:
        raise MisconfiguredError(f"{where}: {fault}; mend the pattern") from fault


def _rule(rule: Rule, where: str, fields: set[str] | None) -> _Ready:
    for member, value in rule.set.items():
        if member not in FLAGS | SPANS | TEXTS | _SPECIAL:
            known = ", ".join(sorted(FLAGS | SPANS | TEXTS | _SPECIAL))
            raise MisconfiguredError(f"{where}: a rule sets {member}, which records do not have; they have: {known}")
        named = value[1:] if isinstance(value, str) and value.startswith("@") else None
        if named is not None and fields is not None and named not in fields:
            raise MisconfiguredError(f"{where}: a rule takes {member} from {value}; there is no such field")
        fits = isinstance(value, bool) if member in FLAGS else isinstance(value, str) or (member in SPANS and not isinstance(value, bool))
        if not fits:
            raise MisconfiguredError(f"{where}: a rule sets {member} to {value!r}, which it cannot be")
    if rule.set.get("direction", "in") not in ("in", "out", "internal") or rule.set.get("time_is", "end") not in ("start", "end"):
        raise MisconfiguredError(f"{where}: direction is in, out or internal; time_is is start or end")
    when = tuple((name, _pattern(text, f"{where}: rule on {name}")) for name, text in rule.when.items())
    for name, _ in when:
        if fields is not None and name not in fields:
            raise MisconfiguredError(f"{where}: a rule looks at {name}; there is no such field")
    return _Ready(when, tuple(rule.set.items()))


def fields_of(values: dict[str, Any]) -> dict[str, str]:
    """Fields as found, the alternatives of one (`number`, `number_2`) put together, blanks and None left out."""
    out: dict[str, str] = {}
    for name, value in values.items():
        if value is not None and (text := value.strip()):
            out.setdefault(name[:-2] if name[-2:-1] == "_" and name[-1].isdigit() else name, text)
    return out
