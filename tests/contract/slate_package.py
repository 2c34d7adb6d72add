"""Takes the package of docs/adding-a-pbx.md from its page, as a reader would."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-pbx.md"
_BLOCK = re.compile(r"```(?:python|ini)\n# (\S+)\n(.*?)```", re.DOTALL)


def write_package(folder: Path) -> None:
    """Write the page's files into a folder: pyproject.toml and the module."""
    for name, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        (folder / name).write_text(text, encoding="utf-8")


def write_installed(folder: Path) -> None:
    """The same as `pip install` leaves it: the module, and a dist-info folder with its entry point."""
    write_package(folder)
    info = folder / "callfloor_slate-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: callfloor-slate\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[callfloor.pbx]\nslate = callfloor_slate:Slate\n", encoding="utf-8")
