"""The two servers of `tests.bench.opcua`, each in a process of its own; what tells ours of changes; and the clients that watch."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

from asyncua import Client, Server, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from appliance.core.alive import Alive, Sight
from appliance.core.catalogue import BoxHealth, CallQueued, PbxResynced, PbxUp, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView
from appliance.runner import make_folders, open_journal
from appliance.service import Context
from gateway.opcua.change import Differ
from gateway.opcua.service import Opcua
from tests.bench.worker import heard, tell

#: Health items whose text is the moment of their change; each is one node that changes.
_ITEMS = 200
_QUEUES = 12


class _Quiet:
    def __init__(self) -> None:
        self.up = asyncio.Event()

    def ready(self) -> None:
        self.up.set()

    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


def ours(folder: str, shared: str, rate: int, port: int, seconds: int = 20) -> None:
    """Child: the service on a journal with a floor of some 2 000 figures."""
    del shared, rate, port, seconds
    here = Path(folder)
    config = load(here / "callfloor.toml")
    make_folders(config)
    clock = SystemClock()
    journal = open_journal(config, clock)
    alive = Alive.open(here / "run", "gateway", Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))
    alive.saw("central", Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))
    _append(journal, clock, [PbxUp(pbx="central"), PbxResynced(pbx="central")])
    _append(journal, clock, [CallQueued(call=f"c{at}", visit=f"v{at}", pbx="central", queue=f"cola-{at}") for at in range(_QUEUES)])
    _append(journal, clock, [BoxHealth(id=f"item.{at}", level="amber", text="0") for at in range(_ITEMS)])
    view = FloorView(journal, config, clock)
    view.catch_up()
    paths = ["/".join(put.path) for put in Differ().feed(view.snapshot()).put]
    (here / "nodes").write_text("\n".join(paths))
    asyncio.run(_serve(Context(config, journal, clock, (watch := _Quiet()), "opcua"), watch, len(paths)))


async def _serve(context: Context, watch: _Quiet, nodes: int) -> None:
    service, began = Opcua(), time.process_time()
    running = asyncio.create_task(service.run(context))
    up = asyncio.create_task(watch.up.wait())
    await asyncio.wait((running, up), return_when=asyncio.FIRST_COMPLETED)
    tell({"port": service.port, "nodes": nodes, "start_s": time.process_time() - began})
    await running


def change(folder: str, rate: int, seconds: int) -> None:
    """Child: append so many changes a second, each with its moment; tell how many."""
    config = load(Path(folder) / "callfloor.toml")
    clock = SystemClock()
    journal = open_journal(config, clock)
    heard()
    began, sent = time.monotonic(), 0
    while sent < rate * seconds:
        time.sleep(max(0.0, began + sent / rate - time.monotonic()))
        _append(journal, clock, [BoxHealth(id=f"item.{sent % _ITEMS}", level="amber", text=str(time.monotonic_ns()))])
        sent += 1
    tell(sent)


def _append(journal: SqliteJournal, clock: SystemClock, data: list[Any]) -> None:
    journal.append(
        [Event(kind_of(each), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), each) for each in data]
    )


def bare(folder: str, shared: str, rate: int, port: int, seconds: int = 20) -> None:
    """Child: a plain asyncua server of as many variables, which writes them itself."""
    asyncio.run(_bare(Path(folder), Path(shared), rate, port, seconds))


async def _bare(folder: Path, shared: Path, rate: int, port: int, seconds: int) -> None:
    began = time.process_time()
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    await server.load_certificate((shared / "trusted" / "client.pem").read_bytes(), "pem")
    await server.load_private_key((shared / "key.pem").read_bytes(), None, "pem")
    index = await server.register_namespace("urn:callfloor:1")
    parent = await server.nodes.objects.add_object(index, "floor")
    stamps = [await parent.add_variable(ua.NodeId(f"health/item.{at}/text", index), f"{at}", "0") for at in range(_ITEMS)]
    paths = [node.nodeid.Identifier for node in stamps]
    for at in range(2000 - _ITEMS):
        node = await parent.add_variable(ua.NodeId(f"figure/{at}", index), f"figure {at}", at)
        paths.append(node.nodeid.Identifier)
    (folder / "nodes").write_text("\n".join(paths))
    async with server:
        tell({"port": port, "nodes": len(paths), "start_s": time.process_time() - began})
        await asyncio.to_thread(heard)
        start, sent = time.monotonic(), 0
        while sent < rate * seconds:
            await asyncio.sleep(max(0.0, start + sent / rate - time.monotonic()))
            value = ua.DataValue(ua.Variant(str(time.monotonic_ns()), ua.VariantType.String))
            await server.write_attribute_value(stamps[sent % _ITEMS].nodeid, value)
            sent += 1
        tell(sent)
        await asyncio.Event().wait()


class _Watch:
    """One client's notes: how old each stamp was when it came."""

    def __init__(self, notes: list[float]) -> None:
        self._notes = notes

    def datachange_notification(self, _node: Any, value: Any, _data: Any) -> None:
        if isinstance(value, str) and len(value) > 8 and value.isdigit():
            self._notes.append((time.monotonic_ns() - int(value)) / 1e6)


