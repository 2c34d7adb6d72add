"""A mosquitto that keeps a bridge's messages while the other side is away, and somebody who publishes to it."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.box import Broker, free_port
from tests.bench.ledger import ACCEPTED, REFUSED, Ledger, number_from, paced
from tests.bench.room import SkippedError
from tests.bench.worker import heard, tell

TOPIC = "callfloor/1/bench/bench/event/call"
_WINDOW = 100
#: How long nothing may come at the far side before that is taken for all.
_QUIET_S = 1.0
_FIRST_S = 6.0


def settings(folder: Path, far_port: int, saves: tuple[str, ...]) -> tuple[str, ...]:
    """The near broker's configuration beside its listener."""
    return (
        "persistence true",
        f"persistence_location {folder}/",
        "user root",
        *saves,
        "connection crm",
        f"address 127.0.0.1:{far_port}",
        "topic # out 1",
        "cleansession false",
        "bridge_protocol_version mqttv50",
        "restart_timeout 1",
        "notifications false",
        "try_private false",
    )


def writer(port: int, ledger: str, events: str, count: int, rate: float) -> None:
    """Child: publish at QoS 1, and write down what the broker said."""
    import paho.mqtt.client as paho  # noqa: PLC0415

    bodies = Path(events).read_bytes().splitlines()
    book, window, connected = Ledger(ledger, count), threading.Semaphore(_WINDOW), threading.Event()
    #: What is under way, by message id, and what was answered before `publish` had said which id it gave.
    under_way, early = dict[int, int](), dict[int, int]()
    lock = threading.Lock()

    def published(_client: object, _user: object, mid: int, code: Any, _properties: object) -> None:
        said = REFUSED if code.is_failure else ACCEPTED
        with lock:
            if mid in under_way:
                book.note(under_way.pop(mid), said)
            else:
                early[mid] = said
        window.release()

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="writer", protocol=paho.MQTTv5)  # type: ignore[attr-defined]
    client.max_inflight_messages_set(0)
    client.on_connect = lambda *_: connected.set()
    client.on_publish = published
    client.connect("127.0.0.1", port, 60)
    client.loop_start()
    connected.wait(10)
    tell("ready")
    for number in paced(count, rate):
        window.acquire()
        mid = client.publish(TOPIC, bodies[number], 1).mid
        with lock:
            if mid in early:
                book.note(number, early.pop(mid))
            else:
                under_way[mid] = number
    until = time.monotonic() + 20
    while under_way and time.monotonic() < until:
        time.sleep(0.02)
    book.end()
    heard()
    client.disconnect()


def arrived(folder: Path, disk: Path, saves: tuple[str, ...]) -> dict[str, Any]:
    """Start the near broker again on what its disk holds, and the far one: what comes through, and how long until the first."""
    program = shutil.which("mosquitto_sub")
    if program is None:
        raise SkippedError("no mosquitto_sub here: apt-get install mosquitto-clients")
    far_port, numbers, marks = free_port(), list[int](), list[float]()
    with Broker(folder / "far", ("persistence false",), far_port):
        command = [program, "-V", "5", "-h", "127.0.0.1", "-p", str(far_port), "-q", "1", "-t", "callfloor/#", "-F", "%p"]
        listens = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert listens.stdout is not None

        def listen(stream: Any = listens.stdout) -> None:
            for line in stream:
                numbers.append(number_from(line))
                marks.append(time.monotonic())

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        time.sleep(0.3)
        began = time.monotonic()
        faults = []
        try:
            with Broker(folder / "near", settings(disk, far_port, saves)):
                while time.monotonic() - (marks[-1] if marks else began) < (_QUIET_S if marks else _FIRST_S):
                    time.sleep(0.05)
        except RuntimeError as fault:  # it does not start on what the cut left it
            faults.append(str(fault))
        listens.terminate()
        listens.wait()
        thread.join()
        listens.stdout.close()
    return {"numbers": numbers, "seconds": marks[0] - began if marks else None, "faults": faults}
