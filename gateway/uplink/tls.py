"""How the broker's identity is checked and ours shown: TLS 1.2 or later, certificates that may be renewed while the link
stands, and a clock that may be wrong.

The rule for the clock. A box without a clock battery boots years behind; it must reach its broker all the same, and must never
be talked into an expired certificate for long:

- `synced`: OpenSSL judges everything, times included.
- `holdover` (plausible, not disciplined): chain, name and key as ever. That a certificate is not valid *yet* is not held against
  it, as the clock may be behind; one that has expired by this clock, or by the least time that it can be, is refused.
- `unset`: the same, by the least time that it can be alone: no earlier than this version, the newest event that the journal has with
  a synced clock, and the day on which our own certificate began.

A connection made by the second or third rule is made anew by the first once the clock is synced.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.catalogue import BoxHealth
from appliance.core.clock import EARLIEST_WALL_NS, NS, Clock, rfc3339
from appliance.core.config import Crm
from appliance.core.errors import CorruptError, DeniedError, MisconfiguredError
from gateway.uplink.x509 import Validity, validities_from_pem, validity_from_der

_log = logging.getLogger(__name__)

#: X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h, which Python has no name for.
_NO_CHECK_TIME: Final = 0x200000
#: Keys of 112 bits' strength and more: RSA from 2048, no SHA-1 signatures; whatever the system's own default.
_CIPHERS: Final = "DEFAULT:@SECLEVEL=2"
#: What it is called among what is not well with the box.
HEALTH: Final = "crm.certificate"
#: An own certificate's last days: from when a person is told, and from when loudly.
AMBER_S: Final = 30 * 86400
RED_S: Final = 7 * 86400

#: Identity, size and last change (of contents, owner or mode) of each file; None where it cannot be seen.
Signature = tuple[tuple[int, int, int] | None, ...]


def tls_context(crm: Crm, *, timeless: bool = False) -> ssl.SSLContext:
    """TLS 1.2 or later, the broker's name checked, with our certificate if there is one. `timeless`: no certificate's time is judged.

    Raises MisconfiguredError when a file is missing or is not what its key says.
    """
    try:
        context = ssl.create_default_context(cafile=str(crm.ca_file) if crm.ca_file else None)
    except (OSError, ssl.SSLError) as fault:
        raise MisconfiguredError(f"[crm] ca_file {crm.ca_file}: {fault}") from fault
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    if timeless:
        context.verify_flags |= _NO_CHECK_TIME
    if crm.cert_file is not None:
        try:
            # Without a word for a passphrase OpenSSL would ask the terminal, and wait.
            context.load_cert_chain(str(crm.cert_file), str(crm.key_file) if crm.key_file else None, password=lambda: "")
        except (OSError, ssl.SSLError) as fault:
            raise MisconfiguredError(f"[crm] cert_file {crm.cert_file}, key_file {crm.key_file}: {fault}") from fault
    return context


#: The peer's alerts (RFC 8446 section 6.2) that are about our own certificate.
_ALERTS: Final = (
    "CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "DECRYPT_ERROR",
)  # fmt: skip


def refusal_of(fault: OSError | None) -> str:
    """Words for a fault of TLS that waiting does not mend; "" for any other."""
    reason = str(getattr(fault, "reason", "") or "") if isinstance(fault, ssl.SSLError) else ""
    if "ALERT" in reason and any(alert in reason for alert in _ALERTS):
        return f"the broker refuses this box's certificate ({reason.partition('ALERT_')[2].replace('_', ' ').lower()}); see [crm] cert_file"
    if reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION"):
        return "the broker speaks no TLS 1.2 or later"
    return ""


def own_validity(crm: Crm) -> Validity | None:
    """How long this box's own certificate holds; None without one, or when its file cannot be read."""
    if crm.cert_file is None:
        return None
    try:
        found = validities_from_pem(crm.cert_file.read_text(errors="replace"))
    except (OSError, CorruptError):
        return None
    return found[0] if found else None


class Lease(Struct, frozen=True):
    """One check of a broker: the context to connect with, and the least time that it can be, in ns; None: OpenSSL judges times."""

    context: ssl.SSLContext
    least_ns: int | None

    def check(self, der: bytes | None) -> None:
        """Judge the broker's certificate where OpenSSL was told to leave time aside. Raises DeniedError when it has expired."""
        if self.least_ns is None:
            return
        if der is None:
            raise DeniedError("the broker shows no certificate")
        try:
            ended_ns = validity_from_der(der).not_after_ns
        except CorruptError as fault:
            raise DeniedError(f"the broker's certificate cannot be read: {fault}") from fault
        if ended_ns < self.least_ns:
            raise DeniedError(f"the broker's certificate expired on {rfc3339(ended_ns)[:10]}; it is {rfc3339(self.least_ns)[:10]} or later")


