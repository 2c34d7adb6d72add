"""Decides which names and values a channel's variable may be given: none that a dialplan could take for an expression. Pure.

A dialplan puts a variable's text into applications and expressions (`$[...]`, `${...}`, `Queue(a,b)`), where commas, quotes, brackets and
dollar signs mean something. What stands here came from a CRM or from a rules file, and must not.
"""

from __future__ import annotations

import re
from typing import Final

#: The longest value.
MOST_SIGNS: Final = 200
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_VALUE: Final = re.compile(rf"[\w .:+@#*/-]{{1,{MOST_SIGNS}}}")
_OTHERS: Final = re.compile(r"[^\w .:+@#*/-]+")


def is_name(text: str) -> bool:
    """Whether it is a plain variable: no function, no hash, no inheritance by more than what stands in a name.

    >>> is_name("CALLFLOOR_QUEUE"), is_name("__CF"), is_name("SHELL(rm)"), is_name("")
    (True, True, False, False)
    """
    return _NAME.fullmatch(text) is not None


def is_value(text: str) -> bool:
    """Whether a text may be given as it stands.

    >>> is_value("ventas"), is_value("a,b"), is_value("${X}"), is_value("")
    (True, False, False, False)
    """
    return _VALUE.fullmatch(text) is not None


def value(text: str) -> str:
    """A text with `_` for whatever may not stand in a value; empty where nothing is left.

    >>> value("Oro (VIP)"), value("$" + "{SHELL(ls)}"), value(" ")
    ('Oro _VIP_', '_SHELL_ls_', '')
    """
    return _OTHERS.sub("_", text)[:MOST_SIGNS].strip()
