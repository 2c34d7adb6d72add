"""Decides how figures become nodes: folders that make themselves, variables that come and go, and what subscribers are told of it.

It writes asyncua's address space directly: its own calls search all nodes for one that goes, and copy and check what is known to be right.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from asyncua import ua
from asyncua.server.address_space import AddressSpace
from asyncua.server.internal_server import InternalServer

from gateway.opcua.change import Changes, Path, Put
from gateway.opcua.member import Kind, Unit
from gateway.opcua.value import TYPES, Fixed, fixed, gone, unit_information

_log = logging.getLogger(__name__)

URI: Final = "urn:callfloor:1"
#: The object under Objects that all else stands below.
ROOT: Final = "callfloor"
_VALUE: Final = ua.AttributeIds.Value
_ORGANIZES: Final = ua.NodeId(ua.ObjectIds.Organizes)
_COMPONENT: Final = ua.NodeId(ua.ObjectIds.HasComponent)
_PROPERTY: Final = ua.NodeId(ua.ObjectIds.HasProperty)
_FOLDER: Final = ua.NodeId(ua.ObjectIds.FolderType)
_MEASURED: Final = ua.NodeId(ua.ObjectIds.AnalogUnitType)
_PLAIN: Final = ua.NodeId(ua.ObjectIds.BaseDataVariableType)
#: Units hang on every figure alike: one node for each, below this path.
_UNITS: Final = ("extra", "units")


class Space:
    """The nodes of one server. `index`: the number of our namespace there."""

    def __init__(self, server: InternalServer, index: int, title: str, most: int) -> None:
        """`most`: so many variables at most; what would be one more is left out and counted."""
        self._server, self._index, self._most = server, index, most
        self._nodes: AddressSpace = server.aspace
        self._below: dict[Path, set[Path]] = {}
        self._variables: dict[Path, ua.NodeId] = {}
        self._units: dict[Unit, ua.NodeId] = {}
        #: Variables that found no room, by path, and how many there are now.
        self.left_out: set[Path] = set()
        #: Folders that got or lost something since they were last told (`take_changed`).
        self._changed: dict[Path, None] = {}
        self._add(ua.NodeId(ua.ObjectIds.ObjectsFolder), ROOT, title, _ORGANIZES, _object(title), _FOLDER)

    def __len__(self) -> int:
        """How many variables there are."""
        return len(self._variables)

    def node_id(self, path: Path | str) -> ua.NodeId:
        """The id of the node of a path."""
        return ua.NodeId(path if isinstance(path, str) else "/".join(path) or ROOT, self._index)

    async def apply(self, changes: Changes, now_ns: int) -> int:
        """Write what changed, `now_ns` by the wall clock; returns how many nodes were written."""
        for path in changes.gone:
            await self.remove(path)
        for put in changes.put:
            await self.put(put, now_ns, now_ns)
        return len(changes.put)

    async def put(self, put: Put, source_ns: int, server_ns: int) -> None:
        """Write one variable, and make it where there is none."""
        node_id = self._variables.get(put.path)
        if node_id is None:
            self._make(put, fixed(put.kind, put.value, put.status, source_ns, server_ns))
            return
        value = fixed(put.kind, put.value, put.status, source_ns, server_ns)
        kept = self._nodes[node_id].attributes[_VALUE]
        if put.status == "stale" and not put.moved and kept.value is not None:  # as it was when it was last heard
            value.SourceTimestamp = kept.value.SourceTimestamp
        kept.value = value
        for handle, tell in list(kept.datachange_callbacks.items()):
            try:
                await tell(handle, value)
            except Exception:
                _log.exception("a subscriber could not be told of %s", "/".join(put.path))

    async def remove(self, path: Path) -> None:
        """Take a node away with all that is below it; its subscribers are told that it is gone."""
        for child in list(self._below.get(path, ())):
            await self.remove(child)
        self._below.pop(path, None)
        self.left_out.discard(path)
        self._variables.pop(path, None)
        node_id = self.node_id(path)
        node = self._nodes.get(node_id)
        if node is None:
            return
        for attribute in node.attributes.values():
            for handle, tell in list(attribute.datachange_callbacks.items()):
                try:
                    await tell(handle, gone())
                except Exception:
                    _log.exception("a subscriber could not be told that %s is gone", "/".join(path))
                self._nodes.delete_datachange_callback(handle)
        above = path[:-1]
        self._below.get(above, set()).discard(path)
        parent = self._nodes.get(self.node_id(above))
        if parent is not None:
            parent.references[:] = [each for each in parent.references if each.NodeId != node_id]
        del self._nodes[node_id]
        self._changed[above] = None

    def folder(self, path: Path, text: str = "") -> ua.NodeId:
        """The folder of a path, made with those above it where there is none."""
        node_id = self.node_id(path)
        if path and node_id not in self._nodes:
            above = self.folder(path[:-1])
            self._add(above, path, path[-1], _ORGANIZES, _object(path[-1], text), _FOLDER)
            self._below.setdefault(path[:-1], set()).add(path)
        return node_id

    def method(self, path: Path, text: str, inputs: Iterable[ua.Argument], outputs: Iterable[ua.Argument]) -> ua.NodeId:
        """A method with its arguments described. Whoever calls it is answered by the session, not here."""
        above = self.folder(path[:-1])
        attributes = ua.MethodAttributes(
            DisplayName=ua.LocalizedText(path[-1]), Description=ua.LocalizedText(text), Executable=True, UserExecutable=True
        )
        node_id = self._add(above, path, path[-1], _COMPONENT, attributes, ua.NodeId(), ua.NodeClass.Method)
        self._below.setdefault(path[:-1], set()).add(path)
        for name, arguments in (("InputArguments", list(inputs)), ("OutputArguments", list(outputs))):
            if arguments:
                value = ua.Variant(arguments, ua.VariantType.ExtensionObject, is_array=True)
                child = (*path, name)
                described = _variable(name, ua.NodeId(ua.ObjectIds.Argument), value, is_array=True)
                self._add(node_id, child, ua.QualifiedName(name, 0), _PROPERTY, described, ua.NodeId(ua.ObjectIds.PropertyType))
                self._below.setdefault(path, set()).add(child)
        return node_id

    def take_changed(self) -> tuple[Path, ...]:
        """Folders below which nodes came or went since this was last asked."""
        changed, self._changed = tuple(self._changed), {}
        return changed

    def _make(self, put: Put, value: Fixed) -> None:
        if len(self._variables) >= self._most:
            if not self.left_out:
                _log.error("no room for %s: [opcua] max_nodes = %d is reached; what comes now is left out", "/".join(put.path), self._most)
            if len(self.left_out) < self._most:
                self.left_out.add(put.path)
            return
        self.left_out.discard(put.path)
        above = self.folder(put.path[:-1])
        made = _variable(put.path[-1], _data_type(put.kind), ua.Variant(None, ua.VariantType.Null), is_array=TYPES[put.kind][1])
        type_ = _PLAIN if put.unit is None else _MEASURED
        node_id = self._add(above, put.path, put.path[-1], _COMPONENT, made, type_, ua.NodeClass.Variable)
        node = self._nodes[node_id]
        node.attributes[_VALUE].value = value
        if put.unit is not None:
            unit = self._unit(put.unit)
            name = ua.QualifiedName("EngineeringUnits", 0)
            node.references.append(
                ua.ReferenceDescription(
                    _PROPERTY, True, unit, name, ua.LocalizedText(name.Name), ua.NodeClass.Variable, ua.NodeId(ua.ObjectIds.PropertyType)
                )
            )
        self._variables[put.path] = node_id
        self._below.setdefault(put.path[:-1], set()).add(put.path)

    def _unit(self, unit: Unit) -> ua.NodeId:
        if unit not in self._units:
            value = ua.Variant(unit_information(unit), ua.VariantType.ExtensionObject)
            made = _variable("EngineeringUnits", ua.NodeId(ua.ObjectIds.EUInformation), value, is_array=False)
            name, type_ = ua.QualifiedName("EngineeringUnits", 0), ua.NodeId(ua.ObjectIds.PropertyType)
            # Hung on no folder: whoever asks for a figure's unit finds it there.
            self._units[unit] = self._add(ua.NodeId(), (*_UNITS, unit), name, _PROPERTY, made, type_)
        return self._units[unit]

    def _add(
        self,
        parent: ua.NodeId,
        path: Path | str,
        name: str | ua.QualifiedName,
        reference: ua.NodeId,
        attributes: ua.ObjectAttributes | ua.VariableAttributes | ua.MethodAttributes,
        type_: ua.NodeId,
        node_class: ua.NodeClass | None = None,
    ) -> ua.NodeId:
        if node_class is None:
            node_class = ua.NodeClass.Variable if isinstance(attributes, ua.VariableAttributes) else ua.NodeClass.Object
        node_id = self.node_id(path)
        item = ua.AddNodesItem(
            ParentNodeId=parent,
            ReferenceTypeId=reference,
            RequestedNewNodeId=node_id,
            BrowseName=name if isinstance(name, ua.QualifiedName) else ua.QualifiedName(name, self._index),
            NodeClass=node_class,
            NodeAttributes=attributes,
            TypeDefinition=type_,
        )
        service = self._server.node_mgt_service
        left = list(service.try_add_nodes([item], check=not parent.is_null()))
        if left:
            raise ValueError(f"the node {node_id.to_string()} cannot be added to {parent.to_string()}")
        if isinstance(path, tuple):
            self._changed[path[:-1]] = None
        return node_id


def _object(name: str, text: str = "") -> ua.ObjectAttributes:
    return ua.ObjectAttributes(DisplayName=ua.LocalizedText(name), Description=ua.LocalizedText(text or name), EventNotifier=0)


def _variable(name: str, data_type: ua.NodeId, value: ua.Variant, *, is_array: bool) -> ua.VariableAttributes:
    return ua.VariableAttributes(
        DisplayName=ua.LocalizedText(name),
        Description=ua.LocalizedText(name),
        Value=value,
        DataType=data_type,
        ValueRank=ua.ValueRank.OneDimension if is_array else ua.ValueRank.Scalar,
        ArrayDimensions=[0] if is_array else None,
        AccessLevel=ua.AccessLevel.CurrentRead.mask,
        UserAccessLevel=ua.AccessLevel.CurrentRead.mask,
    )


def _data_type(kind: Kind) -> ua.NodeId:
    return ua.NodeId(TYPES[kind][0].value)
