"""Subscriptions that come, expire and go leave nothing behind (FreeOpcUa/opcua-asyncio issue 116), and there are never too many."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_from_binary
from opcua_box import Box, Floor

from gateway.opcua.session import LIFETIME_MS, SUBSCRIPTIONS_MOST

#: One worker has the box that all of these share: a server takes seconds to start.
pytestmark = pytest.mark.xdist_group("opcua")


async def abandoned(floor: Floor, paths: list[str], *, interval_ms: float = 20.0, lifetime: int = 9) -> Any:
    """A subscription nobody asks for anything any more: made past the client's own machinery."""
    session = floor.client.uaclient.session
    request = ua.CreateSubscriptionRequest()
    request.Parameters = ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=interval_ms, RequestedLifetimeCount=lifetime, RequestedMaxKeepAliveCount=3, MaxNotificationsPerPublish=0,
        PublishingEnabled=True, Priority=0,
    )  # fmt: skip
    answer = await session._send_request(request)
    made = _read(ua.CreateSubscriptionResponse, answer).Parameters
    items = [
        ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=ua.NodeId(path, floor.index), AttributeId=ua.AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(ClientHandle=at, QueueSize=10),
        )
        for at, path in enumerate(paths)
    ]
    asked = ua.CreateMonitoredItemsParameters(SubscriptionId=made.SubscriptionId, ItemsToCreate=items)
    assert all(each.StatusCode.is_good() for each in await floor.client.uaclient.create_monitored_items(asked))
    return made


def _read(kind: Any, answer: Any) -> Any:
    return struct_from_binary(kind, answer)


async def until_gone(floor: Floor, within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while True:
        left = await floor.number("extra/opcua/subscriptions"), await floor.number("extra/opcua/monitored_items")
        if left == (0, 0):
            return
        assert time.monotonic() < end, left
        await asyncio.sleep(0.1)


async def test_what_expires_is_gone(box: Box) -> None:
    async with box.client("leo") as floor:
        for _ in range(3):
            for _ in range(5):
                await abandoned(floor, ["seq", "time", "crm/backlog"])
            await until_gone(floor)


async def test_what_a_client_left_behind_is_gone(box: Box) -> None:
    """A pulled plug, and a session closed with the wish to keep its subscriptions."""
    async with box.client("leo") as stays:
        async with box.client("leo") as floor:
            await abandoned(floor, ["seq"], interval_ms=60_000, lifetime=15_000)
            await floor.client.uaclient.close_session(delete_subscriptions=False)
            floor.client.disconnect_socket()
        async with box.client("leo") as floor:
            await abandoned(floor, ["seq"], interval_ms=60_000, lifetime=15_000)
            floor.client.disconnect_socket()
        await until_gone(stays)


async def test_there_are_never_too_many_and_none_for_ever(box: Box) -> None:
    async with box.client("leo") as floor:
        for _ in range(SUBSCRIPTIONS_MOST):
            made = await abandoned(floor, [], interval_ms=0.0, lifetime=0xFFFFFFFF)
            assert made.RevisedPublishingInterval > 0
            assert made.RevisedPublishingInterval * made.RevisedLifetimeCount <= LIFETIME_MS
        with pytest.raises(ua.uaerrors.BadTooManySubscriptions):
            await abandoned(floor, [])
    async with box.client("leo") as floor:
        await until_gone(floor)
