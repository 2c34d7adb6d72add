"""Decides how a rig is reached from elsewhere: its values followed, its actions called, over OPC UA with the role rig. asyncua's client.

What is told of a value comes with the moment since when it is so, by the box's clock: latencies are measured from those, so that the way
here costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Self

import msgspec
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from msgspec import Struct

from appliance.core.errors import DeniedError, MisconfiguredError, TransientError
from gateway.opcua.rig_keys import Keys
from gateway.opcua.space import URI

_ROOT: Final = "extra/rig"
_PUBLISH_MS: Final = 50.0
#: What changes faster than it is told: so many of one value are kept on the way.
_QUEUE: Final = 200
_CALL_S: Final = 150.0
_LOGIN_S: Final = 20.0
_SILENT_S: Final = 30.0
_PAGE: Final = 200

#: Path, value (None: not known), and since when it is so, by the box's clock (ns since 1970; 0: not told).
Told = Callable[[str, Any, int], None]


class ArgumentSeen(Struct, frozen=True):
    """One argument of an action, as the server describes it."""

    name: str
    text: str
    data_type: int
    is_list: bool = False


class ActionSeen(Struct, frozen=True):
    """One action, as the server describes it."""

    name: str
    text: str
    arguments: tuple[ArgumentSeen, ...] = ()


class Answer(Struct, frozen=True):
    """How an action ended: done, failed or refused; when it began and ended, by the box's clock."""

    state: str
    reason: str
    result: Any
    began_ns: int | None
    ended_ns: int | None


