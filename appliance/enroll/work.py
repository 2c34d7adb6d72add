"""Decides the order of an enrolment, so that whatever fails or is cut leaves the certificate that the box had."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.core.clock import NS, Clock
from appliance.core.errors import CorruptError, MisconfiguredError
from appliance.enroll import est, identity
from appliance.enroll.keep import Enrolment, Place
from appliance.enroll.renewal import due_s


def enrol(place: Place, name: str, url: str, code: str, ca: bytes | None, clock: Clock) -> identity.Issued:
    """A certificate for a one-time code. The key is kept while somebody at the CRM still has to confirm, so that asking again asks for
    the same one. Raises what `est` and `identity.judge` raise, and Waiting.
    """
    server = est.server_from_url(url)
    context = est.trust(ca)
    key = place.pending_key() or identity.new_key()
    place.put_pending(key)
    roots = est.authorities(server, context)
    found = est.enrol(server, context, identity.request(key, name), name, code)
    issued = identity.judge(key, name, found, roots, _now_s(clock))
    place.put_ca(b"".join(root.public_bytes(Encoding.PEM) for root in roots))
    place.put_enrolment(Enrolment(url, ca.decode("ascii") if ca else None))
    place.put(issued.chain, key)
    return issued


def renew(place: Place, name: str, clock: Clock, *, early: bool = False) -> identity.Issued | None:
    """The next certificate, with a new key, by the one that is still valid; None while it is not due yet. `early`: whether due or not.

    Raises MisconfiguredError where there is nothing to renew or it came by file, else what `est` and `identity.judge` raise.
    """
    issued, enrolment = show(place), place.enrolment()
    if issued is None:
        raise MisconfiguredError("this box has no certificate yet: callfloor enroll https://…")
    if enrolment is None:
        raise MisconfiguredError("the certificate came by file and is renewed by file: callfloor enroll --request, then --install")
    if not early and clock.wall_ns() / NS < due_s(name, issued.not_before_s, issued.not_after_s):
        return None
    server = est.server_from_url(enrolment.url)
    context = est.trust(enrolment.ca.encode("ascii") if enrolment.ca else None, str(place.box))
    key = identity.new_key()
    roots = est.authorities(server, context)
    following = identity.judge(key, name, est.renew(server, context, identity.request(key, name)), roots, _now_s(clock))
    place.put_ca(b"".join(root.public_bytes(Encoding.PEM) for root in roots))
    place.put(following.chain, key)
    return following


def write_request(place: Place, name: str, file: Path) -> None:
    """The request as a file, for a CRM that issues by hand; the key stays here. Raises OSError."""
    key = place.pending_key() or identity.new_key()
    place.put_pending(key)
    file.write_bytes(identity.request(key, name).public_bytes(Encoding.PEM))


def install(place: Place, name: str, file: Path, ca: Path | None, clock: Clock) -> identity.Issued:
    """Put a certificate in place that came by file, its issuers behind it. Raises CorruptError, OSError, MisconfiguredError."""
    key = place.pending_key()
    if key is None:
        raise MisconfiguredError("this box has asked for no certificate: callfloor enroll --request FILE makes the request")
    found = identity.read_certificates(file.read_bytes())
    roots = identity.read_certificates(ca.read_bytes()) if ca else []
    issued = identity.judge(key, name, found, roots, _now_s(clock))
    if ca:
        place.put_ca(ca.read_bytes())
    place.put(issued.chain, key)
    return issued


def show(place: Place) -> identity.Issued | None:
    """What the box has. Raises CorruptError when it cannot be read."""
    current = place.current()
    if current is None:
        return None
    chain, key = current
    leaf = identity.read_certificate(chain)
    if not identity.is_own(key, leaf):
        raise CorruptError(f"{place.box}: certificate and key do not belong together; enrol anew with: callfloor enroll")
    name = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return identity.Issued(
        str(name[0].value) if name else "",
        leaf.issuer.rfc4514_string(),
        leaf.not_valid_before_utc.timestamp(),
        leaf.not_valid_after_utc.timestamp(),
        chain,
    )


def _now_s(clock: Clock) -> float | None:
    return None if clock.quality() == "unset" else clock.wall_ns() / NS
