"""Decides the order in which a new box becomes what its sheet says, so that a power cut between any two deeds is healed by the next start.

First all of it is read and planned, which changes nothing; then provisioning's own steps (each a whole file, put in place by a rename);
then what stays of the sheet; the sheet itself goes last. Until then the next start finds it and goes on.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance import registry
from appliance.core.errors import CallfloorError
from appliance.enroll import keep
from appliance.firstboot.secret_free import secret_files, secret_free
from appliance.firstboot.words import told
from appliance.provision.atomic import settle
from appliance.provision.machine import Machine
from appliance.provision.plan import plan
from appliance.provision.site import SiteSheet
from appliance.provision.site_file import site_from_toml, text_of
from appliance.provision.state import States
from appliance.provision.thing import File, Folder, put
from appliance.provision.work import apply, finish

#: On CONFIG: what a technician puts there, and what the box answers.
SHEET: Final = "callfloor-site.toml"
REPORT: Final = "callfloor-report.txt"
#: The key that opens an encrypted data partition without its TPM; the start reads it (images/overlay/usr/lib/callfloor/open-data).
RECOVERY: Final = "callfloor-recovery-key.txt"
#: On the box.
KEPT: Final = "/var/lib/callfloor/firstboot/site.toml"
CODE: Final = str(keep.CODE)


class Outcome(Struct, frozen=True, kw_only=True):
    """`done`: the box is what the sheet says, and the sheet is gone. `lines` for the report and the screen; no secret is in them."""

    done: bool
    lines: tuple[str, ...]


def personalise(machine: Machine, config: Path, at: Callable[[str], object], now_s: float) -> Outcome:
    """Do it, on the box's root and with CONFIG (writable) at `config`. `at` is called before each deed with its name."""
    path = config / SHEET
    language: str | None = None
    try:
        text = text_of(path)
        language = _language(text)
        sheet = site_from_toml(text, path)
        todo = plan(machine, sheet, config, "root", fresh=True)
        if todo.faults:
            return _failed(language, [f"{step}: {fault}" for step, fault in todo.faults])
        with States(machine).locked():
            finish(machine, apply(machine, todo.steps, SHEET, at, now_s))
        at("keep the sheet")
        _keep(machine, sheet, text, config)
        at("take the sheet away")
        wipe(config, at)
    except (CallfloorError, OSError) as fault:
        return _failed(language, str(fault).splitlines())
    services = ", ".join(registry.enabled(todo.config)) or "–"
    lines = [
        told(language, "done", host=sheet.host, site=sheet.site.name, box=sheet.site.box),
        told(language, "services", services=services),
    ]
    if not sheet.ssh.keys:
        lines.append(told(language, "no_keys"))
    if sheet.enrol is not None:
        lines.append(told(language, "enrol", url=sheet.enrol.url, file=CODE))
    lines.append(told(language, "wiped", file=KEPT))
    return Outcome(done=True, lines=tuple(lines))


def _language(text: str) -> str | None:
    """The sheet's language, also where the rest of it is at fault."""
    try:
        said = tomllib.loads(text.replace("\r\n", "\n")).get("site", {})
    except tomllib.TOMLDecodeError:
        return None
    return said.get("language", "es") if isinstance(said, dict) and isinstance(said.get("language", "es"), str) else None


def _failed(language: str | None, faults: list[str]) -> Outcome:
    return Outcome(done=False, lines=(*told(language, "failed").splitlines(), *(f"  {fault}" for fault in faults)))


def _keep(machine: Machine, sheet: SiteSheet, text: str, config: Path) -> None:
    put(machine, Folder(path=str(Path(KEPT).parent), mode=0o700))
    put(machine, File(path=KEPT, content=secret_free(text.replace("\r\n", "\n")).encode(), mode=0o600))
    if sheet.enrol is not None:
        code = sheet.enrol.code
        if code is None and sheet.enrol.code_file is not None:
            code = (config / sheet.enrol.code_file).read_text(encoding="utf-8-sig").strip()
        if code:
            put(machine, File(path=CODE, content=f"{code}\n".encode(), mode=0o600, secret=True))


def wipe(config: Path, at: Callable[[str], object]) -> None:
    """Take the sheet away, and the files with secrets that it names. Its name goes first: from then on it is read for nothing but this."""
    sheet, gone = config / SHEET, config / f"{SHEET}.gone"
    if sheet.is_file():
        sheet.replace(gone)
        settle(config)
    if not gone.is_file():
        return
    at("wipe")
    try:
        named = secret_files(tomllib.loads(gone.read_text(encoding="utf-8-sig").replace("\r\n", "\n")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        named = ()  # it was written over already, and it is the last
    for path in (*(config / name for name in named), gone):
        if path.is_file() and config in path.parents:
            at(f"overwrite {path.name}")
            _overwrite(path)
            at(f"remove {path.name}")
            path.unlink()
            settle(path.parent)


def drop(path: Path) -> None:
    """Write over a file with a secret, and remove it."""
    _overwrite(path)
    path.unlink()
    settle(path.parent)


def _overwrite(path: Path) -> None:
    """A flash card may keep what was written before, in cells that nothing reads; the file system does not."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(b"\0" * size)
        file.flush()
        os.fsync(file.fileno())
