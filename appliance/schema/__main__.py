"""`python -m appliance.schema FOLDER`: write the generated documents again."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.schema.document import generated


def main(folder: Path) -> None:
    """Write every generated document below the folder; a file that is right already is left alone."""
    for name, text in generated().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"written: {path}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
