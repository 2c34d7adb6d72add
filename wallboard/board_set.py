"""Decides which boards a box has, and makes any of them: those that it always has, and those of its board files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core.config import Config
from appliance.core.config_file import Fault
from appliance.core.threshold import Threshold, figures_of, rule_of, thresholds_from
from appliance.floor.snapshot import Snapshot
from wallboard.board import Board, board_from
from wallboard.board_file import read_board
from wallboard.history.last_week import LastWeek
from wallboard.layout import EVERY_SITE, BoardSpec, board_of_floor, board_of_group, board_of_queue
from wallboard.notice import notices_now
from wallboard.page import Setting
from wallboard.words import words_of

FLOOR: Final = "floor"
#: More files than this in the folder are not read.
MAX_FILES: Final = 200


class BoardSet:
    """The boards of one configuration. `faults` are those of the board files as last read."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.zone = ZoneInfo(config.site.timezone)
        self._targets = targets(config)  # of 200 queues they take longer than the rest of a queue's board
        self._stamps: dict[Path, tuple[int, ...]] = {}
        #: How things stood a week ago, where somebody knows.
        self.week: Callable[[], LastWeek | None] = lambda: None
        self.files: dict[str, BoardSpec] = {}
        self.faults: tuple[Fault, ...] = ()
        #: Grows with each change of the files, so that whoever shows a board knows that it is another one now.
        self.revision = 0
        self.look()

    def look(self) -> bool:
        """Read the board files anew if any changed; True if so. A folder that is away leaves the boards that the box always has."""
        stamps = _stamps(self._config.wallboard.boards)
        if stamps == self._stamps and self.revision:
            return False
        self._stamps, self.revision = stamps, self.revision + 1
        files: dict[str, BoardSpec] = {}
        faults: list[Fault] = []
        paths = sorted(stamps)
        if len(paths) > MAX_FILES:
            what = f"{len(paths)} board files; a box reads {MAX_FILES} of them, this one and those after it are left out"
            faults.append(Fault(str(paths[MAX_FILES]), None, "", what, "move what is no board of this box to another folder"))
        for path in paths[:MAX_FILES]:
            spec, found = read_board(path)
            faults += found
            if spec is not None:
                files[path.stem] = spec
        self.files = files  # before the names that somebody uses are looked up among them
        self.faults = (*faults, *self._unknown(files))
        return True

    def names(self) -> tuple[str, ...]:
        """The floor's board and those of the files; each queue and group has one besides."""
        return tuple(dict.fromkeys((FLOOR, *self.files)))

    def spec(self, name: str) -> BoardSpec | None:
        """What a board is made of; None for a name that no board has. A queue's board may be asked for before its first event."""
        if name in self.files:
            return self.files[name]
        kind, _, key = name.partition(".")
        if kind in ("queue", "group") and key:
            return board_of_queue(key) if kind == "queue" else board_of_group(key)
        return board_of_floor() if name == FLOOR else None

    def setting(self, spec: BoardSpec, language: str | None = None) -> Setting:
        """What a board needs besides the floor. Raises KeyError for a language that is not one of ours."""
        config = self._config
        words = words_of(language or spec.language or config.site.language)
        completion = config.kpi.window == "completion"
        return Setting(
            words, self.zone, self._targets, names=config.privacy.agent_names, completion=completion, week=self.week(),
            classes=classes_of(config, words.language),
        )  # fmt: skip

    def board(self, name: str, snapshot: Snapshot, now_wall_ns: int, language: str | None = None) -> Board:
        """The board of that name at this instant; one that no longer has a file is the floor's."""
        spec = self.spec(name) or board_of_floor()
        notices = tuple(notices_now(spec, name, now_wall_ns, self.zone))
        return board_from(spec, name, self.setting(spec, language), snapshot, now_wall_ns, notices)

    def _unknown(self, files: dict[str, BoardSpec]) -> list[Fault]:
        """Boards, groups and sites that are named somewhere and that nobody has."""
        sites = (EVERY_SITE, self._config.site.name, *self._config.sites)
        faults: list[Fault] = []
        for name, spec in files.items():
            file = str((self._config.wallboard.boards or Path()) / f"{name}.toml")
            for at, page in enumerate(spec.page):
                named = page.groups if page.group is None else (page.group, *page.groups)
                for group in named:
                    if group not in self._config.groups:
                        mend = f"write [groups.{group}]; there is {', '.join(self._config.groups) or 'none yet'}"
                        faults.append(Fault(file, None, f"page[{at}]", f'no group is called "{group}"', mend))
                if page.sites and not self._config.sites:
                    mend = "write [sites.KEY] with its site and box (docs/sites.md)"
                    faults.append(Fault(file, None, f"page[{at}]", "no other site is configured, and the page is left out", mend))
                for site in page.sites if self._config.sites else ():
                    if site not in sites:
                        mend = f"write [sites.{site}]; there is {', '.join(sites[1:])}"
                        faults.append(Fault(file, None, f"page[{at}]", f'no site is called "{site}"', mend))
        boards = self._config.wallboard
        shown = {f"led.{name}": led.board for name, led in boards.led.items()}
        shown |= {f"sign.{name}": sign.board for name, sign in boards.sign.items()}
        for medium, board in shown.items():
            if board is not None and self.spec(board) is None:
                mend = f"write one of {', '.join(self.names())}, or queue.KEY or group.KEY"
                faults.append(Fault("", None, f"wallboard.{medium}.board", f'no board is called "{board}"', mend))
        return faults


def classes_of(config: Config, language: str) -> dict[str, str]:
    """What each type of call is called, in the order of the configuration."""
    told = config.classification
    return {name: told.title_of(name, language) for name in told.known}


def targets(config: Config) -> dict[str, Threshold]:
    """The thresholds whose red is shown as a target: by figure, and by scope and figure (`queue.ventas.asa`) where they differ there."""
    every = ((figure, rule_of(config, "group.", figure)) for figure in figures_of("group."))
    usual = {**thresholds_from(config.kpi), **{figure: rule.threshold for figure, rule in every if rule is not None}}
    scopes = ["floor", *(f"queue.{key}" for key in config.queues), *(f"group.{key}" for key in config.groups)]
    out = dict(usual)
    for path in scopes:
        for figure in figures_of(path):
            rule = rule_of(config, path, figure)
            if rule is not None and rule.threshold != usual.get(figure):
                out[f"{path}.{figure}"] = rule.threshold
    return out


def _stamps(folder: Path | None) -> dict[Path, tuple[int, ...]]:
    """Each board file with what changes when it is written. Hidden files are editors' own, and a name may point nowhere."""
    out: dict[Path, tuple[int, ...]] = {}
    try:
        paths = list(folder.glob("*.toml")) if folder is not None else []
    except OSError:
        return out  # the folder is looked at again
    for path in paths:
        if path.name.startswith("."):
            continue
        try:
            stat = path.stat()
        except OSError:
            out[path] = ()  # gone since, or a link to nothing: its own fault alone
        else:
            out[path] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return out
