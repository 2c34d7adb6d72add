"""Decides what of a recorded event socket tells of people: numbers wherever they stand, names in headers and in columns of callers.

Ids, times and counters stay, as do extensions, queues and agents, so that the recording folds to the same figures.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.pbx.stand_in import Clean, StandIns

_KEEP: Final = re.compile(
    r"(?i)(uuid|time|timestamp|epoch|(?<!candi)date|sequence|length|(?<!ac)count|duration|usec|msec|session[-_]id|created|core|position|level)"
)
_NAME: Final = re.compile(
    r"(?i)(caller[-_]id[-_]name|callee[-_]id[-_]name|cid[-_]name|orig[-_]caller[-_]id[-_]name|display[-_]name|effective_name)$"
)
_NO_NAME: Final = re.compile(r"(?i)(unknown|anonymous|outbound%20call|outbound call|_undef_|[\d+*#@%.-]*)")
_LINE: Final = re.compile(r"[^\r\n]+")
_COLUMNS: Final = 4


def clean_socket(stand_ins: StandIns) -> Clean:
    """For a recording of FreeSWITCH."""

    def clean(text: str) -> str:
        columns: list[str] = []

        def line(m: re.Match[str]) -> str:
            nonlocal columns
            told = m[0]
            for parts in ("|", ","):
                cells = told.split(parts)
                if len(cells) <= _COLUMNS:
                    continue
                if ("uuid" in cells or "name" in cells) and not re.search(r"\d{3}", told):
                    columns = cells
                    return told
                if len(cells) == len(columns):
                    return parts.join(_value(key, cell, stand_ins) for key, cell in zip(columns, cells, strict=True))
            key, colon, value = told.partition(": ")
            return f"{key}: {_value(key, value, stand_ins)}" if colon else stand_ins.numbers(told)

        return _LINE.sub(line, text)

    return clean


def _value(key: str, value: str, stand_ins: StandIns) -> str:
    if _NAME.search(key) and not _NO_NAME.fullmatch(value):
        return stand_ins.name(value)
    return value if _KEEP.search(key) else stand_ins.numbers(value)
