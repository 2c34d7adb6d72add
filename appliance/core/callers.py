"""Decides what in an event tells of a caller, when two spellings are one number, and what stands in a number's place when it goes.

In its place stands a mark, `~` and ten letters: the same for the same number, so that whoever called twice is still one who called
twice. Which number it was cannot be told from the mark (docs/decisions/0012).
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import b32encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from appliance.core.catalogue import KINDS
from appliance.core.errors import TransientError
from appliance.core.event import Stored, body_from_stored

#: Of fewer digits is an extension or a service, no person's number.
LEAST_DIGITS: Final = 6
#: From so many digits on, what one spelling has in front of the other is a country, a carrier or the way out of the house.
_SUFFIX_DIGITS: Final = 8
_IN_FRONT: Final = 4
#: A number as people and PBXs write it, with what may stand between its digits.
_NUMBER: Final = re.compile(rf"\+?\(?\d(?:[ ()./-]{{0,3}}\d){{{LEAST_DIGITS - 1},}}")
MARK: Final = re.compile(r"~[a-z2-7]{10}")
_MARK_LETTERS: Final = 10
SALT_BYTES: Final = 32
_SALT_FILE: Final = "privacy.salt"
#: Members in which digits are no number: ids and times.
_NOT_NUMBERS: Final = frozenset(
    {"call", "visit", "id", "uniqueid", "call_id", "digest", "start", "started", "from", "until", "expires", "time", "response_topic"}
)
#: Of what a CRM hands over, these members tell of a caller.
_OF_CALLERS: Final = frozenset({"number", "to", "card", "upserts", "deletes", "question", "caller", "dialled"})
#: A caller's own name and words, and what a CRM says of him: no mark stands for them, they go.
_WORDS: Final = frozenset({"name", "question", "card"})
#: Who he is in the CRM: goes with his number, and this stays in its place.
_CUSTOMER: Final = "customer"
_GONE: Final = "~"

#: What takes the place of a number, given its digits; None: it stays.
Change = Callable[[str], str | None]


def digits_of(text: str) -> str:
    """The digits that tell one number from another: without separators, without zeros that only say how it was dialled.

    >>> digits_of("+593 (0)99 123-4567"), digits_of("099 123 4567"), digits_of("00593991234567")
    ('593991234567', '991234567', '593991234567')
    """
    return re.sub(r"\D", "", text.replace("(0)", "")).lstrip("0")


def same_number(one: str, other: str) -> bool:
    """Whether two rows of digits (`digits_of`) are one number, one of them perhaps without its country.

    >>> same_number("593991234567", "991234567"), same_number("593991234567", "991234568"), same_number("234567", "99234567")
    (True, False, False)
    """
    short, long = sorted((one, other), key=len)
    if len(short) < LEAST_DIGITS:
        return False
    return short == long or (len(short) >= _SUFFIX_DIGITS and long.endswith(short) and len(long) - len(short) <= _IN_FRONT)


def changed(stored: Stored, change: Change, *, everywhere: bool = False) -> bytes | None:
    """The body of the same event with its callers' numbers changed; None where nothing changes.

    `everywhere`: numbers in any text, also where the catalogue expects none; then a caller's name goes only beside a number that changed.
    """
    data = msgspec.json.decode(stored.data)
    members = _CALLERS.get(stored.kind, {})
    texts = _Texts(change)
    out: dict[str, Any] = {}
    for name, value in data.items():
        if name in _NOT_NUMBERS or name == _CUSTOMER or not (everywhere or name in members):
            out[name] = value
        elif members.get(name) == "object" and not everywhere:
            out[name] = texts.of_object(value)
        else:
            out[name] = texts.of(value)
    words = [name for name in _WORDS if members.get(name) and out.get(name)]
    if words and (texts.changed or not everywhere):
        for name in words:
            del out[name]
        texts.changed = True
    if members.get(_CUSTOMER) and out.get(_CUSTOMER, _GONE) != _GONE and (texts.changed or not everywhere):
        out[_CUSTOMER], texts.changed = _GONE, True
    if not texts.changed:
        return None
    row = Stored(
        stored.kind,
        stored.source,
        stored.wall_ns,
        stored.mono_ns,
        stored.boot,
        stored.clock,
        msgspec.Raw(msgspec.json.encode(out)),
        stored.origin,
    )
    return body_from_stored(row)


class _Texts:
    """Changes numbers in whatever JSON holds, and remembers whether any did."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self.changed = False

    def of(self, value: Any) -> Any:
        """The same value with its numbers changed."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.of(one) for one in value]
        if isinstance(value, dict):
            return {name: one if name in _NOT_NUMBERS else self.of(one) for name, one in value.items()}
        return value

    def of_object(self, value: Any) -> Any:
        """What a CRM handed over: of it only what tells of a caller."""
        if isinstance(value, list):
            return [self.of_object(one) for one in value]
        if isinstance(value, dict):
            return {name: self.of(one) if name in _OF_CALLERS else self.of_object(one) for name, one in value.items()}
        return value

    def _text(self, text: str) -> str:
        out = MARK.sub(self._mark, _NUMBER.sub(self._number, text))
        self.changed = self.changed or out != text
        return out

    def _number(self, found: re.Match[str]) -> str:
        return self._change(digits_of(found[0])) or found[0]

    def _mark(self, found: re.Match[str]) -> str:
        return self._change(found[0]) or found[0]


def _shape(kind: inspect.Type, private: bool = False) -> str:
    """`text`, `object`, or empty where a member tells nothing of callers."""
    if isinstance(kind, inspect.Metadata):
        return _shape(kind.type, private or (kind.extra_json_schema or {}).get("x-privacy") == "caller")
    if isinstance(kind, inspect.UnionType):
        return next((shape for one in kind.types if (shape := _shape(one, private))), "")
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return _shape(kind.item_type, private)
    if not private:
        return ""
    return "object" if isinstance(kind, inspect.DictType) else "text" if isinstance(kind, inspect.StrType) else ""


def _members() -> Iterator[tuple[str, dict[str, str]]]:
    for name, kind in KINDS.items():
        row = inspect.type_info(kind.type)
        if isinstance(row, inspect.StructType):
            found = {field.encode_name: shape for field in row.fields if (shape := _shape(field.type))}
            if found:
                yield name, found


#: By kind, which members tell of a caller: the catalogue's word.
_CALLERS: Final[dict[str, dict[str, str]]] = dict(_members())
KINDS_OF_CALLERS: Final = frozenset(_CALLERS)


class Marks:
    """The marks of one salt."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def of(self, digits: str) -> str | None:
        """The mark of a number; None for what is none, or a mark already."""
        if not digits.isdecimal() or len(digits) < LEAST_DIGITS:
            return None
        mac = hmac.digest(self._salt, digits.encode(), "sha256")
        return "~" + b32encode(mac).decode().lower()[:_MARK_LETTERS]

    def of_spellings(self, digits: str) -> frozenset[str]:
        """The marks of every spelling that `same_number` takes for this one: without what stands in front, and with any country."""
        cores = [digits[at:] for at in range(_IN_FRONT + 1) if at == 0 or len(digits) - at >= _SUFFIX_DIGITS]
        longer = [f"{front}{digits}" for front in range(1, 10**_IN_FRONT)] if len(digits) >= _SUFFIX_DIGITS else []
        return frozenset(mark for one in (*cores, *longer) if (mark := self.of(one)))