def watch(url: str, shared: str, nodes: str, clients: int, interval_ms: int, user: str | None) -> None:
    """Child: so many clients, each with all nodes; tells the ages of what came, in ms."""
    asyncio.run(_watch(url, Path(shared), Path(nodes).read_text().split("\n"), clients, interval_ms, user))


async def _watch(url: str, shared: Path, paths: list[str], clients: int, interval_ms: int, user: str | None) -> None:
    notes: list[float] = []
    opened = [await _client(url, shared, user) for _ in range(clients)]
    for client in opened:
        await _subscribe(client, paths, interval_ms, _Watch(notes))
    notes.clear()
    tell("ready")
    await asyncio.to_thread(heard)
    tell(notes)
    for client in opened:
        await client.disconnect()


async def _client(url: str, shared: Path, user: str | None) -> Client:
    client = Client(url, timeout=60, watchdog_intervall=30)
    client.application_uri = "urn:bench:client"
    await client.set_security(SecurityPolicyBasic256Sha256, certificate=shared / "trusted" / "client.pem", private_key=shared / "key.pem")
    if user is not None:
        client.set_user(user)
        client.set_password(f"{user}-secret")
    await client.connect()
    return client


async def _subscribe(client: Client, paths: list[str], interval_ms: int, handler: Any) -> Any:
    index = await client.get_namespace_index("urn:callfloor:1")
    subscription = await client.create_subscription(interval_ms, handler)
    await subscription.subscribe_data_change([client.get_node(ua.NodeId(path, index)) for path in paths])
    return subscription


def churn(url: str, shared: str, nodes: str, clients: int, rounds: int) -> None:
    """Child: clients that come, watch everything and go, in order or by a pulled plug; tells how many subscriptions are left at the end."""
    asyncio.run(_churn(url, Path(shared), Path(nodes).read_text().split("\n"), clients, rounds))


async def _churn(url: str, shared: Path, paths: list[str], clients: int, rounds: int) -> None:
    for again in range(rounds):
        opened = [await _client(url, shared, "leo") for _ in range(clients)]
        made = [await _subscribe(client, paths, 50, _Watch([])) for client in opened]
        await asyncio.sleep(0.2)
        for at, client in enumerate(opened):
            if (at + again) % 3 == 0:
                await made[at].delete()
            if (at + again) % 3 == 2:  # a pulled plug: nothing is said
                client.uaclient.protocol.transport.abort()
            with contextlib.suppress(Exception):
                await client.disconnect()
    last = await _client(url, shared, "leo")
    index = await last.get_namespace_index("urn:callfloor:1")
    left = last.get_node(ua.NodeId("extra/opcua/subscriptions", index))
    end = time.monotonic() + 15
    while await left.read_value() and time.monotonic() < end:
        await asyncio.sleep(0.5)
    tell(await left.read_value())
    await last.disconnect()
