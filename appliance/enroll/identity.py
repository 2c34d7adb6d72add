"""Decides what the box's key and request are, and whether a certificate that came back may be used.

The key is made here and never leaves: elliptic, P-256, as a small board signs with it in a millisecond and every broker takes it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from appliance.core.errors import CorruptError, DeniedError

#: RFC 5280, appendix A: the longest common name.
_NAME_MOST: Final = 64
_CHAIN_MOST: Final = 8


class Issued(Struct, frozen=True):
    """A certificate that fits its key. Times in seconds of Unix; `chain` is PEM, the box's own certificate first."""

    subject: str
    issuer: str
    not_before_s: float
    not_after_s: float
    chain: bytes


def common_name(site: str, box: str) -> str:
    """What the certificate calls the box; the broker's rules are written by it (docs/broker.md). Raises DeniedError when it is too long."""
    name = f"{site}/{box}"
    if len(name) > _NAME_MOST:
        raise DeniedError(
            f"site and box are {len(name)} letters together; a certificate's name takes {_NAME_MOST}: shorten [site] name or box"
        )
    return name


def new_key() -> bytes:
    """A private key as PEM (PKCS #8, not encrypted: the box starts without a person)."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def request(key: bytes, name: str) -> x509.CertificateSigningRequest:
    """The request for a certificate (PKCS #10, RFC 2986), signed with the key, for use as a client's."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(_private(key), hashes.SHA256())
    )


def judge(key: bytes, name: str, certificates: list[x509.Certificate], roots: list[x509.Certificate], now_s: float | None) -> Issued:
    """Which of the certificates is ours, with those that vouch for it behind. `now_s` None: no clock to judge by.

    Raises CorruptError for one that does not fit the key, the name, the time, or that no root vouches for; the text says which.
    """
    public = _public(key)
    own = [each for each in certificates if each.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public]
    if not own:
        raise CorruptError("the certificate that came back is for another key; ask anew with: callfloor enroll")
    leaf = own[0]
    names = [str(each.value) for each in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [name]:
        raise CorruptError(
            f"the certificate is for {names[0] if names else 'nobody'!r}, this box is {name!r}: compare [site] with the CRM's list"
        )
    try:
        if leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise CorruptError("the certificate is an authority's; a box must not be one")
    except x509.ExtensionNotFound:
        pass
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now_s is not None:
        now = datetime.fromtimestamp(now_s, UTC)
        if now >= ends:
            raise CorruptError(f"the certificate expired at {ends:%Y-%m-%d %H:%M} UTC; the box's clock says {now:%Y-%m-%d %H:%M}")
        if now < begins:
            raise CorruptError(f"the certificate begins at {begins:%Y-%m-%d %H:%M} UTC; the box's clock says {now:%Y-%m-%d %H:%M}: set it")
    chain = _chain(leaf, [each for each in certificates if each is not leaf], roots)
    pem = b"".join(each.public_bytes(Encoding.PEM) for each in chain)
    return Issued(name, leaf.issuer.rfc4514_string(), begins.timestamp(), ends.timestamp(), pem)


def read_certificate(pem: bytes) -> x509.Certificate:
    """The first certificate of a PEM text. Raises CorruptError when there is none."""
    return read_certificates(pem)[0]


def read_certificates(pem: bytes) -> list[x509.Certificate]:
    """All certificates of a PEM text. Raises CorruptError when there is none or one cannot be read."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as fault:
        raise CorruptError(f"no certificate in PEM form ({fault})") from fault


def is_own(key: bytes, certificate: x509.Certificate) -> bool:
    """Whether a certificate is for this key."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == _public(key)


def _chain(leaf: x509.Certificate, others: list[x509.Certificate], roots: list[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf and what stands between it and a root. Without roots (RFC 7030 section 4.1.1: none are known) the issuers that came."""
    chain, last = [leaf], leaf
    while len(chain) < _CHAIN_MOST:
        if any(_issued(last, root) for root in roots):
            return chain
        between = next((each for each in others if each not in chain and _issued(last, each)), None)
        if between is None:
            break
        chain.append(between)
        last = between
    if roots:
        raise CorruptError("no authority that this box trusts vouches for the certificate: give the CRM's own with --ca")
    return chain


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _private(key: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        found = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as fault:
        raise CorruptError(f"the box's key cannot be read ({fault}); make a new one with: callfloor enroll") from fault
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise CorruptError("the box's key is of another kind than callfloor makes; make a new one with: callfloor enroll")
    return found


def _public(key: bytes) -> bytes:
    return _private(key).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
