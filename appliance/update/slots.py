"""Decides which of the two systems runs, which is committed and which waits to be tried, by asking the backend."""

from __future__ import annotations

from msgspec import Struct

from appliance.update.place import Place, said


class Slots(Struct, frozen=True):
    """`tryboot status`. `firmware`: pi or grub; `good`: letters of the slots that passed the health check."""

    booted: str = ""
    committed: str = ""
    staged: str = ""
    good: str = ""
    firmware: str = ""

    @property
    def trial(self) -> bool:
        """Whether the running slot is one that is tried."""
        return bool(self.booted) and self.booted != self.committed


def slots_from(text: str) -> Slots:
    """Parse the backend's answer; lines that are not known are left out.

    >>> slots_from("booted=A\\ncommitted=A\\nstaged=\\ngood=A\\nfirmware=pi\\n").trial
    False
    """
    found = dict(line.partition("=")[::2] for line in text.splitlines())
    return Slots(**{name: found.get(name, "").strip() for name in Slots.__struct_fields__})


def slots_of(place: Place) -> Slots | None:
    """None on a stock Debian. Raises TransientError when CONFIG cannot be read."""
    return slots_from(said(place.tryboot, "status")) if place.has_slots else None
