"""The key that opens an encrypted box's data partition where its TPM is gone: cleared, broken, or on another board.

Made at the box's first start, and kept on the encrypted partition alone. Once shown here, the doctor no longer asks for it:
keep it where the box is not. To use it, write it into callfloor-recovery-key.txt on CONFIG, and start the box.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from appliance.box.encryption import NOTED, RECOVERY_KEY
from appliance.cli.terminal import say, say_json
from appliance.core.errors import DeniedError, MisconfiguredError

EXAMPLES = """
  sudo callfloor recovery
  ssh root@floor-1 callfloor recovery | pass insert -m callfloor/floor-1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the box's files lie."""
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="read the box's files below this folder")


def main(args: argparse.Namespace) -> int:
    """Show it. Raises DeniedError for others than root, MisconfiguredError where there is none."""
    place = args.root / RECOVERY_KEY
    try:
        key = place.read_text(encoding="ascii").strip()
    except PermissionError:
        raise DeniedError(f"{place} is root's: sudo callfloor recovery") from None
    except FileNotFoundError:
        text = f"there is no {place}: only a box of the image has one, whose data partition a TPM keeps; callfloor doctor data_encryption"
        raise MisconfiguredError(text) from None
    if args.json:
        say_json({"recovery_key": key})
    else:
        say(key)
    os.close(os.open(args.root / NOTED, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    return 0
