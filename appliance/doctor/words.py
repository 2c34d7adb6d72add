"""Decides in which language the doctor speaks: findings are written in English, and said by the tables of their texts.

What a peer or the kernel said (`evidence`) stays in its words, and so does a command; what is round them is said. A text that no table
has, as of a probe that a site installed, stays English.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from appliance.box.words import WORDS as BOARD
from appliance.doctor.finding import Finding
from appliance.doctor.words_evidence import EVIDENCE, MENDS
from appliance.doctor.words_table import WORDS
from appliance.provision.words import Language

_ALL: Final = BOARD | WORDS | MENDS
_SHOWN: Final = WORDS | EVIDENCE
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
    for pattern, forms in _patterns(evidence=False):
        found = pattern.fullmatch(text)
        if found:
            return forms[_AT[language]].format(*found.groups())
    return text


def shown(text: str, language: Language) -> str:
    """What shows a finding: part by part, as it is put together of figures, what others said, and words of ours.

    >>> shown("crm:8883: Connection refused", "es"), shown("3 of 64 MiB left; all stood still 9 % of the last minute", "pt")
    ('crm:8883: conexión rechazada', 'restam 3 de 64 MiB; tudo parou em 9 % do último minuto')
    """
    if language == "en" or not text:
        return text
    exact = _SHOWN.get(text)
    if exact is not None:
        return exact[_AT[language]]
    if "; " in text:
        return "; ".join(shown(part, language) for part in text.split("; "))
    head, colon, tail = text.partition(": ")
    if colon and " " not in head:  # a place, a device, an address, and what is said of it
        return f"{head}: {shown(tail, language)}"
    for pattern, forms in _patterns(evidence=True):
        found = pattern.fullmatch(text)
        if found:
            return forms[_AT[language]].format(*found.groups())
    return f"{shown(head, language)}: {shown(tail, language)}" if colon else text


def label(text: str, language: Language, *gaps: object) -> str:
    """A word of the report itself, its gaps filled."""
    return (text if language == "en" else _LABELS[text][_AT[language]]).format(*gaps)


def in_language(finding: Finding, language: Language) -> Finding:
    """A finding in a language."""
    if language == "en":
        return finding
    consequence, mend = said(finding.consequence, language), said(finding.mend, language)
    evidence = shown(finding.evidence, language)
    return Finding(finding.item, finding.level, said(finding.finding, language), evidence, consequence, mend)


def knows(template: str) -> bool:
    """Whether the tables have a text, with `{}` where it has gaps."""
    return template in _ALL


@cache
def _patterns(*, evidence: bool) -> list[tuple[re.Pattern[str], tuple[str, str]]]:
    """The texts with gaps, those with the most fixed words first."""
    table = EVIDENCE if evidence else _ALL
    with_gaps = sorted((each for each in table if "{}" in each), key=lambda each: -len(each))
    return [(re.compile(_gap(each).join(map(re.escape, each.split("{}"))), re.S), table[each]) for each in with_gaps]


def _gap(template: str) -> str:
    """Between few words of ours only one word of others fits: a sentence that somebody else wrote is none of our texts."""
    return r"(\S+)" if template in ("{} is on {}", "{} is at {}", "{} at {}", "no {}", "{} since {}") else "(.+?)"
