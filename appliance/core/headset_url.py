"""Decides what the url of a seat's headset means: a port, a model, one headset by its serial number, or a simulated one. Pure."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

_PORT: Final = r"[1-9]\d{0,2}-[1-9]\d{0,2}(?:\.[1-9]\d{0,2}){0,5}"
_MODEL: Final = r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}"
_USB: Final = re.compile(rf"usb:(?:(?P<port>{_PORT})|(?P<model>{_MODEL})(?:@(?P<at>{_PORT})|:(?P<serial>[^\x00-\x1f\x7f]{{1,64}}))?)")
_LOOSE: Final = re.compile(r"usb:(?://)?(?:0x)?([0-9a-fA-F]{1,4})[:.](?:0x)?([0-9a-fA-F]{1,4})")


class HeadsetUrl(Struct, frozen=True):
    """Which headset is meant; what is None does not matter. `model` is `vid:pid` in lower case, `sim` the path of a socket."""

    port: str | None = None
    model: str | None = None
    serial: str | None = None
    sim: str | None = None

    @property
    def rank(self) -> int:
        """How closely it names one: a headset that several urls fit belongs to the highest, so 3 serial, 2 port, 1 model."""
        return 3 if self.serial is not None else 2 if self.port is not None else 1

    def fits(self, port: str, model: str, serial: str | None) -> bool:
        """Whether a plugged USB headset is one that is meant.

        >>> headset_url("usb:0b0e:0307").fits("1-1.2", "0b0e:0307", "A1"), headset_url("usb:1-1").fits("1-1.2", "0b0e:0307", None)
        (True, False)
        """
        return self.sim is None and (
            (self.port is None or self.port == port)
            and (self.model is None or self.model == model)
            and (self.serial is None or self.serial == serial)
        )

    def __str__(self) -> str:
        if self.sim is not None:
            return f"sim:{self.sim}"
        if self.model is None:
            return f"usb:{self.port}"
        return f"usb:{self.model}" + (f"@{self.port}" if self.port else "") + (f":{self.serial}" if self.serial else "")


def headset_url(text: str) -> HeadsetUrl:
    """Read a url. Raises ValueError whose text is the mend.

    >>> headset_url("usb:1-1.2")
    HeadsetUrl(port='1-1.2', model=None, serial=None, sim=None)
    >>> str(headset_url("usb:0B0E:0307:A1")), str(headset_url("usb:0b0e:0307@1-1.2")), str(headset_url("sim:/run/a.sock"))
    ('usb:0b0e:0307:A1', 'usb:0b0e:0307@1-1.2', 'sim:/run/a.sock')
    """
    if text.startswith("sim:") and text[4:] and text.isprintable():
        return HeadsetUrl(sim=text[4:])
    found = _USB.fullmatch(text)
    if found:
        model = found["model"]
        return HeadsetUrl(found["port"] or found["at"], model.lower() if model else None, found["serial"])
    loose = _LOOSE.match(text)
    if loose and not re.match(rf"usb:{_MODEL}", text):
        raise ValueError(f'write vendor and product as four hex digits each: "usb:{loose[1].lower():0>4}:{loose[2].lower():0>4}"')
    raise ValueError('write what `callfloor devices` prints: "usb:1-1.2" (a port), "usb:0b0e:0307:SERIAL" or "usb:0b0e:0307"')
