"""Decides what is told of calls in the voice menu and after it: choices and the path, who asked for an agent, answers, callbacks. Pure.

A call is in the menus from its first choice until it joins a queue (or is refused at its door), wants to be called back, has a phone
rung for it, or hangs up: then it served itself. What happens out of sight is told of nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from appliance.core.catalogue import CallAnswered, CallCallbackRequested, CallClassified, CallDigits, CallSurvey
from appliance.core.classification_config import Classification
from appliance.core.clock import NS
from appliance.core.ivr_config import IvrConfig
from gateway.pbx.ivr_word import CallMe, Choice, Class, Scores, Word, variables_of, word_of_event, word_of_variable

_MAX_CALLS: Final = 8_192
_MAX_PATH: Final = 32


class Whose(Struct, frozen=True):
    """A channel's call: `visits` are the stays in queues that it has had."""

    call: str
    visits: int = 0
    caller: str | None = None
    dialled: str | None = None


class Stay(Struct, frozen=True):
    """The conversation that a survey or a classification is about."""

    visit: str | None
    queue: str | None
    agent: str | None
    call: str = ""


class InMenu(Struct):
    """A call in the menus: since when, and what it chose."""

    call: str
    since_ns: int
    path: tuple[str, ...] = ()
    caller: str | None = None
    dialled: str | None = None