class Tls:
    """The contexts of one run, made again when a file of them changes."""

    def __init__(self, crm: Crm, clock: Clock, newest_ns: Callable[[], int]) -> None:
        """`newest_ns`: the newest time that the journal has from a synced clock, 0 for none."""
        self._crm, self._clock, self._newest_ns = crm, clock, newest_ns
        self._made: tuple[ssl.SSLContext, ssl.SSLContext] | None = None
        #: The set before, until the broker has taken the new one.
        self._before: tuple[ssl.SSLContext, ssl.SSLContext] | None = None
        self._signature: Signature = ()
        self._seen: Signature = ()
        self._own: Validity | None = None
        self._suspect = False
        #: It is no earlier than this; looked for in the journal once, for what is recorded meanwhile buries it.
        self._least_ns: int | None = None
        #: Why new files are not in use: the old ones are. "" while all is well.
        self.fault = ""
        #: How many times files were taken in use after the first.
        self.renewals = 0

    def lease(self) -> Lease:
        """For one attempt. Reads files at the first, so it blocks. Raises MisconfiguredError while there never was a good set of files."""
        if self._made is None:
            self._load(_signature(self._crm))
        assert self._made is not None
        strict, timeless = self._made
        quality = self._clock.quality()
        if quality == "synced":
            self._least_ns = self._clock.wall_ns()
            return Lease(strict, None)
        if self._least_ns is None:
            self._least_ns = self._newest_ns()
        least_ns = max(EARLIEST_WALL_NS, self._least_ns, self._own.not_before_ns if self._own is not None else 0)
        return Lease(timeless, least_ns if quality == "unset" else max(least_ns, self._clock.wall_ns()))

    def look(self) -> bool:
        """Call every few seconds: have files changed, and are the new ones in use now? A broken set leaves the old one in use.

        What changes is looked at once it has stood still from one call to the next: two files are never written in one moment.
        """
        if self._made is None:
            return False
        if self._clock.quality() == "synced":
            self._least_ns = self._clock.wall_ns()  # the last word counts: one that was years ahead for a moment is taken back
        now = _signature(self._crm)
        still, self._seen = now == self._seen, now
        if now == self._signature or not still:
            return False
        before = self._made
        try:
            self._load(now)
        except MisconfiguredError as fault:
            self._signature = now  # it is tried again when it changes again
            self.fault = f"the renewed TLS files are not used, the ones before still are: {fault}"
            _log.error("%s", self.fault)
            return False
        self.renewals, self._before = self.renewals + 1, before
        _log.info("the renewed TLS files are in use from the next handshake on")
        return True

    def proved(self, renewals: int) -> None:
        """The broker takes what it was shown on a connection made after so many renewals."""
        if renewals == self.renewals and not self._suspect:
            self._before = None

    def refused(self, text: str) -> None:
        """The broker refuses us. Just after a renewal that may be the new files' fault: old and new ones are tried in turns."""
        if self._before is not None and self._made is not None:
            self._made, self._before = self._before, self._made
            self._suspect = not self._suspect
            self.fault = f"the renewed TLS files are refused, the ones before are tried: {text}" if self._suspect else ""

    def warning(self) -> str:
        """What a person should know of TLS now; "" when all is well."""
        if self.fault:
            return self.fault
        if self._own is None or self._clock.quality() == "unset":
            return ""
        left_s = (self._own.not_after_ns - self._clock.wall_ns()) // NS
        day = rfc3339(self._own.not_after_ns)[:10]
        if left_s < 0:
            return f"this box's certificate {self._crm.cert_file} expired on {day}: renew it"
        return f"this box's certificate {self._crm.cert_file} expires on {day}, in {left_s // 86400} days" if left_s < AMBER_S else ""

    def health(self) -> BoxHealth | None:
        """The same for the box's list of what is not well: red from seven days before the end on; None: not known yet."""
        unset = self._clock.quality() == "unset"
        if self._made is None or (unset and not self.fault):
            return None
        text = self.warning()
        near = self._own is not None and not unset and self._own.not_after_ns - self._clock.wall_ns() < RED_S * NS
        return BoxHealth(id=HEALTH, level="ok" if not text else "red" if near else "amber", text=text)

    def _load(self, signature: Signature) -> None:
        made = tls_context(self._crm), tls_context(self._crm, timeless=True)
        self._made, self._own = made, own_validity(self._crm)
        self._signature = self._seen = signature
        self._before, self._suspect, self.fault = None, False, ""


def _signature(crm: Crm) -> Signature:
    return tuple(_of(path) for path in (crm.ca_file, crm.cert_file, crm.key_file))


def _of(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_ctime_ns) if found is not None else None
