"""Decides what the browser is given: which boards there are, the page of each, and the files it loads. All in memory, no outside request.

A page is one static template; what differs (words, language, targets, which queue) rides in a JSON data block, so that the
content-security policy needs no inline script.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.config import Config
from appliance.floor.snapshot import Snapshot
from appliance.version import VERSION
from wallboard.board_set import FLOOR, BoardSet, classes_of, targets
from wallboard.figure import CALLBACK_COLUMNS, CHANNEL_COLUMNS, COLUMNS, LARGE, OUTCOMES, table, usual_figures
from wallboard.layout import BoardSpec, board_of_floor, page_names
from wallboard.staff_row import AGENT_ORDER
from wallboard.web.fault_page import fault_page, fault_section, faults_of
from wallboard.web.revision import Revision
from wallboard.words import LANGUAGES, words_of

_FOLDER: Final = Path(__file__).parent.parent / "tv"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asset(Struct, frozen=True):
    """One static file: body, media type, and a tag that changes with its content."""

    body: bytes
    media_type: str
    etag: str


class LedSize(Struct, frozen=True):
    """What a page must know of an LED chain; `simulated` ones are drawn on the floor's page, having no body of their own."""

    width: int
    height: int
    simulated: bool


def assets() -> dict[str, Asset]:
    """Every file of the page by its name, read once at start."""
    out = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _TYPES:
            body = path.read_bytes()
            out[path.name] = Asset(body, _TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return out


def listed(boards: BoardSet, snapshot: Snapshot, leds: Mapping[str, LedSize]) -> dict[str, str]:
    """Name and title of every board: the floor, those of the board files, one per queue and group, one per LED chain."""
    out = {FLOOR: ""}
    out |= {name: spec.title or name for name, spec in boards.files.items()}
    out |= {f"queue.{key}": queue.title or key for key, queue in snapshot.queues.items()}
    out |= {f"group.{key}": group.title or key for key, group in snapshot.groups.items()}
    out |= {f"led.{name}": f"{name} · {led.width} × {led.height}" for name, led in leds.items()}
    return out


def language_of(asked: str | None, config: Config) -> str:
    """The page's language: `?lang=` where it is one of ours, else the site's."""
    return asked if asked in LANGUAGES else config.site.language


class Pages:
    """Fills the templates."""

    def __init__(self, config: Config, boards: BoardSet, leds: Mapping[str, LedSize]) -> None:
        self._config, self._boards, self._leds = config, boards, leds
        self._board = (_FOLDER / "board.html").read_text(encoding="utf-8")
        self._index = (_FOLDER / "index.html").read_text(encoding="utf-8")
        self._fault = (_FOLDER / "fault.html").read_text(encoding="utf-8")
        self.assets = assets()
        templates = [self._board, self._index, self._fault, *(f"{name} {asset.etag}" for name, asset in self.assets.items())]
        texts = [words_of(language).texts for language in LANGUAGES]
        parts = (VERSION, templates, texts, table(), repr(config))
        #: What the page of today is called; `setup.revision` in the page, the `setup` event in the stream.
        self.revision = Revision(boards, parts)

    def language(self, name: str, asked: str | None) -> str:
        """A board's language: the one asked for, else the one of its file, else the site's."""
        spec = self._boards.spec(name)
        return language_of(asked or (spec.language if spec is not None else None), self._config)

    def board(self, name: str, title: str, language: str) -> bytes:
        """The page of one board; its figures come by the stream. `title` names the browser's tab."""
        page = self._board
        for slot, text in {"TITLE": title or words_of(language).texts["board"], "LANG": language}.items():
            page = page.replace(f"[[{slot}]]", html.escape(text))
        return page.replace("[[SETUP]]", _embedded(self.setup(name, language))).encode()

    def setup(self, name: str, language: str) -> dict[str, Any]:
        """What the page's script must know besides the floor: the board file, the figures, the targets, the words."""
        config, site = self._config, self._config.site
        kind = name.partition(".")[0]
        spec = BoardSpec() if kind == "led" else self._boards.spec(name) or board_of_floor()
        shown = {
            led: {"width": size.width, "height": size.height}
            for led, size in self._leds.items()
            if (name == FLOOR and size.simulated) or name == f"led.{led}"
        }
        return {
            "name": name,
            "title": spec.title or "",
            "language": language,
            "words": words_of(language).texts,
            "site": site.name,
            "timezone": site.timezone,
            "distance_m": spec.distance_m,
            "diagonal_in": spec.diagonal_in,
            "pin": spec.pin,
            "pages": [{**msgspec.to_builtins(page), "name": called} for page, called in zip(spec.page, page_names(spec), strict=True)],
            "notices": msgspec.to_builtins(spec.notice),
            "figures": table(),
            "usual": usual_figures(floor=True),
            "columns": COLUMNS,
            "large": LARGE,
            "callback_columns": CALLBACK_COLUMNS,
            "channel_columns": CHANNEL_COLUMNS,
            "outcomes": OUTCOMES,
            "classes": [{"key": key, "title": name} for key, name in classes_of(config, language).items()],
            "agent_order": AGENT_ORDER,
            "thresholds": {key: [t.side, t.amber, t.red] for key, t in targets(config).items()},
            "names": config.privacy.agent_names,
            "completion": config.kpi.window == "completion",
            "leds": shown,
            "revision": self.revision(),
        }

    def fault(self, name: str, language: str) -> bytes:
        """The page in a board's stead: its file's faults, or that there is no such board. It looks again by itself."""
        return fault_page(self._fault, name, faults_of(self._boards, name), language, self.revision())

    def index(self, names: Mapping[str, str], language: str) -> bytes:
        """The list of boards, with a link per language."""
        words = words_of(language)
        site = self._config.site
        items = []
        for name, title in names.items():
            kind = name.partition(".")[0]
            label = html.escape(title or words.texts["board.floor"])
            kind = kind if f"board.{kind}" in words.texts else "file"
            items.append(
                f'<li><a href="/board/{html.escape(name)}?lang={language}"><span class="kind">{html.escape(words.texts[f"board.{kind}"])}'
                f"</span><strong>{label}</strong></a></li>"
            )
        languages = "".join(
            f'<a href="/?lang={code}" lang="{code}"{" aria-current=true" if code == language else ""}>{html.escape(name)}</a>'
            for code, name in LANGUAGES.items()
        )
        page = self._index
        slots = {
            "LANG": html.escape(language),
            "TITLE": html.escape(f"{site.name} · {site.box}"),
            "HEADING": html.escape(words.texts["boards"]),
            "ITEMS": "".join(items),
            "LANGUAGES": languages,
            "FAULTS": fault_section(self._boards.faults, language),
        }
        for slot, text in slots.items():
            page = page.replace(f"[[{slot}]]", text)
        return page.encode()


def _embedded(setup: Mapping[str, Any]) -> str:
    return json.dumps(setup, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
