"""Decides what may be said of a PBX's voice menu: by which user events and variables its dialplan tells of digits, answers, callbacks."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field


class MenuMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the dialplan tells that a caller chose in a menu: a user event with its headers, or a channel variable that holds the digits."""

    event: str = "IVRSelection"
    menu: str = "Menu"
    digits: str = "Option"
    uniqueid: str = "IVRUniqueid"
    variable: str | None = None


class SurveyMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it tells the answers of a survey: `questions` by header of the event, `variables` by channel variable.

    What is no number from `lowest` to `highest` is no answer.
    """

    event: str = "SurveyResult"
    uniqueid: str = "CallUniqueid"
    queue: str = "Queue"
    agent: str = "Agent"
    interface: str = "AgentInterface"
    questions: dict[str, str] = field(default_factory=lambda: {"Q1": "satisfaction"})
    variables: dict[str, str] = field(default_factory=dict)
    lowest: Annotated[float, Meta(ge=-1000, le=1000)] = 1.0
    highest: Annotated[float, Meta(ge=-1000, le=1000)] = 5.0


class CallbackMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it tells that a caller wants to be called back."""

    event: str = "CallbackRequest"
    uniqueid: str = "CallUniqueid"
    queue: str = "Queue"
    number: str = "CallbackNum"
    variable: str | None = None


class ClassifyMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it tells that somebody classified a call; `variable` holds the type where there is no event.

    `agent` and `interface` name who classifies, where the event comes on a channel of his own after the call: then it is his last one.
    """

    event: str = "CallClassified"
    uniqueid: str = "CallUniqueid"
    type: str = "Type"
    topic: str = "Topic"
    reason: str = "Reason"
    subreason: str = "SubReason"
    question: str = "Question"
    agent: str = "Agent"
    interface: str = "AgentInterface"
    variable: str | None = None


class IvrConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the dialplan tells of a call in the voice menu and after it."""

    menu: MenuMap = field(default_factory=MenuMap)
    survey: SurveyMap = field(default_factory=SurveyMap)
    callback: CallbackMap = field(default_factory=CallbackMap)
    classify: ClassifyMap = field(default_factory=ClassifyMap)
