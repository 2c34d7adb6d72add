"""The manager port behaves as the recorded Asterisk does: login, rights, lists, commands, and every event's headers in order."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from appliance.sim.floor_model_plan import Plan, plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_session import User, read_only

Dial = Callable[[int], Any]

QUIET: Plan = msgspec.structs.replace(plan_named("calm", calls_per_min=0.0), pause_every_s=0.0)
BUSY = plan_named("morning")

CHAN = [
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
    "ChanVariable",
]
BRIDGE = ["BridgeUniqueid", "BridgeType", "BridgeTechnology", "BridgeCreator", "BridgeName", "BridgeNumChannels", "BridgeVideoSourceMode"]
MEMBER = [
    "Queue",
    "MemberName",
    "Interface",
    "StateInterface",
    "Membership",
    "Penalty",
    "CallsTaken",
    "LastCall",
    "LastPause",
    "LoginTime",
    "InCall",
    "Status",
    "Paused",
    "PausedReason",
    "Ringinuse",
    "Wrapuptime",
]
#: Headers after Event, Privilege and Timestamp, in Asterisk 22's order; `chan`, `dest:chan` and `bridge` are snapshots.
HEADERS = {
    "AgentCalled": "chan Dest:chan Queue Interface MemberName",
    "AgentComplete": "chan Dest:chan Queue Interface MemberName HoldTime TalkTime Reason",
    "AgentConnect": "chan Dest:chan Queue Interface MemberName HoldTime RingTime",
    "AgentRingNoAnswer": "chan Dest:chan Queue Interface MemberName RingTime",
    "BlindTransfer": "Result Transferer:chan Transferee:chan bridge IsExternal Context Extension",
    "BridgeCreate": "bridge", "BridgeDestroy": "bridge", "BridgeEnter": "bridge chan", "BridgeLeave": "bridge chan",
    "ContactStatus": "URI ContactStatus AOR EndpointName RoundtripUsec",
    "DTMFBegin": "chan Digit Direction", "DTMFEnd": "chan Digit DurationMs Direction",
    "DeviceStateChange": "Device State",
    "DialBegin": "chan Dest:chan DialString", "DialEnd": "chan Dest:chan DialStatus", "DialState": "chan Dest:chan DialStatus",
    "ExtensionStatus": "Exten Context Hint Status StatusText",
    "Hangup": "chan Cause Cause-txt", "HangupRequest": "chan Cause", "SoftHangupRequest": "chan Cause",
    "Hold": "chan MusicClass", "Unhold": "chan",
    "LocalBridge": "LocalOne:chan LocalTwo:chan Context Exten LocalOptimization",
    "MusicOnHoldStart": "chan Class", "MusicOnHoldStop": "chan",
    "NewCallerid": "chan CID-CallingPres", "NewConnectedLine": "chan", "Newchannel": "chan", "Newstate": "chan",
    "PeerStatus": "ChannelType Peer PeerStatus",
    "QueueCallerAbandon": "chan Queue Position OriginalPosition HoldTime",
    "QueueCallerJoin": "chan Queue Position Count", "QueueCallerLeave": "chan Queue Position Count",
    "QueueMemberAdded": "member", "QueueMemberPause": "member", "QueueMemberRemoved": "member", "QueueMemberStatus": "member",
    "Shutdown": "Shutdown Restart",
    "OriginateResponse": "ActionID Response Channel Application Data Reason Uniqueid CallerIDNum CallerIDName",
}  # fmt: skip
LIST_HEADERS = {
    "QueueParams": "Queue Max Strategy Calls Holdtime TalkTime Completed Abandoned ServiceLevel ServicelevelPerf ServicelevelPerf2 Weight",
    "QueueMember": "Queue Name Location StateInterface Membership Penalty CallsTaken LastCall LastPause LoginTime InCall Status Paused "
    "PausedReason Wrapuptime",
    "QueueEntry": "Queue Position Channel Uniqueid CallerIDNum CallerIDName ConnectedLineNum ConnectedLineName Wait Priority",
    "QueueSummary": "Queue LoggedIn Available Callers HoldTime TalkTime LongestHoldTime",
}


def expanded(text: str) -> list[str]:
    out: list[str] = []
    for word in text.split():
        prefix, colon, what = word.rpartition(":")
        many = {"chan": CHAN, "bridge": BRIDGE, "member": MEMBER}.get(what if colon else word)
        out += [prefix + w for w in many] if many else [word]
    return out


async def test_banner_stands_without_a_blank_line_and_login_is_followed_by_fully_booted(dial: Dial) -> None:
    async with SimPbx(QUIET) as pbx:
        client = await dial(pbx.port)
        assert (await client.login())["Message"] == "Authentication accepted"
        assert client.banner == b"Asterisk Call Manager/11.0.0\r\n"
        await client.until(lambda: client.events("FullyBooted"))
        assert [k for k, _ in client.blocks[1]] == ["Event", "Privilege", "Uptime", "LastReload", "Status"]


async def test_md5_login(dial: Dial) -> None:
    async with SimPbx(QUIET, users=[User(name="caja", secret="ñandú")]) as pbx:
        client = await dial(pbx.port)
        challenge = (await client.ask("Challenge", AuthType="MD5"))["Challenge"]
        key = hashlib.md5(f"{challenge}ñandú".encode()).hexdigest()
        assert (await client.ask("Login", AuthType="MD5", Username="caja", Key=key))["Response"] == "Success"
        other = await dial(pbx.port)
        assert (await other.ask("Login", AuthType="MD5", Username="caja", Key=key))["Response"] == "Error"


async def test_a_wrong_secret_and_an_unknown_user_hear_the_same_and_are_closed(dial: Dial) -> None:
    async with SimPbx(QUIET) as pbx:
        for user, secret in (("callfloor", "wrong"), ("nobody", "callfloor")):
            client = await dial(pbx.port)
            assert await client.ask("Ping") | {"ActionID": ""} == {"Response": "Error", "ActionID": "", "Message": "Permission denied"}
            assert (await client.login(user, secret))["Message"] == "Authentication failed"
            await asyncio.wait_for(client.ended.wait(), 3)
            assert client.how == "eof"


async def test_who_does_not_log_in_is_closed_in_silence(dial: Dial) -> None:
    async with SimPbx(QUIET, auth_timeout_s=0.1) as pbx:
        client = await dial(pbx.port)
        await asyncio.wait_for(client.ended.wait(), 3)
        assert (client.how, client.raw) == ("eof", b"")


async def test_rubbish_from_a_client_is_answered_as_asterisk_answers_it(dial: Dial) -> None:
    async with SimPbx(QUIET) as pbx:
        client = await dial(pbx.port)
        client.writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await client.until(lambda: client.blocks)
        assert dict(client.blocks[0])["Message"] == "Missing action in request"
        await client.login(Events="off")
        for odd in (
            b"NoColonHere\r\nAction:Ping\r\nActionID:a\r\n\r\n",
            b"action: ping\r\nactionid: a\r\n\r\n",
            b"Action: Ping\nActionID: a\n\n",
        ):
            before = len(client.blocks)
            client.writer.write(odd)
            await client.until(lambda before=before: len(client.blocks) > before)
            assert dict(client.blocks[-1])["Ping"] == "Pong"
        for size in (1100, 200_000):
            before = len(client.blocks)
            client.writer.write(b"Action: Ping\r\nActionID: " + b"x" * size + b"\r\n\r\n")
            await client.until(lambda before=before: len(client.blocks) > before)
            assert client.blocks[-1] == [("Response", "Error"), ("Message", "Failed to parse message: line too long")]
        unknown = await client.ask("SIPpeers")
        assert unknown["Message"] == "Invalid/unknown command: SIPpeers. Use Action: ListCommands to show available commands."
        assert (await client.ask("Logoff"))["Response"] == "Goodbye"
        await asyncio.wait_for(client.ended.wait(), 3)


async def test_a_read_only_user_lists_queues_and_nothing_else(dial: Dial) -> None:
    async with SimPbx(QUIET, users=[read_only(User())]) as pbx:
        client = await dial(pbx.port)
        await client.login()
        rows, _ = await client.rows("QueueStatus")
        assert rows
        for action in ("CoreShowChannels", "CoreStatus", "DeviceStateList", "QueuePause", "Originate", "Hangup", "Command"):
            assert (await client.ask(action))["Message"] == "Permission denied", action
        assert set(await client.ask("ListCommands")) >= {"Ping", "QueueStatus"}


async def test_every_event_has_the_headers_of_the_recorded_asterisk_in_their_order(dial: Dial) -> None:
    """A whole morning in a second, with a restart and commands, so that every kind is seen."""
    async with SimPbx(BUSY, flat_out=True) as pbx:
        client = await dial(pbx.port)
        await client.login()

        def seen(*names: str) -> bool:
            return all(client.events(n) for n in names)

        await client.ask("QueueAdd", Queue="ventas", Interface="PJSIP/999", MemberName="Nueva")
        await client.ask("QueueRemove", Queue="ventas", Interface="PJSIP/999")
        await client.ask("Originate", Channel="PJSIP/999", Application="Wait", Data="1", Async="true")
        await client.until(lambda: seen(*(set(HEADERS) - {"PeerStatus", "ContactStatus", "Shutdown"})), 30)
        pbx.flat_out = False
        pbx.fault("restart", seconds=0.1)
        await asyncio.wait_for(client.ended.wait(), 10)
        assert seen("Shutdown")
        for block in client.blocks:
            (first, name), keys = block[0], [k for k, _ in block]
            if first == "Event" and name in HEADERS:
                # Who dials for a manager is no channel: such a dial has its far end alone.
                far_end = name.startswith("Dial") and "Channel" not in keys
                wanted = [key for key in expanded(HEADERS[name]) if not far_end or key.startswith("D")]
                assert keys == ["Event", "Privilege", "Timestamp", *wanted], name
            else:
                assert first == "Response" or name in ("FullyBooted", "UserEvent"), block


async def test_without_timestampevents_no_event_has_a_timestamp(dial: Dial) -> None:
    async with SimPbx(BUSY, flat_out=True, timestamps=False) as pbx:
        client = await dial(pbx.port)
        await client.login()
        await client.until(lambda: client.events("AgentComplete"))
        assert not any("Timestamp" in event for event in client.events())


async def test_events_come_by_class_and_can_be_turned_off(dial: Dial) -> None:
    async with SimPbx(BUSY, flat_out=True, users=[User(read=frozenset({"agent"}))]) as pbx:
        client, deaf = await dial(pbx.port), await dial(pbx.port)
        await client.login()
        await deaf.login(Events="off")
        await client.until(lambda: client.events("AgentComplete"))
        assert {e["Privilege"] for e in client.events()} == {"agent,all"}
        assert (await client.ask("Events", EventMask="off"))["Events"] == "Off"
        assert (await client.ask("Events", EventMask="call,agent"))["Events"] == "On"
        assert deaf.events() == []


async def test_lists_on_a_live_floor_agree_with_the_model_and_with_what_was_told(dial: Dial) -> None:
    async with SimPbx(plan_named("stress", calls_per_min=90.0), seed=2, speed=10.0) as pbx:
        client = await dial(pbx.port)
        await client.login()
        await client.until(lambda: len(client.events("AgentComplete")) > 5 and pbx.truth(calls=False)["totals"]["waiting"] > 2, 20)
        rows, end = await client.rows("QueueStatus")
        assert int(end["ListItems"]) == len(rows)
        for row in rows:
            expected = ["Event", *LIST_HEADERS[row["Event"]].split(), "ActionID"]
            assert list(row) == expected
        # The model may be a moment further than the list: compare with what the list itself was made from.
        pbx.catch_up()
        again, _ = await client.rows("QueueStatus")
        summary, _ = await client.rows("QueueSummary")
        channels, _ = await client.rows("CoreShowChannels")
        devices, _ = await client.rows("DeviceStateList")
        assert {r["Queue"] for r in summary} == set(pbx.model.queues) == {"ventas", "soporte", "cobranzas", "atención_al_cliente"}
        assert all(list(r) == ["Event", *LIST_HEADERS["QueueSummary"].split(), "ActionID"] for r in summary)
        assert {"PJSIP/101", "PJSIP/trunk-norte", "Queue:ventas", "Queue:ventas_avail"} <= {d["Device"] for d in devices}
        assert all(list(c) == ["Event", "ActionID", *CHAN, "Application", "ApplicationData", "Duration", "BridgeId"] for c in channels)
        assert len({c["Uniqueid"] for c in channels}) == len(channels)
        assert [r["Position"] for r in again if r["Event"] == "QueueEntry" and r["Queue"] == "ventas"] == [
            str(n + 1) for n in range(sum(r["Event"] == "QueueEntry" and r["Queue"] == "ventas" for r in again))
        ]


async def test_lists_of_a_standing_floor_are_the_model(dial: Dial) -> None:
    """Flat out with nobody listening the floor stands still, so that every figure can be compared."""
    async with SimPbx(plan_named("stress", calls_per_min=120.0), flat_out=True, seed=3) as pbx:
        client = await dial(pbx.port)
        await client.login()
        await client.until(lambda: len(client.events("AgentComplete")) > 30)
        await client.ask("Events", EventMask="off")
        rows, _ = await client.rows("QueueStatus")
        channels, _ = await client.rows("CoreShowChannels")
        model = pbx.model
        for name, queue in model.queues.items():
            mine = [r for r in rows if r["Queue"] == name]
            params = next(r for r in mine if r["Event"] == "QueueParams")
            assert int(params["Calls"]) == len(queue.waiting)
            callers = [v.call.caller for v in queue.waiting]
            assert [r["CallerIDNum"] for r in mine if r["Event"] == "QueueEntry"] == callers
            told = pbx.truth()["queues"][name]
            assert int(params["Completed"]) == told["answered"] - told["talking"]
            assert int(params["Abandoned"]) == told["abandoned"] + told["timeout"]
            status = {"idle": "1", "wrap_up": "1", "ringing": "6", "talking": "2", "away": "5"}
            assert {r["Name"]: (r["Status"], r["Paused"], r["PausedReason"]) for r in mine if r["Event"] == "QueueMember"} == {
                m.name: (status[m.agent.mode], str(int(m.paused)), m.reason) for m in queue.members
            }
        callers_now = {c.caller for c in model.calls.values()}
        trunks = [c for c in channels if c["Channel"].startswith("PJSIP/trunk")]
        assert len(trunks) == len(model.calls)
        assert {c["CallerIDNum"] for c in trunks} == callers_now
        joins, leaves = client.events("QueueCallerJoin"), client.events("QueueCallerLeave")
        assert len(joins) - len(leaves) == sum(len(q.waiting) for q in model.queues.values())


async def test_filters_of_queue_status(dial: Dial) -> None:
    async with SimPbx(QUIET) as pbx:
        client = await dial(pbx.port)
        await client.login()
        rows, end = await client.rows("QueueStatus", Queue="nope")
        assert (rows, end["ListItems"]) == ([], "0")
        rows, _ = await client.rows("QueueStatus", Queue="soporte", Member="Luis Andrade")
        assert [r["Event"] for r in rows] == ["QueueParams", "QueueMember"]
        rows, _ = await client.rows("QueueStatus", Member="Local/104@agents/n")
        assert {r["StateInterface"] for r in rows if r["Event"] == "QueueMember"} == {"PJSIP/104"}


async def test_members_are_paused_added_and_removed(dial: Dial) -> None:
    async with SimPbx(QUIET) as pbx:
        client, other = await dial(pbx.port), await dial(pbx.port)
        await client.login()
        await other.login()
        assert (await client.ask("QueuePause", Interface="PJSIP/103", Paused="true", Reason="café"))[
            "Message"
        ] == "Interface paused successfully"
        await other.until(lambda: len(other.events("QueueMemberPause")) == 2)
        assert {(e["Queue"], e["PausedReason"]) for e in other.events("QueueMemberPause")} == {("ventas", "café"), ("cobranzas", "café")}
        assert (await client.ask("QueuePause", Interface="PJSIP/103", Paused="false"))["Message"] == "Interface unpaused successfully"
        assert (await client.ask("QueuePause", Interface="PJSIP/1", Paused="true"))["Message"] == "Interface not found"
        add = {"Queue": "ventas", "Interface": "PJSIP/900", "MemberName": "Pía", "Penalty": "2", "Paused": "true", "Reason": "inicio"}
        assert (await client.ask("QueueAdd", **add))["Message"] == "Added interface to queue"
        assert (await client.ask("QueueAdd", **add))["Message"] == "Unable to add interface: Already there"
        assert (await client.ask("QueueAdd", **add | {"Queue": "x"}))["Message"] == "Unable to add interface to queue: No such queue"
        rows, _ = await client.rows("QueueStatus", Queue="ventas", Member="Pía")
        assert (rows[1]["Membership"], rows[1]["Penalty"], rows[1]["Paused"]) == ("dynamic", "2", "1")
        assert (await client.ask("QueueRemove", Queue="ventas", Interface="PJSIP/900"))["Message"] == "Removed interface from queue"
        assert (await client.ask("QueueRemove", Queue="ventas", Interface="PJSIP/900"))[
            "Message"
        ] == "Unable to remove interface: Not there"
        await other.until(lambda: other.events("QueueMemberRemoved"))


async def test_calls_are_hung_up_and_redirected(dial: Dial) -> None:
    plan = msgspec.structs.replace(plan_named("calm", calls_per_min=600.0, agents=1), pause_every_s=0.0, no_answer_share=0.0)
    async with SimPbx(plan, seed=5) as pbx:
        client = await dial(pbx.port)
        await client.login()
        await client.until(lambda: len(client.events("QueueCallerJoin")) > 3)
        waiting = [r for r in (await client.rows("QueueStatus"))[0] if r["Event"] == "QueueEntry" and r["Queue"] != "ventas"]
        assert (await client.ask("Hangup", Channel=waiting[0]["Channel"]))["Response"] == "Success"
        gone = await client.until(lambda: [e for e in client.events("QueueCallerAbandon") if e["Uniqueid"] == waiting[0]["Uniqueid"]])
        assert gone
        asked = {e["Event"] for e in client.events() if e.get("Uniqueid") == waiting[0]["Uniqueid"]}
        assert "SoftHangupRequest" in asked
        assert "HangupRequest" not in asked
        assert (await client.ask("Hangup", Channel="PJSIP/none-1"))["Message"] == "No such channel"
        await client.until(lambda: len([e for e in client.events("QueueCallerJoin") if e["Queue"] == "soporte"]) > 1)
        entry = next(r for r in (await client.rows("QueueStatus", Queue="soporte"))[0] if r["Event"] == "QueueEntry")
        assert (await client.ask("Redirect", Channel=entry["Channel"], Exten="603"))["Message"] == "Redirect successful"
        await client.until(
            lambda: ("cobranzas", entry["Uniqueid"]) in {(e["Queue"], e["Uniqueid"]) for e in client.events("QueueCallerJoin")}
        )
        assert pbx.truth()["totals"]["withdrawn"] == 2


async def test_speed_changes_real_seconds_and_not_the_day(dial: Dial) -> None:
    async with SimPbx(BUSY, speed=40.0) as pbx:
        client = await dial(pbx.port)
        await client.login()
        done = await client.until(lambda: client.events("AgentComplete"))
        assert int(done[0]["TalkTime"]) <= 10
        await client.until(lambda: len(client.events("QueueCallerJoin")) > 10)
        stamps = [float(e["Timestamp"]) for e in client.events() if "Timestamp" in e]
        assert stamps == sorted(stamps)
        assert stamps[-1] - stamps[0] < 30
