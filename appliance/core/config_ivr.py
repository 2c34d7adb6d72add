"""Decides what the mapping of a voice menu may not say: a scale without width, a question without a name, or that nobody asks."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core.config import Config
from appliance.core.config_rules import Finding
from appliance.core.ivr_config import IvrConfig


def findings_of_ivr(config: Config) -> Iterator[Finding]:
    """Everything wrong with [pbx.NAME.ivr], and with the questions that [kpi] counts."""
    asked: set[str] = set()
    for name, pbx in config.pbx.items():
        if pbx.ivr is not None:
            yield from _ivr(("pbx", name, "ivr"), pbx.ivr)
            asked |= {*pbx.ivr.survey.questions.values(), *pbx.ivr.survey.variables.values()}
    for at, question in enumerate(config.kpi.satisfaction_questions):
        if asked and question not in asked:
            mend = f"write one of {', '.join(sorted(asked))}, or map a header to it"
            yield Finding(("kpi", "satisfaction_questions", at), f'no survey asks the question "{question}"', mend)


def _ivr(here: tuple[str, ...], ivr: IvrConfig) -> Iterator[Finding]:
    survey = ivr.survey
    if survey.lowest >= survey.highest:
        what = f"highest {survey.highest:g} is not above lowest {survey.lowest:g}"
        yield Finding((*here, "survey", "highest"), what, "write the best answer on the scale, such as highest = 5")
    for table in ("questions", "variables"):
        for header, question in getattr(survey, table).items():
            if not (header and question):
                mend = 'write the header and the question, such as Q1 = "satisfaction"'
                yield Finding((*here, "survey", table, header), "a question without a name", mend)
    events = [ivr.menu.event, ivr.survey.event, ivr.callback.event, ivr.classify.event]
    for part, event in zip(("menu", "survey", "callback", "classify"), events, strict=True):
        if events.count(event) > 1:
            yield Finding((*here, part, "event"), f'"{event}" cannot mean two things', "give each its own UserEvent")
            return
