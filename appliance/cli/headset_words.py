"""Decides how one change at a headset is said in a terminal: in a few words, with how it is known, and a colour."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetFault, HeadsetFinding, HeadsetHook, HeadsetMute
from wallboard.text import cleaned


def words_of_change(data: Struct) -> tuple[str, str] | None:  # noqa: PLR0911 - one line a kind
    """The words and their colour ("": none); None for what is no change, as the sums of a minute."""
    match data:
        case HeadsetAttached():
            model = f" {data.vendor_id}:{data.product_id}" if data.vendor_id else ""
            return f"plugged in  {cleaned(data.product or '')}{model}", "bold"
        case HeadsetDetached():
            return "unplugged", "amber"
        case HeadsetHook():
            text = {"off": "off-hook", "on": "on-hook", "unknown": "hook not known"}[data.hook]
            return f"{text}  ({data.by})" if data.hook != "unknown" else text, "green" if data.hook == "off" else ""
        case HeadsetMute():
            text = "mute not known" if data.mute is None else "muted" if data.mute else "live"
            return f"{text}  ({data.by})" if data.mute is not None else text, "red" if data.mute else ""
        case HeadsetFault():
            return f"fault: {cleaned(data.fault)}", "red"
        case HeadsetFinding():
            return f"{data.finding}{' is over' if data.over else ''}", "" if data.over else "amber"
    return None


def words_of_report(report: bytes, said: Mapping[str, int]) -> str:
    """A report's bytes, and what of it is on.

    >>> words_of_report(b"\\x02\\x03", {"hook": 1, "mute": 1, "flash": 0})
    '02 03  hook mute'
    """
    on = " ".join(name if value == 1 else f"{name}={value}" for name, value in said.items() if value) or "all off"
    return f"{report.hex(' ')}  {on}"
