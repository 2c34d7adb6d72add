"""Decides how a report descriptor is written, item by item, from a field table and the HID Usage Tables. Simulated headsets have such."""

from __future__ import annotations

#: Flags of a main item: variable and absolute, no preferred state; variable and relative; an array.
LEVEL, PRESS, ARRAY, CONSTANT = 0x22, 0x06, 0x00, 0x01
_TAGS = {
    "input": 0x80,
    "output": 0x90,
    "collection": 0xA0,
    "feature": 0xB0,
    "end": 0xC0,
    "page": 0x04,
    "low": 0x14,
    "high": 0x24,
    "size": 0x74,
    "report": 0x84,
    "count": 0x94,
    "push": 0xA4,
    "pop": 0xB4,
    "usage": 0x08,
    "first": 0x18,
    "last": 0x28,
    "delimiter": 0xA8,
}


def item(name: str, value: int = 0, size: int | None = None) -> bytes:
    """One short item, as short as its value allows unless `size` says otherwise."""
    if name in {"end", "push", "pop"}:
        return bytes((_TAGS[name],))
    signed = name in {"low", "high"}
    if size is None:
        size = next(n for n in (1, 2, 4) if (-(1 << 8 * n - 1) <= value < 1 << 8 * n - 1 if signed else value < 1 << 8 * n))
    return bytes((_TAGS[name] | (0, 1, 2, 0, 3)[size],)) + (value & (1 << 8 * size) - 1).to_bytes(size, "little")


def said(*parts: tuple[str, int] | str) -> bytes:
    """Items in a row: `("usage", 0x20)`, or a name alone for those without data."""
    return b"".join(item(part) if isinstance(part, str) else item(*part) for part in parts)


def application(usage: int, *content: bytes, page: int | None = None) -> bytes:
    """An application collection; `usage` with its page in the upper half."""
    return (
        said(("page", usage >> 16 if page is None else page), ("usage", usage & 0xFFFF), ("collection", 1))
        + b"".join(content)
        + item("end")
    )


def report(report_id: int) -> bytes:
    """What follows stands in the report of this id."""
    return item("report", report_id)


def bits(kind: str, *usages: int, flags: int = LEVEL, size: int = 1, low: int = 0, high: int = 1) -> bytes:
    """One main item of a bit per usage, all of one page."""
    head = said(("page", usages[0] >> 16), ("low", low), ("high", high), ("size", size), ("count", len(usages)))
    return head + said(*(("usage", usage & 0xFFFF) for usage in usages), (kind, flags))


def padding(kind: str, count: int) -> bytes:
    """So many bits that mean nothing."""
    return said(("size", 1), ("count", count), (kind, CONSTANT))


def keys(first: int, last: int, *, size: int = 4, high: int = 11) -> bytes:
    """An array that tells which of the keys is down."""
    return said(
        ("page", first >> 16),
        ("first", first & 0xFFFF),
        ("last", last & 0xFFFF),
        ("low", 0),
        ("high", high),
        ("size", size),
        ("count", 1),
        ("input", ARRAY),
    )