class RigClient:
    """One connection to a rig. An async context manager. Raises TransientError when it cannot be reached, DeniedError when it says no."""

    def __init__(self, keys: Keys, url: str | None = None, lost: Callable[[], None] | None = None) -> None:
        self.url = url or keys.url
        self._keys, self._lost = keys, lost
        # asyncua gives a server up that does not answer within a second: one that begins its box anew takes longer.
        self._client = Client(self.url, timeout=_LOGIN_S, watchdog_intervall=_SILENT_S)
        self._index = 0
        self.actions: dict[str, ActionSeen] = {}
        self.paths: tuple[str, ...] = ()

    async def __aenter__(self) -> Self:
        logging.getLogger("asyncua").setLevel(logging.ERROR)
        client, keys = self._client, self._keys
        client.application_uri = "urn:callfloor:rig-client"
        client.set_user(keys.user)
        client.set_password(keys.password)
        try:
            await client.set_security(
                SecurityPolicyBasic256Sha256,
                *(CertProperties(text.encode(), "pem") for text in (keys.certificate, keys.key)),
                server_certificate=CertProperties(keys.server.encode(), "pem"),
                mode=ua.MessageSecurityMode.SignAndEncrypt,
            )
            async with asyncio.timeout(_LOGIN_S):
                await client.connect()
                self._index = await client.get_namespace_index(URI)
                await self._look_around()
        except ua.UaStatusCodeError as fault:
            await self._leave()
            raise DeniedError(f"the rig at {self.url} does not let {keys.user} in: {fault}; its role must be rig") from fault
        except (OSError, TimeoutError, ua.UaError) as fault:
            await self._leave()
            raise TransientError(f"no rig answers at {self.url} ({fault or type(fault).__name__}); start one: callfloor rig") from fault
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leave()

    async def call(self, name: str, args: Mapping[str, Any]) -> Answer:
        """Have it done. Raises MisconfiguredError for an action or an argument that there is not, DeniedError, TransientError."""
        action = self.actions.get(name)
        if action is None:
            raise MisconfiguredError(f"the rig at {self.url} has no action {name}; callfloor rig list shows them")
        if unknown := set(args) - {each.name for each in action.arguments}:
            known = ", ".join(each.name for each in action.arguments) or "none"
            raise MisconfiguredError(f"{name} takes no {', '.join(sorted(unknown))}; its arguments: {known}")
        request = ua.CallMethodRequest()
        request.ObjectId = self._node(name.rpartition("/")[0])
        request.MethodId = self._node(name)
        request.InputArguments = [_variant(each, args.get(each.name)) for each in action.arguments]
        try:
            async with asyncio.timeout(_CALL_S):
                found = (await self._client.uaclient.call([request]))[0]
        except (OSError, TimeoutError, ua.UaError) as fault:
            raise TransientError(f"the rig at {self.url} did not answer {name}: {fault or type(fault).__name__}") from fault
        if found.StatusCode.value == ua.StatusCodes.BadUserAccessDenied:
            raise DeniedError(f"{name}: the role rig is needed")
        if not found.StatusCode.is_good():
            wrong = [each.name for each, code in zip(action.arguments, found.InputArgumentResults, strict=False) if not code.is_good()]
            which = f": {', '.join(wrong)}" if wrong else ""
            raise MisconfiguredError(f"{name} was not taken, {found.StatusCode.name}{which}")
        state, reason, result, began_ns, ended_ns = (each.Value for each in found.OutputArguments)
        told = msgspec.json.decode(result) if result else None
        return Answer(state, reason, told, began_ns or None, ended_ns or None)

    async def read(self, paths: tuple[str, ...]) -> dict[str, tuple[Any, int]]:
        """Values as of now, each with the moment since when it is so. Raises MisconfiguredError for a path that there is not."""
        if unknown := set(paths) - set(self.paths):
            raise MisconfiguredError(f"the rig at {self.url} shows no {', '.join(sorted(unknown))}; callfloor rig list shows all")
        values = await self._attributes([self._node(path) for path in paths], ua.AttributeIds.Value)
        return {path: _plain(value) for path, value in zip(paths, values, strict=True)}

    async def follow(self, told: Told) -> None:
        """Be told of every value now, and whenever one changes, until this connection ends."""
        subscription = await self._client.create_subscription(_PUBLISH_MS, _Ear(told, self._lost))
        for at in range(0, len(self.paths), _PAGE):
            nodes = [self._client.get_node(self._node(path)) for path in self.paths[at : at + _PAGE]]
            await subscription.subscribe_data_change(nodes, queuesize=_QUEUE, sampling_interval=0)

    async def _look_around(self) -> None:
        """Every value and every action below the rig, with its arguments; in few questions, as there are a hundred of them."""
        folders: list[ua.NodeId] = [self._node("")]
        values: list[str] = []
        methods: list[ua.NodeId] = []
        while folders:
            below, folders = await self._below(folders), []
            for reference in (each for references in below for each in references):
                if reference.NodeClass == ua.NodeClass.Method:
                    methods.append(reference.NodeId)
                elif reference.NodeClass == ua.NodeClass.Variable:
                    values.append(str(reference.NodeId.Identifier)[len(_ROOT) + 1 :])
                else:
                    folders.append(reference.NodeId)
        if not methods:
            raise ua.UaStatusCodeError(ua.StatusCodes.BadUserAccessDenied)
        self.paths = tuple(sorted(values))
        inputs = {
            at: reference.NodeId
            for at, references in enumerate(await self._below(methods, own=False))
            for reference in references
            if reference.BrowseName.Name == "InputArguments"
        }
        texts = await self._attributes(methods, ua.AttributeIds.Description)
        arguments = dict(zip(inputs, await self._attributes(list(inputs.values()), ua.AttributeIds.Value), strict=True))
        found = []
        for at, method in enumerate(methods):
            name = str(method.Identifier)[len(_ROOT) + 1 :]
            text = texts[at].Value.Value.Text if texts[at].Value is not None else None
            told = arguments[at].Value.Value if at in arguments and arguments[at].Value is not None else None
            found.append(ActionSeen(name, text or "", tuple(map(_argument, told or ()))))
        self.actions = {action.name: action for action in sorted(found, key=lambda action: action.name)}

    async def _below(self, nodes: list[ua.NodeId], *, own: bool = True) -> list[list[Any]]:
        """The references of each; `own`: to nodes below the rig alone."""
        out: list[list[Any]] = []
        for at in range(0, len(nodes), _PAGE):
            found = await self._client.uaclient.browse(self._browse(nodes[at : at + _PAGE]))
            out += [[each for each in result.References if not own or self._is_ours(each.NodeId)] for result in found]
        return out

    def _is_ours(self, node: ua.NodeId) -> bool:
        return node.NamespaceIndex == self._index and str(node.Identifier).startswith(f"{_ROOT}/")

    async def _attributes(self, nodes: list[ua.NodeId], attribute: ua.AttributeIds) -> list[ua.DataValue]:
        out: list[ua.DataValue] = []
        for at in range(0, len(nodes), _PAGE):
            out += await self._client.uaclient.read_attributes(nodes[at : at + _PAGE], attribute)
        return out

    def _browse(self, nodes: list[ua.NodeId]) -> ua.BrowseParameters:
        parameters = ua.BrowseParameters()
        parameters.RequestedMaxReferencesPerNode = 0
        for node in nodes:
            description = ua.BrowseDescription()
            description.NodeId = node
            description.BrowseDirection = ua.BrowseDirection.Forward
            description.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
            description.IncludeSubtypes = True
            description.NodeClassMask = 0
            description.ResultMask = ua.BrowseResultMask.All
            parameters.NodesToBrowse.append(description)
        return parameters

    def _node(self, path: str) -> ua.NodeId:
        return ua.NodeId(f"{_ROOT}/{path}" if path else _ROOT, self._index)

    async def _leave(self) -> None:
        with suppress(OSError, TimeoutError, ua.UaError):
            async with asyncio.timeout(5):
                await self._client.disconnect()


