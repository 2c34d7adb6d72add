"""Decides which board this is, by the device tree, else by the PC's own description; and whether it is a Raspberry Pi."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.box.kernel_file import text_of

ROOT: Final = Path("/")


def model_of(root: Path = ROOT) -> str:
    """As its maker calls it; empty: not told."""
    tree = text_of(root / "proc/device-tree/model") or text_of(root / "sys/firmware/devicetree/base/model")
    if tree:
        return tree
    desk = root / "sys/class/dmi/id"
    return " ".join(part for part in (text_of(desk / "sys_vendor"), text_of(desk / "product_name")) if part)


def is_pi(root: Path = ROOT) -> bool:
    """Whether the firmware, the watchdog and the limits of a Raspberry Pi are to be reckoned with."""
    return model_of(root).startswith("Raspberry Pi")
