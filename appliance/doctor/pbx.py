"""Decides whether each PBX can be reached, and whether it is one that answers there. It does not log in."""

from __future__ import annotations

import ssl
from typing import Final

from msgspec import Struct

from appliance.core.config import Config, PbxConfig
from appliance.core.pbx_kind import port_of
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.reach import Reached, Stage, at_once, reached

LIMIT_S: Final = 15.0
_BLIND: Final = "the floor's figures stand still and say so; calls meanwhile are missing"
#: What each kind says first, and what it is; a package's own kind may say anything.
_BANNERS: Final = {
    "asterisk": (b"Asterisk Call Manager", "Asterisk manager"),
    "freeswitch": (b"Content-Type: auth/request", "FreeSWITCH event socket"),
}
#: What a FreeSWITCH says to an address that its access list does not name.
_REJECTION: Final = b"Content-Type: text/rude-rejection"
_LOOK: Final = {"asterisk": "asterisk -rx 'manager show settings'", "freeswitch": "fs_cli -x 'module_exists mod_event_socket'"}

_SAID: Final[dict[Stage, tuple[str, str]]] = {
    "name": ("its name is not known", "getent hosts {host}"),
    "silent": ("it does not answer", "ping -c 3 {host}"),
    "refused": ("nothing listens there", "ssh {host} {look}"),
    "route": ("there is no way there", "ip route get {host}"),
    "tls": ("TLS failed", "openssl s_client -connect {where} -servername {host} </dev/null"),
}


class PbxFacts(Struct, frozen=True):
    """One PBX: its name, what the configuration says, how far a connection got."""

    name: str
    config: PbxConfig
    reached: Reached


def wanted(config: Config) -> bool:
    """There is a [pbx.NAME]."""
    return bool(config.pbx)


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look at every PBX at the same time."""
    return tuple(map(judge, at_once(lambda named: probe(*named), scene.config.pbx.items())))


def probe(name: str, pbx: PbxConfig) -> PbxFacts:
    """Connect, hear its banner, close."""
    where = f"{pbx.host}:{port_of(pbx)}"
    try:
        context = ssl.create_default_context(cafile=pbx.ca_file) if pbx.tls else None
    except (OSError, ssl.SSLError) as fault:
        return PbxFacts(name, pbx, Reached(where, "tls", f"{pbx.ca_file}: {fault}"))
    return PbxFacts(name, pbx, reached(pbx.host, port_of(pbx), context, hello=True))


def judge(facts: PbxFacts) -> Finding:
    """What follows."""
    item, at = f"pbx {facts.name}", facts.reached
    look = _LOOK.get(facts.config.kind, "ss -ltn")
    greeting, kind = _BANNERS.get(facts.config.kind, (b"", facts.config.kind))
    if at.stage != "through":
        what, mend = _SAID[at.stage]
        if at.stage == "refused" and facts.config.host in ("127.0.0.1", "::1", "localhost"):
            mend = "sudo {look}"
        return Finding(item, "red", what, f"{at.where}: {at.fault}", _BLIND, mend.format(host=facts.config.host, where=at.where, look=look))
    if at.hello.startswith(_REJECTION):
        mend = "add this box to the list that apply-inbound-acl names (callfloor pbx template freeswitch), then fs_cli -x reloadacl"
        return Finding(item, "red", "it turns this box away before the login", f"{at.where} said {_REJECTION.decode()}", _BLIND, mend)
    if not at.hello.startswith(greeting):
        said = f'"{at.hello[:40].decode("ascii", "replace").strip()}"' if at.hello else "nothing"
        what = f"something answers, and it is no {kind}"
        other = "with tls = true it may be the other port" if facts.config.tls else "TLS may be wanted there"
        mend = f"ssh {facts.config.host} {look}"
        return Finding(item, "red", what, f"{at.where} said {said}; {other}", _BLIND, mend)
    banner = at.hello.partition(b"\n")[0].strip().decode("ascii", "replace")
    return Finding(item, "ok", "it answers", f"{at.where}: {banner} after {at.took_ms} ms")
