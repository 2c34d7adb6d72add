"""Decides which number in the world a PBX, a CRM or a file means by what it wrote: E.164, `+` and 7 to 15 digits, or none.

The rules of countries (what is dialled before a number, what stands for the country, how long numbers are) are those of the library
phonenumbers (Google's libphonenumber), loaded at the first number. What counts is that a number is as long as its country has them,
not that its range is known to be given out: ranges come newly every month, a box is updated more seldom, and a customer whose number
is new would stay unknown without a word. A row of one digit (`0000000000`, as PBXs write *withheld* and clerks *none*) is no number.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

#: As people and PBXs write numbers; a letter, `*`, `#` or an extension behind it makes it none.
_WRITTEN: Final = re.compile(r"\+?[0-9 ()./\-\u00a0\u2010-\u2015]{1,40}")
_SCHEME: Final = re.compile(r"(?:tel|sips?):", re.IGNORECASE)
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
#: How PBXs and trunks write the sign +, whatever the country dials for abroad (ITU-T E.123 recommends 00).
_ABROAD: Final = "00"
_CACHED: Final = 4096


def is_region(country: str) -> bool:
    """Whether the library knows a country by these two letters (ISO 3166, upper case)."""
    import phonenumbers  # noqa: PLC0415 - 12 ms and 1.5 MB that a box without numbers does without

    return country in phonenumbers.SUPPORTED_REGIONS


def load_rules() -> None:
    """Load the library of countries now, for who cannot later: another user's rights, another root."""
    _checked("+12025550143", None)


@lru_cache(_CACHED)
def e164(number: str, country: str | None) -> str | None:
    """The number as `+` and digits; None for what is none: extensions, short codes, withheld, letters.

    `country`: two letters of ISO 3166 (upper case), whose way of dialling is meant where there is no `+`; None: only with `+` or `00`.

    >>> [e164(number, "EC") for number in ("099 123 4567", "(02) 345-6789", "593991234567", "00593991234567", "+593 99 123 4567")]
    ['+593991234567', '+59323456789', '+593991234567', '+593991234567', '+593991234567']
    >>> [e164(number, "EC") for number in ("2040", "911", "0800FLOWERS", "0000000000", "anonymous", "")]
    [None, None, None, None, None, None]
    >>> e164("0 21 (11) 98765-4321", "BR"), e164("099 123 4567", None)
    ('+5511987654321', None)
    """
    text = number.strip()
    if found := _SCHEME.match(text):
        text = text[found.end() :].partition("@")[0].partition(";")[0]
    if not _WRITTEN.fullmatch(text):
        return None
    digits = re.sub(r"[^0-9]", "", text.replace("(0)", "") if text.startswith(("+", _ABROAD)) else text)
    if text.startswith("+"):
        return _checked("+" + digits, None)
    # Before the country's own rules: in Colombia and Brazil 00 goes on with a carrier, which nobody's number is shown with.
    abroad = _checked("+" + digits.removeprefix(_ABROAD), None) if digits.startswith(_ABROAD) else None
    return abroad or (_checked(digits, country) if country is not None else None)


def key_of(number: str) -> int:
    """What a number is filed under: its digits as an integer. `number`: as `e164` gives it.

    >>> key_of("+593991234567")
    593991234567
    """
    return int(number[1:])


def number_of(key: int) -> str:
    """The other way.

    >>> number_of(593991234567)
    '+593991234567'
    """
    return f"+{key}"


def _checked(digits: str, country: str | None) -> str | None:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        parsed = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if len(set(str(parsed.national_number))) < 2:
        return None
    made = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return made if _E164.fullmatch(made) else None
