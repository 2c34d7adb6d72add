"""Which version this is; the one place beside pyproject.toml, because asking the package metadata costs 20 ms at start."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
