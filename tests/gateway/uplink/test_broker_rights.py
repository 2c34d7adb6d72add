"""The rights of docs/broker.md, as they stand there, at a real mosquitto with client certificates: who may say and hear what."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
import socket
import threading
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from appliance.core.config import Site

pytestmark = pytest.mark.broker
PAGE = (Path(__file__).parents[3] / "docs" / "broker.md").read_text(encoding="utf-8")
ME, OTHER, SEAT = "quito-norte/piso-3", "guayaquil/piso-1", "quito-norte/puestos-1"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


class Keys:
    """A private authority; a pair for each name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
        made = self._builder(self._name, self._key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        self._write("ca.crt", made)

    def _builder(self, name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
        return x509.CertificateBuilder(self._name, name, key, x509.random_serial_number(), now - day, now + day)

    def _write(self, name: str, made: x509.CertificateBuilder) -> Path:
        path = self.folder / name
        path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def pair(self, name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        where = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        file = name.replace("/", "_")
        cert = self._write(f"{file}.crt", self._builder(subject, key.public_key()).add_extension(where, False))
        secret = self.folder / f"{file}.key"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        secret.write_bytes(key.private_bytes(*form))
        return cert, secret


class Peer:
    """A plain MQTT 5 client with a certificate; it asks for everything, and remembers what came and what was refused."""

    def __init__(self, keys: Keys, port: int, name: str) -> None:
        self.heard: set[str] = set()
        self._answers: dict[int, int] = {}
        self._answered = threading.Condition()
        subscribed = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        cert, secret = keys.pair(name)
        self.client.tls_set(str(keys.folder / "ca.crt"), str(cert), str(secret))
        self.client.on_message = lambda _c, _u, message: self.heard.add(message.topic)
        self.client.on_connect = lambda client, *_: client.subscribe("callfloor/1/#", 1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_publish = self._on_publish
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(10)

    def _on_publish(self, _client: object, _data: object, mid: int, code: paho.ReasonCode, _properties: object) -> None:
        with self._answered:
            self._answers[mid] = code.value
            self._answered.notify_all()

    def may_say(self, topic: str) -> bool:
        info = self.client.publish(f"callfloor/1/{topic}", b"{}", 1)
        with self._answered:
            assert self._answered.wait_for(lambda: info.mid in self._answers, 10)
            return self._answers[info.mid] != 0x87

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def secured(rig, tmp_path: Path) -> tuple[Keys, int]:
    """The page's own lines; only files and the port are this test's."""
    place = tmp_path / "rights"
    place.mkdir()
    keys = Keys(place)
    keys.pair("broker")
    (place / "acl").write_text(block("acl"), encoding="utf-8")
    (place / "acl").chmod(0o600)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    lines = block("conf").replace("/etc/mosquitto/", f"{place}/").replace("listener 8883", f"listener {port} 127.0.0.1")
    lines = lines.replace("persistence true\n", "").replace("max_queued_messages 0\n", "")  # the rig says these itself
    rig.broker("per_listener_settings false\n" + lines.replace("allow_anonymous true", ""))
    return keys, port


async def test_rights_are_those_of_the_page(rig, secured: tuple[Keys, int]) -> None:
    keys, port = secured
    names = (ME, OTHER, SEAT, "quito-norte/piso-4", "crm", "analytics", "stranger")
    peers = {name: Peer(keys, port, name) for name in names}
    own = ("status", "info", "floor", "event/call/answered", "event/headset/hook", "pop/agente-101", "reply/c-1")
    for name in (ME, OTHER, SEAT):
        for topic in own:
            assert peers[name].may_say(f"{name}/{topic}"), (name, topic)
            for victim in {ME, OTHER, SEAT} - {name}:
                assert not peers[name].may_say(f"{victim}/{topic}"), (name, victim, topic)
        for victim in (ME, OTHER, SEAT):
            assert not peers[name].may_say(f"{victim}/cmd/originate"), (name, victim)
    assert peers["crm"].may_say(f"{ME}/cmd/originate")
    assert not peers["crm"].may_say(f"{ME}/event/call/answered")
    for name in ("analytics", "stranger"):
        assert not any(peers[name].may_say(f"{ME}/{topic}") for topic in (*own, "cmd/ping"))
    said = {f"callfloor/1/{name}/{topic}" for name in (ME, OTHER, SEAT) for topic in own} | {f"callfloor/1/{ME}/cmd/originate"}
    await rig.until(lambda: peers["crm"].heard >= said)
    await rig.until(lambda: f"callfloor/1/{ME}/cmd/originate" in peers[ME].heard)
    await rig.until(lambda: len(peers["analytics"].heard) == 6)
    headsets = {f"callfloor/1/{name}/{topic}" for name in (ME, SEAT) for topic in ("status", "event/headset/hook")}
    await rig.until(lambda: peers[ME].heard >= headsets)
    assert peers["crm"].heard == said
    assert peers["analytics"].heard == {f"callfloor/1/{name}/{topic}" for name in (ME, OTHER, SEAT) for topic in ("status", "floor")}
    assert peers[ME].heard == headsets | {f"callfloor/1/{ME}/cmd/originate"}
    assert peers["quito-norte/piso-4"].heard == {f"callfloor/1/{OTHER}/floor", f"callfloor/1/{OTHER}/status"}
    assert peers[OTHER].heard == peers[SEAT].heard == peers["stranger"].heard == set()
    for peer in peers.values():
        peer.close()


async def test_a_real_box_works_under_these_rights(rig, secured: tuple[Keys, int]) -> None:
    keys, port = secured
    crm = Peer(keys, port, "crm")
    cert, secret = keys.pair(ME)
    box = rig.box(
        f"mqtts://127.0.0.1:{port}",
        site=Site(name="quito-norte", box="piso-3"),
        ca_file=keys.folder / "ca.crt",
        cert_file=cert,
        key_file=secret,
    )
    box.calls(20)
    box.start()
    await rig.until(box.settled)
    payload = json.dumps({"id": "p-1", "args": {}}).encode()
    crm.client.publish(f"callfloor/1/{ME}/cmd/ping", payload, 1).wait_for_publish(10)
    await rig.until(lambda: f"callfloor/1/{ME}/reply/p-1" in crm.heard)
    assert {f"callfloor/1/{ME}/{topic}" for topic in ("status", "info", "floor", "event/call/held")} <= crm.heard
    crm.close()
