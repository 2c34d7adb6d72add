"""Decides how each kind of modem is set up: which commands, in which order, and what may be expected of it then. A table.

No command takes a line off its hook. `ATS0=0` stands in every set-up: a modem must never answer by itself.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Profile(Struct, frozen=True, kw_only=True):
    """One chipset. `caller_id`: tried in turn until one is accepted; `hook`: makes it tell when a phone on the line is taken up.

    `ids`: how its answer to ATI0 begins; `line_event`: what its DLE l means; `silence`, `format`: voice settings, for whoever records.
    """

    title: str
    ids: tuple[str, ...] = ()
    setup: tuple[str, ...] = ("ATZ", "ATE0", "ATV1", "ATS0=0")
    caller_id: tuple[str, ...] = ("AT+VCID=1", "AT#CID=1")
    packets: str | None = "AT+VCID=2"
    cadence: str | None = None
    hook: str | None = None
    line_event: str | None = None
    silence: str | None = None
    format: str | None = None
    source: str = ""


PROFILES: Final[dict[str, Profile]] = {
    "v253": Profile(title="any voice modem after V.253", hook="AT+FCLASS=8", source="V.253"),
    "usr": Profile(
        title="USRobotics 5637", ids=("5601",), caller_id=("AT+VCID=1",), cadence="AT+VDR=1,0", hook="AT+FCLASS=8",
        line_event="loop current interrupted", silence="AT+VSD=128,0", format="AT+VSM=128,8000", source="notes of callattendant",
    ),
    "conexant": Profile(
        title="Conexant USB", ids=("56000",), caller_id=("AT+VCID=1",), cadence="AT+VDR=1,0", hook="AT+FCLASS=8",
        line_event="line reversed", silence="AT+VSD=0,0", format="AT+VSM=1,8000,0,0",
        source="home-assistant issue 57765, notes of callattendant",
    ),
    "rockwell": Profile(title="older Rockwell", caller_id=("AT#CID=1",), packets="AT#CID=2", source="general knowledge"),
    "box": Profile(title="a caller-ID box that only talks", setup=(), caller_id=(), packets=None, source="takes no commands"),
}  # fmt: skip


def profile_of(identity: str) -> str | None:
    """Which profile a modem's answer to ATI0 belongs to; None for one that no table knows.

    >>> profile_of("56000"), profile_of("5601"), profile_of("33600")
    ('conexant', 'usr', None)
    """
    found = [key for key, profile in PROFILES.items() if any(identity.strip().startswith(each) for each in profile.ids)]
    return found[0] if len(found) == 1 else None
