"""Decides which questions make a site sheet, what each is answered with by default, and that no wrong answer is taken.

An answer is judged at once by the sheet's own rules: all answers so far make a sheet, and a fault in it is this answer's.
"""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_interface
from pathlib import Path
from typing import Any, Final

import tomlkit

from appliance.core.config_file import ConfigFaultsError, Fault
from appliance.core.errors import MisconfiguredError
from appliance.core.slug import slug
from appliance.provision.machine import Machine
from appliance.provision.site import VERSION
from appliance.provision.site_file import site_from_toml
from appliance.provision.toml_edit import key_from_text, merged
from appliance.provision.words import Words

#: The answer that leaves something out.
NONE: Final = "-"
#: What a broker or an enrolment server is, where only a host was typed.
_CRM_PORT: Final = 8883

Reader = Callable[[str, bool], str]


def from_terminal(prompt: str, hidden: bool) -> str:
    """One line; a hidden one is not echoed. Raises MisconfiguredError when there are no more."""
    try:
        return getpass.getpass(prompt) if hidden and sys.stdin.isatty() else input(prompt)
    except EOFError as fault:
        raise MisconfiguredError("the answers ended before the questions; name a site sheet instead") from fault


class Asked:
    """The sheet as it grows."""

    def __init__(self, words: Words, read: Reader, say: Callable[[str], object], folder: Path) -> None:
        self._words, self._read, self._say, self._folder = words, read, say, folder
        #: Stand-ins for what is not asked yet, so that a sheet of the answers so far can be judged.
        self._data: dict[str, Any] = {"site_sheet": VERSION, "site": {"name": "x", "box": "x", "timezone": "UTC"}}

    @property
    def text(self) -> str:
        """The sheet."""
        return merged("", self._data)

    def ask(self, question: str, key: str, default: str | None, form: Callable[[str], Any] = str, *, hidden: bool = False) -> str | None:
        """Ask until the answer fits, and set `key` to `form` of it; None where it was left out."""
        shown = f" [{default}]" if default is not None and not hidden else ""
        while True:
            said = self._read(f"{self._words(question)}{shown}: ", hidden).strip() or default or ""
            if said == NONE:
                return None
            faults = self._try(key, form(said)) if said else ()
            if said and not faults:
                return said
            for fault in faults:
                self._say(self._words("q.wrong", fault=fault.fault, mend=fault.mend))

    def _try(self, key: str, value: Any) -> tuple[Fault, ...]:
        data: Any = json.loads(json.dumps(self._data))
        here = data
        *tables, last = key_from_text(key)
        for name in tables:
            here = here.setdefault(name, {})
        here[last] = value
        try:
            site_from_toml(tomlkit.dumps(data), self._folder / "site.toml")
        except ConfigFaultsError as wrong:
            # What is missing is asked for next.
            own = tuple(fault for fault in wrong.faults if fault.key == key or fault.key.startswith((f"{key}.", f"{key}[")))
            if own:
                return own
        self._data = data
        return ()

    def settle(self, key: str, value: Any) -> None:
        """Set what is not asked."""
        self._try(key, value)


def sheet_by_questions(machine: Machine, words: Words, read: Reader, say: Callable[[str], object], folder: Path) -> str:
    """A whole sheet as TOML. Raises MisconfiguredError when the answers end early."""
    say(words("q.intro"))
    asked = Asked(words, read, say, folder)
    asked.ask("q.site", "site.name", None)
    asked.ask("q.box", "site.box", slug(_hostname(machine)) or "box-1")
    asked.ask("q.timezone", "site.timezone", _zone(machine))
    asked.ask("q.language", "site.language", words.language)
    if asked.ask("q.pbx", "pbx.central.host", NONE) is not None:
        asked.ask("q.pbx.kind", "pbx.central.kind", "asterisk")
        asked.ask("q.pbx.user", "pbx.central.username", "callfloor")
        asked.ask("q.pbx.secret", "pbx.central.secret", None, hidden=True)
    if asked.ask("q.crm", "crm.url", NONE, _broker) is not None:
        authority = asked.ask("q.crm.ca", "crm.ca_file", NONE)
        if asked.ask("q.enrol", "enrol.url", NONE) is not None:
            asked.ask("q.enrol.ca", "enrol.ca_file", authority or NONE)
            asked.ask("q.enrol.code", "enrol.code", None, hidden=True)
    if asked.ask("q.tv", "wallboard.tv", _lan() or NONE, _tv) is None:
        asked.settle("wallboard.tv", {"listen": "127.0.0.1:8080"})
    asked.ask("q.kiosk", "callfloor.kiosk.browser", "cog" if machine.path("/usr/bin/cage").exists() else NONE)
    asked.ask("q.ntp", "time.ntp", NONE, _list)
    return asked.text


def _broker(text: str) -> str:
    return text if "://" in text else f"mqtts://{text}" if ":" in text else f"mqtts://{text}:{_CRM_PORT}"


def _tv(text: str) -> dict[str, Any]:
    return {"listen": "0.0.0.0:8080", "allow": _list(text)}


def _list(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _hostname(machine: Machine) -> str:
    try:
        return machine.path("/etc/hostname").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _zone(machine: Machine) -> str:
    try:
        return machine.path("/etc/timezone").read_text(encoding="utf-8").strip() or "UTC"
    except OSError:
        return "UTC"


def _lan() -> str | None:
    """The network of this box's first own address, as iproute2 tells it; None where it tells none."""
    try:
        told = subprocess.run(["ip", "-o", "-4", "addr", "show", "scope", "global"], capture_output=True, text=True, timeout=5, check=False)
        word = told.stdout.split()
        return str(ip_interface(word[word.index("inet") + 1]).network)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
