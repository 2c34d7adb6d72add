"""Decides what of a text may leave the house: no secret, nobody's number, no name and password in a url. Pure.

Better a figure too many struck out than a caller's number let through: every run of seven digits and more goes, but for times, addresses
and hexadecimal ids, which no telephone number looks like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

STRUCK: Final = "‹struck›"
NUMBER: Final = "‹number›"

#: Keys whose values are secret wherever they stand; those that end in _file name a file, and what is in it stays where it is.
_SECRET_KEY: Final = re.compile(
    r"""(?im)^(?P<head>\s*(?:[\w."'-]*(?:secret|passw|token|community|passphrase|api_?key|private_key|login|pin_code|credential)[\w"'-]*)\s*[=:]\s*)"""
    r"""(?P<value>.*)$"""
)
_FILE_KEY: Final = re.compile(r"""(?i)_(file|dir)["']?\s*[=:]\s*$""")
_USERINFO: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@\"']+@", re.I)
_ARGUMENT: Final = re.compile(r"(?i)\b(secret|password|passwd|token|authorization|bearer)(\s*[=:]\s*|\s+(?![=:]))(?!‹)[^\s\"',;]+")
#: What keeps its digits: times, dates, IPv4 addresses, hexadecimal words with a letter in them; then what looks like a number.
_DIGITS: Final = re.compile(
    r"(?P<keep>\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?|\d{2}:\d{2}:\d{2}(?:\.\d+)?"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\b0x[0-9a-f]+\b)"
    r"|(?P<number>(?<![\d.])\+?\(?\d(?:[ ()./-]{0,2}\d){6,})",
    re.I,
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without what must not leave. `secrets`: values that are known, struck out wherever they stand.

    >>> redacted('caller +57 (310) 555-0199 at 2026-11-22 07:30:00 from 10.0.0.9, mqtts://box:hush@crm')
    'caller ‹number› at 2026-11-22 07:30:00 from 10.0.0.9, mqtts://‹struck›@crm'
    >>> redacted('password = "x"\\nsecret_file = "credentials/pbx"')
    'password = ‹struck›\\nsecret_file = "credentials/pbx"'
    """
    for secret in sorted((each for each in secrets if len(each) >= 3), key=len, reverse=True):
        text = text.replace(secret, STRUCK)
    text = _SECRET_KEY.sub(_value, text)
    text = _USERINFO.sub(lambda found: f"{found['scheme']}{STRUCK}@", text)
    text = _ARGUMENT.sub(lambda found: f"{found[1]}{found[2]}{STRUCK}", text)
    return _DIGITS.sub(lambda found: found["keep"] or NUMBER, text)


def redacted_json(value: Any, secrets: Iterable[str] = (), key: str = "") -> Any:
    """The same of decoded JSON: its strings alone, for what is a number there counts something.

    >>> redacted_json({"bytes": 4294967296, "token": "x", "text": "from 3105550199"})
    {'bytes': 4294967296, 'token': '‹struck›', 'text': 'from ‹number›'}
    """
    known = tuple(secrets)
    if isinstance(value, dict):
        return {redacted(str(name), known): redacted_json(each, known, str(name)) for name, each in value.items()}
    if isinstance(value, list):
        return [redacted_json(each, known, key) for each in value]
    if isinstance(value, str):
        return STRUCK if _SECRET_KEY.match(f"{key} = ") and not key.endswith("_file") else redacted(value, known)
    return value


def _value(found: re.Match[str]) -> str:
    return found[0] if _FILE_KEY.search(found["head"]) or found["value"].startswith("‹") else f"{found['head']}{STRUCK}"
