"""Decides what a make's SNMP values mean for a line: one table per make, object by object. Pure.

`confirmed` says for each table where its words come from; a text that no table knows is told, and mapped by hand in the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from appliance.core.fxo_gateway_config import Make, Meaning

Value = int | str | None


class Column(Struct, frozen=True, kw_only=True):
    """One object of every line: its OID with `{port}` for the line's index, and what its values mean. Others mean nothing."""

    name: str
    oid: str
    means: Mapping[str, Meaning]


class Profile(Struct, frozen=True, kw_only=True):
    """One make. `ports`: least and most index; `kind`: the object that tells an FXO port (its value `fxo`) from others, where there is one.

    `hook`: whether the gateway's own relay is told, which is how it takes a line and sees that it has it.
    """

    title: str
    ports: tuple[int, int]
    columns: tuple[Column, ...]
    hook: bool
    kind: Column | None = None
    fxo: str = ""
    confirmed: str

    def oids(self, port: int) -> dict[str, Column]:
        """What to ask for a line."""
        return {column.oid.format(port=port): column for column in self.columns}


PROFILES: Final[dict[Make, Profile]] = {
    "audiocodes": Profile(
        title="AudioCodes MP-11x, MediaPack and Mediant with FXO ports",
        ports=(0, 24),
        columns=(
            # acAnalogFxsFxoHookState. The line test table has voltage, current and ring, but a test must not run while calls are up.
            Column(name="hook", oid="1.3.6.1.4.1.5003.9.10.8.2.20.1.1.4.{port}", means={"1": "on_hook", "2": "off_hook"}),
        ),
        kind=Column(name="kind", oid="1.3.6.1.4.1.5003.9.10.8.2.20.1.1.2.{port}", means={}),
        fxo="0",
        hook=True,
        confirmed="AC-ANALOG-MIB",
    ),
    "grandstream": Profile(
        title="Grandstream HT813, HT503, HT841, HT881",
        ports=(0, 0),
        columns=(
            Column(
                name="hook",
                oid="1.3.6.1.4.1.42397.1.2.2.1.2.{port}.0",
                means={"notconnected": "no_line", "onhook": "on_hook", "offhook": "off_hook"},
            ),
        ),
        hook=True,
        confirmed="a monitoring template of the HT813; of its words only `Not Connected` is confirmed",
    ),
    "mediatrix": Profile(
        title="Mediatrix, Media5 with FXO ports",
        ports=(1, 2_147_483_647),
        columns=(
            # fxoLineStatus, by ifIndex: a fault of the line, not its hook.
            Column(name="line", oid="1.3.6.1.4.1.4935.15.45.1.10.15.5.5.{port}", means={"0": "unknown", "1": "line", "2": "no_line"}),
        ),
        hook=False,
        confirmed="MX-FXO-MIB",
    ),
}


def meaning(column: Column, value: Value, by_hand: Mapping[str, Meaning]) -> Meaning | None:
    """What a value means; None for one that no table knows, and where the object is not there.

    >>> meaning(PROFILES["grandstream"].columns[0], "Off Hook", {}), meaning(PROFILES["audiocodes"].columns[0], 7, {})
    ('off_hook', None)
    """
    if value is None:
        return None
    said = {word(key): told for key, told in by_hand.items()}
    return said.get(word(str(value))) or column.means.get(word(str(value)))


def word(text: str) -> str:
    """A value's letters and digits alone: firmwares write On Hook, On-Hook, on hook."""
    return "".join(letter for letter in text.lower() if letter.isalnum())
