"""Decides how `callfloor devices` looks in a terminal: a table for each kind, what is wrong below its row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from appliance.cli.devices_row import Kind, Row, Seen
from appliance.cli.terminal import coloured

_TITLES: Final[dict[Kind, str]] = {"headset": "USB headsets", "serial": "Serial ports", "spi": "SPI (LED chains)", "gpio": "GPIO chips"}
_HEADSET: Final = ("url", "for", "port", "product", "hook", "mute", "held by")
_OTHER: Final = ("url", "for", "port", "product", "held by")
_NOT_KNOWN: Final = "?"
_NOTHING: Final = "–"


def lines_of(seen: Seen) -> list[str]:
    """The whole screen."""
    out: list[str] = []
    for kind, title in _TITLES.items():
        rows = [row for row in seen.rows if row.kind == kind]
        out += [coloured(title, "bold") if rows else f"{coloured(title, 'bold')}  {coloured('none', 'dim')}"]
        out += _table(_HEADSET if kind == "headset" else _OTHER, rows)
    if any(_NOT_KNOWN in (_hook(row)[0], _mute(row)[0]) for row in seen.rows if row.kind == "headset"):
        out += [coloured(f"  {_NOT_KNOWN}  not known: nobody watches it, or it has not told yet", "dim")]
    return [*out, *(["", *(coloured(note, "amber") for note in seen.notes)] if seen.notes else [])]


def _table(heads: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    cells = [_cells(heads, row) for row in rows]
    wide = [max(len(text) for text, _ in column) for column in zip(*[[(head, "") for head in heads], *cells], strict=True)]
    yield coloured("  " + "  ".join(f"{head:<{width}}" for head, width in zip(heads, wide, strict=True)).rstrip(), "dim")
    for row, line in zip(rows, cells, strict=True):
        padded = [(f"{text:<{width}}", colour) for (text, colour), width in zip(line, wide, strict=True)]
        padded[-1] = (padded[-1][0].rstrip(), padded[-1][1])
        yield "  " + "  ".join(coloured(text, colour) if colour else text for text, colour in padded).rstrip()
        if row.fault:
            yield coloured(f"    ! {row.fault}", "red")
            yield f"      mend: {row.mend}"
        if row.findings:
            yield coloured(f"    ! {', '.join(row.findings)}", "amber")


def _cells(heads: Sequence[str], row: Row) -> list[tuple[str, str]]:
    product = " ".join(filter(None, (_maker(row), row.product))) or _NOTHING
    if row.vendor_id and row.vendor_id not in row.url:
        product += f" {row.vendor_id}:{row.product_id}" + (f", serial {row.serial}" if row.serial else "")
    use = ", ".join(row.use) or (row.seat or _NOTHING)
    of = {
        "url": (row.url, ""),
        "for": (f"{use} ({row.agent})" if row.agent else use, ""),
        "port": (row.port or _NOTHING, ""),
        "product": (product, "") if row.there else ("not there", "red"),
        "hook": _hook(row),
        "mute": _mute(row),
        "held by": (row.holder or ("nobody" if row.there and not row.url.startswith("sim:") else _NOTHING), ""),
    }
    return [of[head] for head in heads]


def _maker(row: Row) -> str | None:
    """The maker, unless the product's name begins with it anyway."""
    return None if row.maker and row.product and row.product.lower().startswith(row.maker.lower()) else row.maker


def _hook(row: Row) -> tuple[str, str]:
    if row.hook in (None, "unknown"):
        return _NOT_KNOWN if row.there else _NOTHING, "dim"
    return ("off-hook", "green") if row.hook == "off" else ("on-hook", "")


def _mute(row: Row) -> tuple[str, str]:
    if row.mute is None:
        return _NOT_KNOWN if row.there else _NOTHING, "dim"
    return ("muted", "red") if row.mute else ("live", "")
