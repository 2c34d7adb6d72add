"""Validate the configuration and its board files: every fault at once, with file, line, key and mend. Exit code 1 if there is any.

Looks at the file and at the files that it names; opens no device and no connection.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
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


_Tried = tuple[tuple[str, ...], Callable[[], object]]


def _urls(config: Config, path: Path) -> tuple[Fault, ...]:
    """Addresses that mean nothing to their driver or do not fit their size, and profiles of call records that are none."""
    tried: list[_Tried] = [*_media(config), *_ports(config), *_pair(config)]
    if not tried:
        return ()
    from appliance.core.toml_lines import lines_from_toml  # noqa: PLC0415 - for a box with something to try alone

    lines = lines_from_toml(path.read_text(encoding="utf-8-sig"))
    found = []
    for key, check in tried:
        try:
            check()
        except MisconfiguredError as fault:
            what, mark, mend = str(fault).rpartition("; ")
            if not mark:
                what, _, mend = str(fault).rpartition(": ")
            found.append(Fault(str(path.absolute()), line_of(lines, key), ".".join(key), what, mend))
    return tuple(found)


def _media(config: Config) -> Iterator[_Tried]:
    if config.wallboard.led or config.wallboard.sign:
        from drivers.led_sign import sign_url  # noqa: PLC0415
        from drivers.led_url import checked_url  # noqa: PLC0415

        for name, led in config.wallboard.led.items():
            yield ("wallboard", "led", name, "url"), partial(checked_url, led.url, led.width, led.height)
        for name, sign in config.wallboard.sign.items():
            yield ("wallboard", "sign", name, "url"), partial(sign_url, sign.url)


def _ports(config: Config) -> Iterator[_Tried]:
    if config.smdr:
        from drivers.serial_url import serial_url  # noqa: PLC0415
        from gateway.smdr.profile import profile_from_file  # noqa: PLC0415
        from gateway.smdr.shelf import profile  # noqa: PLC0415

        for name, port in config.smdr.items():
            if not port.url.startswith("listen://"):
                yield ("smdr", name, "url"), partial(serial_url, port.url, f"smdr {name}")
            if port.profile is not None:
                yield ("smdr", name, "profile"), partial(profile, port.profile)
            if port.profile_file is not None:
                yield ("smdr", name, "profile_file"), partial(profile_from_file, port.profile_file)


def _pair(config: Config) -> Iterator[_Tried]:
    """Said here and nothing that keeps a box from starting: its boards go on while a renewal is half done."""
    crm = config.crm
    if crm is not None and crm.cert_file is not None and crm.key_file is not None:
        from appliance.core.config_tls import pair_from_files  # noqa: PLC0415 - for a box with a certificate alone

        yield ("crm", "cert_file"), partial(pair_from_files, crm.cert_file, crm.key_file)


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
    return config, registry.enabled(config), (*_urls(config, path), *boards, *_rules(config))


def _rules(config: Config) -> tuple[Fault, ...]:
    """Of a file of routing rules: said here and by the service, and nothing that keeps the box's others from starting."""
    if config.routing is None or config.routing.rules is None:
        return ()
    from appliance.core.route_file import rules_from_file  # noqa: PLC0415 - for a box that routes alone

    try:
        rules_from_file(config.routing.rules)
    except ConfigFaultsError as fault:
        return fault.faults
    return ()


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
