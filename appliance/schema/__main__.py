"""`python -m appliance.schema write|check|release FOLDER`: what is generated in docs/, and what was published of it.

write    write the generated documents again
check    exit 1 where today's forms break what was published in this major version
release  publish today's forms under their version
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.core.errors import CallfloorError
from appliance.schema import released
from appliance.schema.document import generated


def write(folder: Path) -> int:
    """Write every generated document below the folder; a file that is right already is left alone."""
    for name, text in generated().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"written: {path}\n")
    return 0


def check(folder: Path) -> int:
    """Say what breaks; 1 where something does."""
    told = released.check(folder)
    sys.stderr.write("".join(f"{line}\n" for line in told))
    return 1 if told else 0


def release(folder: Path) -> int:
    """Publish; 1 where that is refused."""
    try:
        sys.stdout.write(f"published: {released.release(folder)}\n")
    except CallfloorError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit({"write": write, "check": check, "release": release}[sys.argv[1]](Path(sys.argv[2])))
