"""Decides how a rig stands in the address space: its values and actions below `extra/rig/`, for users with the role rig alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from asyncua import ua

from appliance.core.errors import CallfloorError
from gateway.opcua.argument import Argument, UnfitError, described, values_of
from gateway.opcua.change import Path, Put
from gateway.opcua.member import Kind
from gateway.opcua.rig_port import ACTIONS_MOST, BYTES_MOST, VALUES_MOST, RigAction, RigAnswer, RigPort, RigValue
from gateway.opcua.server import Insides
from gateway.opcua.space import Space
from gateway.opcua.user import Visitor
from gateway.opcua.verb import answered, refused

_log = logging.getLogger(__name__)

ROOT: Final = ("extra", "rig")
OUTPUTS: Final = (
    Argument(name="state", kind="text", text="done, failed or refused"),
    Argument(name="reason", kind="text", text="why, where there is something to say"),
    Argument(name="result", kind="text", text="the result, JSON"),
    Argument(name="began_ns", kind="int", text="the box's wall clock before it was done, ns since 1970; 0: not told"),
    Argument(name="ended_ns", kind="int", text="and when it was done"),
)
#: How long an action may take.
ACTION_S: Final = 60.0
_KINDS: Final[Mapping[str, Kind]] = {"int": "long", "texts": "texts", "bytes": "bytes", "bool": "bool", "float": "float", "text": "text"}


class RigNodes:
    """Follows one rig."""

    def __init__(self, rig: RigPort, space: Space, insides: Insides, wall_ns: Callable[[], int]) -> None:
        self._rig, self._space, self._insides, self._wall_ns = rig, space, insides, wall_ns
        self._values: dict[Path, RigValue] = {}
        self._actions: dict[Path, tuple[RigAction, Any]] = {}
        self._over = False
        self._told_of_more = False

    async def run(self) -> None:
        """Follow until cancelled; when the rig is over, say so of every value and wait."""
        await self._all()
        async for changed in self._rig.changed():
            if changed:
                await self._some(changed)
            else:
                await self._all()
        self._over = True
        for path, value in self._values.items():
            await self._put(path, msgspec.structs.replace(value, status="unknown", value=None, source_ns=None))
        await asyncio.Event().wait()

    async def _all(self) -> None:
        values, actions = self._rig.values(), self._rig.actions()
        await self._keep(values, actions)
        for name, value in list(values.items())[:VALUES_MOST]:
            await self._value(_path(name), value)

    async def _some(self, changed: frozenset[str]) -> None:
        values, actions = self._rig.values(), self._rig.actions()
        await self._keep(values, actions)
        for name in changed:
            value = values.get(name)
            if value is not None:
                await self._value(_path(name), value)

    async def _keep(self, values: Mapping[str, RigValue], actions: Mapping[str, RigAction]) -> None:
        """Take away what is gone, and put up the actions that are new."""
        if not self._told_of_more and (len(values) > VALUES_MOST or len(actions) > ACTIONS_MOST):
            self._told_of_more = True
            _log.error("the rig has %d values and %d actions: only the first are shown", len(values), len(actions))
        for path in [path for path in self._values if "/".join(path[2:]) not in values]:
            del self._values[path]
            await self._space.remove(path)
        wanted = {_path(name): action for name, action in list(actions.items())[:ACTIONS_MOST]}
        for path, (action, node_id) in list(self._actions.items()):
            if path not in wanted or not _alike(wanted[path], action):
                del self._actions[path]
                self._insides.methods.pop(node_id, None)
                await self._space.remove(path)
        for path, action in wanted.items():
            if path not in self._actions:
                arguments = arguments_of(action)
                node_id = self._space.method(path, action.text, map(described, arguments), map(described, OUTPUTS))
                self._actions[path] = (action, node_id)
                self._insides.methods[node_id] = self._answer(action, arguments)

    async def _value(self, path: Path, value: RigValue) -> None:
        if self._values.get(path) == value or (path not in self._values and len(self._values) >= VALUES_MOST):
            return
        self._values[path] = value
        await self._put(path, value)

    async def _put(self, path: Path, value: RigValue) -> None:
        now_ns = self._wall_ns()
        shown = value.value if value.status != "unknown" else None
        if isinstance(shown, bytes | str) and len(shown) > BYTES_MOST:
            shown = None
        unit = value.unit
        put = Put(path, _KINDS[value.kind], unit, shown, "unknown" if shown is None and value.kind != "text" else value.status)
        try:
            await self._space.put(put, value.source_ns or now_ns, now_ns)
        except (ValueError, TypeError, OverflowError):
            _log.warning("the rig's %s is not of its kind, %s: it is shown as unknown", value.path, value.kind)
            await self._space.put(msgspec.structs.replace(put, value=None, status="unknown"), now_ns, now_ns)

    def _answer(self, action: RigAction, arguments: tuple[Argument, ...]) -> Any:
        async def answer(visitor: Visitor, request: Any) -> Any:
            if visitor.may != "rig":
                return refused(ua.StatusCodes.BadUserAccessDenied)
            if self._over:
                return refused(ua.StatusCodes.BadNoCommunication)
            try:
                values = values_of(arguments, request.InputArguments)
            except UnfitError as fault:
                return refused(fault.status, fault.each)
            given = {each.name: values.get(each.name, each.default) for each in arguments}
            _log.info("the rig is asked for %s by %s", action.name, visitor.who)
            told = await _carried_out(self._rig.actions().get(action.name), given)
            result = msgspec.json.encode(told.result).decode() if told.result is not None else ""
            found = answered(request, told.state, told.reason or "", result)
            found.OutputArguments += [ua.Variant(at or 0, ua.VariantType.Int64) for at in (told.began_ns, told.ended_ns)]
            return found

        return answer


def _alike(one: RigAction, other: RigAction) -> bool:
    """Whether two look the same to a client; who carries it out may be another."""
    return (one.text, one.arguments) == (other.text, other.arguments)


async def _carried_out(action: RigAction | None, given: dict[str, Any]) -> RigAnswer:
    if action is None:
        return RigAnswer(state="failed", reason="gone: the rig does not have it any more")
    try:
        async with asyncio.timeout(ACTION_S):
            return await action.call(given)
    except TimeoutError:
        return RigAnswer(state="failed", reason=f"slow: it had no end within {ACTION_S:g} s")
    except (CallfloorError, ValueError, OSError) as fault:
        return RigAnswer(state="failed", reason=str(fault)[:500])


def arguments_of(action: RigAction) -> tuple[Argument, ...]:
    """An action's arguments as a method has them."""
    return tuple(
        Argument(
            name=each.name,
            kind=each.kind,
            text=each.text,
            unit=each.unit,
            required=each.required,
            default=each.default,
            choices=each.choices,
        )
        for each in action.arguments
    )


def _path(name: str) -> Path:
    return (*ROOT, *name.split("/"))
