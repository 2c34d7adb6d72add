"""What a certificate file says of itself: how long it holds. As much of RFC 5280 as that needs; trust is OpenSSL's to judge. Pure."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.errors import CorruptError

_PEM: Final = re.compile(r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----\s.*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.DOTALL)
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18


class Validity(Struct, frozen=True):
    """From when until when a certificate holds, both included (section 4.1.2.5)."""

    not_before_ns: int
    not_after_ns: int


def validities_from_pem(text: str) -> tuple[Validity, ...]:
    """Of each certificate of a PEM file in its order; empty when it holds none. Raises CorruptError when one is no certificate."""
    found = []
    for part in _PEM.findall(text):
        plain = re.sub("(BEGIN|END) (X509 |TRUSTED )?CERT", r"\1 CERT", part)
        try:
            found.append(validity_from_der(ssl.PEM_cert_to_DER_cert(plain)))
        except ValueError as fault:
            raise CorruptError(f"a certificate whose text is damaged: {fault}") from fault
    return tuple(found)


def validity_from_der(der: bytes) -> Validity:
    """Of one certificate (section 4.1). Raises CorruptError."""
    certificate = _inside(der, 0, _SEQUENCE)[0]
    fields = _inside(certificate, 0, _SEQUENCE)[0]
    at = _after(fields, 0) if fields[:1] == bytes((_VERSION,)) else 0
    for _ in range(3):  # serial number, signature algorithm, issuer
        at = _after(fields, at)
    span = _inside(fields, at, _SEQUENCE)[0]
    first, at = _time(span, 0)
    return Validity(first, _time(span, at)[0])


def _time(data: bytes, at: int) -> tuple[int, int]:
    kind = data[at] if at < len(data) else 0
    if kind not in (_UTC_TIME, _GENERALIZED_TIME):
        raise CorruptError("a certificate without its times")
    raw, end = _inside(data, at, kind)
    digits = raw[:-1].decode("ascii", "replace")
    if kind == _UTC_TIME:  # years from 50 on are of the twentieth century (section 4.1.2.5.1)
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    try:
        if raw[-1:] != b"Z" or len(digits) != 14 or not digits.isdigit():
            raise ValueError(digits)
        moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as fault:
        raise CorruptError(f"a certificate with {raw!r} for a time") from fault
    return int(moment.timestamp()) * NS, end


def _inside(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """The contents of the element at `at`, and where the next begins. Raises CorruptError when it is of another kind."""
    if at >= len(data) or data[at] != kind:
        raise CorruptError("not a certificate")
    body, end = _extent(data, at)
    return data[body:end], end


def _after(data: bytes, at: int) -> int:
    return _extent(data, at)[1]


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Where an element's contents begin and end: DER, a length of at most four bytes."""
    if at + 2 > len(data):
        raise CorruptError("a certificate that is cut off")
    body, length = at + 2, data[at + 1]
    if length >= 0x80:
        size = length & 0x7F
        if not 0 < size <= 4 or body + size > len(data):
            raise CorruptError("not a certificate")
        length, body = int.from_bytes(data[body : body + size], "big"), body + size
    if body + length > len(data):
        raise CorruptError("a certificate that is cut off")
    return body, body + length
