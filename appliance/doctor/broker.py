"""Decides whether a broker of the CRM can be reached: name, network, TLS and its certificates, ours too. It does not log in."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError
from appliance.doctor import own_certificate
from appliance.doctor.finding import Finding, Level, Scene
from appliance.doctor.reach import Reached, Stage, at_once, reached
from gateway.uplink.endpoint import Endpoint, endpoints_from_config
from gateway.uplink.tls import tls_context

LIMIT_S: Final = 15.0
_HELD: Final = "events are held on this box until it answers"
_NEXT: Final = "the others are tried in their order"

_SAID: Final[dict[Stage, tuple[str, str]]] = {
    "name": ("its name is not known", "getent hosts {host}"),
    "silent": ("it does not answer", "ping -c 3 {host}"),
    "refused": ("nothing listens there", "mosquitto_sub -h {host} -p {port} -t '$SYS/broker/version' -C 1 -W 5"),
    "route": ("there is no way there", "ip route get {host}"),
    "tls": ("TLS failed", "openssl s_client -connect {where} -servername {host} </dev/null"),
}


def wanted(config: Config) -> bool:
    """There is a [crm] with a url."""
    return config.crm is not None and bool(config.crm.url)


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look at every broker at the same time."""
    crm = scene.config.crm
    if crm is None:
        return ()
    endpoints = endpoints_from_config(crm)
    own = own_certificate.findings(crm, SystemClock().wall_ns())
    # A pair that is none is told as that, and the broker is looked at without it.
    plain = structs.replace(crm, cert_file=None, key_file=None) if any(each.level == "red" for each in own) else crm
    try:
        context = tls_context(plain) if any(endpoint.tls for endpoint in endpoints) else None
    except MisconfiguredError as fault:
        return (Finding("broker", "red", "TLS cannot be used as configured", str(fault), _HELD, f"callfloor check -c {scene.file}"),)

    def probe(endpoint: Endpoint) -> Reached:
        return reached(endpoint.host, endpoint.port, context if endpoint.tls else None)

    return (*judge(tuple(zip(endpoints, at_once(probe, endpoints), strict=True))), *own)


def judge(facts: tuple[tuple[Endpoint, Reached], ...]) -> tuple[Finding, ...]:
    """What follows: one broker of several that does not answer is no outage."""
    some = any(at.stage == "through" for _, at in facts)
    return tuple(_judge(endpoint, at, some=some) for endpoint, at in facts)


def _judge(endpoint: Endpoint, at: Reached, *, some: bool) -> Finding:
    item = f"broker {endpoint.url}"
    if at.stage == "through":
        how = "with TLS, its certificate is good" if endpoint.tls else "without TLS"
        return Finding(item, "ok", "it answers", f"{at.where}: {how}, after {at.took_ms} ms")
    level: Level = "amber" if some else "red"
    what, mend = _SAID[at.stage]
    if at.stage == "refused" and endpoint.local:
        mend = "sudo systemctl start mosquitto"
    return Finding(
        item, level, what, f"{at.where}: {at.fault}", _NEXT if some else _HELD,
        mend.format(host=endpoint.host, port=endpoint.port, where=at.where),
    )  # fmt: skip
