"""Decides who calls, by the headers of an INVITE: what the gateway itself asserts before what it repeats. Pure.

P-Asserted-Identity (RFC 3325) is believed before Remote-Party-ID, that before From; whoever asks for privacy (RFC 3323) is withheld.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from appliance.core.errors import CorruptError
from gateway.fxo.caller_id import Absent, CallerId, name_from, number_from
from gateway.fxo.sip_message import Address, SipMessage, address_from_text

_SCHEME: Final = re.compile(r"(sips?|tel):", re.I)
_HIDDEN_HOST: Final = "anonymous.invalid"
_PRIVATE: Final = frozenset({"id", "user", "header", "full", "uri", "name"})


def user_from_uri(uri: str) -> str | None:
    """The user of a `sip:` or the number of a `tel:` URI, without parameters and password; None where there is none.

    >>> user_from_uri("sip:linea%2D1;x=y@10.0.0.2:5060;transport=udp"), user_from_uri("tel:+59398765;phone-context=a")
    ('linea-1', '+59398765')
    """
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return None
    rest = uri[scheme.end() :]
    if scheme[1].lower() != "tel":
        rest, at, _ = rest.partition("@")
        if not at:
            return None
    user = unquote(rest.partition(";")[0].partition(":")[0])[:128]
    return user or None


def caller_from_invite(invite: SipMessage, own: frozenset[str]) -> CallerId | None:
    """Who is told; None where nobody is. `own`: the gateway's accounts, which it writes where it knows no caller."""
    withheld = bool(_PRIVATE & {word.strip().lower() for value in invite.all("privacy") for word in value.split(";")})
    for header in ("p-asserted-identity", "remote-party-id", "from"):
        for value in invite.all(header):
            try:
                address = address_from_text(value)
            except CorruptError:
                continue
            if withheld or _asks(address, "privacy", ("full", "uri", "name")):
                return CallerId(format="sip", absent="P")
            caller = _caller(address, own)
            if caller is not None:
                return caller
    return None


def _asks(address: Address, name: str, words: tuple[str, ...]) -> bool:
    """Remote-Party-ID's own `;privacy=full`."""
    for part in address.rest.split(";"):
        key, _, value = part.partition("=")
        if key.strip().lower() == name and value.strip().strip('"').lower() in words:
            return True
    return False


def _caller(address: Address, own: frozenset[str]) -> CallerId | None:
    user = user_from_uri(address.uri)
    if user is None or user in own:
        return None
    number, absent = number_from(user)
    if _HIDDEN_HOST in address.uri.lower():
        number, absent = None, "P"
    name = None if address.display in (user, *own) else name_from(address.display)
    if number is None and absent is None:
        # A gateway without a caller's number may say so by the name alone.
        absent = _absent(address.display)
    if absent is not None:
        return CallerId(format="sip", absent=absent)
    if number is None:
        return None
    return CallerId(format="sip", number=number, name=None if name is None or number_from(name)[1] is not None else name)


def _absent(display: str) -> Absent | None:
    return number_from(display)[1] if display else None
