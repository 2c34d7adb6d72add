"""A rig's nodes: there for the role rig, and for nobody else. A real server, real clients."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from cryptography.hazmat.primitives.serialization import Encoding
from opcua_box import Box, Floor

#: One worker has the box that all of these share: a server takes seconds to start.
pytestmark = pytest.mark.xdist_group("opcua")

DENIED = ua.StatusCodes.BadUserAccessDenied


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("rig")
    made = Box(
        folder, "insecure = true", program=[sys.executable, str(Path(__file__).with_name("rig_process.py")), str(folder / "callfloor.toml")]
    )
    made.start()
    try:
        made.listening()
        yield made
    finally:
        made.close()


async def act(floor: Floor, name: str, *args: Any) -> list[Any]:
    path = f"extra/rig/{name}"
    found: list[Any] = await floor.node(path.rpartition("/")[0]).call_method(ua.NodeId(path, floor.index), *args)
    return found


async def test_without_security_where_that_is_allowed(rig: Box) -> None:
    """On loopback, by a word of the configuration. A password goes encrypted all the same; a certificate named there proves nothing."""
    client = Client(rig.url, timeout=30, watchdog_intervall=20)
    client.set_user("leo")
    client.set_password("leo-secret")
    async with client:
        index = await client.get_namespace_index("urn:callfloor:1")
        assert await client.get_node(ua.NodeId("site", index)).read_value() == "quito"
    nobody = Client(rig.url, timeout=30, watchdog_intervall=20)
    nobody.security_policy.host_certificate = rig.karla.parsed.public_bytes(Encoding.DER)
    with pytest.raises(ua.UaStatusCodeError):
        await nobody.connect()


async def test_the_rig_is_driven_and_watched_by_its_role_alone(rig: Box) -> None:
    async with rig.client("rita") as rita, rig.client("ana") as ana:
        # Driven, and seen.
        assert await rita.number("extra/rig/lamp/lit") is False
        state, _, result, began, ended = await act(rita, "lamp/set", True)
        assert (state, json.loads(result)) == ("done", {"lit": True, "after_s": 0.0, "colour": "red"})
        lit = await rita.until("extra/rig/lamp/lit", True)
        assert began <= lit.SourceTimestamp.timestamp() * 1e9 + 1000
        assert began <= ended
        assert len(await rita.number("extra/rig/panel/picture")) == 5004
        assert (await act(rita, "break"))[:2] == ["failed", "no such wire; plug it in"]
        with pytest.raises(ua.uaerrors.BadInvalidArgument):
            await act(rita, "lamp/set", "yes")
        with pytest.raises(ua.uaerrors.BadInvalidArgument):
            await act(rita, "lamp/set", True, 0.0, "blue")
        # A value that comes and goes.
        await act(rita, "plug")
        await rita.until("extra/rig/headsets/a1/hook", "on")
        assert await rita.names("extra/rig/headsets/a1") == {"hook"}
        await act(rita, "plug")
        async with asyncio.timeout(20):
            while (await rita.value("extra/rig/headsets/a1/hook")).StatusCode.value != ua.StatusCodes.BadNodeIdUnknown:
                await asyncio.sleep(0.02)
        # Nobody else reads, browses, watches or calls.
        assert "rig" in await rita.names("extra")
        assert "rig" not in await ana.names("extra")
        assert (await ana.value("extra/rig/lamp/lit")).StatusCode.value == DENIED
        browsed = await ana.client.uaclient.browse(
            ua.BrowseParameters(NodesToBrowse=[ua.BrowseDescription(NodeId=ua.NodeId("extra/rig", ana.index))])
        )
        assert browsed[0].StatusCode.value == ua.StatusCodes.BadNodeIdUnknown
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await act(ana, "lamp/set", False)
        with pytest.raises(ua.uaerrors.BadNoMatch):
            await ana.node("extra").get_child([f"{ana.index}:rig", f"{ana.index}:lamp"])
        watched = await ana.client.create_subscription(100, _Nothing())
        assert (await watched.subscribe_data_change([ana.node("extra/rig/lamp/lit")]))[0].value == DENIED  # type: ignore[index]
        assert await rita.number("extra/rig/lamp/lit") is True
        # The rig ends: nobody can tell any more, and nothing is done.
        await act(rita, "stop")
        async with asyncio.timeout(20):
            while (await rita.value("extra/rig/lamp/lit")).StatusCode.value != ua.StatusCodes.BadNoCommunication:
                await asyncio.sleep(0.02)
        with pytest.raises(ua.uaerrors.BadNoCommunication):
            await act(rita, "lamp/set", False)


class _Nothing:
    def datachange_notification(self, *_args: Any) -> None:
        pass
