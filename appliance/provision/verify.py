"""Decides whether a box became what its sheet says: nothing left to do, services up, boards served, PBX and broker take it.

A neighbour that answered before the change and no longer does is the change's fault; one that did not answer before either is told, and
is nobody's reason to go back: a box is often made ready before its PBX is there.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from appliance import registry
from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, load
from appliance.core.endpoint import endpoint_from_text
from appliance.doctor import broker, deep, pbx, services
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.words import in_language
from appliance.provision.machine import Machine
from appliance.provision.step import Step, due
from appliance.provision.step_config import CONFIG
from appliance.provision.words import Words

Outcome = Literal["ok", "away", "failed"]
#: How long services may take to come up: a start is a second on a PC and a few on a small board.
UP_S: Final = 45.0
#: And a compositor with a browser: longer, but it is not waited for as long, as a screen may be off.
KIOSK_S: Final = 25.0
_LOOK_S: Final = 0.5


class Seen(Struct, frozen=True, kw_only=True):
    """One outcome: `away` is a neighbour that did not answer before either. `mend` is a command, empty when all is well."""

    item: str
    outcome: Outcome
    evidence: str
    mend: str = ""


def neighbours(machine: Machine) -> dict[str, Finding]:
    """The PBXs and brokers that the configuration names which stands now, by the doctor's own probes: who answers is logged in at too.

    None where the box does not run here, or has no configuration that can be used.
    """
    try:
        config = load(machine.path(CONFIG)) if machine.live else None
    except ConfigFaultsError:
        config = None
    if config is None:
        return {}
    scene = Scene(config, machine.path(CONFIG))
    found = [*(pbx.findings(scene) if pbx.wanted(config) else ()), *(broker.findings(scene) if broker.wanted(config) else ())]
    found += deep.logins(config, frozenset(each.item for each in found if each.level == "red"))
    return {each.item: each for each in found}


def verified(
    machine: Machine, steps: tuple[Step, ...], before: dict[str, Finding], waiting: Callable[[str], object], words: Words
) -> tuple[Seen, ...]:
    """Look at every step's outcome. `before`: the neighbours before the change. Blocks, for `UP_S` and the probes' limits at most."""
    left = [each.step.name for each in due(machine, steps) if each.changes]
    seen = [Seen(item=name, outcome="failed", evidence=words("seen.wrong"), mend="callfloor provision") for name in left]
    if not left:
        seen.append(Seen(item="files", outcome="ok", evidence=words("seen.files", count=sum(len(step.things) for step in steps))))
    if not machine.live:
        return tuple(seen)
    config = load(machine.path(CONFIG))
    seen += _services(config, waiting, words)
    if config.wallboard.tv is not None:
        waiting("board")
        seen.append(_board(config, words))
    if config.kiosk is not None:
        waiting("kiosk")
        seen.append(_kiosk(machine, config.kiosk.browser, words))
    waiting("neighbours")
    for item, told in neighbours(machine).items():
        finding = in_language(told, words.language)
        if finding.level != "red":
            seen.append(Seen(item=item, outcome="ok", evidence=finding.evidence))
        else:
            reached = item in before and before[item].level != "red"
            evidence = f"{finding.finding}: {finding.evidence}"
            seen.append(Seen(item=item, outcome="failed" if reached else "away", evidence=evidence, mend=finding.mend))
    return tuple(seen)


def _services(config: Config, waiting: Callable[[str], object], words: Words) -> list[Seen]:
    """Each holds its lock once it works; a second look tells one that dies over and over."""
    wanted = registry.enabled(config)
    if not wanted:
        return []
    end_s = time.monotonic() + UP_S
    good = 0
    while True:
        facts = services.probe(config)
        good = good + 1 if all(facts.runs.values()) else 0
        if good > 2 or time.monotonic() > end_s:
            break
        waiting("services")
        time.sleep(_LOOK_S)
    return [
        Seen(item=f"callfloor@{name}", outcome="ok", evidence=words("seen.runs"))
        if up
        else Seen(item=f"callfloor@{name}", outcome="failed", evidence=words("seen.down"), mend=f"journalctl -u callfloor@{name} -n 20")
        for name, up in facts.runs.items()
    ]


def _kiosk(machine: Machine, browser: str, words: Words) -> Seen:
    """The screen's status says what it shows once a page was painted. One that is not there, or is off, is no reason to go back."""
    missing = [name for name in ("cage", browser) if not machine.path(f"/usr/bin/{name}").exists()]
    if missing:
        mend = f"sudo apt install --no-install-recommends cage seatd {browser}; sudo systemctl restart callfloor-kiosk"
        return Seen(item="kiosk", outcome="away", evidence=words("seen.missing", names=", ".join(missing)), mend=mend)
    end_s = time.monotonic() + KIOSK_S
    while True:
        status = machine.told(("systemctl", "show", "--property=StatusText", "--value", "callfloor-kiosk"))
        if status.startswith(("showing ", "the screen is off ")):
            shown = status.removeprefix("showing ")
            return Seen(item="kiosk", outcome="ok", evidence=shown if shown != status else words("seen.off"))
        if time.monotonic() > end_s:
            return Seen(item="kiosk", outcome="away", evidence=words("seen.dark"), mend="journalctl -u callfloor-kiosk -n 20")
        time.sleep(_LOOK_S)


def _board(config: Config, words: Words) -> Seen:
    """A page as a television gets it, from the box itself; a board behind a token answers that one is wanted, which is an answer."""
    tv = config.wallboard.tv
    assert tv is not None
    endpoint = endpoint_from_text(tv.listen)
    host = "127.0.0.1" if endpoint.host in ("", "0.0.0.0") else "::1" if endpoint.host == "::" else endpoint.host  # noqa: S104
    where = f"{'https' if tv.cert_file else 'http'}://{host}:{endpoint.port}/"
    said = ""
    for _ in range(10):
        try:
            line = _connection(host, endpoint.port, tv.cert_file)
            line.request("GET", "/")
            status = line.getresponse().status
            line.close()
        except (OSError, http.client.HTTPException) as fault:
            said = str(fault)
        else:
            said = words("seen.answers", where=where, status=status)
            if status in (200, 302, 303, 401, 403):
                return Seen(item="board", outcome="ok", evidence=said)
        time.sleep(_LOOK_S)
    return Seen(item="board", outcome="failed", evidence=f"{where}: {said}", mend="journalctl -u callfloor@wallboard -n 20")


def _connection(host: str, port: int, cert_file: Path | None) -> http.client.HTTPConnection:
    if cert_file is None:
        return http.client.HTTPConnection(host, port, timeout=5)
    # Whose certificate it is does not matter here: the box speaks with itself, under a name that no certificate has.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=5, context=context)
