"""Decides whether a seat's phone, as the configuration names it, is the one at which the PBX says an agent logged in. Pure."""

from __future__ import annotations

from typing import Final

#: These name an extension and no phone: any technology's phone of that name is meant.
_BY_NUMBER: Final = ("hint:", "Local/")


def is_same_phone(configured: str, told: str) -> bool:
    """Whether the two name one phone.

    >>> is_same_phone("PJSIP/101", "pjsip/101"), is_same_phone("PJSIP/101", "hint:101@ext-local"), is_same_phone("PJSIP/101", "SIP/101")
    (True, True, False)
    """
    if configured.casefold() == told.casefold():
        return True
    by_number = [text.startswith(_BY_NUMBER) for text in (configured, told)]
    return any(by_number) and _number(configured) == _number(told) != ""


def _number(text: str) -> str:
    """The name of the phone without its technology and context.

    >>> _number("hint:101@ext-local"), _number("Local/101@from-queue/n"), _number("PJSIP/101")
    ('101', '101', '101')
    """
    bare = text[5:] if text.startswith("hint:") else text.partition("/")[2]
    return bare.partition("@")[0].casefold()
