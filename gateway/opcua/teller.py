"""Decides how events leave the server: their types in the address space, and that one odd subscriber keeps none from the others.

They come from the Server object, as OPC 10000-3, 4.7 has it for what concerns the whole.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Final

from asyncua import ua
from asyncua.common.event_objects import BaseEvent

from gateway.opcua.change import Path
from gateway.opcua.notice import FIELDS, Notice, NoticeKind
from gateway.opcua.server import BoxServer
from gateway.opcua.space import Space
from gateway.opcua.value import moment_from_ns

_log = logging.getLogger(__name__)

_SERVER: Final = ua.NodeId(ua.ObjectIds.Server)
#: ModelChangeStructureVerbMask (OPC 10000-3, 9.32.7): references were added or taken away.
_REFERENCES: Final = 4 | 8
#: Folders named in one model change; above that the whole tree is named.
_FOLDERS_MOST: Final = 100


class Teller:
    """Sends events to whoever subscribed for them at the Server object."""

    def __init__(self, server: BoxServer, space: Space) -> None:
        self._server, self._space = server, space
        self._types: dict[NoticeKind, Any] = {}

    async def prepare(self) -> None:
        """Put the types of our events into the address space, and make the Server object one that sends them."""
        base = self._server.get_node(ua.NodeId(ua.ObjectIds.BaseEventType))
        index = self._space.node_id("").NamespaceIndex
        for kind, names in FIELDS.items():
            name = f"{kind.capitalize()}EventType"
            node_id = self._space.node_id(("extra", "events", name))
            node = await base.add_object_type(node_id, ua.QualifiedName(name, index))
            for field in names:
                child = self._space.node_id(("extra", "events", name, field))
                await node.add_property(child, ua.QualifiedName(field, index), "", ua.VariantType.String)
            self._types[kind] = node_id
        await self._server.get_node(_SERVER).set_event_notifier([ua.EventNotifier.SubscribeToEvents])

    async def tell(self, notice: Notice, wall_ns: int) -> None:
        """One event of the floor or the box."""
        event = BaseEvent(sourcenode=self._space.node_id(notice.source), message=notice.text, severity=notice.severity)
        event.EventType = self._types[notice.kind]
        event.SourceName = "/".join(notice.source)
        for name, text in notice.fields.items():
            event.add_property(name, text, ua.VariantType.String)
        await self._send(event, wall_ns)

    async def tell_model(self, folders: tuple[Path, ...], wall_ns: int) -> None:
        """Nodes came or went below these folders. Those that only the rig sees are not told of: everybody hears events."""
        iserver = self._server.iserver
        shown = [path for path in folders if not iserver.hides(self._space.node_id(path), "read")]
        if not shown or not iserver.subscription_service.subscriptions:
            return
        if len(shown) > _FOLDERS_MOST:
            shown = [()]
        event = BaseEvent(sourcenode=_SERVER, message="nodes came or went", severity=1)
        event.EventType = ua.NodeId(ua.ObjectIds.GeneralModelChangeEventType)
        event.SourceName = "Server"
        folder = ua.NodeId(ua.ObjectIds.FolderType)
        changes = [
            ua.ModelChangeStructureDataType(Affected=self._space.node_id(path), AffectedType=folder, Verb=_REFERENCES) for path in shown
        ]
        event.add_property("Changes", changes, ua.VariantType.ExtensionObject)
        await self._send(event, wall_ns)

    async def _send(self, event: Any, wall_ns: int) -> None:
        event.EventId = os.urandom(16)
        event.Time = event.ReceiveTime = moment_from_ns(wall_ns)
        event.Message = ua.LocalizedText(event.Message if isinstance(event.Message, str) else event.Message.Text, "en")
        event.emitting_node = _SERVER
        for subscription in list(self._server.iserver.subscription_service.subscriptions.values()):
            try:
                await subscription.monitored_item_srv.trigger_event(event)
            except Exception as fault:
                self._server.iserver.counts.faults += 1
                _log.warning("an event could not be told to one subscription: %s", type(fault).__name__)
