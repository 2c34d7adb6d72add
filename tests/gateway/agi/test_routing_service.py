"""The routing help over real sockets: what is answered, and that nobody's call is held, whoever connects."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from appliance.core.catalogue import (
    AgentLoggedIn,
    AgentStateChanged,
    CallAbandoned,
    CallAnswered,
    CallDigits,
    CallEnded,
    CallQueued,
)
from appliance.core.directory_card import Card

Make = Callable[..., AbstractAsyncContextManager[Any]]
CALLER = "0991234567"
HELLO = f"agi_network: yes\nagi_network_script: route\nagi_callerid: {CALLER}\nagi_uniqueid: 1.1\n".encode()


def served(visit: str) -> tuple[CallQueued, CallAnswered, CallEnded]:
    """A call of a minute, from the first to the last."""
    return (
        CallQueued(call=visit, pbx="central", visit=visit, queue="ventas", title="Ventas"),
        CallAnswered(call=visit, pbx="central", visit=visit, queue="ventas", agent="ana", wait_s=1.0),
        CallEnded(call=visit, pbx="central", visit=visit, queue="ventas", agent="ana", talk_s=60.0),
    )


def waiting(visit: str, uniqueid: str) -> CallQueued:
    return CallQueued(call=visit, pbx="central", visit=visit, queue="ventas", uniqueid=uniqueid, title="Ventas")


async def test_the_rule_the_customer_and_what_he_chose(box: Make) -> None:
    async with box() as made:
        told = await made.ask()
        assert (told.status, told.commands) == ("SUCCESS", 1)
        assert told.variables == {"CALLFLOOR_RULE": "movil", "CALLFLOOR_QUEUE": "ventas", "SALUDO": "hola", "CALLFLOOR_GAVE_UP": "0"}
        assert (await made.ask(callerid="2040")).variables == {"CALLFLOOR_GAVE_UP": "0"}
        assert (await made.ask(callerid="unknown")).variables == {}
        assert (await made.ask("route?digits=main:3")).variables["CALLFLOOR_QUEUE"] == "cobranzas"
        assert (await made.ask("nothing/that/is")).variables == {}
        made.filed(**{CALLER: "VIP"})
        told = await made.ask_until(lambda found: "CALLFLOOR_SEGMENT" in found)
        assert (told["CALLFLOOR_SEGMENT"], told["CALLFLOOR_RULE"], told["CALLFLOOR_PRIORITY"]) == ("VIP", "vip", "10")
        # Who does not want his number shown is known to nobody.
        assert (await made.ask(callingpres="32")).variables == {}


async def test_what_the_journal_knows_of_the_call(box: Make) -> None:
    async with box() as made:
        made.told(CallDigits(call="c", pbx="central", uniqueid="7.7", menu="main", digits="3", path=("main:3",)))
        await made.ask_until(lambda found: found.get("CALLFLOOR_RULE") == "facturas", uniqueid="7.7", callerid="2040")
        for number in ("+593991234567", CALLER):
            made.told(CallAbandoned(call="c", pbx="central", wait_s=9.0, caller=number))
        told = await made.ask_until(lambda found: found.get("CALLFLOOR_RULE") == "insiste")
        assert (told["CALLFLOOR_GAVE_UP"], told["CALLFLOOR_PRIORITY"]) == ("2", "8")


async def test_a_service_that_starts_late_knows_the_day(box: Make, tmp_path: Path) -> None:
    async with box() as made:
        made.told(*(CallAbandoned(call="c", pbx="central", wait_s=9.0, caller=CALLER) for _ in range(1500)))
        made.told(*(CallDigits(call="c", pbx="central", uniqueid="x", menu="m", digits="1") for _ in range(1500)))
    async with box() as made:
        told = await made.ask_until(lambda found: found.get("CALLFLOOR_GAVE_UP") == "1500")
        assert told["CALLFLOOR_RULE"] == "insiste"


async def test_position_and_expected_wait(box: Make) -> None:
    async with box() as made:
        made.gateway_begins()
        made.told(*(event for number in range(5) for event in served(f"c{number}")))
        made.told(AgentLoggedIn(agent="ana", pbx="central", queues=("ventas",)))
        made.told(AgentStateChanged(agent="ana", pbx="central", state="talking", queues={"ventas": "talking"}))
        made.told(waiting("w1", "9.1"))
        at_two = {"CALLFLOOR_POSITION": "2", "CALLFLOOR_WAIT_S": "120"}
        await made.ask_until(lambda found: found == at_two, "queue/ventas")
        assert (await made.ask("queue/Ventas")).variables == at_two
        assert (await made.ask("queue/none")).variables == {}
        told = (await made.ask("route?default=ventas", callerid="2040")).variables
        assert told == {"CALLFLOOR_GAVE_UP": "0", **at_two}
        # A call with a priority stands before those without one, and behind those whose priority was given out, too.
        made.told(
            CallAbandoned(call="c", pbx="central", wait_s=9.0, caller=CALLER),
            CallAbandoned(call="c", pbx="central", wait_s=9.0, caller=CALLER),
        )
        told = await made.ask_until(lambda found: found.get("CALLFLOOR_PRIORITY") == "8", uniqueid="9.2")
        assert told["CALLFLOOR_POSITION"] == "1"
        made.told(waiting("w2", "9.2"))
        await made.ask_until(lambda found: found.get("CALLFLOOR_POSITION") == "2", uniqueid="9.3")
        await made.ask_until(lambda found: found.get("CALLFLOOR_POSITION") == "3", "queue/ventas")
        # Nothing is told of a PBX that is out of sight.
        made.gateway_dies()
        await made.ask_until(lambda found: found == {}, "queue/ventas")


async def test_a_pbx_without_mset_takes_them_one_by_one_the_queue_last(box: Make) -> None:
    async with box() as made:
        told = await made.ask(whole=False)
        assert (told.commands, list(told.variables)[-1]) == (5, "CALLFLOOR_QUEUE")
        assert told.variables == (await made.ask()).variables
        assert made.ended("answered") == 2


async def test_what_is_too_long_for_one_command_is_set_one_by_one(box: Make) -> None:
    """Older versions of Asterisk read a command of 2 047 bytes at most, and take the rest for the next one."""
    names = [f"NOMBRE_{n}" for n in range(20)]
    values = ", ".join(f'{name} = "{"ñ" * 200}"' for name in names)
    text = f'[[routing.rule]]\nname = "larga"\nqueue = "ventas"\nset = {{ {values} }}\n'
    async with box(text) as made:
        told = await made.ask()
        assert told.longest < 2048
        assert {name for name, value in told.variables.items() if value == "ñ" * 200} == set(names)
        assert list(told.variables)[-1] == "CALLFLOOR_QUEUE"
        await made.until_ended("answered", 1)


async def test_a_question_without_its_calls_id_gives_nobody_else_a_priority(box: Make) -> None:
    async with box('[[routing.rule]]\nname = "todos"\npriority = 9\n') as made:
        made.gateway_begins()
        assert (await made.ask(uniqueid="")).variables["CALLFLOOR_PRIORITY"] == "9"
        made.told(CallQueued(call="w", pbx="central", visit="w", queue="ventas", title="Ventas"))
        assert await made.ask_until(lambda found: "CALLFLOOR_POSITION" in found, "queue/ventas") == {"CALLFLOOR_POSITION": "2"}
        assert (await made.ask("route?default=ventas", uniqueid="1.9")).variables["CALLFLOOR_POSITION"] == "1", "nobody of 9 waits"


async def talk(port: int, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Send pieces, and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    with suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(20):
            got = await reader.read()
    writer.close()
    return got


async def told_back(port: int, answer: bytes) -> bytes:
    """Ask, wait for the command, answer it, and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HELLO + b"\n")
    async with asyncio.timeout(20):
        got = await reader.readline()
        writer.write(answer)
        with suppress(ConnectionError):
            got += await reader.read()
    writer.close()
    return got


