"""Decides in which language the doctor speaks: findings are written in English, and said by the tables of their texts.

What shows a finding (`evidence`) stays in the machine's own words, and so does a command. A text that no table has, as of a probe that a
site installed, stays English.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from appliance.box.words import WORDS as BOARD
from appliance.doctor.finding import Finding
from appliance.doctor.words_table import WORDS
from appliance.provision.words import Language

_ALL: Final = BOARD | WORDS
_AT: Final[dict[Language, int]] = {"es": 0, "pt": 1}

_LABELS: Final[dict[str, tuple[str, str]]] = {
    "seen": ("visto", "visto"),
    "so": ("luego", "então"),
    "do": ("haga", "faça"),
    "ok": ("bien", "bem"),
    "amber": ("ámbar", "âmbar"),
    "red": ("rojo", "verm."),
    "nothing wrong": ("nada mal", "nada errado"),
    "1 finding": ("1 hallazgo", "1 achado"),
    "{} findings": ("{} hallazgos", "{} achados"),
    "{}: {} red, {} amber": ("{}: {} en rojo, {} en ámbar", "{}: {} em vermelho, {} em âmbar"),
    "{}; the rest is looked at once the configuration can be used": (
        "{}; lo demás se mira cuando la configuración se pueda usar",
        "{}; o resto é visto quando a configuração puder ser usada",
    ),
    "new since {}": ("nuevo desde {}", "novo desde {}"),
    "gone since {}": ("resuelto desde {}", "resolvido desde {}"),
    "as it was at {}": ("como estaba el {}", "como estava em {}"),
    "looking at {} … {} s": ("mirando {} … {} s", "olhando {} … {} s"),
    "written: {}": ("escrito: {}", "gravado: {}"),
    "kept: {}": ("guardado: {}", "guardado: {}"),
}


def said(text: str, language: Language) -> str:
    """A finding's text in a language; English where no table has it.

    >>> said("its time is longer than this board's 15 s", "es")
    'su tiempo es mayor que los 15 s de esta placa'
    """
    if language == "en" or not text:
        return text
    exact = _ALL.get(text)
    if exact is not None:
        return exact[_AT[language]]
    for pattern, forms in _patterns():
        found = pattern.fullmatch(text)
        if found:
            return forms[_AT[language]].format(*found.groups())
    return text


def label(text: str, language: Language, *gaps: object) -> str:
    """A word of the report itself, its gaps filled."""
    return (text if language == "en" else _LABELS[text][_AT[language]]).format(*gaps)


def in_language(finding: Finding, language: Language) -> Finding:
    """A finding in a language."""
    if language == "en":
        return finding
    consequence, mend = said(finding.consequence, language), said(finding.mend, language)
    return Finding(finding.item, finding.level, said(finding.finding, language), finding.evidence, consequence, mend)


def knows(template: str) -> bool:
    """Whether the tables have a text, with `{}` where it has gaps."""
    return template in _ALL


@cache
def _patterns() -> list[tuple[re.Pattern[str], tuple[str, str]]]:
    """The texts with gaps, those with the most fixed words first."""
    with_gaps = sorted((each for each in _ALL if "{}" in each), key=lambda each: -len(each))
    return [(re.compile("(.+?)".join(map(re.escape, each.split("{}"))), re.S), _ALL[each]) for each in with_gaps]
