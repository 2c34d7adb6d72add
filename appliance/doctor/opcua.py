"""Decides how the OPC UA server is, from outside: does it listen, until when does its certificate hold, is any client trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.config import Config
from appliance.core.config_opcua import opcua_endpoint
from appliance.core.errors import CorruptError
from appliance.doctor.finding import Finding, Level, Scene
from appliance.doctor.reach import Reached, reached
from gateway.uplink.tls import AMBER_S, RED_S
from gateway.uplink.x509 import validities_from_pem

LIMIT_S: Final = 20.0
_ITEM: Final = "OPC UA"
_DARK: Final = "no rig and no plant system sees the floor"
_SO: Final = "then no client trusts this box any more"
_CLIENTS: Final = (".pem", ".der", ".crt", ".cer")


class OpcuaFacts(Struct, frozen=True):
    """What is seen of it. `ends_ns` None: there is no certificate yet; `clients` None: the folder may not be looked into."""

    at: Reached
    certificate: Path
    ends_ns: int | None
    own: bool
    clients: int | None
    trusted: Path


def wanted(config: Config) -> bool:
    """There is an [opcua]."""
    return config.opcua is not None


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge. Raises CorruptError and OSError where its certificate cannot be read."""
    return judge(probe(scene.config), SystemClock().wall_ns()) if scene.config.opcua is not None else ()


def probe(config: Config) -> OpcuaFacts:
    """Look at its port and its files."""
    opcua = config.opcua
    assert opcua is not None
    endpoint = opcua_endpoint(opcua.listen)
    host = "127.0.0.1" if endpoint.host in ("", "0.0.0.0") else "::1" if endpoint.host == "::" else endpoint.host  # noqa: S104 - compared
    folder = config.journal.path.parent / "opcua"
    certificate = opcua.cert_file or folder / "certificate.pem"
    trusted = opcua.trusted or folder / "trusted"
    try:
        ends_ns = min((each.not_after_ns for each in validities_from_pem(certificate.read_text(errors="replace"))), default=None)
    except FileNotFoundError:
        ends_ns = None
    except CorruptError:
        ends_ns = 0
    try:
        clients = sum(file.suffix.lower() in _CLIENTS for file in trusted.iterdir())
    except FileNotFoundError:
        clients = 0
    except OSError:
        clients = None
    return OpcuaFacts(reached(host, endpoint.port), certificate, ends_ns, opcua.cert_file is None, clients, trusted)


def judge(facts: OpcuaFacts, now_ns: int) -> tuple[Finding, ...]:
    """What follows from it."""
    rows = [_listens(facts.at)]
    if facts.ends_ns is not None:
        rows.append(_holds(facts, facts.ends_ns, now_ns))
    if facts.clients == 0:
        rows.append(Finding(_ITEM, "amber", "no client is trusted", str(facts.trusted), _DARK, "sudo callfloor opcua clients"))
    return tuple(rows)


def _listens(at: Reached) -> Finding:
    if at.stage == "through":
        return Finding(_ITEM, "ok", "it listens", at.where)
    return Finding(_ITEM, "red", "nothing listens there", f"{at.where}: {at.fault}", _DARK, "journalctl -u callfloor@opcua -n 20")


def _holds(facts: OpcuaFacts, ends_ns: int, now_ns: int) -> Finding:
    day, left_s = rfc3339(ends_ns)[:10], (ends_ns - now_ns) / NS
    if left_s >= AMBER_S:
        return Finding(_ITEM, "ok", f"its certificate holds until {day}", str(facts.certificate))
    level: Level = "red" if left_s < RED_S else "amber"
    # Its own it makes anew; another has to be put in its place before.
    mend = (
        f"sudo rm {facts.certificate} && sudo systemctl restart callfloor@opcua" if facts.own else "sudo systemctl restart callfloor@opcua"
    )
    words = f"its certificate expired on {day}" if left_s < 0 else f"its certificate expires on {day}"
    return Finding(_ITEM, level, words, str(facts.certificate), _SO, mend)
