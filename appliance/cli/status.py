"""One screen of the floor, folded from the journal: the same figures as every board.

Reads the journal only; works beside running services, and when none runs.
"""

from __future__ import annotations

import argparse

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.screen import screen
from appliance.cli.terminal import Progress, coloured, say, say_json
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.floor_view import FloorView
from appliance.update.place import Place
from appliance.update.state import load
from appliance.update.words import Language, text

EXAMPLES = """
  callfloor status -c callfloor.toml
  callfloor status --json | jq '.queues[].waiting'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """-c, --json, --language."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="the whole floor snapshot as JSON")
    parser.add_argument("--language", choices=["es", "en", "pt"], help="instead of the configuration's")


def main(args: argparse.Namespace) -> int:
    """Raises TransientError when there is no journal."""
    config = configured(args)
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        snapshot = folded(journal, config).snapshot()
    finally:
        journal.close()
    if args.json:
        say_json(snapshot)
    else:
        say(screen(snapshot, config, args.language))
        _update(args.language or config.site.language)
    return 0


def _update(language: Language) -> None:
    """One line below the floor while an update waits, is being tried, or did not pass."""
    place = Place()
    if (place.folder / "state.json").exists():
        state = load(place.folder)
        if state.phase == "staged":
            say(coloured(text("staged", language, version=state.version, slot=state.slot), "amber"))
        elif state.phase == "trying":
            say(coloured(text("trying", language, version=state.version), "amber"))
        elif state.past and state.past[-1].outcome != "good":
            last = state.past[-1]
            say(coloured(text(last.outcome, language, at=last.at[:16], version=last.version, reason=last.reason), "amber"))


def folded(journal: ReadonlyJournal, config: Config) -> FloorView:
    """The floor with everything folded that the journal holds now."""
    view, progress = FloorView(journal, config, SystemClock()), Progress("events folded")
    while view.catch_up(pages=4):
        progress.at(view.seq, journal.head().seq)
    progress.end()
    return view