def new_mark() -> str:
    """A mark of no number at all."""
    return "~" + b32encode(os.urandom(SALT_BYTES)).decode().lower()[:_MARK_LETTERS]


def salt_of(folder: Path) -> bytes:
    """The salt that the box keeps beside its journal, made at the first need. Raises TransientError where it cannot be kept or read."""
    path = folder / _SALT_FILE
    try:
        with suppress(FileNotFoundError):
            held = path.read_bytes()
            if len(held) == SALT_BYTES:
                return held
            path.unlink()
        part = folder / f"{_SALT_FILE}.{os.urandom(6).hex()}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, os.urandom(SALT_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(part, path)
            part.unlink()
        except FileExistsError:  # another process was first: its salt is the box's
            part.unlink()
        except OSError:  # a file system without links
            part.replace(path)
        return path.read_bytes()
    except OSError as fault:
        raise TransientError(f"{path} cannot be kept: {fault.strerror}; callers' numbers stay as they are until it can") from fault


def held_salt(folder: Path) -> bytes:
    """The same for whoever only reads: nothing is made. Raises TransientError where there is none that he may read."""
    path = folder / _SALT_FILE
    try:
        held = path.read_bytes()
    except OSError as fault:
        raise TransientError(f"{path} cannot be read: {fault.strerror}") from fault
    if len(held) != SALT_BYTES:
        raise TransientError(f"{path} is no salt")
    return held
