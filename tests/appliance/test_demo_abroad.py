"""A simulated floor sent to somebody's own broker: over TLS with a client's certificate, under a name that says that it is simulated."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import MisconfiguredError
from appliance.demo_abroad import Abroad
from appliance.sim.crm import SimCrm

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def broker(short_path: Path) -> Iterator[tuple[Path, int, int]]:
    """Certificates and a mosquitto with two listeners: TLS that wants a client's certificate, and a plain one for the consumer."""
    folder = short_path

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True, timeout=30)

    openssl("req", "-x509", *_CURVE, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=trial")
    for name in ("broker", "box"):
        openssl(
            "req", "-x509", *_CURVE, "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.crt",
            "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip
    tls, plain = free_port(), free_port()
    user = "user root\n" if os.getuid() == 0 else ""
    (folder / "m.conf").write_text(
        f"{user}listener {plain} 127.0.0.1\nallow_anonymous true\nlistener {tls} 127.0.0.1\ncafile {folder}/ca.crt\n"
        f"certfile {folder}/broker.crt\nkeyfile {folder}/broker.key\nrequire_certificate true\n"
    )
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin") or "mosquitto"
    with subprocess.Popen([program, "-c", str(folder / "m.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield folder, tls, plain
        process.terminate()


@pytest.mark.broker
async def test_the_floor_arrives_over_tls_under_a_name_that_says_so(broker: tuple[Path, int, int]) -> None:
    folder, tls, plain = broker
    command = [sys.executable, "-m", "appliance.cli.main", "demo", "--plain", "--listen", "127.0.0.1:0", "--scenario", "monday-peak"]
    files = ["--ca-file", f"{folder}/ca.crt", "--cert-file", f"{folder}/box.crt", "--key-file", f"{folder}/box.key"]
    sources: set[str] = set()
    async with SimCrm(f"mqtt://127.0.0.1:{plain}", site="demo", box="simulated-trial") as crm:
        await crm.stood.wait()
        asked = [
            *command,
            "--speed",
            "60",
            "--crm",
            f"mqtts://127.0.0.1:{tls}",
            "--box",
            "simulated-trial",
            *files,
            "--dir",
            str(folder / "d"),
        ]
        with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
            until_s = time.monotonic() + 60
            while crm.book.events < 40 and time.monotonic() < until_s and demo.poll() is None:
                await asyncio.sleep(0.1)
                if crm.book.newest is not None:
                    sources.add(crm.book.newest.source)
            demo.terminate()
            told, _ = await asyncio.to_thread(demo.communicate, timeout=30)
    assert crm.book.events >= 40, told
    assert (crm.book.doubles, crm.book.missing) == (0, 0)
    assert all(source.startswith("/demo/simulated-trial/") for source in sources)
    assert "as box simulated-trial of site demo: what is simulated says so" in told


def test_no_simulated_box_has_a_real_ones_name(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="begins with simulated"):
        Abroad(url="mqtts://x", box="piso-3").rows()
    with pytest.raises(MisconfiguredError, match="no such file"):
        Abroad(url="mqtts://x", ca_file=tmp_path / "none.crt").rows()
    (tmp_path / "p").write_text("x\n")
    assert (
        Abroad(url="mqtts://x", username="crm", password_file=tmp_path / "p").rows()
        == f'password_file = "{tmp_path}/p"\nusername = "crm"\n'
    )
