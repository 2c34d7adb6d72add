"""Decides what may be said of external FXO gateways: where each is, how it is polled, where its calls are heard, as types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from appliance.core.quantity import Period, Port, Span

Make = Literal["audiocodes", "grandstream", "mediatrix"]
#: What an SNMP value may be said to mean, where a make's words are not known.
Meaning = Literal["on_hook", "off_hook", "ringing", "no_line", "line", "unknown"]


class FxoGatewayConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One gateway. `make` starts the polling by SNMP (a community, or a user of version 3, in `snmp_file`).

    `values` maps by hand what this firmware's hook words mean ("Busy" = "off_hook"). `ping_s`: how often it is asked over SIP whether
    it is there (0: never, then nothing tells when it is gone).
    """

    address: str
    make: Make | None = None
    snmp_port: Port = 161
    snmp_file: Path | None = None
    poll_s: Annotated[float, Meta(ge=0.2, le=60, extra={"unit": "s"})] = 1.0
    timeout_s: Annotated[float, Meta(gt=0, le=10, extra={"unit": "s"})] = 1.0
    values: Annotated[dict[str, Meaning], Meta(max_length=64)] = field(default_factory=dict)
    sip_port: Port = 5060
    ping_s: Span = 5.0


class SipListenerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where gateways' calls are heard; only those of configured gateways. A call that rings for longer than `ring_max_s` is given up."""

    listen: str = "0.0.0.0:5060"
    tcp: bool = True
    ring_max_s: Period = 180.0