async def test_whoever_is_slow_or_speaks_no_agi_is_closed_and_never_told_anything(box: Make) -> None:
    async with box(answer_ms=300.0) as made:
        assert await talk(made.port) == b""
        assert await talk(made.port, *(bytes((byte,)) for byte in HELLO), pause_s=0.01) == b""  # one byte at a time
        await made.until_ended("late", 1)
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100_000, b"agi_x: " + b"y" * 100_000, b"agi_x: y\n" * 50_000, b"\n\n"):
            assert await talk(made.port, garbage) == b""
        await made.until_ended("garbled", 5)
        await made.ask_until(lambda found: found.get("CALLFLOOR_RULE") == "movil")


async def test_what_the_pbx_says_instead_of_an_answer(box: Make) -> None:
    async with box() as made:
        # Something else than an answer, a caller who hung up, a channel that is gone.
        for answer, outcome in ((b"what?\n", "garbled"), (b"HANGUP\n", "hung_up"), (b"511 Command Not Permitted\n", "hung_up")):
            before = made.ended(outcome)
            assert (await told_back(made.port, answer)).startswith(b"EXEC MSet")
            await made.until_ended(outcome, before + 1)
        before = made.ended("hung_up")
        assert await talk(made.port, HELLO + b"\nHANGUP\n") == b""
        await made.until_ended("hung_up", before + 1)
        assert (await made.ask()).variables["CALLFLOOR_RULE"] == "movil"


