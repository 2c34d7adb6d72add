"""Decides what a dialplan's words about the voice menu mean, by the site's own names for them. Pure: names and values, of any PBX.

A PBX that sends user events hands their name and their headers to `word_of_event`; one that tells channel variables, name and value
to `word_of_variable`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from appliance.core.ivr_config import IvrConfig, SurveyMap

#: No menu is deeper and no number longer; what is, is rubbish on the line and is cut.
_LONGEST: Final = 64
#: What a call was about, in words.
_WORDS: Final = 128


class Choice(Struct, frozen=True):
    """The caller chose in a menu; digits None: he chose nothing in time."""

    menu: str | None
    digits: str | None


class Scores(Struct, frozen=True):
    """He answered a survey: (question, score). `queue`, `agent`, `interface`: the PBX's own texts, where the event holds them."""

    answers: tuple[tuple[str, float], ...]
    queue: str | None = None
    agent: str | None = None
    interface: str | None = None


class CallMe(Struct, frozen=True):
    """He wants to be called back, at this number if it is told."""

    number: str | None
    queue: str | None = None


class Class(Struct, frozen=True):
    """Somebody classified the call; `agent`, `interface`: who, by the PBX's own texts, where the event holds them."""

    type: str | None = None
    topic: str | None = None
    reason: str | None = None
    subreason: str | None = None
    question: str | None = None
    agent: str | None = None
    interface: str | None = None

    @property
    def tells(self) -> bool:
        """Whether it says anything of the call."""
        return any((self.type, self.topic, self.reason, self.subreason, self.question))


Word = Choice | Scores | CallMe | Class


def word_of_event(ivr: IvrConfig, name: str, value: Callable[[str], str]) -> tuple[str, Word] | None:
    """What a user event says, and the channel that it names itself (empty: none). `value` gives a header's text, empty where it is absent.

    >>> word_of_event(IvrConfig(), "IVRSelection", {"Menu": "main", "Option": "1", "IVRUniqueid": "7.1"}.get)
    ('7.1', Choice(menu='main', digits='1'))
    """
    if name == ivr.menu.event:
        menu = ivr.menu
        return _text(value(menu.uniqueid)) or "", Choice(_text(value(menu.menu)), _text(value(menu.digits)))
    if name == ivr.survey.event:
        survey = ivr.survey
        told = ((question, score_of(survey, value(header))) for header, question in survey.questions.items())
        answers = tuple((question, score) for question, score in told if score is not None)
        who = (_text(value(survey.queue)), _text(value(survey.agent)), _text(value(survey.interface)))
        return (_text(value(survey.uniqueid)) or "", Scores(answers, *who)) if answers else None
    if name == ivr.callback.event:
        back = ivr.callback
        return _text(value(back.uniqueid)) or "", CallMe(_text(value(back.number)), _text(value(back.queue)))
    if name == ivr.classify.event:
        own = ivr.classify
        headers = (own.type, own.topic, own.reason, own.subreason, own.question, own.agent, own.interface)
        said = Class(*(_text(value(header), _WORDS) for header in headers))
        return (_text(value(own.uniqueid)) or "", said) if said.tells else None
    return None


def word_of_variable(ivr: IvrConfig, name: str, value: str) -> Word | None:
    """What a channel variable says; most say nothing.

    >>> from appliance.core.ivr_config import SurveyMap
    >>> word_of_variable(IvrConfig(survey=SurveyMap(variables={"CSAT": "satisfaction"})), "CSAT", "4")
    Scores(answers=(('satisfaction', 4.0),), queue=None, agent=None, interface=None)
    """
    if not value:
        return None
    if name == ivr.menu.variable:
        return Choice(None, _text(value))
    if name == ivr.callback.variable:
        return CallMe(_text(value))
    if name == ivr.classify.variable:
        return Class(_text(value))
    question = ivr.survey.variables.get(name)
    score = None if question is None else score_of(ivr.survey, value)
    return Scores(((question, score),)) if question is not None and score is not None else None


def events_of(ivr: IvrConfig) -> tuple[str, ...]:
    """The user events that say anything."""
    return ivr.menu.event, ivr.survey.event, ivr.callback.event, ivr.classify.event


def variables_of(ivr: IvrConfig) -> frozenset[str]:
    """The variables that say anything."""
    return frozenset(name for name in (ivr.menu.variable, ivr.callback.variable, ivr.classify.variable, *ivr.survey.variables) if name)


def score_of(survey: SurveyMap, text: str | None) -> float | None:
    """An answer as a number; None for no answer, no number, and a key that is not on the scale.

    >>> score_of(SurveyMap(), "5"), score_of(SurveyMap(), "9"), score_of(SurveyMap(), "")
    (5.0, None, None)
    """
    try:
        score = float(text) if text else math.nan
    except ValueError:
        return None
    return score if survey.lowest <= score <= survey.highest else None


def _text(value: str | None, longest: int = _LONGEST) -> str | None:
    return value[:longest] if value else None
