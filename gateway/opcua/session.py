"""Decides what one logged-in client sees and may do: its role's nodes, its own subscriptions, no more at once than there is room for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import InternalSession

from appliance.core.opcua_config import OpcuaRole

if TYPE_CHECKING:
    from gateway.opcua.server import Insides

#: So many nodes in one request; told to clients as the server's operation limits.
OPERATIONS_MOST: Final = 5_000
SUBSCRIPTIONS_MOST: Final = 20
ITEMS_MOST: Final = 20_000
#: A subscription is served at most so often, at least so often, and is gone when its client asked for nothing for so long.
FASTEST_MS: Final = 20.0
SLOWEST_MS: Final = 60_000.0
LIFETIME_MS: Final = 300_000.0
_KEEP_ALIVE_LEAST: Final = 3

_DENIED: Final = ua.StatusCode(ua.StatusCodes.BadUserAccessDenied)
_UNSUPPORTED: Final = ua.StatusCode(ua.StatusCodes.BadServiceUnsupported)


class Session(InternalSession):
    """One client's session. `mode`: how its channel is secured, set by the channel."""

    iserver: Insides

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.mode: Any = None

    @property
    def role(self) -> OpcuaRole:
        """What its user may do; before he is known, no more than read."""
        role: OpcuaRole = getattr(self.user, "may", "read")
        return role

    def activate_session(self, params: Any, peer_certificate: bytes | None) -> Any:
        """Log in. On a channel that is neither signed nor encrypted, the certificate there is nobody's proof."""
        if self.mode == ua.MessageSecurityMode.None_:
            peer_certificate = None
        return super().activate_session(params, peer_certificate)

    async def close_session(self, delete_subs: bool = True) -> None:
        """Leave. Its subscriptions go with it whatever it asked for: nobody else may take them up."""
        await super().close_session(True)

    async def read(self, params: Any) -> list[Any]:
        """Values and other attributes."""
        _bounded(params.NodesToRead)
        found: list[Any] = await super().read(params)
        for at, each in enumerate(params.NodesToRead):
            if self._hidden(each.NodeId):
                found[at] = ua.DataValue(StatusCode=_DENIED)
        return found

    async def write(self, params: Any) -> list[Any]:
        """Nothing is writable: what happens on a floor is told by it, and commands are methods."""
        _bounded(params.NodesToWrite)
        return [ua.StatusCode(ua.StatusCodes.BadNotWritable) for _ in params.NodesToWrite]

    async def browse(self, params: Any) -> list[Any]:
        """What there is, without what is not for this role."""
        _bounded(params.NodesToBrowse)
        found: list[Any] = await super().browse(params)
        for at, desc in enumerate(params.NodesToBrowse):
            if self._hidden(desc.NodeId):
                found[at] = ua.BrowseResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
            else:
                found[at].References = [each for each in found[at].References if not self._hidden(each.NodeId)]
        return found

    async def browse_next(self, parameters: Any) -> list[Any]:
        """Everything is in the first answer."""
        return [ua.BrowseResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadContinuationPointInvalid)) for _ in parameters]

    async def translate_browsepaths_to_nodeids(self, params: list[Any]) -> list[Any]:
        """Ids from names."""
        _bounded(params)
        for path in params:
            if not path.RelativePath.Elements:
                raise ServiceError(ua.StatusCodes.BadNothingToDo)
        found: list[Any] = await super().translate_browsepaths_to_nodeids(params)
        for at, result in enumerate(found):
            if any(self._hidden(target.TargetId) for target in result.Targets):
                found[at] = ua.BrowsePathResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadNoMatch))
        return found

    async def call(self, params: list[Any]) -> list[Any]:
        """Methods: ours as the role has it, the standard's as asyncua answers them."""
        _bounded(params)
        return [await self._call(each) for each in params]

    async def _call(self, request: Any) -> Any:
        counts = self.iserver.counts
        counts.calls += 1
        if self._hidden(request.MethodId):
            counts.calls_refused += 1
            return ua.CallMethodResult(StatusCode=_DENIED)
        method = self.iserver.methods.get(request.MethodId)
        if method is None:
            found: list[Any] = await super().call([request])
            return found[0]
        return await method(self.user, request)

    async def create_subscription(self, params: Any, callback: Any, request_callback: Any = None) -> Any:
        """As often as it may be served, and no longer than anybody may be away."""
        if sum(sub.session_id == self.session_id for sub in self.subscription_service.subscriptions.values()) >= SUBSCRIPTIONS_MOST:
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        asked = params.RequestedPublishingInterval
        interval = FASTEST_MS if math.isnan(asked) else min(max(asked, FASTEST_MS), SLOWEST_MS)
        cycles = max(_KEEP_ALIVE_LEAST * 3, int(LIFETIME_MS / interval))
        params.RequestedPublishingInterval = interval
        params.RequestedLifetimeCount = min(params.RequestedLifetimeCount or cycles, cycles)
        params.RequestedMaxKeepAliveCount = max(
            1, min(params.RequestedMaxKeepAliveCount or cycles // 3, params.RequestedLifetimeCount // 3)
        )
        return await super().create_subscription(params, callback, request_callback=request_callback)

    def modify_subscription(self, params: Any) -> Any:
        """Nothing is changed; it is told how it stands."""
        self._owned(params.SubscriptionId)
        return super().modify_subscription(params)

    async def delete_subscriptions(self, ids: list[int]) -> list[Any]:
        """Its own."""
        own = [each for each in ids if self._owns(each)]
        found = dict(zip(own, await super().delete_subscriptions(own), strict=True))
        return [found.get(each, ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid)) for each in ids]

    async def transfer_subscriptions(self, params: Any, callback: Any) -> list[Any]:
        """No client is given another's."""
        return [ua.TransferResult(ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid), []) for _ in params.SubscriptionIds]

    async def set_publishing_mode(self, params: Any) -> list[Any]:
        """Of its own; those of others are none."""
        for each in params.SubscriptionIds:
            self._owned(each)
        found: list[Any] = await super().set_publishing_mode(params)
        return found

    def publish(self, acks: Any = None) -> Any:
        """Acknowledgements of others' messages count for nothing."""
        given = acks or []
        own = [each for each in given if self._owns(each.SubscriptionId)]
        _, results = super().publish(own)
        told = iter(results)
        unknown = ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid)
        mine = sum(sub.session_id == self.session_id for sub in self.subscription_service.subscriptions.values())
        return mine, [next(told) if self._owns(each.SubscriptionId) else unknown for each in given]

    def republish(self, params: Any) -> Any:
        """Of its own."""
        self._owned(params.SubscriptionId)
        message = super().republish(params)
        if not message.NotificationData:
            raise ServiceError(ua.StatusCodes.BadMessageNotAvailable)
        return message

    async def create_monitored_items(self, params: Any) -> list[Any]:
        """Of nodes that its role sees, as many as there is room for."""
        self._owned(params.SubscriptionId)
        _bounded(params.ItemsToCreate)
        subscription = self.subscription_service.subscriptions[params.SubscriptionId]
        if len(subscription.monitored_item_srv._monitored_items) + len(params.ItemsToCreate) > ITEMS_MOST:
            raise ServiceError(ua.StatusCodes.BadTooManyMonitoredItems)
        asked = params.ItemsToCreate
        refusals = [self._refusal(each) for each in asked]
        params.ItemsToCreate = [each for each, refusal in zip(asked, refusals, strict=True) if refusal is None]
        made = iter(await super().create_monitored_items(params))
        return [next(made) if refusal is None else ua.MonitoredItemCreateResult(StatusCode=refusal) for refusal in refusals]

    async def modify_monitored_items(self, params: Any) -> list[Any]:
        """Of its own."""
        self._owned(params.SubscriptionId)
        known = self.subscription_service.subscriptions[params.SubscriptionId].monitored_item_srv._monitored_items
        if any(each.MonitoredItemId not in known for each in params.ItemsToModify):
            raise ServiceError(ua.StatusCodes.BadMonitoredItemIdInvalid)
        if any(_has_deadband(each.RequestedParameters.Filter) for each in params.ItemsToModify):
            raise ServiceError(ua.StatusCodes.BadMonitoredItemFilterUnsupported)
        for each in params.ItemsToModify:
            queue = each.RequestedParameters.QueueSize
            each.RequestedParameters.QueueSize = min(queue or 1, self.iserver.max_monitored_item_queue_size)
        found: list[Any] = await super().modify_monitored_items(params)
        return found

    async def set_monitoring_mode(self, params: Any) -> list[Any]:
        """Of its own."""
        self._owned(params.SubscriptionId)
        found: list[Any] = await super().set_monitoring_mode(params)
        return found

    async def delete_monitored_items(self, params: Any) -> list[Any]:
        """Of its own."""
        self._owned(params.SubscriptionId)
        found: list[Any] = await super().delete_monitored_items(params)
        return found

    def _refusal(self, item: Any) -> Any:
        """Why an item is not watched; None: it may be."""
        if self._hidden(item.ItemToMonitor.NodeId):
            return _DENIED
        chosen = item.RequestedParameters.Filter
        if isinstance(chosen, ua.ExtensionObject) and chosen.TypeId.is_null():
            chosen = item.RequestedParameters.Filter = None
        if item.ItemToMonitor.AttributeId == ua.AttributeIds.EventNotifier:
            return None if isinstance(chosen, ua.EventFilter) else ua.StatusCode(ua.StatusCodes.BadEventFilterInvalid)
        if chosen is not None and not isinstance(chosen, ua.DataChangeFilter):
            return ua.StatusCode(ua.StatusCodes.BadFilterNotAllowed)
        return ua.StatusCode(ua.StatusCodes.BadMonitoredItemFilterUnsupported) if _has_deadband(chosen) else None

    def _hidden(self, node_id: Any) -> bool:
        return self.iserver.hides(node_id, self.role)

    def _owns(self, subscription: int) -> bool:
        found = self.subscription_service.subscriptions.get(subscription)
        return found is not None and found.session_id == self.session_id

    def _owned(self, subscription: int) -> None:
        """Raises ServiceError where it is another's, or none."""
        if not self._owns(subscription):
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)


def _has_deadband(chosen: Any) -> bool:
    """Figures here are exact; and a deadband over a text, or over what is not known, would be none."""
    return isinstance(chosen, ua.DataChangeFilter) and chosen.DeadbandType != ua.DeadbandType.None_


def _bounded(items: Any) -> None:
    """Raises ServiceError for more at once than the operation limits say."""
    if len(items or ()) > OPERATIONS_MOST:
        raise ServiceError(ua.StatusCodes.BadTooManyOperations)
