"""Asking Debian's snmpd, version 2c and 3: values, objects that are not there, wrong secrets, silence; and files of secrets."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import DeniedError, MisconfiguredError, TransientError
from drivers.snmp_peer import MOST, Secret, open_snmp, secret_from_file

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "fxo"))

from gateway_rig import Snmpd
from wire_rig import until

NUMBER, TEXT, NONE = "1.3.6.1.4.1.99999.1.1", "1.3.6.1.4.1.99999.1.2", "1.3.6.1.4.1.99999.9.9"
USERS = 'createUser ana SHA-256 "firma-secreta" AES "cifra-secreta"\nrouser ana auth\nrocommunity secreto 127.0.0.1'


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    made = Snmpd(tmp_path_factory.mktemp("snmpd"), {NUMBER: -3, TEXT: "Conexión " + "x" * 40}, USERS)
    made.start()
    yield made
    made.stop()


async def ask(agent: Snmpd, secret: Secret, oids: list[str], timeout_s: float = 0.5) -> dict[str, Any]:
    """Ask until it is up."""
    async with open_snmp("127.0.0.1", agent.port, secret, timeout_s=timeout_s) as peer:
        for _ in range(100):
            try:
                return await peer.get(oids)
            except TransientError:
                continue
    raise AssertionError("it never answered")


@pytest.mark.snmp
@pytest.mark.parametrize(
    "secret",
    [
        Secret(community="secreto"),
        Secret(user="ana", auth=("SHA256", "firma-secreta")),
        Secret(user="ana", auth=("SHA256", "firma-secreta"), priv=("AES128", "cifra-secreta")),
    ],
    ids=["2c", "auth", "priv"],
)
async def test_values_and_what_is_not_there(agent: Snmpd, secret: Secret) -> None:
    said = await ask(agent, secret, [NUMBER, TEXT, NONE])
    assert said == {NUMBER: -3, TEXT: "Conexión " + "x" * 40, NONE: None}


@pytest.mark.snmp
async def test_more_than_one_packet_takes(agent: Snmpd) -> None:
    oids = [NUMBER, *(f"{NONE}.{number}" for number in range(2 * MOST))]
    assert list(await ask(agent, Secret(community="secreto"), oids)) == oids


@pytest.mark.snmp
@pytest.mark.parametrize(
    ("secret", "error"),
    [
        (Secret(community="falso"), TransientError),  # 2c: whoever is not known gets no answer
        (Secret(user="luis", auth=("SHA256", "firma-secreta")), DeniedError),
        (Secret(user="ana", auth=("SHA256", "firma-falsa-es")), DeniedError),
    ],
    ids=["community", "user", "pass-phrase"],
)
async def test_who_is_not_known(agent: Snmpd, secret: Secret, error: type[Exception]) -> None:
    await ask(agent, Secret(community="secreto"), [NUMBER])
    async with open_snmp("127.0.0.1", agent.port, secret, timeout_s=0.3) as peer:
        with pytest.raises(error, match=r"127\.0\.0\.1"):
            await peer.get([NUMBER])


@pytest.mark.snmp
async def test_silence_has_a_limit_and_is_over(agent: Snmpd) -> None:
    await ask(agent, Secret(community="secreto"), [NUMBER])
    agent.stall()
    async with open_snmp("127.0.0.1", agent.port, Secret(community="secreto"), timeout_s=0.2) as peer:
        for _ in range(2):
            with pytest.raises(TransientError, match="no answer"):
                await peer.get([NUMBER])
        agent.go_on()
        answers: list[Any] = []

        async def again() -> None:
            while not answers:
                try:
                    answers.append(await peer.get([NUMBER]))
                except TransientError:
                    continue

        await again()
        await until(lambda: answers == [{NUMBER: -3}])


@pytest.mark.snmp
async def test_rubbish_for_an_answer_is_silence(agent: Snmpd) -> None:
    """Somebody sits at the gateway's address and says anything; an answer is damaged at any byte."""
    await ask(agent, Secret(community="secreto"), [NUMBER])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as real:
        liar.bind(("127.0.0.1", 0))
        liar.setblocking(False)
        real.connect(("127.0.0.1", agent.port))
        real.settimeout(30)
        damage = iter(range(10_000))

        def lie() -> None:
            asked, source = liar.recvfrom(65536)
            real.send(asked)
            answer = bytearray(real.recv(65536))
            at = next(damage)
            liar.sendto(b"", source)
            liar.sendto(bytes(answer[: at % len(answer)]), source)
            liar.sendto(bytes(range(256)), source)
            answer[at % len(answer)] ^= 1 << at % 8
            liar.sendto(bytes(answer), source)

        loop = asyncio.get_running_loop()
        loop.add_reader(liar, lie)
        try:
            async with open_snmp("127.0.0.1", liar.getsockname()[1], Secret(community="secreto"), timeout_s=0.05) as peer:
                for _ in range(6):
                    with suppress(TransientError, DeniedError):
                        assert set(await peer.get([NUMBER])) == {NUMBER}
        finally:
            loop.remove_reader(liar)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("secreto\n", Secret(community="secreto")),
        ("# for the rack\n\nsecreto con espacios\n", Secret(community="secreto con espacios")),
        ("user ana\n", Secret(user="ana")),
        (
            "user ana\nauth SHA-256 frase secreta\npriv AES otra frase\n",
            Secret(user="ana", auth=("SHA256", "frase secreta"), priv=("AES128", "otra frase")),
        ),
    ],
)
def test_secrets(tmp_path: Path, text: str, expected: Secret) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    assert secret_from_file(file) == expected
    assert "frase" not in repr(expected)


@pytest.mark.parametrize(
    "text",
    [None, "", "a\nb\n", "user ana\nauth SHA256 corta\n", "user ana\nauth ROT13 12345678\n", "user ana\npriv AES 12345678\n", "\xff"],
)
def test_what_is_no_secret(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "secret"
    if text is not None:
        file.write_bytes(text.encode("latin-1"))
    with pytest.raises(MisconfiguredError) as caught:
        secret_from_file(file)
    assert "12345678" not in str(caught.value)
