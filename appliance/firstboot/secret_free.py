"""Decides what of a site sheet stays on the box once it was read: everything but its secrets, with its comments. Pure."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

import tomlkit

from appliance.provision.site_file import SECRET_KEYS

#: What stands where a secret stood.
WIPED: Final = "(wiped)"


def secret_free(text: str) -> str:
    """The sheet with every secret taken out, wherever it stands. Raises tomlkit's TOMLKitError for text that is no TOML.

    >>> print(secret_free('[pbx.a]\\nhost = "pbx"  # the old one\\nsecret = "x"\\n'), end="")
    [pbx.a]
    host = "pbx"  # the old one
    secret = "(wiped)"
    """
    document = tomlkit.parse(text)
    _wipe(document)
    return tomlkit.dumps(document)


def secret_files(table: MutableMapping[str, Any]) -> tuple[str, ...]:
    """The files beside the sheet that hold its secrets: they are taken away with it.

    >>> secret_files({"crm": {"password_file": "crm.txt", "ca_file": "ca.pem"}})
    ('crm.txt',)
    """
    found: list[str] = []
    for key, value in table.items():
        if isinstance(value, MutableMapping):
            found += secret_files(value)
        elif isinstance(value, str) and key.removesuffix("_file") in SECRET_KEYS and key.endswith("_file"):
            found.append(value)
    return tuple(found)


def _wipe(table: MutableMapping[str, Any]) -> None:
    for key, value in table.items():
        if isinstance(value, MutableMapping):
            _wipe(value)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, MutableMapping):
                    _wipe(each)
        elif key in SECRET_KEYS and isinstance(value, str):
            table[key] = WIPED
