"""Decides how this box's own certificate is: a pair with its key, and for how long it holds; and which command mends that here."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from appliance.core.clock import NS, rfc3339
from appliance.core.config import Crm
from appliance.core.errors import CallfloorError
from appliance.doctor.finding import Finding, Level
from appliance.enroll.keep import Place
from gateway.uplink.tls import AMBER_S, RED_S, own_validity
from gateway.uplink.x509 import Validity

_SO: Final = "then no broker takes this box, and its events wait here"
_NONE: Final = "no broker takes this box, and its events wait here"
_BY_HAND: Final = "put the renewed certificate and its key in their place: the running uplink takes them by itself"


def findings(crm: Crm, now_ns: int) -> tuple[Finding, ...]:
    """What is wrong with it or how long it holds; nothing where there is none."""
    if crm.cert_file is None:
        return ()
    url = enrolled_at(crm.cert_file)
    fault = pair_fault(crm.cert_file, crm.key_file)
    if fault:
        evidence = f"{crm.cert_file}: {fault}" if crm.key_file in (None, crm.cert_file) else f"{crm.cert_file}, {crm.key_file}: {fault}"
        mend = f"sudo callfloor enroll {url}   # with a new code of the CRM team" if url else _BY_HAND
        return (Finding("certificate", "red", "certificate and key are no pair", evidence, _NONE, mend),)
    return judge(own_validity(crm), str(crm.cert_file), now_ns, url)


def pair_fault(cert_file: Path, key_file: Path | None) -> str:
    """What OpenSSL says against certificate and key together, loaded as the uplink does it; empty: nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # Without a word for a passphrase OpenSSL would ask the terminal, and wait.
        context.load_cert_chain(cert_file, key_file, password=lambda: "")
    except ssl.SSLError as fault:
        return (fault.reason or str(fault)).lower().replace("_", " ")
    except OSError as fault:
        return fault.strerror or str(fault)
    return ""


def enrolled_at(cert_file: Path) -> str | None:
    """The enrolment server that this certificate came from, where `callfloor enroll` put it; None: by file, or it may not be seen."""
    try:
        found = Place(cert_file.parent).enrolment()
    except (OSError, CallfloorError):
        return None
    return found.url if found is not None else None


def judge(validity: Validity | None, file: str, now_ns: int, url: str | None = None) -> tuple[Finding, ...]:
    """How long it holds, where there is one: amber in its last thirty days, red in its last seven. `url`: who renews it."""
    if validity is None:
        return ()
    ends, left_s = rfc3339(validity.not_after_ns)[:10], (validity.not_after_ns - now_ns) / NS
    if left_s >= AMBER_S:
        return (Finding("certificate", "ok", f"it holds until {ends}", file),)
    level: Level = "red" if left_s < RED_S else "amber"
    if left_s < 0:
        mend = f"sudo callfloor enroll {url}   # with a new code of the CRM team" if url else _BY_HAND
        return (Finding("certificate", level, f"it expired on {ends}", file, _NONE, mend),)
    mend = "sudo callfloor enroll --renew --now" if url else _BY_HAND
    return (Finding("certificate", level, f"it expires on {ends}, in {left_s // 86400:.0f} days", file, _SO, mend),)