class _Ear:
    """What asyncua tells of a subscription."""

    def __init__(self, told: Told, lost: Callable[[], None] | None) -> None:
        self._told, self._lost = told, lost

    def datachange_notification(self, node: Any, _value: Any, data: Any) -> None:
        value, at_ns = _plain(data.monitored_item.Value)
        self._told(str(node.nodeid.Identifier)[len(_ROOT) + 1 :], value, at_ns)

    def status_change_notification(self, _status: Any) -> None:
        if self._lost is not None:
            self._lost()


def _argument(told: Any) -> ArgumentSeen:
    return ArgumentSeen(told.Name, told.Description.Text or "", int(told.DataType.Identifier), told.ValueRank >= 0)


def _variant(argument: ArgumentSeen, given: Any) -> ua.Variant:
    """An argument as the method wants it; one left out is null. Raises MisconfiguredError for a text that is no number."""
    kind = ua.VariantType(argument.data_type)
    if given is None:
        return ua.Variant(None, ua.VariantType.Null)
    try:
        if kind == ua.VariantType.Boolean:
            value: Any = given if isinstance(given, bool) else {"true": True, "1": True, "false": False, "0": False}[str(given).lower()]
        elif kind in (ua.VariantType.Double, ua.VariantType.Float):
            value = float(given)
        elif kind == ua.VariantType.String:
            value = list(map(str, given)) if argument.is_list else str(given)
        elif kind == ua.VariantType.ByteString:
            value = given if isinstance(given, bytes) else bytes.fromhex(str(given))
        else:
            value = int(given)
    except (ValueError, KeyError) as fault:
        raise MisconfiguredError(f"{argument.name}={given}: it takes {kind.name.lower()} ({argument.text})") from fault
    return ua.Variant(value, kind)


def _plain(data: ua.DataValue) -> tuple[Any, int]:
    """The value, None where it is not known now, and since when."""
    status, at = data.StatusCode, data.SourceTimestamp
    known = (status is None or status.is_good()) and data.Value is not None
    value = data.Value.Value if known and data.Value is not None else None
    return value, _ns(at)


def _ns(at: datetime | None) -> int:
    if at is None:
        return 0
    since = at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
