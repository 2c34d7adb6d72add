"""One consumer of the fleet's events, as a CRM's engineer writes it with plain paho: a persistent session, QoS 1, every arrival remembered.

It drops nothing by itself: what came twice is counted afterwards. Reads words on stdin (`dump PATH`, `leave PATH`, `stop`), says how it is once a second.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode


class Told(msgspec.Struct, frozen=True, gc=False):
    """What is looked at of an event."""

    id: str
    delivery: str
    late: bool = False


class Consumer:
    """Arrivals, in order: moment, id, box, delivery number, late."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.arrivals: list[tuple[float, str, str, int, bool]] = []
        self.bytes = 0
        self._decode = msgspec.json.Decoder(Told).decode
        self._filters = [(each, 1) for each in args.filter]
        self._subscribed = threading.Event()
        v5 = args.protocol == "5"
        clean: dict[str, Any] = {} if v5 else {"clean_session": False}
        protocol = MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311
        self.client = client = paho.Client(
            CallbackAPIVersion.VERSION2, args.client_id, protocol=protocol, reconnect_on_failure=False, **clean
        )
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_message = self._on_message
        self._ports: list[int] = args.port
        self._more: dict[str, Any] = {}
        self._leaves = False
        self.connections = 0
        if v5:
            self._more["properties"] = properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 3600
            properties.ReceiveMaximum = 1000
            self._more["clean_start"] = False
        self._thread = threading.Thread(target=self._stay, daemon=True)

    def start(self) -> None:
        """Returns when it is subscribed. Raises RuntimeError."""
        self._thread.start()
        if not self._subscribed.wait(60):
            raise RuntimeError("the broker does not answer the subscription")

    def stop(self) -> None:
        """Leave for good: unsubscribed, so that the broker keeps nothing for it."""
        self._leaves = True
        self.client.unsubscribe([each for each, _ in self._filters])
        time.sleep(0.3)
        self.client.disconnect()
        self._thread.join(5)

    def _stay(self) -> None:
        """Be connected to one of the brokers, one after the other."""
        number = 0
        while not self._leaves:
            with contextlib.suppress(OSError):
                self.client.connect("127.0.0.1", self._ports[number % len(self._ports)], 10, **self._more)
                self.client.loop_forever(retry_first_connection=False)
            number += 1
            time.sleep(0.5)

    def dump(self, path: Path) -> None:
        path.write_bytes(msgspec.msgpack.encode(self.arrivals))

    def _on_connect(self, client: paho.Client, _data: object, _flags: object, code: ReasonCode, *_: object) -> None:
        if code.is_failure:
            return
        self.connections += 1
        client.subscribe(self._filters)

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        told = self._decode(message.payload)
        self.bytes += len(message.payload)
        self.arrivals.append((time.monotonic(), told.id, message.topic.split("/", 4)[3], int(told.delivery), told.late))


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, nargs="+", required=True)
    parser.add_argument("--protocol", default="5")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--filter", nargs="+", required=True)
    consumer = Consumer(parser.parse_args())
    consumer.start()

    def say() -> None:
        while True:
            _tell({"arrivals": len(consumer.arrivals), "bytes": consumer.bytes, "connections": consumer.connections})
            time.sleep(0.5)

    threading.Thread(target=say, daemon=True).start()
    for line in sys.stdin:
        word, _, value = line.strip().partition(" ")
        if word == "dump":
            consumer.dump(Path(value))
            _tell({"dumped": value})
        elif word == "leave":
            consumer.stop()
            consumer.dump(Path(value))
            _tell({"dumped": value})
            return
        elif word == "stop":
            break
    consumer.stop()


def _tell(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
