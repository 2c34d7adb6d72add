"""A network between box and broker below TCP: two network namespaces, joined by a wire of ours that loses, delays, repeats and reorders packets.

Where the kernel has `tc … netem` this would be its work; a kernel without it still has TUN devices, and what passes between two of them
passes through this process. TCP on both sides is the kernel's own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator

from fault_box import Broker, Crm
from fault_kinds import Kind, wait
from fault_stage import PERSISTENT, Round, Stage

_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def may_make_networks() -> str:
    """Why no network can be made here; "" when it can."""
    name = f"cf-try-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
        if made.returncode:
            return made.stderr.strip()
        tun = subprocess.run(["ip", "-n", name, "tuntap", "add", "dev", "t0", "mode", "tun"], capture_output=True, text=True, check=False)
        subprocess.run(["ip", "netns", "del", name], check=False)
    except OSError as fault:
        return str(fault)
    return tun.stderr.strip()


@contextlib.contextmanager
def _inside(namespace: str) -> Iterator[None]:
    """What this thread opens inside belongs to that network."""
    libc = ctypes.CDLL(None, use_errno=True)
    home, there = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        yield
    finally:
        libc.setns(home, _CLONE_NEWNET)
        os.close(home)
        os.close(there)


class Network(threading.Thread):
    """Two namespaces, `{name}-a` at 10.77.0.1 and `{name}-b` at 10.77.0.2. The spoilers may be changed at any time."""

    def __init__(self, seed: int) -> None:
        super().__init__(daemon=True)
        self.name_ = f"cf{os.getpid()}"
        self._chance, self._ends = random.Random(seed), threading.Event()
        self.clear()
        self.passed = self.lost = self.reordered = 0
        self._ports = [self._made("a", 1), self._made("b", 2)]
        self.start()

    def clear(self) -> None:
        self.cut = False
        self.loss = self.repeats = self.garbles = self.reorders = 0.0
        self.delay_s = self.jitter_s = 0.0

    def inside(self, side: str) -> tuple[str, ...]:
        """What a command must begin with to run there."""
        return ("ip", "netns", "exec", f"{self.name_}-{side}")

    def _made(self, side: str, number: int) -> int:
        name = f"{self.name_}-{side}"
        subprocess.run(["ip", "netns", "add", name], check=True)
        with _inside(name):
            port = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(port, _TUNSETIFF, struct.pack("16sH22x", b"cf0", _IFF_TUN | _IFF_NO_PI))
        for words in (f"addr add 10.77.0.{number}/24 dev cf0", "link set cf0 up mtu 1400", "link set lo up"):
            subprocess.run(["ip", "-n", name, *words.split()], check=True)
        return port

    def run(self) -> None:
        due: list[tuple[float, int, int, bytes]] = []
        count = 0
        while not self._ends.is_set():
            timeout_s = 0.2 if not due else max(0.0, min(0.2, due[0][0] - time.monotonic()))
            ready, _, _ = select.select(self._ports, [], [], timeout_s)
            for port in ready:
                to = self._ports[1 - self._ports.index(port)]
                with contextlib.suppress(BlockingIOError):
                    while True:
                        for at_s, packet in self._spoiled(os.read(port, 65536)):
                            count += 1
                            heapq.heappush(due, (at_s, count, to, packet))
            while due and due[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(due)
                with contextlib.suppress(OSError):
                    os.write(to, packet)

    def _spoiled(self, packet: bytes) -> Iterator[tuple[float, bytes]]:
        self.passed += 1
        if self.cut or self._chance.random() < self.loss:
            self.lost += 1
            return
        at_s = time.monotonic() + self.delay_s + self._chance.random() * self.jitter_s
        if self._chance.random() < self.reorders:
            self.reordered += 1
            at_s += self.delay_s + 0.01 + self._chance.random() * 0.05
        if self._chance.random() < self.garbles:
            raw = bytearray(packet)
            raw[self._chance.randrange(len(raw))] ^= 1 << self._chance.randrange(8)
            packet = bytes(raw)
        yield at_s, packet
        if self._chance.random() < self.repeats:
            yield at_s + self._chance.random() * 0.02, packet

    def close(self) -> None:
        self._ends.set()
        self.join()
        for port in self._ports:
            os.close(port)
        for side in "ab":
            subprocess.run(["ip", "netns", "del", f"{self.name_}-{side}"], check=False)


class NetStage(Stage):
    """The uplink in one network, the broker in another; the consumer reaches the broker by its unix socket."""

    def _broker(self) -> tuple[Broker, Crm, str]:
        self.network = Network(self.seed)
        socket = self.folder / "mqtt.sock"
        lines = PERSISTENT.format(folder=self.folder) + f"listener 0 {socket}\n"
        broker = self.site.broker(lines, host="10.77.0.1", prefix=self.network.inside("a"))
        self.site.until(socket.exists, what=broker.log)
        return broker, self.site.crm(1883, socket), f"mqtt://10.77.0.1:{broker.port}"

    def _crm_lines(self) -> str:
        return "insecure = true\n"

    def _prefixes(self) -> dict[str, tuple[str, ...]]:
        return {"uplink": self.network.inside("b")}

    def close(self) -> None:
        super().close()
        self.network.close()


def _net(**how: float) -> object:
    def play(stage: NetStage, _: Round, chance: random.Random) -> None:
        for name, value in how.items():
            setattr(stage.network, name, value)
        wait(chance, 4.0, 6.0)
        stage.network.clear()

    return play


def _cut(stage: NetStage, played: Round, chance: random.Random) -> None:
    """The cable is pulled: no RST, no FIN."""
    stage.network.cut = True
    wait(chance, 1.0, 6.0)
    stage.network.clear()


def _cut_long(stage: NetStage, played: Round, _: random.Random) -> None:
    """Pulled for longer than the box may take to find out."""
    stage.network.cut = True
    with played.down(allow_s=20.0):
        time.sleep(26.0)
    stage.network.clear()


def _flaps(stage: NetStage, _: Round, chance: random.Random) -> None:
    for _time in range(8):
        stage.network.cut = not stage.network.cut
        wait(chance, 0.2, 1.2)
    stage.network.clear()


NETWORK = (
    Kind("cable pulled for seconds", 4, _cut),
    Kind("cable pulled for 26 s", 2, _cut_long),
    Kind("cable flaps", 3, _flaps),
    Kind("delay 300 ms, jitter 200 ms", 3, _net(delay_s=0.3, jitter_s=0.2)),
    Kind("loss 10 %", 3, _net(loss=0.1, delay_s=0.02)),
    Kind("loss 35 %", 3, _net(loss=0.35, delay_s=0.02)),
    Kind("reordering 30 %", 3, _net(reorders=0.3, delay_s=0.01)),
    Kind("repeats 20 %, bit errors 5 %", 3, _net(repeats=0.2, garbles=0.05)),
)
