"""What the box draws on a screen of its own (HDMI): which board, with which browser, and when the screen is dark."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class KioskConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The screen at the box itself. `url`: another box's board; None: this box's own. `off`: spans of local time without a picture."""

    url: str | None = None
    board: str | None = None
    browser: Literal["cog", "chromium"] = "cog"
    off: tuple[str, ...] = ()