async def test_a_pbx_that_takes_nothing_is_let_go(box: Make) -> None:
    async with box() as made:
        assert (await talk(made.port, HELLO + b"\n")).startswith(b"EXEC MSet")
        await made.until_ended("silent", 1)
        refusing = b"200 result=-2\n520-Invalid\nUsage\n520 End of proper usage.\n"
        assert b"SET VARIABLE" in await told_back(made.port, refusing)
        await made.until_ended("not_taken", 1)


class Stuck:
    """A directory on a disk that stands still."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def lookup(self, number: str | None) -> Card | None:
        self.go.wait(20)
        return None

    def e164(self, number: str | None) -> str | None:
        return None


async def test_a_disk_that_stands_still_costs_the_answer_and_holds_no_call(box: Make, caplog: pytest.LogCaptureFixture) -> None:
    async with box(answer_ms=200.0) as made:
        stuck, desk = Stuck(), made.routing.desk
        assert desk is not None
        cards, desk.cards = desk.cards, stuck
        try:
            told = await asyncio.gather(*(made.ask() for _ in range(150)))
        finally:
            stuck.go.set()
            desk.cards = cards
        assert all(each.variables == {} for each in told)
        # So many wait for the desk; the others are let go at once.
        assert made.ended("late") >= 60
        assert made.ended("late") + made.ended("failed") + made.ended("hung_up") == 150
        async with asyncio.timeout(20):
            while not (await made.ask()).variables:
                await asyncio.sleep(0.05)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "late" in {line.split(": ")[1].split(";")[0] for line in said}
    assert len(said) <= 2
    assert not any("0991234567" in line or "991234567" in line for line in said)


class Broken(Stuck):
    def lookup(self, number: str | None) -> Card | None:
        raise RuntimeError(f"no page for {number}")


async def test_a_fault_of_ours_is_counted_and_told_without_the_caller(box: Make, caplog: pytest.LogCaptureFixture) -> None:
    async with box() as made:
        assert made.routing.desk is not None
        made.routing.desk.cards = Broken()
        assert [(await made.ask()).variables for _ in range(3)] == [{}, {}, {}]
        assert made.ended("failed") == 3
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["1 calls were left to the dialplan's default: failed (RuntimeError); told once an hour at most"]


async def test_more_than_may_be_are_turned_away_and_room_is_found_again(box: Make) -> None:
    async with box(max_connections=5, answer_ms=400.0) as made:
        idle = [await asyncio.open_connection("127.0.0.1", made.port) for _ in range(300)]
        for reader, _ in idle:
            async with asyncio.timeout(20):
                with suppress(ConnectionError):
                    assert await reader.read() == b""
        assert made.ended("too_many") >= 200
        assert made.ended("too_many") + made.ended("late") == 300
        for _, writer in idle:
            writer.close()
        await made.ask_until(lambda found: found.get("CALLFLOOR_RULE") == "movil")


async def test_a_burst_of_calls_is_answered_whole(box: Make) -> None:
    async with box() as made:
        told = await asyncio.gather(*(made.ask(uniqueid=f"{number}.1") for number in range(60)))
        assert {each.variables.get("CALLFLOOR_RULE") for each in told} == {"movil"}
        assert made.ended("answered") == 60


async def test_only_who_may_ask_is_answered(box: Make) -> None:
    """Whoever comes from an address that is not allowed; the box itself always may."""
    async with box(listen="0.0.0.0:0", allow=("192.0.2.0/24",)) as made:
        assert (await made.ask()).variables["CALLFLOOR_RULE"] == "movil"
        stranger = socket.socket()
        stranger.setblocking(False)
        stranger.bind(("127.0.0.2", 0))  # of loopback, and so of this box
        await asyncio.get_running_loop().sock_connect(stranger, ("127.0.0.1", made.port))
        stranger.close()
        assert made.routing.may("192.0.2.7")
        assert made.routing.may("::ffff:192.0.2.7")
        assert not made.routing.may("192.0.3.7")
        assert not made.routing.may("fe80::1%eth0")
        assert not made.routing.may("nobody")


async def test_rules_are_read_anew_and_bad_ones_change_nothing(box: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "uno"\nqueue = "a"\n')
    async with box('rules = "rules.toml"') as made:
        assert (await made.ask()).variables["CALLFLOOR_RULE"] == "uno"
        rules.write_text('[[rule]]\nname = "dos"\nqueue = "b"\n')
        await made.ask_until(lambda found: found["CALLFLOOR_RULE"] == "dos")
        rules.write_text(f'[[rule]]\nname = "tres"\ncaller = ["{CALLER}x*"]\nhours = "none"\n')
        async with asyncio.timeout(20):
            while not caplog.records or caplog.records[-1].levelno < logging.ERROR:
                await asyncio.sleep(0.05)
        assert (await made.ask()).variables["CALLFLOOR_RULE"] == "dos"
        rules.unlink()
        await asyncio.sleep(0.2)
        assert (await made.ask()).variables["CALLFLOOR_RULE"] == "dos"
        rules.write_text('[[rule]]\nname = "cuatro"\nqueue = "d"\n')
        await made.ask_until(lambda found: found["CALLFLOOR_RULE"] == "cuatro")
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "the 1 from before stand" in said[0]
    assert CALLER not in "".join(said)


async def test_rules_whose_rights_were_mended_are_read(box: Make, tmp_path: Path) -> None:
    """Neither rights nor an owner change when a file was written, nor does a copy that keeps its time."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "uno"\nqueue = "a"\n')
    written = rules.stat()
    async with box('rules = "rules.toml"') as made:
        assert (await made.ask()).variables["CALLFLOOR_RULE"] == "uno"
        with rules.open("r+") as file:
            file.write('[[rule]]\nname = "dos"\nqueue = "b"\n')
        os.utime(rules, ns=(written.st_atime_ns, written.st_mtime_ns))
        await made.ask_until(lambda found: found["CALLFLOOR_RULE"] == "dos")


@pytest.mark.parametrize("content", [b"x = " + b"[" * 100_000, b"x = " + b"{a=" * 100_000, b"\x00\xff" * 90, b"holidays = [9999-99-99]\n"])
async def test_no_file_of_rules_ends_the_service(box: Make, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "uno"\nqueue = "a"\n')
    async with box('rules = "rules.toml"') as made:
        rules.write_bytes(content)
        async with asyncio.timeout(20):
            while not caplog.records or caplog.records[-1].levelno < logging.ERROR:
                await asyncio.sleep(0.05)
        assert (await made.ask()).variables["CALLFLOOR_RULE"] == "uno"


async def test_bad_rules_at_the_start_leave_every_default(box: Make, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[[rule]]\n")
    async with box('rules = "rules.toml"') as made:
        assert (await made.ask()).variables == {"CALLFLOOR_GAVE_UP": "0"}
        (tmp_path / "rules.toml").write_text('[[rule]]\nname = "uno"\nqueue = "a"\n')
        await made.ask_until(lambda found: found.get("CALLFLOOR_RULE") == "uno")
