"""Speaks with the CRM's enrolment server: Enrolment over Secure Transport (RFC 7030), the parts that a box needs.

First by the one-time code (HTTP basic authentication, section 3.2.3), later by the certificate that is still valid (section 3.3.2).
"""

from __future__ import annotations

import base64
import binascii
import http.client
import ssl
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from msgspec import Struct

from appliance.core.errors import CorruptError, DeniedError, MisconfiguredError, TransientError

#: Section 3.2.2; used where the address has no path of its own.
WELL_KNOWN: Final = "/.well-known/est"
_TIMEOUT_S: Final = 20.0
_ANSWER_MOST: Final = 256 * 1024


class Server(Struct, frozen=True):
    """Where to ask. `path` is the base to which the operation is added."""

    host: str
    port: int
    path: str


class Waiting(Exception):  # noqa: N818 - no fault: somebody has to say yes first
    """The server took the request and wants to be asked again (section 4.2.3). `after_s`: when."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"the CRM has the request and somebody there has to confirm it; ask again in {after_s:.0f} s")
        self.after_s = after_s


def server_from_url(url: str) -> Server:
    """Raises MisconfiguredError for an address that is no https:// one."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as fault:
        raise MisconfiguredError(f"{url!r} is no address: {fault}") from fault
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise MisconfiguredError(f"{url!r}: write it as https://crm.example.com, with neither user nor password")
    return Server(parts.hostname, port, parts.path.rstrip("/") or WELL_KNOWN)


def trust(ca: bytes | None, own: str | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later, the server vouched for by `ca` (PEM; None: by the system's authorities). `own`: our certificate and key, a file.

    Raises MisconfiguredError when one of them cannot be used.
    """
    try:
        context = ssl.create_default_context(cadata=ca.decode("ascii") if ca else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if own is not None:
            context.load_cert_chain(own, password=lambda: "")
    except (OSError, ValueError) as fault:
        raise MisconfiguredError(f"certificates for the enrolment server: {fault}") from fault
    return context


def enrol(server: Server, context: ssl.SSLContext, csr: x509.CertificateSigningRequest, user: str, code: str) -> list[x509.Certificate]:
    """The first certificate, for a one-time code. Raises as `_ask`; DeniedError for a code that is wrong, used or too old."""
    basic = base64.b64encode(f"{user}:{code}".encode()).decode("ascii")
    return _certificates(_ask(server, context, "simpleenroll", csr, {"Authorization": f"Basic {basic}"}))


def renew(server: Server, context: ssl.SSLContext, csr: x509.CertificateSigningRequest) -> list[x509.Certificate]:
    """The next certificate, by the one that `context` shows. Raises as `_ask`."""
    return _certificates(_ask(server, context, "simplereenroll", csr, {}))


def authorities(server: Server, context: ssl.SSLContext) -> list[x509.Certificate]:
    """Whom the server calls its authorities (section 4.1). Raises as `_ask`."""
    return _certificates(_ask(server, context, "cacerts", None, {}))


def _ask(
    server: Server, context: ssl.SSLContext, operation: str, csr: x509.CertificateSigningRequest | None, more: dict[str, str]
) -> bytes:
    """The body of the answer, decoded. Raises TransientError when the server cannot be reached or is ill, DeniedError when it refuses,
    CorruptError for an answer that is none, Waiting.
    """
    where = f"https://{server.host}:{server.port}{server.path}/{operation}"
    line = http.client.HTTPSConnection(server.host, server.port, timeout=_TIMEOUT_S, context=context)
    headers = {"Accept": "application/pkcs7-mime", **more}
    body = None
    if csr is not None:
        body = base64.encodebytes(csr.public_bytes(Encoding.DER))
        headers |= {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
    try:
        line.request("GET" if csr is None else "POST", f"{server.path}/{operation}", body, headers)
        with line.getresponse() as answer:
            content = answer.read(_ANSWER_MOST + 1)
            status, after = answer.status, answer.headers.get("Retry-After", "")
    except ssl.SSLCertVerificationError as fault:
        raise DeniedError(
            f"{where}: it cannot prove who it is ({fault.verify_message}); name its authority with --ca, and is the clock right?"
        ) from fault
    except (OSError, http.client.HTTPException) as fault:
        raise TransientError(f"{where} cannot be reached: {fault or type(fault).__name__}") from fault
    finally:
        line.close()
    if status == 202:
        raise Waiting(min(float(after), 86400.0) if after.isdigit() else 60.0)
    if status in (401, 403):
        raise DeniedError(
            f"{where} refuses ({status}): {_first_line(content) or 'the code is wrong, used or too old; ask the CRM team for a new one'}"
        )
    if status != 200:
        fault_text = f"{where} answers {status}: {_first_line(content)}"
        raise TransientError(fault_text) if status >= 500 or status == 429 else DeniedError(fault_text)
    if len(content) > _ANSWER_MOST:
        raise CorruptError(f"{where} answers with more than {_ANSWER_MOST} bytes")
    try:
        return base64.b64decode(content)
    except (ValueError, binascii.Error) as fault:
        raise CorruptError(f"{where} does not answer in base64, as RFC 7030 has it") from fault


def _first_line(content: bytes) -> str:
    text = content[:300].decode("utf-8", "replace").strip()
    return "".join(letter for letter in text.splitlines()[0] if letter.isprintable()) if text else ""


def _certificates(der: bytes) -> list[x509.Certificate]:
    try:
        found = pkcs7.load_der_pkcs7_certificates(der)
    except (ValueError, TypeError) as fault:
        raise CorruptError(f"the enrolment server answers with no certificates (PKCS #7): {fault}") from fault
    if not found:
        raise CorruptError("the enrolment server answers with an empty list of certificates")
    return found
