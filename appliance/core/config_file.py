"""How callfloor.toml is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from appliance.core.config import Config


def load(path: Path) -> Config:
    def hook(kind: type, value: Any) -> Any:
        return path.parent / value if kind is Path else value

    return msgspec.convert(tomllib.loads(path.read_text()), Config, dec_hook=hook)
