"""TLS against a real mosquitto: who is refused and in which words, files renewed while the link stands, a clock that is wrong at boot."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.core.catalogue import BoxHealth, CallHeld, kind_of
from appliance.core.clock import NS, ManualClock
from appliance.core.config import Crm
from appliance.core.event import Event
from gateway.uplink import connector
from gateway.uplink.tls import HEALTH, Tls

pytestmark = pytest.mark.broker

DAY = dt.timedelta(days=1)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


class Authority:
    """A private certificate authority, and the pairs that it signs: `name.crt`, `name.key`."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder, self.file = folder, folder / f"{name}.crt"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        made = self._builder(self._name, self._key.public_key(), _now() - 3650 * DAY, _now() + 3650 * DAY).add_extension(basic, True)
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(self, name: x509.Name, key: Any, first: dt.datetime, last: dt.datetime) -> x509.CertificateBuilder:
        serial = x509.random_serial_number()
        return x509.CertificateBuilder(self._name, name, key, serial, first, last)

    def pair(
        self, name: str, *, host: str = "127.0.0.1", first: dt.datetime | None = None, last: dt.datetime | None = None, key: Any = None
    ) -> tuple[Path, Path]:
        key = key or ec.generate_private_key(ec.SECP256R1())
        try:
            where: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            where = x509.DNSName(host)
        made = self._builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            key.public_key(),
            first or _now() - 30 * DAY,
            last or _now() + 90 * DAY,
        ).add_extension(x509.SubjectAlternativeName([where]), False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        cert_file, key_file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        cert_file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return cert_file, key_file


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def listener(port: int, authority: Authority, pair: tuple[Path, Path], *more: str) -> str:
    """Lines of a second listener, of TLS that asks for a client's certificate; the first one stays plain, for the consumer."""
    lines = (
        f"listener {port} 127.0.0.1",
        f"cafile {authority.file}",
        f"certfile {pair[0]}",
        f"keyfile {pair[1]}",
        "require_certificate true",
    )
    return "\n".join((*lines, *more))


def secure(rig, authority: Authority, *more: str, **pair: Any) -> tuple[Any, int]:
    """A broker with both listeners, and the port of the second."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return rig.broker(listener(port, authority, authority.pair("broker", **pair), *more)), port


def own(authority: Authority, name: str = "p3", **more: Any) -> dict[str, Any]:
    cert_file, key_file = authority.pair(name, **more)
    return {"ca_file": authority.file, "cert_file": cert_file, "key_file": key_file}


def at(box: Any, quality: str = "synced", wall_ns: int | None = None) -> ManualClock:
    """Give a box a clock of our own."""
    clock = ManualClock(time.time_ns() if wall_ns is None else wall_ns, quality=quality)  # type: ignore[arg-type]
    box.context = msgspec.structs.replace(box.context, clock=clock)
    return clock


def downs(box: Any) -> list[tuple[str, str]]:
    bodies = [msgspec.json.decode(row.body) for row in box.journal.read(0)]
    return [(body["d"]["reason"], body["d"].get("text", "")) for body in bodies if body["k"] == "link.down"]


def numbers(consumer: Any) -> list[int]:
    return sorted({int(event["delivery"]) for event in consumer.events})


@pytest.mark.parametrize("scheme", ["mqtts", "wss"])
async def test_events_and_commands_over_mutual_tls(rig, authority: Authority, scheme: str) -> None:
    broker, port = secure(rig, authority, *(("protocol websockets",) if scheme == "wss" else ()))
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(f"{scheme}://127.0.0.1:{port}", **own(authority))
    at(box)
    box.calls(600)
    box.start()
    await rig.until(box.settled)
    await rig.until(lambda: len(crm.events) >= box.journal.head().n)
    assert numbers(crm) == list(range(1, box.journal.head().n + 1))
    crm.send("callfloor/1/quito/p3/cmd/ping", b'{"id": "p1"}')
    await rig.until(lambda: crm.named("reply/p1"))
    assert crm.named("reply/p1")[-1]["state"] == "done", "a client certificate makes the broker one whose commands are taken"


async def _refused(rig, box: Any) -> str:
    box.calls(3)
    box.start()
    await rig.until(lambda: downs(box))
    assert box.account().delivered == 0
    (reason, text), *_ = downs(box)
    assert reason == "denied"
    return text


@pytest.mark.parametrize(
    ("pair", "word"),
    [
        ({"host": "crm.example.org"}, "127.0.0.1"),
        ({"first": _now() - 60 * DAY, "last": _now() - DAY}, "expired"),
        ({"first": _now() + DAY}, "not yet valid"),
        ({"key": "weak"}, "too weak"),
    ],
    ids=["host", "expired", "future", "weak"],
)
async def test_a_broker_that_cannot_be_trusted_gets_nothing(rig, authority: Authority, pair: dict[str, Any], word: str) -> None:
    if pair.get("key") == "weak":
        pair = {"key": rsa.generate_private_key(65537, 1024)}
    broker, port = secure(rig, authority, "ciphers DEFAULT:@SECLEVEL=0", **pair)
    rig.consumer(broker)
    box = rig.box(f"mqtts://127.0.0.1:{port}", **own(authority))
    at(box)
    assert word in await _refused(rig, box)


async def test_a_broker_of_another_authority_gets_nothing(rig, authority: Authority) -> None:
    _, port = secure(rig, authority)
    other = Authority(rig.folder, "other")
    box = rig.box(f"mqtts://127.0.0.1:{port}", **{**own(authority), "ca_file": other.file})
    at(box)
    assert "see [crm] ca_file" in await _refused(rig, box)


@pytest.mark.parametrize("how", ["none", "other", "expired"])
async def test_a_broker_that_wants_another_certificate_says_so(rig, authority: Authority, how: str) -> None:
    _, port = secure(rig, authority)
    mine: dict[str, Any] = {"ca_file": authority.file}
    if how == "other":
        mine |= {key: value for key, value in own(Authority(rig.folder, "other")).items() if key != "ca_file"}
    elif how == "expired":
        mine |= own(authority, last=_now() - DAY)
    box = rig.box(f"mqtts://127.0.0.1:{port}", **mine)
    at(box)
    assert "the broker refuses this box's certificate" in await _refused(rig, box)


def _swap(source: tuple[Path, Path], target: dict[str, Any]) -> None:
    """As a renewal does: each file complete, one after the other."""
    source[0].replace(target["cert_file"])
    source[1].replace(target["key_file"])


def healths(box: Any) -> list[str]:
    """What the journal says of the box's own certificate, one level after the other."""
    found: list[str] = []
    at = 0
    while rows := box.journal.read(at):
        bodies = [msgspec.json.decode(row.body) for row in rows]
        found += [body["d"]["level"] for body in bodies if body["k"] == "box.health" and body["d"]["id"] == HEALTH]
        at = rows[-1].seq
    return found


async def test_certificates_are_renewed_while_the_link_stands(rig, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_LOOK_S", 0.1)
    broker, port = secure(rig, authority, "use_identity_as_username true")
    crm = rig.consumer(broker, "callfloor/#")
    mine = own(authority, last=_now() + 5 * DAY)
    box = rig.box(f"mqtts://127.0.0.1:{port}", **mine)
    at(box)
    box.calls(500, "a")
    box.start()
    await rig.until(lambda: any("expires on" in text for text in box.watch.texts))
    await rig.until(lambda: healths(box) == ["red"])
    await rig.until(box.settled)
    births = len(crm.named("info"))

    mine["cert_file"].write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
    await rig.until(lambda: "are not used" in box.watch.texts[-1])
    box.calls(500, "b")
    await rig.until(box.settled)
    assert len(crm.named("info")) == births, "a broken file costs nothing: the link stands with the certificate before"

    _swap(authority.pair("new"), mine)
    box.calls(600, "c")
    await rig.until(lambda: len(crm.named("info")) > births)
    await rig.until(box.settled)
    assert "not used" not in box.watch.texts[-1]
    assert "expires" not in box.watch.texts[-1]
    await rig.until(lambda: healths(box) == ["red", "ok"])

    births = len(crm.named("info"))
    _swap(Authority(rig.folder, "other").pair("newer"), mine)
    await rig.until(lambda: len(crm.named("info")) > births)
    assert "the ones before are tried" in box.watch.texts[-1]
    box.calls(500, "d")
    await rig.until(lambda: numbers(crm)[-1:] == [box.journal.head().n])
    assert numbers(crm) == list(range(1, box.journal.head().n + 1))
    assert [status["state"] for status in crm.named("status")].count("offline") == 0, "left in order: the will was never said"


async def test_a_clock_of_1970_does_not_lock_the_box_out(rig, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_LOOK_S", 0.1)
    broker, port = secure(rig, authority)
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(f"mqtts://127.0.0.1:{port}", **own(authority))
    clock = at(box, "unset", 5 * NS)
    box.calls(100)
    box.start()
    await rig.until(box.settled)
    births = len(crm.named("info"))
    clock.step_wall(time.time() - 5, "synced")
    await rig.until(lambda: len(crm.named("info")) > births)
    await rig.until(box.settled)
    assert downs(box) == []


async def test_an_expired_broker_is_left_once_the_clock_is_set(rig, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_LOOK_S", 0.1)
    broker, port = secure(rig, authority, first=_now() - 60 * DAY, last=_now() - DAY)
    rig.consumer(broker)
    box = rig.box(f"mqtts://127.0.0.1:{port}", **own(authority))
    clock = at(box, "unset", 5 * NS)
    box.start()
    await rig.until(lambda: box.link() == "link.up")
    clock.step_wall(time.time() - 5, "synced")
    await rig.until(lambda: downs(box))
    assert "expired" in downs(box)[0][1]


@pytest.mark.parametrize("knows", ["journal", "certificate", "holdover"])
async def test_a_wrong_clock_is_no_way_for_what_has_certainly_expired(rig, authority: Authority, knows: str) -> None:
    _, port = secure(rig, authority, first=_now() - 60 * DAY, last=_now() - 40 * DAY)
    mine = own(authority, first=_now() - (30 * DAY if knows == "certificate" else 300 * DAY))
    box = rig.box(f"mqtts://127.0.0.1:{port}", **mine)
    if knows == "holdover":
        at(box, "holdover")
    else:
        clock = at(box, "unset", 5 * NS)
    if knows == "journal":
        data = CallHeld(call="c", pbx="central")
        box.journal.append([Event(kind_of(data), "gateway/central", time.time_ns(), 1, clock.boot, "synced", data)])
    assert "expired on" in await _refused(rig, box)


async def test_a_clock_that_is_behind_and_not_synced_takes_a_certificate_of_today(rig, authority: Authority) -> None:
    broker, port = secure(rig, authority, first=_now() - DAY)
    rig.consumer(broker)
    box = rig.box(f"mqtts://127.0.0.1:{port}", **own(authority, first=_now() - 300 * DAY))
    at(box, "holdover", time.time_ns() - 100 * 86400 * NS)
    box.start()
    await rig.until(lambda: box.link() == "link.up")


def test_what_is_recorded_with_the_clock_unset_does_not_bury_the_time_that_was_known(rig, authority: Authority) -> None:
    """On a busy floor two hundred rows are a minute: an expired certificate must not be good again because of them."""
    box = rig.box("mqtts://crm.example.org", **own(authority))
    box.journal.append([box.event(CallHeld(call="c", pbx="central"))])
    synced_ns = time.time_ns() + 86_400 * NS
    for number in range(5):
        rows = [Event("call.held", "gateway/p", number, number, "b", "unset", CallHeld(call=f"u{at}", pbx="p")) for at in range(400)]
        if not number:
            rows.insert(0, Event("call.held", "gateway/p", synced_ns, 0, "b", "synced", CallHeld(call="s", pbx="p")))
        box.journal.append(rows)
    assert connector.newest_synced_ns(box.journal) == synced_ns
    asked: list[int] = []
    clock = ManualClock(time.time_ns())
    tls = Tls(box.config.crm, clock, lambda: asked.append(1) or 7)
    tls.lease()
    clock.step_wall(-400 * 86_400, "unset")
    assert (tls.lease().least_ns or 0) >= time.time_ns() - 86_400 * NS
    assert asked == [], "this process knew a synced clock itself"
    clock.step_wall(4000 * 86_400, "synced")
    tls.look()
    clock.step_wall(-3600 * 86_400, "synced")
    tls.look()
    clock.step_wall(0, "holdover")
    assert (tls.lease().least_ns or 0) < time.time_ns() + 86_400 * NS, (
        "a time server that was years ahead locks nobody out once it is right again"
    )


def test_a_set_of_files_is_used_when_it_stands_still(authority: Authority) -> None:
    mine = own(authority)
    tls = Tls(Crm(url="mqtts://crm.example.org", **mine), ManualClock(time.time_ns()), lambda: 0)
    assert not tls.look()
    first = tls.lease().context
    new = authority.pair("new")
    new[0].replace(mine["cert_file"])
    assert not tls.look()
    new[1].replace(mine["key_file"])
    assert not tls.look(), "it changed between two looks"
    assert tls.look()
    assert tls.renewals == 1
    assert tls.lease().context is not first
    assert tls.warning() == ""
    assert tls.health() == BoxHealth(id=HEALTH, level="ok")
    mine["key_file"].chmod(0)
    tls.look()
    tls.look()
    if os.geteuid():
        assert "not used" in tls.warning()


@pytest.mark.parametrize(("days", "level"), [(400, "ok"), (29, "amber"), (6, "red"), (-1, "red")])
def test_the_end_of_the_own_certificate_is_among_what_is_not_well(authority: Authority, days: int, level: str) -> None:
    clock = ManualClock(time.time_ns())
    tls = Tls(Crm(url="mqtts://crm.example.org", **own(authority, last=_now() + days * DAY)), clock, lambda: 0)
    assert tls.health() is None, "nothing was read yet"
    tls.lease()
    told = tls.health()
    assert told is not None
    assert (told.level, bool(told.text)) == (level, level != "ok")
    clock.step_wall(0, "unset")
    assert tls.health() is None, "a clock that is not set cannot tell"
