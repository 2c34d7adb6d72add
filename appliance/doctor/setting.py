"""Decides how a mend that is a key of the configuration is written: as the one command that sets it, judged and kept as any change is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from appliance.core.config_shape import dotted

_USUAL: Final = Path("/etc/callfloor/callfloor.toml")


def setting(key: tuple[str, ...], value: str | None, file: Path = _USUAL) -> str:
    """The command. `value` None: the key is taken out.

    >>> setting(("headsets", "seat", "a 1", "hold"), "own")
    'sudo callfloor config set \\'headsets.seat."a 1".hold\\' own --restart'
    """
    where = "" if file == _USUAL else f" -c {shlex.quote(str(file))}"
    word = "--default" if value is None else shlex.quote(value)
    return f"sudo callfloor config set {shlex.quote(dotted(key))} {word}{where} --restart"
