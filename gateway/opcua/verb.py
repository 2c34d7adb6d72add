"""Decides how the command verbs are methods: one each below `commands/`, with the arguments that the catalogue names, an id and an expiry.

What a method answers: the command's id, its state, the reason and the result as JSON, as `reply/{id}` tells them over MQTT. The call itself
is refused (`BadUserAccessDenied`) to a user who may only read, and for arguments that do not fit (`BadInvalidArgument`).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from asyncua import ua

from appliance.core.command import VERBS
from appliance.core.errors import CallfloorError
from gateway.opcua.argument import Argument, UnfitError, arguments_from_struct, described, values_of
from gateway.opcua.count import Counts
from gateway.opcua.desk import Desk
from gateway.opcua.space import Space
from gateway.opcua.user import Visitor

FOLDER: Final = ("commands",)
#: What touches a call is not carried out later than this after it was called, unless the caller says so.
EXPIRES_S: Final = 30.0
#: A call is not touched later than five minutes after it was asked for, whoever asks; anything else may wait a day.
_EXPIRES_MOST_S: Final = {True: 300.0, False: 86_400.0}

_ID: Final = Argument(
    name="id", kind="text", text="the command's id, a slug; the same id never runs twice; made when left out", required=False
)
OUTPUTS: Final = (
    Argument(name="id", kind="text", text="the command's id"),
    Argument(name="state", kind="text", text="accepted, done, failed, expired, refused or unknown"),
    Argument(name="reason", kind="text", text="why, where there is something to say"),
    Argument(name="result", kind="text", text="the result, JSON"),
)


def inputs_of(verb: str) -> tuple[Argument, ...]:
    """The arguments of a verb's method: the command's own, then `id` and `expires_s`."""
    touches = VERBS[verb].touches_call
    expires = Argument(
        name="expires_s",
        kind="float",
        text="it is not carried out later than this" + ("" if touches else "; no end when left out"),
        unit="s",
        required=False,
        default=EXPIRES_S if touches else None,
        zero_is_none=True,
    )
    return (*arguments_from_struct(VERBS[verb].args), _ID, expires)


class Verbs:
    """The methods of one server."""

    def __init__(self, desk: Desk, counts: Counts) -> None:
        self._desk, self._counts = desk, counts

    def methods(self, space: Space) -> dict[Any, Any]:
        """Put them into the address space; who answers which."""
        found: dict[Any, Any] = {}
        for verb, row in VERBS.items():
            text = (row.args.__doc__ or verb).partition("\n")[0]
            arguments = inputs_of(verb)
            node_id = space.method((*FOLDER, verb), text, map(described, arguments), map(described, OUTPUTS))
            found[node_id] = self._answer(verb, arguments)
        return found

    def _answer(self, verb: str, arguments: tuple[Argument, ...]) -> Any:
        async def answer(visitor: Visitor, request: Any) -> Any:
            if visitor.may == "read":
                return self._refused(ua.StatusCodes.BadUserAccessDenied)
            try:
                values = values_of(arguments, request.InputArguments)
            except UnfitError as fault:
                return self._refused(fault.status, fault.each)
            name = values.pop("id", None)
            touches = VERBS[verb].touches_call
            expires_s = values.pop("expires_s", EXPIRES_S if touches else None)
            if expires_s is not None and not 0 < expires_s <= _EXPIRES_MOST_S[touches]:
                return self._refused(ua.StatusCodes.BadOutOfRange)
            try:
                reply = await self._desk.take(verb, values, name=name, expires_s=expires_s, who=visitor.who)
            except CallfloorError:
                return self._refused(ua.StatusCodes.BadResourceUnavailable)
            result = msgspec.json.encode(reply.result).decode() if reply.result is not None else ""
            return answered(request, reply.id, reply.state, reply.reason or "", result)

        return answer

    def _refused(self, status: int, each: list[Any] | None = None) -> Any:
        self._counts.calls_refused += 1
        return refused(status, each)


def refused(status: int, each: list[Any] | None = None) -> Any:
    """What a call gets that was not carried out."""
    return ua.CallMethodResult(StatusCode=ua.StatusCode(status), InputArgumentResults=each or [])


def answered(request: Any, *texts: str) -> Any:
    """What a call gets that came to an end."""
    return ua.CallMethodResult(
        StatusCode=ua.StatusCode(),
        InputArgumentResults=[ua.StatusCode() for _ in request.InputArguments or ()],
        OutputArguments=[ua.Variant(text, ua.VariantType.String) for text in texts],
    )
