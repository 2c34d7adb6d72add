"""Decides how callfloor.toml is read: every fault at once, each with file, line, key and mend; paths made absolute.

Relative paths are relative to the file. The journal's are relative to $STATE_DIRECTORY (systemd sets it); without it
a file in `/etc/NAME` means `/var/lib/NAME`, so that a technician's command finds the services' journal, and any other
file means its own folder. Run files (locks, bells) go to $RUNTIME_DIRECTORY, `/run/NAME`, or `run` beside the journal.

`credentials/NAME` beside the file is for root's eyes on a box; a service finds what systemd loaded for it from there instead
(`LoadCredential=credentials:FOLDER`, systemd.exec(5)), so that one configuration serves services, technicians and scripts.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from appliance.core.config import Config
from appliance.core.errors import MisconfiguredError
from appliance.core.slug import is_key, slug

#: A configuration is a page or two; whatever is larger is some other file.
MAX_BYTES: Final = 4 * 1024**2
_MAX_SYNTAX_FAULTS: Final = 20
_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")


class Fault(Struct, frozen=True):
    """One fault of a configuration, for a person (`str`) and for scripts (as JSON). `line` counts from 1, None when there is none."""

    file: str
    line: int | None
    key: str
    fault: str
    mend: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.key + ': ' if self.key else ''}{self.fault}; {self.mend}"


class ConfigFaultsError(MisconfiguredError):
    """The configuration cannot be used. Scenarios: a key misspelt, a secret's file missing, a listener open to all.

    `faults` holds all of them, in the order of the file; the text is one per line.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = f"{len(faults)} faults in the configuration" if len(faults) != 1 else "a fault in the configuration"
        super().__init__("\n".join([f"{count}:", *(f"  {fault}" for fault in faults)]))


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check a configuration. Raises ConfigFaultsError (a MisconfiguredError) with every fault."""
    return config_from_toml(_text(path), path, environ)


def config_from_toml(text: str, path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """As `load`, from the text of a file that stands, or would stand, at `path`. Reads the files that it refers to."""
    path = path.absolute()
    data, broken, sound = parsed(text)
    places = Places.of(path, environ)
    _settle_journal(data, places)
    _settle_boards(data, path.parent)

    def hook(kind: type, value: Any) -> Any:
        if kind is not Path:
            raise NotImplementedError(kind)
        if not isinstance(value, str) or not value or "\0" in value:
            text = "not a path"
            raise ValueError(text)
        return places.loaded(path.parent / value)

    try:
        config, found = msgspec.convert(data, Config, dec_hook=hook), []
    except msgspec.ValidationError:
        from appliance.core.config_shape import misfits  # noqa: PLC0415 - a sound file starts without it

        found = misfits(data, Config, hook)
        config = msgspec.convert(data, Config, dec_hook=hook)
    from appliance.core.config_rules import findings  # noqa: PLC0415 - it reads this module's neighbours, not this one

    found += findings(config)
    if found or broken:
        from appliance.core.config_shape import dotted  # noqa: PLC0415
        from appliance.core.toml_lines import lines_from_toml  # noqa: PLC0415

        lines = lines_from_toml(sound)
        faults = [Fault(str(path), line, "", what, mend) for line, what, mend in broken]
        faults += [Fault(str(path), line_of(lines, find.path), dotted(find.path), find.what, find.mend) for find in found]
        raise ConfigFaultsError(sorted(faults, key=lambda fault: fault.line or 0))
    return _by_slug(config)


def _by_slug(config: Config) -> Config:
    """Queues, groups and agents under their slugs, whether the file names them so or by the PBX's own text."""
    groups = {
        slug(name, "g"): replace(group, queues=tuple(slug(queue) for queue in group.queues), title=group.title or _own_text(name))
        for name, group in config.groups.items()
    }
    agents = {slug(name, "a"): replace(agent, name=agent.name or _own_text(name)) for name, agent in config.agents.items()}
    return replace(config, queues={slug(name): queue for name, queue in config.queues.items()}, groups=groups, agents=agents)


def _own_text(name: str) -> str | None:
    return None if is_key(name) else name


