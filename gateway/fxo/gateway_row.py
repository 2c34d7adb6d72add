"""Decides how what a gateway's polls found stands in a recording, between its SIP: one line of text each. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, get_args

from appliance.core.fxo_gateway_config import Meaning

#: It stopped answering polls, pings.
SNMP_SILENT: Final = b"# snmp silent\n"
SIP_SILENT: Final = b"# sip silent\n"
_ROW: Final = re.compile(r"# snmp ([0-9]{1,3}\.[0-9]{3})((?: [0-9]{1,10}:[a-z]{1,16}=[A-Za-z_]{1,16}){1,64})\n")
_KNOWN: Final[dict[str, Meaning]] = {word: word for word in get_args(Meaning)}

Polled = Mapping[int, Mapping[str, Meaning | None]]


def poll_text(found: Polled, late_s: float) -> bytes:
    """A poll as it is recorded: how long the answer took, and what each object meant.

    >>> poll_text({0: {"hook": "off_hook"}}, 0.02)
    b'# snmp 0.020 0:hook=off_hook\\n'
    """
    said = "".join(f" {port}:{name}={means or 'nothing'}" for port, each in found.items() for name, means in each.items())
    return f"# snmp {min(late_s, 999.0):.3f}{said}\n".encode()


def poll_from_text(text: str) -> tuple[dict[int, dict[str, Meaning | None]], float] | None:
    """The same, read; None for what is none."""
    row = _ROW.fullmatch(text)
    if row is None:
        return None
    found: dict[int, dict[str, Meaning | None]] = {}
    for word in row[2].split():
        port, _, rest = word.partition(":")
        name, _, means = rest.partition("=")
        found.setdefault(int(port), {})[name] = _KNOWN.get(means)
    return found, float(row[1])
