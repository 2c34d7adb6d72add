"""Decides how each browser is begun: on the compositor cage, one page on the whole screen, nothing kept, nothing asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: Printed and sent nowhere: no first run, no bubbles, no updates of its own, no crash dialog after a power cut.
_CHROMIUM: Final = (
    "chromium", "--kiosk", "--ozone-platform=wayland", "--no-first-run", "--noerrdialogs", "--incognito", "--disable-infobars",
    "--disable-session-crashed-bubble", "--disable-component-update", "--disable-background-networking", "--disable-sync",
    "--disable-features=Translate,LocalNetworkAccessChecks", "--password-store=basic", "--check-for-update-interval=31536000",
    "--no-memcheck", "--user-data-dir=/run/callfloor-kiosk/chromium", "--disk-cache-size=1048576",
)  # fmt: skip
_COG: Final = ("cog", "--platform=wl", "--bg-color=black", "--webprocess-failure=exit")


def command(browser: str, url: str) -> list[str]:
    """The words of the compositor with the browser in it; `#kiosk` tells the page to say when it painted."""
    words = _CHROMIUM if browser == "chromium" else _COG
    return ["cage", "-s", "--", *words, f"{url}#kiosk"]


#: Below /sys: what the kernel has of screens and of processors that draw.
_DRAWN: Final = Path("/sys/class/drm")
#: A virtual machine's adapter: it has a render node, and whether anything draws behind it nobody can tell; Debian 12's Mesa dies where
#: nothing does.
_VIRTUAL: Final = frozenset({"virtio_gpu", "virtio-pci"})


def renderer(drawn: Path = _DRAWN) -> str | None:
    """What the compositor is told to draw with: `pixman` (the processor) where no graphics processor draws, None: it finds one itself."""
    nodes = sorted(drawn.glob("renderD*"))
    return None if any((node / "device/driver").resolve().name not in _VIRTUAL for node in nodes) else "pixman"


def environment(browser: str, given: Mapping[str, str], drawn: Path = _DRAWN) -> dict[str, str]:
    """What the browser's processes find in their environment."""
    made = {
        **given,
        # No keyboard or mouse is no reason not to begin (cage issue 239); the pointer is not shown.
        "WLR_LIBINPUT_NO_DEVICES": "1",
        "LIBSEAT_BACKEND": given.get("LIBSEAT_BACKEND", "seatd"),
        "XCURSOR_SIZE": "1",
        # cage ends where it finds no Xwayland, which nothing here would ever start.
        "WLR_XWAYLAND": "/bin/false",
        # Nothing is kept, and this user's home cannot be written to.
        "MESA_SHADER_CACHE_DISABLE": "true",
    }
    if "WLR_RENDERER" not in given and (chosen := renderer(drawn)) is not None:
        made["WLR_RENDERER"] = chosen
    if browser == "cog":
        # The page changes a few texts a second: interpreted scripts are quick enough, and nobody can make them into machine code.
        made |= {"JSC_useJIT": "0", "COG_PLATFORM_WL_VIEW_FULLSCREEN": "1"}
        # Else EGL finds out by mincore(2), which the unit forbids.
        made["EGL_PLATFORM"] = "wayland"
    return made
