"""Makes a Pi's device tree fit a box: the SPI bus on, the radios off. Merged here, since Debian's trees have no symbols and no parameters.

Raspberry Pi's own `dtparam=spi=on` and `overlays/*.dtbo` are made for its own kernel's trees and do nothing to Debian's (config.txt
documentation, "Device trees, overlays, and parameters").
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from filesystem import run

_HERE: Final = Path(__file__).parent / "pi"
_OVERLAYS: Final = ("spi", "no-radio")
#: A Compute Module 3 has no radio to switch off and does not start from this disk.
_LEFT_OUT: Final = "cm3"


def trees(folder: Path) -> dict[str, bytes]:
    """Every board's tree in a folder of the kernel package, by its name. Raises SystemExit with dtc's or fdtoverlay's words."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        made = [str(Path(scratch, f"{name}.dtbo")) for name in _OVERLAYS]
        for name, overlay in zip(_OVERLAYS, made, strict=True):
            run("dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", overlay, str(_HERE / f"{name}.dts"))
        for path in sorted(folder.glob("bcm2*-rpi-*.dtb")):
            if _LEFT_OUT not in path.name:
                merged = Path(scratch, path.name)
                run("fdtoverlay", "-i", str(path), "-o", str(merged), *made)
                found[path.name] = merged.read_bytes()
    if not found:
        raise SystemExit(f"{folder} holds no Raspberry Pi's device tree")
    return found
