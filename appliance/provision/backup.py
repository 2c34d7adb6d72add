"""Decides what of a box is saved, and how a new box becomes that one: the same identity, configuration and boards, a new epoch.

The journal is not saved: a box that went on recording after its backup would otherwise give out the same numbers twice. The new box's
journal begins with `journal.started`, reason `restored`, and the old epoch, so that the CRM knows that what the dead box had not
delivered is gone.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import JournalStarted
from appliance.core.clock import NS, Clock
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.core.directory_pages import FOLDER
from appliance.core.directory_reader import CARDS_FILE
from appliance.core.do_not_call import LIST_FILE
from appliance.core.errors import CallfloorError, CorruptError, DeniedError, MisconfiguredError
from appliance.core.event import Event, body_from_event
from appliance.core.journal import new_epoch
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.store import Store
from appliance.doctor.running import runs
from appliance.provision.archive import VERSION, Manifest, Saved
from appliance.provision.machine import Machine
from appliance.provision.step import Step
from appliance.provision.step_config import CONFIG
from appliance.provision.thing import File, Folder, Thing, was
from appliance.version import VERSION as PRODUCT

#: Single files of Debian's that provisioning wrote.
_SYSTEM: Final = (
    "/etc/hostname",
    "/etc/hosts",
    "/etc/timezone",
    "/etc/systemd/timesyncd.conf.d/50-callfloor.conf",
    "/etc/systemd/network/10-callfloor.network",
    "/etc/NetworkManager/system-connections/callfloor.nmconnection",
)
_TREES: Final = ("/etc/callfloor", "/var/lib/callfloor")
#: Below the state directory: the journal and all that belongs to it alone, caches, and the ways back of this very machine.
#: The customers' directory is the CRM's, which sends it again; the do-not-call list is the box's own, and is saved.
_LEFT: Final = ("cache", "cursors", "run", "provision", "backup", "backups", "update", "updates", FOLDER)
_MOST_BYTES: Final = 64 * 1024**2
_LOCKS: Final = ("gateway", "headsets", "alarms", "uplink")


class Box(Struct, frozen=True):
    """What was read of a box: the manifest and the contents."""

    manifest: Manifest
    contents: dict[str, bytes]


def saved(machine: Machine, now_s: float, *, secrets: bool) -> Box:
    """Read what is to be saved. Raises MisconfiguredError for a box without a configuration, DeniedError without the right."""
    config = config_at(machine)
    named = _named_secrets(machine, config)
    files, contents = list[Saved](), dict[str, bytes]()
    for place in _places(machine, config):
        look = was(machine, place)
        if look.kind != "file":
            continue
        private = _is_private(place, look.data, named)
        if private and not secrets:
            continue
        user, group = _name(machine, "passwd", look.uid), _name(machine, "group", look.gid)
        files.append(Saved(path=place, mode=look.mode, user=user, group=group, secret=private))
        contents[place] = look.data
    manifest = Manifest(
        backup=VERSION,
        site=config.site.name,
        box=config.site.box,
        at_s=now_s,
        callfloor=PRODUCT,
        epoch=_epoch(config),
        secrets=secrets,
        files=tuple(files),
    )
    return Box(manifest, contents)


def step_of(machine: Machine, box: Box) -> Step:
    """The saved files as things to put in place: the same work, states and way back as provisioning's."""
    folders: dict[str, Thing] = {
        "/etc/callfloor": Folder(path="/etc/callfloor", mode=0o750, group="callfloor"),
        "/etc/callfloor/credentials": Folder(path="/etc/callfloor/credentials", mode=0o700),
        "/var/lib/callfloor": Folder(path="/var/lib/callfloor", mode=0o750, user="callfloor", group="callfloor"),
    }
    things: list[Thing] = []
    for each in box.manifest.files:
        if not (each.path in _SYSTEM or any(each.path.startswith(f"{tree}/") for tree in _TREES)) or each.mode & 0o7000:
            raise DeniedError(f"the backup holds {each.path}, which is none of a box's own files; it was not made by callfloor backup")
        for parent in reversed(Path(each.path).parents):
            place = str(parent)
            if any(place.startswith(f"{tree}/") for tree in _TREES) and place not in folders:
                owner = "callfloor" if each.user == "callfloor" else "root"
                closed = owner == "root" and each.group == "root"
                folders[place] = Folder(path=place, mode=0o700 if closed else 0o750, user=owner, group=each.group if not closed else "root")
        content = box.contents[each.path]
        things.append(File(path=each.path, content=content, mode=each.mode, user=each.user, group=each.group, secret=each.secret))
    missing = sorted({thing.user for thing in things if isinstance(thing, File)} - {"root"} - _accounts(machine))
    cannot = f"{machine.root} lacks user {', '.join(missing)}; install the package first" if missing else None
    return Step(name="restore", things=(*folders.values(), *things), cannot=cannot)


def refuse(machine: Machine, box: Box, *, force: bool) -> None:
    """Raises DeniedError where services run, or where this box is another one and nobody forces it."""
    path = machine.path(CONFIG)
    if not path.is_file():
        return
    try:
        config = config_at(machine)
    except CallfloorError as fault:
        if not force:
            raise MisconfiguredError(f"{fault}\nthis box has a configuration that cannot be read; --force replaces it") from fault
        return
    if config.journal.run_dir is not None:
        up = [name for name in _LOCKS if runs(config.journal.run_dir, name)]
        if up:
            raise DeniedError("services run on this box; stop them first: sudo systemctl stop callfloor.target 'callfloor@*'")
    here, there = f"{config.site.name}/{config.site.box}", f"{box.manifest.site}/{box.manifest.box}"
    if here != there and not force:
        mend = "--force makes it that one (two boxes of one name put each other out at the broker)"
        raise DeniedError(f"this box is {here}, the backup is of {there}; {mend}")


