"""Decides what lies in /etc/callfloor: the configuration, secrets, boards, checked before anything changes.

The new folder is laid out aside, beside copies of what stays, and read by the rules of `callfloor check`: a sheet that the services
could not use changes nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from appliance import registry
from appliance.cli.check import examined
from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, Fault
from appliance.core.errors import MisconfiguredError
from appliance.provision.certificate import named
from appliance.provision.history import History
from appliance.provision.machine import Machine
from appliance.provision.site import SiteSheet
from appliance.provision.site_file import document, named_files, over
from appliance.provision.step import Step
from appliance.provision.thing import File, Folder, Thing
from appliance.provision.toml_edit import merged

FOLDER: Final = "/etc/callfloor"
CONFIG: Final = f"{FOLDER}/callfloor.toml"
HISTORY: Final = "/var/lib/callfloor/config"
_HEAD: Final = """# Written by callfloor provision from a site sheet; callfloor config set KEY VALUE changes it, and so may you.
# What each key means: docs/configuration.md. callfloor check names every fault.

"""


def configuration(machine: Machine, sheet: SiteSheet, folder: Path, *, fresh: bool) -> tuple[Step, Step | None, Step | None, Config]:
    """The steps `secrets` (None: none), `configuration` and `boards` (None: none), and the configuration as it will be read.

    What callfloor.toml says beyond the sheet stays, unless `fresh`. Raises ConfigFaultsError with every fault.
    """
    path = machine.path(CONFIG)
    old = path.read_text(encoding="utf-8-sig") if path.is_file() and not fresh else ""
    text = merged(old or _HEAD, over(document(sheet, folder), named(machine, sheet)))
    secrets = _secrets(sheet, folder)
    boards = _boards(sheet, folder)
    config = _checked(machine, text, (*secrets, *boards))
    running = tuple(f"callfloor@{name}" for name in registry.enabled(config)) + (("callfloor-kiosk",) if config.kiosk is not None else ())
    restart = (("systemctl", "try-restart", "--no-block", *running),) if running else ()
    here = File(path=CONFIG, content=text.encode(), mode=0o640, group="callfloor")
    about = {"services": ", ".join(registry.enabled(config)) or "–"}
    main = Step(name="configuration", things=(here,), runs=restart, about=about)
    apart = Step(name="secrets", things=secrets, runs=restart, about={"count": len(named_files(sheet))}) if secrets else None
    shown = Step(name="boards", things=boards, runs=restart, about={"count": len(boards) - 1}) if boards else None
    return main, apart, shown, config


def remember(machine: Machine, why: str, now_s: float) -> None:
    """Set the configuration aside that stands now, before another takes its place. Raises OSError."""
    path = machine.path(CONFIG)
    if path.is_file():
        History(machine.path(HISTORY)).keep(path.read_text(encoding="utf-8-sig"), why, now_s)


def _secrets(sheet: SiteSheet, folder: Path) -> tuple[File, ...]:
    """Each secret alone in a file that only root reads; an authority for everybody to read."""
    told: Mapping[str, Any] = {"crm": sheet.crm, "pbx": sheet.pbx}
    files: list[File] = []
    for (*tables, key), place in named_files(sheet).items():
        table: Any = told[tables[0]] if len(tables) == 1 else told[tables[0]][tables[1]]
        inline = getattr(table, key.removesuffix("_file"))
        text = inline if inline is not None else _read(folder / getattr(table, key))
        public = key == "ca_file"
        content = text.strip("\n") + "\n" if public else text.strip()
        files.append(File(path=f"{FOLDER}/{place}", content=content.encode(), mode=0o644 if public else 0o600, secret=not public))
    return tuple(files)


def _boards(sheet: SiteSheet, folder: Path) -> tuple[Thing, ...]:
    if sheet.boards is None:
        return ()
    place = f"{FOLDER}/boards"
    files = sorted((folder / sheet.boards).glob("*.toml"))
    return (
        Folder(path=place, mode=0o750, group="callfloor"),
        *(File(path=f"{place}/{file.name}", content=_read(file).encode(), mode=0o640, group="callfloor") for file in files),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise MisconfiguredError(f"{path} cannot be read: {fault}; mend its rights, or name another") from fault


def _checked(machine: Machine, text: str, things: tuple[Thing, ...]) -> Config:
    """What the services will read; every fault with the name that the file will have."""
    real = machine.path(FOLDER)
    with tempfile.TemporaryDirectory(prefix="callfloor-") as aside:
        stage = Path(aside) / "etc" / "callfloor"
        if real.is_dir():
            shutil.copytree(real, stage, symlinks=True)
        stage.mkdir(parents=True, exist_ok=True)
        for thing in things:
            place = stage / Path(thing.path).relative_to(FOLDER)
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(thing, File):
                place.unlink(missing_ok=True)
                place.write_bytes(thing.content or b"")
                place.chmod(0o600)
        file = stage / "callfloor.toml"
        file.unlink(missing_ok=True)
        file.write_text(text, encoding="utf-8")
        config, _, faults = examined(file)
        if faults or config is None:
            raise ConfigFaultsError([_named(fault, str(stage)) for fault in faults])
    return config


def _named(fault: Fault, stage: str) -> Fault:
    file, key, what, mend = (text.replace(stage, FOLDER) for text in (fault.file, fault.key, fault.fault, fault.mend))
    return Fault(file, fault.line, key, what, mend)
