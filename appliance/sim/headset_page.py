"""Decides what docs/supported-headsets.md says: written from the simulated models and the table of quirks, by `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from appliance.sim.headset_model import MODELS, Model
from headsets.descriptor import parse
from headsets.layout import Control, HeadsetLayout, layout_of
from headsets.quirks import TABLE, quirk_of

#: Names as people know them, of the vendor numbers that the table has.
VENDORS: Final = {
    "0b0e": "Jabra (GN)",
    "047f": "Plantronics, Poly",
    "1395": "Sennheiser, EPOS",
    "046d": "Logitech",
    "095d": "Polycom",
    "06e6": "TigerJet",
    "18d1": "Google",
    "291a": "Anker",
}
#: What a member of `Quirk` says, for a person; `{}` is its value.
WORDS: Final[dict[str, str]] = {
    "hook": "hook is a {}",
    "mute": "mute is a {}",
    "hook_on": "the hook counts at its {}",
    "mute_on": "mute counts at its {}",
    "patience_s": "a press without an answer is given up after {} s",
    "reverts": "takes back what no host answers",
    "mute_led": "mute is shown by its {} lamp",
    "mute_in_call": "mutes in a call only",
    "own_mute": "mutes by itself, whatever the host says",
    "wireless": "a base or dongle, there without its headset",
    "off_hook_gates_mute": "its mute lamp is deaf while on-hook",
    "on_line": "a call is shown by its on-line lamp too",
    "ignore_s": "its hook is not heard for {} s after a write",
}
_MODES: Final = {"toggle": "press"}
_HEAD: Final = """\
# Supported headsets

<!-- Written by `make docs` from the simulated models and the table of quirks in the code. Change those. -->

Any USB headset works whose report descriptor has a telephony collection with a hook switch or a mute: the descriptor says where
they are, so nothing depends on this list. It tells what was tried, and which models are known to do other than their descriptor
says. How to set headsets up: [headsets.md](headsets.md).

**No hardware was seen by us.** *Simulated* means: a descriptor rebuilt from public field tables and the HID usage tables, and
habits as public sources tell them. The reader of descriptors is also tested on real ones of eight makers, which are not part of
this project. A model of yours becomes a fixture with `callfloor headset record`: [headsets.md](headsets.md#a-model-of-your-own).
"""


def page() -> str:
    """All of the page."""
    lines = [
        _HEAD,
        "## Tried",
        "",
        "| model | USB ids | hook | mute | lamps and bell | habits | seen |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += map(_tried, MODELS.values())
    lines += ["", "`callfloor sim headset --model NAME` simulates: " + ", ".join(f"`{name}`" for name in MODELS) + ".", ""]
    lines += [
        "## Known to differ",
        "",
        "What a model does other than its descriptor says, and who says so. Nobody tried these rows on hardware.",
    ]
    rows = sorted(TABLE, key=lambda row: list(VENDORS).index(row.vendor_id))
    for vendor_id, group in groupby(rows, key=lambda row: row.vendor_id):
        lines += ["", f"### {VENDORS[vendor_id]}", "", f"Vendor {vendor_id}.", "", "| products | differs | source |", "| --- | --- | --- |"]
        lines += [f"| {_products(row.product_ids)} | {'; '.join(in_words(row.differs))} | {_cell(row.source)} |" for row in group]
    return "\n".join(lines) + "\n"


def in_words(differs: Mapping[str, Any]) -> Iterator[str]:
    """What differs, for a person.

    >>> list(in_words({"mute": "level", "reverts": True, "patience_s": 3.0}))
    ['mute is a level', 'takes back what no host answers', 'a press without an answer is given up after 3 s']
    """
    for name, value in differs.items():
        if value is not False:
            yield WORDS[name].format(f"{value:g}" if isinstance(value, float) else _mode(value))


def _tried(model: Model) -> str:
    layout = layout_of(parse(model.descriptor))
    quirk = quirk_of(model.vendor_id, model.product_id)
    cells = (
        model.product.removesuffix(" (simulated)"),
        f"{model.vendor_id}:{model.product_id}",
        _control(layout.hook, quirk.hook),
        _control(layout.mute, quirk.mute),
        ", ".join(_shown(layout)) or "none",
        model.about,
        "*simulated*",
    )
    return f"| {' | '.join(map(_cell, cells))} |"


def _control(control: Control | None, instead: str | None) -> str:
    if control is None:
        return "none"
    place = f"report {control.report_id}" if control.report_id else "no report ids"
    return f"{_mode(instead or control.mode)}, {place}, bit {control.offset}" + (" (by the table below)" if instead else "")


def _mode(mode: str) -> str:
    return _MODES.get(mode, mode)


def _shown(layout: HeadsetLayout) -> Iterable[str]:
    return (name.replace("_", "-") for name in layout.leds)


def _products(ids: frozenset[str]) -> str:
    return " ".join(sorted(ids)) or "all"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(path: Path) -> None:
    """Write the page; one that is right already is left alone."""
    text = page()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: {path}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