def begin_journal(config: Config, epoch: str | None, clock: Clock) -> str:
    """Set a journal that is there aside and begin one that says that the box was restored; returns its epoch. As the services' user."""
    path = config.journal.path
    stamp = clock.wall_ns() // NS
    for suffix in ("", "-wal", "-shm"):
        old = Path(f"{path}{suffix}")
        if old.exists():
            old.rename(f"{path}.before-restore-{stamp}{suffix}")
    store = Store.create(path, new_epoch())
    try:
        path.chmod(0o660)
        data = JournalStarted(reason="restored", previous=epoch)
        event = Event("journal.started", "journal/journal", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
        store.insert([(body_from_event(event), True)], ())
        return store.epoch
    finally:
        store.close()


def end_former(config: Config, box: Box) -> None:
    """Take away what a former box at this machine left beside its journal and what would pass for the restored one's: its customers,
    and the write-ahead logs of a list that was replaced, which SQLite would play over the new one.
    """
    folder = config.journal.path.parent
    saved = {Path(each.path).name for each in box.manifest.files}
    left = [f"{CARDS_FILE}{suffix}" for suffix in ("", "-wal", "-shm")]
    if LIST_FILE in saved:
        left += [name for suffix in ("-wal", "-shm") if (name := f"{LIST_FILE}{suffix}") not in saved]
    for name in left:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def missing_secrets(machine: Machine) -> tuple[str, ...]:
    """Files that the saved configuration names and that are not there."""
    try:
        load(machine.path(CONFIG))
    except CallfloorError as fault:
        faults = getattr(fault, "faults", ())
        return tuple(each.key for each in faults if each.key.endswith("_file"))
    return ()


def config_in(box: Box, machine: Machine) -> Config:
    """The saved configuration, whether or not the files that it names are there. Raises CorruptError."""
    text = box.contents.get(CONFIG, b"").decode("utf-8-sig", "replace")
    folder, state = machine.path(CONFIG).parent, machine.path("/var/lib/callfloor")
    try:
        data = tomllib.loads(text)
        journal = data.setdefault("journal", {})
        journal["path"] = str(state / journal.get("path", "journal.db"))
        return msgspec.convert(data, Config, dec_hook=lambda _, value: folder / value)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, TypeError, AttributeError) as fault:
        raise CorruptError(f"the backup's configuration cannot be read: {fault}; take another backup") from fault


def config_at(machine: Machine) -> Config:
    """A box's configuration; below another root its journal is where it would be there. Raises ConfigFaultsError."""
    if machine.root == Path("/"):
        return load(machine.path(CONFIG))
    places = {"STATE_DIRECTORY": str(machine.path("/var/lib/callfloor")), "RUNTIME_DIRECTORY": str(machine.path("/run/callfloor"))}
    return load(machine.path(CONFIG), places)


def _places(machine: Machine, config: Config) -> list[str]:
    found = list(_SYSTEM)
    journal = config.journal.path.name
    for tree in _TREES:
        base = machine.path(tree)
        for path in sorted(base.rglob("*")) if base.is_dir() else ():
            inside = path.relative_to(base)
            state = tree.startswith("/var/")
            own = inside.parts[0]
            if state and (own in _LEFT or own.startswith((journal, "journal.", "directory.")) or own.endswith("-shm")):
                continue
            if path.is_file() and not path.is_symlink() and not path.name.endswith(".part") and path.stat().st_size <= _MOST_BYTES:
                found.append(f"{tree}/{inside.as_posix()}")
    return found


def _named_secrets(machine: Machine, config: Config) -> frozenset[str]:
    """Files that the configuration calls secrets, wherever they lie."""
    crm, tv = config.crm, config.wallboard.tv
    named = [pbx.secret_file for pbx in config.pbx.values()]
    named += [crm.key_file, crm.password_file] if crm else []
    named += [tv.token_file, tv.key_file] if tv else []
    found = set()
    for path in named:
        if path is not None:
            text = str(path)
            found.add("/" + str(path.relative_to(machine.root)) if path.is_relative_to(machine.root) else text)
    return frozenset(found)


def _is_private(place: str, content: bytes, named: frozenset[str]) -> bool:
    name = Path(place).name
    kept = place.startswith("/etc/callfloor/credentials/") or name == "privacy.salt" or place.endswith(".nmconnection")
    return kept or place in named or b"PRIVATE KEY-----" in content


def _epoch(config: Config) -> str | None:
    try:
        journal = ReadonlyJournal(config.journal.path, config.journal.run_dir)
    except (CallfloorError, OSError):
        return None  # a box that never ran, or one whose journal is damaged: that is why it is saved
    try:
        return journal.epoch
    finally:
        journal.close()


def _accounts(machine: Machine) -> set[str]:
    return {name for name in ("callfloor",) if machine.account(name) is not None}


def _name(machine: Machine, table: str, number: int) -> str:
    """A number's name on that box; what has none is root's."""
    for line in machine.path(f"/etc/{table}").read_text(encoding="utf-8", errors="replace").splitlines():
        part = line.split(":")
        if len(part) > 2 and part[2] == str(number):
            return part[0]
    return "root"
