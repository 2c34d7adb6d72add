"""An OPC UA client of other people's, node-opcua, at the same box: what it sees must be what we say. `make opcua-clients` installs it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from opcua_box import Box

from appliance.core.catalogue import AlarmCleared, AlarmRaised, CallAbandoned, CallQueued

NODE_OPCUA = Path(__file__).parents[3] / "build" / "node-opcua"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("opcua")]


async def see(box: Box, user: str, password: str, mode: str, queue: str) -> dict[str, Any]:
    """What the client saw; once it follows, one more call joins the queue and an alarm is raised."""
    assert (NODE_OPCUA / "node_modules" / "node-opcua-client").is_dir(), "make opcua-clients installs it"
    process = await asyncio.create_subprocess_exec(
        "node", str(Path(__file__).with_name("other_client.mjs")), box.url, str(box.folder), user, password, mode, queue,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "NODE_OPCUA": str(NODE_OPCUA)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(120):
        line = await process.stdout.readline()
        while line and not line.startswith(b"{"):
            if line == b"ready\n":
                box.tell(CallQueued(call=f"{queue}-2", visit=f"{queue}-2", pbx="central", queue=queue))
                box.tell(AlarmRaised(alarm=f"queue.{queue}.waiting", level="amber"), name="alarms/alarms")
            line = await process.stdout.readline()
        errors = await process.stderr.read()
        await process.wait()
    assert line, errors.decode()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize("mode", ["SignAndEncrypt", "Sign"])
async def test_it_browses_reads_follows_and_gives_commands(box: Box, mode: str) -> None:
    queue = f"otra-{mode.lower()}"
    box.tell(CallQueued(call=f"{queue}-1", visit=f"{queue}-1", pbx="central", queue=queue))
    seen = await see(box, "ana", "ana-secret", mode, queue)
    try:
        assert seen["login"] == "done"
        assert {"queues", "commands", "crm", "extra"} <= set(seen["browse"])
        assert (seen["read"]["value"], seen["read"]["status"], seen["read"]["type"]) == (1, "Good", "Int32")
        assert seen["read"]["source"]
        assert seen["unknown"] == "BadNoCommunication"
        assert seen["unit"] == {"id": 5457219, "name": "s"}
        assert seen["arguments"] == ["text", "severity", "from", "until", "boards", "id", "expires_s"]
        assert seen["ping"]["status"] == "Good"
        assert seen["ping"]["out"][:2] == ["node-ana", "done"]
        assert seen["again"] == seen["ping"]
        assert seen["wrong"]["status"] == "BadInvalidArgument"
        assert seen["rig"] == "BadUserAccessDenied"
        assert seen["write"] == "BadNotWritable"
        assert seen["followed"] == "done"
        assert seen["changes"][-1] == [2, "Good"]
        assert {value for value, _ in seen["changes"]} <= {1, 2}
        assert [500, f"queue.{queue}.waiting is amber", f"queue.{queue}.waiting", "raised"] in seen["events"]
    finally:
        box.tell(CallAbandoned(call=f"{queue}-2", visit=f"{queue}-2", pbx="central", queue=queue, wait_s=1.0))
        box.tell(AlarmCleared(alarm=f"queue.{queue}.waiting"), name="alarms/alarms")


async def test_it_is_refused_without_the_role_and_without_a_login(box: Box) -> None:
    queue = "otra-leo"
    box.tell(CallQueued(call=f"{queue}-1", visit=f"{queue}-1", pbx="central", queue=queue))
    seen = await see(box, "leo", "leo-secret", "SignAndEncrypt", queue)
    assert seen["login"] == "done"
    assert seen["read"]["value"] == 1
    assert seen["ping"]["status"] == "BadUserAccessDenied"
    assert seen["rig"] == "BadUserAccessDenied"
    box.tell(AlarmCleared(alarm=f"queue.{queue}.waiting"), name="alarms/alarms")
    wrong = await see(box, "leo", "wrong", "SignAndEncrypt", queue)
    assert "BadUserAccessDenied" in wrong["login"]["error"]
    nobody = await see(box, "", "", "SignAndEncrypt", queue)
    assert "error" in nobody["login"]
