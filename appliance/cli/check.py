"""Validate the configuration and its board files: every fault at once, with file, line, key and mend. Exit code 1 if there is any.

Looks at the file and at the files that it names; opens no device and no connection.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from appliance import registry
from appliance.cli.main import add_config
from appliance.cli.terminal import coloured, say, say_json
from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, Fault, line_of, load
from appliance.core.errors import MisconfiguredError
from wallboard.board_set import BoardSet

EXAMPLES = """
  callfloor check -c callfloor.toml
  callfloor check -c callfloor.toml --json | jq '.faults[] | "\\(.line): \\(.mend)"'
"""


def _urls(config: Config, path: Path) -> tuple[Fault, ...]:
    """LED chains and signs whose address means nothing to their driver, or does not fit their size."""
    if not (config.wallboard.led or config.wallboard.sign):
        return ()
    from appliance.core.toml_lines import lines_from_toml  # noqa: PLC0415 - for a box with LED chains or signs alone
    from drivers.led_sign import sign_url  # noqa: PLC0415
    from drivers.led_url import checked_url  # noqa: PLC0415

    lines = lines_from_toml(path.read_text(encoding="utf-8-sig"))
    tried: list[tuple[str, str, Callable[[], object]]] = []
    tried += [("led", name, partial(checked_url, led.url, led.width, led.height)) for name, led in config.wallboard.led.items()]
    tried += [("sign", name, partial(sign_url, sign.url)) for name, sign in config.wallboard.sign.items()]
    found = []
    for kind, name, check in tried:
        try:
            check()
        except MisconfiguredError as fault:
            what, mark, mend = str(fault).rpartition("; ")
            if not mark:
                what, _, mend = str(fault).rpartition(": ")
            key = ("wallboard", kind, name, "url")
            found.append(Fault(str(path.absolute()), line_of(lines, key), ".".join(key), what, mend))
    return tuple(found)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """-c, --json."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object: file, ok, services, faults")


def examined(path: Path) -> tuple[Config | None, tuple[str, ...], tuple[Fault, ...]]:
    """The configuration (None: it cannot be used at all), the services that it enables, and every fault."""
    try:
        config = load(path)
    except ConfigFaultsError as fault:
        return None, (), fault.faults
    here = str(path.absolute())
    # What a board set finds in the configuration itself names no file: it does not know where that stands.
    boards = (fault if fault.file else msgspec.structs.replace(fault, file=here) for fault in BoardSet(config).faults)
    return config, registry.enabled(config), (*_urls(config, path), *boards)


def main(args: argparse.Namespace) -> int:
    """Print the faults; 1 if there is any."""
    _, services, faults = examined(Path(args.config))
    if args.json:
        say_json({"file": str(Path(args.config).absolute()), "ok": not faults, "services": services, "faults": faults}, pretty=True)
    elif faults:
        for each in faults:
            place = each.file if each.line is None else f"{each.file}:{each.line}"
            say(f"{coloured(place, 'bold')}: {each.key + ': ' if each.key else ''}{coloured(each.fault, 'red')}")
            say(f"    {each.mend}")
        say(f"{len(faults)} fault{'s' * (len(faults) != 1)}")
    else:
        say(f"{args.config}: no fault; enables {', '.join(services) or 'no service'}")
    return 1 if faults else 0
