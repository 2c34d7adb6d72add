"""Make this box the one that was saved: same site and name, configuration, boards; a new journal, of which the CRM is told.

It refuses while services run, and on a box that is another one already (--force). What stood here before is kept: callfloor
provision log lists it, callfloor provision rollback brings it back; a journal that was here is set aside whole.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from msgspec.structs import replace

from appliance.cli.access import as_owner
from appliance.cli.backup import add_common, phrase_from
from appliance.cli.terminal import complain, say, say_json
from appliance.core.clock import SystemClock, rfc3339
from appliance.core.errors import CallfloorError, CorruptError, DeniedError, MisconfiguredError, TransientError
from appliance.provision import backup as box_of
from appliance.provision.archive import is_sealed, unpacked
from appliance.provision.machine import Machine
from appliance.provision.state import States
from appliance.provision.step import due
from appliance.provision.step_config import remember
from appliance.provision.step_system import zone
from appliance.provision.step_units import kiosk, services, started
from appliance.provision.words import Words, language
from appliance.provision.work import apply, finish, go_back

EXAMPLES = """
  sudo callfloor restore /media/usb/quito-piso-3.backup
  sudo callfloor restore box.backup --passphrase-file /root/phrase --yes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE and how."""
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--force", action="store_true", help="on a box that is another one already, too")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_common(parser)


def main(args: argparse.Namespace) -> int:
    """Do it. Raises CallfloorError."""
    words, machine = Words(language(args.lang)), Machine(args.root)
    if machine.root == Path("/") and not machine.as_root():
        raise DeniedError("only root may change this box; run it with sudo")
    phrase = phrase_from(args.passphrase_file, words, twice=False) if is_sealed(args.file) else None
    box = box_of.Box(*unpacked(args.file, phrase))
    manifest = box.manifest
    box_of.refuse(machine, box, force=args.force)
    when = rfc3339(round(manifest.at_s * 1e9))[:19].replace("T", " ")
    if not args.json:
        say(words("restore.plan", site=manifest.site, box=manifest.box, at=f"{when}Z", files=len(manifest.files)))
    if not args.yes and not _agreed(args, words):
        complain(words("not.applied"))
        return 1
    _restore(machine, box, args.file.name)
    missing = box_of.missing_secrets(machine)
    if args.json:
        say_json({"site": manifest.site, "box": manifest.box, "files": len(manifest.files), "missing": missing}, pretty=True)
    else:
        say(words("restore.done", site=manifest.site, box=manifest.box))
        if missing:
            say(words("restore.missing", names=", ".join(missing)))
        say(words("restore.start", command="sudo systemctl start callfloor.target; sudo callfloor doctor"))
    return 1 if missing else 0


def _restore(machine: Machine, box: box_of.Box, name: str) -> None:
    config = box_of.config_in(box, machine)
    steps = (box_of.step_of(machine, box), zone(machine, config.site.timezone), services(machine, config), kiosk(machine, config))
    faults = [step.cannot for step in steps if step.cannot is not None]
    if faults:
        raise MisconfiguredError("; ".join(faults))
    with States(machine).locked():
        remember(machine, f"restore {name}", time.time())
        # Nothing is started here: the technician does, once the dead box is unplugged.
        still = tuple(replace(step, runs=()) for step in steps)
        try:
            state = apply(machine, due(machine, still), name, lambda _: None)
            if any(each.changes for each in due(machine, still)):
                raise CorruptError("a file is not as it was written; look whether something else writes there")
            folder = config.journal.path.parent
            # Below another root the services' user may not get that far; on the box itself nothing of root's is left beside the journal.
            with as_owner(folder) if machine.root == Path("/") else nullcontext():
                box_of.end_former(config, box)
                box_of.begin_journal(config, box.manifest.epoch, SystemClock())
            if machine.live:
                machine.run(("systemctl", "daemon-reload"))
                machine.run(("hostname", "-F", "/etc/hostname"))
            if machine.as_root():
                os.chown(config.journal.path, folder.stat().st_uid, folder.stat().st_gid)
        except (CallfloorError, OSError) as fault:
            standing = States(machine).unfinished()
            if standing is not None:
                go_back(machine, (standing,), lambda: started(machine), lambda _: None)
            raise TransientError(f"{fault}; everything is as it was") if isinstance(fault, OSError) else fault from fault
        finish(machine, state)


def _agreed(args: argparse.Namespace, words: Words) -> bool:
    if args.json or not sys.stdin.isatty():
        raise MisconfiguredError(words("need.yes"))
    return words.says_yes(input(words("ask.sure")))
