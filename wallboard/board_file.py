"""Decides how a board file is read: every fault at once, each with file, line, key and mend; what is sound of it still makes a board."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.core.config_file import Fault, line_of, parsed
from appliance.core.config_rules import Finding
from appliance.core.config_shape import dotted, misfits
from appliance.core.slug import is_key, slug
from appliance.core.toml_lines import lines_from_toml
from wallboard.figure import FIGURES, FLOOR_ONLY
from wallboard.layout import EVERY_SITE, BoardSpec, NoticeSpec, PageSpec, is_of_sites, page_names

#: A board is a screenful of lines; whatever is larger is some other file.
MAX_BYTES: Final = 256 * 1024
#: More boards than this no floor has; more pages nobody waits for.
MAX_PAGES: Final = 50
MAX_NOTICES: Final = 100
#: So many faults of one file are told: whoever mends them looks again.
MAX_FAULTS: Final = 20
_NO_PAGE: Final = "no page"
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
#: Which keys a page of each kind heeds, beside name, title and dwell_s.
_HEEDS: Final[dict[str, frozenset[str]]] = {
    "floor": frozenset({"figures", "window"}),
    "queue": frozenset({"queue", "figures", "window"}),
    "group": frozenset({"group", "figures", "window"}),
    "queues": frozenset({"queues", "channels", "figures", "window"}),
    "totals": frozenset({"group", "groups", "sites", "figures", "window"}),
    "callbacks": frozenset({"queues"}),
    "channels": frozenset({"channels"}),
    "classes": frozenset({"queue", "group", "window"}),
    "outbound": frozenset({"figures", "window"}),
    "agents": frozenset({"queues", "names"}),
    "trunks": frozenset(),
    "records": frozenset(),
    "headsets": frozenset({"names"}),
    "link": frozenset(),
    "announcements": frozenset(),
}


def read_board(path: Path) -> tuple[BoardSpec | None, tuple[Fault, ...]]:
    """A board file and its faults; the board is None where nothing of it can stand. Reads that one file and raises nothing."""

    def one(what: str, mend: str, line: int | None = None) -> tuple[None, tuple[Fault, ...]]:
        return None, (Fault(str(path), line, "", what, mend),)

    try:
        # Without waiting: opening a pipe that nobody writes to would stop every board.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return one("it is no file", "take it out of the folder")
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return one(f"it cannot be read: {error.strerror or error}", "mend its rights, or take it away")
    if len(raw) > MAX_BYTES:
        return one("larger than 256 KiB", "this is no board file; take it out of the folder")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return one(f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8", raw.count(b"\n", 0, error.start) + 1)
    return board_from_toml(text, path)


def board_from_toml(text: str, path: Path) -> tuple[BoardSpec | None, tuple[Fault, ...]]:
    """As `read_board`, from the text of a file that stands, or would stand, at `path`."""
    data, broken, sound = parsed(text)
    has_pages = "page" in data
    found = [*_too_many(data), *misfits(data, BoardSpec, _no_paths)]
    spec = msgspec.convert(data, BoardSpec)
    if not is_key(path.stem):
        found.append(Finding((), f'"{path.stem}" cannot be the name of a board', f"name the file {slug(path.stem)}.toml"))
    elif path.stem.partition(".")[0] in {"queue", "group", "led"} and "." in path.stem:
        found.append(Finding((), f'"{path.stem}" is the name of a board that the box makes itself', "choose another name for the file"))
    # Pages that fell out have told why; "no page" is for a file that has none.
    found += [finding for finding, _ in _objections(spec) if finding.what != _NO_PAGE or not has_pages]
    lines = lines_from_toml(sound)
    faults = [Fault(str(path), line, "", what, mend) for line, what, mend in broken]
    faults += [Fault(str(path), line_of(lines, find.path), dotted(find.path), find.what, find.mend) for find in found]
    faults.sort(key=lambda fault: fault.line or 0)
    if len(faults) > MAX_FAULTS:
        rest = f"and {len(faults) - MAX_FAULTS} faults more"
        faults[MAX_FAULTS:] = [Fault(str(path), faults[MAX_FAULTS].line, "", rest, "mend these, and look again with callfloor check")]
    return _sound(spec), tuple(faults)


def _too_many(data: dict[str, Any]) -> Iterator[Finding]:
    """More than anybody looks at; taken out before each of it is looked at."""
    for key, most in (("page", MAX_PAGES), ("notice", MAX_NOTICES)):
        if isinstance(data.get(key), list) and len(data[key]) > most:
            del data[key][most:]
            yield Finding((key, most), f"more than {most} {key}s", "make a second board of the rest")
    for at, page in enumerate(data["page"] if isinstance(data.get("page"), list) else ()):
        figures = page.get("figures") if isinstance(page, dict) else None
        if isinstance(figures, list) and len(figures) > len(FIGURES):
            del figures[len(FIGURES) :]
            yield Finding(("page", at, "figures"), "more figures than there are", f"there are {', '.join(FIGURES)}")


def _sound(spec: BoardSpec) -> BoardSpec | None:
    """The board without the pages and notices that cannot stand; None when no page is left."""
    bad = {(where[0], where[1]) for _, where in _objections(spec) if len(where) == 2}
    pages = tuple(_known(page) for at, page in enumerate(spec.page) if ("page", at) not in bad)
    notices = tuple(notice for at, notice in enumerate(spec.notice) if ("notice", at) not in bad)
    if not pages:
        return None
    sound = msgspec.structs.replace(spec, page=pages, notice=notices)
    return sound if sound.pin in page_names(sound) else msgspec.structs.replace(sound, pin=None)


def _known(page: PageSpec) -> PageSpec:
    """The page without figures that nobody knows, or that are not of what it shows."""
    return msgspec.structs.replace(page, figures=tuple(figure for figure in page.figures if figure in _figures_for(page)))


def _figures_for(page: PageSpec) -> frozenset[str]:
    """What a page may show: under the name of a queue or a group, a figure of the whole floor would pass for theirs."""
    whole = page.kind in ("floor", "outbound") or is_of_sites(page)
    return frozenset(FIGURES) if whole else frozenset(FIGURES) - FLOOR_ONLY


def _objections(spec: BoardSpec) -> Iterator[tuple[Finding, tuple[str | int, ...]]]:
    """What the types allow and the board cannot mean; with the table that must go for it, () where nothing must."""
    if not spec.page:
        yield Finding((), _NO_PAGE, 'write at least [[page]] with kind = "floor"'), ()
    names: list[str] = []
    for at, page in enumerate(spec.page):
        here = ("page", at)
        for finding, fatal in _page(page, here):
            yield finding, here if fatal else ()
        if page.name is not None and page.name in names:
            yield Finding((*here, "name"), f'"{page.name}" is the name of two pages', "give each its own"), here
        names += [page.name] if page.name is not None else []
    if spec.pin is not None and spec.pin not in page_names(spec):
        yield Finding(("pin",), f'no page is called "{spec.pin}"', f"write one of {', '.join(page_names(spec))}"), ()
    for at, notice in enumerate(spec.notice):
        for finding in _notice(notice, ("notice", at)):
            yield finding, ("notice", at)


def _page(page: PageSpec, here: tuple[str | int, ...]) -> Iterator[tuple[Finding, bool]]:
    """What is wrong with a page, and whether it cannot stand because of it."""
    for key in ("queue", "group"):
        if page.kind == key and not getattr(page, key):
            yield Finding(here, f'a page of kind "{page.kind}" must say which', f'write {key} = "…", as the PBX or [{key}s] names it'), True
    heeded = _HEEDS[page.kind]
    for key in ("queue", "group", "queues", "groups", "sites", "channels", "figures", "names"):
        if getattr(page, key) not in (None, (), False) and key not in heeded:
            yield Finding((*here, key), f'a page of kind "{page.kind}" has no {key}', f"take it out; it knows {_listed(heeded)}"), False
    if page.sites and (page.groups or page.group):
        yield Finding((*here, "sites"), "a page has totals of groups or of sites, not of both", "make two pages of it"), False
    if page.kind == "classes" and page.queue and page.group:
        yield Finding((*here, "group"), "a page has the types of one queue or of one group, not of both", "make two pages of it"), False
    for key in ("sites", "channels"):
        if EVERY_SITE in getattr(page, key) and len(getattr(page, key)) > 1:
            yield Finding((*here, key), f'"{EVERY_SITE}" is all of them already', f'write {key} = ["{EVERY_SITE}"], or name them'), False
    may = _figures_for(page)
    alone = not any(figure in may for figure in page.figures)
    for at, figure in enumerate(page.figures):
        if figure not in FIGURES:
            yield Finding((*here, "figures", at), f'there is no figure "{figure}"', _nearest(figure)), alone
        elif figure not in may:
            mend = 'take it out, or show it on a page of kind "floor"'
            yield Finding((*here, "figures", at), f'"{figure}" is a figure of the whole floor, not of a queue or a group', mend), alone
    if page.name is not None and not is_key(page.name):
        yield Finding((*here, "name"), f'"{page.name}" cannot be a name', f'write "{slug(page.name)}"; title takes any text'), True


def _notice(notice: NoticeSpec, here: tuple[str | int, ...]) -> Iterator[Finding]:
    if not notice.text.strip():
        yield Finding((*here, "text"), "says nothing", "write a text, or take the notice out")
    for key in ("at", "until"):
        value = getattr(notice, key)
        if value is not None and not _TIME.fullmatch(value):
            yield Finding((*here, key), f'"{value}" is no time of day', 'write it as "08:00"')
    if notice.at is not None and notice.at == notice.until:
        yield Finding((*here, "until"), "ends when it begins", "leave both out for the whole day")
    dates: list[date] = []
    for key in ("first", "last"):
        value = getattr(notice, key)
        try:
            dates += [date.fromisoformat(value)] if value is not None else []
        except ValueError:
            yield Finding((*here, key), f'"{value}" is no date', 'write it as "2026-12-01"')
    if len(dates) == 2 and dates[1] < dates[0]:
        yield Finding((*here, "last"), "is before first", "turn them round")


def _nearest(figure: str) -> str:
    import difflib  # noqa: PLC0415 - for a fault alone

    near = difflib.get_close_matches(figure, FIGURES, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(FIGURES)}"


def _listed(keys: frozenset[str]) -> str:
    return ", ".join(["name", "title", "dwell_s", *sorted(keys)])


def _no_paths(kind: type, _value: Any) -> Any:
    raise NotImplementedError(kind)
