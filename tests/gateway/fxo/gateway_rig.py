"""A simulated gateway of real parts: Debian's snmpd with the make's objects added by `pass_persist`, baresip as its SIP, and a bare socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
HOOK = "1.3.6.1.4.1.5003.9.10.8.2.20.1.1.4"
KIND = "1.3.6.1.4.1.5003.9.10.8.2.20.1.1.2"

#: snmpd's side of pass_persist (snmpd.conf(5)): objects come from a file that the test rewrites.
_OBJECTS = """
import json, sys
while True:
    line = sys.stdin.readline().strip()
    if not line:
        break
    if line == "PING":
        print("PONG", flush=True)
        continue
    oid = sys.stdin.readline().strip()
    with open(sys.argv[1]) as file:
        kind, value = json.load(file).get(oid.lstrip("."), (None, None))
    print("NONE" if kind is None or line != "get" else f"{oid}\\n{kind}\\n{value}", flush=True)
"""


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Snmpd:
    """The real agent. Its objects are `{oid: number or text}`."""

    def __init__(self, folder: Path, objects: dict[str, int | str], config: str = "rocommunity secreto 127.0.0.1") -> None:
        self._folder, self._config = folder, config
        self.port = free_port()
        self._objects: dict[str, int | str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self.community = folder / "community"
        self.community.write_text("secreto\n")
        (folder / "objects.py").write_text(_OBJECTS)
        self.set(**objects)

    def set(self, **objects: int | str) -> None:
        """Objects change."""
        self._objects |= objects
        said = {oid: ("integer" if isinstance(value, int) else "string", value) for oid, value in self._objects.items()}
        (self._folder / "new.json").write_text(json.dumps(said))
        (self._folder / "new.json").replace(self._folder / "objects.json")

    def start(self) -> None:
        roots = sorted({".".join(oid.split(".")[:8]) for oid in self._objects})
        passed = [f"pass_persist .{root} {sys.executable} {self._folder}/objects.py {self._folder}/objects.json" for root in roots]
        config = [f"agentaddress udp:127.0.0.1:{self.port}", self._config, *passed]
        (self._folder / "snmpd.conf").write_text("\n".join(config) + "\n")
        command = [shutil.which("snmpd", path=_PATH) or "snmpd", "-f", "-C", "-c", "snmpd.conf", "-Lf", "snmpd.log", "-p", "snmpd.pid"]
        env = {"PATH": _PATH, "MIBS": "", "MIBDIRS": str(self._folder), "SNMP_PERSISTENT_DIR": str(self._folder)}
        self._process = subprocess.Popen(command, cwd=self._folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stall(self) -> None:
        """It is there and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None


class Baresip:
    """Debian's baresip without a sound card, driven by its ctrl_tcp module."""

    def __init__(self, folder: Path, name: str = "0987654321", *, transport: str = "udp") -> None:
        self._folder, self._name, self._transport = folder, name, transport
        folder.mkdir(exist_ok=True)
        self._configure()
        self._process: subprocess.Popen[bytes] | None = None

    def _configure(self) -> None:
        folder = self._folder
        self.port, self._control = free_port(), free_port(socket.SOCK_STREAM)
        modules = Path("/usr/lib/baresip/modules")
        config = [
            f"sip_listen 127.0.0.1:{self.port}",
            f"ctrl_tcp_listen 127.0.0.1:{self._control}",
            "net_interface 127.0.0.1",
            f"module_path {modules}",
            "module g711.so",
            "module_app account.so",
            "module_app menu.so",
            "module_app ctrl_tcp.so",
        ]
        (folder / "config").write_text("\n".join(config) + "\n")
        account = f'"Ana Torres" <sip:{self._name}@127.0.0.1:{self.port};transport={self._transport}>;regint=0;audio_codecs=pcmu\n'
        (folder / "accounts").write_text(account)
        (folder / "contacts").write_text("")

    async def start(self) -> None:
        """Start it; again on other ports where somebody took one of these meanwhile."""
        for _ in range(3):
            try:
                return await self._started()
            except TimeoutError:
                self.stop()
                self._configure()
        raise TimeoutError(f"baresip does not start: {self.log}")

    async def _started(self) -> None:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(["baresip", "-f", str(self._folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control)
                    return
                await asyncio.sleep(0.05)

    async def do(self, command: str, params: str = "") -> dict[str, Any]:
        """One command of its menu, as a netstring of JSON; its answer."""
        said = json.dumps({"command": command, "params": params, "token": command}).encode()
        self._writer.write(b"%d:%s," % (len(said), said))
        async with asyncio.timeout(60):
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                heard: dict[str, Any] = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if heard.get("token") == command:
                    return heard

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None
        with contextlib.suppress(AttributeError):  # it may never have been reached
            self._writer.close()


class BareSocket:
    """A gateway's SIP by hand. While it is `alive` it answers the box's pings; all else that it hears is kept."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self.box = 0
        self.alive = True
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self._socket, self._hear)

    def _hear(self) -> None:
        data, source = self._socket.recvfrom(65536)
        if not self.alive:
            return
        text = data.decode()
        if text.startswith("OPTIONS"):
            head = "\r\n".join(line for line in text.split("\r\n") if line.startswith(("Via", "From", "To", "Call-ID", "CSeq")))
            self._socket.sendto(f"SIP/2.0 200 OK\r\n{head}\r\nContent-Length: 0\r\n\r\n".encode(), source)
        else:
            self._heard.put_nowait(text)

    def say(self, data: bytes) -> None:
        if self.alive:
            self._socket.sendto(data, ("127.0.0.1", self.box))

    async def hear(self, start: str = "") -> str:
        """The next answer that begins so."""
        async with asyncio.timeout(60):
            while not (text := await self._heard.get()).startswith(start):
                pass
            return text

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()


def request(
    method: str, port: int, *, call: str = "c1", user: str = "linea-1", more: str = "", to_tag: str = "", sends: str = "UDP"
) -> bytes:
    """A request as a gateway writes it; a call has one transaction."""
    lines = [
        f"{method} sip:{user}@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/{sends} 127.0.0.1:{port};rport;branch=z9hG4bK{call}",
        "Max-Forwards: 70",
        f'From: "Ana Torres" <sip:0987654321@127.0.0.1:{port}>;tag=f{call}',
        f"To: <sip:{user}@127.0.0.1>" + (f";tag={to_tag}" if to_tag else ""),
        f"Call-ID: {call}@gateway",
        f"CSeq: 1 {method}",
        f"Contact: <sip:gateway@127.0.0.1:{port}>",
        *([more] if more else []),
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
