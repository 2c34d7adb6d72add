"""Decides how the kernel's small files are read: at most 64 KiB, and one that is not there, or not for us, is None."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_MOST: Final = 64 * 1024


def text_of(path: Path) -> str | None:
    """Its text without blanks at the ends; None where it cannot be read. A device tree's strings end with a zero byte."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace").strip("\0 \t\r\n")
    except OSError:
        return None


def number_of(path: Path, base: int = 10) -> int | None:
    """Its number; None where it cannot be read or is none."""
    text = text_of(path)
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None


def folders(path: Path, pattern: str) -> list[Path]:
    """What lies in a folder under such names, in order; nothing where there is no such folder."""
    try:
        return sorted(path.glob(pattern))
    except OSError:
        return []