class IvrBook:
    """The menus and surveys of one PBX; bounded. `whose` tells of a channel's call; the others give keys for the PBX's own texts."""

    def __init__(
        self,
        pbx: str,
        ivr: IvrConfig,
        emit: Callable[[Struct], None],
        whose: Callable[[str], Whose],
        queue_key: Callable[[str], str],
        agent_key: Callable[[str, str], str],
        classes: Classification | None = None,
        owner: Callable[[str], str | None] = lambda _uniqueid: None,
    ) -> None:
        """`classes`: what types of calls there are. `owner`: the agent whose own phone a channel is."""
        self.pbx, self.ivr, self.emit = pbx, ivr, emit
        self._whose, self._queue_key, self._agent_key = whose, queue_key, agent_key
        self._classes, self._owner = classes or Classification(), owner
        #: Names of variables that say something: a PBX need hand over no others.
        self.variables = variables_of(ivr)
        self._menus: dict[str, InMenu] = {}
        self._stays: dict[str, Stay] = {}
        #: Conversations that are over, by channel, and each agent's last one: they are often classified after it.
        self._over: dict[str, Stay] = {}
        self._last: dict[str, Stay] = {}
        self._told: dict[tuple[str, str], Word] = {}

    def event(self, name: str, value: Callable[[str], str], uniqueid: str, now_ns: int, pbx_time: float | None = None) -> None:
        """A user event on the channel `uniqueid`, unless it names another itself."""
        word = word_of_event(self.ivr, name, value)
        if word is not None and isinstance(word[1], Class):
            self._classified(word[0] or uniqueid, self._typed(word[1]), pbx_time)
        elif word is not None and (word[0] or uniqueid):
            self._said(word[0] or uniqueid, word[1], now_ns, pbx_time)

    def variable(self, uniqueid: str, name: str, value: str, now_ns: int, pbx_time: float | None = None) -> None:
        """A channel's variable was set, or is told again: what was told of it already is not told twice."""
        word = word_of_variable(self.ivr, name, value) if uniqueid else None
        word = self._typed(word) if isinstance(word, Class) else word
        if word is None or self._told.get((uniqueid, name)) == word:
            return
        _keep(self._told, (uniqueid, name), word)
        self._said(uniqueid, word, now_ns, pbx_time)

    def asked(self, uniqueid: str, now_ns: int) -> None:
        """The channel joined a queue, was refused at its door, or a phone is rung for it."""
        if uniqueid in self._menus:
            self._out_of_menu(uniqueid, "agent", now_ns)

    def answered(self, uniqueid: str, visit: str | None, queue: str | None, agent: str | None, presence: str | None = None) -> None:
        """An agent took the call: what is told of it later is about this conversation. `presence`: whose phone it is, if not his own."""
        self._talked(uniqueid, Stay(visit, queue, agent, self._whose(uniqueid).call), presence)

    def _talked(self, uniqueid: str, stay: Stay, presence: str | None) -> None:
        _keep(self._stays, uniqueid, stay)
        for agent in {stay.agent, presence} - {None}:
            _keep(self._last, agent, stay)

    def gone(self, uniqueid: str, now_ns: int, *, inferred: bool = False) -> None:
        """The channel hung up; `inferred`: at some time when nobody looked, and nobody knows where it was then."""
        if uniqueid in self._menus:
            if inferred:
                del self._menus[uniqueid]
            else:
                self._out_of_menu(uniqueid, "self_service", now_ns)
        # What it told is kept: a queue's last word on it comes later, with all its variables.
        if (stay := self._stays.pop(uniqueid, None)) is not None:
            _keep(self._over, uniqueid, stay)

    def restore(
        self, menus: Mapping[str, tuple[CallDigits, int]], stays: Mapping[str, CallAnswered], words: Mapping[str, Mapping[str, Struct]]
    ) -> None:
        """Take up what the journal holds: by channel, the last choice with the monotonic ns of the first, who answered, what it told."""
        for uniqueid, (data, since_ns) in menus.items():
            _keep(self._menus, uniqueid, InMenu(data.call, since_ns, data.path, data.caller, data.dialled))
        for uniqueid, answered in stays.items():
            self._talked(uniqueid, Stay(answered.visit, answered.queue, answered.agent, answered.call), None)
        for uniqueid, told in words.items():
            for name in self.variables:
                if (word := self._word_of(name, told)) is not None:
                    _keep(self._told, (uniqueid, name), word)

    def _word_of(self, name: str, told: Mapping[str, Struct]) -> Word | None:
        """What a variable said, by the events that it became."""
        ivr = self.ivr
        keys = {ivr.menu.variable: "menu", ivr.callback.variable: "callback", ivr.classify.variable: "classify"}
        match told.get(keys.get(name) or ivr.survey.variables.get(name, "")):
            case CallDigits(digits=digits):
                return Choice(None, digits)
            case CallCallbackRequested(number=number):
                return CallMe(number)
            case CallSurvey(question=question, score=score):
                return Scores(((question, score),))
            case CallClassified(type=kind, topic=topic):
                return Class(kind, topic)
        return None

    def _typed(self, word: Class) -> Class:
        """The same with the type that the dialplan's word means; a word that means none is a topic, so that it is not lost."""
        if word.type is None:
            return word
        kind = self._classes.type_of_word(word.type)
        return replace(word, type=kind, topic=word.topic or (word.type if kind is None else None))

    def _classified(self, uniqueid: str, word: Class, pbx_time: float | None) -> None:
        """A call was classified: that of the channel, or the last one of the agent whose phone it is or whom the event names."""
        stay = self._stays.get(uniqueid) or self._over.get(uniqueid)
        agent = self._agent_key(word.agent or "", word.interface or "") if word.agent or word.interface else self._owner(uniqueid)
        if stay is None and agent is not None:
            stay = self._last.get(agent)
            uniqueid = "" if stay is not None else uniqueid
        if not word.tells or (stay is None and (not uniqueid or agent is not None)):
            return  # an agent who has talked with nobody
        whose = Whose(stay.call) if stay is not None else self._whose(uniqueid)
        visit, queue, who = (stay.visit, stay.queue, stay.agent) if stay is not None else (None, None, None)
        self.emit(
            CallClassified(
                call=whose.call, pbx=self.pbx, visit=visit, queue=queue, agent=who, caller=whose.caller, dialled=whose.dialled,
                uniqueid=uniqueid or None, pbx_time=pbx_time, type=word.type, topic=word.topic, reason=word.reason,
                subreason=word.subreason, question=word.question,
            )
        )  # fmt: skip

    def _said(self, uniqueid: str, word: Word, now_ns: int, pbx_time: float | None) -> None:
        if isinstance(word, Class):
            self._classified(uniqueid, word, pbx_time)
            return
        whose, stay = self._whose(uniqueid), self._stays.get(uniqueid)
        own = {"call": whose.call, "caller": whose.caller, "dialled": whose.dialled}
        fields: dict[str, Any] = {**own, "pbx": self.pbx, "uniqueid": uniqueid, "pbx_time": pbx_time}
        if isinstance(word, Choice):
            self._chose(uniqueid, word, whose, fields, now_ns)
        elif isinstance(word, Scores):
            named = Stay(
                None,
                self._queue_key(word.queue) if word.queue else None,
                self._agent_key(word.agent or "", word.interface or "") if word.agent or word.interface else None,
            )
            about = stay if stay is not None and named.queue in (None, stay.queue) else named
            for question, score in word.answers:
                self.emit(CallSurvey(**fields, visit=about.visit, queue=about.queue, agent=about.agent, question=question, score=score))
        else:
            queue = self._queue_key(word.queue) if word.queue else None
            self.emit(CallCallbackRequested(**fields, queue=queue, number=word.number))
            self.asked(uniqueid, now_ns)

    def _chose(self, uniqueid: str, word: Choice, whose: Whose, fields: dict[str, Any], now_ns: int) -> None:
        menu, said = self._menus.get(uniqueid), f"{word.menu or ''}:{word.digits or ''}"
        kind = self._classes.digits.get(said)
        if menu is None or menu.call != whose.call:
            menu = InMenu(whose.call, now_ns, (), whose.caller, whose.dialled)
            if not whose.visits and kind is None:  # what is chosen after a queue, or to classify, is not the way to one
                _keep(self._menus, uniqueid, menu)
        menu.path = (*menu.path, said)[-_MAX_PATH:]
        stay = self._stays.get(uniqueid)
        visit, queue = (stay.visit, stay.queue) if stay is not None else (None, None)
        self.emit(CallDigits(**fields, visit=visit, queue=queue, menu=word.menu, digits=word.digits, path=menu.path))
        if kind is not None:
            self._classified(uniqueid, Class(kind), fields["pbx_time"])

    def _out_of_menu(self, uniqueid: str, ended: Literal["agent", "self_service"], now_ns: int) -> None:
        menu = self._menus.pop(uniqueid)
        self.emit(
            CallDigits(
                call=menu.call, pbx=self.pbx, caller=menu.caller, dialled=menu.dialled, uniqueid=uniqueid, path=menu.path, ended=ended,
                ivr_s=round(max(0, now_ns - menu.since_ns) / NS, 3),
            )
        )  # fmt: skip


def _keep(book: dict[Any, Any], key: Any, value: Any) -> None:
    while len(book) >= _MAX_CALLS:
        del book[next(iter(book))]
    book[key] = value