class Places(Struct, frozen=True):
    """Where a configuration's state and run files lie when it does not say; `run` None: beside the journal."""

    state: Path
    run: Path | None
    #: The folder of secrets beside the configuration, and where systemd put copies of them for this service alone.
    secrets: Path = Path("credentials")
    copies: Path | None = None

    def loaded(self, file: Path) -> Path:
        """The copy of a secret that systemd loaded for this service, where it did; else the file itself."""
        if self.copies is None or file.parent != self.secrets:
            return file
        copy = self.copies / f"{self.secrets.name}_{file.name}"
        return copy if copy.exists() else file

    @classmethod
    def of(cls, path: Path, environ: Mapping[str, str]) -> Places:
        """From the file's own place and what systemd put into the environment.

        >>> Places.of(Path("/etc/callfloor/callfloor.toml"), {}).state.as_posix()
        '/var/lib/callfloor'
        """
        packaged = path.parent.parent == Path("/etc")
        state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
        run = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        return cls(
            Path(state) if state else Path("/var/lib") / path.parent.name if packaged else path.parent,
            Path(run) if run else Path("/run") / path.parent.name if packaged else None,
            path.parent / "credentials",
            Path(copies) if (copies := environ.get("CREDENTIALS_DIRECTORY")) else None,
        )


def parsed(text: str) -> tuple[dict[str, Any], list[tuple[int | None, str, str]], str]:
    """Parse TOML; where its syntax is broken, name the line, blank it and go on, so that several are found at once.

    Returns the document, (line, fault, mend) of each, and the text that parsed, of as many lines. A broken header takes its
    whole section along, so that its keys are not mistaken for others'.
    """
    lines = text.split("\n")
    broken: list[tuple[int | None, str, str]] = []
    while len(broken) < _MAX_SYNTAX_FAULTS:
        try:
            sound = "\n".join(lines)
            return tomllib.loads(sound), broken, sound
        except tomllib.TOMLDecodeError as fault:
            match = _AT_LINE.search(str(fault))
            line = int(match[1]) if match else len(lines)
            what = _AT_LINE.sub("", str(fault)).removesuffix(" (at end of document)")
            if any(line == seen for seen, _, _ in broken):
                break
            broken.append((line, f"not TOML: {what[:1].lower()}{what[1:]}", _syntax_mend(lines[line - 1])))
            if match is None:
                break
            _blank(lines, line - 1)
        except (RecursionError, ValueError) as fault:
            broken.append((None, f"not TOML: {fault}", "look for brackets nested too deep or a number too long"))
            break
    return {}, broken, ""


def _blank(lines: list[str], at: int) -> None:
    header = lines[at].lstrip().startswith("[")
    lines[at] = ""
    while header and (at := at + 1) < len(lines) and not lines[at].lstrip().startswith("["):
        lines[at] = ""


def _syntax_mend(line: str) -> str:
    text = line.strip()
    if text.startswith("["):
        return 'a header is [name] or [name.key]; other than letters, digits, "-" and "_" goes in quotes: [queues."Atención"]'
    if "=" in text:
        return 'a line is key = value; text goes in "quotes", lists in [brackets]'
    return "a line is a [header], key = value, or a # comment"


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigFaultsError([Fault(str(path), None, "", "there is no such file", "name the configuration with -c FILE")]) from None
    except OSError as fault:
        mend = "mend its rights, or name another with -c FILE"
        raise ConfigFaultsError([Fault(str(path), None, "", f"it cannot be read: {fault.strerror}", mend)]) from fault
    if len(raw) > MAX_BYTES:
        raise ConfigFaultsError([Fault(str(path), None, "", "larger than 4 MiB", "this is no configuration; name the right file with -c")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        wrong = Fault(str(path), line, "", f"byte 0x{raw[fault.start]:02x} is not UTF-8", "save the file as UTF-8")
        raise ConfigFaultsError([wrong]) from fault


def _settle_journal(data: dict[str, Any], places: Places) -> None:
    """Make the journal's paths absolute before conversion: they follow another rule than all the others."""
    journal = data.setdefault("journal", {})
    if not isinstance(journal, dict):
        return
    path = journal.setdefault("path", "journal.db")
    if isinstance(path, str) and path:
        journal["path"] = str(places.state / path)
        run = journal.setdefault("run_dir", str(places.run) if places.run else str((places.state / path).parent / "run"))
        if isinstance(run, str) and run:
            journal["run_dir"] = str(places.state / run)


def _settle_boards(data: dict[str, Any], folder: Path) -> None:
    """Board files lie in the folder `boards` beside the configuration, where there is one."""
    wallboard = data.setdefault("wallboard", {})
    if isinstance(wallboard, dict) and "boards" not in wallboard and (folder / "boards").is_dir():
        wallboard["boards"] = "boards"


def line_of(lines: Mapping[tuple[str | int, ...], int], path: tuple[str | int, ...]) -> int | None:
    """The line of the nearest thing that the text has: the key, else its table."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None
