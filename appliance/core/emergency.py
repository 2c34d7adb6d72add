"""Decides which numbers are emergency numbers: a box never dials one, whoever asks, and no configuration takes one off this list.

Short codes of police, fire and ambulance by country, older ones that still ring included: a code too many costs a click.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

#: Understood by mobile networks everywhere.
ALWAYS: Final = frozenset({"112", "911"})
#: By ISO 3166 code.
_CODES: Final[dict[str, str]] = {
    "AD": "110 116 118", "AR": "100 101 103 105 106 107", "AT": "122 133 140 144", "AU": "000 106", "BE": "100 101",
    "BO": "110 118 119 120", "BR": "190 191 192 193 194 197 198 199", "CA": "", "CH": "117 118 144 1414", "CL": "131 132 133 134 137 138",
    "CN": "110 119 120 122", "CO": "119 122 123 125 132 144 155 156", "CR": "118 1022 1117 128", "CU": "104 105 106",
    "CZ": "150 155 156 158", "DE": "110", "DO": "", "EC": "", "ES": "061 062 080 085 088 091 092 016",
    "FR": "15 17 18 114 115 119 191 196", "GB": "999 101", "GR": "100 108 166 199", "GT": "110 120 122 123 128 1554", "HN": "195 198 199",
    "HU": "104 105 107", "IE": "999", "IN": "100 101 102 108", "IT": "113 114 115 117 118 1530", "JP": "110 118 119", "KR": "119",
    "MA": "15 19 150 177", "MX": "060 065 066 068", "NI": "115 118 128", "NL": "", "NO": "110 113", "NZ": "111", "PA": "103 104 108",
    "PE": "105 106 110 115 116 117", "PK": "15 1122", "PL": "997 998 999", "PR": "", "PT": "115 117", "PY": "128 132 141 912", "SE": "",
    "SG": "995 999", "SV": "132 913", "TH": "191 1669", "TR": "110 155 156", "US": "933 988", "UY": "104 105 106 109", "VE": "171",
    "ZA": "10111 10177",
}  # fmt: skip
_ZONES: Final = Path("/usr/share/zoneinfo/zone.tab")
#: What is dialled before a number for a line outside.
_OUTSIDE: Final = ("0", "9")
_INTERNATIONAL: Final = re.compile(r"(?:\+|00|011)\d{1,3}")


@cache
def country_of(timezone: str, zones: Path = _ZONES) -> str | None:
    """The country that a timezone belongs to, None when the system does not tell.

    >>> country_of("America/Guayaquil"), country_of("UTC")
    ('EC', None)
    """
    try:
        lines = zones.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return next((row[0] for row in rows if len(row) > 2 and row[2] == timezone), None)


def is_country(code: str) -> bool:
    """Whether the list knows a country's own numbers."""
    return code in _CODES


def codes_of(country: str | None) -> frozenset[str]:
    """The numbers of a country; of one that is not known, all countries' together.

    >>> sorted(codes_of("PT")), "190" in codes_of(None)
    (['112', '115', '117', '911'], True)
    """
    rows = [_CODES[country]] if country in _CODES else list(_CODES.values())
    return ALWAYS | {code for row in rows for code in row.split()}


def is_emergency(number: str, codes: frozenset[str]) -> bool:
    """Whether digits (with `+`) reach an emergency number: alone, behind what gets a line, or behind a country's code.

    >>> codes = codes_of("ES")
    >>> [number for number in ("112", "0112", "90091", "+34112", "0034091", "912345678") if is_emergency(number, codes)]
    ['112', '0112', '90091', '+34112', '0034091']
    """
    if number in codes:
        return True
    if any(number.startswith(digit) and is_emergency(number[1:], codes) for digit in _OUTSIDE):
        return True
    return any(_INTERNATIONAL.fullmatch(number.removesuffix(code)) for code in codes if number.endswith(code))
