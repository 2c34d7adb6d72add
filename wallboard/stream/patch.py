"""Decides what changed between two floor documents (RFC 7396 merge patch) and whether that is news for a board.

Documents are Structs as the snapshot is, or plain dicts as JSON gives them. In a merge patch null removes a member; in this
contract null and missing both mean *not known*, so two documents are equal when they are equal without their nulls.
Values compare as Python does (1 == 1.0): a member of the snapshot never changes between true and 1.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import astuple

Document = dict[str, Any]

#: Members that tick by themselves: they ride along with any patch, but none is due for them alone (contract, HTTP).
TICKING: Final = frozenset({"time", "longest_wait", "seconds", "utilisation", "coverage", "all_busy_share"})
#: Members of the snapshot whose keys are names of things, which a site may choose: a queue may be called "time".
_NAMED: Final = frozenset({"pbx", "queues", "groups", "sites", "agents", "trunks", "headsets", "channels"})
_ABSENT: Final = object()


def diff(old: Any, new: Any) -> Document:
    """The merge patch that turns `old` into `new`, two dicts or two Structs of one type, nulls aside; empty when nothing changed.

    What is the same object in both is not looked into: whoever changes a part of a document makes a new one.

    >>> diff({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 2, "d": 4}})
    {'b': {'d': 4}}
    >>> diff({"a": 1}, {"b": None})
    {'a': None}
    """
    patch: Document = {}
    if isinstance(new, Struct):
        for key, before, value in zip(new.__struct_fields__, astuple(old), astuple(new), strict=True):
            if before is not value:
                _note(patch, key, before, value)
        return patch
    same_keys = len(old) == len(new)
    for key, value in new.items():
        before = old.get(key)
        if before is None:
            same_keys = False  # perhaps: then look
        if before is not value:
            _note(patch, key, before, value)
    if not same_keys:
        for key, before in old.items():
            if before is not None and new.get(key, _ABSENT) is _ABSENT:
                patch[key] = None
    return patch


def _note(patch: Document, key: str, before: Any, value: Any) -> None:
    """Put into the patch how one member changed, if it did."""
    whole = type(before) is not type(value) or not isinstance(value, dict)
    if whole and before == value:
        return
    if whole and not (isinstance(value, Struct) and type(before) is type(value)):
        patch[key] = value
        return
    inner = diff(before, value)
    if inner:
        patch[key] = inner


def apply(document: Document, patch: Document) -> Document:
    """RFC 7396 section 2, for a patch that is an object: a new document, neither argument touched.

    >>> apply({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": 3}})
    {'b': {'c': 2, 'd': 3}}
    """
    out = dict(document)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict):
            before = out.get(key)
            out[key] = apply(before if isinstance(before, dict) else {}, value)
        else:
            out[key] = value
    return out


def without_nulls(document: Document) -> Document:
    """The document less its null members, at every depth of objects: the form in which two documents are compared.

    >>> without_nulls({"a": None, "b": {"c": None}})
    {'b': {}}
    """
    return {key: without_nulls(value) if isinstance(value, dict) else value for key, value in document.items() if value is not None}


def is_due(patch: Document) -> bool:
    """Whether a patch holds more than what ticks by itself.

    >>> is_due({"time": "…", "queues": {"time": {"longest_wait": 4.0}}})
    False
    >>> is_due({"queues": {"time": {"waiting": 4}}})
    True
    """
    for key, value in patch.items():
        if key in TICKING:
            continue
        if key in _NAMED and isinstance(value, dict):
            if any(not isinstance(inner, dict) or _is_news(inner) for inner in value.values()):
                return True
        elif _is_news(value):
            return True
    return False


def _is_news(value: Any) -> bool:
    if not isinstance(value, dict) or not value:
        return True
    return any(key not in TICKING and _is_news(inner) for key, inner in value.items())
