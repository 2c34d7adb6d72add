"""Decides what `callfloor privacy` says: everything that the box keeps of people, where, whose it is, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from appliance.core.callers import KINDS_OF_CALLERS
from appliance.core.config import Config
from appliance.core.directory_pages import FOLDER
from appliance.core.directory_reader import CARDS_FILE
from appliance.core.do_not_call import LIST_FILE
from appliance.core.due import due_kinds
from appliance.core.event import stored_from_body
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal_readonly import ReadonlyJournal

#: Whose data: callers', agents', of both, of nobody.
Whose = Literal["callers", "staff", "callers and staff", "nobody"]
_BY_HAND: Final = "until somebody removes it"


class Kept(Struct, frozen=True, kw_only=True):
    """One store. `bytes` None: not there, or not this box's."""

    what: str
    where: str
    whose: Whose
    long: str
    bytes: int | None = None


class Held(Struct, frozen=True, kw_only=True):
    """What the journal holds now: events that tell of callers, of how many of them the CRM has not got, and from when the first is."""

    events: int
    of_callers: int
    waiting: int
    oldest_wall_ns: int | None


def stores(config: Config) -> list[Kept]:
    """Every place, in the order of how much it tells of people. Looks at the files beside the journal, and at nothing else."""
    path, journal = config.journal.path, config.journal
    folder = path.parent
    days = f"{journal.keep_days:g} days or {journal.max_bytes / 2**20:,.0f} MiB ([journal] keep_days, max_bytes)"
    privacy = config.privacy
    numbers = days
    if privacy.callers_days is not None:
        became = "a mark by the box's salt" if privacy.callers == "hash" else "a mark that leads nowhere"
        numbers = (
            f"{privacy.callers_days:g} days, then {became} ([privacy] callers_days, callers); what the CRM has not got yet, until then"
        )
    rows = [
        _file("events: callers' numbers and names, what they dialled", path, "callers", numbers),
        _file("events: agents' logins, states and calls", path, "staff", days),
    ]
    if config.headsets is not None or config.site.role == "seat":
        headset_days = (config.headsets or HeadsetsConfig()).keep_days
        rows.append(_file("events: each lift and mute of a headset", path, "staff", f"{headset_days:g} days ([headsets] keep_days)"))
    rows.append(_file("write-ahead log: the newest of them once more", Path(f"{path}-wal"), "callers and staff", "until it is used again"))
    rows += [
        _file("a journal set aside as damaged", one, "callers and staff", _BY_HAND)
        for one in sorted(folder.glob(f"{path.name}.damaged-*"))
        if not one.name.endswith(("-wal", "-shm"))
    ]
    rows += [
        _file(
            "customers, as the CRM sent them: name, numbers, segment, last case",
            folder / CARDS_FILE,
            "callers",
            "until the CRM deletes them",
        ),
        _folder("pages of customers that wait to be filed", folder / FOLDER, "callers", "seconds"),
        _file("numbers that nobody may call", folder / LIST_FILE, "callers", _BY_HAND),
        _file("ids of commands, and what became of them", folder / "commands.jsonl", "nobody", "7 days"),
        _folder(
            "figures of days, by queue and by agent", folder / "summary", "staff", f"{journal.summary_days:g} days ([journal] summary_days)"
        ),
        _folder(
            "the day's fold, for a quick start: agents' states; who was answered, as hashes by the box's salt",
            folder / "cache",
            "callers and staff",
            f"2 days; hashes {config.kpi.repeat_hours:g} hours ([kpi] repeat_hours)",
        ),
        _file("the salt of the marks and hashes", folder / "privacy.salt", "nobody", _BY_HAND),
        Kept(what="log lines: no caller's number, no secret", where="the system's journal", whose="staff", long="as the system is set up"),
        Kept(
            what="recordings by `callfloor capture`, without --sanitize",
            where="where -o put them",
            whose="callers and staff",
            long=_BY_HAND,
        ),
    ]
    crm = config.crm
    if crm is not None and crm.url:
        told = due_kinds(config) & KINDS_OF_CALLERS
        urls = crm.url if isinstance(crm.url, str) else ", ".join(crm.url)
        what = f"what was sent: {len(due_kinds(config))} kinds of event, {len(told)} of them with callers' numbers; the floor with agents"
        rows.append(Kept(what=what, where=f"{urls}, and the CRM behind it", whose="callers and staff", long="as the CRM decides"))
    return rows


def held(journal: ReadonlyJournal) -> Held:
    """Count what the journal holds of callers; reads all of it."""
    cursor = journal.cursor("uplink")
    settled = cursor.n if cursor.epoch == journal.epoch else 0
    events = of_callers = waiting = 0
    oldest: int | None = None
    after = 0
    while page := journal.read(after):
        for entry in page:
            events += 1
            try:
                row = stored_from_body(entry.body)
            except msgspec.DecodeError:
                continue
            if row.kind in KINDS_OF_CALLERS:
                of_callers += 1
                waiting += entry.n is not None and entry.n > settled
                oldest = row.wall_ns if oldest is None else oldest
        after = page[-1].seq
    return Held(events=events, of_callers=of_callers, waiting=waiting, oldest_wall_ns=oldest)


def damaged(path: Path) -> list[Path]:
    """Journals set aside: nothing is looked for in them."""
    return sorted(path.parent.glob(f"{path.name}.damaged-*"))


def _file(what: str, path: Path, whose: Whose, long: str) -> Kept:
    return Kept(what=what, where=str(path), whose=whose, long=long, bytes=_size(path))


def _folder(what: str, path: Path, whose: Whose, long: str) -> Kept:
    files = [one for one in path.glob("*") if one.is_file()]
    return Kept(what=what, where=str(path), whose=whose, long=long, bytes=sum(_size(one) or 0 for one in files) if files else None)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
