"""Commands as methods, who may give them, and that each runs at most once: on a real box, carried out by its real uplink."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asyncua import ua
from opcua_box import Box, Floor

from appliance.core.catalogue import AlarmRaised, CommandFinished, CommandReceived

#: One worker has the box that all of these share: a server takes seconds to start.
pytestmark = pytest.mark.xdist_group("opcua")

TEXTS = ua.Variant([], ua.VariantType.String, is_array=True)


def _audit(box: Box, command: str) -> list[CommandReceived | CommandFinished]:
    return [row for row in box.commands() if row.id == command]


async def test_a_command_is_carried_out_and_written_down(box: Box) -> None:
    box.tell(AlarmRaised(alarm="floor.asa", level="amber"), name="alarms/alarms")
    async with box.client("ana") as floor:
        pong = await floor.call("ping", "c-ping")
        assert pong[:3] == ["c-ping", "done", ""]
        assert "time" in json.loads(pong[3])
        shown = await floor.call("announce", "Reunión a las 15:00", "warning", "", "", TEXTS, "c-show")
        assert shown[:2] == ["c-show", "done"]
        assert (await floor.until("announcements/c-show/text", "Reunión a las 15:00")).StatusCode.is_good()
        assert (await floor.call("withdraw", "c-show"))[1] == "done"
        await floor.until("alarms/floor.asa/level", "amber")
        assert (await floor.call("acknowledge", "floor.asa", "c-seen"))[1] == "done"
        assert (await floor.call("withdraw", "none-such"))[1] == "failed"
    received, finished = _audit(box, "c-show")
    assert isinstance(received, CommandReceived)
    assert isinstance(finished, CommandFinished)
    assert (received.verb, received.who, received.by, finished.state) == ("announce", "opcua:ana", "local", "done")


async def test_the_same_id_never_runs_twice(box: Box) -> None:
    async with box.client("ana") as one, box.client("rita") as other:
        replies = await asyncio.gather(
            *(floor.call("announce", "Una vez", "info", "", "", TEXTS, "c-once") for floor in (one, other, one, other))
        )
        assert {tuple(reply) for reply in replies} == {tuple(replies[0])}
        assert replies[0][1] == "done"
        assert len(_audit(box, "c-once")) == 2
        assert (await one.call("announce", "Otra cosa", "info", "", "", TEXTS, "c-once"))[1:3] == ["refused", "id_reused"]
        assert (await one.call("ping", "No es un id"))[1] == "refused"
        assert len(_audit(box, "c-once")) == 2


async def test_what_is_not_allowed_is_refused_by_the_same_path(box: Box) -> None:
    """Allow-list, owner, expiry: as over MQTT. What touches a call expires without being told to."""
    async with box.client("ana") as floor:
        reply = await floor.call("originate", "agente-101", "0999000111")
        assert reply[1] == "refused"
        assert reply[2].startswith("not_allowed")
        received, finished = _audit(box, reply[0])
        assert isinstance(received, CommandReceived)
        assert received.expires is not None
        assert received.args == {}, "what is refused tells nobody's number"
        assert isinstance(finished, CommandFinished)
        reply = await floor.call("beacon", "entrada.red")
        assert reply[1] == "refused"
        assert reply[2].startswith("unsupported"), "this box has no lamp"


@pytest.mark.parametrize(
    ("verb", "args", "status", "each"),
    [
        ("announce", [], ua.StatusCodes.BadArgumentsMissing, []),
        ("announce", [ua.Variant(5, ua.VariantType.Int32)], ua.StatusCodes.BadInvalidArgument, [ua.StatusCodes.BadTypeMismatch]),
        ("announce", ["x", "loud"], ua.StatusCodes.BadInvalidArgument, [0, ua.StatusCodes.BadOutOfRange]),
        ("announce", ["x" * 70_000], ua.StatusCodes.BadInvalidArgument, [ua.StatusCodes.BadTypeMismatch]),
        ("announce", ["x", "info", "", "", ua.Variant(["a"] * 5000)], ua.StatusCodes.BadInvalidArgument, None),
        ("announce", [ua.Variant(["x"])], ua.StatusCodes.BadInvalidArgument, [ua.StatusCodes.BadTypeMismatch]),
        ("ping", ["a", 1.0, "more"], ua.StatusCodes.BadTooManyArguments, []),
        ("ping", ["a", -1.0], ua.StatusCodes.BadOutOfRange, []),
        ("ping", ["a", float("inf")], ua.StatusCodes.BadOutOfRange, []),
        ("resend", ["1", 2], ua.StatusCodes.BadInvalidArgument, None),
        ("directory", [1, "{not json"], ua.StatusCodes.BadInvalidArgument, None),
    ],
)
async def test_arguments_that_do_not_fit(box: Box, verb: str, args: list[Any], status: int, each: list[int] | None) -> None:
    async with box.client("ana") as floor:
        found = await _call(floor, verb, args)
        assert ua.StatusCode(found.StatusCode.value).name == ua.StatusCode(status).name
        if each is not None:
            assert [code.value for code in found.InputArgumentResults] == each
        assert (await floor.call("ping"))[1] == "done", "the server stands"


async def _call(floor: Floor, verb: str, args: list[Any]) -> Any:
    variants = [each if isinstance(each, ua.Variant) else ua.Variant(each) for each in args]
    request = ua.CallMethodRequest(
        ObjectId=ua.NodeId("commands", floor.index), MethodId=ua.NodeId(f"commands/{verb}", floor.index), InputArguments=variants
    )
    return (await floor.client.uaclient.call([request]))[0]


async def test_who_may_only_read_gives_no_commands(box: Box) -> None:
    before = len(box.commands())
    async with box.client("leo") as floor:
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await floor.call("ping")
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await floor.call("announce", "x")
    assert len(box.commands()) == before
