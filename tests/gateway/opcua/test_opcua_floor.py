"""The floor as asyncua's own client reads and follows it, on a real box."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua
from opcua_box import Box

from appliance.core.catalogue import AgentLoggedIn, AlarmCleared, AlarmRaised, CallAbandoned, CallQueued, LineSeized, PbxResynced, PbxUp

#: One worker has the box that all of these share: a server takes seconds to start.
pytestmark = pytest.mark.xdist_group("opcua")

GOOD = ua.StatusCodes.Good


class Seen:
    """What a subscription was told."""

    def __init__(self) -> None:
        self.values: list[tuple[str, ua.DataValue]] = []
        self.events: list[Any] = []
        self.news = asyncio.Event()

    def datachange_notification(self, node: Any, _value: Any, data: Any) -> None:
        self.values.append((node.nodeid.Identifier, data.monitored_item.Value))
        self.news.set()

    def event_notification(self, event: Any) -> None:
        self.events.append(event)
        self.news.set()

    async def until(self, found: Any) -> Any:
        async with asyncio.timeout(30):
            while True:
                self.news.clear()
                here = found(self)
                if here:
                    return here
                await self.news.wait()


async def test_browse_and_read(box: Box) -> None:
    begun = datetime.now(UTC)
    box.tell(CallQueued(call="c1", visit="v1", pbx="central", queue="ventas", title="Ventas", caller="0999000111"))
    box.tell(AgentLoggedIn(agent="agente-101", pbx="central", name="Agente 101", queues=("ventas",)))
    async with box.client("leo") as floor:
        await floor.until("agents/agente-101/state", "available")  # what was told last
        waiting = await floor.until("queues/ventas/waiting", 1)
        assert waiting.StatusCode.value == GOOD
        assert waiting.Value.VariantType == ua.VariantType.Int32
        assert begun - timedelta(seconds=1) <= waiting.SourceTimestamp <= datetime.now(UTC) + timedelta(seconds=1)
        since = await floor.value("queues/ventas/longest_since")
        assert since.Value.VariantType == ua.VariantType.DateTime
        assert await floor.number("queues/ventas/title") == "Ventas"
        # Not known is told as such, and has no value.
        level = await floor.value("queues/ventas/today/service_level")
        assert (level.StatusCode.value, level.Value.Value) == (ua.StatusCodes.BadNoCommunication, None)
        assert await floor.number("queues/ventas/today/abandon_rate_of") == [0, 0]
        unit = await (await floor.node("queues/ventas/longest_wait").get_child("0:EngineeringUnits")).read_value()
        assert (unit.DisplayName.Text, unit.UnitId) == ("s", 5457219)
        assert {"queues", "agents", "trunks", "pbx", "crm", "commands", "extra"} <= await floor.names("callfloor")
        assert (await floor.value("pbx/central/state")).Value.Value == "up"
        assert await floor.number("trunks/pstn/lines") == 4
        await floor.until("extra/services/uplink/alive", True)  # looked at once a second, and it begins when the server does
        assert "headsets" not in await floor.names("callfloor")
        # What is wrong is told, and nothing can be written.
        assert (await floor.value("queues/none/waiting")).StatusCode.value == ua.StatusCodes.BadNodeIdUnknown
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await floor.node("queues/ventas/waiting").write_value(ua.Variant(9, ua.VariantType.Int32))


async def test_follow(box: Box) -> None:
    """Changes, nodes that come, a PBX out of sight, alarms."""
    seen = Seen()
    async with box.client("leo") as floor:
        box.tell(CallQueued(call="f1", visit="f1", pbx="central", queue="soporte"))
        await floor.until("queues/soporte/waiting", 1)
        subscription = await floor.client.create_subscription(30, seen)
        await subscription.subscribe_data_change([floor.node("queues/soporte/waiting"), floor.node("queues/soporte/today/offered")])
        await subscription.subscribe_events()
        kinds = {name: floor.node(f"extra/events/{name}EventType") for name in ("Alarm", "Link")}
        await subscription.subscribe_events(evtypes=[kinds["Alarm"]])
        await seen.until(lambda s: len(s.values) >= 2)
        seen.values.clear()
        box.tell(CallQueued(call="f2", visit="f2", pbx="central", queue="soporte"))
        await seen.until(
            lambda s: (
                {(path, value.Value.Value) for path, value in s.values}
                >= {("queues/soporte/waiting", 2), ("queues/soporte/today/offered", 2)}
            )
        )
        # One of two changes: the other is not told again.
        seen.values.clear()
        box.tell(CallAbandoned(call="f2", visit="f2", pbx="central", queue="soporte", wait_s=1.0))
        await seen.until(lambda s: s.values)
        assert {path for path, _ in seen.values} == {"queues/soporte/waiting"}
        # A node that comes is announced.
        box.tell(CallQueued(call="f3", visit="f3", pbx="central", queue="nueva"))
        model = await seen.until(lambda s: [e for e in s.events if e.EventType == ua.NodeId(ua.ObjectIds.GeneralModelChangeEventType)])
        assert model
        assert await floor.number("queues/nueva/waiting") == 1
        # Alarms.
        box.tell(AlarmRaised(alarm="queue.soporte.waiting", level="red"), name="alarms/alarms")
        raised = await seen.until(lambda s: [e for e in s.events if getattr(e, "Alarm", None) == "queue.soporte.waiting"])
        assert (raised[0].State, raised[0].Level, raised[0].Severity) == ("raised", "red", 800)
        assert await floor.number("alarms/queue.soporte.waiting/level") == "red"
        box.tell(AlarmCleared(alarm="queue.soporte.waiting"), name="alarms/alarms")
        await seen.until(lambda s: [e for e in s.events if getattr(e, "State", None) == "cleared"])
        assert (await floor.value("alarms/queue.soporte.waiting/level")).StatusCode.value == ua.StatusCodes.BadNodeIdUnknown
        # The gateway dies: what it told is old, keeps its value and its time, and says so.
        live = await floor.value("queues/soporte/waiting")
        seen.values.clear()
        box.gateway_dies()
        try:
            stale = await seen.until(
                lambda s: [v for path, v in s.values if path == "queues/soporte/waiting" and v.StatusCode.value != GOOD]
            )
        finally:
            box.gateway_begins()
            box.tell(PbxUp(pbx="central"), PbxResynced(pbx="central"))
        assert stale[0].StatusCode.value == ua.StatusCodes.UncertainLastUsableValue
        assert (stale[0].Value.Value, stale[0].SourceTimestamp) == (1, live.SourceTimestamp)
        await subscription.delete()


async def test_lines(box: Box) -> None:
    box.tell(LineSeized(line="SIP/pstn-0001", trunk="pstn", pbx="central", direction="in"))
    async with box.client("leo") as floor:
        await floor.until("extra/lines/SIP/pstn-0001/direction", "in")
        assert await floor.number("extra/lines/SIP/pstn-0001/trunk") == "pstn"
