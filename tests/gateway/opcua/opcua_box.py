"""A real box: `callfloor run uplink opcua` on a real journal, told what a PBX would tell, and asyncua's own client."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct

from appliance.core.alive import Alive, Sight
from appliance.core.catalogue import CommandFinished, CommandReceived, PbxResynced, PbxUp, event_from_stored, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event, stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.password import line_from_password
from appliance.runner import make_folders, open_journal
from gateway.opcua.trust import thumbprint_of

CLIENT_URI = "urn:example:client"
USERS = {"ana": "operate", "leo": "read", "rita": "rig"}


def held_port() -> socket.socket:
    """A port that nobody else gets while this is open: it does not listen, so that a server that reuses addresses may, as asyncio's do.

    A port merely found free is somebody else's by the time a server is up, seconds later; and then tests speak to a stranger.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


class Pair(Struct, frozen=True):
    """A client's certificate and key, PEM."""

    certificate: Path
    key: Path

    @property
    def parsed(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.read_bytes())


def pair(
    folder: Path, name: str, uri: str = CLIENT_URI, *, days: int = 30, begins: int = -1, signer: Pair | None = None, ca: bool = False
) -> Pair:
    """A client's pair, signed by itself or by `signer`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    by = serialization.load_pem_private_key(signer.key.read_bytes(), None) if signer else key
    assert isinstance(by, rsa.RSAPrivateKey)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.parsed.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(by, hashes.SHA256())
    )
    found = Pair(folder / f"{name}.pem", folder / f"{name}-key.pem")
    found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    found.key.write_bytes(secret)
    return found


class Box:
    """A box with OPC UA; `tell` speaks as its PBX's gateway."""

    def __init__(self, folder: Path, extra: str = "", program: list[str] | None = None) -> None:
        self.folder, self._held = folder, held_port()
        self.port = int(self._held.getsockname()[1])
        self.file = folder / "callfloor.toml"
        (folder / "pbx.secret").write_text("x")
        for name in USERS:
            (folder / f"{name}.pw").write_text(line_from_password(f"{name}-secret"))
        #: Somebody who shows a certificate instead of a password.
        self.karla = pair(folder, "karla")
        users = f'[opcua.users.karla]\nrole = "operate"\ncertificate = "{thumbprint_of(self.karla.parsed)}"\n'
        users += "".join(f'[opcua.users.{name}]\nrole = "{role}"\npassword_file = "{name}.pw"\n' for name, role in USERS.items())
        self.file.write_text(
            f'[site]\nname = "quito"\nbox = "piso-3"\ntimezone = "UTC"\n[journal]\npath = "{folder}/journal.db"\n'
            f'[pbx.central]\nsecret_file = "pbx.secret"\n[trunks.pstn]\nlines = 4\nchannels = ["SIP/pstn"]\n'
            f'[opcua]\nlisten = "127.0.0.1:{self.port}"\n{extra}\n{users}'
        )
        self.config = load(self.file)
        make_folders(self.config)
        self.clock = SystemClock()
        self.journal: SqliteJournal = open_journal(self.config, self.clock)
        assert self.journal.run_dir is not None
        self._run_dir = self.journal.run_dir
        self._gateway: Alive | None = None
        self._program = program or [str(Path(sys.executable).with_name("callfloor")), "run", "uplink", "opcua", "-c", str(self.file)]
        self._process: subprocess.Popen[bytes] | None = None
        self.trusted = folder / "opcua" / "trusted"
        self.trusted.mkdir(parents=True)
        self.mine = pair(folder, "client")
        self.trust(self.mine)
        self.trust(self.karla)
        self.gateway_begins()
        self.tell(PbxUp(pbx="central"), PbxResynced(pbx="central"))

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def trust(self, who: Pair) -> None:
        (self.trusted / who.certificate.name).write_bytes(who.certificate.read_bytes())

    def tell(self, *data: Struct, name: str = "gateway/central") -> int:
        """Append events as the gateway does, and stamp that the PBX was heard."""
        clock = self.clock
        if self._gateway is not None:
            self._gateway.saw("central", Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))
        return self.journal.append(
            [Event(kind_of(each), name, clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), each) for each in data]
        )

    def gateway_begins(self) -> None:
        clock = self.clock
        self._gateway = Alive.open(self._run_dir, "gateway", Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))

    def gateway_dies(self) -> None:
        assert self._gateway is not None
        self._gateway.close()
        self._gateway = None

    def commands(self) -> list[CommandReceived | CommandFinished]:
        """Every command and its end, as journalled."""
        found: list[CommandReceived | CommandFinished] = []
        after = 0
        while rows := self.journal.read(after):
            after = rows[-1].seq
            for row in rows:
                event = event_from_stored(stored_from_body(row.body))
                if event is not None and isinstance(event.data, CommandReceived | CommandFinished):
                    found.append(event.data)
        return found

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._program, stdout=log, stderr=log)

    def listening(self, within_s: float = 90.0) -> None:
        end = time.monotonic() + within_s
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.5):
                    return
            except OSError:
                assert time.monotonic() < end, self.log
                assert self._process is not None
                assert self._process.poll() is None, self.log
                time.sleep(0.05)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        if self._gateway is not None:
            self._gateway.close()
        self.journal.close()
        self._held.close()

    @asynccontextmanager
    async def client(
        self, user: str | None = "ana", *, who: Pair | None = None, password: str | None = None, mode: Any = None
    ) -> AsyncIterator[Floor]:
        """A client that is logged in."""
        client = await self.stranger(who, mode)
        if user is not None:
            client.set_user(user)
            client.set_password(f"{user}-secret" if password is None else password)
        await client.connect()
        try:
            yield Floor(client, await client.get_namespace_index("urn:callfloor:1"))
        finally:
            await client.disconnect()

    async def stranger(self, who: Pair | None = None, mode: Any = None) -> Client:
        """A client with its certificate, not connected."""
        shown = who or self.mine
        client = Client(self.url, timeout=30, watchdog_intervall=20)
        client.application_uri = CLIENT_URI
        server = self.folder / "opcua" / "certificate.pem"
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            certificate=shown.certificate,
            private_key=shown.key,
            server_certificate=server,
            mode=mode or ua.MessageSecurityMode.SignAndEncrypt,
        )
        return client


class Floor:
    """The nodes as a client sees them."""

    def __init__(self, client: Client, index: int) -> None:
        self.client, self.index = client, index

    def node(self, path: str) -> Any:
        return self.client.get_node(ua.NodeId(path, self.index))

    async def value(self, path: str) -> ua.DataValue:
        return await self.node(path).read_data_value(raise_on_bad_status=False)

    async def number(self, path: str) -> Any:
        found = await self.value(path)
        return found.Value.Value if found.Value is not None else None

    async def until(self, path: str, wanted: Any, within_s: float = 30.0) -> ua.DataValue:
        """Read until it is so."""
        end = time.monotonic() + within_s
        while True:
            found = await self.value(path)
            if found.Value is not None and found.Value.Value == wanted:
                return found
            assert time.monotonic() < end, f"{path} is {found}, not {wanted}"
            await asyncio.sleep(0.02)

    async def call(self, verb: str, *args: Any) -> list[Any]:
        found: list[Any] = await self.node("commands").call_method(ua.NodeId(f"commands/{verb}", self.index), *args)
        return found

    async def names(self, path: str) -> set[str]:
        return {(await each.read_browse_name()).Name for each in await self.node(path).get_children()}
