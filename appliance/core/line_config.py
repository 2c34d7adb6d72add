"""Decides what callfloor.toml may say of analog lines and what senses them: `[lines.NAME]` and its tables, as types."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from appliance.core.fxo_gateway_config import FxoGatewayConfig
from appliance.core.quantity import Period, Span

#: Stands for all analog lines where events name a PBX.
LINES: Final = "lines"

LineKind = Literal["modem", "monitor", "pins", "gateway"]
Country = Literal["us", "gb", "es", "mx", "ar", "ec", "co", "cl", "br", "ve", "uy", "pt", "it", "fr"]
CallerIdType = Literal["fsk_bell", "fsk_v23", "dtmf"]
_Ms = Annotated[int, Meta(ge=1, le=60_000, extra={"unit": "ms"})]
_Pin = Annotated[int, Meta(ge=0, le=27)]


class LineKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be said of one line, or of all lines at one device. None: as for the device, else as the country has it.

    `queue`: calls that ring on the line wait in this queue of the box's own, where no PBX queues them. `hook_sense`: something tells when
    a phone on the line is taken up. `cpc_ms`: least and most length of the break of current by which the exchange tells a hang-up.
    """

    queue: str | None = None
    trunk: str | None = None
    country: Country | None = None
    caller_id: CallerIdType | None = None
    caller_id_reversal: bool | None = None
    hook_sense: bool | None = None
    answer_reversal: bool | None = None
    release_reversal: bool | None = None
    ring_ms: Annotated[tuple[_Ms, ...], Meta(max_length=8)] | None = None
    cpc_ms: tuple[_Ms, _Ms] | None = None
    flash_ms: _Ms | None = None
    grace_ms: _Ms | None = None
    stuck_s: Span | None = None


class LineConfig(LineKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several lines at a device. `number`: which one it is at a line monitor; None: the table's own name tells it.

    At a gateway: `port` is its index in the make's SNMP table, `user` the name that its calls are sent to (`sip:USER@box`).
    `parallel_phones`: phones hang on the line beside the gateway, which then does not see that they take a call: without another
    sense the end of a ringing call is not known. False: nobody but the gateway itself can take it.
    """

    number: Annotated[int, Meta(ge=1, le=99)] | None = None
    port: Annotated[int, Meta(ge=0, le=2_147_483_647)] | None = None
    user: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    parallel_phones: bool = True


class LinesConfig(LineKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What senses one line or several: a voice modem, a line monitor, contacts on the box's own pins, an external FXO gateway.

    `kind` None: told by the url, or by `gateway`. A modem's and a pin's line is named as the table, those of the others NAME-KEY, after
    `line`.
    """

    url: str = ""
    kind: LineKind | None = None
    profile: str = "v253"
    packets: bool = False
    unit: str | None = None
    silent_after_s: Period | None = None
    ring: _Pin | None = None
    loop: _Pin | None = None
    reversed: _Pin | None = None
    battery: _Pin | None = None
    active_low: bool = True
    gateway: FxoGatewayConfig | None = None
    line: Annotated[dict[str, LineConfig], Meta(max_length=64)] = field(default_factory=dict)

    @property
    def sense(self) -> LineKind:
        """The kind, by the url where none is named."""
        if self.gateway is not None:
            return "gateway"
        scheme = self.url.partition(":")[0]
        return self.kind or ("monitor" if scheme == "udp" else "pins" if scheme == "gpio" else "modem")

    @property
    def has_many(self) -> bool:
        """Whether its lines are named one by one."""
        return self.sense in ("monitor", "gateway")

    def lines(self, name: str) -> dict[str, LineKeys]:
        """Each line's own name, and what is said of it.

        >>> sorted(LinesConfig(url="udp://0.0.0.0", line={"1": LineConfig(), "2": LineConfig()}).lines("rack"))
        ['rack-1', 'rack-2']
        """
        return {f"{name}-{key}": one for key, one in self.line.items()} if self.has_many else {name: self}

    def number_of(self, key: str) -> int | None:
        """Which line of the device a table in `line` is; None where nothing tells it."""
        number = self.line[key].number
        return int(key) if number is None and key.isascii() and key.isdecimal() else number
